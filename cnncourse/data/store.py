"""The cache of decoded data sets: one folder each, mapped into memory, whole or not there.

A folder holds an images and a labels file (.npy) for each split and a set.json that describes
them. It is written under another name and renamed when it is whole; a lock keeps two processes
from doing the same work at once.
"""

import errno
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from cnncourse._files import locked
from cnncourse.data.errors import CacheError, NoCacheError
from cnncourse.data.image_set import ImageSet
from cnncourse.data.locations import CACHE, cache_folder

FORMAT = 1
DOWNLOAD = "download"  # the source of what is in the network, and cannot be decoded without a cache
SEEN = "seen-1"  # the folder of what is remembered of files; another number where that means something else
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
Decode = Callable[[], Mapping[str, ImageSet]]


def load_or_make(key: str, split: str, source: str, decode: Decode) -> tuple[ImageSet | None, list[str]]:
    """Return a split from the cache, decoding the whole data set first if it is not there.

    Parameters
    ----------
    key : str
        The folder's name in the cache.
    split : str
        The wanted split.
    source : str
        Where the data comes from, noted beside it.
    decode : callable
        Returns all splits. Without a cache it is called every time, with a warning that says so.

    Returns
    -------
    image_set : ImageSet or None
        None if the data set has no such split.
    splits : list of str
        The splits that it has.
    """
    try:
        make(key, source, decode)
    except NoCacheError as error:
        if source == DOWNLOAD:
            raise
        warnings.warn(f"{error}. Until then the data is decoded again at every call", stacklevel=3)
        sets = decode()
        return sets.get(split), list(sets)
    description = describe(key)
    assert description is not None
    splits = list(description["splits"])
    return (_open(key, description, split) if split in splits else None), splits


def make(key: str, source: str, decode: Decode) -> None:
    """Decode a data set into the cache unless it is there; the arguments are those of `load_or_make`."""
    if describe(key) is None:
        with writing(key):
            if describe(key) is None:  # another process may have been faster
                _write(key, decode(), source)


def remembered(key: str, make: Callable[[], str]) -> str:
    """Return what `make` returned when it was first called for `key`; without a cache it is called again."""
    try:
        text = (cache_folder() / SEEN / key).read_text(encoding="utf-8")
        if text.endswith("\n"):  # else the disk was full, or the machine stopped
            return text[:-1]
    except (OSError, UnicodeError):
        pass
    made = make()
    with suppress(OSError):
        file = cache_folder() / SEEN / key
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{key}.part-{uuid4().hex[:8]}")
        partial.write_text(f"{made}\n", encoding="utf-8")
        partial.replace(file)
    return made


def describe(key: str) -> dict[str, Any] | None:
    """Return what the cache holds under `key`, or None where it holds nothing whole."""
    try:
        folder = cache_folder() / key
        description = json.loads((folder / "set.json").read_text(encoding="utf-8"))
        if description["format"] != FORMAT:
            return None
        for split, details in description["splits"].items():
            for part, size in details["bytes"].items():
                if (folder / f"{split}-{part}.npy").stat().st_size != size:
                    return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(description)


def fingerprints(key: str) -> dict[str, str]:
    """Return the fingerprint that each split had when it came into the cache."""
    description = describe(key) or {"splits": {}}
    return {split: details["fingerprint"] for split, details in description["splits"].items()}


def remove(key: str) -> None:
    """Remove what the cache holds under `key`."""
    with writing(key):
        shutil.rmtree(cache_folder() / key, ignore_errors=True)


def _open(key: str, description: dict[str, Any], split: str) -> ImageSet:
    folder = cache_folder() / key
    # Copy-on-write: pages are shared with every other process, and changes stay in this one.
    images = np.load(folder / f"{split}-images.npy", mmap_mode="c", allow_pickle=False)
    labels = np.load(folder / f"{split}-labels.npy", allow_pickle=False)
    return ImageSet(images, labels, tuple(description["classes"]), description["name"], split)


@contextmanager
def writing(key: str) -> Iterator[None]:
    """Hold the lock of `key`, and say clearly what keeps the cache from being written."""
    root = cache_folder()
    with ExitStack() as lock:
        try:
            root.mkdir(parents=True, exist_ok=True)
            lock.enter_context(locked(root / f"{key}.lock"))
        except OSError as error:
            raise NoCacheError(str(explain(error))) from None
        yield


def _write(key: str, sets: Mapping[str, ImageSet], source: str) -> None:
    root = cache_folder()
    try:
        for left_over in root.glob(f"{key}.part-*"):  # of a process that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        needed = sum(each.images.nbytes + each.labels.nbytes for each in sets.values())
        check_room(needed)
        partial = root / f"{key}.part-{uuid4().hex[:8]}"
        try:
            partial.mkdir()
            _write_sets(partial, sets, source)
            shutil.rmtree(root / key, ignore_errors=True)  # damaged, or of another format
            partial.replace(root / key)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except CacheError:
        raise
    except OSError as error:
        raise explain(error) from None


def _write_sets(folder: Path, sets: Mapping[str, ImageSet], source: str) -> None:
    splits: dict[str, Any] = {}
    for split, each in sets.items():
        sizes = {
            part: _write_array(folder / f"{split}-{part}.npy", array)
            for part, array in (("images", each.images), ("labels", each.labels))
        }
        splits[split] = {
            "shape": list(each.images.shape),
            "fingerprint": each.fingerprint(),
            "bytes": sizes,
        }
    first = next(iter(sets.values()))
    description = {
        "format": FORMAT,
        "name": first.name,
        "classes": list(first.classes),
        "source": source,
        "splits": splits,
    }
    text = json.dumps(description, indent=1)
    (folder / "set.json").write_text(text, encoding="utf-8")


def _write_array(path: Path, array: np.ndarray) -> int:
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(array.data)  # unlike numpy.save, this says why it could not write
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def check_room(needed: int) -> None:
    """Raise unless the cache's disk has room for `needed` more bytes."""
    free = shutil.disk_usage(cache_folder()).free
    if free < needed:
        raise CacheError(
            f"the disk of the cache {cache_folder()} is full: {needed / 1e6:,.0f} MB are needed, "
            f"{free / 1e6:,.0f} MB are free; make room, or set {CACHE} to a folder on another disk",
        )


def explain(error: OSError) -> CacheError:
    """Return the error to raise where writing into the cache failed."""
    folder = cache_folder()
    if getattr(error, "errno", None) in FULL:
        return CacheError(
            f"the disk of the cache {folder} is full; make room, or set {CACHE} to a folder on another disk"
        )
    reason = getattr(error, "strerror", None) or error
    return CacheError(f"the cache {folder} cannot be written ({reason}); set {CACHE} to a folder of yours")
