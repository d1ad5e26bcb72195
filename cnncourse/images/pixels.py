"""Pixels as numbers: their range, the order of their axes, and the same ones shuffled."""

from typing import Any

import numpy as np

from cnncourse._checks import IMAGE_AXES, check_array


def to_float(image: Any) -> np.ndarray:
    """Map stored whole numbers to floats between 0 (black) and 1 (full).

    Parameters
    ----------
    image : array_like of uint8 or uint16 of any shape
        Stored values, 0 to 255 or 0 to 65,535.

    Returns
    -------
    ndarray of float64 of the same shape
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
    image : array_like of float of any shape
        Values below 0 become 0, values above 1 become 255.

    Returns
    -------
    ndarray of uint8 of the same shape

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
    stored: np.ndarray = np.rint(np.clip(check_array("image", array), 0, 1) * 255).astype(np.uint8)
    return stored


def to_channels_first(image: Any) -> np.ndarray:
    """Move the channel axis from the end to where networks want it.

    Parameters
    ----------
    image : array_like of shape (H, W, C) or (N, H, W, C)
        One to four channels.

    Returns
    -------
    ndarray of shape (C, H, W) or (N, C, H, W)
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
    image : array_like of shape (C, H, W) or (N, C, H, W)
        One to four channels.

    Returns
    -------
    ndarray of shape (H, W, C) or (N, H, W, C)
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


def shuffle_pixels(images: Any, seed: int, inverse: bool = False) -> np.ndarray:
    """Move every pixel to another place, the same place in every picture.

    Parameters
    ----------
    images : array_like of shape (H, W), (C, H, W) or (N, C, H, W)
        A pixel's channels stay together.
    seed : int
        Seed of the one permutation of the H · W places.
    inverse : bool
        Put the pixels back.

    Returns
    -------
    ndarray of the same shape and dtype

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
