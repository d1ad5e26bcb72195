"""The warm process in the jail: it forks a child for each piece of code to be tried, and knows no test.

It is run as a program, by a Python that has NumPy, of ours this file and `wire`, and torch with `with_torch`
for exercises that need it; standard input is the channel to the grader. A child is given code, defines what
is in it, and then answers calls of its functions until it is killed. Answers are plain data, of which the
grader believes only that they came from this code.
"""

import contextlib
import copy
import ctypes
import importlib
import os
import resource
import shutil
import signal
import socket
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cnncourse.assignments.wire import BODY, WireError, receive, send

SCRATCH = Path("/scratch")
PR_SET_DUMPABLE = 4
ADAPTERS = "cnncourse.exercises.with_torch"  # is there if torch is
LINE = 300  # characters of an error that are passed on
COMPLEX = "array of complex numbers"  # in the words of `cnncourse.exercises.task`
LEFT = 2.0  # seconds for what was killed to be gone


def main() -> None:
    """Serve until the grader closes the channel."""
    control = socket.socket(fileno=os.dup(0))
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)  # 0 again, for programs that read
    limits, adapters = receive(control)
    ctypes.CDLL(None).prctl(
        PR_SET_DUMPABLE, 0, 0, 0, 0
    )  # children cannot look into this process, nor trace it
    np.linalg.norm(np.ones((2, 2)) @ np.ones((2, 2)))  # loads what is loaded late
    if adapters:
        importlib.import_module(ADAPTERS).warm_up()
    send(control, "ready")
    while True:
        try:
            order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:
            return
        if not order:
            return
        if order == b"b" and descriptors:  # begin
            if os.fork() == 0:
                control.close()
                _be_a_child(socket.socket(fileno=descriptors[0]), limits)
            os.close(descriptors[0])
        elif order == b"e":  # end all children, and what they left
            _clear()
            send(control, "clear")


def _clear() -> None:
    deadline = time.monotonic() + LEFT
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # all but this process, and the first of the jail
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        # those whose parent has gone are waited for by the jail's first process, which may take a moment
        known = {"1", str(os.getpid())}
        others = any(each.name.isdigit() and each.name not in known for each in Path("/proc").iterdir())
        if not others or time.monotonic() > deadline:
            break
        time.sleep(0.001)
    for path in SCRATCH.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _be_a_child(channel: socket.socket, limits: dict[str, int]) -> None:
    """Define what the code defines, answer calls, and never return."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for name, value in limits.items():
            kind = getattr(resource, f"RLIMIT_{name}")
            resource.setrlimit(kind, (value, value))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (until we end)
        space: dict[str, Any] = {"__name__": "__main__"}
        errors = {}
        for name, code in receive(channel):
            try:
                exec(compile(code, name, "exec"), space)  # noqa: S102 (what all of this is for)
            except BaseException as error:
                errors[name] = _describe(error)
        send(channel, errors)
        while True:
            name, arguments, adapter = receive(channel)
            send(channel, _answer(space.get(name), arguments, adapter))
    except BaseException:
        os._exit(1)


def _answer(function: Any, arguments: tuple[Any, ...], adapter: str) -> dict[str, Any]:
    if not callable(function):
        return {"missing": True}
    if adapter:
        function = partial(getattr(sys.modules[ADAPTERS], adapter), function)
    before = copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"):
            value = function(*arguments)
    except BaseException as error:
        return {"error": _describe(error)}
    pairs = enumerate(zip(before, arguments, strict=True))
    changed = [
        n
        for n, (a, b) in pairs
        if not (np.array_equal(a, b, equal_nan=True) if isinstance(a, np.ndarray) else a == b)
    ]
    try:
        return {"value": _plain(value), "changed": changed}
    except TypeError as error:
        return {"kind": str(error), "changed": changed}


def _plain(value: Any) -> Any:
    """Return arrays and numbers as they are.

    Raises
    ------
    TypeError
        With the name of its kind, if it is anything else, or too much.
    """
    if isinstance(value, tuple) and len(value) < 16:
        return tuple(_plain(each) for each in value)
    if value is None or type(value) in (bool, int, float):
        return value
    try:
        array = np.array(value)
    except Exception:
        array = None
    if array is not None and array.dtype.kind == "c":
        raise TypeError(COMPLEX)
    if array is None or array.dtype.kind not in "biuf" or array.dtype.itemsize > 8 or array.nbytes > BODY:
        raise TypeError(type(value).__name__)
    return array


def _describe(error: BaseException) -> str:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("exercise ")
    ]
    place = f", line {frames[-1].lineno} of {frames[-1].filename}" if frames else ""
    try:
        text = str(error)
    except BaseException:
        text = ""
    return f"{type(error).__name__}: {text[:LINE]}{place}"


if __name__ == "__main__":
    try:
        main()
    except WireError:
        sys.exit(1)
