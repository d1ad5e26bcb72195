"""Schedules, step by step against torch's."""

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse.training import cosine_decay, one_cycle, step_decay, warm_up


def torch_rates(make, steps):
    """Return the learning rates that a scheduler of torch gives, from 1 at most."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_schedules_agree_with_torch():
    schedulers = torch.optim.lr_scheduler
    expected = torch_rates(lambda o: schedulers.CosineAnnealingLR(o, T_max=20), 20)
    np.testing.assert_allclose(
        [cosine_decay(step, 20) for step in range(20)], expected, rtol=1e-9, atol=1e-12
    )
    expected = torch_rates(lambda o: schedulers.MultiStepLR(o, [5, 12]), 20)
    np.testing.assert_allclose(
        [step_decay(step, (5, 12)) for step in range(20)], expected, rtol=1e-9, atol=1e-12
    )
    expected = torch_rates(lambda o: schedulers.LinearLR(o, 0.25, total_iters=3), 6)
    np.testing.assert_allclose([warm_up(step, 4) for step in range(6)], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("steps", "warmup"), [(20, 0.3), (7, 0.5), (100, 0.1)])
def test_one_cycle_agrees_with_torch(steps, warmup):
    make = lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, max_lr=1.0, total_steps=steps, pct_start=warmup, cycle_momentum=False
    )
    expected = torch_rates(make, steps - 1)
    ours = [one_cycle(step, steps, warmup) for step in range(steps - 1)]
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)
    assert one_cycle(steps - 1, steps, warmup) == pytest.approx(1 / 250_000)


def test_one_cycle_without_a_way_up_starts_at_the_top():
    assert one_cycle(0, 10, warmup=0.0) == 1
    assert one_cycle(9, 10, warmup=1.0) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="steps must be at least 2, got 1"):
        one_cycle(0, 1)
    with pytest.raises(ValueError, match=r"warmup is the share of the steps .* from 0 to 1, got 2"):
        one_cycle(0, 10, warmup=2)
