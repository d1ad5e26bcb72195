"""Optimizers, schedules, label smoothing and averaging of the engine."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse import data
from cnncourse.models import create_model
from cnncourse.training import Recipe, evaluate, fit
from cnncourse.training.muon import Muon
from cnncourse.training.optimizers import Together, create_optimizer, learning_rate_at
from cnncourse.training.schedules import one_cycle
from cnncourse.training.state import State

DIGITS = data.load("digits").take(200)


def make_model(seed=0):
    return create_model("conv_bn_gap", in_channels=1, seed=seed)


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


class TestSchedules:
    def test_step_divides_by_ten_at_each_milestone(self):
        recipe = Recipe(learning_rate=1.0, schedule="step", milestones=[0.5, 0.75])
        rates = [learning_rate_at(recipe, step, 100) for step in range(100)]
        assert rates[49] == 1.0 and rates[50] == 0.1 and rates[74] == 0.1 and rates[75] == 0.01

    @pytest.mark.parametrize("steps", [2, 3, 20, 1000])
    def test_one_cycle_is_the_chapters_and_torchs(self, steps):
        recipe = Recipe(learning_rate=0.5, schedule="one_cycle")
        ours = [learning_rate_at(recipe, step, steps) for step in range(steps)]
        assert ours == pytest.approx([0.5 * one_cycle(step, steps) for step in range(steps)], abs=1e-12)
        if steps < 10:
            return  # torch divides by zero where nothing rises
        theirs = torch.optim.lr_scheduler.OneCycleLR(
            optimizer := torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), 0.5, total_steps=steps
        )
        for rate in ours:
            assert rate == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
            optimizer.step()
            if rate is not ours[-1]:
                theirs.step()

    def test_one_cycle_of_one_step_is_taken_at_the_top(self):
        assert learning_rate_at(Recipe(learning_rate=0.5, schedule="one_cycle"), 0, 1) == 0.5

    @pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "one_cycle"])
    def test_a_peak_of_its_own_scales_the_whole_schedule(self, schedule):
        recipe = Recipe(learning_rate=0.5, schedule=schedule, warmup=0.0 if schedule == "one_cycle" else 0.2)
        for step in range(20):
            assert learning_rate_at(recipe, step, 20, peak=1.5) == pytest.approx(
                3 * learning_rate_at(recipe, step, 20), rel=1e-12
            )


class TestNumbers:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"optimizer": "adam"}, [{"weight_decay": 0.1}]),
            ({"optimizer": "adamw"}, [{"weight_decay": 0.1}]),
            (
                {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
                [{"weight_decay": 0.1, "momentum": 0.8, "nesterov": True}],
            ),
            (
                {"optimizer": "muon", "momentum": 0.8, "nesterov": True},
                [{"weight_decay": 0.1, "momentum": 0.8, "nesterov": True}, {"weight_decay": 0.1}],
            ),
            ({"optimizer": "muon", "momentum": 0.8}, [{"nesterov": False}, {"weight_decay": 0.1}]),
        ],
    )
    def test_each_optimizer_gets_the_recipes(self, values, expected):
        recipe = Recipe(learning_rate=0.3, weight_decay=0.1, **values)
        groups = create_optimizer(make_model(), recipe).param_groups
        for group, numbers in zip(groups, expected, strict=True):
            assert {key: group[key] for key in (*numbers, "lr")} == numbers | {"lr": 0.3}


class TestTogether:
    """Two optimizers as one, held against the same two on their own."""

    @staticmethod
    def make():
        torch.manual_seed(0)
        matrix, bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4))
        return matrix, bias, Muon([matrix], lr=0.1), torch.optim.AdamW([bias], lr=0.2)

    @staticmethod
    def take(optimizer, matrix, bias):
        optimizer.zero_grad()
        (matrix**2).sum().backward()
        (bias**3).sum().backward()
        optimizer.step()

    def test_steps_are_those_of_the_parts(self):
        matrix, bias, *parts = self.make()
        twin_matrix, twin_bias, muon, adamw = self.make()
        together = Together(*parts)
        for _ in range(3):
            self.take(together, matrix, bias)
            (twin_matrix**2).sum().backward()
            (twin_bias**3).sum().backward()
            for part in (muon, adamw):
                part.step()
                part.zero_grad()
        assert torch.equal(matrix, twin_matrix) and torch.equal(bias, twin_bias)
        assert set(together.state) == {matrix, bias} and together.state[bias]["step"] == 3

    def test_what_the_parts_remember_stays(self):
        _, bias, muon, adamw = self.make()
        (bias**3).sum().backward()
        adamw.step()
        assert Together(muon, adamw).state[bias]["step"] == 1

    def test_a_deep_copy_goes_on_alike_and_apart(self):
        matrix, bias, *parts = self.make()
        together = Together(*parts)
        self.take(together, matrix, bias)
        (copied_matrix, copied_bias), twin = copy.deepcopy(((matrix, bias), together))
        before = matrix.clone()
        self.take(twin, copied_matrix, copied_bias)
        assert torch.equal(matrix, before) and not torch.equal(copied_matrix, before)
        self.take(together, matrix, bias)
        assert torch.equal(copied_matrix, matrix) and torch.equal(copied_bias, bias)

    def test_a_saved_state_goes_on_alike(self):
        matrix, bias, *parts = self.make()
        together = Together(*parts)
        self.take(together, matrix, bias)
        other_matrix, other_bias, *others = self.make()
        twin = Together(*others)
        with torch.no_grad():
            other_matrix.copy_(matrix)
            other_bias.copy_(bias)
        twin.load_state_dict(copy.deepcopy(together.state_dict()))
        for optimizer, parameters in ((together, (matrix, bias)), (twin, (other_matrix, other_bias))):
            for group in optimizer.param_groups:
                group["lr"] /= 2
            self.take(optimizer, *parameters)
        assert torch.equal(other_matrix, matrix) and torch.equal(other_bias, bias)

    def test_hooks_and_closures_are_called(self):
        matrix, bias, *parts = self.make()
        together, called = Together(*parts), []
        together.register_step_pre_hook(lambda *_: called.append("before"))
        together.register_step_post_hook(lambda *_: called.append("after"))

        def closure():
            called.append("closure")
            together.zero_grad()
            loss = (matrix**2).sum() + (bias**2).sum()
            loss.backward()
            return loss

        assert together.step(closure).item() > (matrix**2).sum().item() + (bias**2).sum().item()
        assert called == ["before", "closure", "after"]

    def test_a_group_that_no_part_would_step_is_refused(self):
        *_, muon, adamw = self.make()
        with pytest.raises(ValueError, match="a group must belong to one of the optimizers; add it to that"):
            Together(muon, adamw).add_param_group({"params": [nn.Parameter(torch.zeros(1))]})


class TestLabelSmoothing:
    def test_the_loss_is_that_of_the_smoothed_targets(self):
        model, smoothed = make_model(), make_model()
        recipe = Recipe(epochs=1, batch_size=200, learning_rate=1e-9)
        plain = fit(model, DIGITS, recipe)[0]["train_loss"]
        history = fit(smoothed, DIGITS, recipe.replace(label_smoothing=0.2))
        model.train()
        with torch.no_grad():
            images = torch.from_numpy(DIGITS.images).float() / 127.5 - 1
            log_p = make_model().train()(images).log_softmax(dim=1)
        labels = torch.from_numpy(np.asarray(DIGITS.labels))
        right = log_p[torch.arange(len(labels)), labels].mean().item()
        assert plain == pytest.approx(-right, rel=1e-4)
        assert history[0]["train_loss"] == pytest.approx(-0.8 * right - 0.2 * log_p.mean().item(), rel=1e-4)


class TestAveraging:
    def test_averaged_weights_are_those_of_the_formula(self):
        keep, recipe = 0.6, Recipe(epochs=1, batch_size=100, optimizer="sgd", learning_rate=0.1)
        model, plain = make_model(), make_model()
        seen = []
        fit(plain, DIGITS, recipe.replace(epochs=1), after_epoch=None)
        hooked = make_model()
        state = State(hooked, recipe, DIGITS)
        state.optimizer.register_step_post_hook(
            lambda *_: seen.append(hooked.classifier[-1].weight.detach().clone())
        )
        fit(hooked, DIGITS, recipe, state=state)
        fit(model, DIGITS, recipe.replace(averaging=keep))
        first, second = seen
        assert torch.allclose(model.classifier[-1].weight, keep * first + (1 - keep) * second, atol=1e-6)
        assert torch.equal(plain.classifier[-1].weight, second)

    def test_averaged_weights_are_the_evaluated_ones(self):
        model = make_model()
        history = fit(model, DIGITS, Recipe(epochs=2, averaging=0.9), validation=DIGITS)
        found = evaluate(model, DIGITS, mean=(0.5,), std=(0.5,))
        assert found["loss"] == pytest.approx(history[-1]["validation_loss"], rel=1e-5)
