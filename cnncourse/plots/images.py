"""What the chapter on images draws: a patch and its numbers, grays, memory, sampling, neighbors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from cnncourse._checks import check_count, check_filled
from cnncourse.images import neighbor_correlation, to_gray
from cnncourse.plots._arrays import to_array
from cnncourse.plots._grids import pixel_grid
from cnncourse.plots._style import (
    AMOUNT,
    AS_DRAWN,
    INK,
    INPUT,
    KERNEL,
    MUTED,
    SMALL,
    bare,
    figure,
    style,
    text_on,
)

__all__ = ["gray_swatches", "memory", "neighbor_pairs", "sampling", "zoom"]

# Light tints on which black text reads well; the letter in the cell says the channel too.
CHANNEL_TINTS = {"R": "#f4a582", "G": "#a6dba0", "B": "#92c5de"}


def zoom(image: Any, top: int, left: int, size: int = 6) -> np.ndarray:
    """Draw a gray picture with a small square marked, and the square's pixels with their values.

    Parameters
    ----------
    image : array_like of shape (H, W)
        uint8, or floats between 0 and 1.
    top, left : int
        Row and column of the square's first pixel.
    size : int
        Side of the square, at most 8.

    Returns
    -------
    ndarray of Axes of shape (2,)

    Raises
    ------
    ValueError
        If the square does not lie inside the picture.

    Examples
    --------
    >>> axes = zoom(np.eye(32), top=3, left=3, size=2)
    >>> [text.get_text() for text in axes[1].texts]
    ['1', '0', '0', '1']
    """
    plane = to_array("image", image)
    size = check_count("size", size)
    if plane.ndim != 2:
        raise ValueError(f"image must be (H, W), got shape {plane.shape}")
    if size > 8 or min(top, left) < 0 or top + size > plane.shape[0] or left + size > plane.shape[1]:
        raise ValueError(
            f"the square of {size} pixels at row {top}, column {left} must be at most 8 wide and inside "
            f"the {plane.shape[0]}x{plane.shape[1]} image"
        )
    white = 255 if plane.dtype == np.uint8 else 1
    with style():
        _, axes = figure(1, 2, height=3.05)
        axes[0].imshow(plane, cmap="gray", vmin=0, vmax=white, interpolation="nearest")
        bare(axes[0])
        edge = Rectangle((left - 0.5, top - 0.5), size, size, fill=False, edgecolor=KERNEL, linewidth=2)
        axes[0].add_patch(edge)
        pixel_grid(plane[top : top + size, left : left + size], ax=axes[1])
        for spine in axes[1].spines.values():
            spine.set(visible=True, color=KERNEL, linewidth=2)
    return np.asarray(axes)


def gray_swatches(colors: Mapping[str, Sequence[float]]) -> Axes:
    """Draw colors above the gray that their channels' mean gives and the gray that luma gives.

    Parameters
    ----------
    colors : mapping from str to (red, green, blue)
        Colors by name, 0 to 1.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = gray_swatches({"green": (0, 1, 0)})
    >>> [text.get_text() for text in ax.texts]
    ['green', '0.33', '0.59']
    """
    check_filled("colors", colors, "at least one, as {name: (red, green, blue)}")
    names = list(colors)
    values = np.array([colors[name] for name in names], dtype=float)  # (n, 3)
    mean = values.mean(axis=1)
    luma = to_gray(values.T[:, :, None])[:, 0]
    with style():
        ax: Axes = figure(height=2.5)[1]
        for column, name in enumerate(names):
            rows = [
                (values[column], name),
                ([mean[column]] * 3, f"{mean[column]:.2f}"),
                ([luma[column]] * 3, f"{luma[column]:.2f}"),
            ]
            for row, (shade, text) in enumerate(rows):
                ax.add_patch(
                    Rectangle(
                        (column, row), 0.96, 0.94, facecolor=shade, edgecolor=MUTED, lw=0.5, gid=AS_DRAWN
                    )
                )
                ax.text(
                    column + 0.48,
                    row + 0.47,
                    text,
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color=text_on(shade),
                )
        ax.set(xlim=(-0.02, len(names)), ylim=(3.02, -0.04))
        bare(ax)
        ax.set_yticks([0.47, 1.47, 2.47], ["color", "mean", "luma"])
        ax.tick_params(axis="y", length=0)
    return ax


def memory(layouts: Mapping[str, Any]) -> Axes:
    """Draw arrays of named pixels as they lie in memory: one long row each.

    Parameters
    ----------
    layouts : mapping from str to array_like of str
        Arrays of the same size, whose entries begin with R, G or B; they are read in C order.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = memory({"(C, H, W)": [[["R0", "R1"]], [["G0", "G1"]], [["B0", "B1"]]]})
    >>> [text.get_text() for text in ax.texts][:4]
    ['(C, H, W)', 'R0', 'R1', 'G0']
    """
    check_filled("layouts", layouts, "at least one, as {title: pixels}")
    rows = {title: np.asarray(array).ravel() for title, array in layouts.items()}
    count = max(len(row) for row in rows.values())
    with style():
        ax: Axes = figure(height=0.15 + 6.0 * (2 * len(rows) - 0.05) / (count + 0.1))[1]
        for number, (title, row) in enumerate(rows.items()):
            y = 2.0 * number
            ax.text(0, y - 0.12, title, fontsize=SMALL, va="bottom")
            for place, entry in enumerate(row):
                tint = CHANNEL_TINTS.get(str(entry)[0], "white")
                ax.add_patch(
                    Rectangle((place, y), 1, 1, facecolor=tint, edgecolor=INK, linewidth=0.6, gid=AS_DRAWN)
                )
                ax.text(place + 0.5, y + 0.5, str(entry), ha="center", va="center", fontsize=SMALL)
        ax.set(xlim=(-0.05, count + 0.05), ylim=(2.0 * len(rows) - 0.9, -0.85), aspect="equal")
        bare(ax)
    return ax


def sampling(rows: Mapping[str, Any], every: int) -> np.ndarray:
    """Draw rows of pixels, and what is left when only every so many are kept.

    Parameters
    ----------
    rows : mapping from str to array_like of shape (W,)
        Pixel values by title, 0 to 1.
    every : int
        Distance between the pixels that are kept.

    Returns
    -------
    ndarray of Axes of shape (len(rows),)

    Examples
    --------
    >>> ax = sampling({"stripes": np.tile([0.0, 1.0], 8)}, every=2)[0]
    >>> ax.lines[1].get_ydata().max()
    np.float64(0.0)
    """
    every = check_count("every", every)
    check_filled("rows", rows, "at least one, as {title: values}")
    with style():
        _, axes = figure(len(rows), 1, height=0.5 + 1.45 * len(rows))
        axes = np.atleast_1d(axes)
        for ax, (title, row) in zip(axes, rows.items(), strict=True):
            values = to_array(f"rows[{title!r}]", row).astype(float)
            kept = np.arange(0, len(values), every)
            ax.plot(values, color=INPUT, linewidth=1.0, label="all pixels")
            ax.plot(
                kept,
                values[kept],
                "o",
                linestyle="--",
                color="#b35900",
                linewidth=1.8,
                label=f"one pixel in {every}",
            )
            ax.set(ylim=(-0.12, 1.12), xlim=(-1, len(values)), yticks=[0, 0.5, 1])
            ax.set_title(title, loc="left")
        for ax in axes[:-1]:
            ax.set_xticklabels([])
        axes[-1].set_xlabel("pixel")
        corner = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.97), "borderaxespad": 0.0}
        axes[0].legend(ncols=2, columnspacing=1.0, handlelength=1.6, **corner)
    return np.asarray(axes)


def neighbor_pairs(image: Any, distances: Sequence[int]) -> np.ndarray:
    r"""Draw each pixel's value against that of the pixel so many columns further right.

    Parameters
    ----------
    image : array_like of shape (H, W) or (C, H, W)
        Values between 0 and 1.
    distances : sequence of int
        One panel for each.

    Returns
    -------
    ndarray of Axes of shape (len(distances),)
        Titles give the distance and the correlation.

    Examples
    --------
    >>> ax = neighbor_pairs(np.indices((8, 8)).sum(axis=0) % 2, [2])[0]
    >>> ax.get_title()
    'distance 2\ncorrelation 1.00'
    """
    check_filled("distances", distances, "at least one, in pixels")
    array = to_array("image", image).astype(float)
    correlations = neighbor_correlation(array, distances)
    with style():
        _, axes = figure(1, len(distances), height=2.5)
        axes = np.atleast_1d(axes)
        for ax, distance, correlation in zip(axes, distances, correlations, strict=True):
            first, second = array[..., : array.shape[-1] - distance], array[..., distance:]
            ax.hist2d(
                first.ravel(),
                second.ravel(),
                bins=48,
                range=((0, 1), (0, 1)),
                cmap=AMOUNT,
                norm=LogNorm(),
                rasterized=True,
            )
            ax.patch.set_gid(AS_DRAWN)  # white is no pair at all
            ax.set(aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            ax.set_title(
                f"distance {distance}\ncorrelation {correlation:.2f}".replace("-", "−"), fontsize=SMALL
            )
            if ax is not axes[0]:
                ax.set_yticklabels([])
        axes[0].set_ylabel("value to the right")
        axes[len(axes) // 2].set_xlabel("value of a pixel")
    return np.asarray(axes)
