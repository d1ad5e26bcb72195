"""Lp pooling, forward and backward."""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_gradient
from cnncourse.convolution.windows import (
    Pair,
    check_pair,
)
from cnncourse.pooling.average import avg_pool2d, avg_pool2d_backward
from cnncourse.pooling.geometry import AXES


def lp_pool2d(
    x: Any,
    norm_type: float,
    kernel_size: Pair,
    stride: Pair | None = None,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Return the Lp norm of each window, ``(sum |x|^p)^(1/p)``; p = 2 is L2 pooling.

    A window that ceil mode lets hang over the edge has its sum scaled up to a whole window's, as in torch.
    Unlike torch, the absolute value is taken for every `norm_type`; torch raises `x` itself to the power, so
    that negative values cancel or give NaN unless `norm_type` is even.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    norm_type : float
        The exponent p, at least 1 and finite. 1 sums; the larger, the nearer to the largest absolute value.
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int, (int, int) or None
        Distance between two windows; None means `kernel_size`.
    ceil_mode : bool
        Keep a last window that starts inside and ends outside.

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        ``H_out = floor((H - kernel_size) / stride) + 1``.

    Raises
    ------
    ValueError
        If `norm_type` is below 1 or infinite, and as in `avg_pool2d`.

    Examples
    --------
    >>> lp_pool2d([[[[3, 0], [0, -4]]]], 2, 2)
    array([[[[5.]]]])
    """
    x = check_array("x", x, AXES)
    _check_norm(norm_type)
    cells = math.prod(check_pair("kernel_size", kernel_size))
    mean = avg_pool2d(np.abs(x) ** norm_type, kernel_size, stride, ceil_mode=ceil_mode)
    y: np.ndarray = (cells * mean) ** (1 / norm_type)
    return y


def lp_pool2d_backward(
    grad_output: Any,
    x: Any,
    norm_type: float,
    kernel_size: Pair,
    stride: Pair | None = None,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Return the gradient for the input of `lp_pool2d`: a larger value gets a larger share.

    The derivative of ``y = (sum |x|^p)^(1/p)`` for one x is ``sign(x) |x|^(p-1) y^(1-p)``; where y is 0
    there is none, and 0 is taken, as in torch.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass.
    norm_type, kernel_size, stride, ceil_mode
        As in `lp_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> x = np.array([[3, 0], [0, -4]])
    >>> lp_pool2d_backward([[[[10]]]], x[None, None], 2, 2)[0, 0]
    array([[ 6.,  0.],
           [ 0., -8.]])
    """
    x = check_array("x", x, AXES)
    y = lp_pool2d(x, norm_type, kernel_size, stride, ceil_mode)
    grad_output = check_gradient(grad_output, y.shape)
    cells = math.prod(check_pair("kernel_size", kernel_size))
    slope = np.power(y, 1 - norm_type, where=y > 0, out=np.zeros_like(y))
    grad_power = avg_pool2d_backward(cells * grad_output * slope, x, kernel_size, stride, ceil_mode=ceil_mode)
    grad_x: np.ndarray = np.sign(x) * np.abs(x) ** (norm_type - 1) * grad_power
    return grad_x


def _check_norm(norm_type: float) -> None:
    if not 1 <= norm_type < math.inf:
        raise ValueError(
            f"norm_type must be at least 1 and finite, got {norm_type}; "
            "for the largest absolute value use max_pool2d(abs(x), ...)"
        )
