"""What the chapter beyond ResNet draws of networks: families, a picture cut into patches, a U."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_choice, check_count, check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import _dark, finish, percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    LEAST,
    MARKERS,
    MUTED,
    OUTPUT,
    PALETTE,
    SMALL,
    WIDTH,
    bare,
    grid,
    new_or,
    style,
)

__all__ = ["families", "patches", "u_shape"]


def families(
    members: Mapping[str, tuple[Any, Any]],
    xlabel: str | None = None,
    ylabel: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    log: str = "x",
    percent: bool = True,
) -> Axes:
    """Draw families of networks: the members of each joined in the order given.

    Parameters
    ----------
    members : mapping from str to (x, y)
        Numbers or arrays (n,) of each family, at most 7 families.
    xlabel, ylabel, title : str, optional
        Names of the axes and of the chart.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    percent : bool
        Show fractions on the y axis as percent.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no family, more than 7, or x and y of one differ in length.

    Examples
    --------
    >>> ax = families({"ResNet": ([1.8, 3.7], [0.70, 0.73]), "ViT": (4.4, 0.76)})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['ResNet', 'ViT']
    """
    if not 0 < len(members) <= len(PALETTE):
        raise ValueError(f"members must hold 1 to {len(PALETTE)} families, got {len(members)}")
    with style():
        ax = new_or(ax, height=4.0)
        for index, (name, (x, y)) in enumerate(members.items()):
            across, up = to_array(f"members[{name!r}]", x).ravel(), to_array(f"members[{name!r}]", y).ravel()
            if across.shape != up.shape:
                raise ValueError(f"members[{name!r}] has {across.size} x values but {up.size} y values")
            ax.plot(across, up, color=PALETTE[index], marker=MARKERS[index], linewidth=1.2, label=name)
        finish(ax, xlabel, ylabel, title, log)
        grid(ax, "both")
        if percent:
            ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
        if "x" in log:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
        legend_above(ax, place=(-0.12, 1.0))
    return ax


def patches(image: Any, size: int, title: str | None = None) -> Axes:
    """Draw a picture cut into square patches, with gaps between them and the first few numbered.

    Parameters
    ----------
    image : array_like of shape (C, H, W) or (H, W)
        The picture; its sides are multiples of `size`.
    size : int
        Side of a patch in pixels.
    title : str, optional
        Written above.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the patches do not fill the picture.

    Examples
    --------
    >>> ax = patches(np.zeros((3, 8, 8)), 4)
    >>> len(ax.images)
    4
    """
    picture = as_picture("image", image)
    high, wide = picture.shape[:2]
    check_count("size", size)
    if high % size or wide % size:
        raise ValueError(f"patches of {size} do not fill a picture of {high}x{wide}")
    gap = 0.18 * size
    with style():
        ax = new_or(None, height=WIDTH * 0.75 * high / wide)
        bare(ax)
        for number, (row, column) in enumerate(np.ndindex(high // size, wide // size)):
            left, top = column * (size + gap), row * (size + gap)
            part = picture[row * size : (row + 1) * size, column * size : (column + 1) * size]
            box = (left, left + size, top + size, top)
            ax.imshow(part, cmap="gray", vmin=0, vmax=1, extent=box)
            if row == 0:
                ax.text(left + size / 2, -0.1 * size, str(number), ha="center", va="bottom", fontsize=LEAST)
        ax.set_xlim(-0.1, wide // size * (size + gap) - gap + 0.1)
        ax.set_ylim(high // size * (size + gap) - gap + 0.1, -0.6 * size)
        ax.set_aspect("equal")
        if title:
            ax.set_title(title)
    return ax


def u_shape(
    model: Any, image_shape: Sequence[int], down: Sequence[str], bottom: str, up: Sequence[str]
) -> Axes:
    """Draw a network that goes down, up and across as a U, with the shapes that its parts put out.

    Parameters
    ----------
    model : nn.Module
        One image is sent through it to measure shapes.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    down, up : sequence of str
        Names of its parts on the way down, from the top, and on the way up, from the bottom.
    bottom : str
        The name of the part between.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the ways down and up differ in length, or the network has no part of a given name.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.MaxPool2d(2), nn.Upsample(scale_factor=2))
    >>> ax = u_shape(net, (1, 8, 8), ["0"], "1", ["2"])
    >>> "4 × 8 × 8" in [text.get_text() for text in ax.texts]
    True
    """
    check_filled("down", down, "the names of the parts on the way down")
    if len(down) != len(up):
        raise ValueError(f"the ways down and up have as many parts, got {len(down)} and {len(up)}")
    named = [name for name, _ in model.named_children()]
    for name in (*down, bottom, *up):
        check_choice("the name of a part", name.split(".")[0], named)
    shapes = _shapes(model, image_shape, [*down, bottom, *up])
    levels = len(down)
    with style():
        ax = new_or(None, height=1.05 * levels + 1.25)
        bare(ax)
        ax.set_xlim(0, 6)
        ax.set_ylim(levels + 0.62, -0.55)
        left, right = 1.15, 4.85
        places = [(left, level) for level in range(levels)] + [(3.0, levels)]
        places += [(right, level) for level in range(levels - 1, -1, -1)]
        for (x, level), shape in zip(places, shapes, strict=True):
            _box(ax, x, level, shape, KERNEL)
        for (x0, y0), (x1, y1) in pairwise(places):
            ends = ((x0, y0 + 0.24), (x1, y1 - 0.24)) if y1 > y0 else ((x0, y0 - 0.24), (x1, y1 + 0.24))
            if x0 != x1:  # to and from the bottom: sideways
                ends = ((x0, y0 + 0.24), (x1 - 0.82, y1)) if y1 > y0 else ((x0 + 0.82, y0), (x1, y1 + 0.24))
            _arrow(ax, *ends)
        for level in range(levels):
            _arrow(ax, (left + 0.82, level), (right - 0.82, level), dashed=True)
            ax.text(3.0, level - 0.09, "laid beside", ha="center", fontsize=LEAST, color=MUTED)
        ax.text(left, -0.36, f"in: {_text(image_shape)}", ha="center", fontsize=LEAST, color=_dark(INPUT))
        answer = _text(_shapes(model, image_shape, [""])[0])
        ax.text(right, -0.36, f"out: {answer}", ha="center", fontsize=LEAST, color=_dark(OUTPUT))
    return ax


def _shapes(model: Any, image_shape: Sequence[int], names: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the shape that each named part of `model` puts out for one image."""
    import torch

    from cnncourse._modules import blank, evaluating, passing

    found: dict[str, tuple[int, ...]] = {}

    def leave(name: str, module: Any, given: Any, output: Any) -> Any:
        found[name] = tuple(output.shape[1:])
        return output

    with evaluating(model), torch.no_grad(), passing(model, image_shape, leave=leave):
        model(blank(model, (1, *image_shape)))
    return [found[name] for name in names]


def _text(shape: Sequence[int]) -> str:
    return " × ".join(str(size) for size in shape)


def _box(ax: Axes, x: float, y: float, shape: tuple[int, ...], color: str) -> None:
    box = Rectangle((x - 0.8, y - 0.22), 1.6, 0.44, facecolor="#fdeccb", edgecolor=color, linewidth=1.4)
    ax.add_patch(box)
    ax.text(x, y, _text(shape), ha="center", va="center", fontsize=SMALL, color=INK)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False) -> None:
    look = (0, (4, 3)) if dashed else "-"
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0,
            linewidth=1.3, linestyle=look, color=MUTED,
        )
    )  # fmt: skip
