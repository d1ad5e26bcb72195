"""Trained networks: what they predict, their file, and what is said of a file that is none."""

import dataclasses
import errno
import json
import struct

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.data import ImageSet
from cnncourse.models import Trained, _trained_file, create_model, load, load_trained, trained_names

OPTIONS = {"shortcut": "B"}
RECORD = {"dataset": {"fingerprint": "ab"}, "recipe": {"epochs": 3}, "result": {"test_accuracy": 0.1 + 0.2}}


def make(**changes):
    """A small network with batch normalization and three classes, its statistics not those of the start."""
    model = create_model("resnet20", num_classes=3, in_channels=1, seed=0, options=OPTIONS)
    with torch.no_grad():
        model(torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    values = {"classes": ("ant", "bee", "café"), "channels": 1, "size": (8, 8), "mean": (0.4,), "std": (0.2,)}
    values |= {"options": OPTIONS, "license": "MIT", "record": RECORD}
    return Trained(**{"model": model, "architecture": "resnet20"} | values | changes)


def pixels(count=5, channels=1, size=8):
    return np.random.default_rng(0).integers(0, 256, (count, channels, size, size)).astype(np.uint8)


class TestWhatItIs:
    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"model": 1}, TypeError, "a network must be an nn.Module, got int"),
            (
                {"classes": ("a", "b")},
                ValueError,
                "the network has 3 outputs for 2 classes; give a name for each",
            ),
            ({"classes": ()}, ValueError, r"classes must be different names, one for each output, got \(\)"),
            ({"classes": ("a", "b", "a")}, ValueError, "classes must be different names"),
            ({"classes": ("a", "b", "")}, ValueError, "classes must be different names"),
            ({"classes": ("a", "b", 3)}, ValueError, "classes must be different names"),
            (
                {"classes": "abc"},
                ValueError,
                "classes must be different names, one for each output, got 'abc'",
            ),
            ({"classes": None}, ValueError, "classes must be different names, one for each output, got None"),
            ({"mean": None}, TypeError, "mean must be a number, or one for each channel, got None"),
            ({"mean": (None,)}, TypeError, "mean must be a number"),
            ({"mean": True}, TypeError, "mean must be a number"),
            ({"mean": ()}, ValueError, "mean has 0 numbers for images of 1 channels"),
            ({"mean": (0.1, 0.2, 0.3)}, ValueError, "mean has 3 numbers for images of 1 channels"),
            ({"mean": float("nan")}, ValueError, "mean must be finite, got nan"),
            ({"std": None}, TypeError, "std must be a number"),
            ({"std": 0}, ValueError, r"std must be above 0, got \(0.0,\)"),
            ({"std": -1}, ValueError, r"std must be above 0, got \(-1.0,\)"),
            ({"size": (8,)}, ValueError, r"size must be \(H, W\), whole numbers of at least 1, got \(8,\)"),
            ({"size": 8}, ValueError, r"size must be \(H, W\)"),
            ({"resolution": (0, 8)}, ValueError, r"resolution must be \(H, W\)"),
            (
                {"channels": 3},
                ValueError,
                r"the network does not take images of shape \(3, 8, 8\): .*in_channels",
            ),
            ({"options": None}, TypeError, "options must be a mapping, got None"),
            ({"record": None}, TypeError, "record must be a mapping, got None"),
            ({"license": None}, TypeError, "license must be a str, got None"),
            ({"channels": 0}, ValueError, "channels must be at least 1"),
            ({"temperature": 0}, ValueError, "temperature must be above 0, got 0"),
            ({"temperature": float("nan")}, ValueError, "temperature must be above 0"),
            ({"temperature": "hot"}, TypeError, "temperature must be a number, got 'hot'"),
            ({"model": nn.Flatten(0)}, ValueError, r"the network has the shape \(64,\) of outputs"),
        ],
    )
    def test_messages(self, changes, error, message):
        with pytest.raises(error, match=message):
            make(**changes)

    def test_a_size_that_the_network_does_not_take(self):
        model = create_model("three_conv", num_classes=2)
        with pytest.raises(
            ValueError, match=r"does not take images of shape \(3, 8, 8\): ThreeConv takes images"
        ):
            Trained(model, "three_conv", ("a", "b"), 3, (8, 8), 0.5, 0.5)

    def test_values_become_tuples(self):
        network = make(classes=["a", "b", "c"], size=[8, 8], mean=0.5, std=np.array([0.5]))
        assert (network.classes, network.size, network.resolution) == (("a", "b", "c"), (8, 8), (8, 8))
        assert (network.mean, network.std) == ((0.5,), (0.5,)) and type(network.std[0]) is float

    def test_the_description_is_one_line(self):
        assert repr(make()) == "Trained(resnet20: images 1x8x8, 3 classes)"

    def test_the_mode_is_left_alone(self):
        network = create_model("resnet20", num_classes=3, in_channels=1).train()
        network.fc.eval()
        before = network.state_dict()["bn1.running_mean"].clone()
        make(model=network)
        assert network.training and not network.fc.training
        assert torch.equal(network.state_dict()["bn1.running_mean"], before)


