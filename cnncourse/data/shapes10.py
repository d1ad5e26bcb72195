"""Ten shapes, drawn: a data set that needs no download and that convolution can learn in seconds.

Each image shows one large textured figure on a textured ground. Place, size, angle, colors and
which of the two is the brighter are random, and scraps of figure and foreign color lie about, so
that no single pixel and no average tells the class: edges, and how they meet, have to be found.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cnncourse._checks import check_choice, check_count
from cnncourse.data.image_set import ImageSet, in_canonical_order

SIDE = 32
SIZES = {"train": 10_000, "test": 2_000}
SEEDS = {"train": 10, "test": 11}

Plane = npt.NDArray[np.floating[Any]]
# A figure maps local coordinates (figure about -1 to 1) to a signed distance, negative inside.
Field = Callable[[Plane, Plane], Plane]


def _disc(u: Plane, v: Plane) -> Plane:
    return np.hypot(u, v) - 0.85


def _ring(u: Plane, v: Plane) -> Plane:
    return np.abs(np.hypot(u, v) - 0.72) - 0.22


def _square(u: Plane, v: Plane) -> Plane:
    return np.maximum(np.abs(u), np.abs(v)) - 0.75


def _triangle(u: Plane, v: Plane) -> Plane:
    return np.maximum(0.866 * np.abs(u) - 0.5 * v, v) - 0.5


def _star(u: Plane, v: Plane) -> Plane:
    fold = np.abs(np.arctan2(u, v) % (2 * np.pi / 5) - np.pi / 5)  # angle from the nearest tip
    radius = np.hypot(u, v)
    tip, dent, half = 1.1, 0.45, np.pi / 5
    # Distance to the line from the tip (tip, 0) to the dent between two tips, along its normal.
    a, b = dent * math.sin(half), tip - dent * math.cos(half)
    distance: Plane = (a * (radius * np.cos(fold) - tip) + b * radius * np.sin(fold)) / math.hypot(a, b)
    return distance


def _cross(u: Plane, v: Plane) -> Plane:
    a, b = np.abs(u), np.abs(v)
    return np.maximum(np.minimum(a, b) - 0.28, np.maximum(a, b) - 0.95)


def _crescent(u: Plane, v: Plane) -> Plane:
    distance: Plane = np.maximum(np.hypot(u, v) - 0.95, 0.72 - np.hypot(u - 0.48, v))
    return distance


def _bar(u: Plane, v: Plane) -> Plane:
    return np.maximum(np.abs(u) - 1.05, np.abs(v) - 0.3)


def _half_disc(u: Plane, v: Plane) -> Plane:
    distance: Plane = np.maximum(np.hypot(u, v + 0.4) - 0.98, -(v + 0.4))
    return distance


def _corner(u: Plane, v: Plane) -> Plane:
    outer = np.maximum(np.abs(u), np.abs(v)) - 0.8
    return np.maximum(outer, np.minimum(u, v) + 0.3)


FIGURES: dict[str, Field] = {
    "bar": _bar,
    "corner": _corner,
    "crescent": _crescent,
    "cross": _cross,
    "disc": _disc,
    "half_disc": _half_disc,
    "ring": _ring,
    "square": _square,
    "star": _star,
    "triangle": _triangle,
}


def draw_shapes10(split: str = "train", n: int | None = None, seed: int | None = None) -> ImageSet:
    """Draw the ten-shapes data set.

    Parameters
    ----------
    split : str
        ``"train"`` (10,000 images) or ``"test"`` (2,000).
    n : int, optional
        How many images to draw instead; the classes take turns.
    seed : int, optional
        Another seed draws other images.

    Returns
    -------
    ImageSet
        RGB images of 32 x 32 pixels.

    Examples
    --------
    >>> draw_shapes10("train", n=20)
    ImageSet(shapes10 train: 20 images 3x32x32, 10 classes)
    """
    return draw_shapes10_masks(split, n, seed)[0]


def draw_shapes10_masks(
    split: str = "train", n: int | None = None, seed: int | None = None
) -> tuple[ImageSet, np.ndarray]:
    """Draw the images of `draw_shapes10`, and where the figure lies in each.

    Parameters
    ----------
    split, n, seed
        As in `draw_shapes10`, which draws the same images.

    Returns
    -------
    images : ImageSet
        RGB images of 32 x 32 pixels.
    masks : numpy.ndarray, shape (N, 32, 32), bool
        True where at least half of the pixel is covered by the figure.

    Examples
    --------
    >>> images, masks = draw_shapes10_masks("train", n=20)
    >>> masks.shape, bool(masks.any(axis=(1, 2)).all())
    ((20, 32, 32), True)
    """
    check_choice("split", split, SIZES)
    count = SIZES[split] if n is None else check_count("n", n)
    rng = np.random.default_rng(check_count("seed", SEEDS[split] if seed is None else seed, minimum=0))
    labels = np.arange(count) % len(FIGURES)
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    masks = np.empty((count, SIDE, SIDE), dtype=bool)
    for label, field in enumerate(FIGURES.values()):
        members = np.flatnonzero(labels == label)
        for start in range(0, len(members), 250):  # few enough to stay in the processor's cache
            some = members[start : start + 250]
            images[some], masks[some] = _draw(field, len(some), rng)
    order = in_canonical_order(images, labels)
    return ImageSet(images[order], labels[order], tuple(FIGURES), "shapes10", split), masks[order]


def _draw(field: Field, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` images of one figure, uint8 of shape (n, 3, 32, 32), and its masks, bool (n, 32, 32)."""
    ground, figure = _colors(n, rng)  # (n, 3, 1, 1) each
    scene = _scatter(ground + _texture(n, rng), figure, n, rng)
    inside = _coverage(field, n, rng)[:, None]  # (n, 1, 32, 32)
    scene += inside * (figure + _texture(n, rng) - scene)
    scene += rng.normal(0, 1, scene.shape).astype(np.float32) * _uniform(rng, n, 0.01, 0.05)
    return (np.clip(scene, 0, 1) * 255 + 0.5).astype(np.uint8), inside[:, 0] >= 0.5


