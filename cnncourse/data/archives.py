"""Files out of folders and tar archives, one after the other, trusting neither.

Nothing is ever unpacked to the disk: members are read into memory, and an archive that
holds anything but plain files and folders is refused as a whole.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from cnncourse.data.errors import DataError

MAX_FILE = 256 * 2**20  # bytes of one file; the largest in the official archives has 155 MB
MAX_FILES = 3_000_000
MAX_RATIO = 100  # unpacked bytes a packed byte, once there is a gigabyte of them
RATIO_FREE = 2**30
BLOCK = tarfile.BLOCKSIZE

NOTES = (".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".ini", ".db")
SYSTEM_FOLDERS = (  # of macOS, Windows, Linux, Synology, QNAP, NetApp and Python
    "__macosx",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "@eadir",
    "#recycle",
    "#snapshot",
    "@recycle",
    "@recently-snapshot",
    "__pycache__",
)

Parts = tuple[str, ...]
Tick = Callable[[int], object]  # told how many bytes were read


@dataclass(frozen=True)
class Item:
    """A file or folder by the parts of its name; a file is read when asked, a folder has no `read`."""

    parts: Parts
    read: Callable[[], bytes] | None = None


def items(path: Path, tick: Tick = lambda count: None) -> Iterator[Item]:
    """Yield what lies below a folder or in a tar archive, without what systems and editors leave there.

    Parameters
    ----------
    path : pathlib.Path
        A folder, a .tar, or a .tar.gz / .tgz.
    tick : callable
        Called with the number of bytes of each file that is read, for a progress bar.

    Raises
    ------
    DataError
        If something cannot be read, the archive is damaged or cut off, or it holds something
        that no data set needs: a link, a device, a name that leads out of it, an absurd size.
    """
    found = _folder(path, tick) if path.is_dir() else _tar(path, tick)
    for count, item in enumerate(found):
        if count >= MAX_FILES:
            raise DataError(f"{path} holds more than {MAX_FILES:,} files; give a smaller data set")
        yield item


def is_note(name: str) -> bool:
    """Return whether a file is a note beside the pictures, which is never read."""
    return name.lower().endswith(NOTES)


def shown(parts: Parts) -> str:
    """Return a name as messages say it, with digits for bytes that are no text."""
    return os.fsencode("/".join(parts)).decode("utf-8", "backslashreplace")


def is_left_over(parts: Parts, is_folder: bool) -> bool:
    """Return whether a system or an editor left this: hidden, a system's folder, a backup, a lock."""
    name = parts[-1]
    backup = name.endswith("~") or name.startswith("~$") or name[0] == name[-1] == "#"
    hidden = any(part.startswith(".") or part.casefold() in SYSTEM_FOLDERS for part in parts)
    return hidden or (not is_folder and (backup or name == "Icon\r"))


def _folder(path: Path, tick: Tick) -> Iterator[Item]:
    root = path.resolve()

    def refuse(error: OSError) -> None:
        with reading(Path(error.filename)):
            raise error

    for above, folders, names in os.walk(path, onerror=refuse):
        parts = Path(above).relative_to(path).parts
        folders[:] = sorted(name for name in folders if not is_left_over((*parts, name), True))
        for name in folders:
            if (Path(above) / name).is_symlink():
                raise DataError(f"{Path(above) / name} is a link to a folder; copy the folder there instead")
            yield Item((*parts, name))
        for name in sorted(names):
            if is_left_over((*parts, name), False):
                continue
            file = Path(above) / name
            if not is_note(name):
                _check_file(file, path, root)
            yield Item((*parts, name), partial(_read_file, file, tick))


def _check_file(file: Path, path: Path, root: Path) -> None:
    with reading(file):
        if file.is_symlink() and not file.exists():
            raise DataError(f"{file} is a link to nothing; remove it, or copy the file there")
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            raise DataError(f"{file} is a link that leads out of {path}; copy the file there instead")
        if not file.is_file():
            raise DataError(f"{file} is not a plain file; remove it")
        _check_size(str(file), file.stat().st_size)


def _read_file(file: Path, tick: Tick) -> bytes:
    with reading(file):
        content = file.read_bytes()
    tick(len(content))
    return content


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Make an error of the system inside the block one that names the file and the way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{file} cannot be read ({reason}); allow reading it, or move it away") from None


