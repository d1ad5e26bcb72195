"""Pooling by hand: max, average, Lp, adaptive, global and blur pooling, forward and backward, in NumPy.

Images are batches of shape (N, C, H, W). Every function pools each channel apart from the others.
Argument names and order are those of ``torch.nn.functional`` where the thing is the same.

The output of a window of `K` cells, `D` apart, that moves by `S` over `H` cells with `P` more on
either side has ``floor((H + 2 P - D (K - 1) - 1) / S) + 1`` cells. With ``ceil_mode=True`` the floor becomes
a ceiling, except that the last window is left out if it would start beyond the last cell of the input, in
the padding after it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnncourse._adaptive_pooling import (
    AXES,
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_bins,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    check_gradient,
    global_avg_pool2d,
    global_avg_pool2d_backward,
)
from cnncourse._checks import check_array, check_count
from cnncourse._windows import Pair, Sides, check_pair, output_size, pad2d, pad2d_backward, sliding_windows

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_bins",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "binomial_kernel",
    "blur_pool2d",
    "blur_pool2d_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "shift_change",
]


class _Geometry(NamedTuple):
    """Where the windows lie: every entry is a pair (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]
    surplus: tuple[int, int]  # cells that the last windows of ceil mode need beyond the padding


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
    geometry = _geometry(x, kernel_size, stride, padding, dilation, ceil_mode)
    windows = _windows(x, geometry, fill=-np.inf)  # (N, C, H_out, W_out, K_h, K_w)
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
    them would be a subgradient, and `torch.amax` shares evenly.

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
    geometry = _geometry(x, kernel_size, stride, padding, dilation, ceil_mode)
    grad_output = check_gradient(grad_output, (*x.shape[:2], *geometry.output))
    windows = _windows(x, geometry, fill=-np.inf)
    flat = windows.reshape(*windows.shape[:4], -1)  # (N, C, H_out, W_out, K_h * K_w)
    winner = flat.argmax(axis=-1, keepdims=True)  # argmax takes the first of equals
    grad_flat = np.zeros(flat.shape, grad_output.dtype)
    np.put_along_axis(grad_flat, winner, grad_output[..., None], axis=-1)
    return _add_back(grad_flat.reshape(windows.shape), geometry, x.shape)


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
    geometry = _geometry(x, kernel_size, stride, padding, 1, ceil_mode)
    total = _windows(x, geometry, fill=0).sum(axis=(-2, -1))  # (N, C, H_out, W_out)
    y: np.ndarray = total / _counts(x, geometry, count_include_pad)
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
    geometry = _geometry(x, kernel_size, stride, padding, 1, ceil_mode)
    grad_output = check_gradient(grad_output, (*x.shape[:2], *geometry.output))
    share = grad_output / _counts(x, geometry, count_include_pad)
    grad_windows = np.broadcast_to(share[..., None, None], (*share.shape, *geometry.kernel))
    return _add_back(grad_windows, geometry, x.shape)


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
    geometry = _geometry(padded, kernel_size, stride, 0, 1, ceil_mode=False)
    grad_output = check_gradient(grad_output, (*x.shape[:2], *geometry.output))
    grad_windows = grad_output[..., None, None] * kernel  # (N, C, H_out, W_out, K, K)
    grad_padded = _add_back(grad_windows, geometry, padded.shape)
    return pad2d_backward(grad_padded, x, sides, padding_mode)


def shift_change(
    features: Callable[[np.ndarray], np.ndarray],
    image: Any,
    size: int,
    shifts: Sequence[int] = range(9),
) -> np.ndarray:
    """Measure how much features change when the camera moves by a few pixels.

    A square is cut out of a larger image, then cut again further right, so that real pixels and not padding
    come in at the border.

    Parameters
    ----------
    features : callable
        Takes a batch (1, C, size, size), returns an array of any shape.
    image : array_like of shape (C, H, W)
        The larger image.
    size : int
        Side of the square.
    shifts : sequence of int
        Distances in pixels.

    Returns
    -------
    ndarray of shape (len(shifts),)
        ``||f(shifted) - f(not shifted)|| / ||f(not shifted)||``: 0 for invariant features. A level that all
        features share makes it smaller; subtract their mean in `features` to leave it out.

    Raises
    ------
    ValueError
        If the image is too small for the square and the largest shift, or the features are all zero.

    Examples
    --------
    >>> stripes = np.tile([0.0, 1.0], (4, 4))[None]
    >>> shift_change(lambda x: x, stripes, 4, [0, 1, 2]).round(2)
    array([0.  , 1.41, 0.  ])
    """
    image = check_array("image", image, "(C, H, W)")
    top = (image.shape[1] - check_count("size", size)) // 2
    room = image.shape[2] - size
    if top < 0 or not all(0 <= shift <= room for shift in shifts):
        raise ValueError(
            f"shifts {list(shifts)} do not fit: a {size}x{size} square in an image of "
            f"{image.shape[1]}x{image.shape[2]} can move by 0 to {room} pixels; use a larger image"
        )
    squares = [image[None, :, top : top + size, shift : shift + size] for shift in (0, *shifts)]
    still, *moved = [np.asarray(features(square)) for square in squares]
    length = np.linalg.norm(still)
    if length == 0:
        raise ValueError("features are all zero for the square that is not shifted: no ratio can be taken")
    return np.array([np.linalg.norm(y - still) / length for y in moved])


