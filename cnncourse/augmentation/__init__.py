"""Augmentation: images changed at random while their class stays, a whole batch at a time.

Each idea is there twice: a function that does what its arguments say, such as `rotate`, and a transform
that draws these arguments anew for every image, such as `Rotation`. Crops with padding and mirror images
are a recipe's own, `crop` and `flip`.

Examples
--------
>>> import numpy as np
>>> images = np.random.default_rng(0).random((4, 3, 8, 8), dtype=np.float32)
>>> transforms = [Rotation(degrees=10), Mixup(alpha=0.2)]
>>> changed, labels = apply(transforms, images, np.array([0, 1, 1, 2]), 3, np.random.default_rng(0))
>>> changed.shape, labels.shape  # mixed images have a share in several classes
((4, 3, 8, 8), (4, 3))
"""

from cnncourse.augmentation.color import ColorJitter, adjust_brightness, adjust_contrast, adjust_saturation
from cnncourse.augmentation.erasing import Erasing, erase
from cnncourse.augmentation.geometry import Affine, ResizedCrop, Rotation, affine, resized_crop, rotate
from cnncourse.augmentation.mixing import CutMix, Mixup, mix, paste
from cnncourse.augmentation.pipeline import TRANSFORMS, apply, read_transform
from cnncourse.augmentation.policy import OPERATIONS, RandAugment
from cnncourse.augmentation.tones import adjust_sharpness, autocontrast, equalize, posterize, solarize
from cnncourse.augmentation.transform import Transform

__all__ = [
    "OPERATIONS",
    "TRANSFORMS",
    "Affine",
    "ColorJitter",
    "CutMix",
    "Erasing",
    "Mixup",
    "RandAugment",
    "ResizedCrop",
    "Rotation",
    "Transform",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "apply",
    "autocontrast",
    "equalize",
    "erase",
    "mix",
    "paste",
    "posterize",
    "read_transform",
    "resized_crop",
    "rotate",
    "solarize",
]
