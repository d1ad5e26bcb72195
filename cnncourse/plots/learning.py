"""What the chapter on learning draws: answers, a graph with its numbers, the way back, a valley."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_plane
from cnncourse.plots._charts import _dark, percent_text
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    AMOUNT,
    INK,
    INPUT,
    KERNEL,
    LEAST,
    MARKERS,
    MUTED,
    OUTPUT,
    PALETTE,
    SMALL,
    TEXT,
    bare,
    figure,
    style,
    tidy,
)

__all__ = [
    "answer_tables",
    "backward_pass",
    "computational_graph",
    "valley_paths",
]

Node = tuple[str, tuple[float, float], Sequence[str]]  # what is written in it, column and row, sources


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
        fig, _ = figure(height=0.42 * count + 1.05)
        fig.clear()
        shares = [2.4, *[float(width)] * len(tables)]
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


def computational_graph(
    nodes: Mapping[str, Node],
    values: Mapping[str, float],
    gradients: Mapping[str, float] | None = None,
    learned: Sequence[str] = (),
) -> Axes:
    """Draw a computation as circles and arrows: above each circle its value, below it its gradient.

    Circles without a source are blue, or orange if they are learned; the last is green. An arrow along a row
    that passes over other circles is bent around them.

    Parameters
    ----------
    nodes : mapping from str to (text, (column, row), sources)
        What is written in each circle, where it is (rows count downward), and the names of the circles from
        which arrows lead to it; sources come first.
    values : mapping from str to float
        What each circle computes.
    gradients : mapping from str to float, optional
        How fast the last value grows with each.
    learned : sequence of str
        The circles that training changes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no circle, a source does not come before its arrow, or a circle has no value.

    Examples
    --------
    >>> nodes = {"w": ("w", (0, 1), ()), "x": ("x", (0, 0), ()), "y": ("×", (1, 0), ("w", "x"))}
    >>> ax = computational_graph(nodes, {"w": 3, "x": 2, "y": 6}, {"w": 2, "x": 3, "y": 1}, ["w"])
    >>> [text.get_text() for text in ax.texts if text.get_text()][-3:]
    ['×', '6', '1']
    """
    check_filled("nodes", nodes, "at least one, as {name: (text, (column, row), sources)}")
    names = list(nodes)
    for index, (name, (_, _, sources)) in enumerate(nodes.items()):
        if missing := set(sources) - set(names[:index]):
            raise ValueError(f"nodes[{name!r}] has a source that does not come before it: {sorted(missing)}")
        if name not in values or (gradients is not None and name not in gradients):
            raise ValueError(f"nodes[{name!r}] needs a value, and a gradient if others have one")
    places = np.array([place for _, place, _ in nodes.values()], dtype=float)  # (nodes, 2)
    low, high = places.min(axis=0), places.max(axis=0)
    inch = 5.3 / max(high[0] - low[0], 1)  # between two columns, and two rows
    radius = min(0.3, 0.21 / inch)
    ax: Axes
    with style():
        ax = figure(height=(high[1] - low[1] + 1.25) * inch)[1]
        bare(ax)
        ax.set(xlim=(low[0] - 0.45, high[0] + 0.45), ylim=(high[1] + 0.6, low[1] - 0.65), aspect="equal")
        for name, (text, (column, row), sources) in nodes.items():
            face, edge = ("#cdebe0", OUTPUT) if name == names[-1] else ("#f2f2f2", MUTED)
            if not sources:
                face, edge = ("#fdeccb", KERNEL) if name in learned else ("#cfe3f1", INPUT)
            for source in sources:
                _draw_arrow(ax, nodes[source][1], (column, row), radius)
            ax.add_patch(Circle((column, row), radius, facecolor=face, edgecolor=edge, linewidth=1.4))
            size = LEAST if len(text) > 2 else 1.2 * TEXT
            ax.text(column, row, text, ha="center", va="center", fontsize=size)
            ax.text(
                column, row - 1.2 * radius, _number(values[name]), ha="center", va="bottom",
                color=_dark(INPUT), fontsize=TEXT,
            )  # fmt: skip
            if gradients is not None:
                ax.text(
                    column, row + 1.25 * radius, _number(gradients[name]), ha="center", va="top",
                    color=_dark(KERNEL), fontsize=TEXT, weight="bold",
                )  # fmt: skip
    return ax


def _draw_arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], radius: float) -> None:
    """Draw an arrow from circle to circle, straight or bent over those between them in a row."""
    over = start[1] == end[1] and end[0] - start[0] > 1
    away = np.array([0.62, -0.78]) if over else np.subtract(end, start)
    away = radius * away / np.hypot(*away)
    back = away * (-1, 1) if over else -away
    look = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    look["connectionstyle"] = "arc3,rad=-0.5" if over else "arc3"
    head, tail = (end[0] + back[0], end[1] + back[1]), (start[0] + away[0], start[1] + away[1])
    ax.annotate("", head, tail, arrowprops=look)


def _number(value: float) -> str:
    """Write a number with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


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
