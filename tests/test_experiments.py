"""Experiments: their files, the records they make, what a killed run leaves, the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from cnncourse import data, experiments
from cnncourse.cli import run
from cnncourse.experiments import Experiment, RunRecord, experiment_status, load_records, run_experiment
from cnncourse.experiments import experiment as module
from cnncourse.experiments.recording import check_models
from cnncourse.models import create_model
from cnncourse.training import Batches
from cnncourse.training.measures import gradient_norms

TEXT = """
title = "Depth"
question = "Does a deeper network learn better?"
chapter = "resnet"
data = "digits"
seeds = [0, 3]

[recipe]
epochs = 2
batch_size = 500

[runs.plain]
model = "conv_bn_gap"

[runs.smooth]
model = "conv_bn_gap"
recipe = {label_smoothing = 0.1, batch_size = 250}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with an experiment of one's own, as the working folder; only bundled data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    (tmp_path / "depth.toml").write_text(TEXT)
    return tmp_path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the package's folder in a checkout, holding the experiment ``depth``."""
    folder = tmp_path / "checkout" / "cnncourse" / "experiments"
    folder.mkdir(parents=True)
    (folder / "depth.toml").write_text(TEXT)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    monkeypatch.setattr(module, "_here", lambda: folder)
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_file_becomes_an_experiment():
    experiment = Experiment.from_toml("depth", TEXT)
    assert experiment.seeds == (0, 3) and list(experiment.runs) == ["plain", "smooth"]
    plain, smooth = experiment.runs.values()
    assert (plain.recipe.epochs, plain.recipe.batch_size, plain.recipe.label_smoothing) == (2, 500, 0)
    assert (smooth.recipe.epochs, smooth.recipe.batch_size, smooth.recipe.label_smoothing) == (2, 250, 0.1)
    assert experiment.measure == "training" and not experiment.shipped


