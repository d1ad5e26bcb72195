"""Pictures with another number of pixels: resizing and low-pass filters by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_choice, check_count, check_image

RESIZE_METHODS = ("nearest", "nearest-exact", "bilinear", "area")


def resize_matrix(size: int, new_size: int, method: str = "bilinear", antialias: bool = True) -> np.ndarray:
    r"""Return the weights with which old pixels make up new ones, along one axis.

    The middle of new pixel :math:`i` lies at :math:`c_i = (i + 1/2) S / S'` on the old axis of :math:`S`
    pixels, where old pixel :math:`j` covers :math:`[j, j + 1]`; :math:`S'` is the new size.

    Parameters
    ----------
    size, new_size : int
        Pixels before and after.
    method : {"bilinear", "nearest", "nearest-exact", "area"}
        - "bilinear": a triangle around :math:`c_i`, one pixel wide to each side;
        - "nearest-exact": the pixel that holds :math:`c_i`;
        - "nearest": the pixel that holds the output pixel's left edge, as in PyTorch's "nearest";
        - "area": the plain mean of all pixels that the output pixel touches, as PyTorch's "area"
          (OpenCV's INTER_AREA weighs them by how much of them it covers).
    antialias : bool
        Widen the triangle of "bilinear" to the new pixels' distance when the picture gets smaller, so that
        every old pixel has a say. The other methods do not change.

    Returns
    -------
    ndarray of float64 of shape (new_size, size)
        Each row sums to 1.

    Examples
    --------
    >>> resize_matrix(4, 2, "area")
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    >>> resize_matrix(4, 2, "nearest")
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """
    size, new_size = check_count("size", size), check_count("new_size", new_size)
    check_choice("method", method, RESIZE_METHODS)
    i, j = np.arange(new_size)[:, None], np.arange(size)[None, :]
    if method == "nearest":
        weights = j == i * size // new_size
    elif method == "nearest-exact":
        weights = j == (2 * i + 1) * size // (2 * new_size)
    elif method == "area":
        weights = (j >= i * size // new_size) & (j < -(-(i + 1) * size // new_size))
    else:
        width = max(size / new_size, 1.0) if antialias else 1.0
        center = (i + 0.5) * size / new_size
        weights = np.maximum(0.0, 1.0 - np.abs(j + 0.5 - center) / width)
    matrix: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return matrix


def resize(
    image: Any, size: int | tuple[int, int], method: str = "bilinear", antialias: bool = True
) -> np.ndarray:
    """Return the picture with another number of pixels.

    Parameters
    ----------
    image : array_like of shape (H, W), (C, H, W) or (N, C, H, W)
        Whole numbers become floats, in their own range.
    size : int or (int, int)
        New height and width; one number gives a square.
    method : {"bilinear", "nearest", "nearest-exact", "area"}
        How new pixels are made of old ones, see `resize_matrix`.
    antialias : bool
        Average over all old pixels when the picture gets smaller ("bilinear" only).
        ``False`` is what :func:`torch.nn.functional.interpolate` does if it is not told otherwise.

    Returns
    -------
    ndarray of float of shape (..., H_new, W_new)

    Examples
    --------
    >>> resize([[0, 0, 8, 8], [0, 0, 8, 8]], (1, 2), method="area")
    array([[0., 8.]])
    """
    array = check_image("image", image, empty_batch=True)
    height, width = (size, size) if isinstance(size, (int, np.integer)) else _pair("size", size)
    rows = resize_matrix(array.shape[-2], height, method, antialias).astype(array.dtype)
    columns = resize_matrix(array.shape[-1], width, method, antialias).astype(array.dtype)
    resized: np.ndarray = rows @ array @ columns.T  # (H_new, H) @ (..., H, W) @ (W, W_new)
    return resized


def _pair(argument: str, value: Any) -> tuple[int, int]:
    """Return `value` as (height, width)."""
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError(f"{argument} must be one number or (height, width), got {value!r}")
    return value[0], value[1]


def gaussian_kernel(sigma: float, radius: int | None = None) -> np.ndarray:
    """Return the weights of a bell curve, one per pixel, that sum to 1.

    Parameters
    ----------
    sigma : float
        Width of the curve, in pixels, above 0.
    radius : int, optional
        Pixels to each side of the middle; the default is ``3 * sigma``, rounded up.

    Returns
    -------
    ndarray of float64 of shape (2 * radius + 1,)

    Examples
    --------
    >>> gaussian_kernel(0.8, radius=1).round(2)
    array([0.24, 0.52, 0.24])
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    radius = int(np.ceil(3 * sigma)) if radius is None else check_count("radius", radius, minimum=0)
    curve = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights: np.ndarray = curve / curve.sum()
    return weights


def low_pass(image: Any, sigma: float) -> np.ndarray:
    r"""Weaken what changes fast, by a Gaussian blur along rows and columns.

    A wave of period :math:`p` keeps :math:`e^{-2 (\pi \sigma / p)^2}` of its height: a half where
    :math:`p` is :math:`5.3\,\sigma`, 4% where it is :math:`2.5\,\sigma`.

    Parameters
    ----------
    image : array_like of shape (H, W), (C, H, W) or (N, C, H, W)
        The picture; beyond its border it is mirrored.
    sigma : float
        Width of the Gaussian, in pixels.

    Returns
    -------
    ndarray of float of the same shape

    Examples
    --------
    >>> stripes = np.tile([0.0, 1.0], (2, 8))
    >>> low_pass(stripes, sigma=2.0)[0, 6:10].round(2)
    array([0.5, 0.5, 0.5, 0.5])
    """
    array = check_image("image", image, empty_batch=True)
    weights = gaussian_kernel(sigma).astype(array.dtype)
    radius = len(weights) // 2
    for axis in (-2, -1):
        border = [(0, 0)] * array.ndim
        border[axis] = (radius, radius)
        padded = np.pad(array, border, mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=axis)
        array = windows @ weights  # (..., H, W, K) @ (K,) -> (..., H, W)
    return array
