"""Features in the cache: computed once, taken up where they stopped, known by pixels and weights."""

import dataclasses
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bright import make_set

from cnncourse import explain, transfer
from cnncourse.data.errors import CacheError
from cnncourse.models import Trained, create_model
from cnncourse.transfer import features as module


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def trained():
    return Trained(create_model("conv_bn_gap", 2, seed=0), "conv_bn_gap", ("a", "b"), 3, (8, 8), 0.5, 0.5)


@pytest.fixture
def asked(monkeypatch):
    """Count the images that pass through a network."""
    count, compute = [0], explain.features

    def watch(trained, images, **options):
        count[0] += len(images)
        return compute(trained, images, **options)

    monkeypatch.setattr(explain, "features", watch)
    return count


def test_they_are_what_the_head_is_given_and_computed_once(cache, trained, asked):
    images = make_set(50)
    found = transfer.extract(trained, images, batch_size=16)
    np.testing.assert_allclose(found, explain.features(trained, images), atol=1e-5)
    assert found.dtype == np.float32 and found.shape == (50, 128)
    asked[0] = 0
    again = transfer.extract(trained, images.images)
    assert isinstance(again, np.memmap) and asked == [0] and (again == found).all()
    again[0] = 7  # a copy, on write
    assert (transfer.extract(trained, images) == found).all() or found[0, 0] == 7
    assert sorted(path.suffix for path in cache.iterdir()) == [".lock", ".npy"]


def test_a_network_ends_in_its_head(trained):
    images = make_set(10)
    rows = transfer.extract(trained, images, cache=False)
    head = trained.model.get_submodule(transfer.head_name(trained.model))
    with torch.inference_mode():
        logits = head(torch.from_numpy(rows))
    np.testing.assert_allclose(logits.softmax(dim=1), trained.predict(images), atol=1e-5)


class StopError(Exception):
    """Stands for Ctrl-C, or a kill."""


@pytest.mark.parametrize("cut", [0, 1, 700])
def test_an_interrupted_call_is_taken_up(cache, trained, asked, monkeypatch, cut):
    images = make_set(50)
    whole = transfer.extract(trained, images, batch_size=10, cache=False)
    compute = explain.features

    def stop(trained, images, **options):
        if asked[0] >= 80:
            raise StopError
        return compute(trained, images, **options)

    with monkeypatch.context() as patched:
        patched.setattr(explain, "features", stop)
        with pytest.raises(StopError):
            transfer.extract(trained, images, batch_size=10)
    (part,) = cache.glob("*.part")
    assert not list(cache.glob("*.npy"))
    if cut:  # killed while it wrote
        part.write_bytes(part.read_bytes()[:-cut])
    asked[0] = 0
    found = transfer.extract(trained, images, batch_size=10)
    assert asked[0] == 20 + -(-cut // (4 * 128)) and not list(cache.glob("*.part"))
    np.testing.assert_allclose(found, whole, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"something else" * 1000])
def test_what_is_damaged_is_made_again(cache, trained, asked, content):
    images = make_set(50)
    whole = np.array(transfer.extract(trained, images))
    (path,) = cache.glob("*.npy")
    for damaged in (path, path.with_suffix(".part")):
        path.unlink(missing_ok=True)
        damaged.write_bytes(content)
        asked[0] = 0
        assert (transfer.extract(trained, images) == whole).all() and asked == [50]


def test_a_file_that_was_cut_off_is_made_again(cache, trained, asked):
    images = make_set(50)
    whole = np.array(transfer.extract(trained, images))
    (path,) = cache.glob("*.npy")
    path.write_bytes(path.read_bytes()[:-1])
    asked[0] = 0
    assert (transfer.extract(trained, images) == whole).all() and asked == [50]


def test_the_key_is_pixels_and_weights(trained):
    images = make_set(20).images
    key = module.features_key(trained, images)
    assert key == module.features_key(
        dataclasses.replace(trained, classes=("x", "y"), license="none"), images.copy()
    )
    new_head = transfer.replace_head(trained, ("p", "q", "r"))
    assert key == module.features_key(new_head, images)
    others = [
        module.features_key(trained, images[::-1]),
        module.features_key(trained, images[:10]),
        module.features_key(dataclasses.replace(trained, mean=0.4), images),
        module.features_key(dataclasses.replace(trained, std=0.4), images),
        module.features_key(dataclasses.replace(trained, resolution=(16, 16)), images),
    ]
    with torch.no_grad():
        new_head.model.features[0].weight[0, 0, 0, 0] += 1
    others.append(module.features_key(new_head, images))
    changed = images.copy()
    changed[19, 2, 7, 7] ^= 1
    others.append(module.features_key(trained, changed))
    assert len({key, *others}) == 8


def test_statistics_of_batch_normalization_count(trained):
    images = make_set(20).images
    key = module.features_key(trained, images)
    next(each for name, each in trained.model.named_buffers() if name.endswith("running_mean"))[0] += 1
    assert key != module.features_key(trained, images)


def test_without_a_cache_they_are_computed_with_a_warning(trained, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="features are computed at every call"):
        found = transfer.extract(trained, make_set(5))
    assert found.shape == (5, 128)


def test_a_full_disk(cache, trained, monkeypatch):
    usage = SimpleNamespace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CacheError, match=r"the disk of the cache .* is full"):
        transfer.extract(trained, make_set(50))
    assert not list(cache.glob("*.npy")) and not list(cache.glob("*.part"))


def test_a_bar_is_shown_if_wanted(cache, trained, capsys):
    transfer.extract(trained, make_set(50), progress=True)
    assert "features: 100%" in capsys.readouterr().err
    transfer.extract(trained, make_set(50), progress=False)
    assert capsys.readouterr().err == ""


def test_messages(trained):
    with pytest.raises(
        TypeError, match=r"trained must be a models.Trained, got ConvBNGAP; make one of a module"
    ):
        transfer.extract(trained.model, make_set(5))
    with pytest.raises(ValueError, match="images holds no image"):
        transfer.extract(trained, make_set(5).images[:0])
    with pytest.raises(ValueError, match="resize them"):
        transfer.extract(trained, make_set(5, size=12), cache=False)
