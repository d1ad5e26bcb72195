"""How well a network recognizes changed images: shifted, turned, scaled, squashed, lit otherwise.

What a network was not shown while it was trained it need not know: a change is measured to say for which of
them that matters.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cnncourse._checks import check_choice, check_filled, check_number
from cnncourse.augmentation import adjust_brightness, affine, rotate
from cnncourse.models import Trained
from cnncourse.training.evaluation import evaluate

if TYPE_CHECKING:
    from cnncourse.data import ImageSet

__all__ = ["CHANGES", "accuracy_under", "change_images"]

# By how much images are changed by default, and what changes nothing.
CHANGES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "shift": (0, 1 / 16, 1 / 8, 1 / 4, 3 / 8),  # shares of the width, to the right
        "angle": (0, 15, 30, 45, 90),  # degrees counterclockwise
        "scale": (0.5, 0.75, 1, 1.5, 2),  # times as large
        "squash": (0.5, 0.75, 1, 1.5, 2),  # times as wide
        "brightness": (0.25, 0.5, 1, 2, 3),  # times as bright
    }
)
BLOCK = 1000  # images changed at a time


def change_images(images: np.ndarray, change: str, amount: float) -> np.ndarray:
    """Return images of which all are changed alike.

    What comes in at the borders is the mirror image of what is there: a black border would be a change of
    its own. Between pixels, values are interpolated bilinearly.

    Parameters
    ----------
    images : ndarray of uint8 of shape (N, C, H, W)
        Pixels from 0 to 255.
    change : {"shift", "angle", "scale", "squash", "brightness"}
        What is done: moved to the right, turned counterclockwise around the center, enlarged about it,
        enlarged along x alone, multiplied.
    amount : float
        Of a shift the share of the width, to whole pixels, at most a half to either side; of a turn degrees;
        of a scale or squash a factor of at least 0.5; of brightness one of at least 0.

    Returns
    -------
    ndarray of uint8 of shape (N, C, H, W)

    Raises
    ------
    ValueError
        If the change is unknown or too large, so that something else than the image would come in.

    Examples
    --------
    >>> image = np.array([[0, 50, 100, 150]], np.uint8).reshape(1, 1, 1, 4)
    >>> change_images(image, "shift", 1 / 4).ravel(), change_images(image, "brightness", 2).ravel()
    (array([  0,   0,  50, 100], dtype=uint8), array([  0, 100, 200, 255], dtype=uint8))
    """
    height, width = images.shape[2:]
    limits = {"shift": (-0.5, 0.5), "angle": (-360, 360), "scale": (0.5, np.inf)}
    limits |= {"squash": (0.5, np.inf), "brightness": (0, np.inf)}
    check_choice("change", change, limits)
    check_number(f"amount of {change}", amount, *limits[change], below=False)
    pixels = images.astype(np.float32) / 255
    if change == "brightness":
        return _to_bytes(adjust_brightness(pixels, amount))
    side = (max(height, width) + 1) // 2
    pixels = np.pad(pixels, ((0, 0), (0, 0), (side, side), (side, side)), mode="symmetric")
    if change == "angle":
        moved = rotate(pixels, amount)
    elif change == "shift":
        moved = affine(pixels, translate=(round(amount * width), 0.0))
    else:
        moved = affine(pixels, scale=(amount, amount if change == "scale" else 1.0))
    return _to_bytes(moved[:, :, side : side + height, side : side + width])


def accuracy_under(
    trained: Trained, image_set: "ImageSet", change: str, amounts: Sequence[float] | None = None
) -> np.ndarray:
    """Return the accuracy on images that are changed by one amount after the other.

    Parameters
    ----------
    trained : Trained
        The network.
    image_set : ImageSet
        Images of the test split.
    change : str
        What is done with them: see `change_images`.
    amounts : sequence of float, optional
        By how much, by default as `CHANGES` says.

    Returns
    -------
    ndarray of float64 of shape (amounts,)
        From 0 to 1.

    Raises
    ------
    ValueError
        If the change is unknown or too large, or the images do not fit the network.

    Examples
    --------
    >>> from cnncourse import data, models
    >>> lenet = models.load_trained("lenet5")
    >>> digits = data.load("digits", "test", size=32)
    >>> accuracy_under(lenet, digits, "angle", [0, 90]).round(1)
    array([1. , 0.1])
    """
    check_choice("change", change, CHANGES)
    values = CHANGES[change] if amounts is None else amounts
    check_filled("amounts", values, "at least one number")
    found = []
    for amount in values:
        blocks = range(0, len(image_set), BLOCK)
        parts = [change_images(image_set.images[start : start + BLOCK], change, amount) for start in blocks]
        changed = dataclasses.replace(image_set, images=np.concatenate(parts)) if parts else image_set
        found.append(evaluate(trained, changed)["accuracy"])
    return np.array(found)


def _to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Return pixels from 0 to 1 as uint8."""
    rounded: np.ndarray = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
    return rounded
