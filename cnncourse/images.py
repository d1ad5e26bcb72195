"""Pictures as arrays: range of values, color, layout, size, statistics.

A picture is ``(H, W)`` in gray or ``(C, H, W)`` in color, a batch is ``(N, C, H, W)``.
Stored values are uint8, 0 to 255; everything is computed in floats, 0 to 1.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from cnncourse._checks import IMAGE_AXES, check_choice, check_count, check_image, check_unit_range
from cnncourse._hog import hog
from cnncourse._resizing import gaussian_kernel, low_pass, resize, resize_matrix

__all__ = [
    "LUMA",
    "channel_statistics",
    "denormalize",
    "gaussian_kernel",
    "histogram",
    "hog",
    "linear_to_srgb",
    "low_pass",
    "neighbor_correlation",
    "normalize",
    "resize",
    "resize_matrix",
    "shuffle_pixels",
    "srgb_to_linear",
    "to_channels_first",
    "to_channels_last",
    "to_float",
    "to_gray",
    "to_uint8",
]

# What one unit of each channel adds to the gray value, (red, green, blue). Both standards weigh stored
# values, for luma; for luminance, BT.709's weigh amounts of light, since sRGB has the same primaries.
LUMA = {"rec601": (0.299, 0.587, 0.114), "rec709": (0.2126, 0.7152, 0.0722)}


def to_float(image: Any) -> np.ndarray:
    """Map stored whole numbers to floats between 0 (black) and 1 (full).

    Parameters
    ----------
    image : array of uint8 or uint16, any shape
        Stored values, 0 to 255 or 0 to 65,535.

    Returns
    -------
    array of float64, same shape
        The values divided by the largest that the type can hold.

    Raises
    ------
    TypeError
        If the values are of another type: floats are not divided a second time.

    Examples
    --------
    >>> to_float(np.array([0, 51, 255], dtype=np.uint8))
    array([0. , 0.2, 1. ])
    """
    array = np.asarray(image)
    if array.dtype not in (np.uint8, np.uint16):
        raise TypeError(
            f"image must be uint8 or uint16, got {array.dtype}; "
            "floats from 0 to 1 need no conversion, whole numbers from 0 to 255 need .astype(np.uint8) first"
        )
    scaled: np.ndarray = array / np.float64(np.iinfo(array.dtype).max)
    return scaled


def to_uint8(image: Any) -> np.ndarray:
    """Map floats between 0 and 1 to the nearest of the 256 stored values.

    Parameters
    ----------
    image : array of float, any shape
        Values below 0 become 0, values above 1 become 255.

    Returns
    -------
    array of uint8, same shape

    Raises
    ------
    TypeError
        If the values are whole numbers already.
    ValueError
        If a value is not a number.

    Examples
    --------
    >>> to_uint8(np.array([-0.1, 0.2, 0.5, 1.7]))
    array([  0,  51, 128, 255], dtype=uint8)
    """
    array = np.asarray(image)
    if array.dtype.kind != "f":
        raise TypeError(f"image must hold floats between 0 and 1, got {array.dtype}")
    if np.isnan(array).any():
        raise ValueError(f"image holds {np.isnan(array).sum()} values that are not a number (nan)")
    stored: np.ndarray = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return stored


def to_gray(image: Any, weights: str = "rec601") -> np.ndarray:
    """Weigh red, green and blue by how bright they look, and add them.

    Parameters
    ----------
    image : array, shape (3, H, W) or (N, 3, H, W)
        The channels in the order red, green, blue.
    weights : {"rec601", "rec709"}
        The weights of standard television (what most libraries use) or of high-definition television.

    Returns
    -------
    array of float, shape (H, W) or (N, H, W)
        The luma :math:`Y = w_R R + w_G G + w_B B`, in the range of the input. Of amounts of light
        (`srgb_to_linear`), "rec709" gives the luminance instead.

    References
    ----------
    ITU-R Recommendation BT.601, section 2.5.1; BT.709, section 3.

    Examples
    --------
    >>> green = np.zeros((3, 1, 1))
    >>> green[1] = 1.0
    >>> to_gray(green)
    array([[0.587]])
    """
    check_choice("weights", weights, LUMA)
    array = check_image("image", image, (3, 4))
    if array.shape[-3] != 3:
        raise ValueError(
            f"image must have 3 channels on axis {array.ndim - 3}, got shape {array.shape}; "
            "to_channels_first turns (H, W, 3) into (3, H, W)"
        )
    w = np.array(LUMA[weights], dtype=array.dtype)
    gray: np.ndarray = np.einsum("c,...chw->...hw", w, array)  # (..., 3, H, W) -> (..., H, W)
    return gray


def srgb_to_linear(image: Any) -> np.ndarray:
    r"""Turn stored values, 0 to 1, into amounts of light, 0 to 1.

    Parameters
    ----------
    image : array, any shape
        Values as files store them (sRGB), 0 to 1.

    Returns
    -------
    array of float, same shape
        Light: :math:`v / 12.92` where :math:`v \le 0.04045`, else :math:`((v + 0.055) / 1.055)^{2.4}`.

    References
    ----------
    IEC 61966-2-1:1999, section 5.2.

    Examples
    --------
    >>> srgb_to_linear([0.0, 0.5, 1.0]).round(3)
    array([0.   , 0.214, 1.   ])
    """
    v = np.asarray(image)
    check_unit_range("image", v)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Any) -> np.ndarray:
    """Turn amounts of light, 0 to 1, into the values that files store, 0 to 1.

    Parameters
    ----------
    light : array, any shape
        Amounts of light, 0 to 1.

    Returns
    -------
    array of float, same shape
        The inverse of `srgb_to_linear`.

    References
    ----------
    IEC 61966-2-1:1999, section 5.2.

    Examples
    --------
    >>> linear_to_srgb([0.0, 0.214, 1.0]).round(2)
    array([0. , 0.5, 1. ])
    """
    x = np.asarray(light)
    check_unit_range("light", x)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)


def to_channels_first(image: Any) -> np.ndarray:
    """Move the channel axis from the end to where networks want it.

    Parameters
    ----------
    image : array, shape (H, W, C) or (N, H, W, C)
        One to four channels.

    Returns
    -------
    array, shape (C, H, W) or (N, C, H, W)
        A view: nothing is copied, and each pixel keeps its color (a `reshape` would scramble them).

    Examples
    --------
    >>> to_channels_first(np.zeros((480, 640, 3))).shape
    (3, 480, 640)
    """
    array = np.asarray(image)
    if array.ndim not in (3, 4):
        raise ValueError(f"image must be (H, W, C) or (N, H, W, C), got shape {array.shape}")
    if not 1 <= array.shape[-1] <= 4:
        raise ValueError(
            f"image must have 1 to 4 channels on its last axis, got shape {array.shape}; "
            "is it channels first already?"
        )
    return np.moveaxis(array, -1, -3)


def to_channels_last(image: Any) -> np.ndarray:
    """Move the channel axis to the end, where Pillow and Matplotlib want it.

    Parameters
    ----------
    image : array, shape (C, H, W) or (N, C, H, W)
        One to four channels.

    Returns
    -------
    array, shape (H, W, C) or (N, H, W, C)
        A view.

    Examples
    --------
    >>> to_channels_last(np.zeros((10, 3, 32, 32))).shape
    (10, 32, 32, 3)
    """
    array = np.asarray(image)
    if array.ndim not in (3, 4):
        raise ValueError(f"image must be (C, H, W) or (N, C, H, W), got shape {array.shape}")
    if not 1 <= array.shape[-3] <= 4:
        raise ValueError(
            f"image must have 1 to 4 channels on axis {array.ndim - 3}, got shape {array.shape}; "
            "is it channels last already?"
        )
    return np.moveaxis(array, -3, -1)


def histogram(images: Any, bins: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Count how many pixels hold which value, channel by channel.

    Parameters
    ----------
    images : array of uint8, or of float between 0 and 1, shape (H, W), (C, H, W) or (N, C, H, W)
        A gray picture counts as one channel.
    bins : int
        How many equal ranges of values are told apart.

    Returns
    -------
    counts : array of int64, shape (C, bins)
        Pixels in each range; each row sums to N · H · W.
    edges : array of float64, shape (bins + 1,)
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
    images : array of uint8 or float, shape (C, H, W) or (N, C, H, W)
        uint8 is taken on the scale 0 to 1, floats as they are.

    Returns
    -------
    mean, std : arrays of float64, shape (C,)
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
    images : array of uint8 or float, shape (C, H, W) or (N, C, H, W)
        uint8 is brought to the scale 0 to 1 first.
    mean, std : sequences of C floats
        Statistics of the *training* pictures, as `channel_statistics` gives them.

    Returns
    -------
    array of float, same shape

    Examples
    --------
    >>> normalize(np.full((1, 1, 2), 255, dtype=np.uint8), mean=[0.5], std=[0.25])
    array([[[2., 2.]]])
    """
    array = np.asarray(images)
    array = check_image("images", to_float(array) if array.dtype == np.uint8 else array, (3, 4))
    mean, std = _per_channel("mean", mean, array), _per_channel("std", std, array)
    if not (std > 0).all():
        raise ValueError(f"std must be above 0 in every channel, got {std.ravel().tolist()}")
    normalized: np.ndarray = (array - mean) / std
    return normalized


