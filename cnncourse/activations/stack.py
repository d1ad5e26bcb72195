"""A stack of dense layers with one activation: what many layers do to the spread of numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_choice
from cnncourse.activations.functions import ACTIVATIONS


def gain(name: str) -> float:
    """Return by what factor weights must be larger than ``1 / sqrt(fan_in)`` to make up for an activation.

    It is one over the root of the mean square of ``f(z)``, z being standard normal: sqrt(2) for ReLU.
    torch's `calculate_gain` has the same for ReLU and leaky ReLU, but 5/3 for tanh and 1 for sigmoid.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    float

    Examples
    --------
    >>> round(gain("relu"), 4), round(gain("tanh"), 2)
    (1.4142, 1.59)
    """
    forward = ACTIVATIONS[check_choice("activation", name, ACTIVATIONS)].forward
    z = np.linspace(-10, 10, 20001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    mean_square = np.sum(forward(z) ** 2 * density) * (z[1] - z[0])
    return float(1 / math.sqrt(mean_square))


def dense_stack(
    x: Any, weights: Sequence[np.ndarray], activation: str = "relu"
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Send `x` through dense layers without biases, each with the same activation, and keep everything.

    Parameters
    ----------
    x : array_like of shape (N, C_0)
        A batch of inputs.
    weights : sequence of ndarray
        One of shape (C_l, C_(l-1)) a layer.
    activation : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    sums : list of ndarray of shape (N, C_l)
        What each layer's products add up to, before the activation.
    outputs : list of ndarray of shape (N, C_l)
        The same after the activation: the inputs of the next layer.

    Raises
    ------
    ValueError
        If the activation is unknown, `x` or a weight has not two axes, or a weight does not fit what the
        layer before it returns.

    Examples
    --------
    >>> sums, outputs = dense_stack([[1.0, 2.0]], [np.array([[1, -1], [1, 1]]), np.array([[1, 2]])])
    >>> sums[0], outputs[0], outputs[1]
    (array([[-1.,  3.]]), array([[0., 3.]]), array([[6.]]))
    """
    forward = ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)].forward
    sums, outputs = [], [check_array("x", x, "(N, C_0)")]
    for index, given in enumerate(weights):
        weight = check_array(f"weights[{index}]", given, "(C_out, C_in)")
        if weight.shape[1] != outputs[-1].shape[1]:
            raise ValueError(
                f"weights[{index}] must have shape (C_out, {outputs[-1].shape[1]}) to fit the layer before "
                f"it, got {weight.shape}"
            )
        sums.append(outputs[-1] @ weight.T)  # (N, C_(l-1)) @ (C_(l-1), C_l)
        outputs.append(forward(sums[-1]))
    return sums, outputs[1:]


def dense_stack_backward(
    grad_output: Any, sums: Sequence[np.ndarray], weights: Sequence[np.ndarray], activation: str = "relu"
) -> list[np.ndarray]:
    """Return the gradient for the sums of each layer of `dense_stack`, from the first layer to the last.

    Parameters
    ----------
    grad_output : array_like of shape (N, C_L)
        Gradient of the loss for the last layer's output.
    sums : sequence of ndarray
        As `dense_stack` returned them.
    weights, activation
        As in `dense_stack`.

    Returns
    -------
    list of ndarray of shape (N, C_l)

    Raises
    ------
    ValueError
        If there are not as many `sums` as `weights`, or `grad_output` has not the shape of the last of them.

    Examples
    --------
    >>> weights = [np.array([[1, -1], [1, 1]]), np.array([[1, 2]])]
    >>> sums, _ = dense_stack([[1.0, 2.0]], weights)
    >>> dense_stack_backward([[1.0]], sums, weights)  # the first unit was negative: nothing comes through
    [array([[0., 2.]]), array([[1.]])]
    """
    backward = ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)].backward
    if len(sums) != len(weights) or not sums:
        raise ValueError(f"sums must be one array for each of {len(weights)} weights, got {len(sums)}")
    grads = [backward(grad_output, sums[-1])]
    for z, weight in zip(sums[-2::-1], weights[:0:-1], strict=True):
        grads.append(backward(grads[-1] @ weight, z))  # (N, C_(l+1)) @ (C_(l+1), C_l)
    return grads[::-1]
