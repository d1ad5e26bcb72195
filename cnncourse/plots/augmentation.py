"""What the chapter augmentation alone draws: where pixels come from, mixed labels, accuracy under changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import check_titles, to_array
from cnncourse.plots._charts import percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    LEAST,
    LINE_STYLES,
    MARKERS,
    MUTED,
    OUTPUT,
    PALETTE,
    SMALL,
    WIDTH,
    bare,
    figure,
    grid,
    new_or,
    style,
)

__all__ = ["changes", "mixed", "sources"]


def sources(points: Any, size: tuple[int, int], marked: int, ax: Axes | None = None) -> Axes:
    """Draw the pixels of an image, the points at which an output looks into it, and one point's neighbors.

    Parameters
    ----------
    points : array_like of shape (N, 2)
        Where each pixel of the output comes from: x to the right and y down, in pixels, 0 being the center
        of the first one.
    size : (int, int)
        Height and width of the image.
    marked : int
        The point of which the four nearest pixels are drawn, with the share of each in its value.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the points are no pairs, or the marked one is not between pixels of the image.

    Examples
    --------
    >>> ax = sources([[0.5, 0.25], [1, 1]], (2, 2), marked=0)
    >>> [text.get_text() for text in ax.texts]
    ['0.38', '0.38', '0.12', '0.12']
    """
    places = to_array("points", points)
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"points must be pairs (x, y), got shape {places.shape}")
    height, width = size
    if not -len(places) <= marked < len(places):
        raise ValueError(f"marked must be one of {len(places)} points, got {marked}")
    x, y = (float(value) for value in places[marked])
    left, top = int(np.floor(x)), int(np.floor(y))
    if not (0 <= left < width - 1 and 0 <= top < height - 1):
        raise ValueError(
            f"the marked point ({x:g}, {y:g}) must be between pixels of the {height}x{width} image"
        )
    with style():
        ax = new_or(ax, height=4.6)
        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        look: Any = {"linestyle": "none", "markersize": 9}
        ax.plot(columns.ravel(), rows.ravel(), "s", color=INPUT, label="pixels of the input", **look)
        ax.plot(
            *places.T, "o", color=OUTPUT, label="where the output's pixels look", **(look | {"markersize": 6})
        )
        ax.plot([x], [y], "o", color=KERNEL, markersize=9, markeredgecolor=INK)
        for row in (top, top + 1):
            for column in (left, left + 1):
                share = (1 - abs(x - column)) * (1 - abs(y - row))
                ax.plot([x, column], [y, row], color=KERNEL, linewidth=1.4, zorder=0)
                ax.annotate(
                    f"{share:.2f}", (column, row), xytext=(0, 8 if row == top else -8), fontsize=SMALL,
                    textcoords="offset points", ha="center", va="bottom" if row == top else "top",
                )  # fmt: skip
        ax.set_xlim(min(-0.6, places[:, 0].min() - 0.4), max(width - 0.4, places[:, 0].max() + 0.4))
        ax.set_ylim(max(height - 0.4, places[:, 1].max() + 0.4), min(-0.6, places[:, 1].min() - 0.4))
        ax.set_aspect("equal")
        ax.set(xlabel="x", ylabel="y")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        legend_above(ax)
    return ax


def mixed(batch: Any, shares: Any, classes: Sequence[str], titles: Sequence[str] | None = None) -> np.ndarray:
    """Draw pictures in a row, and below each its label as bars: the share of every class.

    Parameters
    ----------
    batch : sequence of array_like of shape (C, H, W)
        The pictures, uint8 or 0 to 1.
    shares : array_like of shape (N, classes)
        Their labels.
    classes : sequence of str
        The names of the classes.
    titles : sequence of str, optional
        One above each picture.

    Returns
    -------
    ndarray of Axes of shape (2, N)
        The pictures, and the bars.

    Raises
    ------
    ValueError
        If there is not one label for each picture, or one name for each class.

    Examples
    --------
    >>> axes = mixed(np.zeros((2, 3, 8, 8)), [[1, 0], [0.75, 0.25]], ["cat", "rocket"])
    >>> [text.get_text() for text in axes[1, 1].texts]
    ['75%', '25%']
    """
    check_filled("batch", batch, "at least one picture")
    pictures = [as_picture("batch", picture) for picture in batch]
    parts = to_array("shares", shares)
    if parts.shape != (len(pictures), len(classes)):
        raise ValueError(
            f"shares must have shape {(len(pictures), len(classes))}, a row a picture and a column a class, "
            f"got {parts.shape}"
        )
    names = check_titles(titles, len(pictures), "pictures")
    side = (WIDTH - 0.1) / len(pictures)
    with style():
        _, axes = figure(2, len(pictures), height=min(side, 3.0) + 0.32 * len(classes) + 0.5)
        axes = np.reshape(axes, (2, len(pictures)))
        axes[0, 0].get_gridspec().set_height_ratios([min(side, 3.0), 0.32 * len(classes)])
        for index, (above, below) in enumerate(axes.T):
            above.imshow(pictures[index], cmap="gray", vmin=0, vmax=1)
            if names:
                above.set_title(names[index])
            places = np.arange(len(classes))
            below.barh(places, parts[index], height=0.7, color=OUTPUT)
            for place, share in zip(places, parts[index], strict=True):
                below.annotate(
                    percent_text(float(share)), (share, place), xytext=(3, 0), textcoords="offset points",
                    va="center", fontsize=SMALL,
                )  # fmt: skip
            below.set_xlim(0, 1.55)
            below.set_ylim(len(classes) - 0.5, -0.5)
            bare(above)
            bare(below)
            if index == 0:
                below.set_yticks(places, classes, fontsize=SMALL)
                below.tick_params(axis="y", length=0)
    return axes


def changes(
    curves: Mapping[str, tuple[Any, Mapping[str, Any]]],
    xlabels: Mapping[str, str] | None = None,
    chance: float | None = None,
) -> np.ndarray:
    """Draw accuracy against the amount of a change, a panel for each change and a line for each network.

    Amounts that are all above zero are factors, and get a logarithmic axis.

    Parameters
    ----------
    curves : mapping from str to (array_like of shape (n,), mapping from str to array_like)
        For each change its amounts, and for each network the accuracies, (n,) or (seeds, n): of several
        seeds the line is the mean, and a shaded band runs from the lowest to the highest. All panels hold
        the same networks.
    xlabels : mapping from str to str, optional
        What the amounts of a change are; by default nothing is written.
    chance : float, optional
        A dotted line at this accuracy.

    Returns
    -------
    ndarray of Axes of shape (changes,)

    Raises
    ------
    ValueError
        If there is no change or network, or accuracies and amounts differ in number.

    Examples
    --------
    >>> shift, scale = {"CNN": [[0.9, 0.5], [0.8, 0.4]]}, {"CNN": [0.9, 0.3]}
    >>> axes = changes({"shift": ([0, 1], shift), "scale": ([1, 2], scale)})
    >>> axes[0].lines[0].get_ydata().round(2), axes[1].get_xscale()
    (array([0.85, 0.45]), 'log')
    """
    check_filled("curves", curves, "at least one change")
    drawn = {}
    for name, (amounts, networks) in curves.items():
        check_filled(f"curves[{name!r}]", networks, "at least one network")
        across = to_array(f"curves[{name!r}]", amounts).ravel()
        drawn[name] = across, {key: _seeds(f"{name!r}, {key!r}", y, across) for key, y in networks.items()}
    columns = min(len(drawn), 2)
    rows = -(-len(drawn) // columns)
    with style():
        fig, axes = figure(rows, columns, height=2.15 * rows + 0.5)
        panels = list(np.atleast_1d(axes).flat)
        for ax, (name, (across, networks)) in zip(panels, drawn.items(), strict=False):
            for index, (key, y) in enumerate(networks.items()):
                color, dashes = PALETTE[index % len(PALETTE)], LINE_STYLES[index % len(LINE_STYLES)]
                mark: Any = {"marker": MARKERS[index % len(MARKERS)], "markersize": 4.5}
                ax.plot(across, y.mean(axis=0), color=color, linestyle=dashes, label=key, **mark)
                ax.fill_between(across, y.min(axis=0), y.max(axis=0), color=color, alpha=0.18, linewidth=0)
            if chance is not None:
                ax.axhline(chance, color=MUTED, linewidth=1, linestyle=":")
            _finish(ax, name, across, (xlabels or {}).get(name))
        for ax in panels[len(drawn) :]:
            ax.set_axis_off()
        _name_networks(fig, panels, len(drawn))
    shown: np.ndarray = np.array(panels[: len(drawn)], dtype=object)
    return shown


def _seeds(argument: str, values: Any, across: np.ndarray) -> np.ndarray:
    """Return accuracies as (seeds, n)."""
    rows = np.atleast_2d(to_array(f"curves of {argument}", values))
    if rows.shape[-1] != across.size:
        raise ValueError(f"curves of {argument} has shape {rows.shape}, but there are {across.size} amounts")
    return rows


def _finish(ax: Axes, name: str, across: np.ndarray, xlabel: str | None) -> None:
    """Write on a panel what was changed and by how much."""
    if across.min() > 0:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(FixedLocator(across.tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}".removeprefix("0") or "0"))
    ax.tick_params(labelsize=LEAST)
    ax.set_title(name, loc="left", fontsize=SMALL)
    if xlabel:
        ax.set_xlabel(xlabel, fontsize=SMALL)
    ax.set_ylim(0, 1.03)
    ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
    grid(ax)


def _name_networks(fig: Any, panels: Sequence[Axes], count: int) -> None:
    """Say which line is which: in the panel that is left over, or above all."""
    handles, names = panels[0].get_legend_handles_labels()
    if count < len(panels):
        panels[count].legend(handles, names, loc="center left", fontsize=SMALL)
    else:
        fig.legend(handles, names, loc="outside upper left", ncols=len(names), fontsize=SMALL)
