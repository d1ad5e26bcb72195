"""Transforms by name, and one after the other."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnncourse._checks import suggest
from cnncourse.augmentation.color import ColorJitter
from cnncourse.augmentation.erasing import Erasing
from cnncourse.augmentation.geometry import Affine, ResizedCrop, Rotation
from cnncourse.augmentation.mixing import CutMix, Mixup
from cnncourse.augmentation.policy import RandAugment
from cnncourse.augmentation.transform import Transform

TRANSFORMS: dict[str, type[Transform]] = {
    kind.name: kind
    for kind in (Rotation, Affine, ResizedCrop, ColorJitter, Erasing, Mixup, CutMix, RandAugment)
}


def read_transform(values: Transform | Mapping[str, Any]) -> Transform:
    """Return the transform that a table with its name and numbers describes; a transform is one already.

    Raises
    ------
    TypeError, ValueError
        If it is no such table, or a name or number in it is unknown or out of range.

    Examples
    --------
    >>> read_transform({"name": "mixup", "alpha": 0.4})
    Mixup(alpha=0.4)
    >>> read_transform({"name": "mixup", "beta": 0.4})
    Traceback (most recent call last):
    ...
    ValueError: augment 'mixup' has no number 'beta'. Known: alpha.
    """
    if isinstance(values, Transform):
        return values
    if not isinstance(values, Mapping) or "name" not in values:
        raise TypeError(f'augment holds tables with a name, such as {{name = "mixup"}}, got {values!r}')
    name = values["name"]
    if name not in TRANSFORMS:
        raise ValueError(f"augment has an unknown transform: {name!r}. {suggest(name, TRANSFORMS)}")
    kind = TRANSFORMS[name]
    numbers = {key: value for key, value in values.items() if key != "name"}
    known = [field.name for field in dataclasses.fields(kind)]
    for key in numbers:
        if key not in known:
            raise ValueError(f"augment {name!r} has no number {key!r}. {suggest(key, known)}")
    try:
        return kind(**numbers)
    except (TypeError, ValueError) as error:
        raise type(error)(f"augment {name!r}: {error}") from None


def apply(
    transforms: Sequence[Transform],
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels after all transforms, in their order.

    Parameters
    ----------
    transforms : sequence of Transform
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    labels : ndarray of shape (N,)
        Classes, from 0.
    classes : int
        How many classes there are.
    random : Generator
        What the transforms draw from.

    Returns
    -------
    images : ndarray of shape (N, C, H, W)
    labels : ndarray of shape (N,) or (N, classes)
        The second, shares that sum to one, if a transform mixes images.

    Examples
    --------
    >>> images = np.zeros((2, 1, 4, 4), dtype=np.float32)
    >>> apply([Erasing()], images, np.array([2, 0]), 3, np.random.default_rng(0))[1]
    array([2, 0])
    """
    if any(transform.mixes for transform in transforms):
        labels = np.eye(classes, dtype=np.float32)[labels]  # (N,) -> (N, classes)
    for transform in transforms:
        images, labels = transform(images, labels, random)
    return images, labels
