"""Number formats of a step: 16 bits where they are faster, and the memory layout."""

import math

import pytest
import torch
import torch.nn.functional as F

from cnncourse import data
from cnncourse.models import create_model
from cnncourse.training import Recipe, fit
from cnncourse.training import precision as precision_module
from cnncourse.training.precision import choose_dtype, convolution_agrees
from cnncourse.training.state import State

DIGITS = data.load("digits").take(200)


def make_model(seed=0):
    return create_model("conv_bn_gap", in_channels=1, seed=seed)


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

    def test_the_shortest_step_counts_since_other_programs_only_make_it_longer(self, monkeypatch):
        clock = iter([0, 100, 100, 103, 103, 105, 105, 109, 109, 111, 111, 112])
        monkeypatch.setattr(precision_module.time, "perf_counter", lambda: next(clock))
        seconds = precision_module._seconds_a_step(make_model(), (2, 1, 8, 8), torch.float32, False)
        assert seconds == 1

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
