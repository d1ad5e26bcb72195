"""Photos of stripes in class folders: upright or level ones, in colors and widths that say nothing."""

from pathlib import Path

import numpy as np
from PIL import Image

KINDS = ("level", "upright")


def stripes(kind, seed, size=(64, 48)):
    """An image (H, W, 3), uint8; size is (width, height)."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    width, height = size
    along = np.arange(height)[:, None] if kind == "level" else np.arange(width)[None, :]
    wave = np.sin(along * random.uniform(0.35, 0.9) + random.uniform(0, 6.3))[..., None]
    colors = random.uniform(30, 225, (2, 3))
    image = colors.mean(axis=0) + wave * (colors[0] - colors[1]) / 2
    image = np.broadcast_to(image, (height, width, 3)) + random.normal(0, 12, (height, width, 3))
    # a dark corner somewhere, so that no two photos look alike when they are small
    i, j = random.integers(0, height - 20), random.integers(0, width - 20)
    image[i : i + 20, j : j + 20] *= random.uniform(0, 0.4, 3)
    return image.clip(0, 255).astype(np.uint8)


def write_stripes(folder, count=8, splits=("",), start=0, form="jpg", size=(64, 48)):
    """Write `count` photos of each kind into each split; return the folder."""
    for place, split in enumerate(splits):
        for kind in KINDS:
            inside = Path(folder, split, kind)
            inside.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                seed = start + 100 * place + number
                Image.fromarray(stripes(kind, seed, size)).save(inside / f"{number:02}.{form}")
    return Path(folder)
