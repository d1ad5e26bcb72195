"""Files out of folders and tar archives, one after the other, trusting neither.

Nothing is ever unpacked to the disk: members are read into memory, and an archive that
holds anything but plain files and folders is refused as a whole.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from cnncourse.data.errors import DataError

MAX_FILE = 256 * 2**20  # bytes of one file; the largest in the official archives has 155 MB
MAX_FILES = 3_000_000
MAX_RATIO = 100  # unpacked bytes a packed byte, once there is a gigabyte of them
RATIO_FREE = 2**30
BLOCK = tarfile.BLOCKSIZE

Tick = Callable[[int], object]  # told how many bytes were read


def files(path: Path, tick: Tick = lambda count: None) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield each file below a folder or in a tar archive: the parts of its name, and its content.

    Parameters
    ----------
    path : pathlib.Path
        A folder, a .tar, or a .tar.gz / .tgz.
    tick : callable
        Called with the number of bytes of each file, for a progress bar.

    Raises
    ------
    DataError
        If the archive is damaged or cut off, or holds something that no data set needs:
        a link, a device, a name that leads out of the archive, an absurd size.
    """
    return _folder(path, tick) if path.is_dir() else _tar(path, tick)


def _folder(path: Path, tick: Tick) -> Iterator[tuple[tuple[str, ...], bytes]]:
    root = path.resolve()
    for count, file in enumerate(walk(path)):
        if count >= MAX_FILES:
            raise DataError(f"{path} holds more than {MAX_FILES:,} files; give a smaller folder")
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            raise DataError(f"{file} is a link that leads out of {path}; copy the file there instead")
        size = file.stat().st_size
        _check_size(str(file), size)
        tick(size)
        yield file.relative_to(path).parts, file.read_bytes()


def walk(path: Path) -> Iterator[Path]:
    """Yield the plain files below a folder in the order of their names, following no link to a folder."""
    for folder, folders, names in os.walk(path, followlinks=False):
        for name in folders:
            if (Path(folder) / name).is_symlink():
                raise DataError(f"{Path(folder) / name} is a link to a folder; copy the folder there instead")
        folders.sort()
        for name in sorted(names):
            file = Path(folder) / name
            if not file.is_file():
                raise DataError(f"{file} is not a plain file; remove it")
            yield file


def _tar(path: Path, tick: Tick) -> Iterator[tuple[tuple[str, ...], bytes]]:
    packed_size = path.stat().st_size
    try:
        with _opened(path) as stream, tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
            total = 0
            for count, member in enumerate(archive):
                total += member.size
                _check_member(path, member, count, total, packed_size)
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every one
                if member.isfile():
                    content = archive.extractfile(member)
                    assert content is not None
                    tick(member.size)
                    yield PurePosixPath(member.name).parts, content.read()
            stream.check_end(archive.offset)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise DataError(
            f"{path} is damaged or cut off ({error or 'it ends too early'}); copy or download it again"
        ) from None


def _opened(path: Path) -> "_Limited":
    with path.open("rb") as file:
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


def _check_member(path: Path, member: tarfile.TarInfo, count: int, total: int, packed_size: int) -> None:
    if not (member.isfile() or member.isdir()) or member.issparse():
        kind = "link" if member.issym() or member.islnk() else "device or special file"
        raise DataError(f"{path} holds a {kind}, {member.name!r}; a data set has plain files only")
    name = member.name
    if name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts or "\\" in name or "\0" in name:
        raise DataError(f"{path} holds {name!r}, a name that leads out of the archive; do not use it")
    if len(name) > 1 and name[1] == ":":
        raise DataError(f"{path} holds {name!r}, a name that leads out of the archive; do not use it")
    if count >= MAX_FILES:
        raise DataError(f"{path} holds more than {MAX_FILES:,} files; it is not a data set of this course")
    _check_size(f"{path}: {name}", member.size)
    _check_ratio(path, total, packed_size)


def _check_size(name: str, size: int) -> None:
    if not 0 <= size <= MAX_FILE:
        raise DataError(f"{name} has {size:,} bytes; a file of a data set has at most {MAX_FILE:,}")


def _check_ratio(path: Path, unpacked: int, packed: int) -> None:
    if unpacked > max(RATIO_FREE, MAX_RATIO * packed):
        raise DataError(
            f"{path} unpacks from {packed:,} to over {unpacked:,} bytes; it looks like a decompression bomb"
        )
