"""Exercises of the chapter on learning: softmax, cross-entropy, its gradient, a step with momentum."""

from collections.abc import Iterator

import numpy as np

from cnncourse import learning
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _logits(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    yield (np.array([[0.0, 0.0]]),)
    yield (np.log([[1.0, 2.0, 5.0]]),)
    yield (np.array([[1.0, 2.0], [3.0, 3.0], [-1.0, 0.0]]),)
    yield (np.array([[1000.0, 1001.0], [-1000.0, -1001.0]]),)
    for shape in ((2, 3), (3, 3), (5, 10), (3, 3)):
        yield (3 * rng.normal(size=shape),)


def _exp_over(logits: Array, axis: int | None) -> Array:
    e = np.exp(logits - logits.max())
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _naive(logits: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return np.asarray(e / e.sum(axis=1, keepdims=True))


def _by_the_largest_of_all(logits: Array) -> Array:
    with np.errstate(all="ignore"):
        return _exp_over(logits, 1)


check_softmax = Task(
    "softmax",
    "Given logits (N, K), one row for each image. Return the probabilities (N, K).",
    lambda logits: learning.softmax(logits),
    _logits,
    (
        Mistake(
            "wrong axis",
            "Your columns add up to 1; each image's row should.",
            lambda logits: learning.softmax(logits, axis=0),
            ("Which axis holds the classes of one image?",),
        ),
        Mistake(
            "one sum for all",
            "You divide by the sum over all images; each row has its own.",
            lambda logits: _exp_over(logits, None),
            ("Add up one row of your answer.", "axis=..., keepdims=True"),
        ),
        Mistake(
            "too large for exp",
            "Large logits overflow: exp(1000) is infinite, and infinity divided by itself is no number.",
            _naive,
            (
                "What happens to softmax if you add the same number to all logits of a row?",
                "Subtract the row's maximum.",
            ),
        ),
        Mistake(
            "one maximum for all",
            "You subtract the largest of all logits. In a row far below it, everything becomes exp(-2000) "
            "= 0.",
            _by_the_largest_of_all,
            ("Which maximum makes the largest exponent of each row 0?",),
        ),
        Mistake(
            "no exponential",
            "You divide the logits by their sum; the exponential is missing.",
            lambda logits: logits / logits.sum(axis=1, keepdims=True),
            ("Logits may be negative; probabilities may not.",),
        ),
        Mistake(
            "logarithm",
            "Those are log-probabilities.",
            lambda logits: learning.log_softmax(logits),
            ("One np.exp away.",),
        ),
        Mistake(
            "sigmoid",
            "Each number has its own sigmoid: the classes don't compete, and rows don't add up to 1.",
            lambda logits: 1 / (1 + np.exp(-np.clip(logits, -700, 700))),
            ("Add up one row of your answer.",),
        ),
        Mistake(
            "not divided",
            "Rows don't add up to 1: the division is missing.",
            lambda logits: np.exp(logits - logits.max(axis=1, keepdims=True)),
            ("Add up one row of your answer.",),
        ),
    ),
)


def _labelled(rng: np.random.Generator) -> Iterator[Inputs]:
    for (logits,) in _logits(rng):
        yield logits, rng.integers(0, logits.shape[1], size=len(logits))


def _picked(rows: Array, labels: Array) -> Array:
    return np.asarray(rows[np.arange(len(labels)), labels])


def _log_naive(logits: Array, labels: Array) -> float:
    with np.errstate(all="ignore"):
        return float(-np.log(_picked(_naive(logits), labels)).mean())


check_cross_entropy = Task(
    "cross_entropy",
    "Given logits (N, K) and labels (N,), the numbers of the right classes. Return the mean loss of the "
    "images.",
    lambda logits, labels: learning.cross_entropy(logits, labels),
    _labelled,
    (
        Mistake(
            "sum",
            "That's the sum over the images; we want their mean.",
            lambda logits, labels: len(labels) * learning.cross_entropy(logits, labels),
            ("Should the loss double when the batch does?",),
        ),
        Mistake(
            "sign",
            "The sign is turned round: a loss is small where the network is right.",
            lambda logits, labels: -learning.cross_entropy(logits, labels),
            ("The logarithm of a probability is negative.",),
        ),
        Mistake(
            "mean over classes",
            "You divide by N times K: each image counts once, not once for each class.",
            lambda logits, labels: learning.cross_entropy(logits, labels) / logits.shape[1],
            ("Over how many numbers do you take the mean?",),
        ),
        Mistake(
            "base 2",
            "That's in bits; here we want natural logarithms.",
            lambda logits, labels: learning.cross_entropy(logits, labels) / np.log(2),
            ("np.log, np.log2 or np.log10?",),
        ),
        Mistake(
            "no logarithm",
            "You average the probabilities; their logarithms are missing.",
            lambda logits, labels: 1 - _picked(learning.softmax(logits), labels).mean(),
            ("-log(p), not 1 - p.",),
        ),
        Mistake(
            "softmax twice",
            "Softmax is applied twice.",
            lambda logits, labels: learning.cross_entropy(learning.softmax(logits), labels),
            ("Are your logits probabilities already when you take the second softmax?",),
        ),
        Mistake(
            "overflow",
            "Large logits overflow in exp.",
            _log_naive,
            ("Subtract each row's maximum first.", "log(exp(a) / sum) = a - log(sum)"),
        ),
        Mistake(
            "predicted class",
            "You look at the probability of the class that the network prefers; the label's counts.",
            lambda logits, labels: -np.log(learning.softmax(logits).max(axis=1)).mean(),
            ("Where are the labels in your function?",),
        ),
    ),
)


def _one_hot(logits: Array, labels: Array) -> Array:
    return np.asarray(np.eye(logits.shape[1])[labels])


def _of_probabilities(logits: Array, labels: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(-_one_hot(logits, labels) / learning.softmax(logits) / len(labels))


check_cross_entropy_backward = Task(
    "cross_entropy_backward",
    "Given logits (N, K) and labels (N,) of the mean cross-entropy after a softmax. Return grad_logits (N, "
    "K).",
    lambda logits, labels: learning.cross_entropy_backward(logits, labels),
    _labelled,
    (
        Mistake(
            "not divided by N",
            "The loss is a mean over N images, so each image's gradient is divided by N.",
            lambda logits, labels: len(labels) * learning.cross_entropy_backward(logits, labels),
            ("Give the same image twice: does its gradient double?",),
        ),
        Mistake(
            "sign",
            "The sign is turned round: against this gradient the loss would grow.",
            lambda logits, labels: -learning.cross_entropy_backward(logits, labels),
            ("Should the right class's logit go up or down in a step *against* the gradient?",),
        ),
        Mistake(
            "labels missing",
            "That's softmax alone; the right class's 1 is still to be subtracted.",
            lambda logits, labels: learning.softmax(logits) / len(labels),
            ("Each row of the gradient adds up to 0. Does yours?",),
        ),
        Mistake(
            "of the probabilities",
            "That's the gradient with respect to the probabilities; one more step back, through softmax.",
            _of_probabilities,
            ("Chain rule: multiply by softmax's derivative. Much cancels.",),
        ),
        Mistake(
            "divided by all",
            "You divide by N times K; the mean is over N images.",
            lambda logits, labels: learning.cross_entropy_backward(logits, labels) / logits.shape[1],
            ("np.mean over which axis?",),
        ),
        Mistake(
            "wrong axis",
            "Your softmax runs over the images; it runs over the classes.",
            lambda logits, labels: (
                (learning.softmax(logits, axis=0) - _one_hot(logits, labels)) / len(labels)
            ),
            ("Each row of the gradient adds up to 0. Does yours?",),
        ),
        Mistake(
            "right class alone",
            "Only the right class's logit gets a gradient; the others pull down too.",
            lambda logits, labels: learning.cross_entropy_backward(logits, labels) * _one_hot(logits, labels),
            ("All logits are in the sum under softmax.",),
        ),
    ),
)


def _steps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0]), np.array([2.0]), np.array([0.0]), 0.1, 0.9
    yield np.array([1.0]), np.array([2.0]), np.array([3.0]), 0.1, 0.5
    for shape in ((3,), (2, 3), (2, 3)):
        w, grad, velocity = (rng.normal(size=shape) for _ in range(3))
        yield w, grad, velocity, float(rng.uniform(0.01, 0.5)), float(rng.uniform(0.1, 0.9))


def _momentum(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + grad
    return w - rate * velocity, velocity


def _damped(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + (1 - momentum) * grad
    return w - rate * velocity, velocity


def _rate_inside(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity - rate * grad
    return w + velocity, velocity


def _nesterov(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + grad
    return w - rate * (grad + momentum * velocity), velocity


check_momentum_step = Task(
    "momentum_step",
    "Given weights w, their gradient grad and the velocity, of one shape, a rate and a momentum. The "
    "velocity is the "
    "sum of all gradients so far, each step shrinking what is there by the momentum. Return w, velocity.",
    _momentum,
    _steps,
    (
        Mistake(
            "uphill",
            "The weights go along the gradient; they should go against it.",
            lambda w, g, v, r, m: (w + r * (m * v + g), m * v + g),
            ("The gradient points to where the loss grows.",),
        ),
        Mistake(
            "a running mean",
            "You weigh the new gradient by 1 - momentum, as Adam does; here it counts in full.",
            _damped,
            ("velocity = momentum * velocity + ...",),
        ),
        Mistake(
            "rate inside",
            "Your velocity holds the learning rate. That's the older convention; here it's a sum of "
            "gradients, and the "
            "rate is applied at the step.",
            _rate_inside,
            ("What happens to the two forms when the rate changes in between?",),
        ),
        Mistake("nesterov", "That's Nesterov's step, which looks ahead; the plain one is wanted.", _nesterov),
        Mistake(
            "old velocity",
            "You step by the velocity before this gradient was added.",
            lambda w, g, v, r, m: (w - r * v, m * v + g),
            ("Which of the two lines comes first?",),
        ),
        Mistake(
            "velocity forgotten",
            "The weights step by the gradient alone.",
            lambda w, g, v, r, m: (w - r * g, m * v + g),
            ("What is the velocity for?",),
        ),
        Mistake(
            "never shrinks",
            "The old velocity isn't shrunk by the momentum.",
            lambda w, g, v, r, m: (w - r * (v + g), v + g),
            ("Without it, the first gradient would push forever.",),
        ),
    ),
)
