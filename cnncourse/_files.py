"""Files that are whole or not there, and locks that keep two processes from the same one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class HeldError(RuntimeError):
    """Another process holds the lock."""


class RefusedLockError(OSError):
    """No lock can be taken: the file system has none, as some in a network, or the folder is read-only."""

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(getattr(error, "errno", None), getattr(error, "strerror", None) or str(error))
        self.folder = path.parent

    def __str__(self) -> str:
        return (
            f"no lock can be taken in {str(self.folder)!r} ({self.strerror}), and without one two processes "
            "could write there at once; choose a folder on a disk of this machine"
        )


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock in the file `path` inside the block.

    Raises
    ------
    HeldError
        If another process holds it and `wait` is False.
    RefusedLockError
        If no lock can be taken there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder, "one.lock")):
    ...     with locked(Path(folder, "one.lock"), wait=False):
    ...         pass
    Traceback (most recent call last):
    ...
    cnncourse._files.HeldError: another process holds the lock one.lock
    """
    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise HeldError(f"another process holds the lock {path.name}") from None
    except (OSError, NotImplementedError) as error:
        raise RefusedLockError(path, error) from None
    try:
        yield
    finally:
        lock.release()


def write_whole(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` so that the file is always the old one or the new one, never a part.

    Raises
    ------
    OSError
        If it cannot be written (a full disk, no permission); the old file stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), b"whole")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['a.txt']
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise OSError(
            error.errno, f"could not save {path.name!r}, what was there before is kept: {error.strerror}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
