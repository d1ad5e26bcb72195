# ruff: noqa: A001, A002 - `format` is the word for how a number is written
"""Charts of amounts: bars and histograms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import Format, to_array, to_text
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._style import (
    GRID,
    HATCHES,
    INK,
    MUTED,
    PALETTE,
    SMALL,
    TEXT,
    figure,
    grid,
    new_or,
    style,
)


def _as_groups(argument: str, values: Mapping[str, Any]) -> tuple[list[str], list[str], np.ndarray]:
    """Return names of groups, names of bars within a group, and heights (groups, bars)."""
    check_filled(argument, values, "at least one bar, as {name: number}")
    groups = list(values)
    if not all(isinstance(item, Mapping) for item in values.values()):
        heights = np.array([[float(item)] for item in values.values()])
        return groups, [""], heights
    members = list(values[groups[0]])
    check_filled(f"{argument}[{groups[0]!r}]", members, "at least one bar, as {name: number}")
    for group in groups:
        if list(values[group]) != members:
            raise ValueError(
                f"{argument}[{group!r}] has bars {list(values[group])}, the first group has {members}"
            )
    return groups, members, np.array([[float(values[g][m]) for m in members] for g in groups])


def bars(
    values: Mapping[str, Any],
    xlabel: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    format: Format = None,
    errors: Mapping[str, Any] | None = None,
    colors: Sequence[str] | None = None,
    log: bool = False,
    reference: tuple[str, float] | None = None,
    percent: bool = False,
) -> Axes:
    """Draw lying bars, each with its name and its number.

    Parameters
    ----------
    values : mapping from str to float, or to a mapping from str to float
        Lengths by name; of two levels for groups of bars, which differ in color and hatch.
    xlabel, title : str, optional
        What the length means, with its unit.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    format : str or callable, optional
        How a number is written.
    errors : mapping as `values`, optional
        Half the length of the whisker.
    colors : sequence of color, optional
        One for each bar, or for each member of a group.
    log : bool
        A logarithmic scale.
    reference : (str, float), optional
        A name and a value for a thin upright line, such as the accuracy of guessing.
    percent : bool
        The values are fractions: write them as percent.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no bar, or groups hold different bars.

    Examples
    --------
    >>> ax = bars({"linear": 0.24, "CNN": 0.83}, percent=True)
    >>> [text.get_text() for text in ax.texts]
    ['24%', '83%']
    """
    groups, members, lengths = _as_groups("values", values)
    if log and not (lengths > 0).any():
        raise ValueError("values must hold one above 0 to be drawn on a logarithmic scale; leave log out")
    spread = None if errors is None else _as_errors(errors, groups, members)
    count = len(members)
    if percent and format is None:
        format = lambda value: f"{value:.0%}"
    write = to_text(lengths, format)
    with style():
        if ax is None:
            ax = figure(height=0.75 + len(groups) * (0.36 * count + 0.14) + (0.3 if count > 1 else 0))[1]
        ax = new_or(ax)
        for member, name in enumerate(members):
            color: Any = PALETTE[member % len(PALETTE)]
            if colors is not None:
                color = colors[member] if count > 1 else list(colors)
            look = {"label": name, "color": color, "hatch": HATCHES[member % len(HATCHES)]}
            places = np.arange(len(groups)) + (member - (count - 1) / 2) * 0.8 / count
            whiskers = None if spread is None else spread[:, member]
            _draw_bars(ax, places, lengths[:, member], whiskers, write, {"height": 0.72 / count} | look)
        ax.set_yticks(range(len(groups)), groups, fontsize=TEXT)
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        finish(ax, xlabel, None, title, "x" if log else "")
        _limit(ax, lengths, lengths if spread is None else lengths + spread, log, percent)
        grid(ax, "x")
        if reference is not None:
            _draw_reference(ax, *reference)
        if count > 1:
            legend_above(ax, place=(0.0, 1.0 if reference is None else 1.06))
    return ax


def _as_errors(errors: Mapping[str, Any], groups: list[str], members: list[str]) -> np.ndarray:
    """Return half the length of each whisker, (groups, bars), if there is one for each bar."""
    names, bars_of, halves = _as_groups("errors", errors)
    if (names, bars_of) != (groups, members):
        raise ValueError(f"errors must name the bars of values, {groups}, in their order, got {names}")
    return halves


def _draw_bars(
    ax: Axes, places: np.ndarray, lengths: np.ndarray, whiskers: np.ndarray | None, write: Any, look: Any
) -> None:
    """Draw one bar of each group, its number behind its end or behind that of its whisker."""
    caps = {"ecolor": INK, "elinewidth": 1.2, "capsize": 3}
    ax.barh(places, lengths, xerr=whiskers, error_kw=caps, edgecolor="white", linewidth=0, **look)
    ends = lengths if whiskers is None else lengths + whiskers
    for place, length, end in zip(places, lengths, ends, strict=True):
        offset: Any = {"xytext": (5, 0), "textcoords": "offset points"}
        if length < 0:  # to the left of a bar that goes left
            end = 2 * length - end
            offset |= {"xytext": (-5, 0), "ha": "right"}
        ax.annotate(write(length), (end, place), va="center", fontsize=SMALL, **offset)


def _limit(ax: Axes, lengths: np.ndarray, ends: np.ndarray, log: bool, percent: bool) -> None:
    """Leave room for the numbers behind the bars, and let percent go to 100 where that is near."""
    low, high = float(min(lengths.min(), 0)), float(ends.max())
    low -= 0.12 * (high - low) if low < 0 else 0
    if log:
        least = lengths[lengths > 0].min()
        ax.set_xlim(least / 3, high * (high / least) ** 0.22 * 2)
    else:
        ax.set_xlim(low, (high or 1.0) * 1.2)
    if percent:
        ax.xaxis.set_major_formatter(FuncFormatter(percent_text))
        if 0.5 < high <= 1:  # there is nothing beyond all
            ax.set_xticks(np.linspace(0, 1, 6))
            ax.set_xlim(low, max(1.0, high * 1.2))


def _draw_reference(ax: Axes, name: str, place: float) -> None:
    """Draw a thin upright line with its name above."""
    ax.axvline(place, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.annotate(
        name, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(3, 2), textcoords="offset points",
        fontsize=SMALL, color=MUTED, va="bottom",
    )  # fmt: skip


def histogram(
    images: Any,
    ax: Axes | None = None,
    bins: int = 64,
    title: str | None = None,
    xlabel: str | None = None,
    log: bool = False,
) -> Axes:
    """Draw how often each value occurs: a line for each channel.

    Parameters
    ----------
    images : array_like or image set
        A picture (H, W), (1, H, W) or (3, H, W), or a batch (N, C, H, W). uint8 is counted from
        0 to 255; floats between 0 and 1 from 0 to 1; others over their range.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    bins : int
        Bars of the histogram.
    title, xlabel : str, optional
        Names of the chart and of the values.
    log : bool
        A logarithmic scale of the counts.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = histogram(np.zeros((3, 4, 4), dtype=np.uint8))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['red', 'green', 'blue']
    """
    array = to_array("images", images.images if hasattr(images, "labels") else images)
    if array.ndim == 2:
        array = array[None]
    if array.ndim not in (3, 4) or array.shape[-3] not in (1, 3):
        raise ValueError(
            f"images must have shape (H, W), (C, H, W) or (N, C, H, W) with C 1 or 3, got {array.shape}"
        )
    planes = np.moveaxis(array, -3, 0).reshape(array.shape[-3], -1)
    low, high = float(planes.min()), float(planes.max())
    if array.dtype == np.uint8:
        edges = np.linspace(0, 256, bins + 1)
    elif low >= 0 and high <= 1:
        edges = np.linspace(0, 1, bins + 1)
    else:
        edges = np.linspace(low, high, bins + 1)
    names = ("red", "green", "blue") if len(planes) == 3 else ("gray",)
    shades = (("#D55E00", "-"), ("#009E73", "--"), ("#0072B2", "-.")) if len(planes) == 3 else ((INK, "-"),)
    with style():
        ax = new_or(ax, height=2.8)
        for plane, name, (color, dash) in zip(planes, names, shades, strict=True):
            share = np.histogram(plane, edges)[0] / plane.size
            ax.stairs(share, edges, color=color, linestyle=dash, linewidth=1.6, label=name)
            if len(planes) == 1:
                ax.stairs(share, edges, fill=True, color=GRID)
        finish(ax, xlabel or "pixel value", "share of pixels", title, "y" if log else "")
        ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
        ax.set_xlim(edges[0], edges[-1])
        grid(ax)
        if len(planes) == 3:
            legend_above(ax, handlelength=2.6)
    return ax
