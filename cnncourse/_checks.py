"""What every module says when an argument is wrong: argument, rule, what was received, way out."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return the known names as a sentence, the nearest one first where there is one.

    Examples
    --------
    >>> suggest("cifar01", ["cifar10", "digits"])
    "Did you mean 'cifar10'? Known: cifar10, digits."
    """
    known = list(choices)
    nearest = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return f"{question}Known: {', '.join(known)}."


def check_choice(argument: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, else raise with the nearest one.

    Examples
    --------
    >>> check_choice("method", "windows", ["loops", "windows"])
    'windows'
    """
    known = list(choices)
    if value not in known:
        raise ValueError(f"{argument} is unknown: {value!r}. {suggest(value, known)}")
    return value


def check_array(argument: str, value: Any, shape: str) -> np.ndarray:
    """Return `value` as a float array with as many axes as `shape` names.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    value : array_like
        Integers and booleans become float64; floats keep their precision.
    shape : str
        The axes' names, such as ``"(N, C, H, W)"``.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the number of axes is wrong.

    Examples
    --------
    >>> check_array("x", [[1, 2], [3, 4]], "(H, W)").dtype
    dtype('float64')
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{argument} must hold real numbers, got dtype {array.dtype}; convert it with .astype(float)"
        )
    axes = [axis for axis in shape.strip("()").split(",") if axis.strip()]
    if array.ndim != len(axes):
        raise ValueError(f"{argument} must have {len(axes)} axes {shape}, got shape {array.shape}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def check_count(argument: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`.

    Examples
    --------
    >>> check_count("stride", 2)
    2
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{argument} must be a whole number, got {value!r}")
    number = int(value.__index__())
    if number < minimum:
        raise ValueError(f"{argument} must be at least {minimum}, got {number}")
    return number
