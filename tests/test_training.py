"""The loop on sets of a few tiny images, its progress bar and its device."""

import sys
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from bright import make_model, make_set
from torch import nn

from cnncourse._progress import wants_progress
from cnncourse.models import create_model
from cnncourse.training import Batches, DivergedError, Recipe, evaluate, fit
from cnncourse.training.support import check_model, choose_device, wait_for


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
        expected = evaluate(model, image_set, mean=(0.5,), std=(0.5,))
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
