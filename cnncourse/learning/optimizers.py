"""Optimizers by hand: what a gradient does to the weights."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnncourse._checks import check_array

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
