"""Exercises of the chapter on augmentation, with random numbers given: crops, flips, mixed images."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _crops(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(1.0, 10.0).reshape(1, 1, 3, 3), np.array([0]), np.array([1]), 1
    yield np.arange(1.0, 10.0).reshape(1, 1, 3, 3), np.array([2]), np.array([0]), 1
    for (N, C, H, W), padding in (((3, 1, 4, 4), 1), ((4, 2, 5, 4), 2), ((3, 2, 4, 6), 2)):
        rows, columns = rng.integers(0, 2 * padding + 1, size=(2, N))
        rows[:2] = 0, 2 * padding
        yield rng.uniform(1, 9, size=(N, C, H, W)), rows, columns, padding


def _random_crop(images: Array, rows: Array, columns: Array, padding: int) -> Array:
    return _cropped(images, rows, columns, padding)


def _cropped(
    images: Array, rows: Any, columns: Any, padding: int, mode: str = "constant", size: int = 0
) -> Array:
    N, _, H, W = images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2), mode)  # type: ignore[call-overload]
    return np.stack(
        [wide[n, :, rows[n] : rows[n] + H - size, columns[n] : columns[n] + W - size] for n in range(N)]
    )


check_random_crop = Task(
    "random_crop",
    "Given images (N, C, H, W), a padding, and for each image the row and the column, rows (N,) and columns "
    "(N,), at which its crop begins in the padded image, from 0 to twice the padding. Zeros are laid "
    "around each image, and a piece of the image's size is cut out. Return the crops (N, C, H, W).",
    _random_crop,
    _crops,
    (
        Mistake(
            "one place for all",
            "All images are cut at the first one's place; each has its own.",
            lambda images, rows, columns, padding: _cropped(
                images, np.full(len(rows), rows[0]), np.full(len(rows), columns[0]), padding
            ),
            ("Where does your crop depend on the number of the image?",),
        ),
        Mistake(
            "rows and columns swapped",
            "Rows and columns are swapped.",
            lambda images, rows, columns, padding: _cropped(images, columns, rows, padding),
            ("The first index goes down.",),
        ),
        Mistake(
            "mirrored border",
            "The border is filled with mirrored pixels; zeros are wanted.",
            lambda images, rows, columns, padding: _cropped(images, rows, columns, padding, "reflect"),
            ("What does np.pad lay around an image by default?",),
        ),
        Mistake(
            "border repeated",
            "The border's pixels are repeated; zeros are wanted.",
            lambda images, rows, columns, padding: _cropped(images, rows, columns, padding, "edge"),
            ("What does np.pad lay around an image by default?",),
        ),
        Mistake(
            "the other way",
            "You count from the other end: what should move to the left moves to the right.",
            lambda images, rows, columns, padding: _cropped(
                images, 2 * padding - rows, 2 * padding - columns, padding
            ),
            ("With row 0 and column 0, on which sides of the crop are zeros?",),
        ),
        Mistake(
            "around the end",
            "What goes over the border comes back on the other side; zeros should come in.",
            lambda images, rows, columns, padding: np.stack(
                [
                    np.roll(image, (padding - row, padding - column), axis=(1, 2))
                    for image, row, column in zip(images, rows, columns, strict=True)
                ]
            ),
            ("What does np.roll do with the last row?",),
        ),
        Mistake(
            "middle",
            "Every crop is the image itself, whatever rows and columns say.",
            lambda images, rows, columns, padding: images,
            ("Where is `rows` in your function?",),
        ),
        Mistake(
            "one row and column too few",
            "Your crops are a row and a column too small.",
            lambda images, rows, columns, padding: _cropped(images, rows, columns, padding, size=1),
            ("How many rows are in x[r : r + H]?",),
        ),
        Mistake(
            "not padded",
            "The crops are cut out of the image without its border, and get too small.",
            lambda images, rows, columns, padding: _cropped(images, rows, columns, 0),
            ("How large is what is left of 4 rows from the second on?",),
        ),
    ),
)


def _flips(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(1.0, 7.0).reshape(1, 1, 2, 3), np.array([True])
    yield np.arange(1.0, 13.0).reshape(2, 1, 2, 3), np.array([False, True])
    for shape in ((4, 2, 3, 3), (5, 3, 2, 4), (4, 3, 3, 2)):
        which = rng.random(shape[0]) < 0.5
        which[:2] = True, False
        yield rng.normal(size=shape), which


def _flip(images: Array, which: Array) -> Array:
    return _turned(images, which, images[..., ::-1])


def _turned(images: Array, which: Array, other: Array) -> Array:
    return np.where(which[:, None, None, None], other, images)


check_flip = Task(
    "flip",
    "Given images (N, C, H, W) and which (N,), true for those that are to be mirrored: left becomes right. "
    "Return the images (N, C, H, W).",
    _flip,
    _flips,
    (
        Mistake(
            "upside down",
            "Your images are upside down; left and right should change places.",
            lambda images, which: _turned(images, which, images[:, :, ::-1]),
            ("Which is the axis of the columns?",),
        ),
        Mistake(
            "all",
            "All images are mirrored, whatever `which` says.",
            lambda images, which: images[..., ::-1],
            ("Where is `which` in your function?",),
        ),
        Mistake(
            "the others",
            "You mirror the images that should stay, and leave the others.",
            lambda images, which: _flip(images, ~which),
            ("What does True mean here?",),
        ),
        Mistake(
            "turned by half",
            "Your images are turned by 180 degrees: upside down too.",
            lambda images, which: _turned(images, which, images[:, :, ::-1, ::-1]),
            ("How many axes does a mirror change?",),
        ),
        Mistake(
            "colors",
            "You turn round the channels too: red becomes blue.",
            lambda images, which: _turned(images, which, images[:, ::-1, :, ::-1]),
            ("How many axes does a mirror change?",),
        ),
        Mistake(
            "order of the images",
            "You turn round the order of the images.",
            lambda images, which: _turned(images, which, images[::-1]),
            ("Which axis is the first?",),
        ),
        Mistake(
            "chosen ones alone",
            "Only the mirrored images come back; the others should too, in their places.",
            lambda images, which: images[which][..., ::-1],
            ("How many images come in, and how many go out?",),
        ),
        Mistake(
            "none",
            "Nothing is mirrored.",
            lambda images, which: images,
            ("images[which] is a copy. What becomes of it?",),
        ),
    ),
)


def _mixes(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[8.0]]], [[[4.0]]]]), np.array([0, 1]), np.array([1, 0]), 0.75, 2
    yield np.array([[[[8.0]]], [[[4.0]]]]), np.array([1, 1]), np.array([1, 0]), 0.75, 2
    for (N, C, H, W), classes in (((3, 1, 2, 2), 3), ((4, 2, 2, 3), 5), ((5, 1, 3, 2), 4)):
        labels = np.concatenate([np.arange(3), rng.integers(0, classes, size=N - 3)])
        order = np.roll(np.arange(N), int(rng.integers(1, N)))
        yield rng.normal(size=(N, C, H, W)), labels, order, float(rng.uniform(0.55, 0.95)), classes


def _mixup(images: Array, labels: Array, order: Array, weight: float, classes: int) -> tuple[Array, Array]:
    targets = np.eye(classes)[labels]
    return _mixed(images, order, weight), _mixed(targets, order, weight)


def _mixed(values: Array, order: Array, weight: float) -> Array:
    return np.asarray(weight * values + (1 - weight) * values[order])


def _with(change: Any) -> Any:
    """Return mixup with its results made of images, targets, order and weight."""

    def function(images: Array, labels: Array, order: Array, weight: float, classes: int) -> Any:
        return change(images, np.eye(classes)[labels], order, weight)

    return function


check_mixup = Task(
    "mixup",
    "Given images (N, C, H, W), labels (N,), an order (N,), a weight and the number of classes. Each image "
    "is mixed with its partner, the one that order names: weight of itself, the rest of the partner. So are "
    "the targets, which have a 1 at the label and zeros elsewhere. Return images, targets, where targets "
    "are (N, classes).",
    _mixup,
    _mixes,
    (
        Mistake(
            "targets not mixed",
            "targets: they are those of the first image alone.",
            _with(lambda images, targets, order, w: (_mixed(images, order, w), targets)),
            ("An image is 70% a cat and 30% a dog. What should the network say?",),
        ),
        Mistake(
            "images not mixed",
            "images: they are as they were; only the targets are mixed.",
            _with(lambda images, targets, order, w: (images, _mixed(targets, order, w))),
            ("What does the network see?",),
        ),
        Mistake(
            "weights swapped",
            "Image and partner have each other's weights.",
            _with(
                lambda images, targets, order, w: (
                    _mixed(images, order, 1 - w),
                    _mixed(targets, order, 1 - w),
                )
            ),
            ("With a weight of 1, which image should come out?",),
        ),
        Mistake(
            "targets' weights swapped",
            "targets: label and partner's label have each other's weights.",
            _with(
                lambda images, targets, order, w: (_mixed(images, order, w), _mixed(targets, order, 1 - w))
            ),
            ("With a weight of 1, which label should come out?",),
        ),
        Mistake(
            "half and half",
            "You mix half and half, whatever the weight.",
            _with(
                lambda images, targets, order, w: (_mixed(images, order, 0.5), _mixed(targets, order, 0.5))
            ),
            ("Where is `weight` in your function?",),
        ),
        Mistake(
            "another partner",
            "targets: an image's label is mixed with that of another image than its partner.",
            _with(
                lambda images, targets, order, w: (
                    _mixed(images, order, w),
                    _mixed(targets, np.argsort(order), w),
                )
            ),
            ("Are the image's partner and the label's partner the same?",),
        ),
        Mistake(
            "one label over the other",
            "targets: where both labels are the same, one share is written over the other; they add up to 1.",
            _with(
                lambda images, targets, order, w: (
                    _mixed(images, order, w),
                    np.where(targets[order] > 0, 1 - w, w * targets),
                )
            ),
            ("What if a cat is mixed with a cat?", "= or +=?"),
        ),
        Mistake(
            "added up",
            "The partner is added in full: the weights should add up to 1.",
            _with(
                lambda images, targets, order, w: (w * images + images[order], w * targets + targets[order])
            ),
            ("What do the numbers of one target add up to?",),
        ),
        Mistake(
            "two whole labels",
            "targets: both labels have a 1; each should have its weight.",
            _with(
                lambda images, targets, order, w: (
                    _mixed(images, order, w),
                    np.ceil(_mixed(targets, order, w)),
                )
            ),
            ("What do the numbers of one target add up to?",),
        ),
    ),
)
