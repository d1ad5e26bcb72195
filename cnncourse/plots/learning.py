"""What the chapter on learning draws: answers beside their pictures, the way back, a valley, seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    AMOUNT,
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
    TEXT,
    bare,
    figure,
    grid,
    new_or,
    style,
    tidy,
)

__all__ = ["answer_tables", "backward_pass", "channel_boxes", "curve_panels", "seed_dots", "valley_paths"]


def answer_tables(images: Any, tables: Mapping[str, Any], classes: Sequence[str]) -> np.ndarray:
    """Draw pictures in a column, and beside them what a network says: one row a picture, one column a class.

    Parameters
    ----------
    images : array_like of shape (N, C, H, W)
        The pictures.
    tables : mapping from str to array_like of shape (N, classes)
        Probabilities, by title, at most 3; white is 0 and dark is 1.
    classes : sequence of str
        Short names, one a column.

    Returns
    -------
    ndarray of Axes
        First that of the pictures.

    Raises
    ------
    ValueError
        If there is no table or more than 3, or one has another shape.

    Examples
    --------
    >>> axes = answer_tables(np.zeros((2, 1, 8, 8)), {"before": np.full((2, 2), 0.5)}, ["0", "1"])
    >>> axes[1].get_title()
    'before'
    """
    if not 1 <= len(tables) <= 3:
        raise ValueError(f"tables must be 1 to 3, got {len(tables)}")
    check_filled("images", images, "at least one picture")
    check_filled("classes", classes, "the name of each column")
    pictures = [as_picture("images", image) for image in images]
    count, width = len(pictures), len(classes)
    planes = {title: to_plane(f"tables[{title!r}]", table) for title, table in tables.items()}
    for title, values in planes.items():
        if values.shape != (count, width):
            raise ValueError(f"tables[{title!r}] must have shape {(count, width)}, got {values.shape}")
    with style():
        fig, _ = figure(height=0.3 * count + 1.05)
        fig.clear()
        shares = [1.8, *[float(width)] * len(tables)]
        panels: np.ndarray = fig.subplots(1, len(tables) + 1, gridspec_kw={"width_ratios": shares})
        gap = [(0, 1), (0, 0), (0, 0)][: pictures[0].ndim]  # a white row below each
        rows = [np.pad(picture, gap, constant_values=1) for picture in pictures]
        panels[0].imshow(np.concatenate(rows), cmap="gray", vmin=0, vmax=1, aspect="auto")
        bare(panels[0])
        for ax, (title, values) in zip(panels[1:], planes.items(), strict=True):
            drawn = tidy(ax).imshow(values, cmap=AMOUNT, vmin=0, vmax=1, aspect="auto")
            ax.set_xticks(range(width), list(classes), fontsize=LEAST)
            ax.set_yticks([])
            ax.tick_params(length=0)
            ax.set_title(title)
        bar = fig.colorbar(
            drawn, ax=list(panels), orientation="horizontal", fraction=0.05, pad=0.04, aspect=40
        )
        bar.ax.xaxis.set_major_formatter(FuncFormatter(percent_text))
        bar.ax.tick_params(labelsize=SMALL)
        bar.outline.set_visible(False)
    return panels


def backward_pass(
    steps: Sequence[tuple[str, str, str]], title: tuple[str, str] = ("forward", "backward")
) -> Axes:
    """Draw the layers of a network as a ladder: values go down on the left, gradients up on the right.

    Parameters
    ----------
    steps : sequence of (layer, output, gradients)
        What each layer is, what it gives (a shape), and which parameters get their gradient there (or "").
    title : (str, str)
        Names of the two ways.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no step.

    Examples
    --------
    >>> ax = backward_pass([("conv1", "(50, 8, 8, 8)", "conv1.weight"), ("ReLU", "(50, 8, 8, 8)", "")])
    >>> [text.get_text() for text in ax.texts if "conv1" in text.get_text()]
    ['conv1', 'conv1.weight']
    """
    check_filled("steps", steps, "at least one, as (layer, output, gradients)")
    ax: Axes
    with style():
        ax = figure(height=0.52 * len(steps) + 0.6)[1]
        bare(ax)
        ax.set(xlim=(0, 10), ylim=(len(steps) + 0.15, -0.75))
        for place, name in ((2.1, title[0]), (7.9, title[1])):
            ax.text(place, -0.45, name, ha="center", va="center", color=INK, fontsize=TEXT, weight="bold")
        for row, (layer, output, gradients) in enumerate(steps):
            box = {"boxstyle": "round,pad=0.3", "facecolor": "#f2f2f2", "edgecolor": MUTED, "linewidth": 0.8}
            ax.text(5, row + 0.3, layer, ha="center", va="center", fontsize=SMALL, bbox=box)
            ax.text(2.0, row + 0.3, output, ha="right", va="center", fontsize=SMALL)
            ax.text(8.0, row + 0.3, gradients, ha="left", va="center", fontsize=SMALL)
            for x, start, end, color in ((2.35, -0.1, 0.75, INPUT), (7.65, 0.75, -0.1, KERNEL)):
                look = {"arrowstyle": "-|>", "color": color, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
                ax.annotate("", (x, row + end), (x, row + start), arrowprops=look)
    return ax


def valley_paths(curvatures: tuple[float, float], paths: Mapping[str, Any]) -> np.ndarray:
    """Draw walks in the valley ``(a w0^2 + b w1^2) / 2``, a panel for each, over its lines of equal height.

    Parameters
    ----------
    curvatures : (float, float)
        a and b.
    paths : mapping from str to array_like of shape (steps, 2)
        The places (w0, w1), by title.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there is no path, or a path does not have two columns.

    Examples
    --------
    >>> axes = valley_paths((1, 20), {"still": [[2, 1], [2, 1]]})
    >>> axes[0].get_title(loc="left")
    'still'
    """
    check_filled("paths", paths, "at least one, as {title: places}")
    walks = {name: to_plane(f"paths[{name!r}]", path).astype(float) for name, path in paths.items()}
    for name, walk in walks.items():
        if walk.shape[1] != 2:
            raise ValueError(f"paths[{name!r}] must have shape (steps, 2), got {walk.shape}")
    reach = np.abs(np.concatenate(list(walks.values()))).max(axis=0).clip(1e-9) * 1.15
    across, along = (np.linspace(-r, r, 101) for r in reach)
    heights = (curvatures[0] * across[None] ** 2 + curvatures[1] * along[:, None] ** 2) / 2
    with style():
        _, panels = figure(len(walks), 1, height=1.25 * len(walks) + 0.4)
        panels = np.atleast_1d(panels)
        levels = heights.max() * np.array([0.004, 0.02, 0.06, 0.15, 0.3, 0.5, 0.75, 1])
        for index, (ax, (name, walk)) in enumerate(zip(panels, walks.items(), strict=True)):
            ax.contourf(across, along, heights, levels=[0, *levels], cmap=AMOUNT, alpha=0.35)
            color = (PALETTE[1], INK, OUTPUT)[index % 3]
            ax.plot(*walk.T, color=color, linewidth=1.2, marker=MARKERS[index], markersize=3.2)
            ax.plot(0, 0, marker="+", color=INK, markersize=11, linestyle="")
            ax.set_title(f"{name}", loc="left", fontsize=SMALL)
            ax.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]))
            ax.set_ylabel("$w_1$")
            if index < len(walks) - 1:
                ax.set_xticklabels([])
        panels[-1].set_xlabel("$w_0$")
    return panels


def channel_boxes(groups: Mapping[str, Any], xlabel: str = "value", most: int = 8) -> np.ndarray:
    """Draw how the values of each channel lie: a bar from the 5th to the 95th percentile, a tick at the mean.

    Parameters
    ----------
    groups : mapping from str to array_like of shape (N, C, H, W)
        Feature maps, by title; one panel each, on one scale.
    xlabel : str
        What the values are.
    most : int
        Channels to draw.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If something has not four axes.

    Examples
    --------
    >>> axes = channel_boxes({"before": np.zeros((2, 3, 4, 4)), "after": np.ones((2, 3, 4, 4))})
    >>> len(axes[0].collections)
    3
    """
    check_filled("groups", groups, "at least one, as {title: feature maps}")
    arrays = {name: to_array(f"groups[{name!r}]", values) for name, values in groups.items()}
    for name, values in arrays.items():
        if values.ndim != 4:
            raise ValueError(f"groups[{name!r}] must be (N, C, H, W), got shape {values.shape}")
    count = min(most, max(values.shape[1] for values in arrays.values()))
    with style():
        _, panels = figure(1, len(arrays), height=0.27 * count + 1.0)
        panels = np.atleast_1d(panels)
        for index, (ax, (name, values)) in enumerate(zip(panels, arrays.items(), strict=True)):
            color = (INPUT, OUTPUT)[index % 2]
            for channel, maps in enumerate(values.swapaxes(0, 1)[:count]):
                low, high = np.percentile(maps, [5, 95])
                ax.hlines(channel, low, high, color=color, linewidth=7, alpha=0.55)
                ax.plot(maps.mean(), channel, marker="|", color=INK, markersize=10, markeredgewidth=2)
            ax.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
            ax.set_title(name, loc="left")
            ax.set(xlabel=xlabel, ylim=(count - 0.5, -0.5))
            ax.set_yticks(range(count), range(count) if index == 0 else [""] * count)
            ax.sharex(panels[0])
        panels[0].set_ylabel("channel")
    return panels


def seed_dots(
    groups: Mapping[str, Any], xlabel: str | None = None, percent: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw one dot for each run, a row for each group, and an upright line at each group's mean.

    Parameters
    ----------
    groups : mapping from str to array_like of shape (runs,)
        Results by name.
    xlabel : str, optional
        What the results are.
    percent : bool
        Show fractions as percent.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no group.

    Examples
    --------
    >>> ax = seed_dots({"constant": [0.95, 0.96, 0.94]}, percent=True)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['constant']
    """
    check_filled("groups", groups, "at least one, as {name: results}")
    values = {
        name: to_array(f"groups[{name!r}]", runs).ravel().astype(float) for name, runs in groups.items()
    }
    with style():
        ax = new_or(ax, height=0.5 * len(values) + 0.9)
        for row, runs in enumerate(values.values()):
            color = PALETTE[row % len(PALETTE)]
            # equal results lie beside each other, not on top
            lift = np.zeros(runs.size)
            for index in range(runs.size):
                lift[index] = (np.abs(runs[:index] - runs[index]) < 0.008 * np.ptp(runs) + 1e-12).sum()
            ax.scatter(
                runs, row - 0.13 * lift, s=34, color=color, marker=MARKERS[row % len(MARKERS)],
                edgecolors="white", linewidths=0.6, zorder=3,
            )  # fmt: skip
            ax.vlines(runs.mean(), row - 0.35, row + 0.35, color=INK, linewidth=1.6, linestyle=LINE_STYLES[0])
        ax.set_yticks(range(len(values)), list(values), fontsize=TEXT)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(values) - 0.4, -0.6)
        finish(ax, xlabel, None, None, "")
        if percent:
            ax.xaxis.set_major_formatter(FuncFormatter(percent_text))
        grid(ax, "x")
    return ax


