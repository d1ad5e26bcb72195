"""Transfer: new heads, what is frozen and what is not, rates by depth, fine-tuning, ResNet-50's weights."""

import copy
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
import torch
from bright import make_set
from torch import nn

from cnncourse import data, transfer
from cnncourse.models import Trained, create_model, load_trained
from cnncourse.training import Recipe, evaluate, fit
from cnncourse.transfer import resnet50

SMALL = [
    "three_conv", "conv_bn_gap", "four_conv", "lenet5", "resnet20", "small_vgg", "small_googlenet",
    "vit_cifar", "densenet_cifar", "efficientnet_cifar", "mobilenet_cifar", "convnext_cifar", "speednet",
]  # fmt: skip


def as_trained(name, classes=10, size=32, **more):
    model = create_model(name, classes, seed=0)
    return Trained(model, name, tuple(map(str, range(classes))), 3, (size, size), 0.5, 0.5, **more)


def same(one, other):
    return all(torch.equal(each, other[name]) for name, each in one.items())


class TestHead:
    @pytest.mark.parametrize("name", SMALL)
    def test_of_each_network_only_the_head_is_new(self, name):
        trained = as_trained(name)
        before = copy.deepcopy(trained.model.state_dict())
        new = transfer.replace_head(trained, ("ant", "bee", "cow"))
        assert new.classes == ("ant", "bee", "cow") and new.predict(
            np.zeros((2, 3, 32, 32), np.uint8)
        ).shape == (2, 3)
        assert same(before, trained.model.state_dict())
        head = transfer.head_name(new.model)
        rest = {key: each for key, each in new.model.state_dict().items() if not key.startswith(f"{head}.")}
        assert len(rest) >= len(before) - 2 and same(rest, before)
        assert not new.model.training

    def test_what_is_made_can_be_saved_and_read(self, tmp_path):
        new = transfer.replace_head(load_trained("speednet"), ("cat", "dog"), seed=3)
        new.save(tmp_path / "two.safetensors")
        again = load_trained(tmp_path / "two.safetensors")
        assert again.classes == ("cat", "dog") and same(new.model.state_dict(), again.model.state_dict())
        assert again.record == {} and again.mean == load_trained("speednet").mean

    def test_as_many_classes_as_before_are_new_classes(self):
        trained = load_trained("speednet")
        new = transfer.replace_head(trained, tuple("abcdefghij"))
        assert new.model.head.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not torch.equal(new.model.head.weight, trained.model.head.weight)

    def test_the_seed_decides_the_weights_and_leaves_the_generator(self):
        trained = load_trained("speednet")
        torch.manual_seed(1)
        state = torch.get_rng_state()
        heads = [transfer.replace_head(trained, ("a", "b"), seed).model.head.weight for seed in (0, 0, 1)]
        assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
        assert torch.equal(state, torch.get_rng_state())

    def test_both_kinds_of_auxiliary_heads_are_new(self):
        model = create_model("googlenet", 10, seed=0, options={"aux_logits": True})
        trained = Trained(
            model, "googlenet", tuple("abcdefghij"), 3, (224, 224), 0.5, 0.5, {"aux_logits": True}
        )
        new = transfer.replace_head(trained, ("x", "y"))
        assert [each.shape[1] for each in new.model.all_logits(torch.zeros(1, 3, 224, 224))] == [2, 2, 2]

    def test_any_module(self):
        from torchvision.models import resnet18

        model = resnet18(weights=None)
        new = transfer.replace_head(model, 5)
        assert isinstance(model.fc, nn.Linear) and model.fc.out_features == 1000
        assert new(torch.zeros(2, 3, 64, 64)).shape == (2, 5) and torch.equal(
            new.conv1.weight, model.conv1.weight
        )
        assert transfer.replace_head(model, ["a", "b"]).fc.out_features == 2

    @pytest.mark.parametrize(
        ("network", "classes", "error", "message"),
        [
            (nn.Sequential(nn.Conv2d(3, 4, 3)), 2, ValueError, "Sequential has no dense layer inside"),
            (nn.Linear(3, 4), 2, ValueError, "Linear has no dense layer inside"),
            (nn.Sequential(nn.Linear(3, 4)), 0, ValueError, "classes must be at least 1"),
            ("resnet18", 2, TypeError, "a network must be an nn.Module, got str"),
        ],
    )
    def test_messages(self, network, classes, error, message):
        with pytest.raises(error, match=message):
            transfer.replace_head(network, classes)

    @pytest.mark.parametrize("classes", [5, "cat"])
    def test_a_trained_needs_names(self, classes):
        with pytest.raises(TypeError, match="needs the names of its classes"):
            transfer.replace_head(load_trained("speednet"), classes)

    def test_equal_names(self):
        with pytest.raises(ValueError, match="classes must be different names"):
            transfer.replace_head(load_trained("speednet"), ("cat", "cat"))


