"""The exercise of the chapter on images: pixels scaled to mean 0 and deviation 1 in each channel."""

from collections.abc import Iterator

import numpy as np

from cnncourse import images as by_hand
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _pixels(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[255]]]], np.uint8), np.array([0.5]), np.array([0.25])
    yield np.array([[[[0, 51]]]], np.uint8), np.array([0.5]), np.array([0.5])
    for shape in ((1, 2, 2, 3), (2, 3, 2, 3), (2, 3, 3, 4), (2, 3, 3, 4)):
        C = shape[1]
        pixels = rng.integers(0, 256, size=shape).astype(np.uint8)
        yield pixels, rng.uniform(0.3, 0.6, size=C), rng.uniform(0.1, 0.3, size=C)


def _normalize(images: Array, mean: Array, std: Array) -> Array:
    return by_hand.normalize(images / 255, mean, std)


def _wide(values: Array) -> Array:
    return values[:, None, None]


check_normalize = Task(
    "normalize",
    "Given images (N, C, H, W) of bytes, and each channel's mean (C,) and std (C,), for pixels from 0 to 1. "
    "Return the normalized images, as floating-point numbers.",
    _normalize,
    _pixels,
    (
        Mistake(
            "not divided by 255",
            "mean and std are for pixels from 0 to 1; yours go to 255.",
            lambda images, mean, std: _normalize(255.0 * images, mean, std),
            ("What is white, as a byte and as a number from 0 to 1?",),
        ),
        Mistake(
            "not divided by std",
            "The division by std is missing.",
            lambda images, mean, std: images / 255 - _wide(mean),
            ("What is the deviation of your result?",),
        ),
        Mistake(
            "mean left",
            "The mean isn't subtracted.",
            lambda images, mean, std: images / 255 / _wide(std),
            ("What is the mean of your result?",),
        ),
        Mistake(
            "divided first",
            "You divide by std before you subtract the mean.",
            lambda images, mean, std: images / 255 / _wide(std) - _wide(mean),
            ("Brackets.",),
        ),
        Mistake(
            "variance",
            "You divide by the square of std.",
            lambda images, mean, std: (images / 255 - _wide(mean)) / _wide(std) ** 2,
            ("std is a deviation already.",),
        ),
        Mistake(
            "own statistics",
            "You measured mean and std anew on these images; they are given, from the training images.",
            lambda images, mean, std: (
                (images - images.mean(axis=(0, 2, 3), keepdims=True))
                / np.maximum(images.std(axis=(0, 2, 3), keepdims=True), 1e-12)
            ),
            ("What would a single gray test image become?",),
        ),
        Mistake(
            "along the width",
            "mean and std are laid along the width; they belong to the channels.",
            lambda images, mean, std: (images / 255 - mean) / std,
            ("Shapes meet from the right: (C,) meets W.", "Give them the shape (C, 1, 1)."),
        ),
        Mistake(
            "clipped",
            "You cut off what is below 0 or above 1: normalized pixels may be both.",
            lambda images, mean, std: np.clip(_normalize(images, mean, std), 0, 1),
            ("What is black, normalized?",),
        ),
    ),
)
