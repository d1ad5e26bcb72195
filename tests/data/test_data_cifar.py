"""The real CIFAR-10 and CIFAR-100, where they lie beside the checkout, and what the catalog says of them."""

from pathlib import Path

import numpy as np
import pytest

from cnncourse import data
from cnncourse.data import finding, loading
from cnncourse.data.catalog import CATALOG

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
PUBLISHED = {
    "cifar10": ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    "cifar100": ([0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762]),
}
SHARED = {"cifar10": 0, "cifar100": 10}  # images that both splits hold


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_real_archive_is_decoded_once_and_is_what_was_recorded(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    archive = FOLDER / f"{name}.tar"
    if not archive.exists():
        pytest.skip(f"{name} is not beside this checkout")
    monkeypatch.setenv("CNNCOURSE_DATA", str(archive))
    train = data.load(name)  # a fingerprint that differs would be an error
    monkeypatch.setattr(loading, "read_source", None)
    test = data.load(name, "test")
    assert {status.name for status in data.available() if status.state == "on disk"} == {name}
    monkeypatch.setattr(finding, "outline", None)  # what a file holds is looked at once
    assert data.default_name() == ("cifar10" if name == "cifar10" else "shapes10")
    assert set(train.class_counts().values()) == {50_000 // len(train.classes)}
    assert set(test.class_counts().values()) == {10_000 // len(test.classes)}
    mean, std = train.statistics()
    np.testing.assert_allclose(mean, PUBLISHED[name][0], atol=5e-5)
    np.testing.assert_allclose(std, PUBLISHED[name][1], atol=5e-5)
    assert (
        len({each.tobytes() for each in train.images} & {each.tobytes() for each in test.images})
        == SHARED[name]
    )


@pytest.mark.parametrize("name", CATALOG)
def test_each_has_a_host_of_class_folders_beside_the_official_one(name: str) -> None:
    entry = CATALOG[name]
    assert len(set(entry.classes)) == len(entry.classes) == int(name.removeprefix("cifar"))
    hosts = {mirror.host: mirror.known_hash for mirror in entry.mirrors}
    assert hosts["s3.amazonaws.com"] is None  # judged by the fingerprints
    assert hosts["www.cs.toronto.edu"]


def test_a_set_differs_by_its_images_its_classes_or_their_names() -> None:
    entry = CATALOG["cifar10"]
    assert entry.difference(entry.images, entry.classes[::-1]) == ""
    assert entry.difference({"train": 50_000}, entry.classes) == "for test it holds nothing, not 10,000 of 10"
    fewer = entry.difference(entry.images, entry.classes[1:])
    assert fewer == "for train it holds 50,000 images of 9 classes, not 50,000 of 10"
    renamed = entry.difference(entry.images, ("plane", *entry.classes[1:]))
    assert renamed == "it has other classes, such as 'plane'"
