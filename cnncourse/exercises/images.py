"""Exercises of the chapter on images: memory, bytes, axes, channels' statistics, and a broken program."""

from collections.abc import Iterator

import numpy as np

from cnncourse import images as by_hand
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _entry(rng: np.random.Generator) -> dict[str, int]:
    H, W = (int(side) for side in rng.choice([16, 20, 24, 28, 32, 40, 48, 64], 2, replace=False))
    n, c, h, w = (int(number) for number in (*rng.integers(1, [5, 3]), *rng.integers(2, 15, size=2)))
    return {"N": int(rng.choice([8, 16, 32, 64])), "H": H, "W": W, "n": n, "c": c, "h": h, "w": w}


def _in_memory(N: int, H: int, W: int, n: int, c: int, h: int, w: int) -> tuple[int, int, int]:
    return 4 * N * 3 * H * W, ((n * 3 + c) * H + h) * W + w, ((n * H + h) * W + w) * 3 + c


_other_memory = from_right(_in_memory)


check_places_in_memory = Pencil(
    "places_in_memory",
    "bytes in float32, the place with channels first, the place with channels last",
    _entry,
    _in_memory,
    (
        Mistake(
            "a byte each",
            "Your bytes are those of uint8; a float32 takes four.",
            _other_memory(lambda size, first, last, **_: (size // 4, first, last)),
            ("How many bits are in float32, and how many in a byte?",),
        ),
        Mistake(
            "bits",
            "You count bits; eight of them are a byte.",
            _other_memory(lambda size, first, last, **_: (8 * size, first, last)),
            ("How many bits are in float32, and how many in a byte?",),
        ),
        Mistake(
            "one image",
            "Your bytes are those of one image; there are N of them.",
            _other_memory(lambda size, first, last, N, **_: (size // N, first, last)),
            ("Which of the four axes is missing in your product?",),
        ),
        Mistake(
            "orders swapped",
            "Your two places are swapped.",
            _other_memory(lambda size, first, last, **_: (size, last, first)),
            ("In which order does the last index run fastest through the channels?",),
        ),
        Mistake(
            "counted from one",
            "Your places are one too large: the first entry is at 0.",
            _other_memory(lambda size, first, last, **_: (size, first + 1, last + 1)),
            ("Where is the entry (0, 0, 0, 0)?",),
        ),
        Mistake(
            "column by column",
            "You go down the columns; in memory, the pixels of a row are side by side.",
            _other_memory(
                lambda size, first, last, H, W, n, c, h, w, **_: (
                    size,
                    ((n * 3 + c) * W + w) * H + h,
                    ((n * W + w) * H + h) * 3 + c,
                )
            ),
            ("Which index runs fastest, the last or the one before?",),
        ),
        Mistake(
            "rows of the wrong length",
            "You step from row to row by the height; a row is as long as the image is wide.",
            _other_memory(
                lambda size, first, last, H, W, n, c, h, w, **_: (
                    size,
                    (n * 3 + c) * H * W + h * H + w,
                    (n * H * W + h * H + w) * 3 + c,
                )
            ),
            ("How many pixels have you passed after one row?",),
        ),
        Mistake(
            "the first image",
            "Your places are in the first image, whatever n is.",
            _other_memory(
                lambda size, first, last, H, W, n, **_: (size, first - n * 3 * H * W, last - n * 3 * H * W)
            ),
            ("How many entries are in the images before this one?",),
        ),
    ),
)


def _four_bytes(rng: np.random.Generator) -> dict[str, int]:
    return {
        "a": int(rng.integers(150, 250)) | 1,
        "b": int(rng.integers(130, 250)) | 1,
        "c": int(rng.integers(10, 60)),
        "d": int(rng.integers(70, 140)),
    }


check_bytes_that_wrap = Pencil(
    "bytes_that_wrap",
    "the sum, the difference, the mean",
    _four_bytes,
    lambda a, b, c, d: ((a + b) % 256, (c - d) % 256, (a + b) % 256 // 2),
    (
        Mistake(
            "whole numbers",
            "That's right for Python's own numbers. A byte has no room for what is above 255 or below 0.",
            lambda a, b, c, d: (a + b, c - d, (a + b) // 2),
            ("Which is the largest byte, and what comes after it?",),
        ),
        Mistake(
            "clipped",
            "You stop at 0 and 255; NumPy doesn't, it goes round.",
            lambda a, b, c, d: (255, 0, 127),
            ("What does a clock show an hour after twelve?",),
        ),
        Mistake(
            "wraps at 255",
            "You take away 255; there are 256 bytes.",
            lambda a, b, c, d: ((a + b) % 255, (c - d) % 255, (a + b) % 255 // 2),
            ("What is 255 + 1?",),
        ),
        Mistake(
            "a minus sign",
            "Your difference is below 0, where no byte is.",
            lambda a, b, c, d: ((a + b) % 256, c - d, (a + b) % 256 // 2),
            ("What is 0 - 1?",),
        ),
        Mistake(
            "the amount of the difference",
            "Your difference lost its sign. It goes below 0, and round.",
            lambda a, b, c, d: ((a + b) % 256, d - c, (a + b) % 256 // 2),
            ("What is 0 - 1?",),
        ),
        Mistake(
            "mean of the true sum",
            "Your mean is the true one; here the sum has wrapped before it is halved.",
            lambda a, b, c, d: ((a + b) % 256, (c - d) % 256, (a + b) // 2),
            ("Which is computed first in (a + b) // 2?",),
        ),
        Mistake(
            "halved first",
            "You halved both before you added them. That's a way to avoid the trap, but not what is asked.",
            lambda a, b, c, d: ((a + b) % 256, (c - d) % 256, a // 2 + b // 2),
            ("Which is computed first in (a + b) // 2?",),
        ),
    ),
)


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


def _even_images(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (np.array([[[[10, 20], [30, 40]]]], np.uint8),)
    yield (np.array([[[[250, 250], [250, 251]]]], np.uint8),)
    yield (np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4) * 16,)
    for shape in ((2, 3, 4, 6), (1, 2, 6, 4), (2, 1, 4, 4)):
        images = rng.integers(0, 255, size=shape).astype(np.uint8)
        sums = sum(images[..., i::2, j::2].astype(int) for i in (0, 1) for j in (0, 1))
        images[..., ::2, ::2] += sums % 4 == 2  # no mean halfway between two bytes: both would be nearest
        yield (images,)


check_shrink = Task.broken(
    "shrink",
    "Given images (N, C, H, W) of bytes, H and W even. Return images of half the height and width as bytes: "
    "each pixel is the mean of a block of 2x2, rounded to the nearest byte.",
    '''
def shrink(images):
    """Halve height and width of images (N, C, H, W), bytes, by block means."""
    N, C, H, W = images.shape
    blocks = images.reshape(N, C, H // 2, 2, W // 2, 2)
    means = blocks.astype(float).mean(axis=(3, 5))
    return np.round(means).astype(np.uint8)
''',
    _even_images,
    (
        Bug(
            "the sum wraps",
            "blocks.astype(float).mean(axis=(3, 5))",
            "blocks.sum(axis=(3, 5), dtype=np.uint8) / 4",
            "Dark areas are fine, and bright ones come out dark.",
            ("Shrink a white image.", "How large can the sum of four bytes be?"),
        ),
        Bug(
            "cut off",
            "np.round(means).astype",
            "means.astype",
            "On average, the result is more than a third of a level too dark.",
            ("Shrink a block of 250, 251, 251 and 251.", "What does astype do with 0.9?"),
        ),
        Bug(
            "every second pixel",
            "blocks.astype(float).mean(axis=(3, 5))",
            "blocks[:, :, :, 0, :, 0]",
            "Fine lines vanish, or stay, depending on where they are.",
            ("Shrink a checkerboard.", "Does each of the four pixels count?"),
        ),
        Bug(
            "the largest",
            "blocks.astype(float).mean(axis=(3, 5))",
            "blocks.max(axis=(3, 5))",
            "The result is brighter than the image was.",
            ("Shrink a checkerboard.", "Does each of the four pixels count?"),
        ),
        Bug(
            "rows alone",
            "blocks.astype(float).mean(axis=(3, 5))",
            "blocks.astype(float).mean(axis=3)[..., 0]",
            "Level lines turn gray as they should; upright ones vanish, or stay, by where they are.",
            ("Shrink upright stripes.", "Which axes does a block have?"),
        ),
        Bug(
            "blocks torn apart",
            "reshape(N, C, H // 2, 2, W // 2, 2)",
            "reshape(N, C, 2, H // 2, 2, W // 2).transpose(0, 1, 3, 2, 5, 4)",
            "The result shows the four quarters of the image, laid over each other.",
            ("Shrink an image with one white pixel.", "Which pixels does reshape put side by side?"),
        ),
        Bug(
            "not rounded",
            "np.round(means).astype(np.uint8)",
            "means",
            "There are fractions in the result, and no byte has one.",
            ("Which dtype has the result?",),
        ),
    ),
)
