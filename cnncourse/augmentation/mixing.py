"""Mixing: every image is made of two, and so is its label."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
from cnncourse.augmentation.boxes import mask_boxes
from cnncourse.augmentation.transform import Transform


def mix(values: np.ndarray, partners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Blend each row with another one: ``weight * values + (1 - weight) * values[partner]``.

    Parameters
    ----------
    values : ndarray of shape (N, ...)
        Images, or labels as shares of classes.
    partners : ndarray of shape (N,)
        The row that each is blended with.
    weights : ndarray of shape (N,)
        The share that each keeps of itself, from 0 to 1.

    Returns
    -------
    ndarray of shape (N, ...)

    Examples
    --------
    >>> mix(np.eye(2), partners=np.array([1, 0]), weights=np.array([0.75, 1.0]))
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    share = np.asarray(weights, dtype=values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    mixed: np.ndarray = share * values + (1 - share) * values[partners]
    return mixed


def paste(images: np.ndarray, partners: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Put a rectangle of another image into each, at the place where it is there.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    partners : ndarray of shape (N,)
        The image that each takes it from.
    boxes : ndarray of shape (N, 4)
        Top, left, height and width of each rectangle, in pixels.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> images = np.array([1.0, 2.0]).reshape(2, 1, 1, 1) * np.ones((1, 3))
    >>> paste(images, np.array([1, 0]), np.array([[0, 2, 1, 1], [0, 0, 1, 2]])).reshape(2, 3)
    array([[1., 1., 2.],
           [1., 1., 2.]])
    """
    return np.where(mask_boxes(boxes, images.shape[2:]), images[partners], images)


@dataclasses.dataclass(frozen=True)
class Mixup(Transform):
    """Blend each image with one drawn from the batch, by a weight drawn from Beta(alpha, alpha).

    Parameters
    ----------
    alpha : float
        Above 0. Small ones leave most images nearly as they are; 1 draws all weights alike.

    References
    ----------
    Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018,
    https://doi.org/10.48550/arXiv.1710.09412.

    Examples
    --------
    >>> images, labels = np.zeros((4, 1, 2, 2), dtype=np.float32), np.eye(4, dtype=np.float32)
    >>> _, mixed = Mixup()(images, labels, np.random.default_rng(0))
    >>> mixed.sum(axis=1)
    array([1., 1., 1., 1.], dtype=float32)
    """

    name: ClassVar[str] = "mixup"
    mixes: ClassVar[bool] = True
    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, 0, math.inf, above=True)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw partners and weights, and mix."""
        partners = random.permutation(len(images))
        weights = random.beta(self.alpha, self.alpha, len(images))
        return mix(images, partners, weights), mix(labels, partners, weights)


@dataclasses.dataclass(frozen=True)
class CutMix(Transform):
    """Put a rectangle of an image drawn from the batch into each; its label's share is that of its area.

    The rectangle would cover a share drawn from Beta(alpha, alpha), in the form of the image; its center
    is any pixel, and what leaves the image is cut off.

    Parameters
    ----------
    alpha : float
        Above 0. Small ones make most rectangles tiny or nearly as large as the image; 1 draws all shares
        alike.

    References
    ----------
    Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features",
    ICCV 2019, https://doi.org/10.1109/ICCV.2019.00612.

    Examples
    --------
    >>> labels = np.eye(2, dtype=np.float32)
    >>> images = labels[:, :, None, None] * np.ones((4, 4), np.float32)  # an image is its own label
    >>> changed, mixed = CutMix()(images, labels, np.random.default_rng(1))
    >>> bool(np.array_equal(changed.mean(axis=(2, 3)), mixed))
    True
    """

    name: ClassVar[str] = "cutmix"
    mixes: ClassVar[bool] = True
    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, 0, math.inf, above=True)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw partners and rectangles, and mix."""
        count, size = len(images), np.reshape(images.shape[2:], (2, 1))
        partners = random.permutation(count)
        half = (0.5 * size * np.sqrt(random.beta(self.alpha, self.alpha, count))).astype(int)  # (2, N)
        centers = random.integers(0, size, (2, count))
        first, last = np.maximum(centers - half, 0), np.minimum(centers + half, size)
        boxes = np.stack([*first, *(last - first)], axis=1)
        kept = 1 - (last - first).prod(axis=0) / size.prod()  # (N,)
        return paste(images, partners, boxes), mix(labels, partners, kept)
