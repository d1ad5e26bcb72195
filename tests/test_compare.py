"""Arms against a baseline: the numbers of the interval, the words of the table, what is refused."""

import math

import numpy as np
import pytest

from cnncourse import experiments
from cnncourse.experiments import RunRecord, compare
from cnncourse.experiments.compare import student_t


def record(seed, accuracy, **result):
    model = {"name": "small_conv", "options": {}, "parameters": 1, "multiply_adds": 1}
    history = [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.0 + seed}]
    results = {"test_accuracy": accuracy} | result
    return RunRecord("run", "", {}, {"name": "digits"}, seed, {}, model, history, results, "completed")


@pytest.mark.parametrize(
    ("degrees", "quantile"),  # printed tables
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365), (9, 2.262),
     (10, 2.228), (20, 2.086), (29, 2.045), (30, 2.042), (60, 2.000), (120, 1.980), (100_000, 1.960)],
)  # fmt: skip
def test_quantiles_are_those_of_printed_tables(degrees, quantile):
    assert round(student_t(degrees), 3) == quantile


def test_other_levels():
    assert student_t(1, 0.5) == pytest.approx(1)
    assert student_t(2, 0.5) == pytest.approx(math.sqrt(2 / 3))  # P(|T| < t) = t / sqrt(2 + t^2)
    assert round(student_t(4, 0.99), 3) == 4.604
    assert round(student_t(5, 0.9), 3) == 2.015
    for wrong in (0, 1, 95):
        with pytest.raises(ValueError, match=f"confidence must be above 0 and below 1, got {wrong}"):
            student_t(3, wrong)
    with pytest.raises(ValueError, match="degrees must be at least 1, got 0"):
        student_t(0)


def test_the_interval_is_that_of_the_differences():
    """On paper: differences 1, 2, 3 have mean 2, deviation 1, and half an interval of 4.303 / sqrt(3)."""
    row = compare({"a": [10, 20, 30], "b": [11, 22, 33]}, key="loss")["b"]
    assert row.differences == (1, 2, 3)
    assert (row.mean, row.difference) == (22, 2)
    assert row.high - 2 == pytest.approx(4.302653 / math.sqrt(3))
    assert 2 - row.low == pytest.approx(row.high - 2)
    assert not row.shown
    assert row.verdict == "not shown"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.1, 1.15, 1.1], "higher"),
        ([0.9, 0.85, 0.9], "lower"),
        ([1, 1, 1], "not shown"),
        ([1, 1, 2], "not shown"),
    ],
)
def test_the_verdict(values, verdict):
    assert compare({"base": [1, 1, 1], "arm": values})["arm"].verdict == verdict


def test_an_interval_holds_what_it_should_in_95_of_100_experiments():
    rng = np.random.default_rng(0)
    missed = sum(
        compare({"a": rng.normal(size=4), "b": rng.normal(size=4)}, key="loss")["b"].shown
        for _ in range(2000)
    )
    assert 0.035 < missed / 2000 < 0.065


def test_the_pairs_are_those_of_one_seed():
    """Seeds that move both arms alike leave no spread in the difference, and their order does not matter."""
    table = compare({"a": {0: 0.5, 1: 0.7, 5: 0.9}, "b": {5: 0.91, 0: 0.51, 1: 0.71}})
    assert table.seeds == (0, 1, 5)
    assert table["b"].differences == pytest.approx((0.01, 0.01, 0.01))
    assert table["b"].verdict == "higher"


def test_the_printed_table():
    arms = {"wide": [0.80, 0.82, 0.81], "plain": [0.70, 0.72, 0.71], "same": [0.70, 0.73, 0.70]}
    assert str(compare(arms, baseline="plain")).splitlines() == [
        "test accuracy, seeds 0, 1, 2",
        "         mean  difference (points)      95% interval",
        "plain  71.00%             baseline",
        "wide   81.00%               +10.00  +10.00 to +10.00  higher",
        "same   71.00%                +0.00    -2.48 to +2.48  not shown",
    ]
    text = str(compare({"a": [1.5, 1.25], "b": [0.5, 0.25]}, key="train_loss"))
    assert text.splitlines()[0] == "train loss, seeds 0, 1"
    assert "%" not in text.replace("95%", "")
    assert text.splitlines()[-1] == "b  0.375          -1      -1 to -1  lower"


def test_records_bring_their_seeds_and_results():
    arms = {"a": [record(3, 0.5), record(7, 0.6)], "b": [record(7, 0.65), record(3, 0.55)]}
    table = compare(arms)
    assert table.seeds == (3, 7)
    assert table["b"].differences == pytest.approx((0.05, 0.05))
    last = compare(arms, key="train_loss")
    assert last.mean == 6, "the last epoch's value"
    shipped = compare(experiments.load_records("vgg-kernels"), baseline="one-5x5")
    assert [row.arm for row in shipped.rows] == ["two-3x3"]
    assert len(shipped.seeds) == 3


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ({"a": [1, 2]}, r"arms must be a baseline and at least one more, got \['a'\]"),
        ({"a": [1, 2, 3], "b": [1, 2]}, r"arms\['b'\] lacks seed 2, which another arm has; .*the same seeds"),
        ({"a": {0: 1, 4: 1}, "b": {0: 1, 5: 1, 6: 1}}, r"arms\['a'\] lacks seed 5, 6, which"),
        ({"a": [1], "b": [2]}, "at least two seeds in each arm, got 1; three are usual"),
        ({"a": [], "b": []}, "at least two seeds in each arm, got 0"),
        ({"a": [1, 2], "b": [1, math.nan]}, r"arms\['b'\] has no test_accuracy for seed 1, got nan; train"),
        ({"a": [1, 2], "b": {0: 1, 9: None}}, r"arms\['b'\] has no test_accuracy for seed 9, got None"),
        ({"a": [record(0, None), record(1, 1)], "b": [1, 2]}, r"arms\['a'\] has no test_accuracy for seed 0"),
        ({"a": [record(2, 1), record(2, 1)], "b": [1, 2]}, r"arms\['a'\] has two results of seed 2"),
    ],
)
def test_what_cannot_be_compared_is_named(arms, message):
    with pytest.raises(ValueError, match=message):
        compare(arms)


def test_unknown_names_are_refused_with_the_nearest():
    arms = {"plain": [1, 2], "wide": [1, 3]}
    with pytest.raises(ValueError, match=r"baseline is unknown: 'plan'. Did you mean 'plain'\?"):
        compare(arms, baseline="plan")
    with pytest.raises(ValueError, match=r"arm is unknown: 'wid'. Did you mean 'wide'\?"):
        compare(arms)["wid"]