def denormalize(images: Any, mean: Any, std: Any) -> np.ndarray:
    """Undo `normalize`, to look at what a network was given.

    Parameters
    ----------
    images : array of float, shape (C, H, W) or (N, C, H, W)
        Normalized values.
    mean, std : sequences of C floats
        What `normalize` was given.

    Returns
    -------
    array of float, same shape
        Values on the scale 0 to 1.

    Examples
    --------
    >>> denormalize(np.full((1, 1, 2), 2.0), mean=[0.5], std=[0.25])
    array([[[1., 1.]]])
    """
    array = check_image("images", images, (3, 4))
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
    images : array, shape (H, W), (C, H, W) or (N, C, H, W)
        All pairs of all pictures and channels are taken together.
    distances : sequence of int
        Distances in pixels, from 0 to one less than the picture's side.
    direction : {"horizontal", "vertical"}
        Along rows or along columns.

    Returns
    -------
    array of float64, shape (len(distances),)
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


def shuffle_pixels(images: Any, seed: int, inverse: bool = False) -> np.ndarray:
    """Move every pixel to another place, the same place in every picture.

    Parameters
    ----------
    images : array, shape (H, W), (C, H, W) or (N, C, H, W)
        A pixel's channels stay together.
    seed : int
        Seed of the one permutation of the H · W places.
    inverse : bool
        Put the pixels back.

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> image = np.arange(6).reshape(2, 3)
    >>> shuffled = shuffle_pixels(image, seed=1)
    >>> sorted(shuffled.ravel().tolist())
    [0, 1, 2, 3, 4, 5]
    >>> np.array_equal(shuffle_pixels(shuffled, seed=1, inverse=True), image)
    True
    """
    array = np.asarray(images)
    if array.ndim not in IMAGE_AXES:
        raise ValueError(f"images must be (H, W) or (C, H, W) or (N, C, H, W), got shape {array.shape}")
    height, width = array.shape[-2:]
    order = np.random.default_rng(seed).permutation(height * width)
    if inverse:
        order = np.argsort(order)
    flat = array.reshape(*array.shape[:-2], height * width)
    shuffled: np.ndarray = flat[..., order].reshape(array.shape)
    return shuffled
