"""A random policy: for each image, some of fourteen operations, all of one strength."""

import dataclasses
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_count, check_number
from cnncourse.augmentation.color import adjust_brightness, adjust_contrast, adjust_saturation
from cnncourse.augmentation.geometry import affine, rotate
from cnncourse.augmentation.tones import adjust_sharpness, autocontrast, equalize, posterize, solarize
from cnncourse.augmentation.transform import Operation, Transform, apply_each

_MOST = 30  # the largest magnitude


def _shear(images: np.ndarray, slope: np.ndarray, axis: int) -> np.ndarray:
    """Shear images along x (axis 0) or y (1), so that the corner at the top left stays."""
    pairs = np.zeros((2, len(images), 2))  # shears in degrees, shifts in pixels
    pairs[0, :, axis] = np.degrees(np.arctan(slope))
    pairs[1, :, axis] = -slope * images.shape[2 + axis] / 2
    return affine(images, translate=pairs[1], shear=pairs[0])


def _translate(images: np.ndarray, strength: np.ndarray, axis: int) -> np.ndarray:
    """Move images along x (axis 0) or y (1), by up to 150 of 331 parts of their size, in whole pixels."""
    pixels = np.zeros((len(images), 2))
    pixels[:, axis] = np.trunc(150 / 331 * images.shape[3 - axis] * strength)
    return affine(images, translate=pixels)


# each takes images, and for each of them a strength from -1 to 1
OPERATIONS: dict[str, Operation] = {
    "identity": lambda images, strength: images,
    "shear_x": lambda images, strength: _shear(images, 0.3 * strength, 0),
    "shear_y": lambda images, strength: _shear(images, 0.3 * strength, 1),
    "translate_x": lambda images, strength: _translate(images, strength, 0),
    "translate_y": lambda images, strength: _translate(images, strength, 1),
    "rotate": lambda images, strength: rotate(images, 30 * strength),
    "brightness": lambda images, strength: adjust_brightness(images, 1 + 0.9 * strength),
    "saturation": lambda images, strength: adjust_saturation(images, 1 + 0.9 * strength),
    "contrast": lambda images, strength: adjust_contrast(images, 1 + 0.9 * strength),
    "sharpness": lambda images, strength: adjust_sharpness(images, 1 + 0.9 * strength),
    "posterize": lambda images, strength: posterize(images, np.rint(8 - 4 * np.abs(strength))),
    "solarize": lambda images, strength: solarize(images, 1 - np.abs(strength)),
    "autocontrast": lambda images, strength: autocontrast(images),
    "equalize": lambda images, strength: equalize(images),
}


@dataclasses.dataclass(frozen=True)
class RandAugment(Transform):
    """Apply to each image several operations, drawn from `OPERATIONS`: one number says how strongly.

    Parameters
    ----------
    operations : int
        How many one after the other; the same one may be drawn again.
    magnitude : float
        From 0 to 30. An operation that has two directions, such as a rotation, draws one of them.

    References
    ----------
    Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space",
    NeurIPS 2020, https://doi.org/10.48550/arXiv.1909.13719.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((4, 3, 8, 8), dtype=np.float32)
    >>> changed, _ = RandAugment()(images, np.arange(4), np.random.default_rng(0))
    >>> changed.shape
    (4, 3, 8, 8)
    """

    name: ClassVar[str] = "rand_augment"
    operations: int = 2
    magnitude: float = 9

    def __post_init__(self) -> None:
        check_count("operations", self.operations)
        check_number("magnitude", self.magnitude, 0, _MOST, below=False)

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the operations and their directions, and apply them."""
        operations = list(OPERATIONS.values())
        for _ in range(self.operations):
            chosen = random.integers(0, len(operations), len(images))
            strength = self.magnitude / _MOST * random.choice([-1.0, 1.0], len(images))
            images = apply_each(operations, images, chosen, strength)
        return images, labels