class TestPredict:
    @pytest.mark.parametrize("batch_size", [1, 2, 1000])
    def test_the_softmax_of_the_network_on_normalized_pixels(self, batch_size):
        network, images = make(), pixels()
        x = (torch.tensor(images) / 255 - 0.4) / 0.2
        with torch.no_grad():
            expected = F.softmax(network.model.eval()(x), dim=1).numpy()
        found = network.predict(images, batch_size)
        assert found.shape == (5, 3) and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-6)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
        assert len({tuple(row) for row in found.round(6)}) == 5, "the images are told apart"

    def test_all_kinds_of_images_are_one(self):
        network, images = make(), pixels()
        expected = network.predict(images)
        image_set = ImageSet(images, np.zeros(5, int), ("x", "y"))
        np.testing.assert_array_equal(network.predict(image_set), expected)
        np.testing.assert_array_equal(network.predict(torch.from_numpy(images)), expected)
        for floats in (images / 255, (images / 255).astype(np.float32), torch.from_numpy(images / 255)):
            np.testing.assert_allclose(network.predict(floats), expected, atol=1e-5)

    def test_each_channel_has_its_mean(self):
        network = Trained(
            create_model("conv_bn_gap", seed=0), "conv_bn_gap", tuple("abcdefghij"), 3, (8, 8),
            mean=(0.1, 0.2, 0.3), std=(1, 2, 4),
        )  # fmt: skip
        white = network.prepare(np.full((1, 3, 8, 8), 255, np.uint8))
        torch.testing.assert_close(white[0, :, 0, 0], torch.tensor([0.9, 0.8 / 2, 0.7 / 4]))

    @pytest.mark.parametrize(
        ("resolution", "mode"), [((4, 4), "bilinear"), ((12, 12), "bicubic"), ((12, 4), "bilinear")]
    )
    def test_images_are_scaled_to_the_resolution(self, resolution, mode):
        network, images = make(resolution=resolution), pixels()
        x = (torch.tensor(images) / 255 - 0.4) / 0.2
        scaled = F.interpolate(x, resolution, mode=mode, antialias=True)
        prepared = network.prepare(images)
        assert prepared.shape == (5, 1, *resolution)
        torch.testing.assert_close(prepared, scaled)
        with torch.no_grad():
            expected = network.model.eval()(scaled).softmax(dim=1).numpy()
        np.testing.assert_allclose(network.predict(images), expected, atol=1e-6)

    @pytest.mark.parametrize("resolution", [(8, 8), (4, 6)])
    def test_the_network_scales_as_the_prediction_does(self, resolution):
        network, images = make(resolution=resolution), pixels()
        x = (torch.tensor(images) / 255 - 0.4) / 0.2
        with torch.no_grad():
            logits = network.network.eval()(x)
        np.testing.assert_allclose(network.predict(images), logits.softmax(dim=1).numpy(), atol=1e-6)

    def test_each_module_is_back_in_its_own_mode(self):
        network = make()
        network.model.train()
        network.model.fc.eval()
        statistics = network.model.bn1.running_mean.clone()
        assert np.array_equal(network.predict(pixels()), network.predict(pixels()))
        assert network.model.training and not network.model.fc.training
        assert torch.equal(network.model.bn1.running_mean, statistics)

    @pytest.mark.parametrize("temperature", [0.5, 3])
    def test_the_temperature_divides_the_logits(self, temperature):
        plain, images = make(), pixels()
        with torch.no_grad():
            logits = plain.model.eval()(plain.prepare(images))
        expected = F.softmax(logits / temperature, dim=1).numpy()
        found = make(temperature=temperature).predict(images)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.array_equal(found.argmax(axis=1), plain.predict(images).argmax(axis=1))
        assert (found.max(axis=1) < plain.predict(images).max(axis=1)).all() == (temperature > 1)

    def test_no_images_are_no_rows(self):
        assert make().predict(pixels(count=0)).shape == (0, 3)

    @pytest.mark.parametrize(
        ("images", "error", "message"),
        [
            (pixels().astype(int), TypeError, "images must be uint8, or floats from 0 to 1, got int64"),
            (pixels() / 1.0, ValueError, "images must lie between 0 and 1, got 0 to 255; to_float converts"),
            (pixels() / 255 - 0.1, ValueError, "images must lie between 0 and 1"),
            (np.full((1, 1, 8, 8), np.nan), ValueError, "images must lie between 0 and 1"),
            (
                pixels()[0],
                ValueError,
                r"got shape \(1, 8, 8\); one image needs an axis in front: images\[None\]",
            ),
            (
                pixels()[0, 0],
                ValueError,
                r"resnet20 was trained on images \(N, 1, H, W\), got shape \(8, 8\)",
            ),
            (pixels(channels=3), ValueError, r"\(N, 1, H, W\), got shape \(5, 3, 8, 8\)"),
            (
                pixels().transpose(0, 2, 3, 1),
                ValueError,
                r"got shape \(5, 8, 8, 1\); put the channels second: images.transpose\(0, 3, 1, 2\)",
            ),
            (pixels(size=9), ValueError, r"of 8x8, got shape \(5, 1, 9, 9\); resize them: .* size=\(8, 8\)"),
        ],
    )
    def test_messages(self, images, error, message):
        with pytest.raises(error, match=message):
            make().predict(images)

    def test_a_diverged_network_is_said(self):
        network = make()
        nn.init.constant_(network.model.fc.bias, float("nan"))
        with pytest.raises(ValueError, match="returns numbers that are none: its training diverged"):
            network.predict(pixels())
        with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
            make().predict(pixels(), batch_size=0)


