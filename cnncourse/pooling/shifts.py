"""How much features change when an image shifts."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count


def shift_change(
    features: Callable[[np.ndarray], np.ndarray],
    image: Any,
    size: int,
    shifts: Sequence[int] = range(9),
) -> np.ndarray:
    """Measure how much features change when the camera moves by a few pixels.

    A square is cut out of a larger image, then cut again further right, so that real pixels and not padding
    come in at the border.

    Parameters
    ----------
    features : callable
        Takes a batch (1, C, size, size), returns an array of any shape.
    image : array_like of shape (C, H, W)
        The larger image.
    size : int
        Side of the square.
    shifts : sequence of int
        Distances in pixels.

    Returns
    -------
    ndarray of shape (len(shifts),)
        ``||f(shifted) - f(not shifted)|| / ||f(not shifted)||``: 0 for invariant features. A level that all
        features share makes it smaller; subtract their mean in `features` to leave it out.

    Raises
    ------
    ValueError
        If the image is too small for the square and the largest shift, or the features are all zero.

    Examples
    --------
    >>> stripes = np.tile([0.0, 1.0], (4, 4))[None]
    >>> shift_change(lambda x: x, stripes, 4, [0, 1, 2]).round(2)
    array([0.  , 1.41, 0.  ])
    """
    image = check_array("image", image, "(C, H, W)")
    top = (image.shape[1] - check_count("size", size)) // 2
    room = image.shape[2] - size
    if top < 0 or not all(0 <= shift <= room for shift in shifts):
        raise ValueError(
            f"shifts {list(shifts)} do not fit: a {size}x{size} square in an image of "
            f"{image.shape[1]}x{image.shape[2]} can move by 0 to {room} pixels; use a larger image"
        )
    squares = [image[None, :, top : top + size, shift : shift + size] for shift in (0, *shifts)]
    still, *moved = [np.asarray(features(square)) for square in squares]
    length = np.linalg.norm(still)
    if length == 0:
        raise ValueError("features are all zero for the square that is not shifted: no ratio can be taken")
    return np.array([np.linalg.norm(y - still) / length for y in moved])
