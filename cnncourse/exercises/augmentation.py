"""Exercises of the chapter on augmentation: a place on paper, crops, flips, mixing, a broken program."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _place(rng: np.random.Generator) -> dict[str, Any]:
    x, y = (int(rng.integers(1, 5)) + int(rng.choice([1, 3])) / 4 for _ in range(2))
    shift = [int(step) for step in rng.choice([-3, -2, -1, 1, 2, 3], 2)]
    return {
        "matrix": np.array([[0, 4], [-4, 0]]),
        "shift": shift,
        "pixel": [int(4 * y) + shift[0], int(-4 * x) + shift[1]],
        "neighbors": 4 * rng.integers(2, 25, size=(2, 2)),
    }


def _looked_up(matrix: Array, shift: list[int], pixel: list[int], neighbors: Array) -> tuple[float, ...]:
    """Return where a pixel of the output looks, x and y, and what it finds."""
    return _seen(np.linalg.inv(matrix) @ np.subtract(pixel, shift), neighbors)


def _seen(place: Array, neighbors: Array, between: Any = None) -> tuple[float, ...]:
    """Return a place and the value there; `between` changes how far it is from the first neighbor."""
    right, down = (place - np.floor(place)) if between is None else between(place - np.floor(place))
    upper, lower = (row[0] + right * (row[1] - row[0]) for row in neighbors.astype(float))
    return float(place[0]), float(place[1]), float(upper + down * (lower - upper))


def _at(find: Any) -> Any:
    """Return the question's answer for another place."""
    return lambda matrix, shift, pixel, neighbors: _seen(
        np.asarray(find(matrix, np.array(shift), np.array(pixel)), float), neighbors
    )


def _with_shares(between: Any) -> Any:
    """Return the question's answer for other shares of the neighbors."""
    return lambda matrix, shift, pixel, neighbors: _seen(
        np.linalg.inv(matrix) @ np.subtract(pixel, shift), neighbors, between
    )


check_looked_up = Pencil(
    "looked_up",
    "x and y of the place, and the value there",
    _place,
    _looked_up,
    (
        Mistake(
            "forward",
            "You ask where the pixel goes; asked is where it comes from.",
            _at(lambda matrix, shift, pixel: matrix @ pixel + shift),
            ("The program begins at the output.",),
        ),
        Mistake(
            "shift forgotten",
            "Your place doesn't take the shift back.",
            _at(lambda matrix, shift, pixel: np.linalg.inv(matrix) @ pixel),
            ("p = M q + t. What is q?",),
        ),
        Mistake(
            "shift taken back last",
            "You undo the matrix first and the shift last; what came last is undone first.",
            _at(lambda matrix, shift, pixel: np.linalg.inv(matrix) @ pixel - shift),
            ("Shoes and socks: which come off first?",),
        ),
        Mistake(
            "shift added",
            "You add the shift once more; it should be taken back.",
            _at(lambda matrix, shift, pixel: np.linalg.inv(matrix) @ (pixel + shift)),
            ("p = M q + t. What is q?",),
        ),
        Mistake(
            "turned the same way",
            "You turn in the direction in which the image was turned; it should be turned back.",
            _at(lambda matrix, shift, pixel: matrix @ (pixel - shift) / 16),
            ("Put your place into M q + t. Do you get the pixel?",),
        ),
        Mistake(
            "not made smaller",
            "You turn back, and forget that the image was enlarged.",
            _at(lambda matrix, shift, pixel: 4 * np.linalg.inv(matrix) @ (pixel - shift)),
            ("How long are the columns of M?",),
        ),
        Mistake(
            "nearest",
            "Your value is that of the nearest pixel; wanted is the weighted mean of four.",
            _with_shares(np.rint),
            ("How far is it from the left pixel to the right one?",),
        ),
        Mistake(
            "upper row alone",
            "Your value is that between the two upper neighbors; the lower two count as well.",
            _with_shares(lambda parts: parts * (1, 0)),
            ("How far is it from the upper row to the lower one?",),
        ),
        Mistake(
            "left column alone",
            "Your value is that between the two left neighbors; the right two count as well.",
            _with_shares(lambda parts: parts * (0, 1)),
            ("How far is it from the left column to the right one?",),
        ),
        Mistake(
            "plain mean",
            "Your value is the plain mean of the four; near ones count more.",
            _with_shares(lambda _: (0.5, 0.5)),
            ("How far is it from the left pixel to the right one?",),
        ),
        Mistake(
            "shares turned round",
            "Your value has the shares the wrong way round: near neighbors count more, by x to the right and "
            "by y downward.",
            _with_shares(lambda parts: 1 - parts),
            ("A place a quarter of the way from 10 to 20 is nearer to which?",),
        ),
    ),
)


