"""What the chapter on pooling draws: windows on numbers, and a photo that moved by a pixel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnncourse.convolution import KERNELS, conv2d
from cnncourse.plots._arrays import to_plane
from cnncourse.plots._grids import pixel_grid
from cnncourse.plots._number_grids import grids_of, leveled
from cnncourse.plots._pictures import image_grid
from cnncourse.plots._style import INPUT, KERNEL, OUTPUT

__all__ = ["one_pixel_later", "pool_windows"]


def pool_windows(
    x: Any,
    y: Any,
    kernel_size: int,
    stride: int | None = None,
    stops: Sequence[tuple[int, int]] | None = None,
    titles: tuple[str, str] = ("input", "output"),
    color: str = "gray",
) -> np.ndarray:
    """Draw an input with some windows of a pooling framed, and the output with the cells that they give.

    A window and its output have the same color and kind of line.

    Parameters
    ----------
    x : array_like of shape (H, W)
        The input.
    y : array_like of shape (H_out, W_out)
        The output.
    kernel_size, stride : int
        As in the pooling; without padding.
    stops : sequence of (int, int), optional
        Outputs (row, column) to frame, at most 4; by default the corners.
    titles : (str, str)
        Written above the two grids.
    color : {"gray", "signed", "amount"}
        As in `pixel_grid`.

    Returns
    -------
    ndarray of Axes of shape (2,)

    Raises
    ------
    ValueError
        If a stop is not in the output, or its window not in the input.

    Examples
    --------
    >>> before, after = pool_windows(np.eye(4), np.eye(2), 2)
    >>> len(before.patches) == len(after.patches)
    True
    """
    before, after = to_plane("x", x), to_plane("y", y)
    step = kernel_size if stride is None else stride
    last = (after.shape[0] - 1, after.shape[1] - 1)
    stops = stops or list(dict.fromkeys([(0, 0), (0, last[1]), (last[0], 0), last]))
    if len(stops) > 4:
        raise ValueError(f"stops frames at most 4 windows, got {len(stops)}")
    limits = _shared_limits(before, after, color)
    axes = grids_of([before.shape, after.shape])
    for ax, plane, title in zip(axes, (before, after), titles, strict=True):
        pixel_grid(plane, ax, title, None, color, limits=limits)
    looks = zip((KERNEL, INPUT, OUTPUT, "#CC79A7"), ("-", "--", ":", "-."), strict=True)
    for (row, column), look in zip(stops, looks, strict=False):
        top, left = row * step, column * step
        if not (0 <= row <= last[0] and 0 <= column <= last[1]):
            raise ValueError(f"stops names {(row, column)}, but the output is {after.shape}")
        if top + kernel_size > before.shape[0] or left + kernel_size > before.shape[1]:
            raise ValueError(f"the window of stop {(row, column)} leaves the input {before.shape}")
        _frame(axes[0], top, left, kernel_size, look)
        _frame(axes[1], row, column, 1, look)
    return leveled(axes, [before.shape, after.shape])


def one_pixel_later(photo: Any) -> np.ndarray:
    """Draw a photo, the same photo one pixel later, and how much the answer of an edge detector changed.

    The edge detector is a Sobel kernel whose negative answers become 0. Both photos are cut out of one, the
    second one pixel further right. The hundredth of the changes that are largest are white.

    Parameters
    ----------
    photo : array_like of shape (H, W)
        At least 3 high and 4 wide, values from 0 to 1.

    Returns
    -------
    ndarray of Axes of shape (3,)

    Raises
    ------
    ValueError
        If the photo is too small.

    Examples
    --------
    >>> axes = one_pixel_later(np.eye(8))
    >>> [ax.get_title() for ax in axes]
    ['photo', 'one pixel later', 'change in its edges']
    """
    plane = to_plane("photo", photo)
    if plane.shape[0] < 3 or plane.shape[1] < 4:
        raise ValueError(f"photo must be at least 3 high and 4 wide to have edges, got {plane.shape}")
    edges = np.maximum(conv2d(plane[None, None], KERNELS["sobel_x"][None, None])[0, 0], 0)  # (H - 2, W - 2)
    change = np.abs(np.diff(edges, axis=1))  # (H - 2, W - 3)
    panels = {
        "photo": plane[:, :-1],
        "one pixel later": plane[:, 1:],
        "change in its edges": np.clip(change / (np.quantile(change, 0.99) or 1), 0, 1),
    }
    axes: np.ndarray = image_grid(panels, columns=3)
    return axes


def _shared_limits(before: np.ndarray, after: np.ndarray, color: str) -> tuple[float, float]:
    low, high = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    if color == "signed":
        most = max(abs(low), abs(high)) or 1.0
        return -most, most
    return (low, high) if high > low else (low, low + 1)


def _frame(ax: Axes, row: int, column: int, side: int, look: tuple[str, str]) -> None:
    inset = 0.06  # so that frames of neighbors do not hide each other
    corner = (column - 0.5 + inset, row - 0.5 + inset)
    length = side - 2 * inset
    ax.add_patch(Rectangle(corner, length, length, fill=False, edgecolor="white", linewidth=5))
    ax.add_patch(
        Rectangle(corner, length, length, fill=False, edgecolor=look[0], linestyle=look[1], linewidth=2.8)
    )
