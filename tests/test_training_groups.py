"""Learning rates of parts of a network, and parts that stay as they are."""

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse.data import ImageSet
from cnncourse.models import create_model
from cnncourse.training import Recipe, fit
from cnncourse.training.optimizers import create_optimizer
from cnncourse.training.state import State


def make_set():
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8), dtype=np.uint8)
    return ImageSet(images, np.arange(20) % 2, ("a", "b"), "noise", "train")


SIMPLE = Recipe(epochs=2, batch_size=10, optimizer="sgd", learning_rate=0.1)


class Parts(nn.Module):
    """A network with a part within a part."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.stem2 = nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.stem2(self.stem(x).relu()).mean(dim=(2, 3)))


def rates_by_name(model, optimizer):
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {names[p]: group["lr"] for group in optimizer.param_groups for p in group["params"]}


class TestRates:
    @pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "muon"])
    def test_the_longer_name_counts_and_the_rest_has_the_recipes(self, optimizer):
        model = Parts()
        rates = {"stem": 0.1, "stem.1": 0.5, "head.bias": 10.0}
        made = create_optimizer(model, SIMPLE.replace(optimizer=optimizer), rates)
        assert rates_by_name(model, made) == pytest.approx(
            {
                "stem.0.weight": 0.01, "stem.0.bias": 0.01, "stem.1.weight": 0.05, "stem.1.bias": 0.05,
                "stem2.weight": 0.1, "stem2.bias": 0.1, "head.weight": 0.1, "head.bias": 1.0,
            }
        )  # fmt: skip

    def test_without_rates_there_is_one_group(self):
        assert len(create_optimizer(Parts(), SIMPLE).param_groups) == 1

    def test_the_schedule_multiplies_each(self):
        model, seen = Parts(), []
        recipe = SIMPLE.replace(schedule="linear", warmup=0.25)
        state = State(model, recipe, make_set(), rates={"stem": 0.1})
        state.optimizer.register_step_pre_hook(
            lambda optimizer, *_: seen.append([group["lr"] for group in optimizer.param_groups])
        )
        history = fit(model, make_set(), recipe, state=state)
        base = [0.1, 0.1, 0.1 * 2 / 3, 0.1 / 3]
        assert [low for low, _ in seen] == pytest.approx([rate / 10 for rate in base])
        assert [usual for _, usual in seen] == pytest.approx(base)
        assert [row["learning_rate"] for row in history] == pytest.approx([0.1, 0.1 / 3])

    def test_a_step_goes_as_far_as_its_rate_says(self):
        moved = []
        for rates in ({}, {"head": 3.0}):
            model = Parts()
            before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
            recipe = SIMPLE.replace(epochs=1, batch_size=20)
            fit(model, make_set(), recipe, state=State(model, recipe, make_set(), rates))
            moved.append(
                {name: parameter.detach() - before[name] for name, parameter in model.named_parameters()}
            )
        for name, step in moved[0].items():
            torch.testing.assert_close(
                moved[1][name], (3 if "head" in name else 1) * step, atol=1e-6, rtol=1e-4
            )

    def test_a_state_taken_up_goes_on_with_its_rates(self):
        model, twin = Parts(), Parts()
        recipe = SIMPLE.replace(schedule="linear")
        state = State(model, recipe, make_set(), rates={"head": 3.0})

        class StopError(Exception):
            pass

        def stop(history):
            raise StopError

        with pytest.raises(StopError):
            fit(model, make_set(), recipe, after_epoch=stop, state=state)
        resumed = State(twin, recipe, make_set(), rates={"head": 3.0})
        resumed.load_state_dict(state.state_dict())
        fit(model, make_set(), recipe, state=state)
        fit(twin, make_set(), recipe, state=resumed)
        for one, other in zip(model.parameters(), twin.parameters(), strict=True):
            assert torch.equal(one, other)

    @pytest.mark.parametrize(
        ("rates", "error", "message"),
        [
            ({"hed": 1.0}, ValueError, "rates names 'hed', where the model has no .* Did you mean 'head'"),
            ({"ste": 1.0}, ValueError, "rates names 'ste'"),
            ({"head": 0}, ValueError, "the rate of 'head' must be above 0, got 0"),
            ({"head": "x"}, TypeError, "the rate of 'head' must be a number, got 'x'"),
        ],
    )
    def test_messages(self, rates, error, message):
        with pytest.raises(error, match=message):
            State(Parts(), SIMPLE, make_set(), rates)

    def test_a_frozen_part_has_no_rate(self):
        model = Parts()
        model.stem.requires_grad_(False)
        with pytest.raises(ValueError, match="rates names 'stem', where the model has no parameter to train"):
            State(model, SIMPLE, make_set(), {"stem": 0.1})


class TestFrozen:
    @pytest.mark.parametrize("optimizer", [{"optimizer": "adamw"}, {"optimizer": "sgd", "momentum": 0.9}])
    def test_what_is_frozen_stays_to_the_last_bit(self, optimizer):
        model = Parts().train()
        model.stem.requires_grad_(False).eval()
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        recipe = Recipe(epochs=2, batch_size=10, weight_decay=0.1, averaging=0.7, **optimizer)
        fit(model, make_set(), recipe, validation=make_set())
        changed = {
            name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
        }
        assert changed == {"stem2.weight", "stem2.bias", "head.weight", "head.bias"}
        assert model.training and not any(module.training for module in model.stem.modules())

    def test_a_network_in_evaluation_mode_is_trained_as_a_whole(self):
        model = Parts().eval()
        fit(model, make_set(), SIMPLE)
        assert all(module.training for module in model.modules())
        assert model.stem[1].num_batches_tracked == 4

    def test_an_old_gradient_of_a_frozen_part_is_not_counted(self):
        norms = []
        for stale in (None, torch.full((4,), 1e6)):
            model = Parts()
            model.stem[0].bias.requires_grad_(False)
            model.stem[0].bias.grad = stale
            norms.append(fit(model, make_set(), SIMPLE)[0]["gradient_norm"])
        assert norms[0] == norms[1]

    def test_nothing_to_train(self):
        with pytest.raises(ValueError, match="the model has no parameter to train"):
            State(create_model("conv_bn_gap", seed=0).requires_grad_(False), SIMPLE, make_set())
