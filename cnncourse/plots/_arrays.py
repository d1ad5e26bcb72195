# ruff: noqa: A002 - `format` is the word for how a number is written
"""What every figure does with the arrays it is given: check them, scale them, write them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MOST_PICTURES = 100

Format = str | Callable[[float], str] | None
Limits = tuple[float, float] | None


def to_array(argument: str, values: Any) -> np.ndarray:
    """Return values, which may be a torch tensor with a gradient or on another device, as a real array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":
            values = values.float()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{argument} must hold real numbers, got dtype {array.dtype}")
    if array.size == 0:
        raise ValueError(f"{argument} is empty, got shape {array.shape}")
    return array


def to_plane(argument: str, values: Any) -> np.ndarray:
    """Return values as (H, W); leading axes of length 1 are dropped."""
    array = to_array(argument, values)
    plane = array.reshape(array.shape[-2:]) if array.ndim > 2 and array[..., 0, 0].size == 1 else array
    if plane.ndim != 2:
        raise ValueError(f"{argument} must be one plane (H, W), got shape {array.shape}")
    return plane


def to_text(values: np.ndarray, format: Format) -> Callable[[float], str]:
    """Return how to write one value: as asked, or in as few digits as tell the values apart."""
    if callable(format):
        return format
    if format is not None:
        spec = format
        return lambda value: f"{value:{spec}}"
    finite = values[np.isfinite(values)].astype(float)
    for digits in (0, 1):
        if np.allclose(finite, np.round(finite, digits), atol=1e-9):
            return lambda value: f"{value:.{digits}f}".replace("-", "−")
    return lambda value: f"{value:.2f}".replace("-", "−")


def limits_of(values: np.ndarray, color: str) -> tuple[float, float]:
    """Return the values drawn as the color map's two ends."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if color == "signed":
        most = max(abs(low), abs(high)) or 1.0
        return -most, most
    if color == "gray" and values.dtype.kind in "ui" and low >= 0 and high <= 255:
        return 0.0, 255.0 if high > 1 else 1.0
    if low >= 0 and high <= 1 and color == "gray":
        return 0.0, 1.0
    low = min(low, 0.0) if color == "amount" else low
    return (low, high) if high > low else (low, low + 1.0)


def check_titles(titles: Sequence[str] | None, count: int, what: str) -> list[str] | None:
    if titles is None:
        return None
    names = [titles] if isinstance(titles, str) else [str(title) for title in titles]
    if len(names) != count:
        raise ValueError(f"titles must name each of the {count} {what}, got {len(names)} titles")
    return names