def test_one_seed_of_every_run_comes_before_the_next():
    experiment = Experiment.from_toml("depth", TEXT)
    order = [(chosen.name, seed) for chosen, seed in experiment.select()]
    assert order == [("plain", 0), ("smooth", 0), ("plain", 3), ("smooth", 3)]
    assert [(chosen.name, seed) for chosen, seed in experiment.select(["smooth"], [3])] == [("smooth", 3)]
    with pytest.raises(ValueError, match=r"run of depth is unknown: 'smoth'. Did you mean 'smooth'\?"):
        experiment.select(["smoth"])
    with pytest.raises(ValueError, match=r"seed 1 is none of depth; its seeds: 0, 3"):
        experiment.select(seeds=[1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titles =", r"experiment key is unknown: 'titles'. Did you mean 'title'\?"),
        ('chapter = "resnet"', "", "experiment has no 'chapter'; it needs title, question"),
        ("epochs = 2", "epoch = 2", r"runs.plain: recipe key is unknown: 'epoch'. Did you mean 'epochs'\?"),
        ("epochs = 2", "epochs = 0", "runs.plain: epochs must be at least 1"),
        ("epochs = 2", "seed = 2", "'seeds' lists them for all runs"),
        ("seeds = [0, 3]", "seeds = 3", "seeds must be a list, got 3"),
        ("seeds = [0, 3]", "seeds = []", "seeds must be one or more different numbers"),
        ("seeds = [0, 3]", "seeds = [1, 1]", r"different numbers, got \[1, 1\]"),
        ("seeds = [0, 3]", 'seeds = ["a"]', "seeds must be a whole number, got 'a'"),
        ("seeds = [0, 3]", 'seeds = [0]\nmeasure = "gradient"', "measure is unknown: 'gradient'"),
        ("label_smoothing", "label_smooth", r"runs.smooth: .*Did you mean 'label_smoothing'\?"),
        ('model = "conv_bn_gap"', 'modell = "conv_bn_gap"', r"runs.plain: run key is unknown: 'modell'"),
        ('model = "conv_bn_gap"', "", "runs.plain: run has no 'model'"),
        ("[runs.plain]", '[runs."a/b"]', "a name holds small letters, digits"),
        ("[recipe]", "recipe", "Expected '=' after a key"),
    ],
)  # fmt: skip
def test_mistakes_in_a_file_are_named(here, old, new, message):
    assert old in TEXT
    (here / "depth.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"experiment 'depth.toml': .*" + message):
        Experiment.load("depth.toml")


def test_no_runs_and_unknown_names(package):
    with pytest.raises(ValueError, match="runs is empty"):
        Experiment.from_toml("depth", TEXT.partition("[recipe]")[0] + "runs = {}")
    with pytest.raises(ValueError, match=r"experiment is unknown: 'dept'. Did you mean 'depth'\?"):
        Experiment.load("dept")
    with pytest.raises(FileNotFoundError, match=r"there is no experiment file 'none.toml'"):
        Experiment.load("none.toml")


def test_records_are_made_once_and_read_back(package, capsys):
    with pytest.raises(
        FileNotFoundError,
        match=r"no record of its run 'plain'; make it with: cnncourse experiment run depth --only plain",
    ):
        load_records("depth")
    assert load_records("depth", partial=True) == {}
    assert run(["experiment", "run", "depth", "--seeds", "3"]) == 0
    out = capsys.readouterr().out
    assert "plain-seed3: epoch 2/2" in out and "2 of 2 records are there" in out

    records = load_records("depth")
    assert {name: [record.seed for record in found] for name, found in records.items()} == {
        "plain": [3],
        "smooth": [3],
    }
    record = records["smooth"][0]
    assert record.status == "completed" and len(record.history) == 2
    assert record.recipe["label_smoothing"] == 0.1 and record.recipe["seed"] == 3
    assert record.command == "cnncourse experiment run depth --only smooth --seeds 3"
    assert 0 < record.result["test_accuracy"] < 1
    text = (package / "records" / "depth" / "smooth-seed3.json").read_text()
    assert str(package.parent) not in text

    lines: list[str] = []
    (package / "records" / "depth" / "plain-seed3.json").rename(package / "moved.json")
    assert list(load_records("depth", partial=True)) == ["smooth"]
    (package / "moved.json").rename(package / "records" / "depth" / "plain-seed3.json")
    states = run_experiment("depth", seeds=[3], report=lines.append)
    assert [state.state for state in states] == ["done", "done"] and not lines
    run(["experiment", "list"])
    assert "depth       2 of 4   Does a deeper network learn better?" in capsys.readouterr().out
    run(["experiment", "status", "depth"])
    rows = [line.split()[:4] for line in capsys.readouterr().out.splitlines()]
    assert ["depth", "plain", "0", "missing"] in rows and ["depth", "plain", "3", "done"] in rows


def test_a_record_of_another_recipe_is_out_of_date_and_made_again(package):
    run_experiment("depth", only=["plain"], seeds=[0])
    path = package / "depth.toml"
    path.write_text(TEXT.replace("batch_size = 500", "batch_size = 400"))
    (state,) = experiment_status(Experiment.load("depth"), ["plain"], [0])
    assert (state.state, state.detail) == ("out of date", "batch_size 500, now 400")
    (state,) = run_experiment("depth", only=["plain"], seeds=[0])
    assert state.state == "done"
    assert load_plain(package).recipe["batch_size"] == 400
    kept = package.parents[2] / "runs" / "experiments" / "depth" / "plain-seed0-old-1" / "record.json"
    assert RunRecord.load(kept).recipe["batch_size"] == 500  # the older training is moved aside, not deleted


def load_plain(package):
    return RunRecord.load(package / "records" / "depth" / "plain-seed0.json")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"model": {"name": "three_conv"}}, "model 'three_conv', now 'conv_bn_gap'"),
        ({"model": {"name": "conv_bn_gap", "options": {"a": 1}}}, "options {'a': 1}, now {}"),
        ({"dataset": {"name": "shapes10"}}, "data 'shapes10', now 'digits'"),
        ({"recipe": {"epochs": 2, "batch_size": 500, "gone": 1}}, "gone 1, now None"),
        ({"recipe": {"epochs": 2, "batch_size": 500}}, ""),  # a key that is newer than the record
    ],
)
def test_what_makes_a_record_out_of_date(change, detail):
    experiment = Experiment.from_toml("depth", TEXT)
    values = {
        "model": {"name": "conv_bn_gap"},
        "dataset": {"name": "digits"},
        "recipe": experiment.runs["plain"].recipe.to_dict(),
    }
    record = RunRecord("plain-seed0", "", seed=0, environment={}, **(values | change))
    assert experiment.difference(record, experiment.runs["plain"], seed=0) == detail


