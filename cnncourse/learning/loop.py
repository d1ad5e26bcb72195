"""The training loop, and what the trained network predicts."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count
from cnncourse.learning.loss import cross_entropy, cross_entropy_backward
from cnncourse.learning.optimizers import Rule, sgd_step
from cnncourse.learning.small_cnn import SmallCNN


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
    images : array_like of shape (N, C, H, W)
        Floats of about mean 0 and deviation 1.
    labels : array_like of shape (N,)
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
        ``schedule(step, steps)`` is the share of the learning rate, such as `training.cosine_decay`.

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
