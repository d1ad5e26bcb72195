"""Activations forward and backward, and all of them by name."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnncourse._checks import check_array, check_choice, check_gradient


class Activation(NamedTuple):
    """A function and its backward pass."""

    forward: Callable[..., np.ndarray]
    backward: Callable[..., np.ndarray]


def identity(x: Any) -> np.ndarray:
    """Return `x` as it is: what a layer has that has no activation.

    Examples
    --------
    >>> identity([-1.0, 2.0])
    array([-1.,  2.])
    """
    return check_array("x", x)


def identity_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `identity`: all of `grad_output`."""
    return _check_both(grad_output, x)[0]


def relu(x: Any) -> np.ndarray:
    """Return the positive part of each number, ``max(x, 0)``.

    Parameters
    ----------
    x : array_like of any shape
        What a layer returned.

    Returns
    -------
    ndarray of the shape of `x`

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    y: np.ndarray = np.maximum(check_array("x", x), 0)
    return y


def relu_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `relu`: `grad_output` where `x` is above 0, nothing elsewhere.

    At 0 there is a corner and no derivative; 0 is taken, as in torch.

    Parameters
    ----------
    grad_output : array_like
        Gradient of the loss for the output, of the shape of `x`.
    x : array_like of any shape
        The input of the forward pass.

    Returns
    -------
    ndarray of the shape of `x`

    Examples
    --------
    >>> relu_backward([10, 10, 10], [-2.0, 0.0, 3.0])
    array([ 0.,  0., 10.])
    """
    g, z = _check_both(grad_output, x)
    return np.where(z <= 0, g.dtype.type(0), g)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> np.ndarray:
    """Return each positive number as it is, and each negative one times `negative_slope`.

    Examples
    --------
    >>> leaky_relu([-2.0, 0.0, 3.0], negative_slope=0.1)
    array([-0.2,  0. ,  3. ])
    """
    z = check_array("x", x)
    return np.where(z > 0, z, negative_slope * z)


def leaky_relu_backward(grad_output: Any, x: Any, negative_slope: float = 0.01) -> np.ndarray:
    """Return the gradient for the input of `leaky_relu`; at 0 that of the negative side, as in torch.

    Examples
    --------
    >>> leaky_relu_backward([10, 10, 10], [-2.0, 0.0, 3.0], negative_slope=0.1)
    array([ 1.,  1., 10.])
    """
    g, z = _check_both(grad_output, x)
    return np.where(z > 0, g, negative_slope * g)


def elu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return each positive number as it is, and ``alpha (exp(x) - 1)`` for each negative one.

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016, https://arxiv.org/abs/1511.07289.

    Examples
    --------
    >>> elu([-1000.0, -1.0, 0.0, 3.0]).round(3)
    array([-1.   , -0.632,  0.   ,  3.   ])
    """
    z = check_array("x", x)
    below: np.ndarray = alpha * np.expm1(np.minimum(z, 0))  # of numbers above 0 it would overflow
    return np.where(z > 0, z, below)


def elu_backward(grad_output: Any, x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return the gradient for the input of `elu`: `grad_output` times 1 above 0, ``alpha exp(x)`` elsewhere.

    Examples
    --------
    >>> elu_backward([10, 10, 10], [-1.0, 0.0, 3.0]).round(2)
    array([ 3.68, 10.  , 10.  ])
    """
    g, z = _check_both(grad_output, x)
    grad: np.ndarray = g * np.where(z > 0, z.dtype.type(1), alpha * np.exp(np.minimum(z, 0)))
    return grad


def sigmoid(x: Any) -> np.ndarray:
    """Return ``1 / (1 + exp(-x))``, between 0 and 1, without overflow.

    Only ``exp(-|x|)`` is computed, which is never large: for negative x numerator and denominator
    are multiplied by ``exp(x)``.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    z = check_array("x", x)
    small = np.exp(-np.abs(z))  # from 0 to 1
    y: np.ndarray = np.where(z >= 0, z.dtype.type(1), small) / (1 + small)
    return y


def sigmoid_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `sigmoid`: `grad_output` times ``y (1 - y)``, at most a quarter.

    Examples
    --------
    >>> sigmoid_backward([1, 1], [0.0, 1000.0])
    array([0.25, 0.  ])
    """
    g, z = _check_both(grad_output, x)
    y = sigmoid(z)
    grad: np.ndarray = g * y * (1 - y)
    return grad


