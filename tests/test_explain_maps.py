"""Grad-CAM and occlusion: against captum, against loops, on every network, and against random weights."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse import data, explain, models
from cnncourse.explain.grad_cam import last_feature_maps
from cnncourse.models import MODELS

SIZES = dict.fromkeys(("alexnet", "alexnet2012", "googlenet", "googlenet2014"), 224)
SIZES |= {"resnet18": 64, "resnet50": 64}
TWINS = ("vgg11", "vgg13", "vgg19", "resnet34", "resnet101", "resnet152", "plain32", "plain44", "plain110")
TWINS += (
    "vgg16",
    "resnet32",
    "resnet44",
    "resnet110",
    "preact_resnet32",
    "preact_resnet44",
    "preact_resnet110",
)
ONE_OF_EACH = [name for name in MODELS if name.removesuffix("_bn") not in TWINS]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def tiny(resolution=None, **options):
    """A network of three convolutions for gray images of 16x12."""
    network = models.create_model("conv_bn_gap", num_classes=3, in_channels=1, seed=0)
    return models.Trained(
        network, "conv_bn_gap", ("a", "b", "c"), 1, (16, 12), 0.4, 0.3, resolution=resolution, **options
    )


class Corner(nn.Module):
    """Its score is the brightness of the left half in one class and of the right half in the other."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.idle = nn.Conv2d(1, 1, 1)
        nn.init.ones_(self.conv.weight)

    def forward(self, x):
        maps = self.relu(self.conv(x))  # (N, 1, H, W)
        half = maps.shape[3] // 2
        return torch.stack([maps[..., :half].mean(dim=(1, 2, 3)), maps[..., half:].mean(dim=(1, 2, 3))], 1)


