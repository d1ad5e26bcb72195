import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from small_data import cifar10_files, pets, picture, write_folder, write_tar

from cnncourse import data
from cnncourse.data import loading, locations, store


def test_the_second_load_decodes_nothing(pets_tar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.load(pets_tar)
    monkeypatch.setattr(loading, "read_source", None)
    assert data.load(pets_tar).fingerprint() == first.fingerprint()
    assert len(data.load(pets_tar, "test")) == 2


def test_images_are_a_map_of_the_file(pets_tar: Path) -> None:
    s = data.load(pets_tar)
    assert isinstance(s.images, np.memmap) or isinstance(s.images.base, np.memmap)
    s.images[0] = 0  # allowed, as torch needs it, and seen by nobody else
    assert data.load(pets_tar).images[0].any()


def test_a_changed_source_is_decoded_again(pets_tar: Path) -> None:
    first = data.load(pets_tar)
    files = pets() | {"pets/train/cat/9.png": picture(77)}
    write_tar(pets_tar, files)
    assert len(data.load(pets_tar)) == len(first) + 1
    folder = write_folder(pets_tar.parent / "folder", pets())
    assert len(data.load(folder)) == 6
    (folder / "pets/train/cat/0.png").unlink()
    assert len(data.load(folder)) == 5


@pytest.mark.parametrize("damage", ["no json", "broken json", "other format", "short", "missing"])
def test_a_damaged_cache_is_made_again(pets_tar: Path, own_places: Path, damage: str) -> None:
    expected = data.load(pets_tar).fingerprint()
    [folder] = own_places.glob("pets-*[!k]")
    description = folder / "set.json"
    if damage == "no json":
        description.unlink()
    elif damage == "broken json":
        description.write_text("{")
    elif damage == "other format":
        description.write_text(json.dumps(json.loads(description.read_text()) | {"format": 99}))
    elif damage == "short":
        os.truncate(folder / "train-images.npy", 200)
    else:
        (folder / "test-labels.npy").unlink()
    assert data.load(pets_tar).fingerprint() == expected
    assert len(data.load(pets_tar, "test")) == 2


def test_verify_finds_a_changed_byte_and_the_next_load_mends_it(pets_tar: Path, own_places: Path) -> None:
    expected = data.load(pets_tar).fingerprint()
    assert all(check.ok for check in data.verify(pets_tar))
    [images] = own_places.glob("pets-*/train-images.npy")
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    train, test = data.verify(pets_tar)
    assert (train.ok, train.expected, test.ok) == (False, expected, True)
    assert data.load(pets_tar).fingerprint() == expected


def test_a_full_disk_leaves_nothing_and_the_next_try_works(
    pets_tar: Path, own_places: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    with (
        full_disk(),
        pytest.raises(data.CacheError, match=r"the disk of the cache .* is full; make room, or"),
    ):
        data.load(pets_tar)
    assert {path.suffix or path.name for path in own_places.iterdir()} == {".lock", store.SEEN}
    assert len(data.load(pets_tar)) == 6


def test_too_little_room_is_noticed_before_writing(pets_tar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(data.CacheError, match=r"MB are needed, 0 MB are free"):
        data.load(pets_tar)


def test_a_cache_that_cannot_be_written(pets_tar: Path, own_places: Path) -> None:
    own_places.write_text("a file where the folder should be")
    with pytest.warns(
        UserWarning, match=r"cannot be written \(.*\); set CNNCOURSE_CACHE to a folder of yours"
    ):
        assert len(data.load(pets_tar)) == 6
    with pytest.warns(UserWarning, match=r"Until then the data is decoded again at every call"):
        assert len(data.load("shapes10", "test")) == 2000
    assert len(data.load("digits")) == 1442
    with pytest.raises(data.CacheError, match=r"cannot be written \(.*\); set CNNCOURSE_CACHE"):
        data.fetch("shapes10", progress=False)


def test_what_a_killed_process_left_is_removed(pets_tar: Path, own_places: Path) -> None:
    data.load(pets_tar)
    [folder] = own_places.glob("pets-*[!k]")
    left_over = own_places / f"{folder.name}.part-12345678"
    folder.rename(left_over)
    data.load(pets_tar)
    assert not left_over.exists()
    assert folder.is_dir()


LOAD = """
import sys
from cnncourse import data
from cnncourse.data import loading
read = loading.read_source
def noted(*arguments, **options):
    print("decoded", flush=True)
    return read(*arguments, **options)
loading.read_source = noted
print("ready", flush=True)
sys.stdin.readline()
print(data.load(sys.argv[1]).fingerprint(), flush=True)
"""


def test_two_processes_fill_the_same_cache_once(pets_tar: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(pets_tar)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    lines = [process.communicate()[0].split() for process in processes]
    assert sum(line.count("decoded") for line in lines) == 1
    assert lines[0][-1] == lines[1][-1] == data.load(pets_tar).fingerprint()
    assert all(process.returncode == 0 for process in processes)


def test_unknown_names_and_missing_paths(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"name_or_path is unknown: 'cifar01'.*Did you mean 'cifar10'"):
        data.load("cifar01")
    with pytest.raises(FileNotFoundError, match=r"no data set at .*pets.tar"):
        data.load(tmp_path / "pets.tar")
    with pytest.raises(ValueError, match=r"split is unknown: 'tset'. Did you mean 'test'"):
        data.load("digits", "tset")
    with pytest.raises(ValueError, match=r"size must be at least 1, got 0"):
        data.load("digits", size=0)
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(data.DataError, match=r"is no data set; give a folder, or a file ending in"):
        data.load(tmp_path / "a.pdf")


def test_known_data_by_its_folder_or_its_archive(
    small_cifar10: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in (small_cifar10, small_cifar10.parent):
        monkeypatch.setenv("CNNCOURSE_DATA", str(setting))
        assert data.default_name() == "cifar10"
        assert (data.load("cifar10").name, len(data.load("cifar10", "test"))) == ("cifar10", 10)
        [status] = [status for status in data.available() if status.name == "cifar10"]
        assert (status.state, status.where) == ("on disk", str(small_cifar10))
        assert data.fetch("cifar10", progress=False).is_dir()
        assert all(check.ok for check in data.verify("cifar10"))


def test_relative_paths_work_from_the_root_and_from_the_notebooks(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks = tmp_path / "checkout" / "book" / "foundations"
    notebooks.mkdir(parents=True)
    monkeypatch.setenv("CNNCOURSE_DATA", f"../here/{small_cifar10.name}")
    for folder in (tmp_path / "checkout", notebooks):
        monkeypatch.chdir(folder)
        assert len(data.load("cifar10")) == 20


def test_relative_paths_are_tried_from_the_checkout(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("/")
    monkeypatch.setattr(locations, "checkout", lambda: tmp_path / "checkout")
    monkeypatch.setenv("CNNCOURSE_DATA", "../here")
    assert data.default_name() == "cifar10"


def test_data_beside_the_checkout_is_used_unasked(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    monkeypatch.setattr(locations, "checkout", lambda: tmp_path / "checkout")
    assert data.default_name() == "shapes10"
    (tmp_path / "shared").mkdir()
    small_cifar10.parent.rename(tmp_path / "shared" / "data")
    assert data.default_name() == "cifar10"
    assert len(data.load("cifar10")) == 20


def test_given_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNCOURSE_DATA", "nowhere/cifar10.tar")
    for use in (data.default_name, lambda: data.load("cifar10"), data.available):
        with pytest.raises(
            FileNotFoundError, match=r"CNNCOURSE_DATA names nowhere/cifar10.tar, which does not"
        ):
            use()
    monkeypatch.setenv("CNNCOURSE_DATA", "/nowhere")
    with pytest.raises(FileNotFoundError, match=r"set it to bundled"):
        data.default_name()


def test_given_without_the_data_set_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path))
    assert data.default_name() == "shapes10"
    with pytest.raises(data.DataError, match=r"cifar10 is not in .* \(looked for cifar10.tar, cifar10"):
        data.load("cifar10")
    assert [status.state for status in data.available()] == ["absent", "absent", "bundled", "bundled"]


def test_bundled_allows_only_the_bundled_sets(small_cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    assert data.default_name() == "shapes10"
    assert len(data.load("digits", "test")) == 355
    with pytest.raises(data.DataError, match=r"allows only digits and shapes10; load one of those, or unset"):
        data.load("cifar10")
    assert data.available()[0].state == "absent"


def test_another_data_set_under_the_name_is_refused(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets_tar = write_tar(tmp_path / "cifar10.tar", pets())
    monkeypatch.setenv("CNNCOURSE_DATA", str(pets_tar))
    with pytest.raises(
        data.DataError, match=r"cifar10\.tar has a class cat, which the data set that is looked for has not"
    ):
        data.load("cifar10")


def test_altered_images_are_refused(small_cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = cifar10_files()
    name = "cifar-10-batches-py/data_batch_1"
    batch = pickle.loads(files[name], encoding="bytes")
    batch[b"data"] = batch[b"data"] ^ np.uint8(1)
    write_tar(small_cifar10, files | {name: pickle.dumps(batch, protocol=2)})
    monkeypatch.setenv("CNNCOURSE_DATA", str(small_cifar10))
    with pytest.raises(data.DataError, match=r"was altered: the train images are not those of cifar10"):
        data.load("cifar10")


def test_loading_needs_neither_torch_nor_matplotlib() -> None:
    code = """if True:
        import sys
        from cnncourse import data
        data.load("digits")
        print([name for name in ("torch", "matplotlib", "requests", "tqdm") if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
