import io
import os
import pickle
import struct
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from small_data import (
    Files,
    cifar10_files,
    cifar100_files,
    cifar_rows,
    class_folders,
    pets,
    picture,
    write_folder,
    write_tar,
)

from cnncourse import data
from cnncourse.data.cifar import ALLOWED, read_batches, unpickle
from cnncourse.data.sources import read_source


@pytest.mark.parametrize(("form", "ending"), [("PNG", "png"), ("WEBP", "webp"), ("PNG", "PNG")])
@pytest.mark.parametrize("container", ["folder", "pets.tar", "pets.tgz", "pets.tar.gz"])
def test_class_folders_in_every_container_give_the_same_set(
    tmp_path: Path, form: str, ending: str, container: str
) -> None:
    files = pets(form, ending)
    if container == "folder":
        path = write_folder(tmp_path, files) / "pets"
    else:
        path = write_tar(tmp_path / container, files)
    sets = read_source(path)
    assert {split: len(each) for split, each in sets.items()} == {"train": 6, "test": 2}
    train = sets["train"]
    assert train.classes == ("cat", "dog")
    assert (train.name, train.split, train.shape) == ("pets", "train", (3, 8, 8))
    reference = read_source(write_tar(tmp_path / "reference.tar", dict(reversed(pets().items()))))
    for split, each in sets.items():
        assert each.fingerprint() == reference[split].fingerprint()


def test_pixels_and_labels_belong_together(tmp_path: Path) -> None:
    colors = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    files = {}
    for name, color in colors.items():
        file = io.BytesIO()
        Image.new("RGB", (4, 6), color).save(file, format="PNG")
        files[f"{name}/1.png"] = file.getvalue()
    image_set = read_source(write_folder(tmp_path / "colors", files))["train"]
    for image, label in image_set:
        assert tuple(image[:, 0, 0]) == colors[image_set.classes[label]]


def test_jpegs_are_read(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "pets.tar", pets("JPEG", "jpg"))
    assert len(data.load(path, "test")) == 2


def test_super_classes_take_the_leafs_name(tmp_path: Path) -> None:
    files = {}
    for number, name in enumerate(["fish/trout", "fish/ray", "flowers/tulip", "flowers/rose"]):
        for split in ("train", "test"):
            files[f"cifar100/{split}/{name}/a.png"] = picture(number + 10 * (split == "test"))
    sets = read_source(write_tar(tmp_path / "some.tar", files))
    assert sets["train"].classes == sets["test"].classes == ("ray", "rose", "trout", "tulip")


def test_a_folder_without_splits_is_all_for_training(tmp_path: Path) -> None:
    files = {"cat/1.png": picture(1), "dog/1.png": picture(2), "notes.txt": b"hello", ".DS_Store": b"\0"}
    path = write_folder(tmp_path / "mine", files)
    assert len(data.load(path)) == 2
    with pytest.raises(ValueError, match=r"no split 'test', only train; divide it with partition\(\)"):
        data.load(path, "test")


def test_a_validation_folder_is_a_split_of_its_own(tmp_path: Path) -> None:
    files = {}
    for number, split in enumerate(["train", "val", "test"]):
        files |= {f"{split}/{name}/1.png": picture(number + 10 * i) for i, name in enumerate(["a", "b"])}
    path = write_folder(tmp_path / "mine", files)
    assert len(data.load(path, "validation")) == 2


def test_gray_pictures_have_one_channel_unless_some_have_color(tmp_path: Path) -> None:
    gray = {"a/1.png": picture(1, "L"), "b/1.png": picture(2, "L")}
    assert read_source(write_folder(tmp_path / "gray", gray))["train"].shape == (1, 8, 8)
    mixed = read_source(write_folder(tmp_path / "mixed", gray | {"b/2.png": picture(3)}))["train"]
    assert mixed.shape == (3, 8, 8)
    assert sum(bool((image == image[0]).all()) for image in mixed.images) == 2