def _uniform(rng: np.random.Generator, n: int, low: float, high: float, channels: int = 1) -> Plane:
    return rng.uniform(low, high, (n, channels, 1, 1)).astype(np.float32)


def _grid() -> tuple[Plane, Plane]:
    ticks = np.arange(SIDE, dtype=np.float32)
    return ticks[None, None, :], ticks[None, :, None]  # x along the row, y down the column


def _colors(n: int, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Draw two colors an image, apart in brightness by a random step up or down."""
    middle = _uniform(rng, n, 0.35, 0.65)
    step = _uniform(rng, n, 0.12, 0.3) * rng.choice([-1, 1], (n, 1, 1, 1)).astype(np.float32)
    tints = [_uniform(rng, n, -0.18, 0.18, channels=3) for _ in range(2)]
    ground, figure = (tint - tint.mean(axis=1, keepdims=True) for tint in tints)
    return middle - step + ground, middle + step + figure


def _texture(n: int, rng: np.random.Generator) -> Plane:
    """Draw a grating and a slow shade an image, shape (n, 1, 32, 32)."""
    x, y = _grid()
    waves = np.zeros((n, SIDE, SIDE), dtype=np.float32)
    for low, high, strength in ((0.5, 1.6, 0.14), (0.05, 0.25, 0.10)):
        angle, phase = rng.uniform(0, 2 * np.pi, (2, n, 1, 1)).astype(np.float32)
        frequency = rng.uniform(low, high, (n, 1, 1)).astype(np.float32)
        amplitude = rng.uniform(0, strength, (n, 1, 1)).astype(np.float32)
        waves += amplitude * np.sin(frequency * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    return waves[:, None]


def _coverage(field: Field, n: int, rng: np.random.Generator) -> Plane:
    """Place, turn and size a figure; return how much of each pixel it covers, shape (n, 32, 32)."""
    x, y = _grid()
    size = rng.uniform(5.7, 8.8, (n, 1, 1)).astype(np.float32)
    room = 15.5 - 0.85 * size  # the figure may be cut by the frame a little, not more
    place = rng.uniform(-1, 1, (2, n, 1, 1)).astype(np.float32) * room + 15.5
    angle = rng.uniform(-0.4, 0.4, (n, 1, 1)).astype(np.float32)
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    dx, dy = x - place[0], y - place[1]
    distance = field(cos * dx + sin * dy, cos * dy - sin * dx) * size
    covered: Plane = np.clip(0.5 - distance, 0, 1)
    return covered


def _scatter(scene: Plane, figure: Plane, n: int, rng: np.random.Generator) -> Plane:
    """Lay strokes and dots about: some of the figure's color, some of another."""
    x, y = _grid()
    for turn in range(4):
        place = rng.uniform(0, SIDE, (2, n, 1, 1)).astype(np.float32)
        angle = rng.uniform(0, np.pi, (n, 1, 1)).astype(np.float32)
        long, thin = rng.uniform((1.0, 0.5), (4.5, 1.5), (n, 2)).astype(np.float32).T[:, :, None, None]
        dx, dy = x - place[0], y - place[1]
        along = np.abs(np.cos(angle) * dx + np.sin(angle) * dy) - long
        across = np.abs(np.cos(angle) * dy - np.sin(angle) * dx) - thin
        cover = np.clip(0.5 - np.maximum(along, across), 0, 1)[:, None]
        color = figure if turn < 2 else _uniform(rng, n, 0.1, 0.9, channels=3)
        scene = scene + cover * (color - scene)
    return scene