class TestStages:
    @pytest.mark.parametrize(
        "name", [*SMALL, "resnet18", "preact_resnet20", "googlenet", "efficientnet_lite0"]
    )
    def test_they_hold_every_parameter_once(self, name):
        model = create_model(name, seed=0)
        parts = transfer.stages(model)
        held = [
            [part for part in parts if f"{name}.".startswith(f"{part}.")]
            for name, _ in model.named_parameters()
        ]
        assert all(len(found) == 1 for found in held) and len(parts) >= 4
        assert f"{transfer.head_name(model)}.".startswith(f"{parts[-1]}.")

    def test_a_wrapped_network(self):
        wrapped = nn.ModuleDict({"inner": create_model("resnet18")})
        assert transfer.stages(wrapped)[:3] == ("inner.conv1", "inner.bn1", "inner.layer1")


def train_a_step(model, **changes):
    recipe = Recipe(epochs=1, batch_size=10, optimizer="adamw", weight_decay=0.1, **changes)
    fit(model, make_set(size=32), recipe)


def changed_by_training(model):
    before = copy.deepcopy(model.state_dict())
    train_a_step(model)
    return {name for name, each in model.state_dict().items() if not torch.equal(each, before[name])}


class TestFreezing:
    @pytest.mark.parametrize("mode", [True, False])
    def test_all_but_the_head(self, mode):
        model = create_model("resnet20", 2, seed=0).train(mode)
        transfer.freeze(model)
        assert transfer.count_trained(model) == (130, 269_072)
        assert changed_by_training(model) == {"fc.weight", "fc.bias"}

    @pytest.mark.parametrize("mode", [True, False])
    def test_by_stage(self, mode):
        model = create_model("resnet20", 2, seed=0).train(mode)
        transfer.freeze(model, "conv1", "bn1", "layer1", "layer2.0", "fc.bias")
        found = changed_by_training(model)
        stages = {name.split(".")[0] for name in found}
        assert (
            stages == {"layer2", "layer3", "fc"}
            and "fc.bias" not in found
            and "layer2.2.bn1.running_mean" in found
        )
        assert not any(name.startswith("layer2.0") for name in found)

    def test_in_turn_from_the_end(self):
        model = create_model("resnet20", 2, seed=0)
        transfer.freeze(model)
        transfer.unfreeze(model, "layer3")
        assert {name.split(".")[0] for name in changed_by_training(model)} == {"layer3", "fc"}
        model.eval()  # as after an evaluation that was not undone
        transfer.unfreeze(model, "layer2")
        assert {name.split(".")[0] for name in changed_by_training(model)} == {"layer2", "layer3", "fc"}
        transfer.unfreeze(model)
        assert len(changed_by_training(model)) == len(model.state_dict())

    def test_statistics_alone(self):
        model = create_model("resnet20", 2, seed=0).eval()
        assert transfer.freeze_statistics(model) == 19
        found = changed_by_training(model)
        assert not any("running" in name or "tracked" in name for name in found)
        assert {"bn1.weight", "layer3.2.bn2.bias", "conv1.weight"} <= found

    def test_a_network_without_batch_normalization(self):
        model = create_model("three_conv", 2, seed=0)
        assert transfer.freeze_statistics(model) == 0
        transfer.freeze(model)
        assert changed_by_training(model) == {"classifier.3.weight", "classifier.3.bias"}

    def test_an_unknown_part(self):
        with pytest.raises(
            ValueError, match=r"the network has no part 'layr1'. Did you mean 'layer1'\? Known: conv1, bn1"
        ):
            transfer.freeze(create_model("resnet20"), "layr1")
        with pytest.raises(ValueError, match="has no part 'top'"):
            transfer.unfreeze(create_model("resnet20"), "top")

    def test_nothing_is_frozen_if_a_name_is_wrong(self):
        model = create_model("resnet20")
        with pytest.raises(ValueError, match="no part"):
            transfer.freeze(model, "layer1", "nothing")
        assert transfer.count_trained(model).frozen == 0


