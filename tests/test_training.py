"""Recipe, batches and loop, on sets of a few tiny images."""

import json
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnncourse._progress import wants_progress
from cnncourse.data import ImageSet
from cnncourse.models import create_model
from cnncourse.training import Batches, DivergedError, Recipe, evaluate, fit
from cnncourse.training.optimizers import create_optimizer, learning_rate_at
from cnncourse.training.support import check_model, choose_device, wait_for


def make_set(count=20, channels=3, size=8, classes=2, seed=0):
    """Images whose brightness tells their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = random.integers(0, 100, (count, channels, size, size)) + 100 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels, tuple("abcdefghij"[:classes]), "bright", "train")


def make_model(outputs=2, channels=3, size=8):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, outputs))


class TestRecipe:
    @given(
        st.builds(
            Recipe,
            epochs=st.integers(1, 1000),
            batch_size=st.integers(1, 4096),
            optimizer=st.sampled_from(["adam", "adamw", "sgd"]),
            learning_rate=st.floats(1e-12, 1e6),
            weight_decay=st.floats(0, 10),
            schedule=st.sampled_from(["constant", "linear", "cosine"]),
            warmup=st.floats(0, 0.99),
            crop=st.integers(0, 16),
            flip=st.booleans(),
            mean=st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple),
            std=st.lists(st.floats(0.01, 1), min_size=1, max_size=3).map(tuple),
            seed=st.integers(0, 2**31),
        )
    )
    def test_toml_there_and_back(self, recipe):
        assert Recipe.from_toml(recipe.to_toml()) == recipe

    def test_json_there_and_back(self):
        recipe = Recipe(optimizer="sgd", momentum=0.9, mean=(0.4, 0.5, 0.6))
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
            ({"epochs": 1.5}, TypeError, r"epochs must be a whole number, got 1\.5"),
            ({"batch_size": True}, TypeError, "batch_size must be a whole number"),
            ({"optimizer": "adan"}, ValueError, "optimizer is unknown: 'adan'. Did you mean 'adam'"),
            ({"schedule": "cosin"}, ValueError, "Did you mean 'cosine'"),
            ({"learning_rate": 0}, ValueError, r"learning_rate must be above 0 and below 3.4e\+38, got 0"),
            ({"learning_rate": math.nan}, ValueError, r"above 0 and below 3.4e\+38, got nan"),
            ({"learning_rate": math.inf}, ValueError, r"above 0 and below 3.4e\+38, got inf"),
            ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got 'fast'"),
            ({"momentum": 1.0, "optimizer": "sgd"}, ValueError, "momentum must be at least 0 and below 1"),
            ({"momentum": 0.9}, ValueError, "momentum 0.9 has no effect with optimizer 'adam'"),
            ({"weight_decay": -1}, ValueError, "weight_decay must be at least 0"),
            ({"warmup": 1.0}, ValueError, "warmup must be at least 0 and below 1"),
            ({"crop": -1}, ValueError, "crop must be at least 0"),
            ({"flip": 1}, TypeError, "flip must be true or false"),
            ({"mean": ()}, ValueError, "mean must hold one number, or one for each channel"),
            ({"std": (0.0,)}, ValueError, "std must be above 0"),
            ({"seed": -1}, ValueError, "seed must be at least 0"),
            ({"seed": 2**63}, ValueError, "seed must be at least 0 and below 9.22337e"),
            ({"weight_decay": 1e300}, ValueError, r"weight_decay must be at least 0 and below 3.4e\+38"),
            ({"epoch": 3}, ValueError, "recipe key is unknown: 'epoch'. Did you mean 'epochs'"),
        ],
    )
    def test_messages(self, changes, error, message):
        with pytest.raises(error, match=message):
            Recipe().replace(**changes)

    def test_files(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text("epochs = 3\nflip = true\n")
        assert Recipe.load(path) == Recipe(epochs=3, flip=True)
        path.write_text("epochs = \n")
        with pytest.raises(ValueError, match=r"recipe '.*mine.toml': "):
            Recipe.load(path)
        with pytest.raises(FileNotFoundError, match="there is no recipe file"):
            Recipe.load(tmp_path / "none.toml")

    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_byte_order_mark_is_no_part_of_the_recipe(self, tmp_path, mark):
        path = tmp_path / "mine.toml"
        path.write_text(f"{mark}epochs = 3\n", encoding="utf-8")
        assert Recipe.load(path).epochs == 3

    def test_every_shipped_recipe_is_for_a_model_or_for_a_speedrun(self):
        from cnncourse.models import MODELS
        from cnncourse.training.presets import load_recipe, preset_names
        from cnncourse.training.toml_values import recipe_folder

        names = [path.stem for path in recipe_folder().iterdir()]
        assert {"three_conv", "cpu94"} <= set(names)
        for name in names:
            assert isinstance(load_recipe(name), Recipe) == (name in MODELS) == (name not in preset_names())
        assert Recipe.for_model("conv_bn_gap") == Recipe()


class TestBatches:
    def test_every_image_once_with_its_label(self):
        images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((10, 1, 4, 4), np.uint8)
        image_set = ImageSet(images, np.arange(10), tuple("abcdefghij"), "numbered", "train")
        batches = Batches(image_set, 4, mean=(0,), std=(1,))
        seen = list(batches)
        assert [len(labels) for _, labels in seen] == [4, 4, 2]
        assert len(batches) == 3
        for x, y in seen:
            assert x.dtype == torch.float32 and y.dtype == torch.int64
            assert torch.equal((x[:, 0, 0, 0] * 255).round().long(), y)
        assert sorted(torch.cat([y for _, y in seen]).tolist()) == list(range(10))

    def test_pixels_are_scaled_by_channel(self):
        image_set = make_set(6)
        mean, std = image_set.statistics()
        (x, _) = next(iter(Batches(image_set, 6, shuffle=False, mean=mean, std=std)))
        expected = (image_set.images / 255 - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(x.numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(x.numpy().mean(axis=(0, 2, 3)), 0, atol=1e-5)

    @pytest.mark.parametrize("flip", [False, True])
    def test_each_crop_and_flip_is_that_of_one_image(self, flip):
        image_set, crop = make_set(40, size=6), 2
        padded = np.pad(image_set.images, ((0, 0), (0, 0), (crop, crop), (crop, crop)))
        batches = Batches(image_set, 40, crop=crop, flip=flip, shuffle=False, mean=(0,), std=(1,))
        (x, _) = next(iter(batches))
        found = (x.numpy() * 255).round().astype(np.uint8)
        seen = set()
        for image, source in zip(found, padded, strict=True):
            views = {
                (i, j, mirrored): source[:, i : i + 6, j : j + 6][..., :: -1 if mirrored else 1]
                for i in range(2 * crop + 1)
                for j in range(2 * crop + 1)
                for mirrored in (False, True)
            }
            matches = [key for key, view in views.items() if np.array_equal(view, image)]
            assert len(matches) == 1
            seen.add(matches[0])
        assert len(seen) > 12
        assert {mirrored for *_, mirrored in seen} == ({False, True} if flip else {False})

    def test_the_image_set_is_left_alone(self):
        image_set = make_set()
        before = image_set.images.copy()
        for _ in Batches(image_set, 5, flip=True):
            pass
        assert np.array_equal(image_set.images, before)

    def test_read_only_images(self):
        image_set = make_set()
        image_set.images.setflags(write=False)
        assert sum(len(y) for _, y in Batches(image_set, 5, crop=1, flip=True)) == 20

    def test_seed_and_epoch_decide(self):
        def epochs(seed):
            batches = Batches(make_set(), 20, crop=2, flip=True, seed=seed)
            return [next(iter(batches))[0] for _ in range(2)]

        one, same, other = epochs(1), epochs(1), epochs(2)
        assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1])
        assert not torch.equal(one[0], one[1])
        assert not torch.equal(one[0], other[0])

    def test_an_epoch_can_be_jumped_to(self):
        first, second = (Batches(make_set(), 20, crop=2, seed=1) for _ in range(2))
        list(first)
        second.epoch = 1
        assert torch.equal(next(iter(first))[0], next(iter(second))[0])

    def test_messages(self):
        with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
            Batches(make_set(), 0)
        with pytest.raises(ValueError, match="mean has 2 numbers for images of 3 channels"):
            Batches(make_set(), 4, mean=(0.5, 0.5))
        with pytest.raises(ValueError, match=r"std must be above 0, got \(0,\)"):
            Batches(make_set(), 4, std=(0,))
        with pytest.raises(ValueError, match="crop 8 could move images of 8x8 out of sight"):
            Batches(make_set(), 4, crop=8)


class TestFit:
    def test_a_step_is_torchs(self):
        image_set, recipe = make_set(8), Recipe(epochs=2, batch_size=8, optimizer="sgd", learning_rate=0.1)
        model, twin = make_model(), make_model()
        fit(model, image_set, recipe)
        x, y = next(iter(Batches(image_set, 8, shuffle=False)))
        for _ in range(2):
            loss = F.cross_entropy(twin(x), y)
            gradients = torch.autograd.grad(loss, list(twin.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(twin.parameters(), gradients, strict=True):
                    parameter -= 0.1 * gradient
        for parameter, expected in zip(model.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected)

    def test_history(self):
        history = fit(
            make_model(), make_set(), Recipe(epochs=3, batch_size=8), validation=make_set(6, seed=1)
        )
        assert [row["epoch"] for row in history] == [1, 2, 3]
        assert list(history[0]) == [
            "epoch",
            "train_loss",
            "train_accuracy",
            "validation_loss",
            "validation_accuracy",
            "learning_rate",
            "gradient_norm",
            "images_per_second",
            "seconds",
        ]
        assert history[2]["train_loss"] < history[0]["train_loss"]
        assert history[0]["gradient_norm"] > 0

    def test_means_count_images_and_not_batches(self):
        """With a learning rate of almost nothing, the running means are those of one evaluation."""
        image_set, model = make_set(10), make_model()
        expected = evaluate(model, image_set)
        (row,) = fit(model, image_set, Recipe(epochs=1, batch_size=7, optimizer="sgd", learning_rate=1e-12))
        assert row["train_loss"] == pytest.approx(expected["loss"], rel=1e-5)
        assert row["train_accuracy"] == expected["accuracy"]

    def test_the_same_seed_gives_the_same_numbers(self):
        def run(seed):
            model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), make_model()[1])
            fit(model, make_set(), Recipe(epochs=2, batch_size=6, crop=1, flip=True, seed=seed))
            return model[2].weight

        assert torch.equal(run(0), run(0))
        assert not torch.equal(run(0), run(1))

    def test_the_callers_generator_is_left_alone(self):
        torch.manual_seed(1)
        expected = torch.rand(1)
        model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), make_model()[1])
        torch.manual_seed(1)
        fit(model, make_set(), Recipe(epochs=1))
        assert torch.equal(torch.rand(1), expected)

    def test_gradient_norm_is_that_of_all_parameters(self):
        image_set, model = make_set(8), make_model()
        x, y = next(iter(Batches(image_set, 8, shuffle=False)))
        gradients = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
        expected = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
        (row,) = fit(model, image_set, Recipe(epochs=1, batch_size=8))
        assert row["gradient_norm"] == pytest.approx(expected, rel=1e-4)

    def test_learning_rate_falls(self):
        recipe = Recipe(epochs=2, batch_size=10, schedule="linear", learning_rate=0.4)
        history = fit(make_model(), make_set(20), recipe)
        assert [row["learning_rate"] for row in history] == pytest.approx([0.3, 0.1])

    def test_after_epoch_sees_the_history_grow(self):
        lengths = []
        fit(make_model(), make_set(), Recipe(epochs=3), after_epoch=lambda rows: lengths.append(len(rows)))
        assert lengths == [1, 2, 3]

    def test_frozen_parameters_stay(self):
        model = make_model()
        model[1].bias.requires_grad_(False)
        before = model[1].bias.clone()
        fit(model, make_set(), Recipe(epochs=1))
        assert torch.equal(model[1].bias, before)

    @pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
    def test_every_optimizer_learns(self, optimizer):
        history = fit(make_model(), make_set(), Recipe(epochs=10, optimizer=optimizer, learning_rate=0.01))
        assert history[-1]["train_accuracy"] == 1

    def test_a_loss_that_explodes_stops(self):
        with pytest.raises(DivergedError, match=r"the loss became nan .*; try a learning_rate of 1e\+37"):
            fit(make_model(), make_set(), Recipe(epochs=50, optimizer="sgd", learning_rate=1e38))

    @pytest.mark.parametrize("averaging", [0.0, 0.5])
    def test_a_last_step_that_breaks_the_network_stops(self, averaging):
        recipe = Recipe(epochs=1, learning_rate=1e30, averaging=averaging)
        with pytest.raises(
            DivergedError, match=r"not finite after the last of 1 steps, at .* 1e\+30; try .* 1e\+29"
        ):
            fit(nn.Sequential(make_model(), nn.ReLU(), nn.Linear(2, 2)), make_set(), recipe)

    @pytest.mark.parametrize("batch_size", [1, 19])
    def test_a_last_batch_of_one_image_is_refused_where_it_cannot_be_learned_from(self, batch_size):
        model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Dropout(), nn.Flatten())
        before = {name: value.clone() for name, value in model.state_dict().items()}
        epochs = []
        with pytest.raises(
            ValueError,
            match=f"batch_size {batch_size} leaves a last batch of one image of the 20 training .*; choose",
        ):
            fit(model, make_set(), Recipe(epochs=1, batch_size=batch_size), after_epoch=epochs.append)
        assert epochs == []
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_a_last_batch_of_one_image_is_taken_where_it_can_be(self):
        fit(nn.Sequential(nn.BatchNorm2d(3), make_model()), make_set(), Recipe(epochs=1, batch_size=19))
        frozen = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
        frozen[1].eval()
        fit(frozen, make_set(), Recipe(epochs=1, batch_size=19))

    @pytest.mark.parametrize(
        ("model", "image_set", "message"),
        [
            (
                make_model(),
                make_set(channels=1),
                r"'bright', of shape \(1, 8, 8\): the last layer reached was 1 \(Linear\), .*; give it",
            ),
            (
                create_model("three_conv"),
                make_set(),
                r"shape \(3, 8, 8\): ThreeConv takes images .* of 32x32, got \(1, 3, 8, 8\).*; resize them",
            ),
            (make_model(), make_set(classes=4), "has 2 outputs, and the labels of 'bright' go up to 3"),
            (make_model(), make_set(classes=3), "has 2 outputs, and the labels of 'bright' go up to 2"),
            (make_model(), make_set(count=0), r"the image set 'bright' \(train\) is empty"),
            (nn.Identity(), make_set(), r"must return logits \(N, classes\), got shape \(1, 3, 8, 8\)"),
            (nn.Flatten(), make_set(), "the model has no parameter to train"),
        ],
    )
    def test_messages(self, model, image_set, message):
        hooks = [(len(layer._forward_hooks), len(layer._forward_pre_hooks)) for layer in model.modules()]
        with pytest.raises(ValueError, match=message):
            fit(model, image_set, Recipe(epochs=1))
        assert hooks == [(len(x._forward_hooks), len(x._forward_pre_hooks)) for x in model.modules()]

    def test_a_validation_set_that_does_not_fit_is_found_before_training(self):
        model = make_model()
        before = model[1].weight.clone()
        for validation in (make_set(0), make_set(channels=1)):
            with pytest.raises(ValueError, match="bright"):
                fit(model, make_set(), Recipe(epochs=1), validation=validation)
        assert torch.equal(model[1].weight, before)


class TestProgress:
    def test_silent_when_asked(self, capsys, monkeypatch):
        monkeypatch.setenv("CNNCOURSE_PROGRESS", "0")
        fit(make_model(), make_set(), Recipe(epochs=1))
        assert capsys.readouterr() == ("", "")
        assert not wants_progress()

    def test_silent_where_nobody_looks(self, capsys, monkeypatch):
        monkeypatch.delenv("CNNCOURSE_PROGRESS", raising=False)
        fit(make_model(), make_set(), Recipe(epochs=1))
        assert capsys.readouterr() == ("", "")

    def test_shown_in_a_terminal_and_in_a_notebook(self, monkeypatch):
        monkeypatch.delenv("CNNCOURSE_PROGRESS", raising=False)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
        assert not wants_progress()
        with monkeypatch.context() as patch:
            patch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: True))
            assert wants_progress()
        kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None))
        monkeypatch.setitem(sys.modules, "IPython", kernel)
        assert wants_progress()

    def test_a_bar_when_asked(self, capsys, monkeypatch):
        monkeypatch.setenv("CNNCOURSE_PROGRESS", "1")
        fit(make_model(), make_set(), Recipe(epochs=1))
        assert "accuracy" in capsys.readouterr().err


class TestEvaluate:
    def test_every_image_counts_once(self):
        image_set, model = make_set(10), make_model()
        x, y = next(iter(Batches(image_set, 10, shuffle=False)))
        expected = F.cross_entropy(model(x), y).item()
        for batch_size in (3, 10, 1000):
            result = evaluate(model, image_set, batch_size)
            assert result["loss"] == pytest.approx(expected, rel=1e-5)
            assert result["accuracy"] == (model(x).argmax(1) == y).sum().item() / 10

    def test_dropout_is_off_and_the_mode_comes_back(self):
        model = nn.Sequential(make_model(), nn.Dropout(0.9))
        assert evaluate(model, make_set()) == evaluate(model, make_set())
        assert model.training
        model.eval()
        evaluate(model, make_set())
        assert not model.training

    def test_mirrored_logits_are_averaged(self):
        image_set, model = make_set(10), make_model()
        x, y = next(iter(Batches(image_set, 10, shuffle=False)))
        logits = (model(x) + model(x.flip(dims=[3]))) / 2
        found = evaluate(model, image_set, mirror=True)
        assert found["loss"] == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
        assert found["accuracy"] == (logits.argmax(1) == y).sum().item() / 10
        assert found["loss"] != pytest.approx(evaluate(model, image_set)["loss"], rel=1e-5)

    def test_scaling_is_used(self):
        model = make_model()
        assert evaluate(model, make_set())["loss"] != evaluate(model, make_set(), mean=(0,), std=(1,))["loss"]


class TestLearningRate:
    def test_cosine(self):
        recipe = Recipe(learning_rate=2.0, schedule="cosine")
        rates = [learning_rate_at(recipe, step, 100) for step in range(100)]
        assert rates[0] == 2 and rates[50] == pytest.approx(1) and 0 < rates[99] < 0.01

    def test_constant(self):
        assert learning_rate_at(Recipe(learning_rate=0.5), 99, 100) == 0.5

    def test_optimizers_get_the_recipe(self):
        sgd = create_optimizer(make_model(), Recipe(optimizer="sgd", momentum=0.9, weight_decay=0.1))
        assert isinstance(sgd, torch.optim.SGD)
        assert (sgd.defaults["momentum"], sgd.defaults["weight_decay"]) == (0.9, 0.1)
        assert isinstance(create_optimizer(make_model(), Recipe(optimizer="adamw")), torch.optim.AdamW)


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device is unknown: 'gpu'"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device 'cuda' is not available"):
            choose_device("cuda")


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_the_clock_waits_for_the_device(monkeypatch, kind):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    wait_for(torch.device("cpu"))
    wait_for(torch.device(kind))
    assert waited == [kind]


def test_a_network_that_does_not_take_the_images_says_which_layer_does_not():
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(10, 2))
    told = r"of shape \(3, 8, 8\): the last layer reached was 2 \(Linear\), which was given 144; .*; give it"
    with pytest.raises(ValueError, match=told):
        check_model(small, make_set())
    with pytest.raises(
        ValueError, match=r"of shape \(3, 8, 8\): Given groups=1.*; give it images of the size"
    ):
        check_model(nn.Conv2d(1, 2, 8), make_set())
    with pytest.raises(ValueError, match=r"of shape \(3, 8, 8\): ThreeConv takes images .*; resize them$"):
        check_model(create_model("three_conv"), make_set())
