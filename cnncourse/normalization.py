"""Batch normalization by hand: forward and backward, in training and in evaluation, in NumPy.

For each channel, over all pictures of the batch and all places of the map,

    y = weight * (x - mean) / sqrt(var + eps) + bias

In training, mean and variance are those of the batch, and running averages of them are kept. In
evaluation the running averages are used, so that a picture's answer no longer depends on its neighbors.
Argument names and order are those of ``torch.nn.functional.batch_norm``.
"""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_gradient

__all__ = ["batch_norm", "batch_norm_backward"]


def batch_norm(
    x: Any,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    r"""Give each channel mean 0 and deviation 1, then a scale and a shift that are learned.

    With the mean :math:`\mu_c` and variance :math:`\sigma_c^2` of channel c,

    .. math:: y_{n,c,h,w} = \gamma_c \frac{x_{n,c,h,w} - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c

    Parameters
    ----------
    x : array_like of shape (N, C, H, W) or (N, C)
        A batch of feature maps, or of rows of numbers.
    running_mean, running_var : ndarray of shape (C,), optional
        Running averages. They are read when `training` is false, and **changed in place** when it is true.
    weight : array_like of shape (C,), optional
        The scale gamma; ones if it is not given.
    bias : array_like of shape (C,), optional
        The shift beta; zeros if it is not given.
    training : bool
        Whether to use the statistics of this batch (and to update the running ones).
    momentum : float
        How much of the new statistics goes into the running ones: from 0 to 1. (Not that of an optimizer.)
    eps : float
        Added to the variance, so that a constant channel is not divided by zero.

    Returns
    -------
    ndarray of the shape of `x`

    Raises
    ------
    ValueError
        If shapes do not fit, if there is one value a channel to train on, or if the running statistics are
        missing in evaluation, or one of them in training.
    TypeError
        If running statistics are to be changed that are no array of floats.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization: Accelerating deep network training by reducing internal covariate
    shift", ICML 2015, algorithms 1 and 2, https://doi.org/10.48550/arXiv.1502.03167.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [5.0], [7.0]])  # four pictures, one channel
    >>> np.round(batch_norm(x, training=True).ravel(), 2)
    array([-1.34, -0.45,  0.45,  1.34])
    """
    x = _check_input(x)
    mean, var = _statistics(x, running_mean, running_var, training)
    if training and running_mean is not None and running_var is not None:
        count = x.size // x.shape[1]
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (var * count / (count - 1) - running_var)  # unbiased: by count - 1
    scale = _per_channel("weight", weight, x, default=1.0) / np.sqrt(var + eps)
    shift = _per_channel("bias", bias, x, default=0.0)
    y: np.ndarray = _spread(scale, x) * (x - _spread(mean, x)) + _spread(shift, x)
    return y


def batch_norm_backward(
    grad_output: Any,
    x: Any,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    weight: Any = None,
    training: bool = False,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Return the gradients of a loss with respect to `batch_norm`'s input, weight and bias.

    With :math:`g = \partial L / \partial y` and the normalized :math:`\hat x`, in training, where every x
    of a channel has moved its mean and variance,

    .. math::
        \frac{\partial L}{\partial x} = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}
            \bigl(g - \overline{g} - \hat x \; \overline{g \hat x}\bigr)

    where the bars are means over the channel. In evaluation, both means are left out.

    Parameters
    ----------
    grad_output : array_like of the shape of `x`
        Gradient of the loss with respect to what `batch_norm` returned.
    x : array_like of shape (N, C, H, W) or (N, C)
        The input of the forward pass.
    running_mean, running_var, weight, training, eps
        As given to `batch_norm`; nothing is changed.

    Returns
    -------
    grad_x : ndarray of the shape of `x`
    grad_weight : ndarray of shape (C,)
    grad_bias : ndarray of shape (C,)

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [5.0], [7.0]])
    >>> grad_x, grad_weight, grad_bias = batch_norm_backward(np.ones((4, 1)), x, training=True)
    >>> np.abs(grad_x).max() < 1e-12, grad_bias  # pushing all outputs up alike is undone by the mean
    (np.True_, array([4.]))
    """
    x = _check_input(x)
    grad = check_gradient(grad_output, x.shape)
    mean, var = _statistics(x, running_mean, running_var, training)
    axes = _all_but_channels(x)
    normalized = (x - _spread(mean, x)) / np.sqrt(_spread(var, x) + eps)
    grad_weight, grad_bias = (grad * normalized).sum(axes), grad.sum(axes)
    if training:
        count = x.size // x.shape[1]
        grad = grad - _spread(grad_bias / count, x) - normalized * _spread(grad_weight / count, x)
    scale = _per_channel("weight", weight, x, default=1.0) / np.sqrt(var + eps)
    return grad * _spread(scale, x), grad_weight, grad_bias


def _check_input(x: Any) -> np.ndarray:
    flat = np.ndim(x) == 2
    return check_array("x", x, "(N, C)" if flat else "(N, C, H, W)")


def _statistics(
    x: np.ndarray, running_mean: np.ndarray | None, running_var: np.ndarray | None, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and variance that a channel is normalized by: (C,) each."""
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and np.shape(running) != (x.shape[1],):
            raise ValueError(
                f"{name} must have shape ({x.shape[1]},), one a channel, got {np.shape(running)}"
            )
    if training:
        _check_changeable(running_mean, running_var)
        if math.prod(x.shape) // max(x.shape[1], 1) < 2:
            raise ValueError(
                f"x must have more than one value a channel when training, got shape {x.shape}: "
                "use a larger batch, or training=False with running statistics"
            )
        axes = _all_but_channels(x)
        return x.mean(axes), x.var(axes)
    if running_mean is None or running_var is None:
        raise ValueError("running_mean and running_var are needed when training is False; got None")
    return np.asarray(running_mean), np.asarray(running_var)


def _check_changeable(running_mean: Any, running_var: Any) -> None:
    """Refuse running statistics that training could not change in place."""
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var go together: give both, or neither")
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        floats = isinstance(running, np.ndarray) and running.dtype.kind == "f"
        if running is not None and not floats:
            raise TypeError(
                f"{name} is changed in place when training and must be an array of floats, got {running!r}"
            )


def _all_but_channels(x: np.ndarray) -> tuple[int, ...]:
    """Return the axes over which a channel's statistics are taken."""
    return (0, *range(2, x.ndim))


def _per_channel(name: str, values: Any, x: np.ndarray, default: float) -> np.ndarray:
    """Return one number a channel, (C,)."""
    if values is None:
        return np.full(x.shape[1], default, dtype=x.dtype)
    array = check_array(name, values, "(C,)")
    if array.shape != (x.shape[1],):
        raise ValueError(f"{name} must have shape ({x.shape[1]},), one a channel, got {array.shape}")
    return array


def _spread(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Give (C,) the axes of `x`, for broadcasting: (1, C, 1, 1)."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))