def _tar(path: Path, tick: Tick) -> Iterator[Item]:
    packed_size, total = path.stat().st_size, 0
    with (
        _unpacking(path),
        _opened(path) as stream,
        tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive,
    ):
        for member in archive:
            total += member.size
            parts = PurePosixPath(member.name).parts
            left_over = not parts or is_left_over(parts, member.isdir())
            _check_member(path, member, total, packed_size, unread=left_over or is_note(member.name))
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every one
            if not left_over:
                yield Item(parts, None if member.isdir() else partial(_unpack, path, archive, member, tick))
        stream.check_end(archive.offset)


def _unpack(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, tick: Tick) -> bytes:
    with _unpacking(path):
        file = archive.extractfile(member)
        assert file is not None
        tick(member.size)
        return file.read()


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        reason = str(error) or "it ends too early"
        raise DataError(f"{path} is damaged or cut off ({reason}); copy or download it again") from None


def _opened(path: Path) -> "_Limited":
    with reading(path), path.open("rb") as file:
        magic = file.read(6)
    if magic[:2] == b"\x1f\x8b":
        return _Limited(path, cast(IO[bytes], gzip.open(path, "rb")))
    if magic[:3] == b"BZh" or magic == b"\xfd7zXZ\x00" or magic[:4] in (b"PK\x03\x04", b"Rar!"):
        raise DataError(f"{path} is packed in a way that is not read here; unpack it and give its folder")
    return _Limited(path, path.open("rb"))


class _Limited:
    """A stream for tarfile that never unpacks a bomb, and knows whether the archive ended well."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path, self._stream, self._packed = path, stream, path.stat().st_size
        self.read_so_far = 0

    def __enter__(self) -> "_Limited":
        return self

    def __exit__(self, *details: object) -> None:
        self._stream.close()

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= MAX_FILE:
            raise DataError(f"{self._path} asks for {count:,} bytes at once; it is not a data set's archive")
        content = self._stream.read(count)
        self._count(len(content))
        return content

    def seek(self, position: int, whence: int = 0) -> int:
        if position < 0:
            raise tarfile.ReadError("a size below 0")
        self._count(max(0, position - self._stream.tell()) if whence == 0 else 0)
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _count(self, count: int) -> None:
        self.read_so_far += count
        _check_ratio(self._path, self.read_so_far, self._packed)

    def check_end(self, offset: int) -> None:
        """Raise unless the two empty blocks that end an archive are there, and the checksum fits."""
        self.seek(offset)
        if self.read(BLOCK) != bytes(BLOCK):
            raise EOFError
        while self.read(2**20):  # gzip compares its checksum when it reaches the end
            pass


def _check_member(path: Path, member: tarfile.TarInfo, total: int, packed_size: int, unread: bool) -> None:
    """Raise if a member is no plain file or folder, or is too large; what is unread may be any of that."""
    name = member.name
    if name.startswith(("/", "\\")) or ".." in name.split("/") or "\\" in name or "\0" in name:
        raise DataError(f"{path} holds {name!r}, a name that leads out of the archive; do not use it")
    if len(name) > 1 and name[1] == ":":
        raise DataError(f"{path} holds {name!r}, a name that leads out of the archive; do not use it")
    if unread:
        return
    if not (member.isfile() or member.isdir()) or member.issparse():
        kind = "link" if member.issym() or member.islnk() else "device or special file"
        raise DataError(f"{path} holds a {kind}, {name!r}; a data set has plain files only")
    _check_size(f"{path}: {name}", member.size)
    _check_ratio(path, total, packed_size)


def _check_size(name: str, size: int) -> None:
    if not 0 <= size <= MAX_FILE:
        raise DataError(
            f"{name} has {size:,} bytes; a file of a data set has at most {MAX_FILE:,}; remove it"
        )


def _check_ratio(path: Path, unpacked: int, packed: int) -> None:
    if unpacked > max(RATIO_FREE, MAX_RATIO * packed):
        raise DataError(
            f"{path} unpacks from {packed:,} to over {unpacked:,} bytes; it looks like a decompression bomb"
        )
