"""Exercises of the chapter on other tasks: overlap of boxes and of masks, and one box for each thing."""

from collections.abc import Callable, Iterator

import numpy as np

from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _boxes(rng: np.random.Generator, count: int) -> Array:
    corner, side = rng.uniform(0, 6, size=(count, 2)), rng.uniform(1, 6, size=(count, 2))
    return np.concatenate([corner, corner + side], axis=1)


def _pairs(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 2, 6, 6]])
    yield np.array([[0.0, 0, 2, 2], [1, 1, 3, 4]]), np.array([[4.0, 5, 6, 9], [1, 1, 3, 4]])
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
