"""One door to every data set: a name or a path in, an image set out."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cnncourse._checks import check_choice, suggest
from cnncourse._progress import wants_progress
from cnncourse.data import shapes10, store
from cnncourse.data.catalog import CATALOG, Entry
from cnncourse.data.download import bar, download
from cnncourse.data.errors import DataError
from cnncourse.data.finding import find, key_of, refusal, signature
from cnncourse.data.image_set import ImageSet, in_canonical_order
from cnncourse.data.locations import cache_folder, expand
from cnncourse.data.photos import BUNDLED
from cnncourse.data.pictures import Size, scale_bytes
from cnncourse.data.sources import ENDINGS, plain_name, read_source

NAMES = ("cifar10", "cifar100", "digits", "shapes10")


def load(name_or_path: str | os.PathLike[str], split: str = "train", size: Size | None = None) -> ImageSet:
    """Load a data set by its name, or from a folder or file of yours.

    The first time, the data set is decoded into the cache; from then on it is mapped into memory
    and loads in an instant. ``cifar10`` and ``cifar100`` are downloaded if they are not on the disk.

    Parameters
    ----------
    name_or_path : str or path
        ``"cifar10"``, ``"cifar100"``, ``"digits"``, ``"shapes10"``, or a path: a folder with
        one subfolder of pictures for each class (below ``train`` and ``test``, where there are splits),
        a .tar, .tar.gz or .tgz of such a folder or of the official CIFAR batches, or an .npz.
        Hidden files, system folders and notes such as .csv are passed over; any other file that
        is no picture is an error. Names of classes are compared in Unicode's composed form (NFC).
    split : str
        ``"train"`` or ``"test"``; for a path also ``"validation"``. A folder without splits is
        all ``"train"``.
    size : int or (int, int), optional
        A number cuts the largest centered square of each picture and scales it, a pair (height, width)
        scales the whole picture. Pictures of a path are scaled once and cached, those of a named set anew
        each time.

    Returns
    -------
    ImageSet
        In the order of the images' SHA-256, so that every source gives the same order.

    Warns
    -----
    UserWarning
        If a folder for a class is empty, or there is no cache that can be written.

    Raises
    ------
    ValueError
        If the name or split is unknown, or (`DataError`) what is there is no data set that can be read.
    FileNotFoundError
        If there is nothing at the path, or at the place that CNNCOURSE_DATA names.
    OSError
        If it cannot be downloaded (`DownloadError`) or the cache cannot take it (`CacheError`).

    Examples
    --------
    >>> load("digits", "test")
    ImageSet(digits test: 355 images 1x8x8, 10 classes)
    >>> load("digits", "test", size=32).shape
    (1, 32, 32)
    """
    name = os.fspath(name_or_path)
    if name in NAMES:
        check_choice("split", split, ("train", "test"))
        if size is not None:
            return _scaled(load(name, split), size)
    if name == "digits":
        return _load_digits(split)
    place = locate(name, size, wants_progress())
    image_set, splits = store.load_or_make(place.key, split, place.source, place.decode)
    if image_set is None:
        advice = "; divide it with partition()" if splits == ["train"] else ""
        raise ValueError(f"{name} has no split {split!r}, only {', '.join(splits)}{advice}")
    return image_set


def _scaled(image_set: ImageSet, size: Size) -> ImageSet:
    """Return the set with its pictures scaled as those of a path are."""
    return replace(image_set, images=np.stack([scale_bytes(image, size) for image in image_set.images]))


def default_name() -> str:
    """Return the data set that chapters train on: cifar10 if it is on this machine, else shapes10.

    It never downloads. CNNCOURSE_DATA=bundled makes it shapes10 everywhere.

    Raises
    ------
    FileNotFoundError
        If CNNCOURSE_DATA names something that is not there.
    """
    try:
        return "cifar10" if find("cifar10") or store.describe("cifar10") else "shapes10"
    except DataError:  # the place that is looked at holds none
        return "shapes10"


@dataclass(frozen=True)
class Place:
    """Where a data set is, or will be, in the cache, and how it gets there."""

    key: str
    source: str
    decode: Callable[[], Mapping[str, ImageSet]]


def locate(name: str, size: Size | None, progress: bool) -> Place:
    """Return the place in the cache of a data set, by its name or path; the digits have none."""
    if name == "shapes10":
        drawing = Path(shapes10.__file__).read_bytes()  # another way of drawing is another data set
        key = f"shapes10-{hashlib.sha256(drawing).hexdigest()[:12]}"
        return Place(key, "drawn", lambda: {each: shapes10.draw_shapes10(each) for each in shapes10.SIZES})
    if name not in CATALOG:
        return _locate_path(name, size, progress)
    path = find(name)
    if path is None:
        return Place(name, store.DOWNLOAD, lambda: _download(name, progress))
    return Place(key_of(path, name), path.name, lambda: _read_known(path, name, progress))


def _locate_path(name: str, size: Size | None, progress: bool) -> Place:
    if not name:
        raise ValueError(
            f"name_or_path is empty; give a data set's name or a path. Known: {', '.join(NAMES)}"
        )
    path = expand(name)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise FileNotFoundError(f"there is no data set at {path.absolute()}")
        raise ValueError(
            f"name_or_path is unknown: {name!r}, and no such path exists. {suggest(name, NAMES)}"
        )
    if path.is_file() and not path.name.lower().endswith(ENDINGS):
        raise DataError(f"{path} is no data set; give a folder, or a file ending in {', '.join(ENDINGS)}")
    plain = plain_name(path)
    readable = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in plain)[:40]
    scaled = "" if size is None else "-" + "x".join(map(str, np.ravel(size)))
    key = f"{readable}{scaled}-{signature(path)}"
    return Place(key, path.name, lambda: _read(path, plain, size, progress))


def _read_known(path: Path, name: str, progress: bool) -> dict[str, ImageSet]:
    return check_known(_read(path, name, None, progress), CATALOG[name], name, str(path))


def _download(name: str, progress: bool) -> dict[str, ImageSet]:
    sets: dict[str, ImageSet] = {}

    def accept(archive: Path) -> None:
        sets.update(_read_known(archive, name, progress))

    download(CATALOG[name].mirrors, cache_folder() / "downloads", accept, name, progress)
    return sets


def _read(path: Path, name: str, size: Size | None, progress: bool) -> dict[str, ImageSet]:
    total = path.stat().st_size if path.is_file() and path.suffix == ".tar" else None
    with bar(total, f"decoding {path.name}", progress) as shown:
        return read_source(path, name, size, tick=shown.update)


def check_known(sets: dict[str, ImageSet], entry: Entry, name: str, source: str) -> dict[str, ImageSet]:
    """Return `sets` if they are the data set that `entry` describes.

    Raises
    ------
    DataError
        If classes, numbers of images or fingerprints differ.
    """
    counts = {split: len(each) for split, each in sets.items()}
    if reason := entry.difference(counts, next(iter(sets.values())).classes):
        raise DataError(refusal(source, name, reason))
    for split, expected in entry.fingerprints.items():
        found = sets[split].fingerprint()
        if found != expected:
            raise DataError(
                f"{source} was altered: the {split} images are not those of {name} "
                f"(fingerprint {found[:12]}, not {expected[:12]}); get it again"
            )
    return sets


def _load_digits(split: str) -> ImageSet:
    """Return the bundled digits: of each class, every fifth image is for testing."""
    with np.load(BUNDLED / "digits.npz") as stored:
        values, labels = stored["images"], stored["labels"].astype(np.int64)
    images = np.rint(values * (255 / 16)).astype(np.uint8)[:, None]  # 0 to 16 becomes 0 to 255
    order = in_canonical_order(images, labels)
    images, labels = images[order], labels[order]
    rank = np.zeros(len(labels), dtype=int)  # an image's place among those of its class
    for label in range(10):
        rank[labels == label] = np.arange(np.sum(labels == label))
    chosen = (rank % 5 == 4) == (split == "test")
    return ImageSet(images[chosen], labels[chosen], tuple("0123456789"), "digits", split)
