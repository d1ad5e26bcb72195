"""Kernels that people designed before networks learned their own."""

from types import MappingProxyType
from typing import Any

import numpy as np

from cnncourse._checks import check_count


def _kernel(rows: list[list[float]], divide_by: float = 1.0) -> np.ndarray:
    """Return an array that cannot be written to, so that nobody changes a kernel for everybody."""
    array = np.array(rows, dtype=np.float64) / divide_by
    array.setflags(write=False)
    return array


KERNELS: MappingProxyType[str, Any] = MappingProxyType(
    {
        "identity": _kernel([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        "box_blur": _kernel([[1, 1, 1], [1, 1, 1], [1, 1, 1]], divide_by=9),
        "gaussian_blur": _kernel([[1, 2, 1], [2, 4, 2], [1, 2, 1]], divide_by=16),
        "sharpen": _kernel([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        "sobel_x": _kernel([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        "sobel_y": _kernel([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        "laplacian": _kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        "emboss": _kernel([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    }
)
"""Classic 3x3 kernels by name, as they are slid over the picture (cross-correlation, not flipped).

`sobel_x` answers to brightness that grows from left to right, `sobel_y` from top to bottom.
"""


def gabor(
    size: int,
    wavelength: float,
    angle: float = 0.0,
    sigma: float | None = None,
    aspect: float = 0.5,
    phase: float = 0.0,
) -> np.ndarray:
    r"""Draw a Gabor kernel: a wave that fades out from its middle.

    .. math:: \exp\left(-\frac{u^2 + \gamma^2 v^2}{2\sigma^2}\right)
              \cos\left(2\pi\frac{u}{\lambda} + \varphi\right)

    where u runs across the stripes and v along them.

    Parameters
    ----------
    size : int
        Height and width in pixels, odd.
    wavelength : float
        Pixels from one bright stripe to the next (lambda).
    angle : float
        Direction across the stripes in radians, clockwise since rows count downward: 0 gives upright
        stripes, ``pi / 2`` level ones.
    sigma : float, optional
        How far the wave reaches, in pixels; half the wavelength if it is left out.
    aspect : float
        Gamma: 1 fades equally in all directions, smaller values give longer stripes.
    phase : float
        Shift of the wave in radians: 0 is even (a bright middle), ``pi / 2`` is odd (an edge).

    Returns
    -------
    ndarray of shape (size, size)
        Shifted to sum 0, so that a flat picture gives no answer, and scaled so that the
        absolute values sum to 1.

    References
    ----------
    J. G. Daugman, Uncertainty relation for resolution in space, spatial frequency, and orientation
    optimized by two-dimensional visual cortical filters, 1985. https://doi.org/10.1364/JOSAA.2.001160

    Examples
    --------
    >>> kernel = gabor(7, wavelength=4)
    >>> kernel.shape, abs(float(kernel.sum())) < 1e-12
    ((7, 7), True)
    """
    if check_count("size", size) % 2 == 0 or size == 1:
        raise ValueError(f"size must be odd and at least 3, so that the kernel has a middle, got {size}")
    sigma = wavelength / 2 if sigma is None else sigma
    for argument, value in (("wavelength", wavelength), ("sigma", sigma)):
        if not value > 0:
            raise ValueError(f"{argument} must be greater than 0, got {value}")
    y, x = np.mgrid[-(size // 2) : size // 2 + 1, -(size // 2) : size // 2 + 1].astype(np.float64)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = -x * np.sin(angle) + y * np.cos(angle)
    wave = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2)) * np.cos(2 * np.pi * u / wavelength + phase)
    wave -= wave.mean()
    return np.asarray(wave / np.abs(wave).sum())
