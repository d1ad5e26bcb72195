"""The table of an experiment's records: means over the seeds that are there."""

import re

from cnncourse import experiments
from cnncourse.experiments import results


def test_a_row_holds_the_mean_over_seeds_and_the_range():
    records = experiments.load_records("vgg-kernels")["two-3x3"]
    accuracy = [100 * record.result["test_accuracy"] for record in records]
    told = experiments.describe_results("vgg-kernels")
    row = next(line for line in told.splitlines() if line.startswith("two-3x3"))
    mean = sum(accuracy) / 3
    assert re.search(rf"small_vgg +3 of 3 +8 +{mean:.2f} \({min(accuracy):.2f}-{max(accuracy):.2f}\)", row)
    assert told.endswith("$ cnncourse experiment run vgg-kernels")


def test_a_run_without_a_record_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "record_path", lambda *_: tmp_path / "none.json")
    assert re.search(r"(?m)^one-5x5 +small_vgg +no record$", experiments.describe_results("vgg-kernels"))


def test_what_was_measured_without_training_has_no_accuracy():
    told = experiments.describe_results("resnet-gradients")
    assert all(re.search(r" - +- +-$", line) for line in told.splitlines()[2:-1])


def test_every_experiment_has_a_table():
    for name in experiments.experiment_names():
        assert experiments.describe_results(name).startswith(f"{name}: ")
