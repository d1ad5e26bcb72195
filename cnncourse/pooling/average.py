"""Average pooling, forward and backward."""

from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_gradient
from cnncourse.convolution.windows import Pair
from cnncourse.pooling.geometry import AXES, counts_of, geometry_of, windows_backward, windows_of


def avg_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Return the mean of each window.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int, (int, int) or None
        Distance between two windows; None means `kernel_size`.
    padding : int or (int, int)
        Zeros added on each side, at most half of `kernel_size`.
    ceil_mode : bool
        Keep a last window that starts inside and ends outside. What lies beyond the padding is
        never counted.
    count_include_pad : bool
        Count the padding's zeros in the mean, which darkens the border. False divides by the number
        of real cells.

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        ``H_out = floor((H + 2 padding - kernel_size) / stride) + 1``.

    Raises
    ------
    ValueError
        If `x` does not have four axes, if no window fits, or if the padding is more than half of the
        window.
    TypeError
        If `x` does not hold real numbers, or a size is not a whole number.

    Examples
    --------
    >>> x = np.array([[1, 3, 0, 2], [4, 2, 1, 0], [0, 0, 5, 6], [0, 7, 8, 5]])
    >>> avg_pool2d(x[None, None], 2)[0, 0]
    array([[2.5 , 0.75],
           [1.75, 6.  ]])
    """
    x = check_array("x", x, AXES)
    geometry = geometry_of(x, kernel_size, stride, padding, 1, ceil_mode)
    total = windows_of(x, geometry, fill=0).sum(axis=(-2, -1))  # (N, C, H_out, W_out)
    y: np.ndarray = total / counts_of(x, geometry, count_include_pad)
    return y


def avg_pool2d_backward(
    grad_output: Any,
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Return the gradient for the input of `avg_pool2d`: every cell of a window gets the same share.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass; only its shape matters.
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As in `avg_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> avg_pool2d_backward([[[[10]]]], np.zeros((1, 1, 2, 2)), 2)[0, 0]
    array([[2.5, 2.5],
           [2.5, 2.5]])
    """
    x = check_array("x", x, AXES)
    geometry = geometry_of(x, kernel_size, stride, padding, 1, ceil_mode)
    grad_output = check_gradient(grad_output, (*x.shape[:2], *geometry.output))
    share = grad_output / counts_of(x, geometry, count_include_pad)
    grad_windows = np.broadcast_to(share[..., None, None], (*share.shape, *geometry.kernel))
    return windows_backward(grad_windows, x, geometry)
