"""Exercises of the chapter on other tasks: a cell's answer, overlaps, duplicates, boxes that are graded."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _boxes(rng: np.random.Generator, count: int) -> Array:
    corner, side = rng.uniform(0, 6, size=(count, 2)), rng.uniform(1, 6, size=(count, 2))
    return np.concatenate([corner, corner + side], axis=1)


def _pairs(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 2, 6, 6]])
    yield np.array([[0.0, 0, 2, 2], [1, 1, 3, 4]]), np.array([[4.0, 5, 6, 9], [1, 1, 3, 4]])
    yield np.array([[0.0, 0, 2, 2]]), np.array([[4.0, 0, 6, 2]])
    for count in (4, 8, 8):
        a, b = _boxes(rng, count), _boxes(rng, count)
        b[0] = a[0] + 20  # beside it
        b[1] = [*(a[1, :2] + 0.2), *(a[1, 2:] - 0.2)]  # inside it
        yield a, b


def _sides(a: Array, b: Array) -> Array:
    """Return the sides of where two boxes overlap, below 0 if they don't."""
    return np.asarray(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]))


def _area(box: Array) -> Array:
    return np.asarray((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))


def _box_iou(a: Array, b: Array) -> Array:
    both = np.maximum(_sides(a, b), 0).prod(axis=1)
    return np.asarray(both / (_area(a) + _area(b) - both))


def _of(share: Callable[..., Array]) -> Callable[..., Array]:
    """Return a share made of the shared area and both areas."""
    return lambda a, b: share(np.maximum(_sides(a, b), 0).prod(axis=1), _area(a), _area(b))


def _unclipped(a: Array, b: Array) -> Array:
    both = _sides(a, b).prod(axis=1)
    return np.asarray(both / (_area(a) + _area(b) - both))


def _area_clipped(a: Array, b: Array) -> Array:
    both = np.maximum(_sides(a, b).prod(axis=1), 0)
    return np.asarray(both / (_area(a) + _area(b) - both))


def _by_centers(a: Array, b: Array) -> Array:
    return _box_iou(*(np.concatenate([c[:, :2], c[:, :2] + c[:, 2:]], axis=1) for c in (a, b)))


def _with_pixels(a: Array, b: Array) -> Array:
    more = np.array([0, 0, 1, 1])
    return _box_iou(a + more, b + more)


check_box_iou = Task(
    "box_iou",
    "Given boxes a (N, 4) and b (N, 4) as left, top, right, bottom. Return for each pair the shared area "
    "divided by the area that at least one of them covers, (N,).",
    _box_iou,
    _pairs,
    (
        Mistake(
            "overlap below zero",
            "Boxes that lie apart have a negative side in common, and two of them make a positive area.",
            _unclipped,
            ("What do boxes share that don't touch?", "Sides below 0 count as 0."),
        ),
        Mistake(
            "area clipped, not sides",
            "You clip the shared area; two negative sides have made a positive one before.",
            _area_clipped,
            ("What do boxes share that are apart both to the right and downward?",),
        ),
        Mistake(
            "shared area twice",
            "The shared area is counted twice in the union.",
            _of(lambda both, a, b: both / (a + b)),
            ("What is the IoU of a box with itself?",),
        ),
        Mistake(
            "Dice",
            "That's twice the shared area over the sum of both: the Dice coefficient.",
            _of(lambda both, a, b: 2 * both / (a + b)),
            ("What's the area that at least one covers?",),
        ),
        Mistake(
            "of the smaller",
            "You divide by the smaller box: a box inside another would get 1.",
            _of(lambda both, a, b: both / np.minimum(a, b)),
            ("What's the area that at least one covers?",),
        ),
        Mistake(
            "of the first",
            "You divide by the first box.",
            _of(lambda both, a, b: both / a),
            ("Does your answer stay if a and b change places?",),
        ),
        Mistake(
            "area alone",
            "That's the shared area; it's still to be divided by the union.",
            _of(lambda both, a, b: both),
            ("What is the IoU of a box with itself?",),
        ),
        Mistake(
            "width and height",
            "You read the last two numbers as width and height; they are right and bottom.",
            _by_centers,
            ("How large is the box 2, 2, 6, 6?",),
        ),
        Mistake(
            "a pixel more",
            "You add a pixel to each side, as one does for numbers of pixels; these are coordinates.",
            _with_pixels,
            ("How wide is a box from 0 to 4?",),
        ),
    ),
)


