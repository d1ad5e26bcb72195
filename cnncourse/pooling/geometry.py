"""Where the windows of a pooling lie, and what goes back from them to the pixels."""

from typing import NamedTuple

import numpy as np

from cnncourse.convolution.windows import (
    Pair,
    Sides,
    check_pair,
    output_size,
    pad2d_backward,
    sliding_windows,
    sliding_windows_backward,
)

AXES = "(N, C, H, W)"


class Geometry(NamedTuple):
    """Where the windows lie: every entry is a pair (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]
    surplus: tuple[int, int]  # cells that the last windows of ceil mode need beyond the padding

    @property
    def sides(self) -> Sides:
        """Cells around the input, ((above, below), (left, right)): padding, and the surplus after it."""
        (p_h, p_w), (below, right) = self.padding, self.surplus
        return (p_h, p_h + below), (p_w, p_w + right)


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
    return sliding_windows(_padded(x, geometry, fill), geometry.kernel, geometry.stride, geometry.dilation)


def windows_backward(grad_windows: np.ndarray, x: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the gradient of `windows_of` for x: each pixel collects from its windows; padding is dropped."""
    padded, stride, dilation = _padded(x, geometry, fill=0), geometry.stride, geometry.dilation
    grad_padded = sliding_windows_backward(grad_windows, padded, geometry.kernel, stride, dilation)
    return pad2d_backward(grad_padded, x, geometry.sides)


def _padded(x: np.ndarray, geometry: Geometry, fill: float) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), *geometry.sides), constant_values=fill)


def counts_of(x: np.ndarray, geometry: Geometry, count_include_pad: bool) -> np.ndarray:
    """Return by how many cells each window's sum is divided: (H_out, W_out)."""
    (p_h, p_w), (below, right) = geometry.padding, geometry.surplus
    counted = np.ones(x.shape[2:])
    counted = np.pad(counted, ((p_h, p_h), (p_w, p_w)), constant_values=float(count_include_pad))
    counted = np.pad(counted, ((0, below), (0, right)))  # what lies beyond the padding never counts
    windows = sliding_windows(counted[None, None], geometry.kernel, geometry.stride)
    counts: np.ndarray = windows.sum(axis=(-2, -1))[0, 0]
    return counts.astype(x.dtype)
