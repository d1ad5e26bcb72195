"""How sure a network is, and how sure it may be: calibration, and the temperature that mends it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count, check_labels
from cnncourse.explain.mistakes import check_probabilities
from cnncourse.learning import softmax


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence beside accuracy, in groups of images of which the network is about equally sure.

    Parameters
    ----------
    edges : ndarray of shape (bins + 1,)
        Where the groups begin and end; a confidence on an edge belongs to the group below it.
    counts : ndarray of int64 of shape (bins,)
        Images in each.
    confidence : ndarray of shape (bins,)
        Mean probability of the class that was chosen; not-a-number where there is no image.
    accuracy : ndarray of shape (bins,)
        Share of right answers; not-a-number where there is no image.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_error(self) -> float:
        r"""The expected calibration error, from 0 to 1.

        .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{N} \, |\mathrm{accuracy}_b - \mathrm{confidence}_b|
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def calibration(probabilities: Any, labels: Any, bins: int = 15) -> Calibration:
    """Compare how sure a network is with how often it is right.

    Of all answers given with a confidence of 80%, 80% should be right. Images are put into groups by the
    probability of the class that was chosen, each group as wide as the others.

    Parameters
    ----------
    probabilities : array_like of shape (N, classes)
        The network's, such as `cnncourse.models.Trained.predict` returns.
    labels : array_like of int of shape (N,)
        The true classes.
    bins : int
        How many groups.

    Returns
    -------
    Calibration
        With ``expected_error``, the mean gap between the two.

    Raises
    ------
    TypeError, ValueError
        If `probabilities` are none, or the labels do not fit them.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, section 2,
    https://arxiv.org/abs/1706.04599.

    Examples
    --------
    >>> found = calibration([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.4, 0.6]], [0, 1, 1, 1], bins=2)
    >>> found.counts, found.confidence, found.accuracy
    (array([0, 4]), array([  nan, 0.775]), array([ nan, 0.75]))
    >>> round(found.expected_error, 3)
    0.025
    """
    p, truth = check_probabilities(probabilities, labels)
    edges = np.linspace(0, 1, check_count("bins", bins) + 1)
    sure = np.minimum(p.max(axis=1), 1).astype(float)  # (N,)
    group = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)  # (N,)
    counts = np.bincount(group, minlength=bins)
    sums = [np.bincount(group, weights=each, minlength=bins) for each in (sure, p.argmax(axis=1) == truth)]
    confidence, accuracy = (
        np.divide(each, counts, out=np.full(bins, np.nan), where=counts > 0) for each in sums
    )
    return Calibration(edges, counts, confidence, accuracy)


def temperature(logits: Any, labels: Any) -> float:
    r"""Return the number by which to divide logits so that the network is as sure as it may be.

    The temperature :math:`T` makes the cross-entropy of ``softmax(logits / T)`` as small as it can be. Above
    1 it takes confidence from the network, below 1 it gives it some; no answer changes. With
    :math:`\beta = 1 / T` the loss is convex, and at its minimum the logit of the right class is, on average,
    what the probabilities expect:

    .. math:: \frac{1}{N} \sum_n \Bigl( \sum_k p_{n,k}(\beta) \, z_{n,k} - z_{n, y_n} \Bigr) = 0

    Parameters
    ----------
    logits : array_like of shape (N, classes)
        Of *validation* images, since the test images are there to judge the result. The logarithms of
        probabilities serve as well: they are logits less a number that is the same for all classes.
    labels : array_like of int of shape (N,)
        The true classes.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If a logit is not finite, the labels do not fit, or no temperature is best: every image is right, or
        the logits speak against the labels.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2,
    https://arxiv.org/abs/1706.04599.

    Examples
    --------
    >>> logits = [[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]]  # 98% sure, and right three times of four
    >>> t = temperature(logits, [0, 0, 0, 1])
    >>> round(t, 3), softmax(np.array(logits[0]) / t).round(3)
    (3.641, array([0.75, 0.25]))
    """
    z = check_array("logits", logits, "(N, classes)").astype(np.float64)
    truth = check_labels("labels", labels, *z.shape)
    if z.size == 0 or not np.isfinite(z).all():
        raise ValueError(
            f"logits must be finite, of at least one picture, got shape {z.shape}; of probabilities that "
            "are 0, take np.log(np.maximum(probabilities, 1e-30))"
        )
    right = z[np.arange(len(z)), truth]  # (N,)
    if (right == z.max(axis=1)).all():
        raise ValueError(
            "logits are right about every label: the lower the temperature, the better; use more images"
        )
    if right.mean() <= z.mean():
        raise ValueError(
            "logits favor the wrong classes, so the higher the temperature, the better; check the labels"
        )

    def slope(log_t: float) -> float:
        p = softmax(z / math.exp(log_t))
        return float(((p * z).sum(axis=1) - right).mean())

    low, high = -1.0, 1.0  # the slope falls from above 0 at a low temperature to below 0 at a high one
    while slope(low) < 0:
        low -= 1
    while slope(high) > 0:
        high += 1
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return math.exp(middle)