@pytest.fixture
def path(tmp_path):
    """A file of a trained network."""
    make().save(tmp_path / "bees.safetensors")
    return tmp_path / "bees.safetensors"


class TestThereAndBack:
    def test_everything_is_in_the_file(self, path):
        saved, network = make(), load_trained(path)
        for field in dataclasses.fields(Trained):
            if field.name != "model":
                assert getattr(network, field.name) == getattr(saved, field.name), field.name
        assert network.record["result"]["test_accuracy"] == 0.1 + 0.2
        weights = network.model.state_dict()
        assert all(torch.equal(weights[name], each) for name, each in saved.model.state_dict().items())
        assert not network.model.training
        assert np.array_equal(network.predict(pixels()), saved.predict(pixels()))
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_a_speednet_sees_its_images_at_the_size_of_its_training(self, path):
        options = {"widths": [4, 6, 8]}
        model = create_model("speednet", num_classes=2, seed=0, options=options)
        model.whiten(torch.rand(20, 3, 24, 24))
        given = {"mean": (0.5, 0.4, 0.3), "std": 0.2, "options": options, "resolution": (24, 24)}
        Trained(model, "speednet", ("a", "b"), channels=3, size=(32, 32), **given).save(path)
        loaded = load_trained(path)
        seen = []
        loaded.model.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
        images = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)
        assert loaded.predict(images).shape == (5, 2) and seen == [(5, 3, 24, 24)]
        assert loaded.options == options and torch.equal(loaded.model.stem.weight, model.stem.weight)

    def test_another_resolution_is_in_the_file(self, path):
        make(resolution=(6, 4)).save(path)
        assert load_trained(str(path)).resolution == (6, 4)

    def test_a_temperature_is_in_the_file_where_it_changes_something(self, path):
        before = path.read_bytes()
        make(temperature=1.5).save(path)
        assert load_trained(path).temperature == 1.5
        make(temperature=1).save(path)
        assert path.read_bytes() == before and b"temperature" not in before

    def test_loading_draws_nothing(self, path):
        torch.manual_seed(1)
        expected = torch.rand(1)
        torch.manual_seed(1)
        load_trained(path)
        make().save(path)
        assert torch.equal(torch.rand(1), expected)

    def test_the_same_network_gives_the_same_file(self, path):
        before = path.read_bytes()
        make().save(path)
        assert path.read_bytes() == before

    def test_channels_last_weights(self, path):
        network = make()
        network.model.to(memory_format=torch.channels_last)
        network.save(path)
        assert torch.equal(load_trained(path).model.conv1.weight, make().model.conv1.weight)

    def test_half_is_half_as_long_and_float32_again(self, path, tmp_path):
        make().save(tmp_path / "half.safetensors", half=True)
        assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * path.stat().st_size
        network = load_trained(tmp_path / "half.safetensors").model.state_dict()
        for name, exact in make().model.state_dict().items():
            assert network[name].dtype == exact.dtype
            expected = exact.half().float() if exact.is_floating_point() else exact
            assert torch.equal(network[name], expected)

    def test_counts_are_not_halved(self, tmp_path):
        network = make()
        network.model.bn1.num_batches_tracked.fill_(4097)  # no number of float16
        network.save(tmp_path / "half.safetensors", half=True)
        assert load_trained(tmp_path / "half.safetensors").model.bn1.num_batches_tracked == 4097

    def test_a_weight_too_large_for_half(self, tmp_path):
        network = make()
        nn.init.constant_(network.model.fc.bias, -1e5)
        with pytest.raises(
            ValueError, match=r"fc.bias goes up to 100000, float16 to 65504; save it with half"
        ):
            network.save(tmp_path / "a.safetensors", half=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_keeps_what_was_there(self, path, monkeypatch):
        before = path.read_bytes()

        def full(part, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(
            OSError, match=r"could not save 'bees.safetensors', what was there before is kept"
        ):
            make(license="none").save(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"architecture": "resnet21"}, ValueError, "model is unknown: 'resnet21'. Did you mean 'resnet"),
            (
                {"architecture": "resnet32"},
                ValueError,
                r"another network, .*: layer1.3.conv1.weight is absent",
            ),
            (
                {"options": {}},
                ValueError,
                r"layer2.0.downsample.\S+ is float32 .*, resnet20 of this file needs absent",
            ),
            ({"options": {"short": "B"}}, ValueError, "option of resnet20 is unknown: 'short'"),
            ({"record": {"when": {1, 2}}}, TypeError, "not JSON serializable"),
            ({"record": {"loss": float("nan")}}, ValueError, "not JSON compliant"),
        ],
    )
    def test_what_could_not_be_read_again_is_not_written(self, tmp_path, changes, error, message):
        with pytest.raises(error, match=message):
            make(**changes).save(tmp_path / "a.safetensors")
        assert list(tmp_path.iterdir()) == []

    def test_the_ending(self, tmp_path):
        with pytest.raises(ValueError, match=r"ends in .safetensors, got '.*a.pt'"):
            make().save(tmp_path / "a.pt")


