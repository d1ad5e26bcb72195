"""Whatever form a data set has on the disk, read into image sets."""

import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from cnncourse.data.archives import MAX_RATIO, RATIO_FREE, Item, Parts, Tick, items, reading, shown
from cnncourse.data.cifar import is_batch, read_batches
from cnncourse.data.errors import DataError
from cnncourse.data.folders import Arrays, arrange, class_name, decode_all, is_picture, stack
from cnncourse.data.image_set import ImageSet, in_canonical_order
from cnncourse.data.pictures import Size

ENDINGS = (".tar.gz", ".tgz", ".tar", ".npz")
NPZ_KEYS = {  # what others call the arrays: Keras x_train, MedMNIST train_images
    "train": (("train_images", "train_labels"), ("x_train", "y_train"), ("images", "labels")),
    "validation": (("validation_images", "validation_labels"), ("val_images", "val_labels")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}


def read_source(
    path: Path, name: str | None = None, size: Size | None = None, tick: Tick = lambda count: None
) -> dict[str, ImageSet]:
    """Read all splits of a data set from a folder or a file.

    Parameters
    ----------
    path : pathlib.Path
        Class folders of pictures, official CIFAR batches, a .tar, .tar.gz or .tgz of either, or
        an .npz with images and labels.
    name : str, optional
        The data set's name; by default the path's, without its ending.
    size : int or (int, int), optional
        Scales the pictures of class folders, as for `read_image`.
    tick : callable
        Called with numbers of bytes read, for a progress bar.

    Returns
    -------
    dict of str to ImageSet
        The splits that are there, images in the order of their SHA-256.

    Raises
    ------
    DataError
        If there is no data set, or it is damaged or hostile.
    """
    name = name or plain_name(path)
    if is_npz(path):
        if size is not None:
            raise DataError(f"{path} holds arrays, which keep their size; leave size away")
        splits, classes = _read_npz(path)
    else:
        splits, classes = _read_files(path, size, tick)
    sets = {}
    for split, (images, labels) in splits.items():
        order = in_canonical_order(images, labels)
        try:
            sets[split] = ImageSet(images[order], labels[order], classes, name, split)
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}, {split}: {error}") from None
    return sets


def plain_name(path: Path) -> str:
    """Return a data set's name from its path.

    Examples
    --------
    >>> plain_name(Path("data/cifar-10-python.tar.gz")), plain_name(Path("My photos"))
    ('cifar-10-python', 'My photos')
    """
    name = shown((path.resolve().name,))
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def is_npz(path: Path) -> bool:
    """Return whether a file holds NumPy arrays, by its ending or, without one, by its content."""
    if not path.is_file() or path.suffix.lower() == ".npz":
        return path.is_file()
    with reading(path), path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04" or not zipfile.is_zipfile(file):
            return False
        with zipfile.ZipFile(file) as archive:
            return all(name.endswith(".npy") for name in archive.namelist())


def is_data(parts: Parts, name: str) -> bool:
    """Return whether a file is read as part of a data set: a CIFAR batch or a picture, and no note."""
    return is_batch(parts) or is_picture(parts, name)


