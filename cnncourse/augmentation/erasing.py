"""Erasing: a rectangle of each image is hidden."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
from cnncourse.augmentation.boxes import draw_boxes, mask_boxes
from cnncourse.augmentation.transform import Transform, check_range


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
    return np.where(mask_boxes(boxes, images.shape[2:]), images.dtype.type(value), images)


@dataclasses.dataclass(frozen=True)
class Erasing(Transform):
    """Hide a rectangle of drawn size, form and place; one that does not fit into the image hides nothing.

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
        object.__setattr__(self, "area", check_range("area", self.area, "share"))

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the rectangles and erase."""
        count, _, height, width = images.shape
        boxes = draw_boxes(
            count, (height, width), self.area, self.aspect, random, largest=(height - 1, width - 1)
        )
        boxes[random.random(count) >= self.probability] = 0
        return erase(images, boxes, self.value), labels