def _found(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[0.0, 0, 2, 2], [0, 0, 2, 1]]), np.array([0.6, 0.9]), 0.5
    row = np.array([[0.0, 0, 4, 4], [1, 0, 5, 4], [2, 0, 6, 4], [10, 0, 14, 4], [11, 0, 15, 4]])
    yield row, np.array([0.9, 0.8, 0.7, 0.5, 0.6]), 0.5
    for count in (6, 9, 12):
        boxes = np.repeat(_boxes(rng, count // 3), 3, axis=0)
        boxes += rng.uniform(-0.5, 0.5, size=boxes.shape)
        yield boxes, rng.permutation(np.linspace(0.3, 0.9, len(boxes))), float(rng.uniform(0.3, 0.6))


def _suppress(boxes: Array, scores: Array, threshold: float) -> Array:
    return _kept(boxes, scores, threshold)


def _kept(
    boxes: Array, scores: Array, threshold: float, *, against: str = "kept", strict: bool = True
) -> Array:
    kept: list[int] = []
    order = [int(number) for number in np.argsort(-scores)]
    for place, number in enumerate(order):
        rivals = {"kept": kept, "all": order[:place], "best": kept[:1]}[against]
        overlaps = [_box_iou(boxes[[number]], boxes[[rival]])[0] for rival in rivals]
        if all(overlap <= threshold if strict else overlap < threshold for overlap in overlaps):
            kept.append(number)
    return np.array(kept)


check_suppress = Task(
    "suppress",
    "Given boxes (N, 4) as left, top, right, bottom, their scores (N,), no two alike, and a threshold. From "
    "the highest score to the lowest, a box is kept unless its IoU with a box that was kept before is "
    "above the threshold: non-maximum suppression. Return the numbers of the kept boxes, from the highest "
    "score to the lowest.",
    _suppress,
    _found,
    (
        Mistake(
            "lowest first",
            "You begin with the lowest score.",
            lambda boxes, scores, threshold: _kept(boxes, -scores, threshold),
            ("In which direction does np.argsort sort?",),
        ),
        Mistake(
            "by number",
            "You go through the boxes by their numbers, whatever their scores.",
            lambda boxes, scores, threshold: _kept(boxes, -np.arange(len(boxes)), threshold),
            ("Where are the scores in your function?",),
        ),
        Mistake(
            "suppressed ones suppress",
            "A box that was suppressed suppresses others in yours; only kept ones may.",
            lambda boxes, scores, threshold: _kept(boxes, scores, threshold, against="all"),
            ("With which boxes do you compare?",),
        ),
        Mistake(
            "best box alone",
            "You compare with the best box alone; every box that was kept counts.",
            lambda boxes, scores, threshold: _kept(boxes, scores, threshold, against="best"),
            ("What if there are two cats, with two boxes each?",),
        ),
        Mistake(
            "at the threshold",
            "A box whose IoU is at the threshold is suppressed; it should be above.",
            lambda boxes, scores, threshold: _kept(boxes, scores, threshold, strict=False),
            ("> or >=?",),
        ),
        Mistake(
            "sorted by number",
            "The right boxes are kept, but in the order of their numbers.",
            lambda boxes, scores, threshold: np.sort(_kept(boxes, scores, threshold)),
            ("In which order are they asked for?",),
        ),
        Mistake(
            "none suppressed",
            "All boxes are kept.",
            lambda boxes, scores, threshold: np.argsort(-scores),
            ("Where is `threshold` in your function?",),
        ),
        Mistake(
            "true or false",
            "That's true or false for each box; numbers of boxes are wanted.",
            lambda boxes, scores, threshold: np.isin(np.arange(len(boxes)), _kept(boxes, scores, threshold)),
            ("np.flatnonzero, or a list of numbers",),
        ),
        Mistake(
            "the boxes themselves",
            "Those are the kept boxes; their numbers are wanted.",
            lambda boxes, scores, threshold: boxes[_kept(boxes, scores, threshold)],
            ("What is the shape of your answer?",),
        ),
    ),
)


def _masks(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[0, 0, 0, 1]]), np.array([[0, 0, 1, 1]]), 2
    yield np.array([[0, 0, 1], [0, 2, 1]]), np.array([[0, 1, 1], [0, 0, 0]]), 3
    for shape, classes in (((4, 5), 3), ((6, 6), 4), ((5, 8), 5)):
        labels = np.minimum(rng.integers(0, 2 * classes, size=shape), classes - 1)
        labels.flat[:classes] = np.arange(classes)
        predicted = np.where(rng.random(shape) < 0.6, labels, rng.integers(0, classes, size=shape))
        yield labels, predicted, classes


def _mean_iou(labels: Array, predicted: Array, classes: int) -> float:
    both, either, _, _ = _counts(labels, predicted, classes)
    return float((both / either).mean())


def _counts(labels: Array, predicted: Array, classes: int) -> tuple[Array, Array, Array, Array]:
    """Return for each class the pixels in both, in at least one, in the labels, and in the answer."""
    a, b = (
        np.array([each == c for c in range(classes)]).reshape(classes, -1) for each in (labels, predicted)
    )
    return (a & b).sum(axis=1), (a | b).sum(axis=1), a.sum(axis=1), b.sum(axis=1)


def _made_of(share: Callable[..., Array | float]) -> Callable[..., float]:
    def function(labels: Array, predicted: Array, classes: int) -> float:
        with np.errstate(all="ignore"):
            return float(np.mean(share(*_counts(labels, predicted, classes))))

    return function


check_mean_iou = Task(
    "mean_iou",
    "Given the class of each pixel, labels (H, W), the predicted classes (H, W) and the number of classes, "
    "each of which is among the labels. A class's IoU is the number of pixels that are of this class in "
    "both, divided by those in at least one. Return the mean of all classes' IoU.",
    _mean_iou,
    _masks,
    (
        Mistake(
            "right pixels",
            "That's the share of right pixels: an answer that is all background gets most of it.",
            lambda labels, predicted, classes: (labels == predicted).mean(),
            ("Does a class of ten pixels count as much as one of ten thousand?",),
        ),
        Mistake(
            "recall",
            "You divide by the pixels of the class; those that were wrongly taken for it count too.",
            _made_of(lambda both, either, true, said: both / true),
            ("What does an answer get that calls every pixel a cat?",),
        ),
        Mistake(
            "Dice",
            "That's the Dice coefficient: twice what is shared, over the sum of both.",
            _made_of(lambda both, either, true, said: 2 * both / (true + said)),
            ("How many pixels are in at least one?",),
        ),
        Mistake(
            "shared pixels twice",
            "You divide by the sum of both; pixels in both are counted twice.",
            _made_of(lambda both, either, true, said: both / (true + said)),
            ("What does a perfect answer get?",),
        ),
        Mistake(
            "all classes in one",
            "You add up all classes' pixels and divide once; each class has its own IoU.",
            _made_of(lambda both, either, true, said: both.sum() / either.sum()),
            ("Does a class of ten pixels count as much as one of ten thousand?",),
        ),
        Mistake(
            "background left out",
            "Class 0 is left out.",
            _made_of(lambda both, either, true, said: (both / either)[1:]),
            ("How many classes are there?",),
        ),
        Mistake(
            "last class left out",
            "The last class is left out.",
            _made_of(lambda both, either, true, said: (both / either)[:-1]),
            ("Where does your loop end?",),
        ),
        Mistake(
            "sum",
            "That's the sum of all classes' IoU; their mean is wanted.",
            _made_of(lambda both, either, true, said: (both / either).sum()),
            ("What does a perfect answer get?",),
        ),
        Mistake(
            "weighed by size",
            "You weigh the classes by their pixels; each counts the same.",
            _made_of(lambda both, either, true, said: (both / either * true).sum() / true.sum()),
            ("Does a class of ten pixels count as much as one of ten thousand?",),
        ),
    ),
)


Six = tuple[float, ...]


def _thing(rng: np.random.Generator) -> dict[str, Any]:
    """Return the side of a cell, and a box whose corners and middle are in three cells, in pixels."""
    cell = int(rng.choice([8, 16]))
    while True:
        left, top = (int(n) for n in rng.integers(1, 17, size=2))  # in quarters of a cell
        wide, high = (int(n) for n in rng.integers(5, 15, size=2))
        middles = (2 * left + wide, 2 * top + high)  # in eighths
        if all(middle % 8 for middle in middles) and middles[0] // 8 != middles[1] // 8:
            box = np.array([left, top, left + wide, top + high]) * cell // 4
            return {"cell": cell, **dict(zip(("left", "top", "right", "bottom"), box.tolist(), strict=True))}


def _cell_by_hand(cell: int, left: int, top: int, right: int, bottom: int) -> Six:
    return _noted(cell, left, top, right, bottom)


def _noted(
    cell: int,
    left: int,
    top: int,
    right: int,
    bottom: int,
    *,
    place: Callable[[int, int], float] = lambda first, last: (first + last) / 2,
    origin: float = 0,
    pixels: bool = False,
) -> Six:
    """Return column and row, and the box seen from the corner of this cell, or from elsewhere."""
    column, row = (int(place(*ends) // cell) for ends in ((left, right), (top, bottom)))
    box = [
        n / cell - index - origin
        for n, index in zip((left, top, right, bottom), (column, row) * 2, strict=True)
    ]
    return column, row, *(n * cell if pixels else n for n in box)


def _noted_but(change: Callable[..., tuple[float, ...]]) -> Callable[..., Six]:
    """Return the wrong way that changes the six numbers."""
    return lambda **numbers: change(*_noted(**numbers))


def _from_the_middle(cell: int, left: int, top: int, right: int, bottom: int) -> Six:
    column, row, *_ = _noted(cell, left, top, right, bottom)
    wide, high = (right - left) / cell / 2, (bottom - top) / cell / 2
    return column, row, -wide, -high, wide, high


def _from_the_image(cell: int, left: int, top: int, right: int, bottom: int) -> Six:
    column, row, *_ = _noted(cell, left, top, right, bottom)
    return column, row, *(n / cell for n in (left, top, right, bottom))


check_cell_by_hand = Pencil(
    "cell_by_hand",
    "column, row, left, top, right, bottom",
    _thing,
    _cell_by_hand,
    (
        Mistake(
            "row first",
            "You have the row first; the column is asked for first.",
            _noted_but(lambda column, row, *box: (row, column, *box)),
            ("Along which axis do columns count?",),
        ),
        Mistake(
            "cell of the corner",
            "You take the cell that holds the upper left corner; the one with the middle answers.",
            partial(_noted, place=lambda first, last: first),
            ("Where is the middle of the box?",),
        ),
        Mistake(
            "nearest corner",
            "You round to the nearest cell; the cell that holds the middle is wanted.",
            lambda cell, **box: _noted(cell, **box, place=lambda first, last: (first + last + cell) / 2),
            ("Which pixels belong to the first cell?",),
        ),
        Mistake(
            "in pixels",
            "Your box is in pixels; it's noted in cells.",
            partial(_noted, pixels=True),
            ("How many cells is the box wide?",),
        ),
        Mistake(
            "from the image's corner",
            "Your box is counted from the corner of the image; it's counted from that of the cell.",
            _from_the_image,
            ("May a number be below 0?",),
        ),
        Mistake(
            "from the box's middle",
            "Your box is counted from its own middle; it's counted from the corner of the cell.",
            _from_the_middle,
            ("Where in its cell does the middle of the box lie?",),
        ),
        Mistake(
            "from the cell's middle",
            "Your box is counted from the middle of the cell; it's counted from its upper left corner.",
            partial(_noted, origin=0.5),
            ("From where does the chapter count?",),
        ),
        Mistake(
            "counted from one",
            "You count columns and rows from 1; they begin with 0.",
            _noted_but(lambda column, row, *box: (column + 1, row + 1, *box)),
            ("In which column is the leftmost pixel?",),
        ),
        Mistake(
            "width and height",
            "Your last two numbers are width and height; right and bottom are wanted.",
            _noted_but(
                lambda column, row, left, top, right, bottom: (
                    column,
                    row,
                    left,
                    top,
                    right - left,
                    bottom - top,
                )
            ),
            ("Which form of a box does the chapter use?",),
        ),
    ),
)


def _claims(rng: np.random.Generator) -> Iterator[Inputs]:
    thing = np.array([[2.0, 2, 6, 6]])
    yield thing.copy(), np.array([0.9]), thing
    yield np.array([[10.0, 10, 14, 14], [2, 2, 6, 6]]), np.array([0.9, 0.8]), thing
    yield np.array([[2.0, 2, 6, 6], [4, 2, 8, 6], [2, 2, 6, 5]]), np.array([0.6, 0.9, 0.5]), thing
    yield np.array([[0.0, 0, 9, 9], [2, 2, 6, 6]]), np.array([0.4, 0.3]), thing
    crowd = np.array([[0.0, 0, 10, 8], [2, 0, 12, 8]])  # the second box fits the first thing best
    yield np.array([[0.0, 0, 10, 8], [0.5, 0, 10.5, 8]]), np.array([0.9, 0.8]), crowd
    for things in (2, 3, 4):
        true = _boxes(rng, things)
        boxes = np.repeat(true, 3, axis=0) + rng.uniform(-1, 1, size=(3 * things, 4)) * [1, 1, 0, 0]
        boxes = np.concatenate([boxes, true[:1] + 5, true[:1]])
        yield boxes, rng.permutation(np.linspace(0.2, 0.9, len(boxes))), true


check_mark_boxes = Task.broken(
    "mark_boxes",
    "Given predicted boxes (N, 4) as left, top, right, bottom, their scores (N,), no two alike, and the true "
    "boxes (K, 4), all of one class. From the highest score to the lowest, a box is right if its IoU with a "
    "true box that no surer box has claimed is above a half; it then claims the one with which its IoU is "
    "highest. Return true or false for each box, the surest first, (N,).",
    '''
def mark_boxes(boxes, scores, true):
    """Say which boxes are right, the surest first."""
    free = np.ones(len(true))                                # 0: claimed
    areas = np.prod(true[:, 2:] - true[:, :2], axis=1)
    marks = []
    for box in boxes[np.argsort(-scores)]:
        first = np.maximum(box[:2], true[:, :2])             # left, top
        last = np.minimum(box[2:], true[:, 2:])
        both = np.prod(np.maximum(last - first, 0), axis=1)
        either = np.prod(box[2:] - box[:2]) + areas - both
        fits = free * both / either
        best = np.argmax(fits)
        marks.append(fits[best] > 0.5)
        if marks[-1]:
            free[best] = 0
    return np.array(marks)
''',
    _claims,
    (
        Bug(
            "least sure first",
            "np.argsort(-scores)",
            "np.argsort(scores)",
            "Of two boxes about one thing, the one with the lower score is right.",
            ("Give one thing two good boxes. Which one claims it?",),
        ),
        Bug(
            "never claimed",
            "free[best] = 0",
            "free[best] = 1",
            "Two boxes about one thing are both right.",
            ("Give one thing the same box twice.",),
        ),
        Bug(
            "always claimed",
            "if marks[-1]:",
            "if True:",
            "A loose box with a high score keeps an exact one from being right.",
            ("Give one thing two boxes: a loose one, surer, and an exact one.",),
        ),
        Bug(
            "touching is enough",
            "fits[best] > 0.5",
            "fits[best] > 0",
            "A box that hardly touches its thing is right.",
            ("Move an exact box away, step by step. When should it stop being right?",),
        ),
        Bug(
            "two negative sides",
            "np.maximum(last - first, 0)",
            "last - first",
            "A box far from its thing may be right.",
            ("What do boxes share that don't touch?",),
        ),
        Bug(
            "shared area twice",
            "+ areas - both",
            "+ areas",
            "Not even an exact box is right.",
            ("What is the IoU of a box with itself?",),
        ),
        Bug(
            "thing alone",
            "np.prod(box[2:] - box[:2]) + areas - both",
            "areas",
            "A box as large as the image is right.",
            ("Try a box that holds the thing and much else.",),
        ),
        Bug(
            "first thing alone",
            "np.argmax(fits)",
            "0",
            "Only the first thing is ever found.",
            ("Give each of two things its exact box.",),
        ),
    ),
)
