"""A fence around an entry: it may read code and the files that it is given, and nothing else.

A fence, not a wall: it stops mistakes and ordinary temptation by Python's audit hooks. Who wants to cheat
can; a contest with a prize needs a machine without the test set.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

CODE = {".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".toml", ".json", ".txt", ".pth", ".cfg"}
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/share")
SHARED = ("/dev/shm",)  # noqa: S108 (memory that the workers of a loader share)
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"}
NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"}
LINKS = {"os.link", "os.symlink"}


def fence(work: Path, entry: Path) -> None:
    """From now on, let this program read and write in `work`, and read code; there is no way back.

    Parameters
    ----------
    work : Path
        The folder with what the entry is given.
    entry : Path
        The entry's folder, of which it may read code alone.
    """
    free = [os.path.realpath(work)]
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(entry), str(Path(__file__).parents[2])}
    code = [os.path.realpath(root) for root in [*sorted(roots), *filter(None, sys.path)]]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            _check_open(arguments, free, code)
        elif event in PROGRAMS:
            raise PermissionError("an entry may not start programs")
        elif event in NETWORK and _is_remote(arguments):
            raise PermissionError("an entry may not use the network")
        elif event in LINKS:
            raise PermissionError("an entry may not make links")

    sys.addaudithook(watch)


def _check_open(arguments: tuple[object, ...], free: Sequence[str], code: Sequence[str]) -> None:
    """Raise unless the file may be opened."""
    path, mode, flags = arguments
    if not isinstance(path, str | bytes | os.PathLike):
        return  # the number of a file that is open already
    real = os.path.realpath(os.fsdecode(path))
    if _within(real, free) or real == os.path.realpath(os.devnull):
        return
    writes = any(letter in str(mode or "") for letter in "wax+") or bool(
        isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    )
    if writes and not _within(real, SHARED):
        raise PermissionError(f"an entry may write into its working folder alone, not {Path(real).name!r}")
    suffix = Path(real).suffix
    described = ".dist-info" in real or ".egg-info" in real
    if _within(real, SYSTEM) or (
        _within(real, code) and (suffix in CODE or described or Path(real).is_dir())
    ):
        return
    raise PermissionError(
        f"an entry may read code and the training images that it is given, not {Path(real).name!r}"
    )


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _is_remote(arguments: tuple[object, ...]) -> bool:
    """Return whether an address is that of another machine; local ones are names of files."""
    return not any(isinstance(each, str | bytes) and os.sep in os.fsdecode(each) for each in arguments)
