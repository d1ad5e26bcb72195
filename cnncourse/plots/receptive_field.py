"""What the chapter on receptive fields draws: dependences along a row, and fields on a picture."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._panels import card
from cnncourse.plots._pictures import as_picture, image_grid
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    LEAST,
    MUTED,
    OUTPUT,
    PALETTE,
    SMALL,
    WIDTH,
    bare,
    figure,
    style,
    tidy,
)

__all__ = ["field_centers", "field_cone", "field_frames", "spotlights"]

NAMES = 1.05  # inches for the layers' names


class _Level(NamedTuple):
    """One row of cells of a cone."""

    name: str
    places: np.ndarray  # the middle of each cell, in pixels
    seen: frozenset[int]
    taps: dict[int, list[int]]  # of each seen cell: the cells of the level above that it reads


def field_cone(pixels: int, layers: Mapping[str, Sequence[int]], index: int, ax: Axes | None = None) -> Axes:
    """Draw along one row of pixels which cells of each layer one output depends on.

    The pixels are the upper row, the output is in the lowest one. Each cell stands below the middle of what
    it sees; what the output depends on is filled, and joined by lines. Cells of padding are dashed.

    Parameters
    ----------
    pixels : int
        How many pixels the row has.
    layers : mapping from str to (kernel_size, stride, padding, dilation)
        The layers by name, in order; what is left out at the end of each is 1, 0 and 1.
    index : int
        Which cell of the last layer.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the last layer has no such cell, or a window is larger than what it is moved over.

    Examples
    --------
    >>> ax = field_cone(8, {"conv 3": [3], "pool 2": [2, 2]}, index=1)
    >>> [text.get_text() for text in ax.texts]
    ['pixels', '4 seen', 'conv 3', '2', 'pool 2', '1']
    """
    check_filled("layers", layers, "at least one, as {name: (kernel_size, stride, padding, dilation)}")
    levels = _levels(pixels, layers, index)
    drawn = np.concatenate([level.places for level in levels] + _padding_places(levels))
    low, high = drawn.min() - 0.5, drawn.max() + 0.5
    cell = min(0.36, (WIDTH - NAMES - 0.75) / (high - low))
    gap = 0.62 / cell  # from row to row, in cells
    with style():
        if ax is None:
            ax = figure(height=0.62 * (len(levels) - 1) + cell + 0.2)[1]
        assert ax is not None
        tidy(ax)
        for number, level in enumerate(levels):
            _draw_level(
                ax, level, levels[number - 1] if number else None, number * gap, gap, len(levels), pixels
            )
            name = {"ha": "left", "va": "center", "fontsize": SMALL}
            ax.text(low - NAMES / cell, number * gap, level.name, color=INK, **name)  # type: ignore[arg-type]
            seen = f"{len(level.seen)} seen" if number == 0 else str(len(level.seen))
            ax.text(high + 0.15 / cell, number * gap, seen, color=MUTED, **name)  # type: ignore[arg-type]
    ax.set_xlim(low - NAMES / cell, low + (WIDTH - NAMES) / cell)
    ax.set_ylim((len(levels) - 1) * gap + 0.7, -0.7)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _levels(pixels: int, layers: Mapping[str, Sequence[int]], index: int) -> list[_Level]:
    """Return the rows of a cone from the pixels to the output."""
    sizes, places = [pixels], [np.arange(pixels, dtype=float)]
    options = [(*layer, *(1, 1, 0, 1)[len(layer) :]) for layer in layers.values()]
    for name, (kernel, stride, padding, dilation) in zip(layers, options, strict=True):
        window, cells = dilation * (kernel - 1) + 1, sizes[-1] + 2 * padding
        if window > cells:
            raise ValueError(f"layers: the window of {name!r} has {window} cells, its input {cells}")
        size = (cells - window) // stride + 1
        step = places[-1][1] - places[-1][0] if len(places[-1]) > 1 else 1.0
        first = places[-1][0] + step * (dilation * (kernel - 1) / 2 - padding)
        sizes.append(size)
        places.append(first + step * stride * np.arange(size))
    if not 0 <= index < sizes[-1]:
        raise ValueError(f"index must be from 0 to {sizes[-1] - 1}, the cells of the last layer, got {index}")
    seen, levels = frozenset([index]), []
    names = ["pixels", *layers]
    for level in reversed(range(len(sizes))):
        taps: dict[int, list[int]] = {}
        if level:
            kernel, stride, padding, dilation = options[level - 1]
            taps = {i: [i * stride - padding + k * dilation for k in range(kernel)] for i in seen}
        levels.append(_Level(names[level], places[level], seen, taps))
        before = sizes[level - 1] if level else 0
        seen = frozenset(cell for cells in taps.values() for cell in cells if 0 <= cell < before)
    return levels[::-1]


def _padding_places(levels: Sequence[_Level]) -> list[np.ndarray]:
    """Return where the cells outside the rows lie that are read all the same."""
    places = []
    for above, level in pairwise(levels):
        step = above.places[1] - above.places[0] if len(above.places) > 1 else 1.0
        cells = [cell for taps in level.taps.values() for cell in taps]
        places.append(above.places[0] + step * np.array(cells, dtype=float))
    return places


def _draw_level(
    ax: Axes, level: _Level, above: _Level | None, y: float, gap: float, rows: int, pixels: int
) -> None:
    """Draw one row of cells, and lines to what its seen cells read in the row above."""
    number = round(y / gap)
    color = INPUT if number == 0 else OUTPUT if number == rows - 1 else KERNEL
    for i, x in enumerate(level.places):
        face = color if i in level.seen else "white"
        look: Any = {"facecolor": face, "edgecolor": INK if i in level.seen else "#a0a0a0", "linewidth": 0.8}
        ax.add_patch(Rectangle((x - 0.4, y - 0.4), 0.8, 0.8, zorder=3, **look))
    if above is None:
        return
    step = above.places[1] - above.places[0] if len(above.places) > 1 else 1.0
    for i, cells in level.taps.items():
        for cell in cells:
            x = above.places[0] + step * cell
            inside = 0 <= cell < len(above.places)
            ax.plot([level.places[i], x], [y - 0.4, y - gap + 0.4], color=MUTED, linewidth=0.8, zorder=2)
            if not inside:
                box = Rectangle(
                    (x - 0.4, y - gap - 0.4), 0.8, 0.8, fill=False, edgecolor="#8c8c8c", linestyle=":"
                )
                ax.add_patch(box)


def field_frames(
    image: Any,
    frames: Mapping[str, tuple[int, int, int, int]],
    ax: Axes | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Axes:
    """Draw a picture with receptive fields as frames; what lies beyond the picture is padding.

    Parameters
    ----------
    image : array_like of shape (H, W), (1, H, W) or (3, H, W)
        uint8, or floats between 0 and 1.
    frames : mapping from str to (row, column, height, width)
        The fields by name, in pixels; they may begin outside the picture.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Written above.
    legend : bool
        Name the frames beside the picture.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are no frames, or more than there are colors.

    Examples
    --------
    >>> ax = field_frames(np.zeros((8, 8)), {"conv 3": (2, 2, 3, 3), "all": (-1, -1, 10, 10)})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['conv 3', 'all']
    """
    if not 1 <= len(frames) <= len(PALETTE):
        raise ValueError(f"frames holds 1 to {len(PALETTE)} fields, got {len(frames)}")
    picture = as_picture("image", image)
    high, wide = picture.shape[:2]
    edges = np.array([(r, c, r + h, c + w) for r, c, h, w in frames.values()])
    top, left = np.minimum(edges[:, :2].min(axis=0), 0) - 0.6
    bottom, right = np.maximum(edges[:, 2:].max(axis=0), (high, wide)) + 0.6
    with style():
        if ax is None:
            room = WIDTH - (1.75 if legend else 0.1)
            ax = figure(height=min(4.2, room * (bottom - top) / (right - left)) + (0.35 if title else 0.1))[1]
        assert ax is not None
        tidy(ax)
        extent = (0, wide, high, 0)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent)
        ax.add_patch(Rectangle((0, 0), wide, high, fill=False, edgecolor=MUTED, linewidth=0.8))
        for (name, frame), color, dash in zip(frames.items(), PALETTE, DASHES, strict=False):
            row, column, height, width = _inset(frame, list(frames.values()))
            box: Any = {"xy": (column, row), "width": width, "height": height, "fill": False}
            ax.add_patch(Rectangle(**box, edgecolor="white", linewidth=4))
            ax.add_patch(Rectangle(**box, edgecolor=color, linewidth=2.2, linestyle=dash, label=name))
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        bare(ax)
        if title:
            ax.set_title(title)
        if legend:
            ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), handlelength=2.2, fontsize=LEAST)
    return ax


def _inset(
    frame: tuple[int, int, int, int], frames: Sequence[tuple[int, int, int, int]]
) -> tuple[float, float, float, float]:
    """Return a frame, a little smaller if it would lie on the lines of larger ones."""
    row, column, height, width = frame
    mine = {(0, row), (0, row + height), (1, column), (1, column + width)}
    larger = [other for other in frames if other[2] * other[3] > height * width]
    shared = [r for r, c, h, w in larger if mine & {(0, r), (0, r + h), (1, c), (1, c + w)}]
    by = 0.26 * len(shared)
    return row + by, column + by, height - 2 * by, width - 2 * by


def field_centers(image: Any, grids: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Draw where the middles of the fields of a layer lie on a picture, one panel for each network.

    Parameters
    ----------
    image : array_like of shape (H, W), (1, H, W) or (3, H, W)
        uint8, or floats between 0 and 1.
    grids : mapping from str to sequence of float
        For each network the middles along one axis, in pixels; both axes have the same.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there are no grids.

    Examples
    --------
    >>> (ax,) = field_centers(np.zeros((8, 8)), {"pool 2": [0.5, 2.5, 4.5, 6.5]})
    >>> ax.get_title(), len(ax.collections[0].get_offsets())
    ('pool 2', 16)
    """
    check_filled("grids", grids, "at least one network, as {name: middles}")
    picture = as_picture("image", image)
    with style():
        _, axes = card(len(grids), len(grids), picture.shape, titles=True)
        for ax, (name, middles) in zip(axes, grids.items(), strict=True):
            ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", alpha=0.75)
            row, column = np.meshgrid(middles, middles, indexing="ij")
            ax.scatter(column, row, s=30, color=OUTPUT, edgecolor="white", linewidth=0.9, zorder=3)
            bare(ax)
            ax.set_title(name)
    return np.array(axes, dtype=object)