_MOVE = '''
def move_image(image, M, t):
    """Return the image (H, W) in which what is at p goes to M p + t."""
    H, W = image.shape
    center = np.array([(W - 1) / 2, (H - 1) / 2])        # x, y
    back = np.linalg.inv(M)
    moved = np.zeros((H, W))
    for row, column in np.ndindex(H, W):
        p = np.array([column, row]) - center
        x, y = back @ (p - t) + center
        left, top = int(np.floor(x)), int(np.floor(y))
        for i in (top, top + 1):
            for j in (left, left + 1):
                share = (1 - abs(x - j)) * (1 - abs(y - i))
                if 0 <= i < H and 0 <= j < W:
                    moved[row, column] += share * image[i, j]
    return moved
'''


def _moves(rng: np.random.Generator) -> Iterator[Inputs]:
    small, same = np.arange(1.0, 13.0).reshape(3, 4), np.eye(2)
    yield small, same, np.array([0.0, 0.0])
    yield small, same, np.array([1.0, 0.0])
    yield small, 2 * same, np.array([0.0, 0.0])
    for H, W in ((4, 5), (5, 4), (6, 5)):
        angle, scale = rng.uniform(0.2, 0.6), rng.uniform(1.1, 1.5)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        yield rng.uniform(1, 9, size=(H, W)), scale * turn, rng.uniform(0.4, 1.4, size=2)


check_move_image = Task.broken(
    "move_image",
    "Given an image (H, W), a matrix M (2, 2) and a shift t (2,). Places are measured from its center, "
    "x to the right and y down, and what is at p goes to M p + t. Values are interpolated between four "
    "pixels; what comes from outside is 0. Return the moved image (H, W).",
    _MOVE,
    _moves,
    (
        Bug(
            "not backward",
            "back = np.linalg.inv(M)",
            "back = np.array(M)",
            "What should grow shrinks, and what should turn to the left turns to the right.",
            ("Enlarge by 2. Where does a pixel of the output look?",),
        ),
        Bug(
            "wrong direction",
            "(p - t)",
            "(p + t)",
            "With M = 1 and t = (1, 0), the image moves to the left.",
            ("A pixel comes from where it was before the shift.",),
        ),
        Bug(
            "shift last",
            "back @ (p - t) + center",
            "back @ p - t + center",
            "Shifts alone are right, and so are turns alone; both together end in a wrong place.",
            ("What came last is undone first.",),
        ),
        Bug(
            "another center",
            "p = np.array([column, row]) - center",
            "p = np.array([column, row]) - np.array([W, H]) / 2",
            "With M = 1 and t = 0, the image comes out blurred, and moved by half a pixel.",
            ("Of 4 pixels, numbered 0 to 3, where is the middle?",),
        ),
        Bug(
            "corner as center",
            "(p - t) + center",
            "(p - t)",
            "With M = 1 and t = 0, most is black, and the upper left part is in the lower right.",
            ("From where does an image count its pixels?",),
        ),
        Bug(
            "axes swapped",
            "x, y = back",
            "y, x = back",
            "With M = 1 and t = 0, rows and columns change places; an image that isn't square loses a part.",
            ("Which comes first in a place, and which in image[i, j]?",),
        ),
        Bug(
            "one neighbor",
            "+= share",
            "= share",
            "With M = 1 and t = 0, all is black but the lower right corner.",
            ("Print the four shares of one pixel. What do they add up to, and what becomes of them?",),
        ),
        Bug(
            "shares of the far",
            "(1 - abs(y - i))",
            "abs(y - i)",
            "With M = 1 and t = 0, each row shows the next one, and the last row is black.",
            ("Where is a tent highest?",),
        ),
        Bug(
            "last row",
            "0 <= i < H and",
            "0 <= i < H - 1 and",
            "With M = 1 and t = 0, the last row is black.",
            ("Which rows does an image of H rows have?",),
        ),
        Bug(
            "rounded",
            "int(np.floor(x))",
            "int(np.rint(x))",
            "Whole shifts look right; of the others, some pixels are too bright or too dark.",
            ("Which two columns is x = 1.7 between?",),
        ),
    ),
)


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
    yield np.array([[[[8.0]]], [[[4.0]]]]), np.array([0, 1]), np.array([1, 0]), 0.25, 3
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
            "classes that occur",
            "targets: a class that no image of the batch has is missing; it should have zeros.",
            lambda images, labels, order, weight, classes: _mixup(
                images, labels, order, weight, labels.max() + 1
            ),
            ("How long is a target to be, whatever the labels are?",),
        ),
        Mistake(
            "larger share to the image",
            "The image gets the larger share, even where its weight is below a half.",
            lambda images, labels, order, weight, classes: _mixup(
                images, labels, order, max(weight, 1 - weight), classes
            ),
            ("With a weight of 0.25, how much of the image should be left?",),
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
