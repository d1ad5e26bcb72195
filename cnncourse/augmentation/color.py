"""Color jitter: images under another light."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
from cnncourse.augmentation.transform import Transform, apply_each, of_each

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # how bright red, green and blue look, ITU-R BT.601


def adjust_brightness(images: np.ndarray, brightness: np.ndarray | float) -> np.ndarray:
    """Make images lighter or darker; what leaves the range 0 to 1 is cut off.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    brightness : float or ndarray of shape (N,)
        Every pixel is multiplied by it.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> adjust_brightness(np.array([0.2, 0.4]).reshape(1, 1, 1, 2), 2.0).ravel()
    array([0.4, 0.8])
    """
    return _blend(images, 0.0, brightness)


def adjust_contrast(images: np.ndarray, contrast: np.ndarray | float) -> np.ndarray:
    """Make light and dark differ more or less; what leaves the range 0 to 1 is cut off.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    contrast : float or ndarray of shape (N,)
        The distance of every pixel from the image's mean gray is multiplied by it.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> adjust_contrast(np.array([0.2, 0.4]).reshape(1, 1, 1, 2), 0.5).ravel().round(2)
    array([0.25, 0.35])
    """
    return _blend(images, _gray(images).mean(axis=(2, 3), keepdims=True), contrast)


def adjust_saturation(images: np.ndarray, saturation: np.ndarray | float) -> np.ndarray:
    """Make colors stronger or weaker; what leaves the range 0 to 1 is cut off.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    saturation : float or ndarray of shape (N,)
        The distance of every pixel from its own gray is multiplied by it; without effect on one channel.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> red = np.array([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    >>> adjust_saturation(red, 0.0).ravel().round(3)
    array([0.299, 0.299, 0.299])
    """
    return _blend(images, _gray(images), saturation)


def _blend(images: np.ndarray, others: np.ndarray | float, factor: np.ndarray | float) -> np.ndarray:
    """Multiply the distance of images from others by a factor, one for all or one for each."""
    share = of_each(factor)
    blended: np.ndarray = np.clip(share * images + (1 - share) * others, 0, 1)
    return blended


def _gray(images: np.ndarray) -> np.ndarray:
    """Return the brightness of each pixel, (N, 1, H, W)."""
    weights = _LUMA if images.shape[1] == 3 else np.full(images.shape[1], 1 / images.shape[1], images.dtype)
    gray: np.ndarray = np.einsum("nchw,c->nhw", images, weights)
    return gray[:, None]


@dataclasses.dataclass(frozen=True)
class ColorJitter(Transform):
    """Draw brightness, contrast and saturation of each image, and the order in which they change.

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
        """Draw factors and orders, and adjust."""
        possible = {
            adjust_brightness: self.brightness,
            adjust_contrast: self.contrast,
            adjust_saturation: self.saturation,
        }
        spread = {adjust: x for adjust, x in possible.items() if x}
        factors = np.array([random.uniform(max(0.0, 1 - x), 1 + x, len(images)) for x in spread.values()])
        orders = random.permuted(
            np.tile(np.arange(len(spread)), (len(images), 1)), axis=1
        )  # (N, adjustments)
        for turn in orders.T:
            images = apply_each(list(spread), images, turn, factors[turn, np.arange(len(images))])
        return images, labels
