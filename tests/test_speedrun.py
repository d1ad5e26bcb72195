"""SpeedNet and its recipe: what each idea is, and that all of them together learn."""

import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnncourse import data, models
from cnncourse.models import _small_maps
from cnncourse.models._small_maps import Conv3x3, weight_gradient
from cnncourse.models.speednet import SpeedNet
from cnncourse.training.resident import MEAN, STD, resident, shrink_matrix
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.speedrun import SpeedOptimizer, as_trained, speedrun

CPU = torch.device("cpu")
SHORT = SpeedRecipe(epochs=8, batch_size=100, widths=(16, 16, 16), sizes=((0.5, 16), (1.0, 24)))


@pytest.fixture(scope="module")
def shapes():
    return data.load("shapes10").take(600)


class TestSmallMaps:
    """The weight gradient of the last maps, as a matrix product."""

    @pytest.mark.parametrize("shape", [(5, 32, 3, 3), (4, 30, 1, 5), (3, 8, 2, 2), (1, 4, 1, 1)])
    @pytest.mark.parametrize("most", [_small_maps.MOST, 500])
    def test_it_is_torch_s(self, monkeypatch, shape, most):
        monkeypatch.setattr(_small_maps, "MOST", most)
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(shape, generator=generator).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(6, shape[1], 3, 3, generator=generator, requires_grad=True)
        output = F.conv2d(x, weight, padding=1)
        grad = torch.randn(output.shape, generator=generator).contiguous(memory_format=torch.channels_last)
        (expected,) = torch.autograd.grad(output, weight, grad)
        assert torch.allclose(weight_gradient(x, grad), expected, atol=1e-4)

    @pytest.mark.parametrize("side, used", [(3, True), (4, False)])
    def test_in_16_bits_small_maps_take_the_product_and_agree_with_32(self, monkeypatch, side, used):
        calls = []
        monkeypatch.setattr(
            _small_maps, "weight_gradient", lambda x, grad: calls.append(x.shape) or weight_gradient(x, grad)
        )
        generator = torch.Generator().manual_seed(1)
        torch.manual_seed(0)
        conv = Conv3x3(32, 8)  # 3 * 3 * 3 <= 32 < 3 * 4 * 4
        x = torch.randn(6, 32, side, side, generator=generator, requires_grad=True)
        target = torch.randn(6, 8, side, side, generator=generator)

        def gradients():
            loss = (conv(x).float() * target).sum()
            return torch.autograd.grad(loss, [x, conv.weight])

        exact = gradients()
        assert not calls  # 32 bits
        with torch.autocast("cpu", torch.bfloat16):
            found = gradients()
        assert bool(calls) == used
        for a, b in zip(found, exact, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            assert (a - b).norm() < 0.01 * b.norm()

    def test_a_network_that_is_only_used_takes_torch_s(self, monkeypatch):
        monkeypatch.setattr(_small_maps._SmallMaps, "apply", lambda *_: pytest.fail("used"))
        conv = Conv3x3(32, 8).eval()
        with torch.autocast("cpu", torch.bfloat16):
            assert conv(torch.zeros(1, 32, 2, 2)).shape == (1, 8, 2, 2)


class TestNetwork:
    def test_whitened_patches_are_uncorrelated_with_equal_variances(self):
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(200, 3, 12, 12, generator=generator)
        images = images + 2 * images.roll(1, dims=3) + images.mean(dim=1, keepdim=True)
        model = SpeedNet(widths=(4, 4, 4))
        model.whiten(images)
        outputs = model.stem(images)[:, :12].transpose(0, 1).flatten(1)  # (12, places)
        assert torch.allclose(outputs.cov(), torch.eye(12), atol=0.02)

    def test_the_stem_s_second_half_is_the_first_with_the_sign_changed(self):
        model = SpeedNet(widths=(4, 4, 4))
        model.whiten(torch.rand(50, 3, 9, 9))
        first, second = model.stem.weight.chunk(2)
        assert torch.equal(first, -second)

    def test_new_filters_hand_their_input_through(self):
        group = SpeedNet(widths=(32, 32, 32)).groups[0]
        x = torch.rand(2, 24, 8, 8)
        assert torch.equal(group.conv1(x)[:, :24], x)
        wide = torch.rand(2, 32, 8, 8)
        assert torch.equal(group.conv2(wide), wide)

    def test_the_scales_of_batch_normalization_and_the_stem_are_not_trained(self):
        trained = [name for name, p in SpeedNet().named_parameters() if p.requires_grad]
        assert "stem.weight" not in trained and "stem.bias" in trained
        assert "groups.0.norm1.weight" not in trained and "groups.0.norm1.bias" in trained

    def test_widths_are_checked(self):
        with pytest.raises(ValueError, match="widths"):
            SpeedNet(widths=(8, 8))

    def test_too_small_an_image_is_refused(self):
        with pytest.raises(ValueError, match="at least 9x9, got"):
            SpeedNet()(torch.zeros(1, 3, 8, 8))


class TestImages:
    @pytest.mark.parametrize(("size", "new"), [(36, 18), (32, 24), (36, 27)])
    def test_down_sampling_is_torch_s_with_antialiasing(self, size, new):
        images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
        matrix = shrink_matrix(size, new)
        expected = F.interpolate(images, (new, new), mode="bilinear", antialias=True)
        assert torch.allclose(matrix @ images @ matrix.T, expected, atol=1e-5)

    def test_at_full_size_the_middle_is_the_normalized_image(self, shapes):
        images = resident(shapes, 32, 2, torch.float32, CPU)
        assert images.shape == (600, 3, 36, 36)
        red = (shapes.images[:, 0] / 255 - 0.4914) / 0.2470
        assert np.allclose(images[:, 0, 2:-2, 2:-2], red, atol=1e-5)

    def test_the_border_is_a_mirror(self, shapes):
        images = resident(shapes, 32, 2, torch.float32, CPU)
        assert torch.allclose(images[..., 0], images[..., 4]) and torch.allclose(
            images[..., 1], images[..., 3]
        )

    @pytest.mark.parametrize("size", [16, 20, 24, 32])
    def test_the_middle_is_what_is_evaluated(self, shapes, size):
        """Crops must not change the scale: what is learned at one is wanted at the same."""
        framed, whole = (resident(shapes, size, crop, torch.float32, CPU) for crop in (2, 0))
        middle = (framed.shape[-1] - size) // 2
        inside = framed[..., middle + 2 : -middle - 2, middle + 2 : -middle - 2]
        assert torch.allclose(inside, whole[..., 2:-2, 2:-2], atol=1e-4)

    @pytest.mark.parametrize("size", [16, 20, 24])
    def test_a_trained_network_sees_in_the_test_what_it_learned_from(self, shapes, size):
        seen = resident(shapes, size, 0, torch.float32, CPU)
        network = models.Trained(
            SpeedNet(), "speednet", tuple(shapes.classes), 3, (32, 32), MEAN, STD, resolution=(size, size)
        )
        torch.testing.assert_close(network.prepare(shapes), seen.contiguous(), atol=1e-4, rtol=1e-4)

    def test_half_the_size_has_half_the_margin(self, shapes):
        assert resident(shapes, 16, 2, torch.float32, CPU).shape == (600, 3, 18, 18)


class TestOptimizer:
    def test_the_head_moves_as_with_torch_s_sgd(self):
        model = SpeedNet(widths=(4, 4, 4))
        optimizer = SpeedOptimizer(model, SHORT)
        twin = model.head.weight.detach().clone().requires_grad_()
        rate = SHORT.head_rate
        other = torch.optim.SGD([twin], lr=rate, momentum=0.85, nesterov=True, weight_decay=2e-6 * 100 / rate)
        for step in range(3):
            gradient = torch.randn(10, 4, generator=torch.Generator().manual_seed(step))
            model.head.weight.grad, twin.grad = gradient.clone(), gradient.clone()
            for p in optimizer.filters:
                p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(step))
            optimizer.step(1.0)
            other.step()
        assert torch.allclose(model.head.weight, twin, atol=1e-6)

    def test_a_filter_bank_keeps_its_size_and_turns_towards_the_descent(self):
        model = SpeedNet(widths=(4, 4, 4))
        optimizer = SpeedOptimizer(model, SHORT)
        gradients = {}
        for p in optimizer.filters:
            gradients[p] = p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
        before = {p: p.detach() * len(p) ** 0.5 / p.detach().norm() for p in optimizer.filters}
        optimizer.step(0.5)
        for p in optimizer.filters:
            moved = p.detach() - before[p]
            assert (moved * gradients[p]).sum() < 0
            # every singular value of a step is about the rate
            largest = torch.linalg.matrix_norm(moved.flatten(1), 2)
            assert 0.5 < largest / (0.5 * SHORT.filter_rate) < 1.5
            assert p.grad is None


