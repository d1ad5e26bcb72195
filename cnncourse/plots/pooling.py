"""What the chapter on pooling draws: windows on numbers, windows along a row, signals and their samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._grids import pixel_grid
from cnncourse.plots._number_grids import grids_of, leveled
from cnncourse.plots._style import INPUT, KERNEL, OUTPUT, figure, style

__all__ = ["pool_windows", "sampled_signals"]


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


def sampled_signals(
    signals: Mapping[str, Any], stride: int = 2, first: int = 0, limits: tuple[float, float] = (0, 1)
) -> np.ndarray:
    """Draw signals as thin dots, and as squares the values that are left when every `stride`-th is kept.

    Parameters
    ----------
    signals : mapping from str to array_like of shape (n,)
        The signals, by title.
    stride, first : int
        Which values are kept: `first`, then every `stride`-th.
    limits : (float, float)
        The lowest and highest value that must be seen.

    Returns
    -------
    ndarray of Axes
        One for each signal.

    Raises
    ------
    ValueError
        If there is no signal.

    Examples
    --------
    >>> axes = sampled_signals({"a wave": np.sin(np.arange(20))}, limits=(-1, 1))
    >>> axes[0].get_title(loc="left")
    'a wave'
    """
    check_filled("signals", signals, "at least one, as {title: values}")
    fig, axes = figure(len(signals), 1, height=1.35 * len(signals) + 0.5)
    panels = np.atleast_1d(axes)
    pad = 0.12 * (limits[1] - limits[0])
    with style():
        for ax, (title, signal) in zip(panels, signals.items(), strict=True):
            y = to_array(f"signals[{title!r}]", signal).ravel()
            n = np.arange(y.size)
            ax.plot(n, y, color=INPUT, linewidth=1, marker=".", markersize=6, label="all values")
            kept = n[first::stride]
            ax.plot(kept, y[kept], color="#D55E00", linewidth=1.8, marker="s", markersize=6, label="kept")
            ax.set_ylim(limits[0] - pad, limits[1] + pad)
            ax.set_title(title, loc="left")
            ax.label_outer()
    panels[-1].set_xlabel("position")
    handles, labels = panels[0].get_legend_handles_labels()
    with style():
        fig.legend(handles, labels, loc="outside lower right", ncols=2)
    return panels


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
