"""Exercises of the chapter on CIFAR-10: who leads on the same images, what is taken for what, Muon's step."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
IMAGES = 10_000  # of the test
Lead = tuple[float, float, float, float]


def _two_networks(rng: np.random.Generator) -> dict[str, int]:
    lead, half = 2 * int(rng.integers(12, 30)), int(rng.integers(110, 210))
    first = int(rng.integers(9300, 9450))
    return {"first": first, "second": first + lead, "apart": 2 * half}


def _who_leads(first: int, second: int, apart: int) -> Lead:
    """Return what the second alone and the first alone gets right, the deviation, the lead in it."""
    lead, deviation = second - first, math.sqrt(apart)
    return (apart + lead) / 2, (apart - lead) / 2, deviation, lead / deviation


def _by(deviation: Callable[[int, int, int], float]) -> Callable[..., Lead]:
    """Return the wrong way that takes another standard deviation."""

    def function(first: int, second: int, apart: int) -> Lead:
        right, wrong = deviation(first, second, apart), second - first
        return (apart + wrong) / 2, (apart - wrong) / 2, right, wrong / right

    return function


def _own_spreads(first: int, second: int, apart: int) -> float:
    return math.sqrt(sum(right * (IMAGES - right) / IMAGES for right in (first, second)))


check_who_leads = Pencil(
    "who_leads",
    "the images that B alone gets right, those of A alone, the standard deviation, the lead in it",
    _two_networks,
    _who_leads,
    (
        Mistake(
            "swapped",
            "Your first two numbers are swapped: B leads.",
            lambda **numbers: (*_who_leads(**numbers)[1::-1], *_who_leads(**numbers)[2:]),
            ("Which of the two gets more images right?",),
        ),
        Mistake(
            "images of their own",
            "Your deviation is that of two networks with different test images; these had the same ones.",
            _by(_own_spreads),
            ("What do images tell that both get right?", "Only the images on which they differ are coins."),
        ),
        Mistake(
            "even halves",
            "You split the images evenly; then there'd be no lead.",
            lambda first, second, apart: (apart / 2, apart / 2, *_who_leads(first, second, apart)[2:]),
            ("What's the difference of your first two numbers, and what should it be?",),
        ),
        Mistake(
            "the lead for B alone",
            "Your first two numbers have the right sum, and their difference isn't the lead.",
            lambda first, second, apart: (
                second - first,
                apart - second + first,
                *_who_leads(first, second, apart)[2:],
            ),
            ("Two numbers with a sum and a difference: add the two lines.",),
        ),
        Mistake(
            "deviation of one count",
            "Your deviation is that of one network's count; wanted is that of the difference.",
            _by(lambda first, second, apart: math.sqrt(apart) / 2),
            ("A coin that turns over moves one count by 1. How far does it move the difference?",),
        ),
        Mistake(
            "no root",
            "That's the variance; the deviation is its root.",
            _by(lambda first, second, apart: float(apart)),
            ("Each coin moves the difference by 1, up or down. Do such moves add up, or their squares?",),
        ),
        Mistake(
            "all images",
            "You count a coin for each test image; most of them say nothing about the difference.",
            _by(lambda first, second, apart: math.sqrt(IMAGES)),
            ("What do images tell that both get right?",),
        ),
        Mistake(
            "two counts",
            "You add up two deviations, as if the counts were independent; what one gains, the other loses.",
            _by(lambda first, second, apart: math.sqrt(2 * apart)),
            ("By how much does one coin move the difference: by 1, or by 0, 1 or 2?",),
        ),
        Mistake(
            "not the lead",
            "Your last number divides the images that B alone gets right; divide the lead.",
            lambda **numbers: (
                *_who_leads(**numbers)[:3],
                _who_leads(**numbers)[0] / _who_leads(**numbers)[2],
            ),
            ("What would the difference be if each image were a fair coin?",),
        ),
    ),
)


def _answers(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0, 1, 1]), np.array([0, 0, 0]), 2
    yield np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 3
    for count, classes in ((7, 3), (12, 4), (25, 5), (20, 3)):
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, size=count)])
        guess = rng.integers(0, classes, size=len(labels))
        predicted = np.where(rng.random(len(labels)) < 0.5, labels, guess)
        order = rng.permutation(len(labels))
        yield labels[order], predicted[order], classes


def _answers_for_some(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0, 0, 1]), np.array([0, 1, 1]), 3
    yield from _answers(rng)


def _confusion_matrix(labels: Array, predicted: Array, classes: int) -> Array:
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def _by_rows(matrix: Array, axis: int) -> Array:
    total = matrix.sum(axis=axis, keepdims=True)
    return np.asarray(matrix / np.where(total == 0, 1, total))


check_confusion_matrix = Task(
    "confusion_matrix",
    "Given labels (N,), predicted classes (N,) and the number of classes. Row i, column j counts the images "
    "of class i that were taken for class j. Return the matrix (classes, classes).",
    _confusion_matrix,
    _answers_for_some,
    (
        Mistake(
            "classes that occur",
            "A class that nobody has and nobody says has no row and no column; it should have zeros.",
            lambda labels, predicted, classes: _confusion_matrix(
                labels, predicted, max(labels.max(), predicted.max()) + 1
            ),
            ("How large is the matrix to be, whatever the labels are?",),
        ),
        Mistake(
            "transposed",
            "Rows and columns have changed places: the row is the true class.",
            lambda labels, predicted, classes: _confusion_matrix(predicted, labels, classes),
            ("What do the numbers of one row add up to?",),
        ),
        Mistake(
            "counted once",
            "A pair that comes up several times counts once: with repeated indices, += adds only once.",
            lambda labels, predicted, classes: np.minimum(_confusion_matrix(labels, predicted, classes), 1),
            ("What do all numbers add up to?", "np.add.at, or a loop"),
        ),
        Mistake(
            "shares of the class",
            "Rows add up to 1 in yours; counts are wanted.",
            lambda labels, predicted, classes: _by_rows(_confusion_matrix(labels, predicted, classes), 1),
            ("What do all numbers add up to?",),
        ),
        Mistake(
            "shares of the answers",
            "Columns add up to 1 in yours; counts are wanted.",
            lambda labels, predicted, classes: _by_rows(_confusion_matrix(labels, predicted, classes), 0),
            ("What do all numbers add up to?",),
        ),
        Mistake(
            "shares of all",
            "All numbers add up to 1 in yours; counts are wanted.",
            lambda labels, predicted, classes: _confusion_matrix(labels, predicted, classes) / len(labels),
            ("What do all numbers add up to?",),
        ),
        Mistake(
            "mistakes alone",
            "The diagonal is 0: right answers are counted there.",
            lambda labels, predicted, classes: (
                _confusion_matrix(labels, predicted, classes) * (1 - np.eye(classes, dtype=int))
            ),
            ("What do all numbers add up to?",),
        ),
        Mistake(
            "right answers alone",
            "There's nothing beside the diagonal: mistakes are counted there.",
            lambda labels, predicted, classes: (
                _confusion_matrix(labels, predicted, classes) * np.eye(classes, dtype=int)
            ),
            ("What do all numbers add up to?",),
        ),
        Mistake(
            "both directions",
            "You count a mistake in both directions: a cat taken for a dog isn't a dog taken for a cat.",
            lambda labels, predicted, classes: (
                _confusion_matrix(labels, predicted, classes) + _confusion_matrix(predicted, labels, classes)
            ),
            ("What do all numbers add up to?",),
        ),
    ),
)


def _class_accuracy(labels: Array, predicted: Array, classes: int) -> Array:
    matrix = _confusion_matrix(labels, predicted, classes)
    return np.asarray(np.diag(matrix) / matrix.sum(axis=1))


def _over(count: Callable[[Array, int], Array]) -> Callable[..., Array]:
    """Return a share of right answers over another count, made of the matrix and the number of images."""

    def function(labels: Array, predicted: Array, classes: int) -> Array:
        matrix = _confusion_matrix(labels, predicted, classes)
        with np.errstate(all="ignore"):
            return np.asarray(np.diag(matrix) / count(matrix, len(labels)))

    return function


check_class_accuracy = Task(
    "class_accuracy",
    "Given labels (N,), predicted classes (N,) and the number of classes, each of which is among the labels. "
    "Return for each class the share of its images that are right, (classes,).",
    _class_accuracy,
    _answers,
    (
        Mistake(
            "of all images",
            "You divide by the number of all images; divide by those of the class.",
            _over(lambda matrix, count: np.full(len(matrix), count)),
            ("What's the largest answer that is possible?",),
        ),
        Mistake(
            "of the answers",
            "You divide by how often the class was answered: that's precision. Divide by its images.",
            _over(lambda matrix, count: matrix.sum(axis=0)),
            ("Of which images is the share asked for: of the cats, or of what was called a cat?",),
        ),
        Mistake(
            "counts",
            "Those are the numbers of right images; shares are wanted.",
            _over(lambda matrix, count: np.ones(len(matrix))),
            ("Divide by what?",),
        ),
        Mistake(
            "of all classes",
            "All classes have the accuracy over all images.",
            lambda labels, predicted, classes: np.full(classes, (labels == predicted).mean()),
            ("Where do you pick the images of one class?",),
        ),
        Mistake(
            "errors",
            "Those are the shares of wrong images.",
            lambda labels, predicted, classes: 1 - _class_accuracy(labels, predicted, classes),
            ("== or !=?",),
        ),
        Mistake(
            "overlap",
            "You divide by the images of the class and those taken for it: that's the intersection over the "
            "union.",
            _over(lambda matrix, count: matrix.sum(axis=0) + matrix.sum(axis=1) - np.diag(matrix)),
            ("Of which images is the share asked for?",),
        ),
        Mistake(
            "equal classes",
            "You take all classes to be equally large.",
            _over(lambda matrix, count: np.full(len(matrix), count / len(matrix))),
            ("How many images of a class are among the labels?",),
        ),
        Mistake(
            "one against the rest",
            "You count images of other classes as right that weren't taken for this one.",
            lambda labels, predicted, classes: np.array(
                [((labels == c) == (predicted == c)).mean() for c in range(classes)]
            ),
            ("Which images does the accuracy of a class look at?",),
        ),
    ),
)


def _points(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[1.0, 0.0], [9.0, 3.0], [0.0, 2.0], [1.0, 3.0]]), np.array([0, 1, 1, 1]), 1
    for N, D, k in ((8, 3, 2), (12, 4, 3), (9, 2, 4), (10, 5, 3)):
        labels = rng.permutation(np.arange(N) % 3)
        centers = rng.normal(size=(3, D))
        lengths = rng.uniform(0.2, 5, size=(N, 1))
        yield lengths * (centers[labels] + rng.normal(size=(N, D))), labels, k


def _alike(features: Array) -> Array:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)


def _neighbor_share(features: Array, labels: Array, k: int) -> float:
    return _share_by(_alike)(features, labels, k)


def _share_by(alike: Callable[[Array], Array], itself: bool = False) -> Callable[..., float]:
    """Return the share of right neighbors, where those with the largest `alike` are near."""
    return lambda features, labels, k: float(_said(alike(features), labels, k, itself).mean())


def _said(alike: Array, labels: Array, k: int, itself: bool = False) -> Array:
    """Return (N, k), whether each of the nearest has the label of its image."""
    alike = alike if itself else np.where(np.eye(len(alike), dtype=bool), -np.inf, alike)
    nearest = np.argsort(-alike, axis=1)[:, :k]
    return np.asarray(labels[nearest] == labels[:, None])


def _minus_distances(features: Array) -> Array:
    return np.asarray(-((features[:, None] - features[None]) ** 2).sum(axis=2))


check_neighbor_share = Task(
    "neighbor_share",
    "Given features (N, D), a row for each image, its labels (N,) and k. The neighbors of an image are the k "
    "other images at the smallest angle to it. Return the share of all N k neighbors that have the label of "
    "the image whose neighbors they are.",
    _neighbor_share,
    _points,
    (
        Mistake(
            "itself",
            "Each image is its own nearest neighbor; count others.",
            _share_by(_alike, itself=True),
            ("At which angle is an image to itself?",),
        ),
        Mistake(
            "distance",
            "Your neighbors are those at the smallest distance; wanted is the smallest angle.",
            _share_by(_minus_distances),
            ("Does it matter how long a row is?",),
        ),
        Mistake(
            "lengths kept",
            "Your neighbors have the largest product; a long row has large products at any angle.",
            _share_by(lambda features: features @ features.T),
            ("By what is a product divided, so that it's the cosine of the angle?",),
        ),
        Mistake(
            "columns",
            "You bring columns to length 1; a row is an image.",
            _share_by(lambda features: (unit := features / np.linalg.norm(features, axis=0)) @ unit.T),
            ("Over which axis does the norm of one image go?",),
        ),
        Mistake(
            "farthest",
            "Your neighbors are those at the largest angle.",
            _share_by(lambda features: -_alike(features)),
            ("A small angle has a large cosine. In which direction does np.argsort sort?",),
        ),
        Mistake(
            "nearest alone",
            "You look at the nearest one alone, whatever k is.",
            lambda features, labels, k: _neighbor_share(features, labels, 1),
            ("Where is `k` in your function?",),
        ),
        Mistake(
            "all others",
            "You count all other images, whatever k is.",
            lambda features, labels, k: _neighbor_share(features, labels, len(labels) - 1),
            ("Where is `k` in your function?",),
        ),
        Mistake(
            "at least one",
            "You count images with at least one right neighbor; count the neighbors.",
            lambda features, labels, k: float(_said(_alike(features), labels, k).any(axis=1).mean()),
            ("An image with one right neighbor of three: how much does it add?",),
        ),
        Mistake(
            "a number",
            "That's how many neighbors are right; a share is wanted.",
            lambda features, labels, k: float(_said(_alike(features), labels, k).sum()),
            ("How many neighbors are there in all?",),
        ),
    ),
)


def _runs(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0]), 4.0
    for seeds, t in ((3, 4.303), (4, 3.182), (5, 2.776), (5, 2.776)):
        level = rng.normal(90, 1, size=seeds)
        first, second = (level + rng.normal(shift, 0.5, size=seeds) for shift in (1, 0))
        yield first, second, t


def _paired_interval(first: Array, second: Array, t: float) -> tuple[float, float, float]:
    return _interval(first - second, t)


def _interval(
    differences: Array, t: float, *, ddof: int = 1, root: float = 0.5
) -> tuple[float, float, float]:
    mean = float(differences.mean())
    half = float(t * differences.std(ddof=ddof) / len(differences) ** root)
    return mean, mean - half, mean + half


def _unpaired(first: Array, second: Array, t: float) -> tuple[float, float, float]:
    mean, n = float(first.mean() - second.mean()), len(first)
    half = float(t * np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / n))
    return mean, mean - half, mean + half


check_paired_interval = Task(
    "paired_interval",
    "Given the accuracies of two recipes, first (n,) and second (n,), with the same seeds in the same "
    "order, and the factor t of Student's distribution. Take the differences first - second seed by seed. "
    "The interval reaches t standard errors of their mean to each side, and the standard deviation is that "
    "of a sample, over n - 1. Return mean, low, high.",
    _paired_interval,
    _runs,
    (
        Mistake(
            "not in pairs",
            "You use the spread of each recipe; what counts is that of the differences, seed by seed.",
            _unpaired,
            ("What do two runs of one seed have in common?", "Subtract first."),
        ),
        Mistake(
            "by n",
            "low and high: you divide by n in the variance; a sample's is over n - 1.",
            lambda first, second, t: _interval(first - second, t, ddof=0),
            ("ddof",),
        ),
        Mistake(
            "deviation",
            "low and high: you use the deviation of the differences; that of their mean is smaller.",
            lambda first, second, t: _interval(first - second, t, root=0),
            ("How does a mean's uncertainty fall with the number of seeds?",),
        ),
        Mistake(
            "no root",
            "low and high: the standard error is the deviation divided by the root of n.",
            lambda first, second, t: _interval(first - second, t, root=1),
            ("With four times the seeds, is the error a quarter or a half?",),
        ),
        Mistake(
            "no t",
            "low and high: t is missing.",
            lambda first, second, t: _interval(first - second, 1.0),
            ("How often does one standard error hold the truth?",),
        ),
        Mistake(
            "the other way",
            "You subtract the first from the second.",
            lambda first, second, t: _interval(second - first, t),
            ("Which sign has the answer if the first is better?",),
        ),
        Mistake(
            "1.96",
            "low and high: that's the factor for many seeds; with few, t is larger.",
            lambda first, second, t: _interval(first - second, 1.96),
            ("Where is `t` in your function?",),
        ),
        Mistake(
            "whole width",
            "low and high: t standard errors is the whole width in yours; it's how far it reaches to each "
            "side.",
            lambda first, second, t: _interval(first - second, t / 2),
            ("How wide is the interval from mean - e to mean + e?",),
        ),
        Mistake(
            "extremes",
            "low and high: those are the smallest and the largest difference.",
            lambda first, second, t: (
                float((first - second).mean()),
                float((first - second).min()),
                float((first - second).max()),
            ),
            ("Do more seeds make it narrower?",),
        ),
    ),
)


def _filters(rng: np.random.Generator) -> Iterator[Inputs]:
    first = np.array([[1.0, 0.0], [0.0, 1.0]]).reshape(2, 1, 1, 2)
    loud = np.array([[3.0, 0.0], [0.0, 1.0]]).reshape(2, 1, 1, 2)
    yield first, loud, np.zeros_like(loud), 1.0
    yield first, loud, loud[::-1].copy(), 0.5
    for shape in ((1, 2, 2, 2), (2, 1, 2, 2), (3, 2, 2, 2), (4, 2, 3, 3)):
        w, grad, momentum = (rng.normal(size=shape) for _ in range(3))
        yield w, grad, momentum, 0.2


check_muon_step = Task.broken(
    "muon_step",
    "Given filters w (C_out, C_in, K, K), their gradient, the momentum so far and the rate. Return the "
    "filters after one step of Muon, and the new momentum.",
    '''
def muon_step(w, grad, momentum, rate):
    """Return the filters after one step of Muon, and the new momentum."""
    momentum = 0.6 * momentum + grad
    x = (grad + 0.6 * momentum).reshape(len(w), -1)  # a row a filter
    x = x / np.sqrt((x**2).sum())
    for _ in range(3):
        g = x @ x.T
        x = 3.4445 * x + (-4.7750 * g + 2.0315 * g @ g) @ x
    w = w * np.sqrt(len(w) / (w**2).sum())
    return w - rate * x.reshape(w.shape), momentum
''',
    _filters,
    (
        Bug(
            "no look ahead",
            "(grad + 0.6 * momentum)",
            "(0.6 * momentum)",
            "From no momentum, the filters are right. Later, the newest gradient counts too little in them.",
            ("In the chapter, how often does a gradient go into its own step?",),
        ),
        Bug(
            "part of the gradient",
            "0.6 * momentum + grad",
            "0.6 * momentum + 0.4 * grad",
            "From no momentum, the new momentum isn't the gradient.",
            ("Print the momentum after the first step.",),
        ),
        Bug(
            "rows that are no filters",
            "reshape(len(w), -1)",
            "reshape(-1, len(w))",
            "With as many weights a filter as filters, all is right. With more, the step's directions, a row "
            "a filter, aren't alike.",
            ("Print the shape of x for 4 filters.",),
        ),
        Bug(
            "by the largest number",
            "np.sqrt((x**2).sum())",
            "np.abs(x).max()",
            "The step's singular values are far from 1, the more so the larger the layer.",
            ("Which singular value may be above 1 before the loop?", "The root of the sum of squares."),
        ),
        Bug(
            "a turn too few",
            "range(3)",
            "range(2)",
            "The step's quiet directions are quieter than in the chapter.",
            ("By hand, with a single singular value of 0.1: what is it after each turn?",),
        ),
        Bug(
            "number by number",
            "g @ g)",
            "g * g)",
            "For gradients that go in the axes' directions all is right, for others it isn't.",
            ("Which products does the chapter's formula have?",),
        ),
        Bug(
            "size of the weights",
            "np.sqrt(len(w) / (",
            "np.sqrt(w.size / (",
            "With a rate of 0, the filters come out too large.",
            ("With a rate of 0, what is the norm of all filters together?",),
        ),
        Bug(
            "uphill",
            "w - rate",
            "w + rate",
            "The step goes where the loss rises.",
            ("For one filter, which way does the gradient point, and which way do the weights go?",),
        ),
    ),
)