def test_a_diverged_run_has_a_record_and_the_next_run_is_made(here):
    text = TEXT + '\n[runs.calm]\nmodel = "conv_bn_gap"\n'
    wild = 'optimizer = "sgd", learning_rate = 1e38'
    (here / "depth.toml").write_text(text.replace("label_smoothing = 0.1", wild))
    lines: list[str] = []
    states = run_experiment("depth.toml", ["smooth", "calm"], [0], records="made", report=lines.append)
    assert [(state.run, state.state) for state in states] == [("smooth", "done"), ("calm", "done")]
    assert states[0].detail == "diverged" and "test accuracy" in states[1].detail
    assert any("the loss became" in line for line in lines)
    record = RunRecord.load(here / "made" / "depth" / "smooth-seed0.json")
    assert record.status == "diverged" and record.result["test_accuracy"] is None
    assert record.command == "cnncourse experiment run depth.toml --only smooth --seeds 0"


def test_a_killed_run_goes_on_and_gives_the_same_numbers(here):
    (here / "depth.toml").write_text(TEXT.replace("epochs = 2", "epochs = 8"))
    command = [sys.executable, "-m", "cnncourse", "experiment", "run", "depth.toml", "--only", "plain"]
    command += ["--seeds", "0", "--records", "made"]
    process = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        while (line := process.stdout.readline()) and "epoch 2/8" not in line:
            pass
    finally:
        process.kill()
        process.communicate()
    assert not (here / "made" / "depth" / "plain-seed0.json").exists()
    experiment = Experiment.load("depth.toml")
    (state,) = experiment_status(experiment, ["plain"], [0], "made")
    assert state.state == "started" and 2 <= int(state.detail.split()[0]) < 8

    (here / "other.toml").write_text(TEXT)  # of two epochs: what was begun is none of its own
    work = here / "runs" / "experiments"
    shutil.copytree(work / "depth", work / "other")
    (state,) = experiment_status(Experiment.load("other.toml"), ["plain"], [0], "made")
    assert state.state == "missing"

    lines: list[str] = []
    run_experiment(experiment, ["plain"], [0], "made", report=lines.append)
    assert not any("epoch 1/8" in line for line in lines) and any("epoch 8/8" in line for line in lines)
    run_experiment(experiment, ["plain"], [0], "unbroken", work="elsewhere")
    killed, unbroken = (
        RunRecord.load(here / records / "depth" / "plain-seed0.json") for records in ("made", "unbroken")
    )
    timed = ("seconds", "images_per_second")
    for row in killed.history + unbroken.history:
        for key in timed:
            del row[key]
    assert killed.history == unbroken.history
    assert killed.result["test_accuracy"] == unbroken.result["test_accuracy"]


