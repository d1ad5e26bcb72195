"""Augmentation: images changed at random while their class stays, a whole batch at a time.

Each idea is there twice: a function that does what its arguments say, such as `adjust_color`, and a
transform that draws these arguments anew for every image, such as `ColorJitter`.

Examples
--------
>>> import numpy as np
>>> images = np.random.default_rng(0).random((4, 3, 8, 8), dtype=np.float32)
>>> transforms = [ColorJitter(brightness=0.4), Mixup(alpha=0.2)]
>>> changed, labels = apply(transforms, images, np.array([0, 1, 1, 2]), 3, np.random.default_rng(0))
>>> changed.shape, labels.shape  # mixed images have a share in several classes
((4, 3, 8, 8), (4, 3))
"""

from cnncourse.augmentation.color import ColorJitter, adjust_color
from cnncourse.augmentation.erasing import Erasing, erase
from cnncourse.augmentation.mixing import Mixup, mix
from cnncourse.augmentation.pipeline import TRANSFORMS, apply, read_transform
from cnncourse.augmentation.transform import Transform

__all__ = [
    "TRANSFORMS",
    "ColorJitter",
    "Erasing",
    "Mixup",
    "Transform",
    "adjust_color",
    "apply",
    "erase",
    "mix",
    "read_transform",
]
