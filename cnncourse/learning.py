"""Learning by hand: softmax and cross-entropy, rules for steps, schedules, a small CNN and its training loop.

Everything is NumPy. A network gives *logits*, scores of shape (N, classes); the loss compares them with
labels (N,), whole numbers from 0; its gradient goes backward through the layers, and a rule makes a step
of it.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count
from cnncourse._small_cnn import SmallCNN, linear, linear_backward
from cnncourse._steps import (
    RULES,
    Rule,
    adam_step,
    cosine_decay,
    momentum_step,
    one_cycle,
    sgd_step,
    step_decay,
    warm_up,
)

__all__ = [
    "RULES",
    "SmallCNN",
    "adam_step",
    "cosine_decay",
    "cross_entropy",
    "cross_entropy_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_sum_exp",
    "minibatches",
    "momentum_step",
    "one_cycle",
    "predict",
    "sgd_step",
    "softmax",
    "step_decay",
    "train",
    "warm_up",
]


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
    total: np.ndarray = largest + np.log(np.exp(x - largest).sum(axis=axis, keepdims=True))
    return total.squeeze(axis)


def log_softmax(x: Any, axis: int = -1) -> np.ndarray:
    """Return the logarithms of the probabilities of `softmax`: ``x - log_sum_exp(x)``.

    Examples
    --------
    >>> np.round(np.exp(log_softmax(np.log([1, 2, 5]))), 3)
    array([0.125, 0.25 , 0.625])
    """
    x = _scores(x, axis)
    y: np.ndarray = x - np.expand_dims(log_sum_exp(x, axis), axis)
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
    logits : array_like, (N, classes)
        Scores, before softmax.
    labels : array_like, (N,)
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
    return float(-(target * log_softmax(logits)).sum() / len(logits))


def cross_entropy_backward(logits: Any, labels: Any, label_smoothing: float = 0.0) -> np.ndarray:
    """Return the gradient of `cross_entropy` for the logits: probabilities minus targets, over N.

    Parameters
    ----------
    logits, labels, label_smoothing
        As in `cross_entropy`.

    Returns
    -------
    ndarray, (N, classes)

    Examples
    --------
    >>> cross_entropy_backward([np.log([1, 2, 5])], [1])
    array([[ 0.125, -0.75 ,  0.625]])
    """
    logits = _logits(logits)
    grad: np.ndarray = (softmax(logits) - _targets(logits, labels, label_smoothing)) / len(logits)
    return grad


def minibatches(count: int, batch_size: int, rng: int | np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the numbers from 0 to ``count - 1`` in random order, `batch_size` at a time; the rest comes last.

    `rng` is a seed or a generator, which decides the order.

    Examples
    --------
    >>> [len(batch) for batch in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]
    """
    order = np.random.default_rng(rng).permutation(check_count("count", count))
    for start in range(0, count, check_count("batch_size", batch_size)):
        yield order[start : start + batch_size]


def train(
    network: SmallCNN,
    images: Any,
    labels: Any,
    rule: Rule = sgd_step,
    learning_rate: float = 0.1,
    epochs: int = 1,
    batch_size: int = 50,
    seed: int = 0,
    schedule: Callable[[int, int], float] | None = None,
) -> list[float]:
    """Train `network` in place: forward, loss, backward, step; return the loss of each step.

    Parameters
    ----------
    network : SmallCNN
        Or anything with ``parameters``, ``training``, ``forward`` and ``backward``.
    images : array_like, (N, C, H, W)
        Floats of about mean 0 and deviation 1.
    labels : array_like, (N,)
        Whole numbers from 0.
    rule : callable
        One of `RULES`.
    learning_rate : float
        The largest one.
    epochs, batch_size : int
        How often each picture is seen, and how many at a step.
    seed : int
        Decides the order of the pictures.
    schedule : callable, optional
        ``schedule(step, steps)`` is the share of the learning rate, such as `cosine_decay`.

    Returns
    -------
    list of float
        The loss of each batch, before its step.

    Raises
    ------
    ValueError
        If there is not one label for each picture, or less than one picture at a step.
    TypeError
        If `network` has no parameters by name, or `rule` or `schedule` is no function.
    FloatingPointError
        If the loss is no longer a finite number.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> losses = train(SmallCNN(), rng.normal(size=(20, 1, 8, 8)), rng.integers(0, 10, 20), epochs=20)
    >>> losses[-1] < losses[0]
    True
    """
    images, labels = check_array("images", images, "(N, C, H, W)"), np.asarray(labels)
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels must have shape ({len(images)},), one a picture, got {labels.shape}")
    _check_parts(network, rule, schedule)
    rng = np.random.default_rng(seed)
    states: dict[str, dict[str, Any]] = {name: {} for name in network.parameters}
    steps = check_count("epochs", epochs, 0) * math.ceil(len(images) / check_count("batch_size", batch_size))
    losses: list[float] = []
    network.training = True
    for _ in range(epochs):
        for batch in minibatches(len(images), batch_size, rng):
            rate = learning_rate * (schedule(len(losses), steps) if schedule else 1.0)
            logits = network.forward(images[batch])  # (B, classes)
            losses.append(cross_entropy(logits, labels[batch]))
            if not math.isfinite(losses[-1]):
                way = f"try {learning_rate / 10:g}" if losses[1:] else "no step was made yet: look at images"
                raise FloatingPointError(
                    f"the loss became {losses[-1]} in step {len(losses)}, at learning rate {rate:g}; {way}"
                )
            gradients = network.backward(cross_entropy_backward(logits, labels[batch]))
            for name, grad in gradients.items():
                network.parameters[name] = rule(network.parameters[name], grad, states[name], rate)
    return losses


def predict(network: SmallCNN, images: Any) -> np.ndarray:
    """Return the class with the highest score for each picture, in evaluation mode.

    Examples
    --------
    >>> predict(SmallCNN(), np.zeros((3, 1, 8, 8))).shape
    (3,)
    """
    before, network.training = network.training, False
    try:
        answers: np.ndarray = network.forward(images).argmax(axis=1)
    finally:
        network.training = before
    return answers


def _check_parts(network: Any, rule: Any, schedule: Any) -> None:
    """Refuse what training cannot use."""
    if isinstance(network, type) or not isinstance(getattr(network, "parameters", None), dict):
        raise TypeError(
            "network must be a SmallCNN() or the like, with a dict of parameters, got "
            f"{type(network).__name__}; PyTorch's networks are trained by cnncourse.training"
        )
    if not callable(rule):
        raise TypeError(f"rule must be a function such as adam_step, or one of RULES, got {rule!r}")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of step and steps, like cosine_decay, got {schedule!r}")


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
    labels = np.asarray(labels)
    count, classes = logits.shape
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
    if labels.shape != (count,):
        raise ValueError(f"labels must have shape ({count},), one a picture, got {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must be from 0 to {classes - 1} for {classes} classes, "
            f"got {labels.min()} to {labels.max()}"
        )
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {label_smoothing}")
    target = np.full(logits.shape, label_smoothing / classes, dtype=logits.dtype)
    target[np.arange(count), labels] += 1 - label_smoothing
    return target
