"""Adaptive and global pooling by hand: windows chosen by the output's size, forward and backward, in NumPy.

`cnncourse.pooling` offers all of this under its own name too.
"""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count, check_gradient
from cnncourse.convolution.windows import Pair, check_pair
from cnncourse.pooling.geometry import AXES


def adaptive_bins(size: int, output_size: int) -> list[tuple[int, int]]:
    """Return start and end of each window along one axis for adaptive pooling.

    Window i runs from ``floor(i size / output_size)`` to ``ceil((i + 1) size / output_size)``: windows differ
    in length by at most one cell. Neighbors share a cell where the border between them,
    ``(i + 1) size / output_size``, is not a whole number.

    Parameters
    ----------
    size : int
        Cells of the input along the axis.
    output_size : int
        Number of windows.

    Returns
    -------
    list of (int, int)
        Half-open ranges, as for slicing.

    Examples
    --------
    >>> adaptive_bins(6, 3)
    [(0, 2), (2, 4), (4, 6)]
    >>> adaptive_bins(7, 3)
    [(0, 3), (2, 5), (4, 7)]
    """
    size = check_count("size", size)
    count = check_count("output_size", output_size)
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def adaptive_avg_pool2d(x: Any, output_size: Pair) -> np.ndarray:
    """Return means of windows that are chosen so that the output has a given size, whatever the input's.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    output_size : int or (int, int)
        Height and width of the output; 1 is global average pooling.

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        With (H_out, W_out) as asked for.

    Examples
    --------
    >>> adaptive_avg_pool2d(np.arange(7.0).reshape(1, 1, 1, 7), (1, 3))
    array([[[[1., 3., 5.]]]])
    """
    x = check_array("x", x, AXES)
    rows, columns = _bins(x, output_size)
    y = np.empty((*x.shape[:2], len(rows), len(columns)), x.dtype)
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            y[:, :, i, j] = x[:, :, top:bottom, left:right].mean(axis=(2, 3))
    return y


def adaptive_avg_pool2d_backward(grad_output: Any, x: Any, output_size: Pair) -> np.ndarray:
    """Return the gradient for the input of `adaptive_avg_pool2d`.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass; only its shape matters.
    output_size : int or (int, int)
        As in `adaptive_avg_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`: a cell that two windows share gets from both.

    Examples
    --------
    >>> adaptive_avg_pool2d_backward([[[[6, 6]]]], np.zeros((1, 1, 1, 3)), (1, 2))
    array([[[[3., 6., 3.]]]])
    """
    x = check_array("x", x, AXES)
    rows, columns = _bins(x, output_size)
    grad_output = check_gradient(grad_output, (*x.shape[:2], len(rows), len(columns)))
    grad_x = np.zeros(x.shape, grad_output.dtype)
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            cells = (bottom - top) * (right - left)
            grad_x[:, :, top:bottom, left:right] += grad_output[:, :, i, j, None, None] / cells
    return grad_x


def adaptive_max_pool2d(x: Any, output_size: Pair) -> np.ndarray:
    """Return maxima of windows that are chosen so that the output has a given size, whatever the input's.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    output_size : int or (int, int)
        Height and width of the output; 1 is global max pooling.

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        With (H_out, W_out) as asked for.

    Examples
    --------
    >>> adaptive_max_pool2d(np.arange(7.0).reshape(1, 1, 1, 7), (1, 3))
    array([[[[2., 4., 6.]]]])
    """
    x = check_array("x", x, AXES)
    rows, columns = _bins(x, output_size)
    y = np.empty((*x.shape[:2], len(rows), len(columns)), x.dtype)
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            y[:, :, i, j] = x[:, :, top:bottom, left:right].max(axis=(2, 3))
    return y


def adaptive_max_pool2d_backward(grad_output: Any, x: Any, output_size: Pair) -> np.ndarray:
    """Return the gradient for the input of `adaptive_max_pool2d`: all to the first largest cell.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass.
    output_size : int or (int, int)
        As in `adaptive_max_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> adaptive_max_pool2d_backward([[[[6, 6]]]], [[[[0, 2, 1]]]], (1, 2))
    array([[[[ 0., 12.,  0.]]]])
    """
    x = check_array("x", x, AXES)
    rows, columns = _bins(x, output_size)
    grad_output = check_gradient(grad_output, (*x.shape[:2], len(rows), len(columns)))
    grad_x = np.zeros(x.shape, grad_output.dtype)
    image, channel = np.indices(x.shape[:2])
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            window = x[:, :, top:bottom, left:right]
            winner = window.reshape(*x.shape[:2], math.prod(window.shape[2:])).argmax(axis=-1)  # (N, C)
            row, column = np.divmod(winner, right - left)
            grad_x[image, channel, top + row, left + column] += grad_output[:, :, i, j]
    return grad_x


def global_avg_pool2d(x: Any) -> np.ndarray:
    """Return the mean of each feature map: one number a channel, for any height and width.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Feature maps.

    Returns
    -------
    ndarray of shape (N, C)
        Ready for a dense layer.

    References
    ----------
    Lin, Chen, Yan, "Network in network", ICLR 2014, section 3.2, https://arxiv.org/abs/1312.4400.

    Examples
    --------
    >>> global_avg_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    x = check_array("x", x, AXES)
    _check_not_empty(x)
    y: np.ndarray = x.mean(axis=(2, 3))
    return y


def global_avg_pool2d_backward(grad_output: Any, x: Any) -> np.ndarray:
    """Return the gradient for the input of `global_avg_pool2d`: the same share for every cell of a map.

    Parameters
    ----------
    grad_output : array_like of shape (N, C)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass; only its shape matters.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> global_avg_pool2d_backward([[8]], np.zeros((1, 1, 2, 2)))
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    x = check_array("x", x, AXES)
    _check_not_empty(x)
    grad_output = check_gradient(grad_output, x.shape[:2])
    share = grad_output / (x.shape[2] * x.shape[3])
    return np.broadcast_to(share[:, :, None, None], x.shape).copy()


def _bins(x: np.ndarray, output_size: Pair) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the adaptive windows along both axes."""
    _check_not_empty(x)
    rows, columns = check_pair("output_size", output_size)
    return adaptive_bins(x.shape[2], rows), adaptive_bins(x.shape[3], columns)


def _check_not_empty(x: np.ndarray) -> None:
    if x.shape[2] == 0 or x.shape[3] == 0:
        raise ValueError(f"x has no pixels to pool, got shape {x.shape}")