def tanh(x: Any) -> np.ndarray:
    """Return the hyperbolic tangent, between -1 and 1: ``2 sigmoid(2 x) - 1``.

    Examples
    --------
    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    y: np.ndarray = np.tanh(check_array("x", x))
    return y


def tanh_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `tanh`: `grad_output` times ``1 - y^2``.

    Examples
    --------
    >>> tanh_backward([1, 1], [0.0, 1000.0])
    array([1., 0.])
    """
    g, z = _check_both(grad_output, x)
    grad: np.ndarray = g * (1 - tanh(z) ** 2)
    return grad


def silu(x: Any) -> np.ndarray:
    """Return ``x sigmoid(x)``, also called swish: near ReLU far from 0, smooth and a little negative near it.

    References
    ----------
    Elfwing, Uchibe, Doya, Neural Networks 107, 2018, https://doi.org/10.1016/j.neunet.2017.12.012.

    Examples
    --------
    >>> silu([-1.0, 0.0, 1.0]).round(3)
    array([-0.269,  0.   ,  0.731])
    """
    z = check_array("x", x)
    y: np.ndarray = z * sigmoid(z)
    return y


def silu_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `silu`: `grad_output` times ``s (1 + x (1 - s))``, s the sigmoid.

    Examples
    --------
    >>> silu_backward([1], [0.0])
    array([0.5])
    """
    g, z = _check_both(grad_output, x)
    s = sigmoid(z)
    grad: np.ndarray = g * s * (1 + z * (1 - s))
    return grad


def gelu(x: Any) -> np.ndarray:
    """Return x times the probability that a standard normal number is below x.

    Exact, by the error function; torch's ``approximate="tanh"`` differs from it by less than 0.001.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units (GELUs)", 2016, https://arxiv.org/abs/1606.08415.

    Examples
    --------
    >>> gelu([-1.0, 0.0, 1.0]).round(3)
    array([-0.159,  0.   ,  0.841])
    """
    z = check_array("x", x)
    y: np.ndarray = z * _normal_cdf(z)
    return y


def gelu_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `gelu`: `grad_output` times ``P(x) + x p(x)``.

    P is the probability of the normal distribution up to x, p its density.

    Examples
    --------
    >>> gelu_backward([1], [0.0])
    array([0.5])
    """
    g, z = _check_both(grad_output, x)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    grad: np.ndarray = g * (_normal_cdf(z) + z * density)
    return grad


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(relu, relu_backward),
    "leaky_relu": Activation(leaky_relu, leaky_relu_backward),
    "elu": Activation(elu, elu_backward),
    "gelu": Activation(gelu, gelu_backward),
    "silu": Activation(silu, silu_backward),
    "tanh": Activation(tanh, tanh_backward),
    "sigmoid": Activation(sigmoid, sigmoid_backward),
    "identity": Activation(identity, identity_backward),
}


def derivative(name: str, x: Any) -> np.ndarray:
    """Return the slope of the activation `name` at each x.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`.
    x : array_like of any shape
        Where.

    Returns
    -------
    ndarray of the shape of `x`

    Raises
    ------
    ValueError
        If the name is unknown; the message suggests the nearest one.

    Examples
    --------
    >>> derivative("leaky_relu", [-1.0, 1.0])
    array([0.01, 1.  ])
    """
    z = check_array("x", x)
    return ACTIVATIONS[check_choice("activation", name, ACTIVATIONS)].backward(np.ones_like(z), z)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    """Return the normal distribution's probability up to x; NumPy has no error function, so one by one."""
    erfc = np.frompyfunc(math.erfc, 1, 1)(-x / math.sqrt(2))
    return np.asarray(erfc, dtype=x.dtype) / 2


def _check_both(grad_output: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
    z = check_array("x", x)
    return check_gradient(grad_output, z.shape), z