class TestRates:
    def test_they_fall_towards_the_images(self):
        model = create_model("resnet18")
        assert transfer.depth_rates(model, 0.5, 4.0) == {
            "conv1": 2**-5, "bn1": 2**-4, "layer1": 2**-3, "layer2": 0.25, "layer3": 0.5, "layer4": 1.0,
            "fc": 4.0,
        }  # fmt: skip

    def test_frozen_stages_have_none(self):
        model = create_model("resnet18")
        transfer.freeze(model, "conv1", "bn1", "layer1")
        assert list(transfer.depth_rates(model)) == ["layer2", "layer3", "layer4", "fc"]
        transfer.freeze(model)
        assert transfer.depth_rates(model) == {"fc": 10.0}

    def test_a_head_within_a_stage(self):
        rates = transfer.depth_rates(create_model("four_conv"), 0.5, 3.0)
        assert rates["classifier.1"] == 3.0 and "classifier" not in rates

    @pytest.mark.parametrize(("decay", "head"), [(0, 1.0), (1.5, 1.0), (0.5, 0)])
    def test_messages(self, decay, head):
        with pytest.raises(ValueError, match="must be above 0"):
            transfer.depth_rates(create_model("resnet18"), decay, head)


class TestFineTuning:
    RECIPE = Recipe(epochs=3, batch_size=10, optimizer="adamw", learning_rate=1e-3, seed=1)

    def test_it_learns_at_its_resolution_and_keeps_its_statistics(self):
        images = make_set(40, size=16)
        base = as_trained("resnet20", size=16, resolution=(24, 24))
        trained = transfer.replace_head(base, images.classes)
        before = copy.deepcopy(trained.model.state_dict())
        history = transfer.fine_tune(trained, images, self.RECIPE, progress=False)
        assert len(history) == 3 and history[-1]["train_loss"] < history[0]["train_loss"]
        after = trained.model.state_dict()
        assert all(torch.equal(after[name], before[name]) for name in after if "running" in name)
        assert not torch.equal(after["conv1.weight"], before["conv1.weight"]) and not trained.model.training
        assert evaluate(trained, images)["accuracy"] > 0.9

    def test_statistics_move_if_they_may(self):
        images = make_set(20, size=16)
        trained = transfer.replace_head(as_trained("resnet20", size=16), images.classes)
        before = trained.model.bn1.running_mean.clone()
        transfer.fine_tune(trained, images, self.RECIPE, statistics=True)
        assert not torch.equal(trained.model.bn1.running_mean, before)

    @pytest.mark.parametrize("resolution", [None, (24, 24)])
    def test_rates_of_head_and_stages(self, resolution, monkeypatch):
        seen = {}

        def watch(model, recipe, images, rates):
            seen.update(rates=rates, mean=recipe.mean)
            raise InterruptedError

        monkeypatch.setattr("cnncourse.transfer.fine_tuning.State", watch)
        images = make_set(20, size=16)
        trained = transfer.replace_head(
            as_trained("resnet20", size=16, resolution=resolution), images.classes
        )
        with pytest.raises(InterruptedError):
            transfer.fine_tune(trained, images, self.RECIPE.replace(mean=[0.1]), head=7.0, decay=0.5)
        inside = "model." if resolution else ""
        assert seen["rates"][f"{inside}fc"] == 7.0 and seen["rates"][f"{inside}layer2"] == 0.5
        assert seen["mean"] == (0.5,)

    def test_what_is_frozen_stays(self):
        images = make_set(20, size=16)
        trained = transfer.replace_head(as_trained("resnet20", size=16), images.classes)
        transfer.freeze(trained.model, "conv1", "bn1", "layer1")
        before = copy.deepcopy(trained.model.state_dict())
        transfer.fine_tune(trained, images, self.RECIPE, statistics=True)
        moved = {
            name for name, each in trained.model.state_dict().items() if not torch.equal(each, before[name])
        }
        assert {name.split(".")[0] for name in moved} == {"layer2", "layer3", "fc"}

    def test_classes_are_matched_by_name(self):
        images = make_set(20, size=16)
        trained = transfer.replace_head(as_trained("resnet20", size=16), ("b", "a"))
        transfer.fine_tune(trained, images, self.RECIPE.replace(epochs=8))
        assert evaluate(trained, images)["accuracy"] > 0.9
        other = transfer.replace_head(as_trained("resnet20", size=16), ("a", "c"))
        with pytest.raises(ValueError, match="has images of b, which the network does not know"):
            transfer.fine_tune(other, images, self.RECIPE)

    def test_images_of_another_size(self):
        trained = transfer.replace_head(as_trained("lenet5"), ("a", "b"))
        with pytest.raises(ValueError, match="does not take the images"):
            transfer.fine_tune(trained, make_set(20, size=16), self.RECIPE)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Torchvision's ResNet-50 with random weights, and a file of them."""
    from torchvision.models import resnet50 as make

    torch.manual_seed(0)
    model = make(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(model.state_dict(), path)
    return model, path


class TestResNet50:
    def test_a_file_of_torchvision_s_weights(self, weights):
        model, path = weights
        trained = transfer.load_resnet50(path)
        assert len(trained.classes) == 1000 and trained.classes[281] == "tabby"
        x = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            torch.testing.assert_close(trained.model(x), model(x), rtol=1e-4, atol=1e-4)

    def test_a_head_for_five_classes(self, weights):
        model, path = weights
        for network in (model, transfer.load_resnet50(path).model):
            five = transfer.replace_head(network, 5)
            transfer.freeze(five)
            assert transfer.count_trained(five) == (10_245, 23_508_032)
            transfer.unfreeze(five, "layer4")
            assert transfer.count_trained(five) == (14_974_981, 8_543_296)

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (URLError("Name or service not known"), r"could not be downloaded \(Name or service not known\)"),
            (HTTPError("u", 503, "busy", None, None), r"could not be downloaded \(busy\)"),
            (ConnectionResetError(104, "Connection reset by peer"), r"\(Connection reset by peer\)"),
            (TimeoutError("timed out"), r"\(timed out\)"),
            (
                RuntimeError('invalid hash value (expected "11ad3fa6", got "0")'),
                "came damaged .invalid hash value",
            ),
        ],
    )
    def test_a_download_that_fails(self, error, message, monkeypatch):
        def fail(*arguments, **options):
            raise error

        monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
        with pytest.raises(OSError, match=message) as caught:
            transfer.load_resnet50()
        assert resnet50.URL in str(caught.value) and "load_resnet50(path)" in str(caught.value)

    def test_a_download_that_works_is_checked_and_runs_no_code(self, weights, monkeypatch):
        model, path = weights
        asked = {}

        def deliver(url, **options):
            asked.update(options, url=url)
            return torch.load(path, weights_only=True)

        monkeypatch.setattr(torch.hub, "load_state_dict_from_url", deliver)
        trained = transfer.load_resnet50()
        assert asked["check_hash"] and asked["weights_only"] and asked["url"] == resnet50.URL
        assert (
            torch.equal(trained.model.fc.weight, model.fc.weight)
            and trained.record["source"]["url"] == resnet50.URL
        )

    def test_other_files(self, tmp_path, weights):
        _, path = weights
        cut = tmp_path / "cut.pth"
        cut.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(ValueError, match=r"cut.pth' is truncated, altered or no file of weights"):
            transfer.load_resnet50(cut)
        other = tmp_path / "other.pth"
        torch.save(create_model("resnet18", 1000).state_dict(), other)
        with pytest.raises(ValueError, match=r"other.pth' does not hold the weights of a ResNet-50"):
            transfer.load_resnet50(other)
        torch.save([1, 2], other)
        with pytest.raises(ValueError, match="does not hold the weights of a ResNet-50"):
            transfer.load_resnet50(other)
        with pytest.raises(FileNotFoundError, match="there is no file of weights"):
            transfer.load_resnet50(tmp_path / "none.pth")


