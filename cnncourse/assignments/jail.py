"""A jail for code that nobody has read: no network, no files but its own, little time and memory.

Linux and bubblewrap make it. Inside is a Python with NumPy that has been warmed up; each submission is
tried in a fork of it, so that starting one takes milliseconds. Tests and right answers never enter the jail.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from cnncourse.assignments.wire import LateError, WireError, receive, send
from cnncourse.exercises import Task
from cnncourse.exercises.calling import Outcome
from cnncourse.exercises.sheet import Checker

HERE = Path(__file__).resolve().parent
ADAPTERS = HERE.parent / "exercises" / "with_torch.py"
BESIDE_TORCH = (
    "torchgen", "functorch", "typing_extensions", "sympy", "mpmath", "networkx", "filelock", "fsspec",
    "jinja2", "markupsafe", "setuptools", "nvidia", "triton",
)  # fmt: skip
NOBODY = 65000  # the first of the user ids that jails get, where we may give them
SCRATCH = 64 << 20  # bytes of files
LIMITS = {"CPU": 60, "DATA": 2 << 30, "NPROC": 32, "FSIZE": SCRATCH, "NOFILE": 64, "CORE": 0}
START, LOAD = 180.0, 10.0  # seconds for the jail to be ready, and for a submission's cells to run


class NoJailError(RuntimeError):
    """Code cannot be kept apart on this machine."""


class Jail:
    """A warm jailed process; a context manager.

    Parameters
    ----------
    number : int
        Jails that run at the same time have different ones.
    packages : sequence of str
        What can be imported inside, besides Python's own. With torch, the exercises' adapters are inside too.

    Raises
    ------
    NoJailError
        If there is no bubblewrap, or it may not do its work here.
    """

    def __init__(self, number: int = 0, packages: Sequence[str] = ("numpy",)) -> None:
        self.number, self.packages = number, tuple(packages)
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def __enter__(self) -> "Jail":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all that is inside."""
        if self._process is not None:
            self._control.close()
            self._process.kill()
            self._process.communicate()  # waits, and closes what it wrote to
            self._process = None

    def open(self, cells: Sequence[tuple[str, str]]) -> "Student":
        """Return a fresh process in which the cells have run, (name, code) each.

        Raises
        ------
        NoJailError
            If the jail broke and cannot be started anew.
        """
        for _ in range(2):
            ours, theirs = socket.socketpair()
            try:
                socket.send_fds(self._control, [b"b"], [theirs.fileno()])
            except OSError:  # somebody broke it: begin anew
                ours.close()
                self._restart()
                continue
            finally:
                theirs.close()
            return Student(self, ours, cells)
        raise NoJailError("the jail does not start any more")

    def clear(self) -> None:
        """Kill what runs inside and remove its files."""
        try:
            self._control.settimeout(5)
            self._control.sendall(b"e")
            if receive(self._control, time.monotonic() + 5) != "clear":
                self._restart()
        except (OSError, WireError):
            self._restart()

    def _restart(self) -> None:
        self.close()
        self._start()

    def _start(self) -> None:
        words = command(self.number, self.packages)
        self._control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (bubblewrap, and what `command` says)
                words,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        finally:
            theirs.close()
        try:
            send(self._control, (LIMITS, "torch" in self.packages), time.monotonic() + START)
            if receive(self._control, time.monotonic() + START) == "ready":
                return
        except WireError:
            pass
        self._process.send_signal(signal.SIGKILL)
        said = self._process.communicate()[1].decode(errors="replace").strip()
        self._control.close()
        self._process = None
        raise NoJailError(
            "bubblewrap could not make a jail here, so nothing was run" + (f": {said[-300:]}" if said else "")
        )


class Student:
    """One submission in a process of its own; a context manager. See `Jail.open`.

    Attributes
    ----------
    errors : dict
        Of cells that raised: what, by the cell's name.
    """

    def __init__(self, jail: Jail, channel: socket.socket, cells: Sequence[tuple[str, str]]) -> None:
        self._jail, self._channel, self.errors, self._gone = jail, channel, {}, ""
        try:
            deadline = time.monotonic() + LOAD
            send(channel, [list(cell) for cell in cells], deadline)
            found = receive(channel, deadline)
            if isinstance(found, dict):
                self.errors = {str(name): str(text) for name, text in found.items()}
        except LateError:
            self._gone = f"the cells took longer than {LOAD:g} seconds"
        except WireError:
            self._gone = "the process ended while the cells ran"

    def __enter__(self) -> "Student":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._jail.clear()

    def call(self, name: str, arguments: tuple[Any, ...], limit: float, adapter: str = "") -> Outcome:
        """Call a function of the submission, through an adapter; an `Outcome`, whatever happens inside."""
        if self._gone:
            return Outcome(error=f"Error: {self._gone}")
        deadline = time.monotonic() + limit
        try:
            send(self._channel, [name, arguments, adapter], deadline)
            answer = receive(self._channel, deadline)
        except LateError:
            self._gone = "it was stopped before"
            return Outcome(late=True)
        except WireError:
            self._gone = "the process ended"
            return Outcome(error="Error: the process ended, by an exit, a crash or a limit of memory or time")
        if not isinstance(answer, dict):
            return Outcome(error="Error: no answer")
        if answer.get("missing"):
            return Outcome(error=f"NameError: no function {name} is defined")
        if isinstance(answer.get("error"), str):
            return Outcome(error=answer["error"])
        changed = answer.get("changed")
        places = (
            tuple(n for n in changed if type(n) is int and 0 <= n < len(arguments))
            if isinstance(changed, list)
            else ()
        )
        kind = answer.get("kind", "")
        return Outcome(
            answer.get("value"), changed=places, kind=kind[:40] if isinstance(kind, str) else "object"
        )


