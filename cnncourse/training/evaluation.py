"""What a network does on images: its loss and its accuracy."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._checks import check_count, check_views
from cnncourse._modules import check_module, device_of, evaluating
from cnncourse.models import Trained
from cnncourse.training.batches import Batches
from cnncourse.training.precision import autocast
from cnncourse.training.support import check_model, check_not_empty

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


def evaluate(
    model: nn.Module | Trained,
    image_set: "ImageSet",
    batch_size: int = 1000,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    dtype: torch.dtype = torch.float32,
    views: int = 1,
) -> dict[str, float]:
    """Return the mean loss and the accuracy of `model` on `image_set`.

    Every image counts once, whatever the size of its batch.

    Parameters
    ----------
    model : nn.Module or Trained
        Takes images (N, C, H, W) and returns logits (N, classes). A `cnncourse.models.Trained` scales the
        images as it was trained, and their classes are matched with its own by name.
    image_set : ImageSet
        The images to classify.
    batch_size : int
        Images at a time; it changes the speed, not the result.
    mean, std : sequence of float
        How pixels are scaled: what the recipe of the training says. A `Trained` knows; with other numbers
        than those of the training a network errs more, without a word, so there is no default.
    dtype : torch.dtype
        The format of convolutions and matrix products.
    views : {1, 2, 6}
        Over how many versions of an image its logits are averaged: see `average_views`. Each costs the time
        of one.

    Returns
    -------
    dict
        ``loss`` (cross-entropy, in nats) and ``accuracy`` (0 to 1).

    Raises
    ------
    TypeError
        If `mean` and `std` are missing for a module, or given for a `Trained`.
    ValueError
        If the images do not fit the network, or are of classes that it does not know; if `views` is another
        number.

    Examples
    --------
    >>> from cnncourse import data
    >>> class AlwaysFirst(nn.Module):
    ...     def forward(self, x):
    ...         return F.one_hot(torch.zeros(len(x), dtype=torch.long), 10).float()
    >>> found = evaluate(AlwaysFirst(), data.load("digits", "test"), mean=(0.5,), std=(0.5,))
    >>> round(found["accuracy"], 3)
    0.099
    """
    network = model.model if isinstance(model, Trained) else model
    batches = _batches(model, image_set, batch_size, mean, std)
    loss_sum, correct = 0.0, 0
    with evaluating(network), torch.inference_mode():
        for images, labels in batches:
            with autocast(images.device, dtype):
                logits = average_views(network, images, views)  # (B, classes)
            loss_sum += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += int((logits.argmax(dim=1) == labels).sum())
    return {"loss": loss_sum / len(image_set), "accuracy": correct / len(image_set)}


def average_views(
    network: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, views: int
) -> torch.Tensor:
    """Return logits (B, classes) averaged over versions of each image: test-time augmentation.

    Parameters
    ----------
    network : callable
        From images to logits (B, classes).
    images : torch.Tensor
        Shape (B, C, H, W).
    views : {1, 2, 6}
        One is the image as it is; two are the image and its mirror image; six are these two at three places,
        as they are with weight 1/2, and a pixel up and left, and down and right, with 1/4 each.

    Raises
    ------
    ValueError
        If it is another number.

    References
    ----------
    K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498
    """

    def mirrored(x: torch.Tensor) -> torch.Tensor:
        return (network(x).float() + network(x.flip(3)).float()) / 2

    check_views(views)
    if views == 1:
        return network(images).float()
    if views == 2:
        return mirrored(images)
    height, width = images.shape[2:]
    padded = F.pad(images, (1,) * 4, mode="reflect")
    first, last = (mirrored(padded[..., i : i + height, i : i + width]) for i in (0, 2))
    return mirrored(images) / 2 + (first + last) / 4


def _batches(
    model: nn.Module | Trained,
    image_set: "ImageSet",
    batch_size: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Return the images as the network takes them, and their labels as it counts them, in batches."""
    if not isinstance(model, Trained):
        if mean is None or std is None:
            missing = " and ".join(name for name, value in (("mean", mean), ("std", std)) if value is None)
            raise TypeError(
                f"evaluate needs {missing} of a bare module; give those of its recipe, mean=recipe.mean and "
                "std=recipe.std, or a models.Trained, which has its own"
            )
        check_model(check_module(model), image_set)
        return iter(
            Batches(image_set, batch_size, shuffle=False, mean=mean, std=std, device=device_of(model))
        )
    if mean is not None or std is not None:
        raise TypeError(
            f"a Trained has its own mean {model.mean} and std {model.std}; leave out those of the call"
        )
    check_count("batch_size", batch_size)
    check_not_empty(image_set)
    return _prepared(model, match_classes(image_set, model.classes), batch_size)


def _prepared(
    trained: Trained, image_set: "ImageSet", batch_size: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for start in range(0, len(image_set), batch_size):
        chosen = slice(start, start + batch_size)
        images = trained.prepare(image_set.images[chosen])  # (B, C, H, W)
        yield images, torch.from_numpy(np.asarray(image_set.labels[chosen])).to(images.device)


def match_classes(image_set: "ImageSet", classes: tuple[str, ...]) -> "ImageSet":
    """Return the images with their labels counted in `classes`, by the classes' names.

    Raises
    ------
    ValueError
        If images are of a class that is not among them.

    Examples
    --------
    >>> from cnncourse.data import ImageSet
    >>> pets = ImageSet(np.zeros((2, 1, 4, 4), np.uint8), np.array([0, 1]), ("cat", "dog"))
    >>> match_classes(pets, ("ant", "dog", "cat")).labels.tolist()
    [2, 1]
    """
    if image_set.classes == classes:
        return image_set
    strange = [name for name, count in image_set.class_counts().items() if count and name not in classes]
    if strange:
        raise ValueError(
            f"{image_set.name!r} has images of {', '.join(strange)}, which the network does not know; "
            f"its classes: {', '.join(classes)}"
        )
    places = np.array([classes.index(name) if name in classes else -1 for name in image_set.classes])
    return dataclasses.replace(image_set, labels=places[image_set.labels], classes=classes)
