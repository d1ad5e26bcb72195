"""Where data is looked for: by what is there, with or without a home, a cache, or locks."""

import errno
import os
from pathlib import Path
from typing import IO, Any

import filelock
import numpy as np
import platformdirs
import pytest
from small_data import cifar10_files, cifar100_files, known_as_cifar10, pets, write_folder, write_tar

from cnncourse import data
from cnncourse.cli import doctor
from cnncourse.data import locations, sources


def answers() -> dict[str, bool]:
    """Return what the list, the doctor, the default and the loader say of CIFAR-10 being there."""
    [listed] = [status.state for status in data.available() if status.name == "cifar10"]
    try:
        loaded = len(data.load("cifar10")) > 0
    except data.DataError:
        loaded = False
    return {
        "list": listed == "on disk",
        "doctor": doctor.check_data()[0].state == "ok",
        "default": data.default_name() == "cifar10",
        "load": loaded,
    }


ALL, NONE = dict.fromkeys(("list", "doctor", "default", "load"), True), {}


@pytest.mark.parametrize("name", ["any.file", "cifar10.tar", "cifar-10-batches-py"])
@pytest.mark.parametrize("content", ["nothing", "text", "pets", "cifar100", "cut off"])
def test_a_file_that_is_not_cifar10(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    path = tmp_path / name
    if content in ("pets", "cifar100"):
        write_tar(path, pets() if content == "pets" else cifar100_files())
    else:
        whole = small_cifar10.read_bytes()
        path.write_bytes({"nothing": b"", "text": b"milk", "cut off": whole[: len(whole) // 2]}[content])
    monkeypatch.setenv("CNNCOURSE_DATA", str(path))
    assert answers() == dict.fromkeys(ALL, False)
    [status] = [status for status in data.available() if status.name == "cifar10"]
    assert str(path) in status.detail  # and why


def test_a_file_that_may_not_be_read(small_cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *arguments: object, **options: object) -> IO[Any]:
        """Refuse the archive; root may read it whatever its permissions say."""
        if path == small_cifar10:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)  # type: ignore[arg-type]

    opened = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setenv("CNNCOURSE_DATA", str(small_cifar10))
    assert answers() == dict.fromkeys(ALL, False)
    for use in (lambda: data.load("cifar10"), lambda: data.load(small_cifar10)):
        with pytest.raises(
            data.DataError, match=r"tar\.gz cannot be read \(Permission denied\); allow reading it"
        ):
            use()


@pytest.mark.parametrize("form", ["tar.gz", "folder", "npz"])
@pytest.mark.parametrize("name", ["v3", "cifar100.tar"])
def test_cifar10_under_another_name(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, name: str
) -> None:
    (tmp_path / "store").mkdir()
    store = tmp_path / "store" / name
    if form == "tar.gz":
        small_cifar10.rename(store)
    elif form == "folder":
        (write_folder(tmp_path, cifar10_files()) / "cifar-10-batches-py").rename(store)
    else:
        sets = {split: data.load(small_cifar10, split) for split in ("train", "test")}
        arrays = {f"{split}_images": each.images for split, each in sets.items()}
        arrays |= {f"{split}_labels": each.labels for split, each in sets.items()}
        with store.open("wb") as file:
            np.savez(file, **arrays, classes=np.array(sets["train"].classes))
    monkeypatch.setenv("CNNCOURSE_DATA", str(store))
    assert answers() == ALL
    link = tmp_path / "cifar-10-batches-py"
    link.symlink_to(store)
    monkeypatch.setenv("CNNCOURSE_DATA", str(link))
    assert answers() == ALL


def test_pictures_of_some_classes_are_not_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, some = (
        write_tar(tmp_path / "a.tar", pets()),
        write_tar(tmp_path / "b.tar", dict([*pets().items()][1:])),
    )
    known_as_cifar10(whole, monkeypatch)
    for path, expected in ((whole, True), (some, False)):
        monkeypatch.setenv("CNNCOURSE_DATA", str(path))
        assert answers() == dict.fromkeys(ALL, expected)
    with pytest.raises(
        data.DataError, match=r"b\.tar is not cifar10: for train it holds 5 images of 2 classes"
    ):
        data.load("cifar10")


def test_the_right_file_is_found_beside_a_wrong_one(
    small_cifar10: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tar(small_cifar10.with_name("cifar10.tar"), pets())
    monkeypatch.setenv("CNNCOURSE_DATA", str(small_cifar10.parent))
    assert answers() == ALL


def test_a_large_folder_of_something_else_is_not_walked_through(tmp_path: Path) -> None:
    """The first picture of another class is enough, whatever comes behind it."""
    folder = write_folder(tmp_path, pets()) / "pets"
    os.mkfifo(folder / "train" / "z.png")
    with pytest.raises(
        data.DataError, match=r"has a class cat, which the data set that is looked for has not"
    ):
        sources.outline(folder, ["dog"])
    with pytest.raises(data.DataError, match=r"not a plain file"):
        sources.outline(folder, ["cat", "dog"])


def test_batches_of_two_data_sets_or_with_pictures(tmp_path: Path) -> None:
    both = write_tar(tmp_path / "both.tar", cifar10_files() | cifar100_files())
    with pytest.raises(
        data.DataError, match=r"\(in cifar-10-batches-py, cifar-100-python\) of two data sets"
    ):
        data.load(both)
    mixed = write_tar(tmp_path / "mixed.tar", cifar10_files() | pets())
    with pytest.raises(
        data.DataError, match=r"beside pictures such as pets/train/cat/0\.png; give a folder of"
    ):
        data.load(mixed)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user whom the system does not know, without HOME."""

    def unknown(*unused: object, **options: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CNNCOURSE_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_dir", unknown)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_everything_goes_on_but_downloads(
    pets_tar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data.default_name() == "shapes10"
    assert [status.state for status in data.available()] == ["absent", "absent", "bundled", "bundled"]
    advice = r"there is no home folder to keep the cache in; set CNNCOURSE_CACHE to a folder of yours"
    with pytest.warns(UserWarning, match=advice):
        assert len(data.load("shapes10", "test")) == 2000
    with pytest.warns(UserWarning, match=advice):
        assert len(data.load(pets_tar, "test")) == 2
    for use in (
        lambda: data.load("cifar10"),
        lambda: data.fetch("shapes10", False),
        lambda: data.verify(pets_tar),
    ):
        with pytest.raises(data.CacheError, match=advice):
            use()
    with pytest.raises(FileNotFoundError, match=r"~/pets begins with a home folder that is not known"):
        data.load("~/pets")
    monkeypatch.setenv("CNNCOURSE_DATA", "~/data")
    with pytest.raises(FileNotFoundError, match=r"~/data begins with a home folder that is not known"):
        data.default_name()
    monkeypatch.delenv("CNNCOURSE_DATA")
    monkeypatch.setenv("CNNCOURSE_CACHE", "~/cache")
    with pytest.warns(UserWarning, match=advice):
        data.load(pets_tar)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("flock is missing")]
)
def test_a_file_system_that_refuses_locks(
    pets_tar: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(lock: filelock.FileLock) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.warns(
        UserWarning, match=f"the cache {own_places} cannot be written .*; set CNNCOURSE_CACHE to a"
    ):
        assert len(data.load(pets_tar)) == 6


def test_an_empty_name_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_folder(tmp_path, pets()) / "pets")
    for use in (data.load, data.verify):
        with pytest.raises(ValueError, match=r"name_or_path is empty; give a data set's name or a path"):
            use("")
    assert len(data.load(".")) == 6


def test_the_checkout_has_its_data_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "checkout", lambda: tmp_path / "checkout")
    assert locations.shared_data() == tmp_path / "shared" / "data"
