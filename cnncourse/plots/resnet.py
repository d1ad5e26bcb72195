"""What the chapter on residual networks draws: errors, blocks, norms by layer, slices of the loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from torch import nn

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._charts import percent_text
from cnncourse.plots._diagrams import block_diagram
from cnncourse.plots._style import (
    AMOUNT,
    AS_DRAWN,
    INK,
    KERNEL,
    LINE_STYLES,
    MAX_WIDTH,
    PALETTE,
    WIDTH,
    figure,
    grid,
    style,
    tidy,
)

__all__ = ["block_diagrams", "error_panels", "layer_norms", "loss_slices"]

LEVELS = 14


def block_diagrams(
    blocks: Mapping[str, nn.Module], image_shape: Sequence[int] | Mapping[str, Sequence[int]]
) -> np.ndarray:
    """Draw several blocks side by side as `block_diagram` does, all on one scale.

    Parameters
    ----------
    blocks : mapping from str to nn.Module
        The blocks, by title.
    image_shape : sequence of int, or mapping from str to sequence of int
        Shape (C, H, W) of one input: the same for all, or by title.

    Returns
    -------
    ndarray of Axes
        One for each block.

    Raises
    ------
    ValueError
        If there is no block, one has no shape, or they need more room than a page has.

    Examples
    --------
    >>> axes = block_diagrams({"one": nn.Conv2d(3, 8, 1), "two": nn.Conv2d(3, 16, 1)}, (3, 8, 8))
    >>> [text.get_text() for text in axes[1].texts][:5]
    ['two', 'input', '3 × 8 × 8', 'conv 1×1', '16 channels']
    """
    check_filled("blocks", blocks, "at least one, as {title: block}")
    shapes = image_shape if isinstance(image_shape, Mapping) else dict.fromkeys(blocks, image_shape)
    if shapes.keys() != blocks.keys():
        raise ValueError(
            f"image_shape must have one shape for each block, {list(blocks)}, got shapes for {list(shapes)}"
        )
    fig, axes = figure(1, len(blocks))
    panels = np.atleast_1d(axes)
    fig.set_layout_engine("none")
    for ax, (title, block) in zip(panels, blocks.items(), strict=True):
        block_diagram(block, shapes[title], ax=ax, title=title)
    sides = [_sides(ax) for ax in panels]
    drawn = sum(right - left for left, right in sides)
    width = min(MAX_WIDTH, max(WIDTH, drawn + 0.2 * len(panels)))
    spare = (width - drawn) / len(panels)
    if spare < 0.05:
        raise ValueError(f"the {len(panels)} diagrams do not fit side by side on a page; draw fewer at once")
    height = max(abs(np.diff(ax.get_ylim())[0]) for ax in panels)
    fig.set_size_inches(width, height)  # data are inches: every panel gets as much room as it shows
    start = 0.0
    for ax, (left, right) in zip(panels, sides, strict=True):
        share = right - left + spare
        ax.set_position((start / width, 0, share / width, 1))
        ax.set_xlim(left - spare / 2, right + spare / 2)
        ax.set_ylim(height, 0)
        ax.texts[0].set_x((left + right) / 2)
        start += share
    return panels


def _sides(ax: Axes) -> tuple[float, float]:
    """Return the least and the largest x of what is drawn."""
    outlines = [patch.get_patch_transform().transform_path(patch.get_path()) for patch in ax.patches]
    x = np.concatenate([np.asarray(path.vertices)[:, 0] for path in outlines])
    return float(x.min()), float(x.max())


def error_panels(
    panels: Mapping[str, Mapping[str, tuple[Any, Any]]],
    xlabel: str = "thousand steps",
    ylabel: str = "training error",
) -> np.ndarray:
    """Draw errors against steps in panels side by side, each with scales of its own; names are common to all.

    Parameters
    ----------
    panels : mapping from str to mapping from str to (x, y)
        For each panel's title the lines by name: x of shape (n,), and y, from 0 to 1, of shape (n,) or
        (seeds, n). Of several seeds the line is the mean, and a band runs from the lowest to the highest.
        Not-a-number leaves a gap.
    xlabel, ylabel : str
        Names of the axes.

    Returns
    -------
    ndarray of Axes
        One for each panel.

    Raises
    ------
    ValueError
        If there is no panel, one has no line, or x and y of a line differ in length.

    Examples
    --------
    >>> axes = error_panels({"paper": {"20": ([1, 2], [0.4, 0.2])}, "ours": {"20": ([1, 2], [0.5, 0.3])}})
    >>> [ax.get_title() for ax in axes]
    ['paper', 'ours']
    """
    check_filled("panels", panels, "at least one, as {title: {name: (x, y)}}")
    for title, runs in panels.items():
        check_filled(f"panels[{title!r}]", runs, "at least one line, as {name: (x, y)}")
    curves = {
        title: {name: _steps_and_errors(f"panels[{title!r}][{name!r}]", *xy) for name, xy in runs.items()}
        for title, runs in panels.items()
    }
    names = list(dict.fromkeys(name for runs in panels.values() for name in runs))
    fig, axes = figure(1, len(panels), height=3.3)
    with style():
        handles: dict[str, Any] = {}
        for ax, (title, runs) in zip(np.atleast_1d(axes), curves.items(), strict=True):
            for name, (place, errors) in runs.items():
                index = names.index(name)
                color = PALETTE[index % len(PALETTE)]
                look: Any = {"color": color, "linestyle": LINE_STYLES[index % len(LINE_STYLES)]}
                (handles[name],) = ax.plot(place, errors.mean(axis=0), label=name, **look)
                if len(errors) > 1:
                    span = errors.min(axis=0), errors.max(axis=0)
                    ax.fill_between(place, *span, color=color, alpha=0.18, linewidth=0)
            ax.set_ylim(0, None)
            ax.set_xlim(0, None)
            ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
            ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
            ax.set_title(title)
            ax.set_xlabel(xlabel)
            grid(ax)
        np.atleast_1d(axes)[0].set_ylabel(ylabel)
        named = [handles[name] for name in names]
        fig.legend(handles=named, loc="outside upper left", ncols=4, columnspacing=1.2)
    return np.atleast_1d(axes)


def _steps_and_errors(argument: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return x of shape (n,) and y of shape (seeds, n)."""
    place, errors = to_array(argument, x).ravel(), np.atleast_2d(to_array(argument, y).astype(float))
    if errors.shape[-1] != place.size:
        raise ValueError(f"{argument} has {place.size} steps but errors of shape {errors.shape}")
    return place, errors


