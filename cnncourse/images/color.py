"""Color and gray: luma, and amounts of light."""

from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_choice, check_image, check_unit_range

# What one unit of each channel adds to the gray value, (red, green, blue). Both standards weigh stored
# values, for luma; for luminance, BT.709's weigh amounts of light, since sRGB has the same primaries.
LUMA = {"rec601": (0.299, 0.587, 0.114), "rec709": (0.2126, 0.7152, 0.0722)}


def to_gray(image: Any, weights: str = "rec601") -> np.ndarray:
    """Weigh red, green and blue by how bright they look, and add them.

    Parameters
    ----------
    image : array_like of shape (3, H, W) or (N, 3, H, W)
        The channels in the order red, green, blue.
    weights : {"rec601", "rec709"}
        The weights of standard television (what most libraries use) or of high-definition television.

    Returns
    -------
    ndarray of float of shape (H, W) or (N, H, W)
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
    array = check_image("image", image, (3, 4), empty_batch=True)
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
    image : array_like of any shape
        Values as files store them (sRGB), 0 to 1.

    Returns
    -------
    ndarray of float of the same shape
        Light: :math:`v / 12.92` where :math:`v \le 0.04045`, else :math:`((v + 0.055) / 1.055)^{2.4}`.

    References
    ----------
    IEC 61966-2-1:1999, section 5.2.

    Examples
    --------
    >>> srgb_to_linear([0.0, 0.5, 1.0]).round(3)
    array([0.   , 0.214, 1.   ])
    """
    v = check_array("image", image)
    check_unit_range("image", v)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Any) -> np.ndarray:
    """Turn amounts of light, 0 to 1, into the values that files store, 0 to 1.

    Parameters
    ----------
    light : array_like of any shape
        Amounts of light, 0 to 1.

    Returns
    -------
    ndarray of float of the same shape
        The inverse of `srgb_to_linear`.

    References
    ----------
    IEC 61966-2-1:1999, section 5.2.

    Examples
    --------
    >>> linear_to_srgb([0.0, 0.214, 1.0]).round(2)
    array([0. , 0.5, 1. ])
    """
    x = check_array("light", light)
    check_unit_range("light", x)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)