def test_a_probe_beats_chance_on_other_digits():
    digits = data.load("digits", size=32)
    probe = transfer.linear_probe(load_trained("lenet5"), digits.take(10, per_class=True), cache=False)
    assert evaluate(probe, data.load("digits", "test", size=32))["accuracy"] > 0.9


def test_a_probe_of_a_network_whose_logits_are_scaled():
    """SpeedNet divides what its head gives by 18, and its head has no bias."""
    images = make_set(40, size=32)
    trained = load_trained("speednet")
    probe = transfer.linear_probe(trained, images, cache=False)
    features = transfer.extract(trained, images, cache=False)
    head = transfer.fit_head(features, images.labels, bias=False)
    with torch.inference_mode():
        logits = probe.model(probe.prepare(images)).numpy()
    np.testing.assert_allclose(logits, head.logits(features), rtol=1e-3, atol=1e-3)


def test_logits_that_are_no_multiple():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(x.mean(dim=(2, 3))).square()

    from cnncourse.transfer.heads import set_head

    trained = Trained(Odd(), "odd", ("a", "b"), 3, (4, 4), 0.5, 0.5)
    with pytest.raises(ValueError, match="no multiple of what its last dense layer gives"):
        set_head(trained, np.ones((2, 3)), np.ones(2))
    with pytest.raises(ValueError, match=r"has weights \(2, 3\) and bias, got \(2, 4\) without bias"):
        set_head(trained, np.ones((2, 4)), None)
