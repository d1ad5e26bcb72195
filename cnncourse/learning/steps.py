"""Rules that turn a gradient into a step, and schedules that say how long the steps are.

`cnncourse.learning` offers all of this under its own name too.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count

State = dict[str, Any]
Rule = Callable[..., np.ndarray]


def sgd_step(
    w: np.ndarray, grad: np.ndarray, state: State, learning_rate: float, weight_decay: float = 0.0
) -> np.ndarray:
    """Go against the gradient: ``w - learning_rate * grad``.

    Parameters
    ----------
    w, grad : ndarray of one shape
        A parameter and the gradient of the loss with respect to it.
    state : dict
        What a rule remembers of this parameter from step to step; this rule remembers nothing.
    learning_rate : float
        How far to go.
    weight_decay : float
        Adds ``weight_decay * w`` to the gradient, which pulls the parameter toward zero.

    Returns
    -------
    ndarray
        The new parameter; `w` is not changed.

    Examples
    --------
    >>> sgd_step(np.array([1.0, 2.0]), np.array([0.5, -1.0]), {}, learning_rate=0.1)
    array([0.95, 2.1 ])
    """
    w, grad = _check_step(w, grad)
    moved: np.ndarray = w - learning_rate * (grad + weight_decay * w)
    return moved


def momentum_step(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    learning_rate: float,
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> np.ndarray:
    """Go along a running sum of the gradients, in which older ones fade.

    Parameters
    ----------
    w, grad, state, learning_rate, weight_decay
        As in `sgd_step`; `state` keeps the velocity.
    momentum : float
        What is left of the velocity at the next step: 0 remembers nothing, 0.9 the last ten or so.
    nesterov : bool
        Look one step ahead along the velocity, as in ``torch.optim.SGD(nesterov=True)``.

    Returns
    -------
    ndarray
        The new parameter.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013,
    https://proceedings.mlr.press/v28/sutskever13.html.

    Examples
    --------
    >>> state, w = {}, np.array([1.0])
    >>> for _ in range(3):
    ...     w = momentum_step(w, np.array([1.0]), state, learning_rate=0.1, momentum=0.5)
    >>> state["velocity"]
    array([1.75])
    """
    w, grad = _check_step(w, grad)
    grad = grad + weight_decay * w
    velocity = momentum * state.get("velocity", 0.0) + grad
    state["velocity"] = velocity
    moved: np.ndarray = w - learning_rate * (grad + momentum * velocity if nesterov else velocity)
    return moved


def adam_step(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> np.ndarray:
    """Divide a running mean of the gradient by the running root of its mean square, weight by weight.

    Parameters
    ----------
    w, grad, state, learning_rate
        As in `sgd_step`; `state` keeps both running means and counts the steps.
    betas : (float, float)
        What is left of the running means at the next step.
    eps : float
        Added to the root, so that a gradient of zero is not divided by zero.
    weight_decay : float
        Shrinks the parameter by ``learning_rate * weight_decay`` of itself, apart from the gradient
        (AdamW: decay put into the gradient would be divided away).

    Returns
    -------
    ndarray
        The new parameter.

    References
    ----------
    Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, https://doi.org/10.48550/arXiv.1412.6980;
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, https://doi.org/10.48550/arXiv.1711.05101.

    Examples
    --------
    >>> w = adam_step(np.zeros(2), np.array([1000.0, -0.001]), {}, learning_rate=0.1)
    >>> np.round(w, 3)  # the sign alone, at first
    array([-0.1,  0.1])
    """
    w, grad = _check_step(w, grad)
    step = state["step"] = state.get("step", 0) + 1
    mean = state["mean"] = betas[0] * state.get("mean", 0.0) + (1 - betas[0]) * grad
    square = state["square"] = betas[1] * state.get("square", 0.0) + (1 - betas[1]) * grad**2
    mean = mean / (1 - betas[0] ** step)  # both began at zero: undo that
    square = square / (1 - betas[1] ** step)
    w = w - learning_rate * weight_decay * w
    moved: np.ndarray = w - learning_rate * mean / (np.sqrt(square) + eps)
    return moved


def _check_step(w: Any, grad: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float arrays of one shape: a gradient that only broadcasts would move other weights."""
    w, grad = check_array("w", w), check_array("grad", grad)
    if grad.shape != w.shape:
        raise ValueError(
            f"grad must have the shape of w, {w.shape}, got {grad.shape}; give the gradient for this w"
        )
    return w, grad


RULES: dict[str, Rule] = {"sgd": sgd_step, "momentum": momentum_step, "adam": adam_step}
"""The three rules by name."""


def warm_up(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step`, rising in equal parts to 1 over `steps` steps.

    Examples
    --------
    >>> [warm_up(step, 4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / check_count("steps", steps))


def step_decay(step: int, milestones: Sequence[int], factor: float = 0.1) -> float:
    """Return the share of the learning rate at `step`: times `factor` from each milestone on.

    Examples
    --------
    >>> [step_decay(step, (2, 4), factor=0.5) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return float(factor ** sum(step >= milestone for milestone in milestones))


def cosine_decay(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step`: half a cosine wave from 1 down to 0 at `steps`.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017,
    https://doi.org/10.48550/arXiv.1608.03983.

    Examples
    --------
    >>> [round(cosine_decay(step, 4), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return 0.5 * (1 + math.cos(math.pi * min(step / check_count("steps", steps), 1.0)))


def one_cycle(
    step: int, steps: int, warmup: float = 0.3, start: float = 1 / 25, end: float = 1 / 250_000
) -> float:
    """Return the share of the learning rate at `step`: half a cosine wave up, then one down.

    Parameters
    ----------
    step, steps : int
        Counted from 0; the last step is ``steps - 1``.
    warmup : float
        The share of the steps that goes up.
    start, end : float
        The share at the first and at the last step; the defaults are those of
        ``torch.optim.lr_scheduler.OneCycleLR``, which changes momentum too.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2019, https://doi.org/10.1117/12.2520589.

    Examples
    --------
    >>> [round(one_cycle(step, 11), 2) for step in range(11)]
    [0.04, 0.42, 0.96, 0.98, 0.88, 0.73, 0.53, 0.33, 0.16, 0.04, 0.0]
    """
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup is the share of the steps that goes up, from 0 to 1, got {warmup}")
    peak = max(warmup * check_count("steps", steps, minimum=2) - 1, 0.0)
    if step < peak:
        low, high, along = start, 1.0, step / peak
    else:
        low, high, along = 1.0, end, (step - peak) / max(steps - 1 - peak, 1.0)
    return low + (high - low) * 0.5 * (1 - math.cos(math.pi * min(along, 1.0)))
