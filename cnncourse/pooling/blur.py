"""Blur pooling: a low-pass filter before the stride, forward and backward."""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count, check_gradient
from cnncourse.convolution.windows import (
    Sides,
    pad2d,
    pad2d_backward,
    sliding_windows,
    sliding_windows_backward,
)
from cnncourse.pooling.geometry import AXES


def binomial_kernel(kernel_size: int) -> np.ndarray:
    """Return a square low-pass kernel from one row of Pascal's triangle; its weights sum to 1.

    Parameters
    ----------
    kernel_size : int
        Side of the kernel: 2 is the box of average pooling, 3 comes from the row 1 2 1, 5 from 1 4 6 4 1.

    Returns
    -------
    ndarray of shape (kernel_size, kernel_size)
        The row times itself as a column.

    Examples
    --------
    >>> binomial_kernel(3) * 16
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    n = check_count("kernel_size", kernel_size) - 1
    row = np.array([math.comb(n, i) for i in range(n + 1)]) / 2**n
    return np.outer(row, row)


def blur_pool2d(x: Any, stride: int = 2, kernel_size: int = 3, padding_mode: str = "reflect") -> np.ndarray:
    """Blur with a binomial kernel, then keep every `stride`-th value.

    Alone this takes the place of average pooling; after ``max_pool2d(x, kernel_size, stride=1)``, that of max
    pooling; after a convolution with stride 1 and its ReLU, that of a strided convolution.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
        Images or feature maps.
    stride : int
        Distance between two values that are kept.
    kernel_size : int
        Side of the binomial kernel; 1 does not blur.
    padding_mode : str
        How the borders are continued: "reflect", "replicate", "zeros" or "circular".

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out)
        ``H_out = floor((H - 1) / stride) + 1``.

    References
    ----------
    Zhang, "Making convolutional networks shift-invariant again", ICML 2019, section 3, https://arxiv.org/abs/1904.11486.

    Examples
    --------
    >>> stripes = np.tile([0.0, 1.0], (4, 2))[None, None]
    >>> blur_pool2d(stripes, kernel_size=1)[0, 0]  # every second pixel: the stripes vanish into black
    array([[0., 0.],
           [0., 0.]])
    >>> blur_pool2d(stripes)[0, 0]  # blurred first: gray, as from afar
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    x = check_array("x", x, AXES)
    kernel, sides = _blur(kernel_size, x)
    padded = pad2d(x, sides, padding_mode)
    windows = sliding_windows(padded, kernel_size, stride)  # (N, C, H_out, W_out, K, K)
    y: np.ndarray = np.einsum("nchwij,ij->nchw", windows, kernel)
    return y


def blur_pool2d_backward(
    grad_output: Any,
    x: Any,
    stride: int = 2,
    kernel_size: int = 3,
    padding_mode: str = "reflect",
) -> np.ndarray:
    """Return the gradient for the input of `blur_pool2d`.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out)
        Gradient of the loss for the output.
    x : array_like of shape (N, C, H, W)
        The input of the forward pass; only its shape matters.
    stride, kernel_size, padding_mode
        As in `blur_pool2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the loss for `x`.

    Examples
    --------
    >>> blur_pool2d_backward([[[[16]]]], np.zeros((1, 1, 3, 3)), stride=3, padding_mode="zeros")[0, 0]
    array([[4., 2., 0.],
           [2., 1., 0.],
           [0., 0., 0.]])
    """
    x = check_array("x", x, AXES)
    kernel, sides = _blur(kernel_size, x)
    padded = pad2d(x, sides, padding_mode)
    grad_output = check_gradient(grad_output, sliding_windows(padded, kernel_size, stride).shape[:4])
    grad_windows = grad_output[..., None, None] * kernel  # (N, C, H_out, W_out, K, K)
    grad_padded = sliding_windows_backward(grad_windows, padded, kernel_size, stride)
    return pad2d_backward(grad_padded, x, sides, padding_mode)


def _blur(kernel_size: int, x: np.ndarray) -> tuple[np.ndarray, Sides]:
    """Return the binomial kernel and the padding that keeps the size at stride 1."""
    kernel = binomial_kernel(kernel_size).astype(x.dtype)
    sides = ((kernel_size - 1) // 2, kernel_size // 2)
    return kernel, (sides, sides)