class TestMemory:
    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they like")
    def test_freed_blocks_are_used_again_without_new_pages(self):
        """In a process of its own: the setting stays for good."""
        code = (
            "import resource, sys, torch\n"
            "from cnncourse.training.support import hold_memory\n"
            "if sys.argv[1] == 'held': hold_memory()\n"
            "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
            "step = lambda: [torch.zeros(2**21) for _ in range(20)]\n"  # 20 maps of 8 MiB, then free
            "step(); start = faults(); step(); step()\n"
            "print(faults() - start)\n"
        )
        faults = [int(subprocess.check_output([sys.executable, "-c", code, how])) for how in ("held", "free")]
        assert faults[0] < 5000 < faults[1]  # all pages: 80,000


class TestTraining:
    def test_it_learns_and_repeats_itself(self, shapes):
        losses = [[], []]
        for seen in losses:
            speedrun(shapes, SHORT, report=lambda step, steps, loss, seen=seen: seen.append(loss))
        assert losses[0] == losses[1] and len(losses[0]) == 48
        assert np.mean(losses[0][-3:]) < losses[0][0] - 0.4

    def test_another_seed_is_another_training(self, shapes):
        models = [speedrun(shapes, SpeedRecipe(0.2, 100, (4, 4, 4), seed=seed))[0] for seed in (0, 1)]
        assert not torch.equal(models[0].head.weight, models[1].head.weight)

    def test_without_whitening_the_stem_is_trained(self, shapes):
        model, _ = speedrun(shapes, SpeedRecipe(0.5, 100, (4, 4, 4), whiten=False))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            new = SpeedNet(widths=(4, 4, 4))
        assert model.stem.weight.requires_grad and not torch.equal(model.stem.weight, new.stem.weight)
        first, second = model.stem.weight.chunk(2)
        assert not torch.equal(first, -second)

    def test_without_identity_no_filter_hands_its_input_through(self):
        group = SpeedNet(widths=(32, 32, 32), identity=False).groups[0]
        x = torch.rand(2, 24, 8, 8)
        assert not torch.equal(group.conv1(x)[:, :24], x)

    def test_without_muon_filters_are_trained_by_sgd(self):
        model = SpeedNet(widths=(4, 4, 4))
        optimizer = SpeedOptimizer(model, SpeedRecipe(1, muon=False, filter_rate=0.5))
        rates = dict(optimizer.others)
        assert not optimizer.filters and rates[model.groups[0].conv1.weight] == 0.5

    @pytest.mark.parametrize(("flip", "same", "opposite"), [("alternating", 0, 4), ("none", 4, 0)])
    def test_flips_alternate_or_are_left_out(self, monkeypatch, flip, same, opposite):
        """Four images that are dark on the left: which way they lie in two epochs."""
        images = np.zeros((4, 3, 32, 32), np.uint8)
        images[..., 16:] = 255
        images[:, 0, :, :] = np.arange(4, dtype=np.uint8)[:, None, None]  # tells which image it is
        seen = [{}, {}]

        def watch(model, x):
            for image in x:
                epoch = seen[0] if len(seen[0]) < 4 else seen[1]
                epoch[round(image[0].mean().item(), 3)] = bool(image[1, 16, 0] > image[1, 16, -1])
            return forward(model, x)

        forward = SpeedNet.forward
        monkeypatch.setattr(SpeedNet, "forward", watch)
        four = data.ImageSet(images, np.arange(4) % 2, ("a", "b"))
        recipe = SpeedRecipe(2, 2, (4, 4, 4), sizes=((1.0, 32),), crop=0, flip=flip, whiten=False)
        speedrun(four, recipe)
        equal = sum(seen[0][key] == seen[1][key] for key in seen[0])
        assert (equal, 4 - equal) == (same, opposite)

    def test_the_stem_s_bias_is_trained_for_its_epochs_only(self, shapes):
        for epochs in (0.0, 1.0):
            model, _ = speedrun(shapes, SpeedRecipe(0.5, 100, (4, 4, 4), stem_epochs=epochs))
            assert bool(model.stem.bias.any()) == (epochs > 0)


def test_a_trained_network_is_kept_with_what_it_needs(shapes, tmp_path):
    recipe = SHORT.replace(epochs=0.2, identity=False)
    model, _ = speedrun(shapes, recipe)
    trained = as_trained(model, shapes, recipe)
    assert (trained.classes, trained.size, trained.resolution) == (shapes.classes, (32, 32), (24, 24))
    assert np.allclose(trained.mean, shapes.statistics()[0].ravel())
    trained.save(tmp_path / "mine.safetensors")
    again = models.load_trained(tmp_path / "mine.safetensors")
    assert again.options == {"widths": [16, 16, 16], "identity": False}
    few = shapes.take(20)
    assert np.allclose(again.predict(few), trained.predict(few), atol=1e-6)