def rewrite(path, **changes):
    """Write the file anew with other values in its description, or without one (None); its checksum fits."""
    tensors = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["cnncourse"])
    del about["sha256"]
    about = {key: value for key, value in (about | changes).items() if value is not None}
    about["sha256"] = _trained_file._digest(_trained_file._text(about), tensors)
    safetensors.torch.save_file(tensors, path, {"cnncourse": json.dumps(about)})


class TestDamage:
    def test_a_temperature_that_is_none(self, path):
        rewrite(path, temperature="hot")
        with pytest.raises(ValueError, match=r"bees.safetensors': temperature must be a number, got 'hot'"):
            load_trained(path)
        rewrite(path, temperature=-1)
        with pytest.raises(ValueError, match=r"bees.safetensors': temperature must be above 0"):
            load_trained(path)

    @pytest.mark.parametrize("keep", [0, 4, 8, 100, 5000, -1])
    def test_cut_short(self, path, keep):
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(
            ValueError, match=r"bees.safetensors' is truncated, altered or no .safetensors file"
        ):
            load_trained(path)

    @pytest.mark.parametrize("place", [0, 7, 8, 40, 200, 3000, -2000, -1])
    def test_one_altered_byte(self, path, place):
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"bees.safetensors"):
            load_trained(path)

    def test_an_altered_word(self, path):
        path.write_bytes(path.read_bytes().replace(b'\\"bee\\"', b'\\"cat\\"'))
        with pytest.raises(
            ValueError, match=r"bees.safetensors' .* \(its checksum is not that of its content\)"
        ):
            load_trained(path)

    def test_an_altered_shape(self, path):
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata()
        tensors = safetensors.torch.load_file(path)
        tensors["fc.weight"] = tensors["fc.weight"].reshape(tensors["fc.weight"].shape[::-1])
        safetensors.torch.save_file(tensors, path, metadata)
        with pytest.raises(ValueError, match=r"\(its checksum is not that of its content\)"):
            load_trained(path)

    @pytest.mark.parametrize("content", [b"weights", b"{}", b"\xff" * 100, struct.pack("<Q", 2) + b"[]"])
    def test_something_else(self, path, content):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"bees.safetensors' is truncated, altered or no .safetensors file"
        ):
            load_trained(path)

    @pytest.mark.parametrize("old", [True, False])
    def test_a_pickle_is_not_read(self, path, old):
        torch.save({"a": print}, path, _use_new_zipfile_serialization=not old)
        with pytest.raises(ValueError, match=r"bees.safetensors' is a pickle, which can run code"):
            load_trained(path)

    def test_a_header_whose_length_begins_as_a_pickle_does(self, path):
        for letters in range(0, 300, 4):  # the length is a multiple of eight: one in sixteen ends in 0x80
            make(license="x" * letters).save(path)
            if path.read_bytes()[0] == 0x80:
                break
        assert path.read_bytes()[0] == 0x80
        assert load_trained(path).license == "x" * letters

    def test_weights_alone(self, path):
        safetensors.torch.save_file({"a": torch.zeros(1)}, path)
        with pytest.raises(
            ValueError, match=r"bees.safetensors' holds weights and nothing about them: no classes"
        ):
            load_trained(path)

    def test_another_format_is_named(self, path):
        rewrite(path, format=7)
        with pytest.raises(
            ValueError, match=r"bees.safetensors' is a trained network of format 7; .* format 1"
        ):
            load_trained(path)
        rewrite(path, format=None)
        with pytest.raises(ValueError, match=r"bees.safetensors' .*\(its metadata has no format\)"):
            load_trained(path)

    @pytest.mark.parametrize(
        "key",
        [
            "architecture",
            "options",
            "classes",
            "channels",
            "size",
            "mean",
            "std",
            "resolution",
            "license",
            "record",
        ],
    )
    def test_nothing_may_be_missing(self, path, key):
        rewrite(path, **{key: None})
        with pytest.raises(
            ValueError, match=rf"bees.safetensors': trained network has no '{key}'; it needs arch"
        ):
            load_trained(path)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"mine": 1}, "trained network key is unknown: 'mine'"),
            ({"mean": 0.5}, "mean must be a list, got 0.5"),
            ({"mean": ["a"]}, r"mean must be a number, or one for each channel, got \['a'\]"),
            ({"architecture": "lenet"}, "model is unknown: 'lenet'. Did you mean 'lenet5'"),
            ({"architecture": "resnet32"}, "of another network, .*: layer1.3.conv1.weight is absent"),
            (
                {"classes": ["a", "b"]},
                r"for other classes .*: fc.weight is float32 \(3, 64\), .* float32 \(2, 64\)",
            ),
            (
                {"channels": 3},
                r"conv1.weight is float32 \(16, 1, 3, 3\), resnet20 of this file needs .*3, 3, 3",
            ),
            ({"options": {"short": 1}}, "option of resnet20 is unknown: 'short'"),
        ],
    )
    def test_what_does_not_fit(self, path, changes, message):
        rewrite(path, **changes)
        with pytest.raises(ValueError, match=r"bees.safetensors': " + ".*" + message):
            load_trained(path)

    def test_another_number_format(self, path):
        _, about = _trained_file.read_file(path)
        tensors = {name: each.double() for name, each in make().model.state_dict().items()}
        _trained_file.write_file(path, tensors, about)
        with pytest.raises(ValueError, match=r"conv1.weight is float64 \(16, 1, 3, 3\), .* needs float32"):
            load_trained(path)

    def test_a_weight_too_many(self, path):
        tensors, about = _trained_file.read_file(path)
        _trained_file.write_file(path, tensors | {"more": torch.zeros(2).half()}, about)
        with pytest.raises(ValueError, match=r"more is float16 \(2,\), resnet20 of this file needs absent"):
            load_trained(path)

    def test_none_and_a_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"there is no trained network '.*x.safetensors'"):
            load_trained(tmp_path / "x.safetensors")
        with pytest.raises(ValueError, match=r"is a folder; give the .safetensors file in it"):
            load_trained(tmp_path)


class TestNames:
    def test_without_shipped_ones(self, tmp_path, monkeypatch):
        monkeypatch.setattr(load, "shipped_folder", lambda: tmp_path)
        with pytest.raises(
            ValueError,
            match=r"unknown: 'mine'\. Known: efficientnet_lite0\. One of yours is named by its path",
        ):
            load_trained("mine")

    def test_a_file_without_its_ending_is_seen(self, path, monkeypatch):
        monkeypatch.chdir(path.parent)
        make(license="CC0").save("pets.safetensors")
        with pytest.raises(ValueError, match=r"unknown: 'pets'\. There is a file 'pets.safetensors':"):
            load_trained("pets")

    def test_by_name(self, path, monkeypatch):
        monkeypatch.setattr(load, "shipped_folder", lambda: path.parent)
        make(license="CC0").save(path.with_name("wasps.safetensors"))
        assert trained_names() == ["bees", "efficientnet_lite0", "wasps"]
        assert load_trained("wasps").license == "CC0" and load_trained("bees").license == "MIT"
        with pytest.raises(
            ValueError, match=r"trained network is unknown: 'wasp'. Did you mean 'wasps'\? Known: bees"
        ):
            load_trained("wasp")