def test_ctrl_c_keeps_the_epochs_and_says_so(here, monkeypatch, capsys):
    describe = experiments.recording.describe_epoch

    def interrupt(row, epochs):
        if row["epoch"] == 1 and not (here / "stopped").exists():
            (here / "stopped").touch()
            raise KeyboardInterrupt
        return describe(row, epochs)

    monkeypatch.setattr(experiments.recording, "describe_epoch", interrupt)
    command = ["experiment", "run", "depth.toml", "--only", "plain", "--seeds", "0", "--records", "made"]
    assert run(command) == 130
    assert "plain-seed0: 1 of 2 epochs are kept; the same command goes on there" in capsys.readouterr().out
    assert not (here / "made").exists()
    assert run(command) == 0
    out = capsys.readouterr().out
    assert "plain-seed0: conv_bn_gap (started, 1 of 2 epochs)" in out and "epoch 1/2" not in out


def test_a_completed_training_without_its_record_is_not_trained_again(here):
    experiment = Experiment.load("depth.toml")
    run_experiment(experiment, ["plain"], [0], "made")
    path = here / "made" / "depth" / "plain-seed0.json"
    first = path.read_bytes()
    path.unlink()
    lines: list[str] = []
    run_experiment(experiment, ["plain"], [0], "made", report=lines.append)
    assert not any("epoch" in line.partition("epochs)")[2] for line in lines)
    again, before = json.loads(path.read_text()), json.loads(first)
    assert again["history"] == before["history"]
    assert again["result"]["test_accuracy"] == before["result"]["test_accuracy"]


def test_two_processes_do_not_train_the_same_run(here):
    experiment = Experiment.load("depth.toml")
    (here / "runs" / "experiments" / "depth").mkdir(parents=True)
    lines: list[str] = []
    with FileLock(here / "runs" / "experiments" / "depth" / "plain-seed0.lock"):
        states = run_experiment(experiment, None, [0], "made", report=lines.append)
    assert [state.state for state in states] == ["missing", "done"]
    assert "plain-seed0: another process is at it" in lines


def test_gradient_norms_are_measured_without_training(here):
    text = TEXT.replace("seeds = [0, 3]", 'seeds = [0, 3]\nmeasure = "gradient_norms"')
    (here / "depth.toml").write_text(text.replace("batch_size = 250, ", ""))
    run_experiment("depth.toml", records="made")
    records = [RunRecord.load(here / "made" / "depth" / f"plain-seed{seed}.json") for seed in (0, 3)]
    norms = [[row["norm"] for row in record.result["gradient_norms"]] for record in records]
    assert len(norms[0]) == 3 and all(norm > 0 for norm in norms[0]) and norms[0] != norms[1]
    assert records[0].history == [] and records[0].dataset["train"] == 500
    assert records[0].status == "completed" and records[0].model["parameters"] == 94_410


def test_gradients_are_measured_on_the_recipe_s_batch(here):
    text = TEXT.replace("seeds = [0, 3]", 'seeds = [0, 3]\nmeasure = "gradient_norms"')
    (here / "depth.toml").write_text(text.replace("epochs = 2", "mean = [0.3]\nstd = [0.2]"))
    run_experiment("depth.toml", ["plain"], [3], records="made")
    record = RunRecord.load(here / "made" / "depth" / "plain-seed3.json")
    batches = Batches(data.load("digits"), 500, seed=3, mean=(0.3,), std=(0.2,))
    expected = gradient_norms(create_model("conv_bn_gap", in_channels=1, seed=3), *next(iter(batches)))
    assert record.result["gradient_norms"] == expected


def test_refused_before_anything_is_trained(here, package, monkeypatch):
    options = 'model = "conv_bn_gap"\noptions = {dropout = 0.5}\n'
    (here / "depth.toml").write_text(TEXT.replace('model = "conv_bn_gap"\nrecipe', options + "recipe"))
    with pytest.raises(ValueError, match=r"runs.smooth: option of conv_bn_gap is unknown: 'dropout'"):
        run_experiment("depth.toml", records="made")
    assert not (here / "made").exists() and not (here / "runs").exists()
    with pytest.raises(
        ValueError, match="an experiment of your own needs a folder for its records: give --rec"
    ):
        run_experiment("depth.toml", only=["plain"])
    (package.parents[1] / "pyproject.toml").unlink()
    with pytest.raises(ValueError, match="is no checkout, its own records stay as they are: give --records"):
        run_experiment("depth", only=["plain"])


