"""Exercises of the chapter on CIFAR-10: what is taken for what, accuracy by class, differences by seed."""

from collections.abc import Callable, Iterator

import numpy as np

from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _answers(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0, 1, 1]), np.array([0, 0, 0]), 2
    yield np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 3
    for count, classes in ((7, 3), (12, 4), (25, 5), (20, 3)):
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, size=count)])
        guess = rng.integers(0, classes, size=len(labels))
        predicted = np.where(rng.random(len(labels)) < 0.5, labels, guess)
        order = rng.permutation(len(labels))
        yield labels[order], predicted[order], classes


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
    _answers,
    (
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
