"""Writers of small data sets, in the forms that are read."""

import io
import pickle
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncourse.data import ImageSet, catalog, finding, loading, manage

Files = dict[str, bytes]


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (8, 8), form: str = "PNG") -> bytes:
    """Return a small picture of noise; size is (width, height)."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if bands == 1 else pixels, mode=None)
    image.save(file, format=form, **({"lossless": True} if form == "WEBP" else {}))
    return file.getvalue()


def pets(form: str = "PNG", ending: str = "png") -> Files:
    """Return a data set in class folders: 3 cats and 3 dogs to train with, 1 of each to test with."""
    files = {}
    for number, name in enumerate(["cat", "dog"]):
        for index in range(4):
            split = "test" if index == 3 else "train"
            files[f"pets/{split}/{name}/{index}.{ending}"] = picture(10 * number + index, form=form)
    return files


def class_folders(sets: Mapping[str, ImageSet], above: str = "") -> Files:
    """Return the images of a set in class folders, two super-classes above them where `above` names them."""
    files = {}
    for split, image_set in sets.items():
        for index, (image, label) in enumerate(image_set):
            file = io.BytesIO()
            Image.fromarray(image.transpose(1, 2, 0)).save(file, format="PNG")
            middle = f"{above}{label % 2}/" if above else ""
            files[f"{split}/{middle}{image_set.classes[label]}/{index:04}.png"] = file.getvalue()
    return files


def write_folder(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def write_tar(path: Path, files: Files, *special: tarfile.TarInfo) -> Path:
    mode = "w:gz" if path.name.endswith("gz") else "w"
    with tarfile.open(path, mode) as archive:
        for member in special:
            archive.addfile(member)
        for name, content in files.items():
            details = tarfile.TarInfo(name)
            details.size = len(content)
            archive.addfile(details, io.BytesIO(content))
    return path


def cifar_rows(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def cifar10_files(batches: int = 2, count: int = 10) -> Files:
    """Return the official form: pickles as Python 2 wrote them, with `count` images a batch."""
    folder = "cifar-10-batches-py"
    labels = [index % 10 for index in range(count)]
    files = {f"{folder}/readme.html": b"<html>"}
    names = [f"class{index}".encode() for index in range(10)]
    meta = {b"label_names": names, b"num_cases_per_batch": count, b"num_vis": 3072}
    files[f"{folder}/batches.meta"] = pickle.dumps(meta, protocol=2)
    for index in range(1, batches + 1):
        batch = {
            b"batch_label": f"training batch {index} of {batches}".encode(),
            b"labels": labels,
            b"data": cifar_rows(index, count),
            b"filenames": [b"x.png"] * count,
        }
        files[f"{folder}/data_batch_{index}"] = pickle.dumps(batch, protocol=2)
    batch = {b"batch_label": b"testing batch 1 of 1", b"labels": labels, b"data": cifar_rows(99, count)}
    files[f"{folder}/test_batch"] = pickle.dumps(batch, protocol=2)
    return files


def cifar100_files(count: int = 100) -> Files:
    """Return the official form of CIFAR-100, backup file included."""
    folder = "cifar-100-python"
    fine = [index % 100 for index in range(count)]
    meta = {
        b"fine_label_names": [f"fine{index:02}".encode() for index in range(100)],
        b"coarse_label_names": [f"coarse{index:02}".encode() for index in range(20)],
    }
    files = {f"{folder}/file.txt~": b"", f"{folder}/meta": pickle.dumps(meta, protocol=2)}
    for split, seed in (("train", 1), ("test", 2)):
        batch = {
            b"fine_labels": fine,
            b"coarse_labels": [index // 5 for index in fine],
            b"data": cifar_rows(seed, count),
        }
        files[f"{folder}/{split}"] = pickle.dumps(batch, protocol=2)
    return files


def known_as_cifar10(path: Path, monkeypatch: pytest.MonkeyPatch, *mirrors: catalog.Mirror) -> None:
    """Let the catalog describe the small data set at `path` where it describes CIFAR-10."""
    sets = loading.read_source(path)
    small = replace(
        catalog.CATALOG["cifar10"],
        classes=sets["train"].classes,
        images={split: len(each) for split, each in sets.items()},
        fingerprints={split: each.fingerprint() for split, each in sets.items()},
        mirrors=mirrors,
    )
    for module in (loading, finding, manage):
        monkeypatch.setattr(module, "CATALOG", dict(catalog.CATALOG) | {"cifar10": small})
