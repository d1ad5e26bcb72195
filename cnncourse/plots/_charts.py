"""Charts of numbers against numbers: lines, points and the curves of a training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from cnncourse._checks import check_choice, check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._legend import legend_above
from cnncourse.plots._style import (
    LINE_STYLES,
    MARKERS,
    MUTED,
    PALETTE,
    SMALL,
    grid,
    luminance,
    new_or,
    style,
)

LOG_AXES = ("", "x", "y", "xy")


def _check_log(log: str) -> None:
    if log not in LOG_AXES:
        raise ValueError(f"log must be one of '', 'x', 'y', 'xy', got {log!r}")


def percent_text(value: float, _: int = 0) -> str:
    return f"{100 * value:.3g}%"


def _log_ticks(axis: Axis) -> None:
    """Write powers of ten over a wide range, and 1, 2, 5 as plain numbers over a narrow one."""
    low, high = axis.get_data_interval()
    axis.set_minor_formatter(NullFormatter())
    if 0 < low < high < 60 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def finish(ax: Axes, xlabel: str | None, ylabel: str | None, title: str | None, log: str) -> None:
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        if name in log:
            (ax.set_xscale if name == "x" else ax.set_yscale)("log")
            _log_ticks(axis)
    ax.set(xlabel=xlabel or "", ylabel=ylabel or "")
    if title:
        ax.set_title(title, loc="left")


def _spread(places: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Move places apart, in their order, until what is `heights` high about each does not overlap."""
    order = np.argsort(places, kind="stable")
    moved = places[order].astype(float)
    gaps = (heights[order][:-1] + heights[order][1:]) / 2
    for _ in range(200):
        short = gaps - np.diff(moved)
        if (short <= 1e-9).all():
            break
        for index in np.flatnonzero(short > 0):
            push = (gaps[index] - (moved[index + 1] - moved[index])) / 2
            if push > 0:
                moved[index] -= push
                moved[index + 1] += push
    result = np.empty_like(moved)
    result[order] = moved
    return result


