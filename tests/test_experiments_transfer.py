"""Experiments that measure what a trained network is worth to a few images."""

import numpy as np
import pytest
from stripes import write_stripes

from cnncourse import data, models, transfer
from cnncourse.experiments import Experiment, RunRecord, experiment_status, run_experiment
from cnncourse.experiments.transferring import Transfer
from cnncourse.training import evaluate

BASE = models.load_trained("speednet")
TEXT = f"""
title = "Stripes"
question = "Is a network that knows ten things worth something to two others?"
chapter = "transfer-learning"
data = "./stripes"
measure = "transfer"
size = 32
seeds = [0, 1]

[recipe]
epochs = 2
batch_size = 6
learning_rate = 0.001
mean = {list(BASE.mean)}
std = {list(BASE.std)}

[runs.features]
model = "speednet"
transfer = {{ way = "features", per_class = 4, resolution = 32 }}

[runs.fine-tuned]
model = "speednet"
transfer = {{ way = "fine-tuned", per_class = 4, resolution = 24, head = 3.0 }}

[runs.scratch]
model = "speednet"
transfer = {{ way = "scratch", per_class = 4, resolution = 32 }}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "cache"))
    write_stripes(tmp_path / "stripes", 10, ("train", "test"))
    (tmp_path / "stripes.toml").write_text(TEXT)
    return tmp_path


def read(here, run, seed=0):
    return RunRecord.load(here / "made" / "stripes" / f"{run}-seed{seed}.json")


def test_each_way_has_its_record(here):
    lines = []
    states = run_experiment("stripes.toml", seeds=[0], records="made", report=lines.append)
    assert [row.state for row in states] == ["done"] * 3
    assert all(row.detail.startswith("test accuracy ") for row in states)
    for run in ("features", "fine-tuned", "scratch"):
        record = read(here, run)
        assert record.status == "completed" and record.result["train_seconds"] > 0
        assert (record.dataset["train"], record.dataset["validation"], record.dataset["test"]) == (
            8,
            None,
            20,
        )
        assert record.model["transfer"]["way"] == run and record.model["transfer"]["per_class"] == 4
        assert record.command == f"cnncourse experiment run stripes.toml --only {run} --seeds 0"
        assert len(record.history) == (0 if run == "features" else 2)
    assert len([line for line in lines if "epoch 2/2" in line]) == 2
    costs = [read(here, run).model["multiply_adds"] for run in ("features", "fine-tuned")]
    assert costs[0] > 1.5 * costs[1]  # at 32 and at 24 pixels


def test_features_are_those_of_a_probe_with_the_seed_s_images(here):
    run_experiment("stripes.toml", ["features"], records="made")
    images, test = data.load("./stripes", "train", 32), data.load("./stripes", "test", 32)
    for seed in (0, 1):
        chosen = images.take(4, per_class=True, seed=seed)
        probe = transfer.linear_probe(BASE, chosen, seed=seed, cache=False)
        expected = evaluate(probe, test)["accuracy"]
        assert read(here, "features", seed).result["test_accuracy"] == pytest.approx(expected)


def test_from_scratch_nothing_is_left_of_the_trained_network(here, monkeypatch):
    seen = {}
    fit = transfer.fine_tune.__globals__["fit"]

    def watch(model, *rest, **options):
        seen["weights"] = {name: each.clone() for name, each in model.state_dict().items()}
        return fit(model, *rest, **options)

    monkeypatch.setattr("cnncourse.experiments.transferring.fit", watch)
    run_experiment("stripes.toml", ["scratch"], [1], records="made")
    trained = BASE.model.state_dict()
    shared = [name for name, each in seen["weights"].items() if name.endswith("conv2.weight")]
    assert shared and not any(np.array_equal(seen["weights"][name], trained[name]) for name in shared)


def test_a_record_of_something_else_is_out_of_date(here):
    run_experiment("stripes.toml", ["features"], [0], records="made")
    for old, new, detail in (
        ("per_class = 4, resolution = 32 }", "per_class = 5, resolution = 32 }", "'per_class': 5"),
        ("learning_rate = 0.001", "learning_rate = 0.002", "learning_rate 0.001, now 0.002"),
    ):
        (here / "stripes.toml").write_text(TEXT.replace(old, new))
        (row,) = experiment_status(Experiment.load("stripes.toml"), ["features"], [0], "made")
        assert row.state == "out of date" and detail in row.detail


def test_a_run_that_diverges_has_a_record(here):
    (here / "stripes.toml").write_text(TEXT.replace("learning_rate = 0.001", "learning_rate = 1e30"))
    lines = []
    run_experiment("stripes.toml", ["fine-tuned"], [0], records="made", report=lines.append)
    assert read(here, "fine-tuned").status == "diverged"
    assert any("try a learning_rate of" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'way = "features"',
            'way = "feature"',
            r"runs.features: way is unknown: 'feature'. Did you mean 'features'\?",
        ),
        (
            "per_class = 4, resolution = 32 }",
            "per_class = 0, resolution = 32 }",
            "per_class must be at least 1",
        ),
        ("head = 3.0", "head = 0", "head must be above 0"),
        ("head = 3.0", "heads = 3.0", r"transfer key is unknown: 'heads'. Did you mean 'head'\?"),
        ("resolution = 24, ", "", "transfer has no 'resolution'"),
        (
            'model = "speednet"\ntransfer',
            'model = "speednet"\noptions = {}\ntransfer',
            "transfer run key is unknown",
        ),
        ("size = 32", "size = 32\nvalidation = 0.1", "a transfer has no validation, got 0.1"),
    ],
)
def test_what_is_wrong_in_a_file(here, old, new, message):
    (here / "stripes.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises((ValueError, TypeError), match=message):
        Experiment.load("stripes.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'model = "speednet"',
            'model = "sped"',
            r"runs.features: trained network is unknown: 'sped'. Did you mean",
        ),
        (
            f"mean = {list(BASE.mean)}",
            "mean = [0.5]",
            r"runs.features: mean must be that of speednet, \[.*\], got",
        ),
    ],
)
def test_refused_before_anything_is_trained(here, old, new, message):
    (here / "stripes.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        run_experiment("stripes.toml", records="made")
    assert not (here / "made").exists()


def test_the_course_s_own_experiment():
    experiment = Experiment.load("transfer-cifar10")
    ways = {(run.transfer.way, run.transfer.resolution) for run in experiment.runs.values()}
    assert ways == {("features", 128), ("features", 224), ("fine-tuned", 128), ("scratch", 128)}
    for name, run in experiment.runs.items():
        assert name.endswith(f"-{run.transfer.per_class}") and run.transfer.head == 10
    assert (
        Transfer.from_dict(experiment.runs["features-10"].transfer.to_dict())
        == experiment.runs["features-10"].transfer
    )