def curve_panels(
    curves: Mapping[str, Any],
    reference: Any,
    xlabel: str | None = None,
    ylabel: str | None = None,
    limits: tuple[float, float] | None = None,
    columns: int = 3,
) -> np.ndarray:
    """Draw each curve in a small panel of its own, over the same pale curve for comparison.

    Parameters
    ----------
    curves : mapping from str to array_like of shape (n,)
        Curves by title.
    reference : array_like of shape (n,)
        The curve that all panels show too, dashed.
    xlabel, ylabel : str, optional
        Names of the axes.
    limits : (float, float), optional
        Lowest and highest value shown.
    columns : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there is no curve.

    Examples
    --------
    >>> axes = curve_panels({"stuck": [2, 2, 2]}, [2, 1, 0.5])
    >>> axes[0].get_title(loc="left")
    'stuck'
    """
    check_filled("curves", curves, "at least one, as {title: values}")
    usual = to_array("reference", reference).ravel()
    rows = -(-len(curves) // columns)
    with style():
        fig, panels = figure(rows, columns, height=1.62 * rows + 0.35)
        panels = np.atleast_1d(panels).ravel()
        for ax, (name, values) in zip(panels, curves.items(), strict=False):
            ax.plot(usual, color=MUTED, linewidth=1.2, linestyle=LINE_STYLES[1])
            ax.plot(to_array(f"curves[{name!r}]", values).ravel(), color=PALETTE[1], linewidth=1.6)
            ax.set_title(name, loc="left", fontsize=SMALL)
            ax.set_ylim(limits)
            ax.sharex(panels[0])
            ax.tick_params(labelsize=LEAST)
            grid(ax)
        for ax in panels[len(curves) :]:
            ax.set_visible(False)
        fig.supxlabel(xlabel or "", fontsize=SMALL)
        fig.supylabel(ylabel or "", fontsize=SMALL)
    shown: np.ndarray = panels[: len(curves)]
    return shown
