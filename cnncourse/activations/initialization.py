"""Random weights whose size fits the layer: Glorot's and He's rules, normal and uniform.

A weight has its outputs first, as in torch: (C_out, C_in) for a dense layer, (C_out, C_in / groups, K_h, K_w)
for a convolution. `rng` is a seed or a NumPy generator; the same seed gives the same weights.
"""

import math
from collections.abc import Sequence

import numpy as np

from cnncourse._checks import check_choice, check_counts

Rng = int | np.random.Generator


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many inputs one output of a layer adds up, and how many outputs one input goes to.

    Parameters
    ----------
    shape : sequence of int
        The weight's shape, (C_out, C_in / groups, ...) with the kernel's sides behind.

    Returns
    -------
    fan_in, fan_out : int
        ``C_in / groups`` and ``C_out``, each times the kernel's cells. (For groups, and for a stride or a
        border, the true number of outputs is smaller; torch counts in the same way.)

    Raises
    ------
    ValueError
        If the shape has fewer than two axes, or one of them is empty.

    Examples
    --------
    >>> fans((64, 3, 5, 5))
    (75, 1600)
    """
    sides = check_counts("shape", shape, "(C_out, C_in, ...)")
    if len(sides) < 2:
        raise ValueError(f"shape must be (C_out, C_in, ...), got {sides}; start a bias with zeros")
    cells = math.prod(sides[2:])
    return sides[1] * cells, sides[0] * cells


def glorot_normal(shape: Sequence[int], rng: Rng, gain: float = 1.0) -> np.ndarray:
    """Return normal weights with variance ``2 gain^2 / (fan_in + fan_out)``.

    The mean of what the forward and what the backward pass ask for, where the activation is about linear.

    Parameters
    ----------
    shape : sequence of int
        (C_out, C_in / groups, ...).
    rng : int or numpy.random.Generator
        Decides the weights.
    gain : float
        Makes up for what the activation takes; see `gain`.

    Returns
    -------
    ndarray of shape `shape`

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, section 4.2.

    Examples
    --------
    >>> weight = glorot_normal((300, 100), rng=0)
    >>> round(float(weight.var() * (300 + 100) / 2), 1)
    1.0
    """
    return np.random.default_rng(rng).normal(0, _glorot_deviation(shape, gain), tuple(shape))


def glorot_uniform(shape: Sequence[int], rng: Rng, gain: float = 1.0) -> np.ndarray:
    """Return uniform weights with the variance of `glorot_normal`.

    They lie between ``-a`` and ``a`` with ``a = gain sqrt(6 / (fan_in + fan_out))``, since the variance of
    a uniform number is ``a^2 / 3``.

    Parameters
    ----------
    shape, rng, gain
        As in `glorot_normal`.

    Returns
    -------
    ndarray of shape `shape`

    Examples
    --------
    >>> weight = glorot_uniform((2, 1), rng=0)  # a = sqrt(6 / 3)
    >>> bool(np.abs(weight).max() <= 2**0.5)
    True
    """
    bound = math.sqrt(3) * _glorot_deviation(shape, gain)
    return np.random.default_rng(rng).uniform(-bound, bound, tuple(shape))


def he_normal(
    shape: Sequence[int], rng: Rng, mode: str = "fan_in", negative_slope: float = 0.0
) -> np.ndarray:
    """Return normal weights with variance ``2 / ((1 + negative_slope^2) fan)``: they make up for a ReLU.

    Parameters
    ----------
    shape : sequence of int
        (C_out, C_in / groups, ...).
    rng : int or numpy.random.Generator
        Decides the weights.
    mode : {"fan_in", "fan_out"}
        Whether the size of the signals is kept, or that of the gradients.
    negative_slope : float
        That of a leaky ReLU.

    Returns
    -------
    ndarray of shape `shape`

    Raises
    ------
    ValueError
        If the mode is unknown.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, section 2.2,
    https://doi.org/10.1109/ICCV.2015.123.

    Examples
    --------
    >>> weight = he_normal((64, 32, 3, 3), rng=0)
    >>> round(float(weight.var() * 32 * 3 * 3), 1)
    2.0
    """
    return np.random.default_rng(rng).normal(0, _he_deviation(shape, mode, negative_slope), tuple(shape))


def he_uniform(
    shape: Sequence[int], rng: Rng, mode: str = "fan_in", negative_slope: float = 0.0
) -> np.ndarray:
    """Return uniform weights with the variance of `he_normal`, between plus and minus sqrt(3) deviations.

    Parameters
    ----------
    shape, rng, mode, negative_slope
        As in `he_normal`.

    Returns
    -------
    ndarray of shape `shape`

    Examples
    --------
    >>> weight = he_uniform((64, 32, 3, 3), rng=0)
    >>> round(float(weight.var() * 32 * 3 * 3), 1)
    2.0
    """
    bound = math.sqrt(3) * _he_deviation(shape, mode, negative_slope)
    return np.random.default_rng(rng).uniform(-bound, bound, tuple(shape))


def _glorot_deviation(shape: Sequence[int], gain: float) -> float:
    return gain * math.sqrt(2 / sum(fans(shape)))


def _he_deviation(shape: Sequence[int], mode: str, negative_slope: float) -> float:
    fan_in, fan_out = fans(shape)
    fan = fan_in if check_choice("mode", mode, ("fan_in", "fan_out")) == "fan_in" else fan_out
    return math.sqrt(2 / ((1 + negative_slope**2) * fan))
