"""Grids of numbers side by side, and windows along a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_plane
from cnncourse.plots._grids import pixel_grid
from cnncourse.plots._style import INK, KERNEL, LEAST, MUTED, WIDTH, figure, style

GAP = 0.45  # inches between two grids


def number_grids(
    planes: Mapping[str, Any],
    color: str = "gray",
    format: Any = None,  # noqa: A002 - the word for how a number is written
    highlights: Mapping[str, Any] | None = None,
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """Draw several planes of numbers side by side, their cells all of one size.

    Parameters
    ----------
    planes : mapping from str to array_like of shape (H, W)
        The planes, by title.
    color, format, limits
        As in `pixel_grid`, the same for all.
    highlights : mapping from str to box, list of boxes or mask, optional
        What to frame, by title.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there is no plane, or `highlights` names one that is not there.

    Examples
    --------
    >>> axes = number_grids({"x": np.eye(4), "y": np.eye(2)})
    >>> [ax.get_title() for ax in axes]
    ['x', 'y']
    """
    check_filled("planes", planes, "at least one, as {title: values}")
    frames = dict(highlights or {})
    if unknown := set(frames) - set(planes):
        raise ValueError(f"highlights names {sorted(unknown)}, but planes are {list(planes)}")
    arrays = {title: to_plane(f"planes[{title!r}]", plane) for title, plane in planes.items()}
    axes = grids_of([plane.shape for plane in arrays.values()])
    for ax, (title, plane) in zip(axes, arrays.items(), strict=True):
        pixel_grid(plane, ax, title, format, color, frames.get(title), limits)
    return leveled(axes, [plane.shape for plane in arrays.values()])


def window_rows(
    size: int,
    layouts: Mapping[str, Sequence[tuple[int, int]]],
    padding: Mapping[str, int] | None = None,
) -> Axes:
    """Draw where the windows of several poolings lie along one axis, each as a bar over the cells it sees.

    Cells that no window sees are hatched; padding is drawn with dashes.

    Parameters
    ----------
    size : int
        Cells of the input along the axis.
    layouts : mapping from str to sequence of (start, end)
        Half-open ranges of each pooling's windows, by title; they may begin in the padding.
    padding : mapping from str to int, optional
        Cells of padding on either side, by title.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no layout, or one has no window.

    Examples
    --------
    >>> ax = window_rows(3, {"size 2, stride 2": [(0, 2)]})
    >>> [text.get_text() for text in ax.texts]  # cell 2 is hatched: no window sees it
    ['size 2, stride 2', '0', '1']
    """
    pads = dict(padding or {})
    ends = [window for windows in _checked(layouts).values() for window in windows]
    pad = max((pads.get(title, 0) for title in layouts), default=0)
    low = min(-pad, *(start for start, _ in ends))
    high = max(size + pad, *(end for _, end in ends))
    levels = {title: _levels(windows) for title, windows in layouts.items()}
    height = sum(2.35 + 0.45 * (max(level) + 1) for level in levels.values())  # in cells
    cell = min(0.42, WIDTH / (high - low + 0.4))
    ax: Axes = figure(height=cell * height + 0.1)[1]
    top = 0.0
    with style():
        for title, windows in layouts.items():
            ax.text(low, top + 0.45, title, va="center", ha="left", color=INK)
            _draw_row(ax, top + 0.9, size, windows, levels[title], pads.get(title, 0))
            top += 2.35 + 0.45 * (max(levels[title]) + 1)
    ax.set_xlim(low - 0.2, max(high, low + WIDTH / cell - 0.4) + 0.2)
    ax.set_ylim(top, 0)
    ax.set_aspect("equal")
    ax.set_anchor("W")
    ax.set_axis_off()
    return ax


def grids_of(shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Start a card with one Axes a grid, so that all cells have one size."""
    columns = sum(shape[1] for shape in shapes)
    rows = max(shape[0] for shape in shapes)
    cell = min(0.55, (WIDTH - GAP * len(shapes)) / columns)
    fig, axes = figure(1, len(shapes), height=rows * cell + 0.5)
    panels = np.atleast_1d(axes)
    panels[0].get_gridspec().set_width_ratios([shape[1] for shape in shapes])
    fig.canvas.draw()  # settles the layout, from which pixel_grid takes the size of its text
    return panels


def leveled(axes: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Give all panels room for as many rows, so that cells are equal in size and titles in height."""
    room = max(shape[0] for shape in shapes) / 2 + 0.05
    for ax, shape in zip(axes, shapes, strict=True):
        middle = (shape[0] - 1) / 2
        ax.set_ylim(middle + room, middle - room)
    return axes


def _checked(layouts: Mapping[str, Sequence[tuple[int, int]]]) -> Mapping[str, Sequence[tuple[int, int]]]:
    for title, windows in layouts.items():
        if not windows:
            raise ValueError(f"layouts[{title!r}] has no window")
    check_filled("layouts", layouts, "at least one, as {title: windows}")
    return layouts


def _levels(windows: Sequence[tuple[int, int]]) -> list[int]:
    """Return on which line each window is drawn so that none hides another."""
    ends: list[int] = []
    levels = []
    for start, end in windows:
        level = next((i for i, last in enumerate(ends) if last <= start), len(ends))
        ends[level : level + 1] = [end]
        levels.append(level)
    return levels


def _draw_row(
    ax: Axes,
    top: float,
    size: int,
    windows: Sequence[tuple[int, int]],
    levels: Sequence[int],
    padding: int,
) -> None:
    """Draw cells, and below them a bar for each window."""
    seen = {cell for start, end in windows for cell in range(start, end)}
    for cell in range(-padding, size + padding):
        real = 0 <= cell < size
        ax.add_patch(
            Rectangle(
                (cell, top),
                1,
                1,
                facecolor="#d6e6f2" if real and cell in seen else "white",
                edgecolor=MUTED if real else "#8c8c8c",
                linestyle="-" if real else "--",
                linewidth=0.8,
                hatch="////" if real and cell not in seen else None,
            )
        )
        if real and cell in seen:
            ax.text(cell + 0.5, top + 0.52, str(cell), ha="center", va="center", fontsize=LEAST, color=INK)
    for (start, end), level in zip(windows, levels, strict=True):
        ax.add_patch(
            FancyBboxPatch(
                (start + 0.08, top + 1.2 + 0.45 * level),
                end - start - 0.16,
                0.26,
                boxstyle="round,pad=0,rounding_size=0.12",
                facecolor=KERNEL,
                edgecolor=INK,
                linewidth=0.8,
            )
        )