def outline(path: Path, classes: Collection[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the number of images in each split and the classes' names, decoding no picture.

    Raises
    ------
    DataError
        If there is no data set, or as soon as a picture lies in none of `classes`.
    """
    if is_npz(path):
        splits, names = _read_npz(path)
        return {split: len(labels) for split, (_, labels) in splits.items()}, names
    found = _Found(path)
    pictures = []
    for item in found.pictures():
        if len(item.parts) > 1 and item.parts[-2] not in classes:
            foreign = shown(item.parts[-2:-1])
            raise DataError(f"{path} has a class {foreign}, which the data set that is looked for has not")
        pictures.append(item.parts)
    if found.batches:
        splits, names = found.read_batches(pictures)
        return {split: len(labels) for split, (_, labels) in splits.items()}, names
    each, kinds = arrange(pictures, str(path))
    return Counter(each), tuple(sorted(set(kinds)))


def _read_files(path: Path, size: Size | None, tick: Tick) -> tuple[dict[str, Arrays], tuple[str, ...]]:
    found = _Found(path, tick)
    contents = ((item.parts, item.read()) for item in found.pictures() if item.read)
    names, images = decode_all(contents, str(path), size)
    if found.batches:
        return found.read_batches(names)
    found.tell_empty_folders()
    return stack(names, images, str(path))


class _Found:
    """What a folder or archive holds, sorted into pictures, batches and folders as it is walked through."""

    def __init__(self, path: Path, tick: Tick = lambda count: None) -> None:
        self.path, self.tick = path, tick
        self.batches: dict[Parts, bytes] = {}
        self.folders: set[Parts] = set()
        self.filled: set[Parts] = set()

    def pictures(self) -> Iterator[Item]:
        """Yield the pictures, unread, and note the rest."""
        for item in items(self.path, self.tick):
            if item.read is None:
                self.folders.add(item.parts)
                continue
            self.filled.update(item.parts[:end] for end in range(1, len(item.parts)))
            if is_batch(item.parts):
                self.batches[item.parts] = item.read()
            elif is_picture(item.parts, str(self.path)):
                yield item

    def read_batches(self, pictures: list[Parts]) -> tuple[dict[str, Arrays], tuple[str, ...]]:
        """Return the images and labels of the batches, which must be all that is there."""
        places = sorted({"/".join(parts[:-1]) or "." for parts in self.batches})
        if pictures or len(places) > 1:
            beside = f"beside pictures such as {shown(pictures[0])}" if pictures else "of two data sets"
            raise DataError(
                f"{self.path} holds CIFAR batches (in {', '.join(places)}) {beside}; give a folder of one set"
            )
        return read_batches({parts[-1]: each for parts, each in self.batches.items()}, str(self.path))

    def tell_empty_folders(self) -> None:
        """Warn of folders in which there is nothing, so that no class goes missing in silence."""
        if empty := sorted(self.folders - self.filled):
            listed = ", ".join(map(shown, empty))
            warnings.warn(f"{self.path}: no class is made of {listed}, which is empty", stacklevel=2)


def _read_npz(path: Path) -> tuple[dict[str, Arrays], tuple[str, ...]]:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        packed = path.stat().st_size
        if unpacked > max(RATIO_FREE, MAX_RATIO * packed):
            raise DataError(f"{path} unpacks from {packed:,} to {unpacked:,} bytes; it looks like a bomb")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except DataError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise DataError(f"{path} is no .npz file of plain arrays, or it is damaged ({error})") from None
    splits = {}
    for split, pairs in NPZ_KEYS.items():
        for images, labels in pairs:
            if images in arrays and labels in arrays and split not in splits:
                splits[split] = _check_arrays(arrays[images], arrays[labels], f"{path}: {images}")
    if not splits:
        raise DataError(
            f"{path} holds {', '.join(arrays) or 'nothing'}; "
            "name the arrays train_images, train_labels, test_images, test_labels"
        )
    highest = max(int(labels.max(initial=0)) for _, labels in splits.values())
    stated = arrays.get("classes", np.arange(highest + 1))
    return splits, _class_names(stated, f"{path}: classes")


def _class_names(stated: np.ndarray, name: str) -> tuple[str, ...]:
    """Return class names from an array of text, of bytes in UTF-8, or of whole numbers."""
    if stated.dtype.kind not in "USiu":
        raise DataError(f"{name} must be text or whole numbers, got {stated.dtype}")
    try:
        texts = np.char.decode(stated, "utf-8") if stated.dtype.kind == "S" else stated.astype(str)
    except UnicodeDecodeError as error:
        raise DataError(f"{name} must be text in UTF-8, got {error.object!r}") from None
    return tuple(class_name(str(text), name) for text in np.ravel(texts))


def _check_arrays(images: np.ndarray, labels: np.ndarray, name: str) -> Arrays:
    """Return images as (N, C, H, W) and labels as (N,), from the forms that others use."""
    if images.dtype != np.uint8:
        raise DataError(f"{name} must be uint8 from 0 to 255, got {images.dtype}")
    if images.ndim == 3:
        images = images[:, None]  # (N, H, W) -> (N, 1, H, W)
    elif images.ndim == 4 and images.shape[1] not in (1, 3) and images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)  # (N, H, W, C) -> (N, C, H, W)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(f"{name} must have shape (N, C, H, W), (N, H, W, C) or (N, H, W), got {images.shape}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        raise DataError(f"{name}: the labels must be {len(images)} whole numbers, got shape {labels.shape}")
    if len(labels) and labels.min() < 0:
        raise DataError(f"{name}: a label is below 0")
    return np.ascontiguousarray(images), labels.astype(np.int64)
