"""What the chapter on LeNet draws: one picture on its way through all layers, and a table of connections."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import limits_of, to_array
from cnncourse.plots._style import (
    AS_DRAWN,
    GRID,
    INK,
    INPUT,
    LEAST,
    MUTED,
    WIDTH,
    color_map,
    figure,
    style,
    text_on,
)

__all__ = ["connection_table", "layer_maps"]

MOST_ROW = 8  # maps side by side
SIDE = 0.68  # inches: a map, where there are several
CELL = 0.19  # inches: a number of a vector
LINE = 0.27  # inches: a title
GAP = 0.05


def layer_maps(layers: Mapping[str, Any], names: Sequence[str] | None = None) -> Axes:
    """Draw what each layer of a network makes of one picture, from top to bottom.

    Each layer has a scale of its own: gray from its least to its largest value, or, where there are values
    below zero, blue below, white at and orange above zero.

    Parameters
    ----------
    layers : mapping from str to array_like of shape (C, H, W) or (n,)
        Feature maps, or the numbers of a dense layer, by title.
    names : sequence of str, optional
        Written into the cells of the last layer, such as the classes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no layer, one has another shape, or `names` does not fit the last layer.

    Examples
    --------
    >>> ax = layer_maps({"picture": np.eye(8)[None], "scores": [0.1, 0.9]}, names=["no", "yes"])
    >>> [text.get_text() for text in ax.texts]
    ['picture', 'scores', 'no', 'yes']
    """
    arrays = {title: _as_layer(title, values) for title, values in layers.items()}
    check_filled("layers", arrays, "at least one, as {title: values}")
    last = list(arrays.values())[-1]
    if names is not None and last.shape != (len(names),):
        raise ValueError(f"names has {len(names)} names, but the last layer has shape {last.shape}")
    height = sum(LINE + _height(array) + 2 * GAP for array in arrays.values()) + GAP
    ax: Axes = figure(height=height)[1]
    top = 0.0
    with style():
        for title, array in arrays.items():
            ax.text(0, top + LINE / 2, title, va="center", ha="left", fontsize=LEAST + 0.5, color=INK)
            top += LINE
            written = names if array is last else None
            _draw_maps(ax, array, top) if array.ndim == 3 else _draw_vector(ax, array, top, written)
            top += _height(array) + 2 * GAP
    ax.set_xlim(-0.02, WIDTH - 0.1)
    ax.set_ylim(height, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def connection_table(
    connected: Any, rows: str = "input channel", columns: str = "output channel", ax: Axes | None = None
) -> Axes:
    """Draw which output channels look at which input channels, as crosses in a table.

    Parameters
    ----------
    connected : array_like of bool of shape (C_out, C_in)
        True where the output channel looks at the input channel.
    rows, columns : str
        Names of the two axes.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = connection_table([[True, False], [True, True]])
    >>> len(ax.texts)  # crosses
    3
    """
    table = to_array("connected", connected).astype(bool)
    if table.ndim != 2:
        raise ValueError(f"connected must have shape (C_out, C_in), got {table.shape}")
    across, down = table.shape
    with style():
        if ax is None:
            side = min(0.36, (WIDTH - 0.7) / across)
            ax = figure(height=down * side + 0.85)[1]
        assert ax is not None
        for column, row in np.ndindex(table.shape):
            filled = table[column, row]
            face = "#d6e6f2" if filled else "white"
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=GRID))
            if filled:
                ax.text(column, row, "×", ha="center", va="center", fontsize=LEAST + 2, color=INPUT)
        ax.set(
            xlim=(-0.5, across - 0.5), ylim=(down - 0.5, -0.5), xlabel=columns, ylabel=rows, aspect="equal"
        )
        ax.set(xticks=range(across), yticks=range(down))
        ax.tick_params(length=0, labelsize=LEAST)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return ax


def _as_layer(title: str, values: Any) -> np.ndarray:
    array = to_array(f"layers[{title!r}]", values).astype(float)
    if array.ndim not in (1, 3):
        raise ValueError(f"layers[{title!r}] must have shape (C, H, W) or (n,), got {array.shape}")
    return array


def _grid(array: np.ndarray) -> tuple[int, int]:
    """Return rows and columns in which maps, or the numbers of a vector, are laid."""
    count = len(array)
    most = MOST_ROW if array.ndim == 3 else int((WIDTH - 0.1) / CELL)
    rows = math.ceil(count / most)
    return rows, math.ceil(count / rows)


def _side(array: np.ndarray) -> float:
    """Return the width of one map, or of one number, in inches."""
    if array.ndim == 3:
        return 1.35 if len(array) == 1 else SIDE
    return CELL if len(array) > 20 else min(0.5, (WIDTH - 0.2) / len(array))


def _height(array: np.ndarray) -> float:
    rows, _ = _grid(array)
    tall = (
        _side(array) * array.shape[1] / array.shape[2] + GAP if array.ndim == 3 else min(_side(array), 0.32)
    )
    return float(rows * tall)


def _draw_maps(ax: Axes, array: np.ndarray, top: float) -> None:
    color = "signed" if array.min() < 0 else "gray"
    low, high = limits_of(array, color)
    columns, side = _grid(array)[1], _side(array)
    tall = side * array.shape[1] / array.shape[2]
    for index, plane in enumerate(array):
        left, upper = index % columns * (side + GAP), top + index // columns * (tall + GAP)
        extent = (left, left + side, upper + tall, upper)
        ax.imshow(plane, color_map(color), vmin=low, vmax=high, extent=extent, interpolation="nearest")
        ax.add_patch(Rectangle((left, upper), side, tall, fill=False, edgecolor=MUTED, linewidth=0.5))


def _draw_vector(ax: Axes, array: np.ndarray, top: float, names: Sequence[str] | None) -> None:
    color = "signed" if array.min() < 0 else "gray"
    low, high = limits_of(array, color)
    columns, side = _grid(array)[1], _side(array)
    tall = min(side, 0.32)
    for index, value in enumerate(array):
        left, upper = index % columns * side, top + index // columns * tall
        face = color_map(color)((value - low) / ((high - low) or 1.0))
        ax.add_patch(
            Rectangle((left, upper), side, tall, facecolor=face, edgecolor=MUTED, linewidth=0.5, gid=AS_DRAWN)
        )
        if names is not None:
            middle = (left + side / 2, upper + tall / 2 + 0.01)
            ax.text(*middle, names[index], ha="center", va="center", fontsize=LEAST, color=text_on(face[:3]))
