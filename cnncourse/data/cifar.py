"""The official CIFAR batches: pickles, read without letting them call anything.

A pickle is a program that may call any Python function. The batches need three: two that make
a NumPy array and its type, and one that makes bytes of text. This reader puts harmless
stand-ins in their place and builds the arrays itself, so that not even NumPy is called.
"""

import io
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from cnncourse.data.errors import DataError

BATCHES = ("test_batch", "batches.meta", "train", "test", "meta")  # and data_batch_1 to 5
PIXELS = 3 * 32 * 32


class _Type:
    """Stand-in for numpy.dtype: remembers the type's name."""

    def __init__(self, name: object = "", *unused: object) -> None:
        self.name = name.decode("latin1") if isinstance(name, bytes) else str(name)

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """Stand-in for numpy.ndarray: remembers shape, type and bytes."""

    shape: object = ()
    type: object = None
    content: object = b""
    fortran: object = False

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array of unknown form")
        _, self.shape, self.type, self.fortran, self.content = state

    def rows(self, name: str) -> np.ndarray:
        """Return the array, uint8 of shape (N, 3072), after checking that it is one."""
        shape, content = self.shape, self.content
        is_uint8 = isinstance(self.type, _Type) and self.type.name in ("u1", "|u1", "uint8")
        if isinstance(content, str):
            content = content.encode("latin1")
        if not (is_uint8 and isinstance(content, bytes) and isinstance(shape, tuple)):
            raise DataError(f"{name} holds no uint8 images; download the archive again")
        if len(shape) != 2 or shape[1] != PIXELS or len(content) != shape[0] * PIXELS:
            raise DataError(f"{name} holds images of shape {shape}, not (N, {PIXELS}); download it again")
        return np.frombuffer(content, dtype=np.uint8).reshape(-1, PIXELS, order="F" if self.fortran else "C")


def _reconstruct(*unused: object) -> _Array:
    return _Array()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("bytes of unknown form")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise DataError(f"it calls {module}.{name}, which no CIFAR batch needs; do not use this file")
        stand_in = ALLOWED[module, name]
        # A pickle may set attributes of a function; it gets a fresh one, which dies with it.
        return stand_in if isinstance(stand_in, type) else lambda *arguments: stand_in(*arguments)

    def persistent_load(self, pid: object) -> Any:
        raise DataError("it refers to something outside the file; do not use this file")


def unpickle(content: bytes, name: str) -> dict[str, Any]:
    """Return the dictionary that a batch holds, calling nothing that the pickle names.

    Parameters
    ----------
    content : bytes
        The pickle.
    name : str
        What messages call it.

    Raises
    ------
    DataError
        If it is no pickle of a dictionary, or names anything but what a batch holds.
    """
    try:
        loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{name} is not a CIFAR batch: {error}") from None
    except Exception as error:  # a broken pickle fails in every way there is
        raise DataError(f"{name} is a damaged CIFAR batch ({error}); download the archive again") from None
    if not isinstance(loaded, dict):
        raise DataError(f"{name} is not a CIFAR batch: it holds a {type(loaded).__name__}, not a dictionary")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): v for key, v in loaded.items()}


def is_batch(parts: tuple[str, ...]) -> bool:
    """Return whether a file's name is one that the official archives use for batches or names.

    Examples
    --------
    >>> is_batch(("cifar-10-batches-py", "data_batch_1")), is_batch(("cat", "data_batch_1.png"))
    (True, False)
    """
    return parts[-1] in BATCHES or re.fullmatch(r"data_batch_\d+", parts[-1]) is not None


def read_batches(
    files: dict[str, bytes], name: str
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...]]:
    """Return images and labels of both splits, and the class names, from official batches.

    Parameters
    ----------
    files : dict of str to bytes
        The pickles by the last part of their names.
    name : str
        What messages call the archive.

    Returns
    -------
    splits : dict of str to (images, labels)
        For ``"train"`` and ``"test"``, images uint8 (N, 3, 32, 32) and labels int64 (N,).
    classes : tuple of str
    """
    meta_name = "batches.meta" if "batches.meta" in files else "meta"
    if meta_name not in files:
        raise DataError(f"{name} is incomplete: the class names (batches.meta or meta) are missing")
    meta = unpickle(files[meta_name], f"{name}: {meta_name}")
    names = meta.get("label_names" if meta_name == "batches.meta" else "fine_label_names")
    if not isinstance(names, list) or not all(isinstance(each, bytes | str) for each in names):
        raise DataError(f"{name}: {meta_name} holds no class names; download the archive again")
    classes = tuple(each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in names)
    train = sorted(each for each in files if each.startswith("data_batch_")) or ["train"]
    test = ["test_batch" if "test_batch" in files else "test"]
    missing = [each for each in train + test if each not in files]
    if missing:
        raise DataError(f"{name} is incomplete: {', '.join(missing)} is missing")
    splits = {}
    for split, wanted in (("train", train), ("test", test)):
        read = [_read_batch(files[each], f"{name}: {each}", len(wanted), len(classes)) for each in wanted]
        splits[split] = np.concatenate([i for i, _ in read]), np.concatenate([k for _, k in read])
    return splits, classes


def _read_batch(content: bytes, name: str, batches: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    batch = unpickle(content, name)
    data, labels = batch.get("data"), batch.get("fine_labels", batch.get("labels"))
    if not isinstance(data, _Array):
        raise DataError(f"{name} holds no images; download the archive again")
    images = data.rows(name)
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{name} holds no labels; download the archive again")
    if len(labels) != len(images) or not all(0 <= label < classes for label in labels):
        raise DataError(f"{name}: {len(labels)} labels do not fit {len(images)} images of {classes} classes")
    title = batch.get("batch_label", b"")
    if isinstance(title, bytes) and title.startswith(b"training batch"):
        stated = title.rsplit(b" ", 1)[-1].decode("latin1")
        if stated.isdigit() and int(stated) != batches:
            raise DataError(f"{name} is one of {stated} training batches, but {batches} are there")
    return images.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)