def test_pictures_of_different_sizes_need_a_size(tmp_path: Path) -> None:
    files = {"cat/1.png": picture(1), "dog/1.png": picture(2, size=(12, 9))}
    path = write_folder(tmp_path / "mine", files)
    with pytest.raises(ValueError, match=r"differ in size, cat/1.png has 8x8 pixels and dog/1.png 9x12"):
        data.load(path)
    assert data.load(path, size=6).shape == (3, 6, 6)
    assert data.load(path, size=(4, 6)).shape == (3, 4, 6)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no pictures"),
        ({"notes.txt": b"x"}, "holds no pictures"),
        ({"1.png": picture()}, "1.png lies in no class folder"),
        ({"cat/1.png": picture(), "cat/2.png": picture(1)}, r"only one class \(cat\)"),
        ({"train/cat/1.png": picture(), "test/cat/1.png": picture(1)}, r"only one class \(cat\)"),
        ({"cat/1.png": picture(), "2.png": picture(1)}, "2.png lies in no class folder"),
        ({"cat/1.png": picture(), "dog/1.png": b"no picture"}, "dog/1.png is not a picture"),
        (
            {"cat/1.png": picture(), "dog/1.heic": b"?"},
            "dog/1.heic is not a picture that can be read; export",
        ),
        ({"cat/1.png": picture()[:60], "dog/1.png": picture()}, "cat/1.png is a damaged or cut-off"),
        (
            {"a/cat/1.png": picture(), "b/cat/1.png": picture(1)},
            "two folders are called 'cat', a/cat and b/cat;",
        ),
        (
            {"a/1.png": picture(), "a/cat/1.png": picture(1), "b/x/2.png": picture()},
            "both pictures and class",
        ),
        (
            {
                f"{split}/{name}/1.png": picture()
                for split, name in [("train", "a"), ("train", "b"), ("test", "c")]
            },
            "test has classes that train has not: c",
        ),
    ],
)
@pytest.mark.parametrize("container", ["folder", "tar"])
def test_folders_that_are_no_data_set(tmp_path: Path, files: Files, message: str, container: str) -> None:
    (tmp_path / "mine").mkdir()
    folder = write_folder(tmp_path / "mine", files)
    path = folder if container == "folder" else write_tar(tmp_path / "mine.tar", files)
    with pytest.raises(data.DataError, match=message):
        data.load(path)


@pytest.mark.parametrize("container", ["folder", "cifar-10-python.tar", "cifar-10-python.tar.gz"])
def test_official_cifar10(tmp_path: Path, container: str) -> None:
    if container == "folder":
        path = write_folder(tmp_path, cifar10_files()) / "cifar-10-batches-py"
    else:
        path = write_tar(tmp_path / container, cifar10_files())
    train, test = data.load(path), data.load(path, "test")
    assert (len(train), len(test)) == (20, 10)
    assert train.classes == tuple(f"class{index}" for index in range(10))
    rows = np.concatenate([cifar_rows(1, 10), cifar_rows(2, 10)]).reshape(-1, 3, 32, 32)
    expected = {image.tobytes(): index % 10 for index, image in enumerate(rows)}
    assert {image.tobytes(): label for image, label in train} == expected


def test_official_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "cifar-100-python.tar.gz", cifar100_files())
    test = data.load(path, "test")
    assert len(test.classes) == 100
    rows = cifar_rows(2, 100).reshape(-1, 3, 32, 32)
    assert {image.tobytes(): label for image, label in test} == {
        image.tobytes(): index for index, image in enumerate(rows)
    }


def test_official_and_class_folders_give_the_same_set(tmp_path: Path) -> None:
    official = read_source(write_tar(tmp_path / "a.tar", cifar10_files()))
    folders = read_source(write_tar(tmp_path / "b.tar", class_folders(official)))
    assert all(folders[split].fingerprint() == official[split].fingerprint() for split in official)


@pytest.mark.parametrize("missing", ["data_batch_2", "test_batch", "batches.meta"])
def test_an_official_archive_that_lacks_a_batch(tmp_path: Path, missing: str) -> None:
    files = {name: content for name, content in cifar10_files().items() if not name.endswith(missing)}
    with pytest.raises(data.DataError, match=r"incomplete|one of 2 training batches, but 1"):
        data.load(write_tar(tmp_path / "cifar.tar", files))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_batch_as_python_2_wrote_it(order: Literal["C", "F"]) -> None:
    """The official files, byte for byte of this form: text and pixels are Python 2 strings."""
    rows = cifar_rows(5, 2)
    pixels = rows.tobytes(order)
    content = (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 1q\x03U\x06labelsq\x04]q\x05"
        b"(K\x06K\x09e"
        b"U\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09"
        b"(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + (b"\x88" if order == "F" else b"\x89")
        + b"T"
        + struct.pack("<i", len(pixels))
        + pixels
        + b"tbu."
    )
    names = [f"class{index}".encode() for index in range(10)]
    files = {"batches.meta": pickle.dumps({b"label_names": names}, protocol=2)}
    splits, _ = read_batches(files | {"data_batch_1": content, "test_batch": content}, "cifar")
    images, labels = splits["train"]
    assert labels.tolist() == [6, 9]
    assert np.array_equal(images.reshape(2, -1), rows)


