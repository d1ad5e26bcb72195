"""What every module says when an argument is wrong: argument, rule, what was received, way out."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sized
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


def check_views(value: int) -> int:
    """Return `value` if an image can be averaged over so many versions of itself: 1, 2 or 6."""
    if type(value) is not int or value not in (1, 2, 6):
        raise ValueError(
            "views must be 1 (the image), 2 (and its mirror image) or 6 (both at three places), "
            f"got {value!r}"
        )
    return value


def check_array(argument: str, value: Any, shape: str | None = None) -> np.ndarray:
    """Return `value` as a float array with as many axes as `shape` names.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    value : array_like
        float32 is kept; anything else becomes float64, half precision too.
    shape : str, optional
        The axes' names, such as ``"(N, C, H, W)"``; any number of axes without it.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the number of axes is wrong, or rows differ in length.

    Examples
    --------
    >>> check_array("x", [[1, 2], [3, 4]], "(H, W)").dtype
    dtype('float64')
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{argument} must be an array: rows of one length; NumPy says: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{argument} must hold real numbers, got dtype {array.dtype}; convert it with .astype(float)"
        )
    if shape is not None:
        axes = [axis for axis in shape.strip("()").split(",") if axis.strip()]
        if array.ndim != len(axes):
            raise ValueError(f"{argument} must have {len(axes)} axes {shape}, got shape {array.shape}")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def check_labels(argument: str, value: Any, count: int, classes: int) -> np.ndarray:
    """Return labels if there is one for each of `count` pictures, from 0 to ``classes - 1``.

    Examples
    --------
    >>> check_labels("labels", [0, 2], 2, classes=3)
    array([0, 2])
    """
    labels: np.ndarray = np.asarray(value)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{argument} must be whole numbers, got dtype {labels.dtype}")
    if labels.shape != (count,):
        raise ValueError(f"{argument} must have shape ({count},), one a picture, got {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"{argument} must be from 0 to {classes - 1} for {classes} classes, "
            f"got {labels.min()} to {labels.max()}"
        )
    return labels