def _geometry(
    x: np.ndarray,
    kernel_size: Pair,
    stride: Pair | None,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> _Geometry:
    """Check the options of one pooling and find its output size."""
    kernel = check_pair("kernel_size", kernel_size)
    steps = kernel if stride is None else check_pair("stride", stride)
    pads = check_pair("padding", padding, minimum=0)
    gaps = check_pair("dilation", dilation)
    output, surplus = [], []
    for size, k, s, p, d in zip(x.shape[2:], kernel, steps, pads, gaps, strict=True):
        span = d * (k - 1) + 1
        if p > k // 2:
            raise ValueError(
                f"padding {p} is more than half of kernel_size {k}: some window would hold "
                f"nothing but padding; use padding <= {k // 2}"
            )
        count = output_size(size, k, s, p, d, ceil_mode)
        cells = np.arange(count)[:, None] * s - p + np.arange(k) * d  # (windows, cells of each)
        if not ((cells >= 0) & (cells < size)).any(axis=1).all():
            raise ValueError(
                f"padding {p} and dilation {d} leave a window that sees nothing but padding of an input "
                f"with {size} cells; use less padding"
            )
        output.append(count)
        surplus.append(max(0, (count - 1) * s + span - (size + 2 * p)))
    return _Geometry(kernel, steps, pads, gaps, (output[0], output[1]), (surplus[0], surplus[1]))


def _windows(x: np.ndarray, geometry: _Geometry, fill: float) -> np.ndarray:
    """Return the windows of x, with padding and surplus filled in: (N, C, H_out, W_out, K_h, K_w)."""
    (above, left), (below, right) = geometry.padding, geometry.surplus
    around = ((0, 0), (0, 0), (above, above + below), (left, left + right))
    padded = np.pad(x, around, constant_values=fill)
    return sliding_windows(padded, geometry.kernel, geometry.stride, geometry.dilation)


def _add_back(grad_windows: np.ndarray, geometry: _Geometry, shape: tuple[int, ...]) -> np.ndarray:
    """Add the gradient of each window's cells to the pixels they were copied from, and drop the padding."""
    (s_h, s_w), (d_h, d_w) = geometry.stride, geometry.dilation
    (h_out, w_out), (p_h, p_w) = geometry.output, geometry.padding
    height, width = (
        size + 2 * p + extra
        for size, p, extra in zip(shape[2:], geometry.padding, geometry.surplus, strict=True)
    )
    grad = np.zeros((*shape[:2], height, width), grad_windows.dtype)
    for i in range(geometry.kernel[0]):
        for j in range(geometry.kernel[1]):
            rows = slice(i * d_h, i * d_h + (h_out - 1) * s_h + 1, s_h)
            columns = slice(j * d_w, j * d_w + (w_out - 1) * s_w + 1, s_w)
            grad[:, :, rows, columns] += grad_windows[..., i, j]
    return grad[:, :, p_h : p_h + shape[2], p_w : p_w + shape[3]]


def _counts(x: np.ndarray, geometry: _Geometry, count_include_pad: bool) -> np.ndarray:
    """Return by how many cells each window's sum is divided: (H_out, W_out)."""
    (p_h, p_w), (below, right) = geometry.padding, geometry.surplus
    counted = np.ones(x.shape[2:])
    counted = np.pad(counted, ((p_h, p_h), (p_w, p_w)), constant_values=float(count_include_pad))
    counted = np.pad(counted, ((0, below), (0, right)))  # what lies beyond the padding never counts
    windows = sliding_windows(counted[None, None], geometry.kernel, geometry.stride)
    counts: np.ndarray = windows.sum(axis=(-2, -1))[0, 0]
    return counts.astype(x.dtype)


def _blur(kernel_size: int, x: np.ndarray) -> tuple[np.ndarray, Sides]:
    """Return the binomial kernel and the padding that keeps the size at stride 1."""
    kernel = binomial_kernel(kernel_size).astype(x.dtype)
    sides = ((kernel_size - 1) // 2, kernel_size // 2)
    return kernel, (sides, sides)


def _check_norm(norm_type: float) -> None:
    if not 1 <= norm_type < math.inf:
        raise ValueError(
            f"norm_type must be at least 1 and finite, got {norm_type}; "
            "for the largest absolute value use max_pool2d(abs(x), ...)"
        )
