"""Optimizers, schedules, averaging and number formats of the engine."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnncourse import data
from cnncourse.learning import one_cycle
from cnncourse.models import create_model
from cnncourse.training import Recipe, evaluate, fit
from cnncourse.training import precision as precision_module
from cnncourse.training.muon import Muon, orthogonalize
from cnncourse.training.optimizers import Together, create_optimizer, learning_rate_at
from cnncourse.training.precision import choose_dtype, convolution_agrees
from cnncourse.training.state import State

DIGITS = data.load("digits").take(200)


def make_model(seed=0):
    return create_model("conv_bn_gap", in_channels=1, seed=seed)


class TestMuon:
    @given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 1000))
    def test_singular_values_come_near_one_and_their_vectors_stay(self, rows, columns, seed):
        matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        u, values, vh = torch.linalg.svd(matrix, full_matrices=False)
        found = torch.diag(u.T @ orthogonalize(matrix, steps=8) @ vh.T)
        kept = values > 0.02 * values.max()
        assert ((found > 0.6) & (found < 1.3))[kept].all()

    @pytest.mark.parametrize("nesterov", [False, True])
    def test_steps_as_torch_does(self, nesterov):
        torch_muon = getattr(torch.optim, "Muon", None)
        if torch_muon is None:
            assert tuple(map(int, torch.__version__.split(".")[:2])) < (2, 9)
            return
        ours, theirs = (nn.Parameter(torch.arange(12.0).reshape(3, 4).sin()) for _ in range(2))
        options = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": nesterov}
        optimizers = [
            Muon([ours], **options),
            torch_muon([theirs], **options, adjust_lr_fn="match_rms_adamw"),
        ]
        generator = torch.Generator().manual_seed(0)
        for _ in range(5):
            ours.grad = torch.randn(3, 4, generator=generator)
            theirs.grad = ours.grad.clone()
            for optimizer in optimizers:
                optimizer.step()
        # torch iterates in bfloat16
        assert torch.allclose(ours, theirs, atol=3e-3)
        assert not torch.allclose(ours, torch.arange(12.0).reshape(3, 4).sin(), atol=1e-2)

    @pytest.mark.parametrize("nesterov", [False, True])
    def test_two_steps_are_those_of_the_formula(self, nesterov):
        parameter, first, second = nn.Parameter(torch.ones(2, 9)), torch.eye(2, 9), torch.ones(2, 9)
        optimizer = Muon([parameter], lr=0.1, momentum=0.8, nesterov=nesterov, weight_decay=0.5)
        expected, buffer = torch.ones(2, 9), torch.zeros(2, 9)
        for gradient in (first, second):
            parameter.grad = gradient.clone()
            optimizer.step()
            buffer = 0.8 * buffer + 0.2 * gradient
            direction = 0.2 * gradient + 0.8 * buffer if nesterov else buffer
            expected = 0.95 * expected - 0.1 * 0.2 * 3 * orthogonalize(direction)
            torch.testing.assert_close(parameter.detach(), expected)

    def test_filters_are_taken_as_rows(self):
        weight = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
        flat, filters = nn.Parameter(weight.reshape(4, 12).clone()), nn.Parameter(weight.clone())
        for parameter in (flat, filters):
            optimizer = Muon([parameter], lr=0.1)
            (parameter**3).sum().backward()
            optimizer.step()
        assert torch.allclose(flat, filters.reshape(4, 12))

    def test_a_closure_computes_the_gradient(self):
        parameter = nn.Parameter(torch.eye(2))
        optimizer = Muon([parameter], lr=0.1)

        def closure():
            optimizer.zero_grad()
            loss = (parameter**2).sum()
            loss.backward()
            return loss

        assert optimizer.step(closure).item() == 2.0
        assert (parameter**2).sum().item() < 2.0

    def test_vectors_are_refused(self):
        with pytest.raises(ValueError, match=r"two or more axes, got shape \(3,\)"):
            Muon([nn.Parameter(torch.zeros(3))])

    def test_biases_scales_and_the_last_layer_go_to_adamw(self):
        model = make_model()
        optimizer = create_optimizer(model, Recipe(optimizer="muon", momentum=0.9, nesterov=True))
        assert isinstance(optimizer, Together)
        muon, adamw = optimizer.optimizers
        shapes = [p.ndim for group in muon.param_groups for p in group["params"]]
        others = [p for group in adamw.param_groups for p in group["params"]]
        assert shapes == [4, 4, 4]
        assert any(p is model.classifier[-1].weight for p in others)
        assert len(shapes) + len(others) == len(list(model.parameters()))

    def test_a_network_of_one_layer_is_refused(self):
        with pytest.raises(ValueError, match="use 'adamw'"):
            create_optimizer(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), Recipe(optimizer="muon"))


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


class TestRecipeKeysTogether:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"nesterov": True}, "nesterov needs a momentum"),
            ({"momentum": 0.9}, "momentum 0.9 has no effect with optimizer 'adam'"),
            ({"milestones": [0.5]}, "milestones have no effect with schedule 'constant'"),
            ({"schedule": "step"}, r"needs milestones, such as \[0.5, 0.75\]"),
            ({"schedule": "step", "milestones": [0.7, 0.5]}, r"milestones must rise, got \[0.7, 0.5\]"),
            ({"schedule": "step", "milestones": [1.5]}, "milestones must be above 0 and below 1, got 1.5"),
            ({"schedule": "one_cycle", "warmup": 0.1}, "has its own warm-up; leave warmup out"),
            ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1"),
            ({"averaging": -0.1}, "averaging must be at least 0 and below 1"),
            ({"dtype": "bfloat"}, "dtype is unknown: 'bfloat'. Did you mean 'bfloat16'"),
        ],
    )
    def test_what_excludes_is_refused(self, values, message):
        with pytest.raises(ValueError, match=message):
            Recipe(**values)

    def test_a_number_is_no_switch(self):
        with pytest.raises(TypeError, match="channels_last must be true or false, got 1"):
            Recipe(channels_last=1)


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
        assert evaluate(model, DIGITS)["loss"] == pytest.approx(history[-1]["validation_loss"], rel=1e-5)


class TestNumberFormats:
    @pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
    def test_sixteen_bits_learn_about_the_same(self, dtype):
        losses, norms = {}, {}
        for name in ("float32", dtype):
            history = fit(make_model(), DIGITS, Recipe(epochs=3, batch_size=20, dtype=name))
            losses[name] = [row["train_loss"] for row in history]
            norms[name] = [row["gradient_norm"] for row in history]
        assert norms[dtype] == pytest.approx(norms["float32"], rel=0.2)
        assert losses[dtype] != losses["float32"]
        assert losses[dtype] == pytest.approx(losses["float32"], rel=0.1)

    def test_channels_last_changes_the_layout_and_not_the_numbers(self):
        rows = []
        for channels_last in (False, True):
            model = create_model("conv_bn_gap", seed=0)
            images = data.load("shapes10").take(40)
            recipe = Recipe(epochs=2, batch_size=20, channels_last=channels_last)
            rows.append(fit(model, images, recipe)[-1]["train_loss"])
            layout = model.features[4].weight.is_contiguous(memory_format=torch.channels_last)
            assert layout == channels_last
        assert rows[1] == pytest.approx(rows[0], rel=1e-4)

    @pytest.mark.parametrize(
        ("sixteen", "chosen"), [(0.5, torch.bfloat16), (0.97, torch.float32), (2.0, torch.float32)]
    )
    def test_auto_takes_what_is_faster(self, monkeypatch, sixteen, chosen):
        seconds = {torch.float32: 1.0, torch.bfloat16: sixteen}
        monkeypatch.setattr(
            precision_module, "_seconds_a_step", lambda model, shape, dtype, last: seconds[dtype]
        )
        assert choose_dtype("auto", make_model(), (20, 1, 8, 8)) == chosen

    @pytest.mark.parametrize(("kind", "formats"), [("cpu", 2), ("mps", 2), ("cuda", 3)])
    def test_auto_tries_the_formats_that_the_device_can_train_in(self, monkeypatch, kind, formats):
        tried = []
        monkeypatch.setattr(precision_module, "device_of", lambda model: torch.device(kind))
        monkeypatch.setattr(
            precision_module, "_seconds_a_step", lambda model, shape, dtype, last: tried.append(dtype) or 1
        )
        monkeypatch.setattr(precision_module, "convolution_agrees", lambda *_: True)
        choose_dtype("auto", make_model(), (20, 1, 8, 8))
        assert tried == [torch.float32, torch.bfloat16, torch.float16][:formats]

    @pytest.mark.parametrize("channels_last", [False, True])
    def test_a_convolution_in_bfloat16_agrees_up_to_rounding(self, channels_last):
        assert convolution_agrees(torch.device("cpu"), torch.float32, channels_last)
        assert convolution_agrees(torch.device("cpu"), torch.bfloat16, channels_last)

    @pytest.mark.parametrize("part", [0, 1, 2])
    @pytest.mark.parametrize("fault", [1.03, -1, math.nan])
    def test_a_format_that_is_wrong_is_not_taken_however_fast(self, monkeypatch, part, fault):
        convolve = precision_module._convolve

        def wrong(x, weight, dtype, channels_last):
            results = convolve(x, weight, dtype, channels_last)
            if dtype != torch.float32:
                results[part] = fault * results[part]
            return results

        monkeypatch.setattr(precision_module, "_convolve", wrong)
        monkeypatch.setattr(
            precision_module,
            "_seconds_a_step",
            lambda model, shape, dtype, last: 0 if dtype.itemsize == 2 else 1,
        )
        assert choose_dtype("auto", make_model(), (20, 1, 8, 8)) == torch.float32

    def test_a_format_that_the_device_has_not_is_not_taken(self, monkeypatch):
        convolve = F.conv2d

        def missing(x, *rest, **options):
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError('"conv2d" not implemented for BFloat16')
            return convolve(x, *rest, **options)

        monkeypatch.setattr(precision_module.F, "conv2d", missing)
        assert not convolution_agrees(torch.device("cpu"), torch.bfloat16)
        assert choose_dtype("auto", make_model(), (20, 1, 8, 8)) == torch.float32

    def test_only_the_formats_that_are_asked_for_are_tried(self, monkeypatch):
        tried = []
        monkeypatch.setattr(
            precision_module, "_seconds_a_step", lambda model, shape, dtype, last: tried.append(dtype) or 1
        )
        choose_dtype("auto", make_model(), (20, 1, 8, 8), formats=())
        assert tried == [torch.float32]

    def test_the_first_step_which_also_sets_up_is_not_timed(self, monkeypatch):
        clock = iter([0, 100, 100, 101, 101, 103, 103, 106])  # steps of 100, 1, 2 and 3 seconds
        monkeypatch.setattr(precision_module.time, "perf_counter", lambda: next(clock))
        seconds = precision_module._seconds_a_step(make_model(), (2, 1, 8, 8), torch.float32, False)
        assert seconds == 2

    def test_no_larger_batch_is_timed_than_there_is(self, monkeypatch):
        monkeypatch.setattr(
            precision_module, "_seconds_a_step", lambda model, shape, *_: shapes.append(shape) or 1
        )
        shapes = []
        State(make_model(), Recipe(batch_size=10**6, dtype="auto"), DIGITS)
        assert set(shapes) == {DIGITS.images.shape}

    def test_timing_a_step_leaves_the_network_as_it_was(self):
        model = make_model()
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        torch.manual_seed(3)
        expected = torch.rand(1)
        torch.manual_seed(3)
        assert choose_dtype("auto", model, (20, 1, 8, 8)) in (torch.float32, torch.bfloat16)
        assert torch.equal(torch.rand(1), expected)
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
