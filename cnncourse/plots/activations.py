"""Figures of the chapter on activations: functions with slopes, values layer by layer, errors to a goal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._style import (
    INPUT,
    KERNEL,
    MUTED,
    OUTPUT,
    SMALL,
    figure,
    style,
)

__all__ = ["activation_curves", "layer_histograms"]


def activation_curves(x: Any, curves: Mapping[str, tuple[Any, Any]], columns: int = 2) -> np.ndarray:
    """Draw functions, each in a panel of its own with its derivative.

    Parameters
    ----------
    x : array_like of shape (n,)
        Where the functions were computed.
    curves : mapping from str to (y, slope)
        Values and derivatives, each of shape (n,), by title.
    columns : int
        Panels side by side.

    Returns
    -------
    ndarray of Axes
        One for each function.

    Raises
    ------
    ValueError
        If there is no function, or one differs in length from `x`.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 5)
    >>> axes = activation_curves(x, {"ReLU": (np.maximum(x, 0), x > 0)})
    >>> [ax.get_title(loc="left") for ax in axes]
    ['ReLU']
    """
    check_filled("curves", curves, "at least one, as {title: (y, slope)}")
    across = to_array("x", x).ravel()
    rows = -(-len(curves) // columns)
    fig, grid_of_axes = figure(rows, columns, height=1.75 * rows + 0.4)
    panels = np.atleast_1d(grid_of_axes).ravel()
    pairs = {title: _pair(title, pair, across) for title, pair in curves.items()}
    low = min(float(values.min()) for pair in pairs.values() for values in pair)
    high = max(float(values.max()) for pair in pairs.values() for values in pair)
    pad = 0.06 * (high - low)
    with style():
        for ax, (title, (y, slope)) in zip(panels, pairs.items(), strict=False):
            ax.axhline(0, color=MUTED, linewidth=0.7)
            ax.axvline(0, color=MUTED, linewidth=0.7)
            ax.plot(across, y, color=INPUT, linewidth=2.2, label="function")
            ax.plot(across, slope, color="#D55E00", linewidth=1.8, linestyle="--", label="derivative")
            ax.set_ylim(low - pad, high + pad)
            ax.set_title(title, loc="left")
            ax.label_outer()
        for ax in panels[len(curves) :]:
            ax.set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower right", ncols=2)
    return panels[: len(curves)]


def layer_histograms(
    values: Mapping[str, Mapping[str, Any]], limits: tuple[float, float] = (-1.0, 1.0), bins: int = 40
) -> np.ndarray:
    """Draw how values are spread in some layers: a column for each network, a row for each layer.

    Each histogram is as high as its panel; values beyond `limits` are counted in the last bins.

    Parameters
    ----------
    values : mapping from str to mapping from str to array_like
        For each network, by title, the values of each layer, by name. All have the same layers.
    limits : (float, float)
        The ends of the axis.
    bins : int
        Intervals between them.

    Returns
    -------
    ndarray of Axes of shape (layers, networks)

    Raises
    ------
    ValueError
        If there is no network, or they have different layers.

    Examples
    --------
    >>> spread = {"layer 1": [0.1, -0.2], "layer 2": [0.0, 0.0]}
    >>> layer_histograms({"small": spread, "large": spread}).shape
    (2, 2)
    """
    check_filled("values", values, "at least one network, as {title: {layer: values}}")
    titles = list(values)
    layers = list(values[titles[0]])
    check_filled(f"values[{titles[0]!r}]", layers, "at least one layer, as {layer: values}")
    for title in titles:
        if list(values[title]) != layers:
            raise ValueError(f"values[{title!r}] has layers {list(values[title])}, the first has {layers}")
    _, made = figure(len(layers), len(titles), height=0.8 * len(layers) + 0.7)
    axes = np.asarray(made).reshape(len(layers), len(titles))
    edges = np.linspace(*limits, bins + 1)
    colors = (INPUT, OUTPUT, KERNEL)
    with style():
        for row, layer in enumerate(layers):
            for column, title in enumerate(titles):
                ax = axes[row, column]
                numbers = to_array(f"values[{title!r}][{layer!r}]", values[title][layer]).ravel()
                heights = np.histogram(numbers.clip(*limits), edges)[0]
                ax.stairs(heights, edges, fill=True, color=colors[column % len(colors)])
                ax.set_xlim(*limits)
                ax.set_ylim(0, 1.08 * max(heights.max(), 1))
                ax.set_yticks([])
                ax.spines["left"].set_visible(False)
                ax.xaxis.set_major_locator(MaxNLocator(nbins=3))
                if row < len(layers) - 1:
                    ax.tick_params(axis="x", labelbottom=False)
                if row == 0:
                    ax.set_title(title, fontsize=SMALL)
                if column == 0:
                    ax.set_ylabel(layer, rotation=0, ha="right", va="center", fontsize=SMALL)
    return axes


def _pair(title: str, pair: tuple[Any, Any], across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, slope = (to_array(f"curves[{title!r}]", values).ravel().astype(float) for values in pair)
    if y.shape != across.shape or slope.shape != across.shape:
        raise ValueError(
            f"curves[{title!r}] has {y.size} values and {slope.size} slopes, but x has {across.size}"
        )
    return y, slope
