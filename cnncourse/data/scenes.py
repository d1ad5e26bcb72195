"""Boxes around masks, and scenes with several figures of the ten shapes, each with a mask of its own."""

from typing import NamedTuple

import numpy as np

from cnncourse._checks import check_count
from cnncourse.data.shapes10 import FIGURES, SIDE, draw_shapes10_masks


class Scene(NamedTuple):
    """A picture with several figures, and what it shows.

    Parameters
    ----------
    image : numpy.ndarray, shape (3, H, W), uint8
        The picture.
    masks : numpy.ndarray, shape (K, H, W), bool
        The visible pixels of each figure; no pixel belongs to two, and a covered figure may have none.
    labels : numpy.ndarray, shape (K,), int64
        The class of each figure.
    classes : tuple of str
        The classes' names.
    """

    image: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def boxes_of(masks: np.ndarray) -> np.ndarray:
    """Return the smallest box around each mask.

    Parameters
    ----------
    masks : numpy.ndarray, shape (N, H, W), bool
        Each with at least one pixel.

    Returns
    -------
    numpy.ndarray, shape (N, 4), int64
        Left, top, right and bottom edge in pixels: the box covers columns left to right - 1.

    Raises
    ------
    ValueError
        If the masks have other axes, or one is empty.

    Examples
    --------
    >>> mask = np.zeros((1, 5, 5), bool)
    >>> mask[0, 1:3, 2:5] = True
    >>> boxes_of(mask).tolist()
    [[2, 1, 5, 3]]
    """
    masks = np.asarray(masks).astype(bool)
    if masks.ndim != 3:
        raise ValueError(f"masks must be (N, H, W), got shape {masks.shape}")
    columns: np.ndarray = np.any(masks, axis=1)  # (N, W)
    rows: np.ndarray = np.any(masks, axis=2)  # (N, H)
    if len(masks) and not columns.any(axis=1).all():
        empty = np.flatnonzero(~columns.any(axis=1))[0]
        raise ValueError(f"masks[{empty}] has no pixel, so there is no box around it")
    left, top = columns.argmax(axis=1), rows.argmax(axis=1)
    right = columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    bottom = rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    return np.stack([left, top, right, bottom], axis=1).astype(np.int64)


def draw_scene(figures: int = 4, side: int = 64, seed: int = 0) -> Scene:
    """Lay some figures of the ten shapes on one ground, the later over the earlier.

    Parameters
    ----------
    figures : int
        How many.
    side : int
        Height and width of the picture, at least 32.
    seed : int
        Decides the figures and their places.

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        If `side` is below 32.

    Examples
    --------
    >>> scene = draw_scene(3)
    >>> scene.image.shape, scene.masks.shape, int(scene.masks.sum(axis=0).max())
    ((3, 64, 64), (3, 64, 64), 1)
    """
    side = check_count("side", side, minimum=SIDE)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    images, masks = draw_shapes10_masks(n=10 * check_count("figures", figures), seed=seed)
    chosen = rng.permutation(len(images))[:figures]
    return _lay(images.images[chosen], masks[chosen], images.labels[chosen], side, rng)


def draw_scenes(n: int, most: int = 4, side: int = 64, seed: int = 0) -> list[Scene]:
    """Draw many scenes at once, each with one figure to `most`.

    Parameters
    ----------
    n : int
        How many scenes.
    most : int
        Figures of a scene, at most.
    side : int
        Height and width of the pictures, at least 32.
    seed : int
        Decides the figures and their places.

    Returns
    -------
    list of Scene

    Raises
    ------
    ValueError
        If `n` or `most` is below 1, or `side` below 32.

    Examples
    --------
    >>> scenes = draw_scenes(3, most=2)
    >>> len(scenes), scenes[0].image.shape, max(len(scene.masks) for scene in scenes) <= 2
    (3, (3, 64, 64), True)
    """
    side = check_count("side", side, minimum=SIDE)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    counts = rng.integers(1, check_count("most", most) + 1, check_count("n", n))
    images, masks = draw_shapes10_masks(n=int(counts.sum()), seed=seed)
    shares = np.split(rng.permutation(len(images)), np.cumsum(counts)[:-1])
    return [_lay(images.images[chosen], masks[chosen], images.labels[chosen], side, rng) for chosen in shares]


def _lay(
    images: np.ndarray, masks: np.ndarray, labels: np.ndarray, side: int, rng: np.random.Generator
) -> Scene:
    """Lay figures on a plain ground in the mean color of the first image, each somewhere at random."""
    noise = rng.normal(0, 5, (3, side, side))
    scene = (images[0].mean(axis=(1, 2))[:, None, None] + noise).clip(0, 255).astype(np.uint8)
    visible = np.zeros((len(images), side, side), dtype=bool)
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        top, left = rng.integers(0, side - SIDE + 1, 2)
        window = np.s_[top : top + SIDE, left : left + SIDE]
        scene[:, *window][:, mask] = image[:, mask]
        visible[:, *window][:, mask] = False
        visible[index, *window] = mask
    return Scene(scene, visible, labels, tuple(FIGURES))
