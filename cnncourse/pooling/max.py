"""Max pooling, forward and backward."""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_gradient
from cnncourse.convolution.windows import Pair
from cnncourse.pooling.geometry import AXES, geometry_of, windows_backward, windows_of


def max_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Return the largest value of each window.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int, (int, int) or None
        Distance between two windows; None means `kernel_size`: windows that touch and do not overlap.
    padding : int or (int, int)
        Cells added on each side, at most half of `kernel_size`. They hold minus infinity, so they never win.
    dilation : int or (int, int)
        Distance between two cells of one window.
    ceil_mode : bool
        Keep a last window that starts inside and ends outside: the floor below becomes a ceiling.

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        ``H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1``.

    Raises
    ------
    ValueError
        If `x` does not have four axes, if no window fits, if the padding is more than half of the window,
        or if a dilated window holds nothing but padding.
    TypeError
        If `x` does not hold real numbers, or a size is not a whole number.

    Examples
    --------
    >>> x = np.array([[1, 3, 0, 2], [4, 2, 1, 0], [0, 0, 5, 6], [0, 7, 8, 5]])
    >>> max_pool2d(x[None, None], 2)[0, 0]
    array([[4., 2.],
           [7., 8.]])
    """
    x = check_array("x", x, AXES)
    geometry = geometry_of(x, kernel_size, stride, padding, dilation, ceil_mode)
    windows = windows_of(x, geometry, fill=-np.inf)  # (N, C, H_out, W_out, K_h, K_w)
    y: np.ndarray = windows.max(axis=(-2, -1))  # (N, C, H_out, W_out)
    return y


def max_pool2d_backward(
    grad_output: Any,
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Return the gradient for the input of `max_pool2d`: all of it goes to the cell that won.

    Among equals the first in reading order wins, as in `torch.nn.functional.max_pool2d`; any split among
    them would be a subgradient, and `torch.amax` shares evenly. Padding never wins: of a window of minus
    infinities the first pixel does.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass.
    kernel_size, stride, padding, dilation, ceil_mode
        As in `max_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> x = np.array([[1, 3], [3, 2]])
    >>> max_pool2d_backward([[[[10]]]], x[None, None], 2)[0, 0]
    array([[ 0., 10.],
           [ 0.,  0.]])
    """
    x = check_array("x", x, AXES)
    geometry = geometry_of(x, kernel_size, stride, padding, dilation, ceil_mode)
    grad_output = check_gradient(grad_output, (*x.shape[:2], *geometry.output))
    windows = windows_of(x, geometry, fill=-np.inf)
    cells = math.prod(geometry.kernel)
    flat = windows.reshape(*windows.shape[:4], cells)  # (N, C, H_out, W_out, K_h * K_w)
    inside = windows_of(np.ones_like(x), geometry, fill=0).reshape(flat.shape)
    winner = flat.argmax(axis=-1, keepdims=True)  # argmax takes the first of equals
    in_padding = np.take_along_axis(inside, winner, axis=-1) == 0  # there all pixels are minus infinity
    winner = np.where(in_padding, inside.argmax(axis=-1, keepdims=True), winner)
    grad_flat = np.zeros(flat.shape, grad_output.dtype)
    np.put_along_axis(grad_flat, winner, grad_output[..., None], axis=-1)
    return windows_backward(grad_flat.reshape(windows.shape), x, geometry)
