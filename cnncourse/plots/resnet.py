"""What the chapter on residual networks draws: blocks side by side, norms by layer, slices of the loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator
from torch import nn

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._diagrams import block_diagram
from cnncourse.plots._style import (
    AMOUNT,
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

__all__ = ["block_diagrams", "layer_norms", "loss_slices"]

LEVELS = 14


def block_diagrams(blocks: Mapping[str, nn.Module], image_shape: Sequence[int]) -> np.ndarray:
    """Draw several blocks side by side as `block_diagram` does, all on one scale.

    Parameters
    ----------
    blocks : mapping from str to nn.Module
        The blocks, by title.
    image_shape : sequence of int
        Shape (C, H, W) of one input, the same for all.

    Returns
    -------
    ndarray of Axes
        One for each block.

    Raises
    ------
    ValueError
        If there is no block, or they need more room than a page has.

    Examples
    --------
    >>> axes = block_diagrams({"one": nn.Conv2d(3, 8, 1), "two": nn.Conv2d(3, 16, 1)}, (3, 8, 8))
    >>> [text.get_text() for text in axes[1].texts][:5]
    ['two', 'input', '3 × 8 × 8', 'conv 1×1', '16 channels']
    """
    check_filled("blocks", blocks, "at least one, as {title: block}")
    fig, axes = figure(1, len(blocks))
    panels = np.atleast_1d(axes)
    fig.set_layout_engine("none")
    for ax, (title, block) in zip(panels, blocks.items(), strict=True):
        block_diagram(block, image_shape, ax=ax, title=title)
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
    surfaces: Mapping[str, Any], steps: Any, xlabel: str = "first direction", ylabel: str = "second direction"
) -> np.ndarray:
    """Draw slices of the loss side by side as contour lines; dark is low, a cross marks the middle.

    Each slice has a scale of its own below it: what is compared is their form.

    Parameters
    ----------
    surfaces : mapping from str to array_like of shape (n, n)
        The loss on a grid, by title, as from `cnncourse.training.measures.loss_surface`.
    steps : array_like of shape (n,)
        Where the points of the grid lie, the same in both directions.
    xlabel, ylabel : str
        Names of the directions.

    Returns
    -------
    ndarray of Axes
        One for each slice.

    Raises
    ------
    ValueError
        If there is no slice, or one does not fit to `steps`.

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
    fig, axes = figure(1, len(planes), height=3.9)
    panels = np.atleast_1d(axes)
    with style():
        for ax, (title, plane) in zip(panels, planes.items(), strict=True):
            _draw_slice(fig, ax, places, plane)
            ax.set_title(title)
            ax.set_xlabel(xlabel)
        panels[0].set_ylabel(ylabel)
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
    return panels


def _draw_slice(fig: Any, ax: Any, places: np.ndarray, plane: np.ndarray) -> None:
    levels = MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(float(plane.min()), float(plane.max()))
    filled = ax.contourf(places, places, plane, levels, cmap=AMOUNT.reversed())
    ax.contour(places, places, plane, levels, colors=INK, linewidths=0.4, alpha=0.6)
    ax.plot(0, 0, marker="P", markersize=11, color=KERNEL, markeredgecolor=INK, linestyle="none")
    ax.set_aspect("equal")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=2, steps=[1, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=2, steps=[1, 5, 10]))
    bar = fig.colorbar(filled, ax=ax, location="bottom", aspect=18, pad=0.03, label="loss")
    bar.locator = MaxNLocator(nbins=3)
    bar.formatter = FormatStrFormatter("%.3g")
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    tidy(bar.ax)