@pytest.mark.parametrize("name", experiments.experiment_names())
def test_the_package_s_experiments_and_their_records_agree(name):
    """Every experiment can be begun; every record that is there is the record of what it says now."""
    experiment = Experiment.load(name)
    check_models({run.name: run for run, _ in experiment.select()})
    stale = [row for row in experiment_status(experiment) if row.state == "out of date"]
    assert not stale
    folder = module.record_path(experiment, "any", 0).parent
    wanted = {module.record_path(experiment, chosen.name, seed) for chosen, seed in experiment.select()}
    assert set(folder.glob("*")) <= wanted, "records of no run or seed of the experiment"
    for path in folder.glob("*"):
        run_name, seed = path.stem.rsplit("-seed", 1)
        command = f"cnncourse experiment run {name} --only {run_name} --seeds {seed}"
        assert RunRecord.load(path).command == command


def test_images_of_one_s_own_are_trained_once(here):
    """They are known by what they are: neither the way their place is written nor their name counts."""
    write_pets(here / "pets", "cat", "dog")
    write_pets(here / "other" / "pets", "cat", "dog", color=200)
    text = TEXT.replace('data = "digits"', 'data = "./pets"').replace("epochs = 2", "epochs = 1")
    (here / "depth.toml").write_text(text)
    lines: list[str] = []
    for _ in range(2):
        states = run_experiment("depth.toml", ["plain"], [0], "made", report=lines.append)
        assert [state.state for state in states] == ["done"]
    assert len([line for line in lines if "epoch 1/1" in line]) == 1
    (here / "pets").rename(here / "animals")
    for place, state in (("animals", "done"), ("other/pets", "out of date"), ("gone/pets", "done")):
        (here / "depth.toml").write_text(text.replace("./pets", place))
        (found,) = experiment_status(Experiment.load("depth.toml"), ["plain"], [0], "made")
        assert found.state == state, place
    (here / "depth.toml").write_text(text.replace("./pets", "gone/plants"))
    (found,) = experiment_status(Experiment.load("depth.toml"), ["plain"], [0], "made")
    assert found.detail == "data 'pets', now 'plants'"


def write_pets(folder, *classes, color=0):
    for split in ("train", "test"):
        for label, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True)
            for number in range(10):
                picture = Image.new("RGB", (8, 8), (color + number, 100 * label, len(split)))
                picture.save(folder / split / name / f"{number}.png")


def test_the_size_of_the_images_is_the_experiment_s(here):
    (here / "depth.toml").write_text(TEXT.replace('data = "digits"', 'data = "digits"\nsize = 12'))
    experiment = Experiment.load("depth.toml")
    chosen, seed = experiment.select()[0]
    setup = experiment.setup(chosen, seed)
    assert setup.load("train").shape == (1, 12, 12)
    run_experiment("depth.toml", [chosen.name], [seed], records="made")
    record = RunRecord.load(next(Path("made").rglob("*.json")))
    assert record.dataset["size"] == 12 and not experiment.difference(record, chosen, seed)
    assert "size 12, now None" in Experiment.from_toml("depth", TEXT).difference(record, chosen, seed)


def test_the_share_for_validation_is_the_experiment_s(here):
    assert Experiment.from_toml("depth", TEXT).validation == 0.1
    (here / "depth.toml").write_text(TEXT.replace('data = "digits"', 'data = "digits"\nvalidation = 0'))
    run_experiment("depth.toml", ["plain"], [0], "made")
    record = RunRecord.load(here / "made" / "depth" / "plain-seed0.json")
    assert (record.dataset["train"], record.dataset["validation"]) == (1442, None)
    (here / "depth.toml").write_text(TEXT)
    (found,) = experiment_status(Experiment.load("depth.toml"), ["plain"], [0], "made")
    assert (found.state, found.detail) == ("out of date", "validation 0.0, now 0.1")
    for wrong, message in (("1", "at least 0 and below 1, got 1"), ("true", "must be a number, got True"),
                           ('"0.1"', "must be a number, got '0.1'")):  # fmt: skip
        (here / "depth.toml").write_text(TEXT.replace("seeds", f"validation = {wrong}\nseeds", 1))
        with pytest.raises(ValueError, match=r"experiment 'depth.toml': validation " + f".*{message}"):
            Experiment.load("depth.toml")


