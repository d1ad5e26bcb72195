"""What the pixels of many images have in common: histograms, means and deviations, neighbors."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from cnncourse._checks import IMAGE_AXES, check_choice, check_count, check_image, check_unit_range
from cnncourse.images.pixels import to_float


def histogram(images: Any, bins: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Count how many pixels hold which value, channel by channel.

    Parameters
    ----------
    images : array_like of uint8 or float of shape (H, W), (C, H, W) or (N, C, H, W)
        A gray picture counts as one channel.
    bins : int
        How many equal ranges of values are told apart.

    Returns
    -------
    counts : ndarray of int64 of shape (C, bins)
        Pixels in each range; each row sums to N · H · W.
    edges : ndarray of float64 of shape (bins + 1,)
        The ranges' borders on the scale 0 to 1.

    Examples
    --------
    >>> counts, edges = histogram(np.array([[0, 10], [200, 255]], dtype=np.uint8), bins=2)
    >>> counts, edges
    (array([[2, 2]]), array([0. , 0.5, 1. ]))
    """
    bins = check_count("bins", bins)
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim not in IMAGE_AXES or array.size == 0:
        array = check_image("images", array)
        check_unit_range("images", array)
    height, width = array.shape[-2:]
    channels = array.shape[-3] if array.ndim > 2 else 1
    batch = array.reshape(-1, channels, height, width)
    counts = np.zeros((channels, bins), dtype=np.int64)
    for start in range(0, len(batch), 1000):  # a thousand at a time: indices take 8 bytes a pixel
        for channel in range(channels):
            values = batch[start : start + 1000, channel].ravel()
            if array.dtype == np.uint8:
                index = values.astype(np.int64) * bins // 256
            else:
                index = np.minimum((values * bins).astype(np.int64), bins - 1)  # 1.0 is in the last range
            counts[channel] += np.bincount(index, minlength=bins)
    return counts, np.linspace(0, 1, bins + 1)


def channel_statistics(images: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each channel, over all pixels of all pictures.

    Parameters
    ----------
    images : array_like of uint8 or float of shape (C, H, W) or (N, C, H, W)
        uint8 is taken on the scale 0 to 1, floats as they are.

    Returns
    -------
    mean, std : ndarray of float64 of shape (C,)
        The deviation is that of the pixels themselves (divided by N · H · W).

    Examples
    --------
    >>> images = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1)
    >>> channel_statistics(images)
    (array([0.5]), array([0.5]))
    """
    array = np.asarray(images)
    if array.ndim not in (3, 4):
        raise ValueError(f"images must be (C, H, W) or (N, C, H, W), got shape {array.shape}")
    if array.dtype == np.uint8:  # only 256 values occur: count them once, exactly
        counts, _ = histogram(array)
        values = np.arange(256) / 255
        share = counts / counts.sum(axis=1, keepdims=True)  # (C, 256)
        mean = share @ values
        return mean, np.sqrt(np.sum(share * (values - mean[:, None]) ** 2, axis=1))
    array = check_image("images", array, (3, 4))
    axes = tuple(axis for axis in range(array.ndim) if axis != array.ndim - 3)
    return array.mean(axis=axes, dtype=np.float64), array.std(axis=axes, dtype=np.float64)


def normalize(images: Any, mean: Any, std: Any) -> np.ndarray:
    """Subtract each channel's mean and divide by its standard deviation.

    Parameters
    ----------
    images : array_like of uint8 or float of shape (C, H, W) or (N, C, H, W)
        uint8 is brought to the scale 0 to 1 first.
    mean, std : sequences of C floats
        Statistics of the *training* pictures, as `channel_statistics` gives them.

    Returns
    -------
    ndarray of float of the same shape

    Examples
    --------
    >>> normalize(np.full((1, 1, 2), 255, dtype=np.uint8), mean=[0.5], std=[0.25])
    array([[[2., 2.]]])
    """
    array = np.asarray(images)
    array = to_float(array) if array.dtype == np.uint8 else array
    array = check_image("images", array, (3, 4), empty_batch=True)
    mean, std = _per_channel("mean", mean, array), _per_channel("std", std, array)
    if not (std > 0).all():
        raise ValueError(f"std must be above 0 in every channel, got {std.ravel().tolist()}")
    normalized: np.ndarray = (array - mean) / std
    return normalized


def denormalize(images: Any, mean: Any, std: Any) -> np.ndarray:
    """Undo `normalize`, to look at what a network was given.

    Parameters
    ----------
    images : array_like of float of shape (C, H, W) or (N, C, H, W)
        Normalized values.
    mean, std : sequences of C floats
        What `normalize` was given.

    Returns
    -------
    ndarray of float of the same shape
        Values on the scale 0 to 1.

    Examples
    --------
    >>> denormalize(np.full((1, 1, 2), 2.0), mean=[0.5], std=[0.25])
    array([[[1., 1.]]])
    """
    array = check_image("images", images, (3, 4), empty_batch=True)
    restored: np.ndarray = array * _per_channel("std", std, array) + _per_channel("mean", mean, array)
    return restored


def _per_channel(argument: str, values: Any, images: np.ndarray) -> np.ndarray:
    """Return one value per channel with shape (C, 1, 1), ready to be broadcast."""
    row: np.ndarray = np.asarray(values, dtype=images.dtype)
    channels = images.shape[-3]
    if row.shape != (channels,):
        raise ValueError(
            f"{argument} must hold one value for each of the {channels} channels, got shape {row.shape}"
        )
    return row[:, None, None]


def neighbor_correlation(images: Any, distances: Iterable[int], direction: str = "horizontal") -> np.ndarray:
    """Return how alike pixels are that lie so many pixels apart.

    Parameters
    ----------
    images : array_like of shape (H, W), (C, H, W) or (N, C, H, W)
        All pairs of all pictures and channels are taken together.
    distances : sequence of int
        Distances in pixels, from 0 to one less than the picture's side.
    direction : {"horizontal", "vertical"}
        Along rows or along columns.

    Returns
    -------
    ndarray of float64 of shape (len(distances),)
        Pearson's correlation: 1 for equal up to brightness and contrast, 0 for no linear relation.

    Examples
    --------
    >>> checkers = np.indices((8, 8)).sum(axis=0) % 2
    >>> neighbor_correlation(checkers, [0, 1, 2])
    array([ 1., -1.,  1.])
    """
    axes = {"horizontal": -1, "vertical": -2}
    axis = axes[check_choice("direction", direction, axes)]
    array = np.moveaxis(check_image("images", images).astype(np.float64), axis, -1)
    side = array.shape[-1]
    result = []
    for distance in distances:
        if check_count("distances", distance, minimum=0) >= side:
            raise ValueError(f"distances must be below the picture's {side} pixels, got {distance}")
        first, second = array[..., : side - distance], array[..., distance:]
        first, second = first - first.mean(), second - second.mean()
        spread = np.sqrt((first**2).mean() * (second**2).mean())
        if spread < 1e-12:
            raise ValueError("images must not be of one single value: their correlation is not defined")
        result.append(np.clip((first * second).mean() / spread, -1, 1))
    return np.array(result)
