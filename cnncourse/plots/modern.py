"""What the chapter on modern architectures draws: families of networks, an image cut into patches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_count
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import LEAST, MARKERS, PALETTE, WIDTH, bare, figure, grid, new_or, style

__all__ = ["families", "patches"]


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


def patches(image: Any, size: int, order: Sequence[int] | None = None) -> Any:
    """Draw an image cut into square patches, with gaps between them and the first few numbered.

    Parameters
    ----------
    image : array_like of shape (C, H, W) or (H, W)
        The image; its sides are multiples of `size`.
    size : int
        Side of a patch in pixels.
    order : sequence of int, optional
        Which patch to lay in each place of a second panel, beside the first.

    Returns
    -------
    Axes, or ndarray of Axes of shape (2,) with `order`

    Raises
    ------
    ValueError
        If the patches do not fill the image, or `order` does not name each patch once.

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
        raise ValueError(f"patches of {size} do not fill an image of {high}x{wide}")
    rows, columns = high // size, wide // size
    parts = [
        picture[top : top + size, left : left + size]
        for top in range(0, high, size)
        for left in range(0, wide, size)
    ]
    if order is None:
        with style():
            ax = new_or(None, height=WIDTH * 0.75 * high / wide)
            _lay(ax, parts, range(len(parts)), columns)
        return ax
    laid = [int(number) for number in order]
    if sorted(laid) != list(range(len(parts))):
        raise ValueError(f"order must name each of the {rows * columns} patches once, got {laid}")
    with style():
        _, axes = figure(1, 2, height=WIDTH * 0.52 * high / wide)
        for ax, places in zip(axes, (range(len(parts)), laid), strict=True):
            _lay(ax, parts, places, columns)
    return axes


def _lay(ax: Axes, parts: Sequence[np.ndarray], order: Sequence[int], columns: int) -> None:
    """Lay patches in rows, with the numbers of those in the first row above them."""
    size, rows = len(parts[0]), len(parts) // columns
    step = 1.18 * size  # a patch and a gap
    bare(ax)
    for place, number in enumerate(order):
        left, top = place % columns * step, place // columns * step
        ax.imshow(parts[number], cmap="gray", vmin=0, vmax=1, extent=(left, left + size, top + size, top))
        if place < columns:
            middle = left + size / 2
            ax.text(middle, -0.1 * size, str(number), ha="center", va="bottom", fontsize=LEAST)
    ax.set_xlim(-0.1, columns * step - 0.18 * size + 0.1)
    ax.set_ylim(rows * step - 0.18 * size + 0.1, -0.6 * size)
    ax.set_aspect("equal")
