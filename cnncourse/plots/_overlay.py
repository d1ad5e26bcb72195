"""Heat maps over the images that they speak of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from cnncourse.images.color import LUMA
from cnncourse.plots._arrays import MOST_PICTURES, Limits, check_titles, limits_of
from cnncourse.plots._panels import axes_of, balanced, card, scale
from cnncourse.plots._pictures import as_list, as_maps, as_picture
from cnncourse.plots._style import INK, SMALL, TEXT, bare, color_map, style

PALEST = 0.4  # black becomes this gray, so that a color can be seen on it


def overlay(
    images: Any,
    maps: Any,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    limits: Limits = None,
    label: str | None = None,
) -> Any:
    """Draw each image in gray, colored by its map: orange where the map is above zero, blue below.

    A line goes around what has at least half of the largest value, a dashed one around what has half of it
    below zero. All maps have one scale, which stands beside them.

    Parameters
    ----------
    images : image set, array_like, list or mapping
        As for `image_grid`.
    maps : array_like of shape (N, H, W), list or mapping
        One map for each image, of its size, such as from `cnncourse.explain.grad_cam` or `occlusion`.
    titles : sequence of str, optional
        One above each image.
    columns : int, optional
        Images in a row, at most 4 if it is not given.
    limits : (float, float), optional
        The values at the two ends of the scale; by default those of all maps together.
    label : str, optional
        What the scale counts.

    Returns
    -------
    Axes or ndarray of Axes
        One Axes for one image, else an array (N,).

    Raises
    ------
    ValueError
        If something is no image, or images, maps and titles do not fit.

    Examples
    --------
    >>> ax = overlay(np.zeros((3, 8, 8)), np.eye(8), titles=["cat"])
    >>> ax.get_title(), ax.images[0].get_array().shape
    ('cat', (8, 8, 3))
    """
    items, names = as_list(images)
    planes, _ = as_maps(maps)
    pictures = [as_picture("images", item) for item in items]
    if len(planes) != len(pictures) or not 1 <= len(pictures) <= MOST_PICTURES:
        raise ValueError(
            f"maps must be one for each of 1 to {MOST_PICTURES} images, got {len(planes)} for {len(pictures)}"
        )
    for picture, plane in zip(pictures, planes, strict=True):
        if plane.shape != picture.shape[:2]:
            raise ValueError(f"a map must be as large as its image {picture.shape[:2]}, got {plane.shape}")
    names = check_titles(titles, len(pictures), "images") or names
    everything = np.concatenate([plane.ravel() for plane in planes])
    signed = float(np.nanmin(everything)) < 0
    low, high = limits or limits_of(everything, "signed" if signed else "amount")
    color = "opposed" if signed else "heat"
    with style():
        per_row = columns or balanced(len(pictures), 4)
        fig, axes = card(len(pictures), per_row, pictures[0].shape, names is not None, extra=0.75)
        norm = Normalize(low, high, clip=True)
        for index, (ax, picture, plane) in enumerate(zip(axes, pictures, planes, strict=True)):
            bare(ax)
            smooth = "nearest" if max(plane.shape) <= 128 else "antialiased"
            ax.imshow(_colored(picture, color_map(color)(norm(plane))), interpolation=smooth)
            _outline(ax, plane, max(abs(low), abs(high)) / 2)
            if names is not None:
                ax.set_title(names[index], fontsize=TEXT if len(axes) < 5 else SMALL)
        scale(fig, axes, color, norm)
        if label:  # below, since the scale may be too short for it
            fig.supxlabel(label, fontsize=SMALL)
            fig.set_figheight(fig.get_figheight() + 0.25)
    return axes_of(axes)


def _colored(picture: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return a picture (H, W) or (H, W, 3) in gray, as if seen through colors (H, W, 4): (H, W, 3)."""
    gray = picture if picture.ndim == 2 else picture @ np.array(LUMA["rec601"])  # (H, W)
    pale: np.ndarray = PALEST + (1 - PALEST) * gray
    colored: np.ndarray = pale[..., None] * colors[..., :3]
    return colored


def _outline(ax: Axes, plane: np.ndarray, half: float) -> None:
    """Draw a line around what has at least half of the largest value, dashed where it is below zero."""
    levels = [level for level in (-half, half) if np.nanmin(plane) < level < np.nanmax(plane)]
    if levels and min(plane.shape) > 1:
        lines = ax.contour(plane, levels=levels, colors=INK, linewidths=1)
        lines.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
