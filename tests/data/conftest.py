"""What the tests of the data share: a cache of their own, and no data on the disk."""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from small_data import cifar10_files, known_as_cifar10, pets, write_tar

from cnncourse.data import locations


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty cache, and no data on the disk; return the cache's folder."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("CNNCOURSE_CACHE", str(cache))
    monkeypatch.setenv("CNNCOURSE_PROGRESS", "0")
    monkeypatch.delenv("CNNCOURSE_DATA", raising=False)
    monkeypatch.setattr(locations, "checkout", lambda: None)
    return cache


@pytest.fixture
def pets_tar(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "pets.tar", pets())


@pytest.fixture
def small_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a small archive in the official form stand for CIFAR-10; return its path."""
    (tmp_path / "here").mkdir()
    path = write_tar(tmp_path / "here" / "cifar-10-python.tar.gz", cifar10_files())
    known_as_cifar10(path, monkeypatch)
    return path


@pytest.fixture
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """Return a context in which each array is half written, and then the disk is full."""

    @contextmanager
    def full() -> Iterator[None]:
        def write(path: Path, array: np.ndarray) -> int:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("cnncourse.data.store._write_array", write)
            yield

    return full