class TestGradCam:
    @pytest.mark.parametrize("name", ["conv_bn_gap", "resnet20", "speednet", "small_googlenet", "five_conv"])
    def test_it_is_what_captum_computes(self, name):
        captum = pytest.importorskip("captum.attr")
        model = models.create_model(name, seed=1).eval()
        images = 2 * noise(3, 3, 32, 32) - 1
        x = torch.from_numpy(images)
        answers = model(x).argmax(dim=1)
        layer = last_feature_maps(model, (3, 32, 32))
        layer_grad_cam = captum.LayerGradCam(model, model.get_submodule(layer))
        some = 0
        for target, asked in [(None, answers), (3, 3), ([0, 5, 9], torch.tensor([0, 5, 9])), (7, 7)]:
            theirs = layer_grad_cam.attribute(x, asked, relu_attributions=True)
            theirs = captum.LayerAttribution.interpolate(theirs, (32, 32), "bilinear")[:, 0].detach().numpy()
            most = theirs.max(axis=(1, 2), keepdims=True)
            some += (most > 0).sum()
            expected = np.divide(theirs, most, out=np.zeros_like(theirs), where=most > 0)
            assert explain.grad_cam(model, images, target) == pytest.approx(expected, abs=1e-4)
        assert some > 3

    def test_it_is_what_the_paper_says_in_loops(self):
        trained, images = tiny(), noise(1, 1, 16, 12)
        trained.model.eval()
        features, head = trained.model.features, trained.model.classifier[1]
        with torch.no_grad():
            maps = features(trained.prepare(images))[0].numpy()  # (K, 4, 3)
        for target in range(3):
            heat = np.zeros(maps.shape[1:], np.float32)
            for weight, plane in zip(head.weight[target].tolist(), maps, strict=True):
                heat += weight * plane  # the score is the mean over places, the same factor for all maps
            heat = torch.from_numpy(np.maximum(heat, 0))[None, None]
            expected = F.interpolate(heat, (16, 12), mode="bilinear")[0, 0].numpy()
            found = explain.grad_cam(trained, images, target, layer="features")[0]
            assert expected.max() > 0
            assert found == pytest.approx(expected / expected.max(), abs=1e-5)

    @pytest.mark.parametrize("name", ONE_OF_EACH)
    def test_every_network_with_a_convolution_has_a_map(self, name):
        side = SIZES.get(name, 32)
        model = models.create_model(name, num_classes=4, seed=0)
        found = explain.grad_cam(model, noise(2, 3, side, side), target=[0, 3])
        assert found.shape == (2, side, side)
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert set(found.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}

    def test_it_points_to_what_the_score_is_made_of(self):
        image = np.ones((2, 1, 4, 6), np.float32)
        maps = explain.grad_cam(Corner(), image * np.array([1, 2]).reshape(2, 1, 1, 1), layer="conv")
        assert maps.shape == (2, 4, 6)
        image[:, :, :, 3:] = 0
        assert explain.grad_cam(Corner(), image, target=0)[0].tolist() == [[1, 1, 1, 0, 0, 0]] * 4

    def test_a_relu_in_place_does_not_change_the_maps_before_it(self):
        image = noise(1, 1, 4, 6) - 0.5
        model = Corner()
        kept, changed = Corner(), Corner()
        kept.relu = nn.ReLU()
        assert np.array_equal(
            explain.grad_cam(kept, image, 0, "conv"), explain.grad_cam(changed, image, 0, "conv")
        )
        positive = image[0, 0].clip(0) / image.max()
        assert explain.grad_cam(model, image, 0, "relu")[0] == pytest.approx(positive, abs=1e-6)

    def test_random_weights_change_the_map(self):
        """The sanity check of Adebayo et al., 2018: an edge detector would pass without a trained network."""
        trained = models.load_trained("speednet")
        random = models.create_model("speednet", seed=0, options=trained.options).eval()
        images = np.stack(
            [data.load_photo(name, size=32) for name in ("cat", "coffee", "astronaut", "rocket")]
        )
        target = trained.predict(images).argmax(axis=1)
        learned = explain.grad_cam(trained, images, target)
        drawn = explain.grad_cam(dataclasses.replace(trained, model=random), images, target)
        again = explain.grad_cam(trained, images, target)
        assert np.array_equal(learned, again)
        for one, other in zip(learned, drawn, strict=True):
            one, other = one - one.mean(), other - other.mean()
            assert (one * other).sum() < 0.5 * np.linalg.norm(one) * np.linalg.norm(other) + 1e-6

    @pytest.mark.parametrize("resolution", [None, (32, 24), (8, 8)])
    def test_maps_have_the_size_of_the_images_whatever_the_network_sees(self, resolution):
        trained = tiny(resolution)
        found = explain.grad_cam(trained, noise(5, 1, 16, 12), batch_size=2)
        assert found.shape == (5, 16, 12)
        assert found == pytest.approx(explain.grad_cam(trained, noise(5, 1, 16, 12)), abs=1e-5)

    def test_bytes_are_what_they_are_for_predict(self):
        trained = tiny()
        pixels = (255 * noise(3, 1, 16, 12)).round().astype(np.uint8)
        image_set = data.ImageSet(pixels, np.zeros(3, int), ("a", "b"))
        chosen = trained.predict(pixels).argmax(axis=1)
        found = explain.grad_cam(trained, pixels)
        assert np.array_equal(found, explain.grad_cam(trained, image_set))
        assert found == pytest.approx(explain.grad_cam(trained, pixels / 255, chosen), abs=1e-4)

    def test_the_network_is_left_as_it_was_and_may_be_frozen(self):
        trained = tiny()
        trained.model.train()
        before = {name: value.clone() for name, value in trained.model.state_dict().items()}
        expected = explain.grad_cam(trained, noise(2, 1, 16, 12))
        assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())
        assert all(parameter.grad is None for parameter in trained.model.parameters())
        assert all(module.training for module in trained.model.modules())
        trained.model.requires_grad_(False)
        with torch.no_grad():
            assert np.array_equal(explain.grad_cam(trained, noise(2, 1, 16, 12)), expected)

    def test_nothing_that_speaks_for_the_class_is_a_map_of_zeros(self):
        model = Corner()
        nn.init.constant_(model.conv.weight, -1.0)
        assert not explain.grad_cam(model, noise(1, 1, 4, 6), 0, "relu").any()

    @pytest.mark.parametrize(
        ("changed", "error", "message"),
        [
            ({"layer": "cnv"}, ValueError, r"layer is unknown: 'cnv'. Did you mean 'conv'"),
            ({"layer": "idle"}, ValueError, "layer 'idle' does not run when an image passes"),
            ({"target": 2}, ValueError, "target must be from 0 to 1 for 2 classes, got 2 to 2"),
            ({"target": -1}, ValueError, "target must be from 0 to 1 for 2 classes, got -1 to -1"),
            ({"target": [0, 1, 1]}, ValueError, r"one for each of 2 images, got shape \(3,\)"),
            ({"target": 0.5}, TypeError, "target must be whole numbers, got dtype float64"),
            ({"images": noise(1, 4, 6)}, ValueError, r"images must be \(N, C, H, W\), got shape \(1, 4, 6\)"),
            ({"images": noise(0, 1, 4, 6)}, ValueError, "images holds no image; give at least one"),
            ({"images": np.zeros((1, 1, 4, 6), np.uint8)}, TypeError, "a bare module takes images as it was"),
            ({"network": nn.Flatten(), "target": None}, ValueError, "Flatten has no convolution that gives"),
            (
                {"network": nn.Conv2d(1, 2, 1)},
                ValueError,
                r"must give scores \(N, classes\), got shape \(2, 2, 4",
            ),
            ({"network": "conv"}, TypeError, "a network must be an nn.Module, got str"),
            ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ],
    )
    def test_what_cannot_be_explained_is_named(self, changed, error, message):
        arguments = {"network": Corner(), "images": noise(2, 1, 4, 6)} | changed
        with pytest.raises(error, match=message):
            explain.grad_cam(**arguments)

    def test_layers_without_maps_or_without_a_way_to_the_score_are_named(self):
        class Detached(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.dense = nn.Conv2d(1, 1, 1), nn.Linear(24, 2)

            def forward(self, x):
                self.conv(x)
                return self.dense(x.flatten(1))

        images = noise(2, 1, 4, 6)
        with pytest.raises(ValueError, match="no score depends on layer 'conv'; choose one between"):
            explain.grad_cam(Detached(), images)
        with pytest.raises(ValueError, match="no score depends on layer 'conv'"):
            explain.grad_cam(Detached().requires_grad_(False), images)
        with pytest.raises(ValueError, match=r"layer 'dense' gives shape \(2, 2\), no feature maps"):
            explain.grad_cam(Detached(), images, layer="dense")
        with pytest.raises(ValueError, match=r"was trained on images \(N, 1, H, W\) of 16x12"):
            explain.grad_cam(tiny(), images)


class TestLastFeatureMaps:
    @pytest.mark.parametrize(
        ("name", "layer"),
        [
            ("conv_bn_gap", "features"),
            ("resnet20", "last"),
            ("efficientnet_cifar", "features"),
            ("speednet", "groups"),
            ("vit_cifar", "patches"),
        ],
    )
    def test_it_is_the_last_one_of_the_last_size(self, name, layer):
        assert last_feature_maps(models.create_model(name, seed=0), (3, 32, 32)) == layer

    def test_maps_of_one_place_do_not_count(self):
        pooled = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.Flatten())
        assert last_feature_maps(pooled, (1, 8, 8)) == "0"
        whole = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 2, 6), nn.Flatten())  # as LeNet's C5
        assert last_feature_maps(whole, (1, 8, 8)) == "0"

    def test_a_module_that_runs_again_on_vectors_is_none(self):
        relu = nn.ReLU()
        network = nn.Sequential(nn.Conv2d(1, 4, 3), relu, nn.Flatten(), nn.Linear(144, 2), relu)
        assert last_feature_maps(network, (1, 8, 8)) == "0"
        assert explain.grad_cam(network, noise(1, 1, 8, 8)).shape == (1, 8, 8)


