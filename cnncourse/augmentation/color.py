"""Color jitter: images under another light."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
from cnncourse.augmentation.transform import Transform

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # how bright red, green and blue look, ITU-R BT.601


def adjust_color(
    images: np.ndarray,
    brightness: np.ndarray | float = 1.0,
    contrast: np.ndarray | float = 1.0,
    saturation: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Change the light in which images seem to be taken; what leaves the range 0 to 1 is cut off.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    brightness : float or ndarray of shape (N,)
        Every pixel is multiplied by it.
    contrast : float or ndarray of shape (N,)
        The distance of every pixel from the image's mean gray is multiplied by it.
    saturation : float or ndarray of shape (N,)
        The distance of every pixel from its own gray is multiplied by it; without effect on one channel.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> image = np.array([0.2, 0.4]).reshape(1, 1, 1, 2)
    >>> [adjust_color(image, **by).ravel().round(2).tolist() for by in ({"brightness": 2}, {"contrast": 0.5})]
    [[0.4, 0.8], [0.25, 0.35]]
    """
    factors = (brightness, contrast, saturation)
    b, c, s = (np.asarray(factor, dtype=np.float32).reshape(-1, 1, 1, 1) for factor in factors)
    images = np.clip(images * b, 0, 1)
    mean = _gray(images).mean(axis=(2, 3), keepdims=True)  # (N, 1, 1, 1)
    images = np.clip(mean + c * (images - mean), 0, 1)
    if images.shape[1] == 3:
        gray = _gray(images)  # (N, 1, H, W)
        images = np.clip(gray + s * (images - gray), 0, 1)
    return images


def _gray(images: np.ndarray) -> np.ndarray:
    """Return the brightness of each pixel, (N, 1, H, W)."""
    if images.shape[1] == 3:
        images = images * _LUMA[:, None, None] * 3
    gray: np.ndarray = images.mean(axis=1, keepdims=True)
    return gray


@dataclasses.dataclass(frozen=True)
class ColorJitter(Transform):
    """Draw brightness, contrast and saturation of each image, in this order.

    Parameters
    ----------
    brightness, contrast, saturation : float
        The factors are drawn from ``1 - x`` (not below 0) to ``1 + x``; 0 changes nothing.

    Examples
    --------
    >>> images = np.full((2, 3, 4, 4), 0.5, dtype=np.float32)
    >>> changed, _ = ColorJitter(brightness=0.4)(images, np.array([0, 1]), np.random.default_rng(0))
    >>> bool((0.3 <= changed).all() and (changed <= 0.7).all())
    True
    """

    name: ClassVar[str] = "color_jitter"
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_number(field.name, getattr(self, field.name), 0, math.inf)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the factors and adjust."""
        factors = (
            random.uniform(max(0.0, 1 - x), 1 + x, len(images))  # (N,)
            for x in (self.brightness, self.contrast, self.saturation)
        )
        return adjust_color(images, *factors), labels
