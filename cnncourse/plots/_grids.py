# ruff: noqa: A002 - `format` is the word for how a number is written
"""Arrays as cells with their numbers written into them: pixel grids, kernels, matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from cnncourse._checks import check_choice, check_filled
from cnncourse.plots._arrays import (
    MOST_PICTURES,
    Format,
    Limits,
    check_titles,
    limits_of,
    to_array,
    to_plane,
    to_text,
)
from cnncourse.plots._panels import axes_of, balanced, scale
from cnncourse.plots._style import (
    GRID,
    KERNEL,
    LEAST,
    MUTED,
    TEXT,
    WIDTH,
    bare,
    color_map,
    figure,
    style,
    text_on,
    tidy,
)

CELL = 0.46  # inches: the least width of a cell that holds a number of four characters


def _text_size(cell: float, longest: int) -> float:
    """Return the points of text of so many characters in a cell of so many inches; 0 if it has no room."""
    # A digit of DejaVu Sans is 0.64 of its size wide; text may touch the borders before it is left out.
    size = min(TEXT, 0.75 * cell * 72, 0.92 * cell * 72 / (0.64 * longest))
    return max(size, LEAST) if size >= LEAST - 1.5 else 0.0


def _draw_cells(
    ax: Axes, plane: np.ndarray, color: str, limits: tuple[float, float], write: Any, size: float
) -> None:
    """Draw one plane as cells with thin borders; `write` turns a value into text, or is None."""
    rows, columns = plane.shape
    shades = color_map(color)
    norm = Normalize(*limits, clip=True)
    ax.imshow(plane, cmap=shades, norm=norm, interpolation="nearest", aspect="equal")
    if max(rows, columns) <= 40:
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color=MUTED, linewidth=0.5)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, color=MUTED, linewidth=0.5)
    ax.set_xlim(-0.55, columns - 0.45)
    ax.set_ylim(rows - 0.45, -0.55)
    bare(ax)
    if write is None:
        return
    for (row, column), value in np.ndenumerate(plane):
        ink = text_on(shades(norm(value))) if np.isfinite(value) else "black"
        text = write(value) if np.isfinite(value) else str(value)
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)


def _boxes(highlight: Any, shape: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return the boxes (row, column, height, width) that `highlight` names."""
    if highlight is None:
        return []
    array = np.asarray(highlight)
    if array.dtype == bool:
        if array.shape != shape:
            raise ValueError(f"highlight as a mask must have the values' shape {shape}, got {array.shape}")
        return [(int(row), int(column), 1, 1) for row, column in np.argwhere(array)]
    boxes = np.atleast_2d(array)
    if boxes.ndim != 2 or boxes.shape[1] not in (2, 4):
        raise ValueError(
            "highlight must be (row, column), (row, column, height, width), a list of these, "
            f"or a mask of shape {shape}; got shape {array.shape}"
        )
    if boxes.shape[1] == 2:
        boxes = np.hstack([boxes, np.ones_like(boxes)])
    return [(int(r), int(c), int(h), int(w)) for r, c, h, w in boxes]


def pixel_grid(
    values: Any,
    ax: Axes | None = None,
    title: str | None = None,
    format: Format = None,
    color: str = "gray",
    highlight: Any = None,
    limits: Limits = None,
    highlight_color: str = KERNEL,
) -> Axes:
    """Draw a plane of numbers as cells, each with its number written into it.

    Numbers are left out where a cell would be too small for text that can be read.

    Parameters
    ----------
    values : array_like of shape (H, W)
        Any real numbers; leading axes of length 1 are dropped.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Written above.
    format : str or callable, optional
        How a number is written, such as ``".1f"``; by default up to two decimals.
    color : {"gray", "signed", "amount"}
        Gray from black to white (0-255 for whole numbers, 0-1 for floats between these, else
        the values' range); signed is blue below zero and orange above; amount is white to blue.
    highlight : box, list of boxes or mask, optional
        Boxes (row, column) or (row, column, height, width), or a boolean array (H, W).
    limits : (float, float), optional
        The values drawn as the two ends of the color map.
    highlight_color : color
        The color of the boxes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `values` is not one plane, or `color` or `highlight` cannot be understood.

    Examples
    --------
    >>> ax = pixel_grid([[0, 128], [255, 64]], title="four pixels")
    >>> [text.get_text() for text in ax.texts]
    ['0', '128', '255', '64']
    """
    check_choice("color", color, ["gray", "signed", "amount"])
    plane = to_plane("values", values)
    boxes = _boxes(highlight, plane.shape)
    rows, columns = plane.shape
    write = to_text(plane, format)
    longest = max(len(write(value)) for value in plane.ravel())
    with style():
        if ax is None:
            cell = min(0.62, (WIDTH - 0.2) / columns)
            ax = figure(height=rows * cell + (0.5 if title else 0.2))[1]
            assert ax is not None
        else:
            box = ax.get_window_extent()
            cell = min(box.width / columns, box.height / rows) / ax.figure.dpi
        size = _text_size(cell, longest)
        _draw_cells(tidy(ax), plane, color, limits or limits_of(plane, color), write if size else None, size)
        for row, column, height, width in boxes:
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="white", linewidth=4.5))
            ax.add_patch(
                Rectangle(corner, width, height, fill=False, edgecolor=highlight_color, linewidth=2.5)
            )
        if title:
            ax.set_title(title)
    return ax


