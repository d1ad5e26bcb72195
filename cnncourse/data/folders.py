"""Pictures in class folders, from a folder or an archive, to arrays."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from cnncourse.data.archives import Parts, is_note, shown
from cnncourse.data.errors import DataError
from cnncourse.data.pictures import Size, decode, endings, scale_bytes

SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
AT_ONCE = 1024  # files handed to the threads together
MAX_BYTES = 8 * 2**30

Arrays = tuple[np.ndarray, np.ndarray]


def is_picture(parts: Parts, name: str) -> bool:
    """Return whether a file of a data set is a picture, by its name; notes are not.

    Raises
    ------
    DataError
        If the file is neither a picture that can be read nor a note beside them.
    """
    if is_note(parts[-1]):
        return False
    if not parts[-1].lower().endswith(endings()):
        raise DataError(
            f"{name}: {shown(parts)} is not a picture that can be read; "
            "export it as PNG, JPEG or WebP, or remove it"
        )
    return True


def decode_all(
    files: Iterable[tuple[Parts, bytes]], name: str, size: Size | None = None
) -> tuple[list[Parts], list[np.ndarray]]:
    """Decode pictures, several at a time.

    Parameters
    ----------
    files : iterable of (parts of the name, content)
    name : str
        What messages call the folder or archive.
    size : int or (int, int), optional
        As for `read_image`.

    Returns
    -------
    names : list of tuple of str
    images : list of numpy.ndarray, each uint8 of shape (C, H, W)
    """
    names: list[Parts] = []
    images: list[np.ndarray] = []
    taken = [0]

    def decode_group(group: list[tuple[Parts, bytes]]) -> list[np.ndarray]:
        decoded = []
        for parts, content in group:
            decoded.append(_decode(parts, content, name, size))
            taken[0] += decoded[-1].nbytes
            if taken[0] > MAX_BYTES:
                raise DataError(
                    f"{name} unpacks to more than {MAX_BYTES / 2**30:.0f} GiB of pixels; "
                    "scale the pictures down with load(path, size=...)"
                )
        return decoded

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for some in _batched(files, AT_ONCE):
            groups = [some[start : start + 64] for start in range(0, len(some), 64)]
            for group in pool.map(decode_group, groups):
                images.extend(group)
            names.extend(parts for parts, _ in some)
    return names, images


def _batched(files: Iterable[tuple[Parts, bytes]], count: int) -> Iterator[list[tuple[Parts, bytes]]]:
    iterator = iter(files)
    while some := list(islice(iterator, count)):
        yield some


def _decode(parts: Parts, content: bytes, name: str, size: Size | None) -> np.ndarray:
    image = decode(content, f"{name}: {shown(parts)}")
    if size is None and image.dtype == np.uint8:
        return image
    return scale_bytes(image, size)


def arrange(names: list[Parts], name: str) -> tuple[list[str], list[str]]:
    """Return each picture's split and class, by the folders it lies in.

    Folders that all pictures share are left away; then a folder may name the split; the
    folder that holds a picture names its class, however many super-classes are above it.
    Names that differ only in how Unicode writes an accent are the same name.

    Parameters
    ----------
    names : list of tuple of str
        The parts of each picture's name.
    name : str
        What messages call the folder or archive.

    Examples
    --------
    >>> arrange([("pets", "train", "cat", "1.png"), ("pets", "train", "dog", "1.png")], "pets")
    (['train', 'train'], ['cat', 'dog'])
    """
    if not names:
        raise DataError(f"{name} holds no pictures; it needs one folder of pictures for each class")
    depth = _shared_depth(names)
    paths = [parts[depth:] for parts in names]
    has_splits = all(parts[0].lower() in SPLITS and len(parts) > 1 for parts in paths)
    if has_splits:
        _check_splits({parts[0] for parts in paths}, name)
    splits = [SPLITS[parts[0].lower()] if has_splits else "train" for parts in paths]
    inner = [parts[1:] if has_splits else parts for parts in paths]
    for parts, path in zip(names, inner, strict=True):
        if len(path) < 2:
            raise DataError(
                f"{name}: {shown(parts)} lies in no class folder; put it into a folder named by its class"
            )
    kinds = [class_name(path[-2], name) for path in inner]
    _check_folders(splits, inner, kinds, name)
    return splits, kinds


def class_name(text: str, name: str) -> str:
    """Return a class's name, its accents composed; `name` is what messages call the data set."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{name}: the class {shown((text,))} has a name that is no UTF-8; rename it"
        ) from None
    return unicodedata.normalize("NFC", text)


