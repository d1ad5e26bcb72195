"""Erasing: a rectangle of each image is hidden."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
from cnncourse.augmentation.transform import Transform


def erase(images: np.ndarray, boxes: np.ndarray, value: float = 0.0) -> np.ndarray:
    """Fill one rectangle of each image.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    boxes : ndarray of shape (N, 4)
        Top, left, height and width of each rectangle, in pixels; one of height 0 hides nothing.
    value : float
        What is put there.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> erase(np.ones((1, 1, 3, 4)), np.array([[1, 0, 2, 3]]))[0, 0]
    array([[1., 1., 1., 1.],
           [0., 0., 0., 1.],
           [0., 0., 0., 1.]])
    """
    top, left, height, width = (side.reshape(-1, 1) for side in np.asarray(boxes).T)  # (N, 1) each
    y, x = (np.arange(size) for size in images.shape[2:])
    rows, columns = (top <= y) & (y < top + height), (left <= x) & (x < left + width)  # (N, H), (N, W)
    hidden = rows[:, None, :, None] & columns[:, None, None, :]  # (N, 1, H, W)
    return np.where(hidden, images.dtype.type(value), images)


@dataclasses.dataclass(frozen=True)
class Erasing(Transform):
    """Hide a rectangle of drawn size, form and place.

    Parameters
    ----------
    probability : float
        The share of the images that lose one, from 0 to 1.
    area : (float, float)
        The smallest and the largest share of the image's area.
    aspect : float
        Height over width is drawn from ``1 / aspect`` to `aspect`, by its logarithm.
    value : float
        What is put there, on the scale 0 to 1.

    References
    ----------
    Zhong et al., "Random erasing data augmentation", AAAI 2020, https://doi.org/10.1609/aaai.v34i07.7000.

    Examples
    --------
    >>> images = np.ones((2, 1, 8, 8), dtype=np.float32)
    >>> half = Erasing(probability=1.0, area=(0.5, 0.5), aspect=1.0)
    >>> half(images, np.array([0, 1]), np.random.default_rng(0))[0].sum(axis=(1, 2, 3))  # 6x6 are hidden
    array([28., 28.], dtype=float32)
    """

    name: ClassVar[str] = "erasing"
    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    aspect: float = 3.3
    value: float = 0.0

    def __post_init__(self) -> None:
        check_number("probability", self.probability, 0, 1, below=False)
        check_number("aspect", self.aspect, 1, math.inf)
        check_number("value", self.value, 0, 1, below=False)
        area = self.area
        if not isinstance(area, (list, tuple)) or len(area) != 2:
            raise ValueError(f"area must be the smallest and the largest share, got {area!r}")
        for share in area:
            check_number("area", share, 0, 1, above=True, below=False)
        if area[0] > area[1]:
            raise ValueError(f"area must give the smaller share first, got {list(area)}")
        object.__setattr__(self, "area", tuple(area))

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the rectangles and erase."""
        count, _, *size = images.shape
        area = random.uniform(*self.area, count)  # (N,), as are the rest
        aspect = np.exp(random.uniform(-math.log(self.aspect), math.log(self.aspect), count))
        root = np.sqrt(np.stack([area * aspect, area / aspect])) * np.reshape(size, (2, 1))
        sides = np.clip(np.rint(root), 1, np.reshape(size, (2, 1))).astype(int)  # (2, N): heights, widths
        places = random.integers(0, np.reshape(size, (2, 1)) - sides + 1)  # (2, N): tops, lefts
        sides[:, random.random(count) >= self.probability] = 0
        return erase(images, np.stack([*places, *sides], axis=1), self.value), labels
