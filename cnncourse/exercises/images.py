"""Exercises of the chapter on images: axes in order, each channel's mean and deviation, normalized pixels."""

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


def _files(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3),)
    yield (np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3),)
    for shape in ((2, 2, 3, 3), (3, 3, 3, 3), (2, 4, 5, 3), (4, 4, 4, 4)):
        yield (rng.integers(0, 256, size=shape).astype(np.uint8),)


check_channels_first = Task(
    "channels_first",
    "Given images (N, H, W, C), as files hold them. Return them as (N, C, H, W), as networks want them.",
    lambda images: images.transpose(0, 3, 1, 2),
    _files,
    (
        Mistake(
            "reshape",
            "You reshape: the numbers stay in their order and are cut up anew, so colors end up as places.",
            lambda images: images.reshape(*np.array(images.shape)[[0, 3, 1, 2]]),
            ("Look at the first channel of your result as an image.", "Axes are moved, not cut anew."),
        ),
        Mistake(
            "turned over",
            "Rows and columns have changed places too: your images lie on their side.",
            lambda images: images.transpose(0, 3, 2, 1),
            ("Write down where each of the four axes should come from.",),
        ),
        Mistake(
            "all axes turned round",
            "All four axes are turned round: that's .T, with the images last.",
            lambda images: images.T,
            ("Which axis stays where it is?",),
        ),
        Mistake(
            "channels before images",
            "The channels are before the images: (C, N, H, W).",
            lambda images: images.transpose(3, 0, 1, 2),
            ("Which axis stays where it is?",),
        ),
        Mistake(
            "swapped with the rows",
            "You swap the channels with the rows: (N, C, W, H), every image turned over.",
            lambda images: images.swapaxes(1, 3)[:, :, ::-1],
            ("What are the shapes of images of 2x3 pixels?",),
        ),
        Mistake(
            "colors turned round",
            "The order of the channels is turned round: red has become blue.",
            lambda images: images.transpose(0, 3, 1, 2)[:, ::-1],
            ("Which channel of a file comes first?",),
        ),
        Mistake(
            "one step too few",
            "The channels have moved by one place: (N, H, C, W).",
            lambda images: images.transpose(0, 1, 3, 2),
            ("How many axes do the channels pass on their way?",),
        ),
        Mistake(
            "left",
            "Nothing has changed.",
            lambda images: images,
            ("Which of the shapes is wanted?", "Functions of NumPy return a new array."),
        ),
    ),
)


def _bytes(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (np.array([[[[0, 255]]]], np.uint8),)
    yield (np.array([[[[0, 51]], [[102, 102]]], [[[51, 102]], [[0, 204]]]], np.uint8),)
    for shape in ((2, 3, 2, 2), (3, 3, 4, 3), (4, 2, 3, 3)):
        yield (rng.integers(0, 256, size=shape).astype(np.uint8),)


def _channel_statistics(images: Array) -> tuple[Array, Array]:
    return by_hand.channel_statistics(images / 255)


check_channel_statistics = Task(
    "channel_statistics",
    "Given images (N, C, H, W) of bytes. Take pixels from 0 to 1, and return each channel's mean (C,) and "
    "standard deviation (C,) over all images and places. Return mean, std.",
    _channel_statistics,
    _bytes,
    (
        Mistake(
            "not divided by 255",
            "Yours go to 255; pixels from 0 to 1 are wanted.",
            lambda images: by_hand.channel_statistics(1.0 * images),
            ("What is white, as a byte and as a number from 0 to 1?",),
        ),
        Mistake(
            "mean of the deviations",
            "std: you take each image's deviation and average them. That leaves out how images differ.",
            lambda images: (_channel_statistics(images)[0], (images / 255).std(axis=(2, 3)).mean(axis=0)),
            ("Two images, one all black and one all white: what is the deviation?",),
        ),
        Mistake(
            "variance",
            "std: that's the variance; its root is missing.",
            lambda images: (_channel_statistics(images)[0], _channel_statistics(images)[1] ** 2),
            ("np.std or np.var?",),
        ),
        Mistake(
            "one for all channels",
            "There is one mean and one deviation for all channels; each has its own.",
            lambda images: ((images / 255).mean(), (images / 255).std()),
            ("How many means are there for red, green and blue?",),
        ),
        Mistake(
            "one for each image",
            "Each image has its own mean and deviation; a channel has one of each for all images.",
            lambda images: ((images / 255).mean(axis=(1, 2, 3)), (images / 255).std(axis=(1, 2, 3))),
            ("Which axis is that of the channels?",),
        ),
        Mistake(
            "one for each place",
            "Each pixel has its own mean and deviation; a channel has one of each for all places.",
            lambda images: ((images / 255).mean(axis=0), (images / 255).std(axis=0)),
            ("Which axes have to go?", "axis=(0, 2, 3)"),
        ),
        Mistake(
            "n minus one",
            "std: you divide by n - 1; we divide by n.",
            lambda images: (_channel_statistics(images)[0], (images / 255).std(axis=(0, 2, 3), ddof=1)),
            ("ddof",),
        ),
        Mistake(
            "squares of bytes",
            "std: you square bytes, and 16 times 16 is 0 as a byte.",
            lambda images: (
                _channel_statistics(images)[0],
                np.sqrt(
                    np.abs(
                        (images**2).mean(axis=(0, 2, 3)) / 255**2 - (images / 255).mean(axis=(0, 2, 3)) ** 2
                    )
                ),
            ),
            ("What is the largest number in a byte?", "Divide by 255 first."),
        ),
        Mistake(
            "order",
            "mean and std have changed places.",
            lambda images: _channel_statistics(images)[::-1],
            ("Look at the order of what you return.",),
        ),
    ),
)