def layer_norms(
    panels: Mapping[str, Mapping[str, Any]], ylabel: str = "norm of the gradient", legend: str = "layers"
) -> np.ndarray:
    """Draw a number for each layer, one line a network, in panels that share one logarithmic scale.

    Parameters
    ----------
    panels : mapping from str to mapping from str to array_like of shape (layers,)
        For each panel's title the networks by name; they may differ in depth.
    ylabel : str
        What the number is.
    legend : str
        Above the names in the legend.

    Returns
    -------
    ndarray of Axes
        One for each panel.

    Raises
    ------
    ValueError
        If there is no panel.

    Examples
    --------
    >>> axes = layer_norms({"plain": {"3": [4, 2, 1]}, "residual": {"3": [1, 1, 1]}})
    >>> [ax.get_title() for ax in axes]
    ['plain', 'residual']
    """
    check_filled("panels", panels, "at least one, as {title: {name: values}}")
    for title, networks in panels.items():
        check_filled(f"panels[{title!r}]", networks, "at least one network, as {name: values}")
    values = [to_array("panels", v) for networks in panels.values() for v in networks.values()]
    above = [v[v > 0] for v in values]
    if not all(v.size for v in above):
        raise ValueError("panels holds a network without a value above 0; the scale is logarithmic")
    low, high = min(v.min() for v in above), max(v.max() for v in above)
    axes = np.atleast_1d(figure(1, len(panels), height=3.4)[1])
    with style():
        for ax, (title, networks) in zip(axes, panels.items(), strict=True):
            for index, (name, norms) in enumerate(networks.items()):
                y = to_array(f"panels[{title!r}][{name!r}]", norms).ravel()
                look: Any = {"color": PALETTE[index], "linestyle": LINE_STYLES[index]}
                ax.plot(np.arange(1, y.size + 1), y, label=name, **look)
            ax.set_yscale("log")
            ax.set_ylim(low / 3, high * 3)
            ax.yaxis.set_major_locator(LogLocator(numticks=6))
            ax.minorticks_off()
            ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            ax.set_title(title)
            ax.set_xlabel("layer")
            grid(ax)
        for ax in axes[1:]:
            ax.tick_params(labelleft=False)
        axes[0].set_ylabel(ylabel)
        axes[-1].legend(title=legend, title_fontsize=10.5)
    return axes


