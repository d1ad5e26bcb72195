"""Which data set a file or folder holds, by what is in it and not by what it is called."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cnncourse.data import locations, store
from cnncourse.data.archives import Parts, items, reading
from cnncourse.data.catalog import CATALOG
from cnncourse.data.errors import DataError
from cnncourse.data.sources import is_data, outline


def find(name: str) -> Path | None:
    """Return where a downloadable data set lies on the disk, outside the cache.

    Raises
    ------
    FileNotFoundError
        If CNNCOURSE_DATA names something that is not there.
    DataError
        If the place that is looked at holds something else under the data set's name, or
        CNNCOURSE_DATA names a place that does not hold it, or allows none.
    """
    variable = locations.DATA
    if locations.bundled_only():
        raise DataError(
            f"{name} is not bundled, and {variable}={locations.BUNDLED_ONLY} allows only digits and "
            f"shapes10; load one of those, or unset {variable}"
        )
    given, beside = locations.given_data(), locations.shared_data()
    folder, known = given or beside, CATALOG[name].files
    candidates = [folder / file for file in known if (folder / file).exists()] if folder else []
    reasons = {}
    for place in [*candidates, *([given] if given else [])]:
        reasons[place] = _differs(place, name)
        if not reasons[place]:
            return place
    for place, reason in reasons.items():
        if place in candidates or place.is_file():
            raise DataError(reason)
    if given is None:
        return None
    raise DataError(
        f"{name} is not in {given}, which {variable} names (looked for {', '.join(known)}); "
        f"put it there, or unset {variable} to use the cache or a download"
    )


def key_of(path: Path, name: str) -> str:
    """Return the folder's name in the cache for what a file or folder on the disk holds."""
    return f"{name}-{signature(path)}"


def _differs(path: Path, name: str) -> str:
    """Return a message that says why `path` does not hold the data set `name`; empty if it seems to."""
    if path.is_dir():
        return _difference(path, name)
    return store.remembered(f"{name}-{_state(path)}", lambda: _difference(path, name))


def _difference(path: Path, name: str) -> str:
    entry = CATALOG[name]
    try:
        counts, classes = outline(path, entry.classes)
    except DataError as error:
        return str(error)
    return refusal(path, name, reason) if (reason := entry.difference(counts, classes)) else ""


def refusal(path: Path | str, name: str, reason: str) -> str:
    """Return the message that refuses `path` as the data set `name`."""
    return f"{path} is not {name}: {reason}; give another file, or load it by its path"


def signature(path: Path) -> str:
    """Return twelve digits of the content of a file, or of all the data below a folder.

    The content is read once; as long as nothing was touched since, the digits are remembered.
    """
    return store.remembered(_state(path), lambda: _content(path))


def _state(path: Path) -> str:
    """Return digits that change whenever a file is written, moved or replaced, without reading any."""
    digest = hashlib.sha256()
    for parts, file in _files(path):
        digest.update(repr(parts).encode())
        if file is not None:
            details = file.stat()
            # Sizes and times alone are equal where two files changed places; these two numbers are not.
            place = (details.st_dev, details.st_ino, details.st_ctime_ns)
            digest.update(repr((details.st_size, details.st_mtime_ns, *place)).encode())
    return digest.hexdigest()[:32]


def _content(path: Path) -> str:
    digest = hashlib.sha256()
    for parts, file in _files(path):
        digest.update(repr(parts).encode())
        if file is not None:
            with reading(file), file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]


def _files(path: Path) -> Iterator[tuple[Parts, Path | None]]:
    """Yield the names of folders, and names and paths of the files that are read as data."""
    if path.is_file():
        yield (), path
        return
    for item in items(path):
        if item.read is None:
            yield item.parts, None
        elif is_data(item.parts, str(path)):
            yield item.parts, path.joinpath(*item.parts)
