"""How a window walks over a picture: padding, positions, output sizes; used by convolution and pooling.

Pictures come in batches of shape (N, C, H, W): examples, channels, height, width. A window of
``K_h x K_w`` pixels stops at some positions of the padded picture; `output_size` counts them,
`sliding_windows` shows what is seen at each, `coverage` counts how often each pixel is seen.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnncourse._checks import check_array, check_gradient
from cnncourse.convolution.shapes import (
    PADDING_MODES,
    AxisPadding,
    Padding,
    Pair,
    Sides,
    check_fits,
    check_pair,
    frame_sides,
    output_size,
    padding_sides,
)

__all__ = [
    "PADDING_MODES",
    "AxisPadding",
    "Padding",
    "Pair",
    "Sides",
    "check_fits",
    "check_pair",
    "coverage",
    "output_size",
    "pad2d",
    "pad2d_backward",
    "padding_sides",
    "sliding_windows",
    "sliding_windows_backward",
]


def pad2d(x: Any, padding: Padding, mode: str = "zeros") -> np.ndarray:
    """Lay a frame of pixels around each picture.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
    padding : int, (vertical, horizontal) or ((top, bottom), (left, right))
        Width of the frame in pixels.
    mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What fills it: zeros; the picture mirrored at its border pixel, which is not repeated; the
        border pixel again and again; or the opposite side, as if the picture were a tile.

    Returns
    -------
    ndarray of shape (N, C, top + H + bottom, left + W + right)

    Raises
    ------
    ValueError
        If the frame is wider than what there is to mirror (H - 1, W - 1) or to wrap (H, W).

    Examples
    --------
    >>> row = [[[[1, 2, 3]]]]
    >>> for mode in PADDING_MODES:
    ...     print(mode, pad2d(row, (0, 2), mode)[0, 0, 0])
    zeros [0. 0. 1. 2. 3. 0. 0.]
    reflect [3. 2. 1. 2. 3. 2. 1.]
    replicate [1. 1. 1. 2. 3. 3. 3.]
    circular [2. 3. 1. 2. 3. 1. 2.]
    """
    x = check_array("x", x, "(N, C, H, W)")
    sides = frame_sides(padding, x.shape[2:], mode)
    return np.pad(x, ((0, 0), (0, 0), *sides), mode=PADDING_MODES[mode])


def pad2d_backward(grad_output: Any, x: Any, padding: Padding, mode: str = "zeros") -> np.ndarray:
    """Return the gradient of `pad2d`: each pixel collects from all the places it was copied to.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, top + H + bottom, left + W + right)
        Gradient of a loss with respect to the padded pictures.
    x : array_like of shape (N, C, H, W)
        What was padded; its shape is used.
    padding, mode
        As given to `pad2d`.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> import numpy as np
    >>> pad2d_backward(np.ones((1, 1, 1, 7)), np.zeros((1, 1, 1, 3)), (0, 2), "replicate")
    array([[[[3., 1., 3.]]]])
    """
    x = check_array("x", x, "(N, C, H, W)")
    H, W = x.shape[2:]
    (top, bottom), (left, right) = sides = frame_sides(padding, (H, W), mode)
    grad = check_gradient(grad_output, (*x.shape[:2], top + H + bottom, left + W + right))
    if mode == "zeros":
        return grad[:, :, top : top + H, left : left + W].copy()
    for axis, size, side in ((2, H, sides[0]), (3, W, sides[1])):
        source = np.pad(np.arange(size), side, mode=PADDING_MODES[mode])  # padded place -> pixel it copies
        collected = np.zeros((size, *np.delete(grad.shape, axis)), dtype=grad.dtype)
        np.add.at(collected, source, np.moveaxis(grad, axis, 0))
        grad = np.moveaxis(collected, 0, axis)
    return grad


def sliding_windows(x: Any, kernel_size: Pair, stride: Pair = 1, dilation: Pair = 1) -> np.ndarray:
    """Show what the window sees at each of its stops.

    The result is a view: no pixel is copied, only read again and again, so it takes no memory,
    and must not be written to.

    Parameters
    ----------
    x : array_like of shape (N, C, H, W)
    kernel_size, stride, dilation : int or (vertical, horizontal)

    Returns
    -------
    ndarray of shape (N, C, H_out, W_out, K_h, K_w)
        ``windows[n, c, i, j]`` is the patch under the window at its stop (i, j).

    Raises
    ------
    ValueError
        If the window is larger than the picture.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> windows = sliding_windows(x, 3)
    >>> windows.shape
    (1, 1, 2, 2, 3, 3)
    >>> windows[0, 0, 1, 1]
    array([[ 5.,  6.,  7.],
           [ 9., 10., 11.],
           [13., 14., 15.]])
    """
    x = check_array("x", x, "(N, C, H, W)")
    kernel = check_pair("kernel_size", kernel_size)
    S_h, S_w = check_pair("stride", stride)
    D_h, D_w = check_pair("dilation", dilation)
    check_fits(kernel, (D_h, D_w), x.shape[2:])
    span = (D_h * (kernel[0] - 1) + 1, D_w * (kernel[1] - 1) + 1)
    windows = sliding_window_view(x, span, axis=(2, 3))
    return windows[:, :, ::S_h, ::S_w, ::D_h, ::D_w]


def sliding_windows_backward(
    grad_output: Any, x: Any, kernel_size: Pair, stride: Pair = 1, dilation: Pair = 1
) -> np.ndarray:
    """Return the gradient of `sliding_windows`: each pixel collects from all the windows that see it.

    Parameters
    ----------
    grad_output : array_like of shape (N, C, H_out, W_out, K_h, K_w)
        Gradient of a loss with respect to the windows.
    x : array_like of shape (N, C, H, W)
        What the windows were slid over; its shape is used.
    kernel_size, stride, dilation : int or (vertical, horizontal)
        As given to `sliding_windows`.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> import numpy as np
    >>> sliding_windows_backward(np.ones((1, 1, 1, 3, 1, 2)), np.zeros((1, 1, 1, 4)), (1, 2))
    array([[[[1., 2., 2., 1.]]]])
    """
    x = check_array("x", x, "(N, C, H, W)")
    S_h, S_w = check_pair("stride", stride)
    D_h, D_w = check_pair("dilation", dilation)
    shape = sliding_windows(x, kernel_size, stride, dilation).shape
    grad = check_gradient(grad_output, shape)
    H_out, W_out, K_h, K_w = shape[2:]
    grad_x = np.zeros(x.shape, grad.dtype)
    for p, q in product(range(K_h), range(K_w)):
        rows = slice(p * D_h, p * D_h + (H_out - 1) * S_h + 1, S_h)  # u = i S + p D for all i
        columns = slice(q * D_w, q * D_w + (W_out - 1) * S_w + 1, S_w)
        grad_x[:, :, rows, columns] += grad[..., p, q]
    return grad_x


def coverage(
    size: Pair, kernel_size: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1
) -> np.ndarray:
    """Count how many stops of the window see each pixel.

    Parameters
    ----------
    size : int or (H, W)
        The picture's size, without padding.
    kernel_size, stride, dilation : int or (vertical, horizontal)
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), 'same' or 'valid'

    Returns
    -------
    ndarray of int of shape (H, W)

    Examples
    --------
    >>> coverage(4, 3)
    array([[1, 2, 2, 1],
           [2, 4, 4, 2],
           [2, 4, 4, 2],
           [1, 2, 2, 1]])
    """
    sizes, kernel = check_pair("size", size), check_pair("kernel_size", kernel_size)
    strides, dilations = check_pair("stride", stride), check_pair("dilation", dilation)
    sides = padding_sides(padding, sizes, kernel, strides, dilations)
    axes = zip(sizes, kernel, strides, sides, dilations, strict=True)
    rows, columns = (_axis_coverage(*axis) for axis in axes)
    return np.outer(rows, columns)


def _axis_coverage(size: int, kernel: int, stride: int, side: tuple[int, int], dilation: int) -> np.ndarray:
    """Count how many stops see each place of one axis."""
    seen = np.zeros(side[0] + size + side[1], dtype=np.int64)
    for stop in range(output_size(size, kernel, stride, side, dilation)):
        start = stop * stride
        seen[start : start + dilation * (kernel - 1) + 1 : dilation] += 1
    return seen[side[0] : side[0] + size]