def command(number: int, packages: Sequence[str]) -> list[str]:
    """Return the command that starts a jail.

    Raises
    ------
    NoJailError
        If there is no bubblewrap.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise NoJailError(
            "there is no bubblewrap on this machine, so nothing was run; on Debian and Ubuntu: apt install "
            "bubblewrap"
        )
    python = Path(sys.executable).resolve()
    folders = _folders(packages)
    seen = [Path(sys.base_prefix).resolve(), *folders.values()]
    usual = [
        ("/usr", "/usr"),
        *((f"/{name}", f"/{name}") for name in ("lib", "lib64", "bin") if Path(f"/{name}").exists()),
    ]
    binds = []
    for source, target in usual:
        path = Path(source)
        if path.is_symlink():
            binds += ["--symlink", str(path.readlink()), target]
        else:
            binds += ["--ro-bind", source, target]
    if Path("/etc/ld.so.cache").exists():
        binds += ["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    base = seen[0]
    if not base.is_relative_to("/usr"):
        binds += [*_parents(base), "--ro-bind", str(base), str(base)]
    for name, folder in folders.items():
        binds += ["--ro-bind", str(folder), f"/packages/{name}"]
    ours = [HERE / "inside.py", HERE / "wire.py", *([ADAPTERS] if "torch" in packages else [])]
    for file in ours:
        binds += ["--ro-bind", str(file), f"/jail/cnncourse/{file.parent.name}/{file.name}"]
    root = os.geteuid() == 0
    apart = (
        ["--unshare-user"]
        if not root
        else ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    )
    drop = []
    if root:
        user = str(NOBODY + number)
        drop = [
            "setpriv",
            "--reuid",
            user,
            "--regid",
            user,
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
            "--no-new-privs",
        ]
    return [
        bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", *apart,
        "--perms", "0755", "--dir", "/packages", *_parents(Path("/jail/cnncourse/assignments/x")),
        "--perms", "0755", "--dir", "/jail/cnncourse/exercises", *binds,
        "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
        "--perms", "1777", "--size", str(SCRATCH), "--tmpfs", "/scratch", "--remount-ro", "/",
        "--chdir", "/scratch",
        "--setenv", "PYTHONPATH", "/jail:/packages", "--setenv", "OMP_NUM_THREADS", "1",
        "--setenv", "OPENBLAS_NUM_THREADS", "1", "--setenv", "HOME", "/scratch",
        "--setenv", "TMPDIR", "/scratch", "--setenv", "PATH", "/usr/bin:/bin",
        *drop, str(python), "-S", "-B", "-m", "cnncourse.assignments.inside",
    ]  # fmt: skip


def packages_for(checkers: Sequence[Checker]) -> tuple[str, ...]:
    """Return what a jail needs for exercises: NumPy, and torch with what it imports if one is about torch."""
    if not any(isinstance(checker, Task) and checker.adapter for checker in checkers):
        return ("numpy",)
    return ("numpy", "torch", *(name for name in BESIDE_TORCH if importlib.util.find_spec(name)))


def _parents(path: Path) -> list[str]:
    """Return how the folders above a path are made, so that everybody may pass through."""
    return [
        word for folder in list(path.parents)[-2::-1] for word in ("--perms", "0755", "--dir", str(folder))
    ]


def _folders(packages: Sequence[str]) -> dict[str, Path]:
    """Return the folders of packages, by their names, and the folders of libraries beside them."""
    found = {}
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin and not spec.submodule_search_locations:
            found[Path(spec.origin).name] = Path(spec.origin).resolve()  # a file
            continue
        if spec is None or not spec.submodule_search_locations:
            raise NoJailError(f"there is no package {name} to take into the jail")
        folder = Path(spec.submodule_search_locations[0]).resolve()
        found[name] = folder
        libraries = folder.parent / f"{name}.libs"
        if libraries.is_dir():
            found[libraries.name] = libraries
    return found
