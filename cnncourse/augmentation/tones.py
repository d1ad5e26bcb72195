"""Tones: the values of pixels sharpened, coarsened, turned round and spread out."""

import numpy as np

from cnncourse.augmentation.transform import of_each


def adjust_sharpness(images: np.ndarray, sharpness: np.ndarray | float) -> np.ndarray:
    """Sharpen images or blur them; pixels at the border stay as they are.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    sharpness : float or ndarray of shape (N,)
        The distance of every pixel from the mean of its neighborhood, in which it counts five times and
        its eight neighbors once, is multiplied by it: 0 blurs, 1 changes nothing, 2 sharpens.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> image = np.zeros((1, 1, 3, 3))
    >>> image[0, 0, 1, 1] = 0.52
    >>> [adjust_sharpness(image, factor)[0, 0, 1, 1].round(2).item() for factor in (0, 1, 2)]
    [0.2, 0.52, 0.84]
    """
    inner = images[:, :, 1:-1, 1:-1]
    rows = images[:, :, :-2] + images[:, :, 1:-1] + images[:, :, 2:]
    blurred = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * inner) / 13
    sharpened: np.ndarray = images.copy()
    sharpened[:, :, 1:-1, 1:-1] = blurred + of_each(sharpness) * (inner - blurred)
    return np.clip(sharpened, 0, 1, out=sharpened)


def posterize(images: np.ndarray, bits: np.ndarray | int) -> np.ndarray:
    """Leave so many bits of every value: ``2 ** bits`` shades.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    bits : int or ndarray of shape (N,)
        From 0 (black) to 8.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> posterize(np.array([0.1, 0.3, 0.6, 1.0]).reshape(1, 1, 1, 4), bits=2).ravel()
    array([0.  , 0.25, 0.5 , 0.75])
    """
    shades = 2 ** of_each(bits)
    coarse: np.ndarray = np.minimum(np.floor(images * shades), shades - 1) / shades
    return coarse


def solarize(images: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """Turn light into dark, from a threshold on.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1.
    threshold : float or ndarray of shape (N,)
        Values of at least this much become one minus the value.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> solarize(np.array([0.25, 0.5, 1.0]).reshape(1, 1, 1, 3), threshold=0.75).ravel()
    array([0.25, 0.5 , 0.  ])
    """
    return np.where(images >= of_each(threshold), 1 - images, images)


def autocontrast(images: np.ndarray) -> np.ndarray:
    """Stretch the values of each channel, so that the darkest becomes 0 and the lightest 1.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        A channel of one value stays as it is.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> autocontrast(np.array([0.25, 0.5, 0.75]).reshape(1, 1, 1, 3)).ravel()
    array([0. , 0.5, 1. ])
    """
    low, high = (find(axis=(2, 3), keepdims=True) for find in (images.min, images.max))  # (N, C, 1, 1)
    flat = low == high
    stretched: np.ndarray = (images - np.where(flat, 0, low)) / np.where(flat, 1, high - low)
    return stretched


def equalize(images: np.ndarray) -> np.ndarray:
    """Give each channel a level histogram, as Pillow does: about as many pixels of each of 256 shades.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        float32 on the scale 0 to 1. A channel with fewer than 255 pixels darker than its lightest ones is
        only rounded to 256 shades.

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Examples
    --------
    >>> dark = np.linspace(0, 0.5, 16384).reshape(1, 1, 128, 128)
    >>> [values.mean().round(2).item() for values in (dark, equalize(dark))]
    [0.25, 0.51]
    """
    count, channels, height, width = images.shape
    shades = (images * 255.999).astype(np.int64).reshape(count * channels, -1)  # (rows, H W)
    rows = np.arange(len(shades))[:, None]
    places = 256 * rows + shades
    histogram = np.bincount(places.ravel(), minlength=256 * len(shades)).reshape(-1, 256)
    lightest = histogram[rows, shades.max(axis=1, keepdims=True)]  # (rows, 1): how many pixels are that light
    step = (height * width - lightest) // 255
    darker = histogram.cumsum(axis=1) - histogram  # how many pixels are darker than each shade
    spread = np.minimum((darker + step // 2) // np.maximum(step, 1), 255)
    table = np.where(step > 0, spread, np.arange(256)).astype(images.dtype) / 255
    level: np.ndarray = table.ravel()[places]
    return level.reshape(images.shape)