def spotlights(image: Any, shares: Mapping[str, Any], columns: int = 2) -> np.ndarray:
    """Draw a picture, and the same picture lit by how much each pixel counts.

    Light falls as the root of a share, which is the size of a gradient where the share is its square. The
    hundredth of the pixels with the largest shares is lit in full.

    Parameters
    ----------
    image : array_like of shape (H, W), (1, H, W) or (3, H, W)
        uint8, or floats between 0 and 1.
    shares : mapping from str to array_like of shape (H, W)
        How much each pixel counts, by name; not negative.
    columns : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there are no shares, or one has another size than the image, a negative value or none above 0.

    Examples
    --------
    >>> axes = spotlights(np.ones((4, 4)), {"middle": np.outer([0, 1, 1, 0], [0, 1, 1, 0])})
    >>> [ax.get_title() for ax in axes], int(axes[1].images[0].get_array().sum())
    (['image', 'middle'], 4)
    """
    check_filled("shares", shares, "at least one, as {name: how much each pixel counts}")
    picture = to_array("image", image)
    picture = picture / 255 if picture.dtype == np.uint8 else picture
    lit = {"image": picture}
    for name, share in shares.items():
        plane = to_plane(f"shares[{name!r}]", share)
        if plane.shape != picture.shape[-2:]:
            raise ValueError(f"shares[{name!r}] has shape {plane.shape}, but the image {picture.shape[-2:]}")
        if plane.min() < 0 or not plane.max() > 0:
            raise ValueError(f"shares[{name!r}] must not be negative, and not be zero everywhere")
        full = np.quantile(plane, 0.99, method="higher") or plane.max()
        lit[name] = picture * np.sqrt(np.clip(plane / full, 0, 1))
    axes: np.ndarray = image_grid(lit, columns=columns)
    return axes


DASHES = ("-", (0, (5, 1.5)), "-.", ":", "-", (0, (5, 1.5)), "-.")
