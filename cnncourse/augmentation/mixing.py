"""Mixup: every image becomes a blend of two, and so does its label."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from cnncourse._checks import check_number
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