class Calls:
    """What a hostile pickle looks like: unpickling calls `function` with `arguments`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    witness = tmp_path / "called"
    hostile = pickle.dumps({b"data": Calls(os.mkdir, str(witness)), b"labels": []}, protocol=2)
    files = cifar10_files() | {"cifar-10-batches-py/data_batch_1": hostile}
    with pytest.raises(data.DataError, match=r"data_batch_1 is not a CIFAR batch: it calls \w+\.mkdir"):
        data.load(write_tar(tmp_path / "cifar.tar", files))
    assert not witness.exists()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Calls(eval, "1"), protocol=2),
        pickle.dumps(Calls(np.fromfile, "/etc/hostname"), protocol=2),
        b"cos\nsystem\n(S'true'\ntR.",
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        b"c_codecs\nencode\nN}(V__defaults__\n(I1\ntu\x86b.",
    ],
)
def test_hostile_pickles(content: bytes) -> None:
    with pytest.raises(data.DataError, match=r"is not a CIFAR batch|is a damaged CIFAR batch"):
        unpickle(content, "x")
    assert ALLOWED["_codecs", "encode"]("x") == b"x"  # no pickle changed it for the next


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"data": None}, "holds no images"),
        ({b"data": np.zeros((10, 3072))}, "holds no uint8 images"),
        ({b"data": np.zeros((10, 3000), np.uint8)}, r"shape \(10, 3000\)"),
        ({b"data": np.zeros((9, 3072), np.uint8)}, "10 labels do not fit 9 images"),
        ({b"labels": [10] * 10}, "do not fit"),
        ({b"labels": [-1] * 10}, "do not fit"),
        ({b"labels": ["cat"] * 10}, "holds no labels"),
    ],
)
def test_batches_of_wrong_content(tmp_path: Path, change: dict[bytes, object], message: str) -> None:
    files = cifar10_files()
    name = "cifar-10-batches-py/data_batch_1"
    batch = pickle.loads(files[name], encoding="bytes")
    files[name] = pickle.dumps(batch | change, protocol=2)
    with pytest.raises(data.DataError, match=message):
        data.load(write_tar(tmp_path / "cifar.tar", files))


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps([1, 2]), pickle.dumps({b"a": 1})[:-4]])
def test_batches_that_are_no_pickles(content: bytes) -> None:
    with pytest.raises(data.DataError, match=r"CIFAR batch"):
        unpickle(content, "data_batch_1")


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "NHW"])
@pytest.mark.parametrize("keys", ["{}_images {}_labels", "x_{} y_{}"])
def test_npz(tmp_path: Path, layout: str, keys: str) -> None:
    rng = np.random.default_rng(0)
    shape = {"NCHW": (6, 3, 5, 4), "NHWC": (6, 5, 4, 3), "NHW": (6, 5, 4)}[layout]
    arrays = {}
    for split in ("train", "test"):
        images, labels = keys.format(split, split).split()
        arrays |= {images: rng.integers(0, 256, shape, dtype=np.uint8), labels: np.arange(6)[:, None] % 2}
    path = tmp_path / "toys.npz"
    np.savez_compressed(path, **arrays)
    test = data.load(path, "test")
    assert (test.name, test.classes, len(test)) == ("toys", ("0", "1"), 6)
    assert test.shape == ((1, 5, 4) if layout == "NHW" else (3, 5, 4))
    for names in (["nö", "yes"], ["nö".encode(), b"yes"], [["nö"], ["yes"]], ["no\u0308", "yes"]):
        np.savez(path, **arrays, classes=np.array(names))
        assert data.load(path).classes == ("nö", "yes")
    np.savez(path, **arrays, classes=np.array([3, 7]))
    assert data.load(path).classes == ("3", "7")


ONE = {"images": np.zeros((1, 4, 4), np.uint8), "labels": np.array([1])}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 3, 4, 4)), "labels": np.zeros(2, int)}, "must be uint8"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros(3, int)}, "2 whole numbers"),
        ({"images": np.zeros((2, 7, 4, 5), np.uint8), "labels": np.zeros(2, int)}, "must have shape"),
        ({"images": np.zeros((1, 4, 4), np.uint8), "labels": np.array([-1])}, "below 0"),
        ({"images": np.zeros((1, 4, 4), np.uint8), "labels": np.array([{}])}, "plain arrays"),
        ({"pixels": np.zeros(3)}, "holds pixels; name the arrays train_images"),
        (
            {
                "images": np.zeros((1, 4, 4), np.uint8),
                "labels": np.array([3]),
                "classes": np.array(["a", "b"]),
            },
            "from 0 to 1 for 2 classes",
        ),
        (
            {**ONE, "classes": np.array([b"caf\xe9", b"dog"])},
            r"classes must be text in UTF-8, got b'caf\\xe9'",
        ),
        ({**ONE, "classes": np.array([0.5, 1.5])}, "classes must be text or whole numbers, got float64"),
        ({**ONE, "classes": np.array(["café", "cafe\u0301"])}, "classes must be different strings"),
    ],
)
def test_npz_of_wrong_content(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "toys.npz", **arrays)
    with pytest.raises(data.DataError, match=message):
        data.load(tmp_path / "toys.npz")


def test_npz_that_is_cut_off_or_something_else(tmp_path: Path) -> None:
    path = tmp_path / "toys.npz"
    np.savez(path, images=np.zeros((20, 8, 8), np.uint8), labels=np.zeros(20, int))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(data.DataError, match=r"no .npz file of plain arrays, or it is damaged"):
        data.load(path)
    path.write_bytes(b"hello")
    with pytest.raises(data.DataError, match=r"no .npz file"):
        data.load(path)
