"""Where a classifier errs: classes taken for others, its surest mistakes, labels to look at again."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count, check_labels, check_number


def confusion_matrix(labels: Any, predicted: Any, classes: int) -> np.ndarray:
    """Count how often each class was taken for each.

    Parameters
    ----------
    labels : array_like of int of shape (N,)
        The true classes, from 0 to ``classes - 1``.
    predicted : array_like of int of shape (N,)
        The network's answers, such as ``probabilities.argmax(axis=1)``.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray of int64 of shape (classes, classes)
        A row for each true class, a column for each answer: right answers are on the diagonal.

    Raises
    ------
    TypeError, ValueError
        If something is not a whole number, out of range, or the two differ in length.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2], classes=3)
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    check_count("classes", classes)
    answers = np.asarray(predicted)
    if answers.ndim == 2:
        raise ValueError(
            f"predicted must be one answer a picture, got shape {answers.shape}; use .argmax(axis=1)"
        )
    truth = check_labels("labels", labels, np.size(labels), classes)
    answers = check_labels("predicted", answers, len(truth), classes)
    pairs = classes * truth.astype(np.int64) + answers.astype(np.int64)  # (N,), one number for each pair
    counts: np.ndarray = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return counts


def worst_mistakes(probabilities: Any, labels: Any, n: int) -> np.ndarray:
    """Return which images the network got wrong while it was most sure.

    Parameters
    ----------
    probabilities : array_like of shape (N, classes)
        The network's, such as `cnncourse.models.Trained.predict` returns.
    labels : array_like of int of shape (N,)
        The true classes.
    n : int
        How many images at most.

    Returns
    -------
    ndarray of int64 of shape (at most n,)
        Indices of wrong answers, those with the most probability for the wrong class first; of equal ones
        the first in the data. Fewer than `n` if there are fewer mistakes.

    Raises
    ------
    TypeError, ValueError
        If `probabilities` are none, or the labels do not fit them.

    Examples
    --------
    >>> worst_mistakes([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], [1, 0, 1], n=5)
    array([0, 1])
    """
    p, truth = check_probabilities(probabilities, labels)
    wrong = np.flatnonzero(p.argmax(axis=1) != truth)
    order: np.ndarray = wrong[np.argsort(-p[wrong].max(axis=1), kind="stable")][: check_count("n", n)]
    return order


def suspicious_labels(probabilities: Any, labels: Any) -> np.ndarray:
    r"""Return which labels to look at again: confident learning in its simplest form.

    The bar :math:`t_k` of a class is the mean of its probability over all images that bear its label: how
    sure the network usually is of it. A label is suspicious if another class :math:`k` clears its own bar,
    :math:`p_k \ge t_k`, and has more probability than any other that does, the label's included. The list
    begins with the label that the network believes least.

    The network must not have learned from these very labels: it would repeat them. Judge test labels by a
    network trained on the training set, and training labels in parts, each by a network trained on the rest.
    The list is one of candidates: a mistake of the network looks the same until somebody looks at the image.

    Parameters
    ----------
    probabilities : array_like of shape (N, classes)
        Of a network that did not see these labels.
    labels : array_like of int of shape (N,)
        The labels that are in question.

    Returns
    -------
    ndarray of int64 of shape (count,)
        Indices, the least probable label first.

    Raises
    ------
    TypeError, ValueError
        If `probabilities` are none, or the labels do not fit them.

    References
    ----------
    Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of
    Artificial Intelligence Research 70, 2021, section 3, https://doi.org/10.1613/jair.1.12125.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.1, 0.9], [0.45, 0.55]]
    >>> suspicious_labels(p, [0, 0, 1, 1, 0])  # the third is labeled 1, and looks like a 0
    array([2, 4])
    """
    p, truth = check_probabilities(probabilities, labels)
    own = p[np.arange(len(p)), truth]  # (N,), the self-confidence
    counts = np.bincount(truth, minlength=p.shape[1])
    sums = np.bincount(truth, weights=own, minlength=p.shape[1])
    bars = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)  # (classes,)
    cleared = np.where(p >= bars, p, 0)  # (N, classes)
    suspicious = np.flatnonzero((cleared.max(axis=1) > 0) & (cleared.argmax(axis=1) != truth))
    order: np.ndarray = suspicious[np.argsort(own[suspicious], kind="stable")]
    return order


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    r"""Return how far an accuracy can be trusted, given on how many images it was measured.

    Wilson's interval: all accuracies :math:`a` from which the measured share :math:`s` of `n` images is at
    most :math:`z` standard errors :math:`\sqrt{a (1 - a) / n}` away, with :math:`z = 1.96` for 95%. It
    speaks of other images like these; what another training run would give, it cannot say.

    Parameters
    ----------
    correct, total : int
        Images that were right, and all of them.
    confidence : float
        The share of such intervals that hold the true accuracy, above 0 and below 1.

    Returns
    -------
    (float, float)
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If the counts are none, or more images were right than there were.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22, 1927, https://doi.org/10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(end, 4) for end in accuracy_interval(9400, 10_000)]
    [0.9352, 0.9445]
    >>> [round(end, 4) for end in accuracy_interval(10, 10)]  # all right, and yet
    [0.7225, 1.0]
    """
    n, right = check_count("total", total), check_count("correct", correct, minimum=0)
    if right > n:
        raise ValueError(
            f"correct must be at most total, {n}, got {right}; give counts, the right ones first"
        )
    check_number("confidence", confidence, 0, 1, above=True)
    z, share = NormalDist().inv_cdf((1 + confidence) / 2), right / n
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + side * half) / (1 + z**2 / n) for side in (-1, 1))
    return (0.0 if right == 0 else low), (1.0 if right == n else high)


def check_probabilities(probabilities: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (N, classes) whose rows sum to 1, and the labels that belong to them."""
    p = check_array("probabilities", probabilities, "(N, classes)")
    if p.size == 0:
        raise ValueError(f"probabilities must hold at least one picture and one class, got shape {p.shape}")
    if not (p.min() >= 0 and np.allclose(p.sum(axis=1), 1, atol=1e-3)):
        raise ValueError(
            "probabilities must be at least 0 and sum to 1 in each row, got rows with sums from "
            f"{p.sum(axis=1).min():.4g} to {p.sum(axis=1).max():.4g} and values from {p.min():.4g}; "
            "learning.softmax makes them of logits"
        )
    return p, check_labels("labels", labels, *p.shape)