def check_gradient(grad_output: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient of a loss for an output as a float array, if it has the output's `shape`.

    Parameters
    ----------
    grad_output : array_like of shape `shape`
        What a backward pass was given.
    shape : tuple of int
        The output's shape.

    Raises
    ------
    ValueError
        If it has another shape.

    Examples
    --------
    >>> check_gradient([[1, 2]], (1, 2))
    array([[1., 2.]])
    """
    grad: np.ndarray = check_array("grad_output", grad_output)
    if grad.shape != tuple(shape):
        raise ValueError(
            f"grad_output must have the shape of the output, {tuple(shape)}, got {grad.shape}; "
            "give the gradient for what the forward pass returned"
        )
    return grad


def check_filled(argument: str, values: Sized, example: str) -> None:
    """Raise unless there is something in `values`.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    values : sized
        A mapping or a sequence.
    example : str
        What to give instead, for the message.

    Examples
    --------
    >>> check_filled("series", {}, "at least one line, as {name: values}")
    Traceback (most recent call last):
    ...
    ValueError: series is empty: give at least one line, as {name: values}
    """
    if len(values) == 0:
        raise ValueError(f"{argument} is empty: give {example}")


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


def check_number(
    argument: str, value: Any, low: float, high: float, above: bool = False, below: bool = True
) -> float:
    """Return `value` if it is a number from `low` to below `high`.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    value : float
        Any real number but not-a-number; True and False are none.
    low, high : float
        The range.
    above : bool
        Whether `low` itself is left out.
    below : bool
        Whether `high` itself is left out.

    Examples
    --------
    >>> check_number("momentum", 0.9, 0, 1)
    0.9
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{argument} must be a number, got {value!r}")
    if not ((low < value if above else low <= value) and (value < high if below else value <= high)):
        rule = f"above {low:g}" if above else f"at least {low:g}"
        rule += "" if high == math.inf else f" and {'below' if below else 'at most'} {high:g}"
        raise ValueError(f"{argument} must be {rule}, got {value!r}")
    return value


def check_bool(argument: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Examples
    --------
    >>> check_bool("flip", True)
    True
    """
    if not isinstance(value, bool):
        raise TypeError(f"{argument} must be true or false, got {value!r}")
    return value


def check_odd(argument: str, value: Any) -> int:
    """Return `value` if it is odd: the size of a kernel that has a middle.

    Examples
    --------
    >>> check_odd("kernel_size", 3)
    3
    """
    number = check_count(argument, value)
    if number % 2 == 0:
        raise ValueError(
            f"{argument} must be odd, so that padding keeps the size of the maps, got {number}; "
            f"use {number - 1} or {number + 1}"
        )
    return number


def check_counts(argument: str, value: Any, form: str, length: int | None = None) -> tuple[int, ...]:
    """Return `value` as whole numbers of at least 1: `length` of them, or any number but none.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    value : sequence of int
        What was given.
    form : str
        What it should be, for the message, such as ``"(C, H, W)"``.
    length : int, optional
        How many numbers there must be.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> check_counts("image_shape", [3, 32, 32], "(C, H, W)", length=3)
    (3, 32, 32)
    """
    try:
        counts = tuple(check_count(argument, number) for number in value)
    except (TypeError, ValueError):
        counts = ()
    if not counts or len(counts) != (length or len(counts)):
        raise ValueError(f"{argument} must be {form}, whole numbers of at least 1, got {value!r}")
    return counts


IMAGE_AXES = {2: "(H, W)", 3: "(C, H, W)", 4: "(N, C, H, W)"}


def check_image(
    argument: str, value: Any, axes: tuple[int, ...] = (2, 3, 4), empty_batch: bool = False
) -> np.ndarray:
    """Return `value` as float32 or float64 if it is a picture or a batch of pictures.

    Parameters
    ----------
    argument : str
        The argument's name, for the message.
    value : array_like
        float32 is kept; anything else becomes float64, whole numbers in their own range.
    axes : tuple of int
        How many axes are allowed: 2 for (H, W), 3 for (C, H, W), 4 for (N, C, H, W).
    empty_batch : bool
        Whether a batch may have no pictures: it may where each picture is handled alone.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the number of axes is wrong or there are no pixels.

    Examples
    --------
    >>> check_image("image", np.zeros((3, 4, 4), dtype=np.uint8)).dtype
    dtype('float64')
    """
    array = np.asarray(value)
    if array.ndim not in axes:
        forms = " or ".join(IMAGE_AXES[count] for count in axes)
        raise ValueError(f"{argument} must be {forms}, got shape {array.shape}")
    if 0 in (array.shape[-3:] if empty_batch else array.shape):
        raise ValueError(f"{argument} holds no pixels, got shape {array.shape}")
    return check_array(argument, array, IMAGE_AXES[array.ndim])


def check_unit_range(argument: str, values: np.ndarray) -> None:
    """Raise unless all `values` lie between 0 and 1 (not-a-number does not).

    Examples
    --------
    >>> check_unit_range("image", np.array([0.0, 1.0]))
    """
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{argument} must lie between 0 and 1, got {values.min():.4g} to {values.max():.4g}; "
            "to_float converts uint8"
        )


Kind = type | tuple[type, ...]
_KINDS: dict[Kind, str] = {
    str: "a string", int: "a whole number", (int, float): "a number", list: "a list", dict: "a table",
}  # fmt: skip


def check_keys(
    what: str, values: dict[str, Any], needed: Mapping[str, Kind], optional: Mapping[str, Kind]
) -> None:
    """Raise unless `values` has the needed keys and no unknown ones, each of its kind.

    Examples
    --------
    >>> check_keys("run", {"model": "small_conv", "option": {}}, {"model": str}, {"options": dict})
    Traceback (most recent call last):
    ...
    ValueError: run key is unknown: 'option'. Did you mean 'options'? Known: model, options.
    """
    kinds = {**needed, **optional}
    for key, value in values.items():
        if key not in kinds:
            raise ValueError(f"{what} key is unknown: {key!r}. {suggest(key, kinds)}")
        if not isinstance(value, kinds[key]):
            raise TypeError(f"{key} must be {_KINDS[kinds[key]]}, got {value!r}")
    for key in needed:
        if key not in values:
            raise ValueError(f"{what} has no {key!r}; it needs {', '.join(needed)}")
