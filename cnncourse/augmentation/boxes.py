"""Rectangles in images: drawn by area and form, and as masks."""

import math

import numpy as np

_TRIES = 10  # as often as torchvision tries


def draw_boxes(
    count: int,
    size: tuple[int, ...],
    area: tuple[float, float],
    aspect: float,
    random: np.random.Generator,
    largest: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Draw rectangles of random size, form and place.

    Parameters
    ----------
    count : int
        How many.
    size : (int, int)
        Height and width of the images.
    area : (float, float)
        The smallest and the largest share of the image's area.
    aspect : float
        Height over width is drawn from ``1 / aspect`` to `aspect`, by its logarithm.
    random : Generator
        What they are drawn from.
    largest : (int, int), optional
        The largest height and width; those of the image without it.

    Returns
    -------
    ndarray of shape (count, 4)
        Top, left, height and width of each rectangle, in pixels. Area and aspect are drawn until the
        rectangle fits, ten times at most: after that its height and width are 0.
    """
    limits = np.reshape(largest or size, (2, 1, 1))
    pixels = math.prod(size) * random.uniform(*area, (_TRIES, count))
    ratio = np.exp(random.uniform(-math.log(aspect), math.log(aspect), (_TRIES, count)))
    sides = np.rint(np.sqrt([pixels * ratio, pixels / ratio])).astype(int)  # (2, tries, count)
    fits = ((sides > 0) & (sides <= limits)).all(axis=0)  # (tries, count)
    sides = np.where(fits.any(axis=0), sides[:, fits.argmax(axis=0), np.arange(count)], 0)  # (2, count)
    places = random.integers(0, np.reshape(size, (2, 1)) - sides + 1)  # (2, count): tops, lefts
    return np.stack([*places, *sides], axis=1)


def mask_boxes(boxes: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return where the pixels of images of height and width `size` are in their boxes, (N, 1, H, W)."""
    top, left, height, width = (side.reshape(-1, 1) for side in np.asarray(boxes).T)  # (N, 1) each
    y, x = (np.arange(side) for side in size)
    rows, columns = (top <= y) & (y < top + height), (left <= x) & (x < left + width)  # (N, H), (N, W)
    mask: np.ndarray = rows[:, None, :, None] & columns[:, None, None, :]
    return mask