def _check_splits(folders: set[str], name: str) -> None:
    for split in dict.fromkeys(SPLITS.values()):
        same = sorted(folder for folder in folders if SPLITS[folder.lower()] == split)
        if len(same) > 1:
            raise DataError(
                f"{name}: {' and '.join(same)} are both its {split} split; "
                "put the pictures into one of them, or move one away"
            )


def _shared_depth(names: list[Parts]) -> int:
    """Return how many leading folders all pictures share and none of which says anything."""
    first, depth = names[0], 0
    while all(len(parts) > depth + 2 and parts[depth] == first[depth] for parts in names):
        if first[depth].lower() in SPLITS:
            break
        depth += 1
    return depth


def _check_folders(splits: list[str], paths: list[Parts], kinds: list[str], name: str) -> None:
    folders: dict[str, dict[str, Parts]] = defaultdict(dict)
    for split, path, kind in zip(splits, paths, kinds, strict=True):
        folder = path[:-1]
        known = folders[split].setdefault(kind, folder)
        if known != folder:
            encoded = ", with its accents written in two ways" * (known[-1] != folder[-1])
            raise DataError(
                f"{name}: two folders are called {kind!r}{encoded}, {shown(known)} and "
                f"{shown(folder)}; a class needs a name of its own"
            )
    for classes in folders.values():
        whole = set(classes.values())
        for folder in whole:
            for end in range(1, len(folder)):
                if folder[:end] in whole:
                    above = "/".join(folder[:end])
                    raise DataError(
                        f"{name}: {above} holds both pictures and class folders; move its pictures into one"
                    )
    known_classes = set(folders["train"]) if "train" in folders else set().union(*folders.values())
    if len(known_classes) < 2:
        only = ", ".join(sorted(known_classes))
        raise DataError(f"{name} has only one class ({only}); a classifier needs at least two folders")
    for split, classes in folders.items():
        foreign = sorted(set(classes) - known_classes)
        if foreign:
            raise DataError(f"{name}: {split} has classes that train has not: {', '.join(foreign)}")


def stack(
    names: list[Parts], images: list[np.ndarray], name: str
) -> tuple[dict[str, Arrays], tuple[str, ...]]:
    """Return images and labels of each split, and the sorted class names.

    Raises
    ------
    DataError
        If the pictures differ in size.
    """
    splits, kinds = arrange(names, name)
    classes = tuple(sorted(set(kinds)))
    channels = max(len(image) for image in images)
    expected = images[0].shape[1:]
    for parts, image in zip(names, images, strict=True):
        if image.shape[1:] != expected:
            raise DataError(
                f"{name}: the pictures differ in size, {shown(names[0])} has {_size(expected)} and "
                f"{shown(parts)} {_size(image.shape[1:])}; give load(path, size=64), say"
            )
    labels = np.array([classes.index(kind) for kind in kinds], dtype=np.int64)
    arranged: dict[str, Arrays] = {}
    for split in sorted(set(splits), key=list(SPLITS.values()).index):
        members = [index for index, each in enumerate(splits) if each == split]
        joined = np.empty((len(members), channels, *expected), dtype=np.uint8)
        for row, index in enumerate(members):
            joined[row] = images[index]  # a gray picture fills all three channels
        arranged[split] = joined, labels[members]
    return arranged, classes


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]} pixels"
