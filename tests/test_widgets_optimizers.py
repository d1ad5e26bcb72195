"""The steps of the widget in the chapter on learning, in Node: as torch.optim takes them."""

import pytest
import torch
from in_node import in_node, in_the_book

pytestmark = in_the_book
START, STEPS = [10.0, -1.25], 200
BY_TORCH = {
    "sgd": lambda w, rate: torch.optim.SGD([w], lr=rate),
    "momentum": lambda w, rate: torch.optim.SGD([w], lr=rate, momentum=0.9),
    "adam": lambda w, rate: torch.optim.Adam([w], lr=rate),
}


def walk_by_torch(rule, rate, curvature):
    w, curvature = torch.tensor(START, dtype=torch.float64, requires_grad=True), torch.tensor(curvature)
    optimizer, places = BY_TORCH[rule](w, rate), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (curvature * w**2 / 2).sum().backward()
        optimizer.step()
        places.append(w.detach().clone())
    return torch.stack(places)  # (steps, 2)


@pytest.mark.parametrize("rule", BY_TORCH)
def test_every_place_is_that_of_torch_at_rates_from_slow_to_lost(rule):
    rates = [0.001, 0.01, 0.018, 0.02, 0.021, 0.3] + [0.7, 3.0] * (rule == "adam")
    cases = [(rate, curvature) for rate in rates for curvature in ([1.0, 10.0], [1.0, 100.0])]
    walks = in_node(
        "optimizers.js",
        "cases.map(([rate, curvature]) => optimizers.walk(rule, { start, curvature, rate, steps }))",
        rule=rule,
        start=START,
        steps=STEPS,
        cases=cases,
    )
    for (rate, curvature), walk in zip(cases, walks, strict=True):
        expected = walk_by_torch(rule, rate, curvature)
        found = torch.tensor([[weight["next"] for weight in step] for step in walk], dtype=torch.float64)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("curvature", [10, 25, 50, 100])
def test_sgd_runs_away_beyond_two_over_the_steepest_curvature(curvature):
    walks = in_node(
        "optimizers.js",
        "[0.99, 1, 1.01].map((part) => optimizers.walk('sgd', "
        "{ start: [10, 1], curvature: [1, curvature], rate: part * 2 / curvature, steps: 400 }))",
        curvature=curvature,
    )
    ends = [walk[-1][1]["next"] for walk in walks]
    inside, at_the_limit, beyond = map(abs, ends)
    assert inside < 0.01 < 100 < beyond and at_the_limit == pytest.approx(1)


def test_the_record_of_a_step_is_all_that_its_arithmetic_needs():
    first, second = in_node(
        "optimizers.js",
        "optimizers.walk('adam', { start: [4], curvature: [1], rate: 0.5, steps: 2 }).map((step) => step[0])",
    )
    # the chapter's example: after a first gradient of 4, m is 0.4, s is 0.016, and the step is the rate
    assert first == pytest.approx(
        {
            "weight": 4, "gradient": 4, "mean": 0.4, "squares": 0.016,
            "fairMean": 4, "fairSquares": 16, "update": -0.5, "next": 3.5,
        }
    )  # fmt: skip
    assert second["weight"] == first["next"] and second["mean"] == pytest.approx(0.9 * 0.4 + 0.1 * 3.5)


def test_height_of_the_valley():
    assert in_node("optimizers.js", "optimizers.loss([10, 1], [1, 100])") == 100