def _as_kernels(weights: Any) -> tuple[list[np.ndarray], list[str] | None, int | None]:
    """Return kernels (K_h, K_w), their titles, and how many belong in a row."""
    if isinstance(weights, Mapping):
        return [to_plane("weights", w) for w in weights.values()], [str(name) for name in weights], None
    if isinstance(weights, list | tuple) and all(np.ndim(w) >= 2 for w in weights):
        return [to_plane("weights", w) for w in weights], None, None
    array = to_array("weights", weights)
    if array.ndim == 2:
        return [array], None, None
    if array.ndim == 3:
        return list(array), None, None
    if array.ndim == 4:
        across = array.shape[1] if array.shape[1] > 1 else None
        return list(array.reshape(-1, *array.shape[2:])), None, across
    raise ValueError(
        f"weights must have shape (K_h, K_w), (N, K_h, K_w) or (C_out, C_in, K_h, K_w), got {array.shape}"
    )


def kernels(
    weights: Any,
    titles: Sequence[str] | None = None,
    values: bool = True,
    format: Format = None,
    columns: int | None = None,
) -> Any:
    """Draw kernels in a signed color map: blue below zero, white at zero, orange above.

    All kernels share one scale, so that a strong kernel looks strong.

    Parameters
    ----------
    weights : array_like, list or mapping
        One kernel (K_h, K_w), several (N, K_h, K_w), a layer's weight (C_out, C_in, K_h, K_w) with a
        row for each filter, or a mapping from title to kernel.
    titles : sequence of str, optional
        One for each kernel.
    values : bool
        Write the weights into the cells, where there is room.
    format : str or callable, optional
        How a weight is written.
    columns : int, optional
        Kernels in a row.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    ValueError
        If the shape is none of these, or titles and kernels differ in number.

    Examples
    --------
    >>> ax = kernels([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], titles=["Sobel"])
    >>> ax.get_title(), len(ax.texts)
    ('Sobel', 9)
    """
    planes, names, across = _as_kernels(weights)
    check_filled("weights", planes, "at least one kernel")
    if len(planes) > MOST_PICTURES:
        raise ValueError(
            f"kernels draws up to {MOST_PICTURES} kernels, got {len(planes)}; take a few of them"
        )
    names = check_titles(titles, len(planes), "kernels") or names
    widest = max(plane.shape[1] for plane in planes)
    fits = max(1, int((WIDTH - 0.1) // (widest * CELL + 0.15)))
    per_row = columns or across or balanced(len(planes), fits if values else 6)
    writers = [to_text(plane, format) for plane in planes]
    longest = max(len(write(v)) for write, plane in zip(writers, planes, strict=True) for v in plane.ravel())
    cell = min(0.62, ((WIDTH - 0.1) / per_row - 0.15) / widest)
    size = _text_size(cell, longest) if values else 0.0
    most = max(float(np.abs(plane).max()) for plane in planes) or 1.0
    with style():
        rows = math.ceil(len(planes) / per_row)
        tallest = max(plane.shape[0] for plane in planes)
        height = rows * (tallest * cell + (0.42 if names else 0.12)) + 0.05
        _, axes = figure(rows, per_row, height=height)
        panels = list(np.atleast_1d(axes).flat)
        for ax in panels[len(planes) :]:
            ax.set_axis_off()
        for index, (ax, plane) in enumerate(zip(panels, planes, strict=False)):
            _draw_cells(ax, plane, "signed", (-most, most), writers[index] if size else None, size)
            if names is not None:
                ax.set_title(names[index])
    return axes_of(panels[: len(planes)])


def matrix(
    array: Any,
    ax: Axes | None = None,
    title: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    names: Sequence[str] | None = None,
    format: Format = None,
    color: str | None = None,
    limits: Limits = None,
) -> Axes:
    """Draw a matrix as colored cells, with its numbers where there is room and a scale beside it.

    Parameters
    ----------
    array : array_like of shape (rows, columns)
        Any real numbers.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title, xlabel, ylabel : str, optional
        Written above, below and to the left.
    names : sequence of str, optional
        Names of the rows, and of the columns where the matrix is square (a confusion matrix).
    format : str or callable, optional
        How a number is written.
    color : {"gray", "signed", "amount"}, optional
        Amount (white to blue) without values below zero, signed with them, unless told.
    limits : (float, float), optional
        The values at the two ends of the scale.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = matrix([[9, 1], [2, 8]], names=["cat", "dog"], xlabel="predicted", ylabel="true")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['cat', 'dog']
    """
    plane = to_plane("array", array)
    color = color or ("signed" if float(np.nanmin(plane)) < 0 else "amount")
    check_choice("color", color, ["gray", "signed", "amount"])
    rows, columns = plane.shape
    if names is not None:
        check_titles(names, rows, "rows")
    write = to_text(plane, format)
    longest = max(len(write(value)) for value in plane.ravel())
    norm = Normalize(*(limits or limits_of(plane, color)), clip=True)
    with style():
        across = 4.6 if names is None else 4.0
        cell = min(0.6, across / columns)
        if ax is None:
            ax = figure(height=min(cell * rows, 6.0) + (0.9 if xlabel or names is not None else 0.5))[1]
        assert ax is not None
        tidy(ax)
        ax.imshow(plane, cmap=color_map(color), norm=norm, interpolation="nearest")
        size = _text_size(cell, longest)
        if size:
            for (row, column), value in np.ndenumerate(plane):
                ink = text_on(color_map(color)(norm(value)))
                ax.text(column, row, write(value), ha="center", va="center", color=ink, fontsize=size)
        for spine in ax.spines.values():
            spine.set(visible=True, color=GRID)
        if names is not None:
            ax.set_yticks(range(rows), list(names))
            if rows == columns:
                ax.set_xticks(range(columns), list(names), rotation=45, ha="right", rotation_mode="anchor")
        ax.set(xlabel=xlabel or "", ylabel=ylabel or "", title=title or "")
        scale(ax.get_figure(), [ax], color, norm)
    return ax
