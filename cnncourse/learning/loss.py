"""The loss: softmax and cross-entropy, forward and backward."""

from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_labels


def log_sum_exp(x: Any, axis: int = -1) -> np.ndarray:
    r"""Return the logarithm of the sum of exponentials, without ever computing a large exponential.

    .. math:: \log \sum_k e^{x_k} = m + \log \sum_k e^{x_k - m}, \qquad m = \max_k x_k

    Parameters
    ----------
    x : array_like
        Scores.
    axis : int
        The axis to sum over, which is dropped.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> round(float(log_sum_exp([1000.0, 1000.0])) - 1000, 6)  # the logarithm of 2
    0.693147
    """
    x = _scores(x, axis)
    largest = x.max(axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)  # infinity less infinity is no number
    with np.errstate(divide="ignore"):  # all scores minus infinity: so is the logarithm of their sum
        total: np.ndarray = largest + np.log(np.exp(x - largest).sum(axis=axis, keepdims=True))
    return total.squeeze(axis)


def log_softmax(x: Any, axis: int = -1) -> np.ndarray:
    """Return the logarithms of the probabilities of `softmax`: ``x - log_sum_exp(x)``.

    Minus infinity is a score like others: its probability is 0. Where the largest score is infinite,
    there are no probabilities, and all of them are not-a-number, as in torch.

    Examples
    --------
    >>> np.round(np.exp(log_softmax(np.log([1, 2, 5]))), 3)
    array([0.125, 0.25 , 0.625])
    """
    x = _scores(x, axis)
    total = np.expand_dims(log_sum_exp(x, axis), axis)
    y: np.ndarray = x - np.where(np.isfinite(total), total, np.nan)
    return y


def softmax(x: Any, axis: int = -1) -> np.ndarray:
    r"""Turn scores into positive numbers that sum to one.

    .. math:: p_k = \frac{e^{x_k}}{\sum_j e^{x_j}}

    Parameters
    ----------
    x : array_like
        Scores, such as logits (N, classes).
    axis : int
        The axis whose numbers shall sum to one.

    Returns
    -------
    ndarray of the shape of `x`

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    y: np.ndarray = np.exp(log_softmax(x, axis))
    return y


def cross_entropy(logits: Any, labels: Any, label_smoothing: float = 0.0) -> float:
    r"""Return the mean of minus the logarithm of the right class's probability.

    .. math:: L = -\frac{1}{N} \sum_n \sum_k t_{n,k} \log p_{n,k}

    where the target t is 1 at the label and 0 elsewhere, or, with smoothing s among K classes,
    1 - s + s / K at the label and s / K elsewhere.

    Parameters
    ----------
    logits : array_like of shape (N, classes)
        Scores, before softmax.
    labels : array_like of shape (N,)
        Whole numbers from 0 to classes - 1.
    label_smoothing : float
        From 0 to 1: the share of the target that is spread over all classes.

    Returns
    -------
    float
        In nats. Equal probabilities for K classes give ``log(K)``.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, or the batch is empty.

    Examples
    --------
    >>> round(cross_entropy(np.zeros((2, 10)), [3, 7]), 4)  # no idea: log(10)
    2.3026
    """
    logits = _logits(logits)
    target = _targets(logits, labels, label_smoothing)
    log_probabilities = log_softmax(logits)
    counted = np.where(target > 0, log_probabilities, 0)  # 0 log(0) is 0, and not not-a-number
    return float(-(target * counted).sum() / len(logits))


def cross_entropy_backward(logits: Any, labels: Any, label_smoothing: float = 0.0) -> np.ndarray:
    """Return the gradient of `cross_entropy` for the logits: probabilities minus targets, over N.

    Parameters
    ----------
    logits, labels, label_smoothing
        As in `cross_entropy`.

    Returns
    -------
    ndarray of shape (N, classes)

    Examples
    --------
    >>> cross_entropy_backward([np.log([1, 2, 5])], [1])
    array([[ 0.125, -0.75 ,  0.625]])
    """
    logits = _logits(logits)
    grad: np.ndarray = (softmax(logits) - _targets(logits, labels, label_smoothing)) / len(logits)
    return grad


def accuracy(logits: Any, labels: Any) -> float:
    """Return the share of pictures whose highest score is that of the right class.

    Parameters
    ----------
    logits : array_like of shape (N, classes)
        Scores or probabilities.
    labels : array_like of shape (N,)
        Whole numbers from 0 to ``classes - 1``.

    Returns
    -------
    float
        From 0 to 1. Of equal scores the first class counts; a picture with a score that is not a number
        counts as wrong.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, or there is no picture.

    Examples
    --------
    >>> accuracy([[2.0, 1.0], [0.0, 3.0], [4.0, 5.0], [1.0, 0.0]], [0, 1, 0, 0])
    0.75
    """
    logits = _logits(logits)
    right = logits.argmax(axis=1) == check_labels("labels", labels, *logits.shape)  # (N,)
    return float((right & ~np.isnan(logits).any(axis=1)).mean())


def _scores(x: Any, axis: int) -> np.ndarray:
    """Return scores as floats, at least one of them along `axis`."""
    scores = check_array("x", x)
    if not -scores.ndim <= axis < scores.ndim or scores.shape[axis] == 0:
        raise ValueError(f"x must hold at least one score along axis {axis}, got shape {scores.shape}")
    return scores


def _logits(logits: Any) -> np.ndarray:
    array = check_array("logits", logits, "(N, classes)")
    if array.size == 0:
        raise ValueError(f"logits must hold at least one picture and one class, got shape {array.shape}")
    return array


def _targets(logits: np.ndarray, labels: Any, label_smoothing: float) -> np.ndarray:
    """Return what the probabilities should be: (N, classes), each row sums to one."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {label_smoothing}")
    count, classes = logits.shape
    target = np.full(logits.shape, label_smoothing / classes, dtype=logits.dtype)
    target[np.arange(count), check_labels("labels", labels, count, classes)] += 1 - label_smoothing
    return target
