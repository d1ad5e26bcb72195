"""Where the windows of a pooling lie, and what goes back from them to the pixels."""

from typing import NamedTuple

import numpy as np

from cnncourse.convolution.windows import Pair, check_pair, output_size, sliding_windows


class Geometry(NamedTuple):
    """Where the windows lie: every entry is a pair (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]
    surplus: tuple[int, int]  # cells that the last windows of ceil mode need beyond the padding


def geometry_of(
    x: np.ndarray,
    kernel_size: Pair,
    stride: Pair | None,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Geometry:
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
    return Geometry(kernel, steps, pads, gaps, (output[0], output[1]), (surplus[0], surplus[1]))


def windows_of(x: np.ndarray, geometry: Geometry, fill: float) -> np.ndarray:
    """Return the windows of x, with padding and surplus filled in: (N, C, H_out, W_out, K_h, K_w)."""
    (above, left), (below, right) = geometry.padding, geometry.surplus
    around = ((0, 0), (0, 0), (above, above + below), (left, left + right))
    padded = np.pad(x, around, constant_values=fill)
    return sliding_windows(padded, geometry.kernel, geometry.stride, geometry.dilation)


def add_back(grad_windows: np.ndarray, geometry: Geometry, shape: tuple[int, ...]) -> np.ndarray:
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


def counts_of(x: np.ndarray, geometry: Geometry, count_include_pad: bool) -> np.ndarray:
    """Return by how many cells each window's sum is divided: (H_out, W_out)."""
    (p_h, p_w), (below, right) = geometry.padding, geometry.surplus
    counted = np.ones(x.shape[2:])
    counted = np.pad(counted, ((p_h, p_h), (p_w, p_w)), constant_values=float(count_include_pad))
    counted = np.pad(counted, ((0, below), (0, right)))  # what lies beyond the padding never counts
    windows = sliding_windows(counted[None, None], geometry.kernel, geometry.stride)
    counts: np.ndarray = windows.sum(axis=(-2, -1))[0, 0]
    return counts.astype(x.dtype)
