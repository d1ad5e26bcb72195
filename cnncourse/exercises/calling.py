"""Calling a learner's function: with copies, within a time, and whatever it raises is caught."""

import copy
import ctypes
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

HERE = str(Path(__file__).parent)
LIBRARIES = ("torch", "scipy", "cnncourse", "tensorflow", "jax", "sklearn", "cv2")
CALLS = ("convolve", "correlate")  # of NumPy
PATIENCE = 0.5  # seconds that a thread gets to end after it was told to
UNWANTED = "Unwanted: "  # before what `with_torch.Unwanted` says


class _Stop(BaseException):
    """Thrown into a thread that takes too long."""


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a value, or what it raised, or neither if it took too long.

    `changed` has the numbers of the arguments that were changed in place. `kind` is the name of the value's
    kind where the value itself stays where it was made.
    """

    value: Any = None
    error: str = ""
    late: bool = False
    changed: tuple[int, ...] = ()
    kind: str = ""


def call(function: Callable[..., Any], arguments: tuple[Any, ...], limit: float) -> Outcome:
    """Call a function with copies of the arguments, for at most `limit` seconds."""
    given = copy.deepcopy(arguments)
    found: list[Outcome] = []

    def run() -> None:
        try:
            with np.errstate(all="ignore"):  # of this thread: infinities are looked at afterwards
                value = function(*given)
        except _Stop:
            return
        except BaseException as error:  # SystemExit of a learner's function too
            found.append(Outcome(error=describe(error)))
            return
        found.append(Outcome(value))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        _stop(thread)
        return Outcome(late=True)
    if not found:
        return Outcome(late=True)
    pairs = zip(arguments, given, strict=True)
    changed = tuple(n for n, (a, b) in enumerate(pairs) if not _same(a, b))
    return Outcome(found[0].value, found[0].error, changed=changed)


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)


def _stop(thread: threading.Thread) -> None:
    """Raise in a thread that runs Python code; one that is inside a call of C code ends when that returns."""
    end = time.monotonic() + PATIENCE
    while thread.is_alive() and time.monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
        thread.join(0.02)


def describe(error: BaseException) -> str:
    """Return the error's kind, text, and the line of the learner's code that raised it."""
    if type(error).__name__ == UNWANTED[:-2]:
        return f"{UNWANTED}{error}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(HERE)]
    frames = [
        f for f in frames if "site-packages" not in f.filename
    ] or frames  # torch calls a block's forward
    place = f", line {frames[0].lineno}: {frames[0].line}" if frames and frames[0].line else ""
    return f"{type(error).__name__}: {error}{place}"


def borrowed(function: Callable[..., Any]) -> str:
    """Return the name of a library that does the work which a function was to do itself, or "".

    Looked at are the names that the code of the function uses, that of the functions which it defines or
    calls, and what they import.
    """
    module = getattr(function, "__module__", "") or ""
    if module.split(".")[0] in LIBRARIES:
        return module
    return _borrowed(function, set())


def _borrowed(function: Any, seen: set[Any]) -> str:
    if not isinstance(function, FunctionType) or function in seen:
        return ""
    seen.add(function)
    names = set(_names(function.__code__))
    for name in sorted(names):
        if name in CALLS or name in LIBRARIES:
            return name
        used = function.__globals__.get(name)
        home = used.__name__ if isinstance(used, ModuleType) else getattr(used, "__module__", None)
        if isinstance(home, str) and home.split(".")[0] in LIBRARIES:
            return name
        if found := _borrowed(used, seen):
            return found
    return ""


def _names(code: CodeType) -> list[str]:
    """Return the names that code uses, with those of the functions inside it."""
    inner = [name for part in code.co_consts if isinstance(part, CodeType) for name in _names(part)]
    return [*code.co_names, *inner]
