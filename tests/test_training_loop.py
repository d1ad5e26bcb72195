"""What the loop hands to its parts: scaling, formats, seeds, clocks; and what a state keeps."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse import training
from cnncourse.data import ImageSet
from cnncourse.training import Batches, DivergedError, Recipe, State, evaluate, fit
from cnncourse.training.batches import check_smallest_batch
from cnncourse.training.progress import Progress


def make_set(seed=0, count=20):
    images = np.random.default_rng(seed).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)
    return ImageSet(images, np.arange(count) % 2, ("a", "b"), "noise", "train")


def make_model(first=None):
    torch.manual_seed(0)
    return nn.Sequential(first or nn.Identity(), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))


class Noting(nn.Module):
    """Lets images through; notes them, and a number drawn as dropout would draw, while training."""

    def __init__(self):
        super().__init__()
        self.drawn, self.seen = [], []

    def forward(self, x):
        if self.training:
            self.drawn.append(torch.rand(1).item())
            self.seen.append(x)
        return x


class TestWhatTheLoopHandsOn:
    def test_the_validation_images_are_scaled_and_computed_as_the_training_images(self):
        recipe = Recipe(epochs=1, mean=(0.2, 0.3, 0.4), std=(0.3, 0.2, 0.1), dtype="bfloat16")
        model, validation = make_model(), make_set(1)
        (row,) = fit(model, make_set(), recipe, validation)
        options = {"mean": recipe.mean, "std": recipe.std}
        expected = evaluate(model, validation, **options, dtype=torch.bfloat16)["loss"]
        assert row["validation_loss"] == expected
        assert row["validation_loss"] != evaluate(model, validation, **options)["loss"]

    def test_the_training_images_are_those_of_the_recipe(self):
        noting = Noting()
        recipe = Recipe(
            epochs=2, batch_size=8, crop=1, flip=True, seed=5, mean=(0.2, 0.3, 0.4), std=(0.3,),
            channels_last=True,
        )  # fmt: skip
        fit(make_model(noting), make_set(), recipe)
        batches = Batches(make_set(), 8, crop=1, flip=True, seed=5, mean=(0.2, 0.3, 0.4), std=(0.3,))
        expected = [images for _ in range(2) for images, _ in batches]
        assert all(torch.equal(found, wanted) for found, wanted in zip(noting.seen, expected, strict=True))
        last = torch.channels_last
        assert all(images.is_contiguous(memory_format=last) for images in noting.seen)

    def test_each_epoch_and_each_seed_draws_dropout_anew(self):
        drawn = []
        for seed in (0, 0, 1):
            noting = Noting()
            fit(make_model(noting), make_set(), Recipe(epochs=2, batch_size=10, seed=seed))
            drawn.append(noting.drawn)
        assert drawn[0] == drawn[1]
        assert len({*drawn[0], *drawn[2]}) == 8

    def test_a_gradient_that_is_not_finite_stops(self):
        class Root(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(192, 2))

            def forward(self, x):
                return x.flatten(1) @ self.weight.sqrt()  # finite, with a slope that is not

        with pytest.raises(DivergedError, match=r"the gradient's norm became (nan|inf) in step 1 of 1"):
            fit(Root(), make_set(), Recipe(epochs=1))

    def test_a_gradient_too_large_for_float16_only_costs_its_step(self):
        model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
        recipe = Recipe(epochs=1, batch_size=1, dtype="float16", std=(0.1,))
        state = State(model, recipe, make_set())
        largest = state.scaler.get_scale()
        (row,) = fit(model, make_set(), recipe, state=state)
        assert state.scaler.get_scale() < largest and np.isfinite(row["gradient_norm"])

    def test_seconds_are_those_of_training(self, monkeypatch):
        clock = {"now": 0.0}

        def tick():
            clock["now"] += 2
            return clock["now"]

        def pause(history):
            clock["now"] += 100

        monkeypatch.setattr(training.loop.time, "perf_counter", tick)
        history = fit(make_model(), make_set(), Recipe(epochs=3), after_epoch=pause)
        assert [row["seconds"] for row in history] == [2, 2, 2]
        assert [row["images_per_second"] for row in history] == [10, 10, 10]

    def test_one_image_a_process_is_one_image(self):
        model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten())
        with pytest.raises(ValueError, match="last batch of one image a process of the 20 training images"):
            check_smallest_batch(model, Batches(make_set(), 9, part=(1, 2)))  # 9, 9 and 2 images
        check_smallest_batch(model, Batches(make_set(), 9))

    def test_the_bar_of_a_training_taken_up_starts_where_it_was(self, monkeypatch):
        bars, recipe, model = [], Recipe(epochs=3, batch_size=8), make_model()
        state = State(model, recipe, make_set())
        state.history = [{"epoch": 1}, {"epoch": 2}]

        def note(total, show, done):
            bars.append((total, done))
            return Progress(total, False, done)

        monkeypatch.setattr(training.loop, "Progress", note)
        fit(model, make_set(), recipe, state=state)
        assert bars == [(9, 6)]

    def test_a_validation_set_that_does_not_fit_is_refused_before_training(self):
        grown = ImageSet(np.zeros((2, 3, 9, 9), np.uint8), np.array([0, 1]), ("a", "b"), "large", "test")
        epochs = []
        with pytest.raises(ValueError, match="does not take the images of 'large'"):
            fit(make_model(), make_set(), Recipe(epochs=1), grown, after_epoch=epochs.append)
        assert epochs == []

    def test_gradient_norms_are_averaged_over_the_steps(self):
        recipe = Recipe(epochs=1, batch_size=10, optimizer="sgd", learning_rate=1e-12)
        norms, model = [], make_model()
        state = State(model, recipe, make_set())
        state.optimizer.register_step_pre_hook(lambda *_: norms.append(training.loop.gradient_norm(model)))
        (row,) = fit(model, make_set(), recipe, state=state)
        assert row["gradient_norm"] == pytest.approx(sum(norms) / 2)


class TestState:
    def test_averaged_weights_have_averaged_statistics(self):
        model = make_model(nn.BatchNorm2d(3))
        recipe, seen = Recipe(epochs=1, batch_size=10, averaging=0.6), []
        state = State(model, recipe, make_set())
        state.optimizer.register_step_post_hook(lambda *_: seen.append(model[0].running_mean.clone()))
        fit(model, make_set(), recipe, state=state)
        torch.testing.assert_close(model[0].running_mean, 0.6 * seen[0] + 0.4 * seen[1])

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_all_of_it_comes_back(self, dtype):
        recipe = Recipe(epochs=2, batch_size=5, averaging=0.5, dtype=dtype)
        kept, model = {}, make_model()
        state = State(model, recipe, make_set())

        def keep(history):
            if len(history) == 1:
                kept.update(copy.deepcopy(state.state_dict()))

        fit(model, make_set(), recipe, after_epoch=keep, state=state)
        twin = make_model()
        # "auto" may choose another format the second time: that of the checkpoint counts
        resumed = State(twin, recipe.replace(dtype="float32"), make_set())
        resumed.load_state_dict(kept)
        assert resumed.dtype == state.dtype and resumed.scaler.state_dict() == kept["scaler"]
        history = fit(twin, make_set(), recipe, state=resumed)
        for key in ("train_loss", "gradient_norm"):
            assert [row[key] for row in history] == [row[key] for row in state.history]
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
        assert resumed.scaler.state_dict() == state.scaler.state_dict()

    def test_gradients_are_scaled_for_float16_alone(self):
        scaled = {
            name: State(make_model(), Recipe(dtype=name), make_set()).scaler.is_enabled()
            for name in ("float32", "bfloat16", "float16")
        }
        assert scaled == {"float32": False, "bfloat16": False, "float16": True}


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor has no such mode")
def test_a_network_that_has_died_is_not_slow():
    """What falls below 1e-38 is zero; a processor would compute with it a hundred times as slowly."""

    def product():
        return float(torch.full((1,), 1e-30) * 1e-10)

    seen = []
    assert product() > 0
    fit(
        make_model(),
        make_set(),
        Recipe(epochs=1),
        progress=False,
        after_epoch=lambda _: seen.append(product()),
    )
    assert seen == [0] and product() > 0  # as before, for whoever trains
