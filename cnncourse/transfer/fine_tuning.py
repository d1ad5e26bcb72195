"""Fine-tuning: all of a trained network goes on learning, from a few images of other classes."""

from typing import TYPE_CHECKING

from cnncourse._checks import check_bool
from cnncourse.models import Trained
from cnncourse.training import Recipe, State, fit
from cnncourse.training.evaluation import match_classes
from cnncourse.training.state import History
from cnncourse.transfer.freezing import depth_rates, freeze_statistics

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


def fine_tune(
    trained: Trained,
    train_set: "ImageSet",
    recipe: Recipe,
    head: float = 10.0,
    decay: float = 1.0,
    statistics: bool = False,
    validation: "ImageSet | None" = None,
    progress: bool | None = None,
) -> History:
    """Train a network that begins with the weights of another task, in place.

    Parameters
    ----------
    trained : Trained
        As `replace_head` returns it: its classes are those of the images. What `freeze` has frozen stays so.
    train_set : ImageSet
        Images of the network's `size`; they are scaled to its resolution.
    recipe : Recipe
        A tenth of the rate that suits new weights, or less: 3e-4 with AdamW. `mean` and `std` are taken from
        the network.
    head : float
        How many times the recipe's learning rate the head gets, which is new.
    decay : float
        How many times the rate of a stage the stage before it gets: see `depth_rates`.
    statistics : bool
        Whether batch normalization takes its statistics from the new images, and not from those that the
        network was trained on before.
    validation : ImageSet, optional
        Evaluated after each epoch.
    progress : bool, optional
        Whether to show a bar; by default, where it would be seen.

    Returns
    -------
    list of dict
        The rows that `training.fit` returns. The network is in evaluation mode.

    Raises
    ------
    TypeError, ValueError
        If the images do not fit the network, or are of classes that it does not know.
    DivergedError
        If the loss becomes infinite or not a number.

    Examples
    --------
    >>> from cnncourse import data, models, transfer
    >>> images = data.load("digits", size=32).take(40)
    >>> digits = models.load_trained("lenet5")
    >>> again = transfer.replace_head(digits, digits.classes)
    >>> history = transfer.fine_tune(again, images, Recipe(epochs=1, batch_size=20, learning_rate=1e-4))
    >>> len(history), again.model.training
    (1, False)
    """
    check_bool("statistics", statistics)
    network = trained.network  # with the scaling to its resolution
    inside = "" if network is trained.model else "model."
    recipe = recipe.replace(mean=list(trained.mean), std=list(trained.std))
    images = match_classes(train_set, trained.classes)
    judged = None if validation is None else match_classes(validation, trained.classes)
    if not statistics:
        freeze_statistics(trained.model)
    network.training = trained.model.training
    rates = {f"{inside}{part}": rate for part, rate in depth_rates(trained.model, decay, head).items()}
    state = State(network, recipe, images, rates)
    try:
        return fit(network, images, recipe, judged, progress, state=state)
    finally:
        trained.model.eval()