def loss_slices(
    surfaces: Mapping[str, Any],
    steps: Any,
    highest: float | None = None,
    xlabel: str = "first direction",
    ylabel: str = "second direction",
) -> np.ndarray:
    """Draw slices of the loss side by side, all on one color scale; dark is low, a cross marks the middle.

    Parameters
    ----------
    surfaces : mapping from str to array_like of shape (n, n)
        The loss on a grid, by title, as from `cnncourse.training.measures.loss_surface`.
    steps : array_like of shape (n,)
        Where the points of the grid lie, the same in both directions.
    highest : float, optional
        Where the scale ends: what is higher has the palest color. By default the highest of all values.
    xlabel, ylabel : str
        Names of the directions.

    Returns
    -------
    ndarray of Axes
        One for each slice.

    Raises
    ------
    ValueError
        If there is no slice, one does not fit to `steps`, or none has a value below `highest`.

    Examples
    --------
    >>> steps = np.linspace(-1, 1, 5)
    >>> axes = loss_slices({"a bowl": steps**2 + steps[:, None] ** 2}, steps)
    >>> axes[0].get_title()
    'a bowl'
    """
    check_filled("surfaces", surfaces, "at least one, as {title: values}")
    places = to_array("steps", steps).ravel()
    planes = {title: to_plane(f"surfaces[{title!r}]", plane) for title, plane in surfaces.items()}
    for title, plane in planes.items():
        if plane.shape != (places.size, places.size):
            raise ValueError(
                f"surfaces[{title!r}] has shape {plane.shape}, but steps has {places.size} values"
            )
    low = min(float(plane.min()) for plane in planes.values())
    most = max(float(plane.max()) for plane in planes.values())
    top = most if highest is None else float(highest)
    if top < low:
        raise ValueError(
            f"highest is {top}, but the lowest value of surfaces is {low:.3g}; give a larger one"
        )
    levels = np.array(MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, top))
    fig, axes = figure(1, len(planes), height=min(4.4, 1.45 + (WIDTH - 0.8) / len(planes)))
    panels = np.atleast_1d(axes)
    with style():
        for ax, (title, plane) in zip(panels, planes.items(), strict=True):
            filled = _draw_slice(ax, places, plane, levels, "max" if most > levels[-1] else "neither")
            ax.set_title(title)
            ax.set_xlabel(xlabel)
        panels[0].set_ylabel(ylabel)
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
        bar = fig.colorbar(filled, ax=list(panels), location="bottom", aspect=36, pad=0.03, label="loss")
        bar.locator = MaxNLocator(nbins=6, steps=[1, 2, 5, 10])
        bar.update_ticks()
        for drawn in (*bar.ax.collections, *bar.ax.patches):
            drawn.set_gid(AS_DRAWN)
        bar.outline.set_linewidth(0.5)
        tidy(bar.ax)
    return panels


def _draw_slice(ax: Any, places: np.ndarray, plane: np.ndarray, levels: np.ndarray, extend: Any) -> Any:
    """Draw one slice and return its filled contours."""
    filled = ax.contourf(places, places, plane, levels, cmap=AMOUNT.reversed(), extend=extend)
    filled.set_gid(AS_DRAWN)
    ax.contour(places, places, plane, levels, colors=INK, linewidths=0.4, alpha=0.6)
    ax.plot(0, 0, marker="P", markersize=11, color=KERNEL, markeredgecolor=INK, linestyle="none")
    ax.set_aspect("equal")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=2, steps=[1, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=2, steps=[1, 5, 10]))
    return filled