@pytest.mark.parametrize(
    ("dataset", "share", "detail"),
    [
        ({"validation": 145}, 0.1, ""),  # a record that is older than the share
        ({"validation": 145}, 0, "validation 0.1, now 0"),
        ({"validation": None}, 0, ""),
        ({"validation": None}, 0.1, "validation 0.0, now 0.1"),
        ({"validation": 290, "validation_share": 0.2}, 0.1, "validation 0.2, now 0.1"),
        ({"validation": 3, "validation_share": 0.1}, 0.1, ""),
    ],
)
def test_records_with_and_without_their_share_for_validation(dataset, share, detail):
    experiment = Experiment.from_toml("depth", TEXT.replace("seeds", f"validation = {share}\nseeds", 1))
    recipe = experiment.runs["plain"].recipe.to_dict()
    dataset = {"name": "digits"} | dataset
    record = RunRecord("plain-seed0", "", recipe, dataset, 0, {}, {"name": "conv_bn_gap"})
    assert experiment.difference(record, experiment.runs["plain"], seed=0) == detail


def test_a_damaged_record_does_not_hide_the_others(package, capsys):
    run_experiment("depth", seeds=[3])
    damaged = package / "records" / "depth" / "plain-seed3.json"
    damaged.write_text("{")
    assert run(["experiment", "list"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("depth       1 of 4   Does a deeper")
    assert lines[2].startswith(f"{str(damaged)!r} is no run record, or a damaged one")
    run(["experiment", "status", "depth"])
    rows = [line.split()[:4] for line in capsys.readouterr().out.splitlines()]
    assert ["depth", "plain", "3", "damaged"] in rows and ["depth", "smooth", "3", "done"] in rows
    (state,) = run_experiment("depth", ["plain"], [3])
    assert state.state == "done" and RunRecord.load(damaged).status == "completed"


def test_a_damaged_record_of_a_run_that_was_begun(here):
    work = here / "runs" / "experiments" / "depth" / "plain-seed0"
    work.mkdir(parents=True)
    (work / "record.json").write_text("{")
    (state,) = experiment_status(Experiment.load("depth.toml"), ["plain"], [0], "made")
    assert state.state == "missing"
    (state,) = run_experiment("depth.toml", ["plain"], [0], "made")
    assert state.state == "done" and (work.parent / "plain-seed0-old-1" / "record.json").read_text() == "{"


def test_a_byte_order_mark_before_an_experiment_or_a_record_is_read_over(here):
    (here / "depth.toml").write_text(TEXT, encoding="utf-8-sig")
    assert Experiment.load("depth.toml").title == Experiment.from_toml("depth", TEXT).title
    stored = next((Path(experiments.__file__).parent / "records" / "vgg-kernels").glob("*.json"))
    (here / "record.json").write_text(stored.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert RunRecord.load(here / "record.json") == RunRecord.load(stored)


def test_published_errors_are_those_of_the_papers_figure():
    """Plain networks end as in figure 6, and both residual ones below them."""
    curves = experiments.published_errors()
    ends = {name: errors[-5:].mean() for name, (_, errors) in curves.items()}
    assert ends["resnet56"] < ends["resnet20"] < ends["plain20"] < ends["plain56"]
    for steps, errors in curves.values():
        assert steps.shape == errors.shape == (32,)
        assert steps[-1] == 64
        known = errors[np.isfinite(errors)]
        assert known.min() >= 0
        assert known.max() <= 0.2
