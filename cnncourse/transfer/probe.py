"""A linear probe: the network stays, a new head is fitted to its features."""

from typing import TYPE_CHECKING

from cnncourse._checks import check_filled
from cnncourse.models import Trained
from cnncourse.transfer.features import extract
from cnncourse.transfer.heads import head_name, replace_head, set_head
from cnncourse.transfer.linear import LinearHead, fit_head

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


def linear_probe(
    trained: Trained,
    train_set: "ImageSet",
    decay: float | None = None,
    seed: int = 0,
    cache: bool = True,
    progress: bool | None = None,
) -> Trained:
    """Return a network with a new head for the classes of `train_set`, fitted to the features of its images.

    Parameters
    ----------
    trained : Trained
        The network; it stays as it is.
    train_set : ImageSet
        Images of its channels and size.
    decay : float, optional
        The weight decay: as for `fit_head`.
    seed : int
        Decides the folds in which the decay is chosen.
    cache, progress : bool
        As for `extract`.

    Returns
    -------
    Trained

    Raises
    ------
    TypeError, ValueError
        If the images do not fit the network, or a class has none.

    Examples
    --------
    >>> from cnncourse import data, models, training
    >>> train, test = (data.load("digits", split, size=32) for split in ("train", "test"))
    >>> digits = linear_probe(models.load_trained("lenet5"), train.take(100), cache=False)
    >>> training.evaluate(digits, test)["accuracy"] > 0.9
    True
    """
    check_filled("train_set", train_set, "at least one image of each class")
    new = replace_head(trained, train_set.classes, seed)
    features = extract(trained, train_set, cache=cache, progress=progress)
    count, bias = len(train_set.classes), has_bias(new)
    install(new, fit_head(features, train_set.labels, count, decay, seed=seed, bias=bias))
    return new


def has_bias(trained: Trained) -> bool:
    """Return whether the network's head has a bias."""
    return trained.model.get_submodule(head_name(trained.model)).bias is not None


def install(trained: Trained, head: LinearHead) -> None:
    """Write a fitted head into a network, in place."""
    set_head(trained, head.weight, head.bias)
