"""Messages between the grader and a jailed process: plain data, never code, and no more than is allowed.

A message is a header in JSON, with its length before it, and the bytes of its arrays behind it. Whoever reads
trusts nothing: lengths, formats and shapes are checked before anything is made of them.

This file is in the jail too, where there is no more of cnncourse: it imports nothing of ours.
"""

import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np

HEADER, BODY, DEPTH = (
    1 << 20,
    64 << 20,
    8,
)  # at most so many bytes of text and of arrays, so many lists in lists
KINDS = "biuf"  # of the arrays' numbers: truths, whole numbers, floating-point numbers
LENGTH = struct.Struct(">I")


class WireError(RuntimeError):
    """What came is no message, or more than is allowed, or the other end is gone."""


class LateError(WireError):
    """Nothing whole came in time."""


def send(channel: socket.socket, message: Any, deadline: float | None = None) -> None:
    """Send numbers, texts, None, lists, tuples, dicts with texts as keys, and arrays of numbers.

    Raises
    ------
    TypeError
        If there is anything else in it.
    WireError
        If it is larger than is allowed, or the other end is gone.
    """
    arrays: list[np.ndarray] = []
    header = json.dumps(_flatten(message, arrays, 0)).encode()
    if len(header) > HEADER or sum(array.nbytes for array in arrays) > BODY:
        raise WireError("the message is too large")
    try:
        channel.settimeout(_left(deadline))
        channel.sendall(LENGTH.pack(len(header)) + header)
        for array in arrays:
            channel.settimeout(_left(deadline))
            channel.sendall(array.tobytes())
    except TimeoutError as error:
        raise LateError("the other end does not read") from error
    except OSError as error:
        raise WireError("the other end is gone") from error


def receive(channel: socket.socket, deadline: float | None = None) -> Any:
    """Return a message, once it is whole.

    Parameters
    ----------
    channel : socket
    deadline : float, optional
        By `time.monotonic`.

    Raises
    ------
    LateError
        If it is not whole by then.
    WireError
        If it is no message, or the other end is gone.
    """
    (length,) = LENGTH.unpack(_read(channel, LENGTH.size, deadline))
    if length > HEADER:
        raise WireError("the message is too large")
    try:
        plain = json.loads(_read(channel, length, deadline))
        specs = _specs(plain)
    except (ValueError, RecursionError) as error:
        raise WireError("what came is no message") from error
    arrays = []
    for dtype, shape in specs:
        raw = _read(channel, dtype.itemsize * math.prod(shape), deadline)
        arrays.append(np.frombuffer(raw, dtype).reshape(shape).copy())
    return _restore(plain["value"], arrays, 0)


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise LateError("nothing came in time")
    return left


def _read(channel: socket.socket, count: int, deadline: float | None) -> bytes:
    parts, missing = [], count
    while missing:
        try:
            channel.settimeout(_left(deadline))
            part = channel.recv(min(missing, 1 << 20))
        except TimeoutError as error:
            raise LateError("nothing came in time") from error
        except OSError as error:
            raise WireError("the other end is gone") from error
        if not part:
            raise WireError("the other end is gone")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _flatten(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    """Return what JSON can hold; arrays go to the list. The outermost call adds what they are like."""
    if depth == 0:
        flat = _flatten(value, arrays, 1)
        return {"value": flat, "arrays": [[array.dtype.str, list(array.shape)] for array in arrays]}
    if depth > DEPTH:
        raise TypeError("lists in lists, too many")
    if value is None or isinstance(value, bool | str):
        return value
    if type(value) is int:
        return value if abs(value) < 1 << 63 else str(value)
    if type(value) is float:
        return {"float": repr(value)}
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        if array.dtype.kind not in KINDS or array.dtype.hasobject or array.dtype.itemsize > 8:
            raise TypeError(f"an array of {array.dtype}")
        arrays.append(array)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(each, arrays, depth + 1) for each in value]}
    if isinstance(value, list):
        return [_flatten(each, arrays, depth + 1) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _flatten(each, arrays, depth + 1) for key, each in value.items()}}
    raise TypeError(f"a {type(value).__name__}")


def _specs(plain: Any) -> list[tuple[np.dtype, tuple[int, ...]]]:
    """Return dtypes and shapes of the arrays that follow.

    Raises
    ------
    ValueError
        If they are not what is allowed.
    """
    if (
        not isinstance(plain, dict)
        or set(plain) != {"value", "arrays"}
        or not isinstance(plain["arrays"], list)
    ):
        raise ValueError("no message")
    specs, total = [], 0
    for spec in plain["arrays"]:
        if not (isinstance(spec, list) and len(spec) == 2 and isinstance(spec[0], str) and len(spec[0]) == 3):
            raise ValueError("no array")
        name, shape = spec
        if name[0] not in "<>|" or name[1] not in KINDS or name[2] not in "1248":
            raise ValueError("no array")
        if not (
            isinstance(shape, list) and len(shape) <= 16 and all(type(n) is int and n >= 0 for n in shape)
        ):
            raise ValueError("no shape")
        try:
            dtype = np.dtype(name)
        except TypeError as error:
            raise ValueError("no array") from error
        total += dtype.itemsize * math.prod(shape)
        if total > BODY:
            raise ValueError("too large")
        specs.append((dtype, tuple(shape)))
    return specs


def _restore(flat: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth > DEPTH + 1:
        raise WireError("lists in lists, too many")
    if isinstance(flat, list):
        return [_restore(each, arrays, depth + 1) for each in flat]
    if not isinstance(flat, dict):
        return flat
    if len(flat) != 1:
        raise WireError("what came is no message")
    ((kind, inner),) = flat.items()
    if kind == "float" and isinstance(inner, str):
        try:
            return float(inner)
        except ValueError as error:
            raise WireError("no number") from error
    if kind == "array" and type(inner) is int and 0 <= inner < len(arrays):
        return arrays[inner]
    if kind == "tuple" and isinstance(inner, list):
        return tuple(_restore(each, arrays, depth + 1) for each in inner)
    if kind == "dict" and isinstance(inner, dict):
        return {key: _restore(each, arrays, depth + 1) for key, each in inner.items()}
    raise WireError("what came is no message")