class TestOcclusion:
    def test_it_is_what_loops_find(self):
        trained, images = tiny(), noise(2, 1, 16, 12)
        patch, stride = 5, 3
        found = explain.occlusion(trained, images, target=[0, 2], patch=patch, stride=stride, batch_size=4)
        for image, target, fall in zip(images, (0, 2), found, strict=True):
            whole = trained.predict(image[None])[0, target]
            total, count = np.zeros((16, 12)), np.zeros((16, 12))
            for y in (0, 3, 6, 9, 11):
                for x in (0, 3, 6, 7):
                    covered = image.copy()
                    covered[:, y : y + patch, x : x + patch] = image.mean()
                    total[y : y + patch, x : x + patch] += whole - trained.predict(covered[None])[0, target]
                    count[y : y + patch, x : x + patch] += 1
            assert fall == pytest.approx(total / count, abs=1e-5)
        assert found.dtype == np.float32

    def test_by_default_it_asks_about_the_answer(self):
        trained, images = tiny(), noise(3, 1, 16, 12)
        answers = trained.predict(images).argmax(axis=1)
        assert np.array_equal(explain.occlusion(trained, images), explain.occlusion(trained, images, answers))
        pixels = (255 * images).astype(np.uint8)
        assert np.isfinite(explain.occlusion(trained, pixels)).all()

    def test_it_falls_where_the_score_is_made_of(self):
        image = np.zeros((1, 1, 4, 6), np.float32)
        image[..., 0] = 1
        fall = explain.occlusion(Corner(), image, target=0, patch=2, stride=2)[0]
        assert fall[:, 0].min() > fall[:, 4].max()  # the patch is brighter than what it covers there

    def test_the_image_is_left_as_it_was(self):
        images = noise(2, 1, 16, 12)
        before = images.copy()
        explain.occlusion(tiny(), images)
        assert np.array_equal(images, before)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"patch": 13}, "patch 13 is larger than the images of 16x12; use a smaller one"),
            ({"patch": 4, "stride": 5}, "stride 5 leaves out pixels between patches of 4; use at most 4"),
            ({"stride": 0}, "stride must be at least 1, got 0"),
            ({"target": 3}, "target must be from 0 to 2 for 3 classes"),
            ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ],
    )
    def test_what_cannot_be_covered_is_named(self, changed, message):
        with pytest.raises(ValueError, match=message):
            explain.occlusion(tiny(), noise(1, 1, 16, 12), **changed)

    def test_scores_of_other_shapes_are_named(self):
        with pytest.raises(ValueError, match=r"the network must give scores \(N, classes\)"):
            explain.occlusion(nn.Conv2d(1, 1, 1), noise(1, 1, 8, 8))
