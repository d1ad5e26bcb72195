"""Whatever form a data set has on the disk, read into image sets."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cnncourse.data.archives import MAX_RATIO, RATIO_FREE, Tick, files
from cnncourse.data.cifar import is_batch, read_batches
from cnncourse.data.errors import DataError
from cnncourse.data.folders import Arrays, Parts, decode_all, is_picture, stack
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
    if path.suffix.lower() == ".npz" and path.is_file():
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
    name = path.resolve().name
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _read_files(path: Path, size: Size | None, tick: Tick) -> tuple[dict[str, Arrays], tuple[str, ...]]:
    batches: dict[str, bytes] = {}

    def pictures() -> Iterator[tuple[Parts, bytes]]:
        for parts, content in files(path, tick):
            if is_batch(parts):
                batches[parts[-1]] = content
            elif is_picture(parts, str(path)):
                yield parts, content

    names, images = decode_all(pictures(), str(path), size)
    if batches:
        return read_batches(batches, str(path))
    return stack(names, images, str(path))


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
    stated = arrays.get("classes")
    names = map(str, range(highest + 1)) if stated is None else map(str, np.ravel(stated))
    return splits, tuple(names)


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
