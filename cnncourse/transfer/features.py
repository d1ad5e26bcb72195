"""What a network makes of images before its head, computed once and kept on the disk."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from tqdm import tqdm

import cnncourse
from cnncourse import explain
from cnncourse._checks import check_bool, check_count
from cnncourse._files import locked
from cnncourse._progress import wants_progress
from cnncourse.data import cache_folder, store
from cnncourse.data.errors import CacheError, NoCacheError
from cnncourse.models import Trained
from cnncourse.models.resolution import ENLARGED, SHRUNK
from cnncourse.transfer.heads import head_name

FOLDER = "features"
CHUNK = 2000  # images hashed at once, so that a memory-mapped set never needs a second copy


def extract(
    trained: Trained,
    images: Any,
    batch_size: int = 32,
    cache: bool = True,
    progress: bool | None = None,
) -> np.ndarray:
    """Return the features of images: what the network's last dense layer is given.

    The first call computes them and keeps them in the cache, row by row: if it is interrupted, the next call
    goes on there. Later calls map the file into memory. What is kept belongs to the pixels and to the weights
    before the head, whatever the files are called; another head finds the same features.

    Parameters
    ----------
    trained : Trained
        The network; of another network than ours, make one: `models.Trained` takes any module.
    images : ndarray of shape (N, C, H, W), or ImageSet
        As for `Trained.predict`.
    batch_size : int
        Images at a time; it changes the speed, and the features in their last digits.
    cache : bool
        Whether to keep them, below `data.cache_folder`.
    progress : bool, optional
        Whether to show a bar; by default, where it would be seen.

    Returns
    -------
    ndarray of float32 of shape (N, D)
        Copy-on-write: changes to it stay in this process.

    Warns
    -----
    UserWarning
        If there is no cache that can be written.

    Raises
    ------
    TypeError, ValueError
        If there is no image, or the images do not fit the network.
    OSError
        If (`CacheError`) the disk of the cache is full.

    Examples
    --------
    >>> from cnncourse import data, models
    >>> network = models.load_trained("lenet5")
    >>> extract(network, data.load("digits", "test", size=32).take(5), cache=False).shape
    (5, 84)
    """
    if not isinstance(trained, Trained):
        raise TypeError(
            f"trained must be a models.Trained, got {type(trained).__name__}; make one of a module: "
            "models.Trained(module, name, classes, channels, size, mean, std)"
        )
    check_count("batch_size", batch_size)
    array = np.asarray(getattr(images, "images", images))
    if not len(array):
        raise ValueError("images holds no image; give at least one")
    with _bar(len(array), progress) as bar:
        if not check_bool("cache", cache):
            return np.concatenate(list(_rows(trained, array, 0, batch_size, bar)))
        try:
            return _kept(trained, array, batch_size, bar)
        except NoCacheError as error:
            warnings.warn(f"{error}. Until then features are computed at every call", stacklevel=2)
            return np.concatenate(list(_rows(trained, array, 0, batch_size, bar)))


def _bar(count: int, progress: bool | None) -> Any:
    shown = wants_progress() if progress is None else progress
    return tqdm(total=count, desc="features", unit="image", disable=not shown, dynamic_ncols=True)


def _rows(trained: Trained, array: np.ndarray, start: int, batch_size: int, bar: Any) -> Iterator[np.ndarray]:
    """Yield the features (B, D) of one batch after the other, from image `start` on."""
    for first in range(start, len(array), batch_size):
        rows = explain.features(trained, array[first : first + batch_size], batch_size=batch_size)
        bar.update(len(rows))
        yield np.ascontiguousarray(rows, dtype=np.float32)


def _kept(trained: Trained, array: np.ndarray, batch_size: int, bar: Any) -> np.ndarray:
    """Return the features from the cache, computing what is not there yet."""
    key = features_key(trained, array)
    folder = cache_folder() / FOLDER
    path = folder / f"{key}.npy"
    found = _open(path)
    if found is None:
        with _writing(folder, key):
            found = _open(path)  # another process may have been faster
            if found is None:
                _complete(trained, array, batch_size, bar, path)
                found = _open(path)
                assert found is not None
    bar.update(len(array) - bar.n)
    return found


def _open(path: Path) -> np.ndarray | None:
    """Return the features in a file, mapped into memory, or None where there is no whole one."""
    try:
        rows: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return rows


@contextmanager
def _writing(folder: Path, key: str) -> Iterator[None]:
    """Hold the lock of `key`; say what keeps the cache from being written."""
    with ExitStack() as lock:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.enter_context(locked(folder / f"{key}.lock"))
        except OSError as error:
            raise NoCacheError(str(store.explain(error))) from None
        yield


def _complete(trained: Trained, array: np.ndarray, batch_size: int, bar: Any, path: Path) -> None:
    """Write the file `path`, going on where an interrupted call has stopped; it is whole or not there."""
    part = path.with_suffix(".part")
    done = _whole_rows(part, len(array))
    bar.update(done)
    try:
        with part.open("r+b" if done else "wb") as file:
            file.seek(0, 2)
            for rows in _rows(trained, array, done, batch_size, bar):
                if not done:
                    store.check_room(len(array) * rows[0].nbytes)
                    _write_header(file, (len(array), rows.shape[1]))
                    done = len(rows)
                file.write(rows.tobytes())
                file.flush()  # an interruption loses one batch at most
            os.fsync(file.fileno())
        part.replace(path)
    except CacheError:
        part.unlink(missing_ok=True)
        raise
    except OSError as error:
        raise store.explain(error) from None


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    """Write the beginning of an .npy file of float32 numbers."""
    header = np.lib.format.header_data_from_array_1_0(np.empty((0, shape[1]), np.float32))
    np.lib.format.write_array_header_1_0(file, header | {"shape": shape})


def _whole_rows(part: Path, count: int) -> int:
    """Cut a part of a file after its last whole row, and return how many rows it holds."""
    try:
        with part.open("r+b") as file:
            np.lib.format.read_magic(file)
            (expected, width), _, _ = np.lib.format.read_array_header_1_0(file)
            begin = file.tell()
            rows = (part.stat().st_size - begin) // (4 * width)
            if expected != count or not 0 < rows <= count:
                return 0
            file.truncate(begin + rows * 4 * width)
            return rows
    except (OSError, ValueError):
        return 0


def features_key(trained: Trained, array: np.ndarray) -> str:
    """Return digits that change with the pixels, and with all that decides the features of an image.

    Parameters
    ----------
    trained : Trained
        Of its head, only what it is given counts.
    array : ndarray of shape (N, C, H, W)
    """
    head = head_name(trained.model)
    scaling = f"{ENLARGED} {SHRUNK}"
    digest = hashlib.sha256(f"{cnncourse.__version__} {scaling} {array.dtype} {array.shape}".encode())
    for start in range(0, len(array), CHUNK):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK]).data)
    layers = [
        repr(module)
        for name, module in trained.model.named_modules()
        if name != head and not list(module.children())
    ]
    settings = (trained.architecture, dict(trained.options), trained.size, trained.resolution)
    digest.update(repr((settings, trained.mean, trained.std, layers)).encode())
    for name, tensor in trained.model.state_dict().items():
        if not f"{name}.".startswith(f"{head}."):
            digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]
