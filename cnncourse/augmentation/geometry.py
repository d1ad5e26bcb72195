"""Geometry: images turned, moved, scaled, sheared and cropped; between pixels, by bilinear interpolation."""

import dataclasses
import math
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from cnncourse._checks import check_number
from cnncourse.augmentation.boxes import draw_boxes
from cnncourse.augmentation.transform import Transform, check_range


def rotate(images: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Turn images around their center; zeros come in at the corners.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    angle : float or ndarray of shape (N,)
        In degrees, counterclockwise.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> image = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    >>> rotate(image, 90)[0, 0].round(3)
    array([[2., 4.],
           [1., 3.]])
    """
    turn = np.broadcast_to(np.radians(angle), len(images))
    matrices = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])  # y points down
    return _move(images, matrices.transpose(2, 0, 1), np.zeros((len(images), 2)))


def affine(
    images: np.ndarray,
    translate: np.ndarray | tuple[float, float] = (0.0, 0.0),
    scale: np.ndarray | tuple[float, float] | float = 1.0,
    shear: np.ndarray | tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Shear images, scale them about their center, and move them; zeros come in.

    Each argument is a pair, first along x (to the right), then along y (down): one pair for all images,
    or an ndarray of shape (N, 2).

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    translate : (float, float) or ndarray of shape (N, 2)
        By how many pixels what is seen moves.
    scale : float, (float, float) or ndarray of shape (N, 2)
        How many times larger it becomes; a number scales both axes.
    shear : (float, float) or ndarray of shape (N, 2)
        By how many degrees upright lines lean to the right, and level ones rise to the right.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> image = np.array([[1.0, 2.0, 3.0]]).reshape(1, 1, 1, 3)
    >>> affine(image, translate=(1, 0)).ravel().round(3)
    array([0., 1., 2.])
    >>> affine(image, scale=(2, 1)).ravel().round(3)
    array([1.5, 2. , 2.5])
    """
    shift, factor, lean = (
        np.broadcast_to(np.asarray(pair, dtype=np.float64), (len(images), 2))
        for pair in (translate, scale, shear)
    )
    x, y = np.tan(np.radians(lean)).T  # (N,) each
    one = np.ones_like(x)
    matrices = np.array([[one, -x], [-y, 1 + x * y]]).transpose(2, 0, 1)  # (N, 2, 2): along x, then along y
    return _move(images, factor[:, :, None] * matrices, shift)


def resized_crop(images: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Cut one rectangle out of each image, and enlarge it to the image's size.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    boxes : ndarray of shape (N, 4)
        Top, left, height and width of each rectangle, in pixels, all inside the image.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> image = np.array([[0.0, 1.0, 2.0, 9.0]]).reshape(1, 1, 1, 4)
    >>> resized_crop(image, np.array([[0, 1, 1, 2]])).ravel().round(3)
    array([1.  , 1.25, 1.75, 2.  ])
    """
    top, left, height, width = np.asarray(boxes).T[..., None]  # (N, 1) each
    y, x = _cut(top, height, images.shape[2]), _cut(left, width, images.shape[3])
    return _sample(images, x[:, None, :], y[:, :, None])


def _cut(start: np.ndarray, length: np.ndarray, side: int) -> np.ndarray:
    """Return where along an axis to look for a part of it, in pixels from the center, (N, side)."""
    points = start + (np.arange(side) + 0.5) * length / side - 0.5
    inside: np.ndarray = np.clip(points, start, start + length - 1) - (side - 1) / 2
    return inside


def _move(images: np.ndarray, matrices: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Move what is at a point, in pixels from the center, x to the right and y down: matrix point + shift."""
    (a, b), (c, d) = np.linalg.inv(matrices).transpose(1, 2, 0)[..., None, None]  # (N, 1, 1) each
    height, width = images.shape[2:]
    x = np.arange(width) - (width - 1) / 2 - shift[:, 0, None, None]  # (N, 1, W)
    y = (np.arange(height) - (height - 1) / 2)[:, None] - shift[:, 1, None, None]  # (N, H, 1)
    return _sample(images, a * x + b * y, c * x + d * y)


def _sample(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what is seen at points in pixels from the center, each broadcast to (N, H, W); zeros outside."""
    count, _, height, width = images.shape
    grid = np.empty((count, height, width, 2), images.dtype)  # torch counts from -1 to 1
    np.multiply(x, 2 / width, out=grid[..., 0])
    np.multiply(y, 2 / height, out=grid[..., 1])
    images = np.require(images, requirements=["C", "W"])  # as torch wants them
    sampled = np.empty_like(images)
    few = max(
        1, 8192 // (height * width)
    )  # torch starts no threads for so few: they would wait for each other
    for start in range(0, count, few):  # where programs share the cores
        part = slice(start, start + few)
        seen = F.grid_sample(
            torch.from_numpy(images[part]), torch.from_numpy(grid[part]), align_corners=False
        )
        sampled[part] = seen.numpy()
    return sampled


@dataclasses.dataclass(frozen=True)
class Rotation(Transform):
    """Turn each image by an angle of its own.

    Parameters
    ----------
    degrees : float
        The angle is drawn from ``-degrees`` to `degrees`; at most 180.

    Examples
    --------
    >>> images = np.ones((2, 1, 9, 9), dtype=np.float32)
    >>> turned, _ = Rotation(degrees=30)(images, np.array([0, 1]), np.random.default_rng(0))
    >>> turned[:, 0, 4, 4].round(3), bool((turned[:, 0, 0, 0] < 1).all())  # the center, a corner
    (array([1., 1.], dtype=float32), True)
    """

    name: ClassVar[str] = "rotation"
    degrees: float = 15.0

    def __post_init__(self) -> None:
        check_number("degrees", self.degrees, 0, 180, below=False)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the angles and turn."""
        return rotate(images, random.uniform(-self.degrees, self.degrees, len(images))), labels


@dataclasses.dataclass(frozen=True)
class Affine(Transform):
    """Draw a shift, a scale and a shear for each image.

    Parameters
    ----------
    translate : float
        The image moves along each axis by up to this share of its size, in whole pixels.
    scale : (float, float)
        The smallest and the largest factor.
    shear : float
        Upright lines lean by an angle from ``-shear`` to `shear` degrees; below 90.

    Examples
    --------
    >>> images = np.ones((2, 1, 8, 8), dtype=np.float32)
    >>> small = Affine(translate=0.0, scale=(0.5, 0.5))
    >>> small(images, np.array([0, 1]), np.random.default_rng(0))[0].sum(axis=(1, 2, 3))  # 4x4 are left
    array([16., 16.], dtype=float32)
    """

    name: ClassVar[str] = "affine"
    translate: float = 0.1
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0

    def __post_init__(self) -> None:
        check_number("translate", self.translate, 0, 1, below=False)
        object.__setattr__(self, "scale", check_range("scale", self.scale, "factor", math.inf))
        check_number("shear", self.shear, 0, 90)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the numbers and move."""
        count, _, height, width = images.shape
        pixels = self.translate * np.array([width, height])
        translate = np.rint(random.uniform(-pixels, pixels, (count, 2)))
        scale = random.uniform(*self.scale, (count, 1))
        shear = np.stack([random.uniform(-self.shear, self.shear, count), np.zeros(count)], axis=1)
        return affine(images, translate, scale, shear), labels


@dataclasses.dataclass(frozen=True)
class ResizedCrop(Transform):
    """Cut a rectangle of drawn size, form and place out of each image, and enlarge it to the image's size.

    Parameters
    ----------
    area : (float, float)
        The smallest and the largest share of the image's area.
    aspect : float
        Height over width is drawn from ``1 / aspect`` to `aspect`, by its logarithm.

    References
    ----------
    Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6,
    https://doi.org/10.1109/CVPR.2015.7298594.

    Examples
    --------
    >>> images = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> quarter = ResizedCrop(area=(0.25, 0.25), aspect=1.0)
    >>> cut, _ = quarter(images, np.array([0]), np.random.default_rng(0))
    >>> cut[0, 0, :, 0].round(3), cut[0, 0, 0].round(3)  # four rows and columns of two
    (array([4., 5., 7., 8.], dtype=float32), array([4.  , 4.25, 4.75, 5.  ], dtype=float32))
    """

    name: ClassVar[str] = "resized_crop"
    area: tuple[float, float] = (0.08, 1.0)
    aspect: float = 4 / 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "area", check_range("area", self.area, "share"))
        check_number("aspect", self.aspect, 1, math.inf)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the rectangles and cut; where none fits, the largest in the middle."""
        size = images.shape[2:]
        boxes = draw_boxes(len(images), size, self.area, self.aspect, random)
        largest = np.minimum(size, np.rint(np.multiply(size[::-1], self.aspect))).astype(int)
        boxes[boxes[:, 2] == 0] = [*(size - largest) // 2, *largest]
        return resized_crop(images, boxes), labels