def _label_ends(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each line's name at its right end, in its color, without overlaps."""
    drawn = ax.transData.transform([(x, y) for x, y, _, _ in ends])
    point = ax.figure.dpi / 72
    heights = np.array([1.25 * SMALL * point * (label.count("\n") + 1) for _, _, label, _ in ends])
    places = _spread(drawn[:, 1], heights)
    for (x, y, label, color), pixel, place in zip(ends, drawn, places, strict=True):
        ax.annotate(
            label,
            (x, y),
            xytext=(7, (place - pixel[1]) / point),
            textcoords="offset points",
            va="center",
            color=color,
            fontsize=SMALL,
            annotation_clip=False,
        )


def _dark(color: str) -> str:
    """Return a color dark enough for text: the palette's pale ones are mixed with black."""
    rgb = np.array(to_rgb(color))
    while luminance(rgb) > 0.17:  # contrast of at least 4.5 with white
        rgb = rgb * 0.93
    return str(to_hex((rgb[0], rgb[1], rgb[2])))


def lines(
    x: Any,
    series: Mapping[str, Any],
    xlabel: str | None = None,
    ylabel: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    log: str = "",
    bands: Mapping[str, tuple[Any, Any]] | None = None,
    markers: bool | None = None,
    direct: bool = True,
    percent: bool = False,
    colors: Mapping[str, str] | None = None,
) -> Axes:
    """Draw lines, each in its own color, line style and marker, with its name at its end.

    Parameters
    ----------
    x : array_like of shape (n,)
        Common to all lines.
    series : mapping from str to array_like of shape (n,) or (seeds, n)
        The lines, by name. Of several seeds the line is the mean, and a shaded band runs from the lowest to
        the highest. Not-a-number leaves a gap.
    xlabel, ylabel, title : str, optional
        Names of the axes and of the chart, with units.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    bands : mapping from str to (low, high), optional
        A shaded band for the line of that name, in place of the one of its seeds.
    markers : bool, optional
        A marker at each point; by default up to 20 points.
    direct : bool
        Write names at the lines' ends; else in a legend above. How many seeds there are stands in a legend.
    percent : bool
        Show fractions on the y axis as percent.
    colors : mapping from str to color, optional
        Colors by name, where the palette's order does not fit.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a line or band and `x` differ in length, `bands` names no line, or `log` is unknown.

    Examples
    --------
    >>> ax = lines([1, 2, 3], {"dense": [1, 4, 9], "shared": [1, 2, 3]}, xlabel="side")
    >>> [text.get_text() for text in ax.texts]
    ['dense', 'shared']
    >>> ax = lines([1, 2], {"CNN": [[0.5, 0.6], [0.6, 0.8], [0.4, 0.7]]})  # three seeds
    >>> ax.lines[0].get_ydata(), ax.get_legend().get_texts()[0].get_text()
    (array([0.5, 0.7]), 'mean and span of 3 seeds')
    """
    _check_log(log)
    check_filled("series", series, "at least one line, as {name: values}")
    across = to_array("x", x).ravel()
    runs = {name: _runs(f"series[{name!r}]", rows, across) for name, rows in series.items()}
    edges = {name: (y.min(axis=0), y.max(axis=0)) for name, y in runs.items() if len(y) > 1}
    for name, pair in (bands or {}).items():
        check_choice("bands", name, runs)
        low, high = (_runs(f"bands[{name!r}]", edge, across)[0] for edge in pair)
        edges[name] = (low, high)
    if markers is None:
        markers = across.size <= 20
    with style():
        ax = new_or(ax, height=3.4)
        drawn = []
        for index, (name, y) in enumerate(runs.items()):
            color = (colors or {}).get(name, PALETTE[index % len(PALETTE)])
            dashes, mark = LINE_STYLES[index % len(LINE_STYLES)], MARKERS[index % len(MARKERS)]
            look: Any = {"color": color, "linestyle": dashes, "marker": mark if markers else None}
            drawn += ax.plot(across, y.mean(axis=0), label=name, **look)
            if name in edges:
                ax.fill_between(across, *edges[name], color=color, alpha=0.18, linewidth=0)
        finish(ax, xlabel, ylabel, title, log)
        grid(ax)
        if percent:
            ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
        if across.dtype.kind in "iu" and "x" not in log:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        _name_lines(
            ax, drawn, direct, {len(y) for name, y in runs.items() if name not in (bands or {})} - {1}
        )
    return ax


def _runs(argument: str, values: Any, across: np.ndarray) -> np.ndarray:
    """Return values as (seeds, n), one row if they are those of one line."""
    array = to_array(argument, values).astype(float)
    rows = array if array.ndim == 2 and array.shape[1] == across.size else array.ravel()[None]
    if rows.shape[1] != across.size:
        form = f" of shape {array.shape} (several seeds are rows)" if array.ndim > 1 else ""
        raise ValueError(f"{argument} has {array.size} values{form}, but x has {across.size}")
    return rows


def _name_lines(ax: Axes, drawn: Sequence[Line2D], direct: bool, seeds: set[int]) -> None:
    """Write the lines' names at their ends or in a legend, and how many seeds a band is made of."""
    ends = []
    for line in drawn:
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        shown = np.flatnonzero(np.isfinite(y))
        if shown.size:
            x_end, y_end = float(x[shown[-1]]), float(y[shown[-1]])
            ends.append((x_end, y_end, str(line.get_label()), _dark(str(line.get_color()))))
    handles: list[Any] = [] if direct else ax.get_legend_handles_labels()[0]
    if seeds:
        count = " to ".join(str(number) for number in sorted({min(seeds), max(seeds)}))
        handles.append(Patch(color=MUTED, alpha=0.3, linewidth=0, label=f"mean and span of {count} seeds"))
    if ends and handles:
        legend_above(ax, handles)
    if ends and direct:
        _label_ends(ax, ends)


def scatter(
    points: Mapping[str, tuple[Any, Any]],
    xlabel: str | None = None,
    ylabel: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    log: str = "",
    diagonal: bool = False,
) -> Axes:
    """Draw clouds of points, or single points with their names beside them.

    Parameters
    ----------
    points : mapping from str to (x, y)
        Each cloud's coordinates, numbers or arrays (n,). Single points are named directly, clouds
        in a legend above, each with a marker of its own.
    xlabel, ylabel, title : str, optional
        Names of the axes and of the chart.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    diagonal : bool
        Draw the line x = y.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If x and y of a cloud differ in length.

    Examples
    --------
    >>> ax = scatter({"MLP": (400_000, 0.45), "CNN": (20_000, 0.83)}, log="x")
    >>> [text.get_text() for text in ax.texts]
    ['MLP', 'CNN']
    """
    _check_log(log)
    check_filled("points", points, "at least one cloud, as {name: (x, y)}")
    clouds = {}
    for name, (x, y) in points.items():
        clouds[name] = (to_array(f"points[{name!r}]", x).ravel(), to_array(f"points[{name!r}]", y).ravel())
        if clouds[name][0].shape != clouds[name][1].shape:
            sizes = clouds[name][0].size, clouds[name][1].size
            raise ValueError(f"points[{name!r}] has {sizes[0]} x values but {sizes[1]} y values")
    single = all(x.size == 1 for x, _ in clouds.values())
    with style():
        ax = new_or(ax, height=3.6)
        for index, (name, (x, y)) in enumerate(clouds.items()):
            color, mark = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
            size = 55 if single else max(4.0, min(28.0, 9000 / x.size))
            ax.scatter(
                x, y, s=size, color=color, marker=mark, label=name, linewidths=0, alpha=1 if single else 0.75
            )
            if single:
                ax.annotate(
                    name,
                    (x[0], y[0]),
                    xytext=(7, 4),
                    textcoords="offset points",
                    color=_dark(color),
                    fontsize=SMALL,
                )
        finish(ax, xlabel, ylabel, title, log)
        grid(ax, "both")
        if diagonal:
            ax.axline((0.5, 0.5), slope=1, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        if single:
            ax.margins(x=0.18, y=0.15)
        elif len(clouds) > 1:
            legend_above(ax)
    return ax


def curves(
    histories: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    metric: str | Sequence[str] = "validation_accuracy",
    ax: Axes | None = None,
    title: str | None = None,
    log: str = "",
    x: str = "epoch",
) -> Axes:
    """Draw how trainings went: one line for each history and metric.

    Parameters
    ----------
    histories : mapping from str to history, or one history
        A history is a list of dicts, one an epoch, such as `training.fit` returns, or a run record
        that has one.
    metric : str or sequence of str
        Keys of those dicts. Names that end in "accuracy" are shown as percent.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Name of the chart.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    x : str
        The key of the horizontal axis.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a metric is in none of the histories.

    Examples
    --------
    >>> history = [{"epoch": 1, "train_loss": 2.3}, {"epoch": 2, "train_loss": 1.9}]
    >>> curves({"CNN": history}, metric="train_loss").get_ylabel()
    'train loss'
    """
    runs = histories if isinstance(histories, Mapping) and "history" not in histories else {"": histories}
    metrics = [metric] if isinstance(metric, str) else list(metric)
    # Of two metrics, only what tells them apart is named: "train" and "validation" of an accuracy.
    shared = metrics[0].rpartition("_")[2] if len({key.rpartition("_")[2] for key in metrics}) == 1 else ""
    short = {key: key.removesuffix(f"_{shared}").replace("_", " ") for key in metrics}
    series: dict[str, dict[float, float]] = {}
    for name, run in runs.items():
        history = run["history"] if isinstance(run, Mapping) else getattr(run, "history", run)
        for key in metrics:
            found = {row[x]: row[key] for row in history if row.get(key) is not None}
            label = ", ".join(part for part in (name, short[key] if len(metrics) > 1 else "") if part)
            if found:
                series[label or key.replace("_", " ")] = found
    if not series:
        known = sorted({key for run in runs.values() for row in getattr(run, "history", run) for key in row})
        raise ValueError(
            f"metric {metric!r} is in none of the histories; they have {', '.join(map(str, known))}"
        )
    places = sorted({place for found in series.values() for place in found})
    shown = {name: [found.get(place, np.nan) for place in places] for name, found in series.items()}
    accuracy = all(key.endswith("accuracy") for key in metrics)
    ylabel = metrics[0].replace("_", " ") if len(metrics) == 1 else shared
    single = len(shown) == 1
    return lines(
        np.array(places), shown, x.replace("_", " "), ylabel, ax=ax, title=title, log=log, percent=accuracy,
        direct=not single, markers=len(places) <= 20,
    )  # fmt: skip
