"""What the chapter on GoogLeNet draws: an image, and below it where the evidence for each class is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import limits_of, to_plane
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import INK, MUTED, SMALL, WIDTH, color_map, figure, style

__all__ = ["evidence"]

NAMES = 1.0  # inches to the left of the images
HIGHEST = 1.15  # inches: one image
GAP = 0.1


def evidence(image: Any, maps: Mapping[str, Any]) -> Axes:
    """Draw an image and, as wide as the image, one map for each class: orange speaks for it, blue against it.

    All maps have one scale, from the largest value below zero to the same above it.

    Parameters
    ----------
    image : array_like of shape (H, W), (1, H, W) or (3, H, W)
        The image, from 0 to 1.
    maps : mapping from str to array_like of shape (h, w)
        A map by the name of its class; coarser than the image, as a rule.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no map, or one is no plane.

    Examples
    --------
    >>> ax = evidence(np.eye(8), {"a slope": [[1, 0], [0, 1]], "nothing": [[0, 0], [0, 0]]})
    >>> [text.get_text() for text in ax.texts]
    ['image', 'a slope', 'nothing']
    """
    picture = as_picture("image", image)
    planes = {name: to_plane(f"maps[{name!r}]", plane).astype(float) for name, plane in maps.items()}
    check_filled("maps", planes, "at least one, as {class: plane}")
    low, high = limits_of(np.concatenate([plane.ravel() for plane in planes.values()]), "signed")
    wide = min(WIDTH - NAMES - 0.1, HIGHEST * picture.shape[1] / picture.shape[0])
    tall = wide * picture.shape[0] / picture.shape[1]
    height = (len(planes) + 1) * (tall + GAP)
    with style():
        ax: Axes = figure(height=height)[1]
        for row, (name, plane) in enumerate({"image": picture, **planes}.items()):
            top = row * (tall + GAP) + GAP / 2
            extent = (NAMES, NAMES + wide, top + tall, top)
            colors = ("gray", 0.0, 1.0) if row == 0 else (color_map("signed"), low, high)
            ax.imshow(
                plane, colors[0], vmin=colors[1], vmax=colors[2], extent=extent, interpolation="nearest"
            )
            ax.add_patch(Rectangle((NAMES, top), wide, tall, fill=False, edgecolor=MUTED, linewidth=0.5))
            ax.text(NAMES - 0.1, top + tall / 2, name, ha="right", va="center", fontsize=SMALL, color=INK)
    ax.set_xlim(0, WIDTH - 0.1)
    ax.set_ylim(height, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
