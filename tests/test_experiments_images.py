"""Experiments on a number of training images, and those that measure changed test images."""

import pytest

from cnncourse import data, experiments
from cnncourse.experiments import Experiment, RunRecord, Setup, experiment_status, run_experiment
from cnncourse.training import Recipe
from cnncourse.training.changes import CHANGES, accuracy_under

TEXT = """
title = "Few"
question = "How few will do?"
chapter = "augmentation"
data = "digits"
seeds = [0, 1]

[recipe]
epochs = 1
batch_size = 50

[runs.few]
model = "conv_bn_gap"
images = 100

[runs.all]
model = "conv_bn_gap"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the experiment, as the working folder; only bundled data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    (tmp_path / "few.toml").write_text(TEXT)
    return tmp_path


class TestImages:
    def test_they_are_equally_many_of_each_class_and_drawn_with_the_seed(self):
        whole = data.load("digits")
        sets = {}
        for seed in (0, 1):
            setup = Setup("conv_bn_gap", "digits", Recipe(seed=seed), images=100)
            sets[seed], validation = setup.split(whole)
            assert set(sets[seed].class_counts().values()) == {10}
            assert len(validation) == len(Setup("conv_bn_gap", "digits", Recipe()).split(whole)[1])
            known = {image.tobytes() for image in validation.images}
            assert not known & {image.tobytes() for image in sets[seed].images}
        assert sets[0].fingerprint() != sets[1].fingerprint()
        again, _ = Setup("conv_bn_gap", "digits", Recipe(seed=1, flip=True), images=100).split(whole)
        assert again.fingerprint() == sets[1].fingerprint()  # whatever else the recipe says

    def test_without_validation_they_come_from_all(self):
        train, validation = Setup("conv_bn_gap", "digits", Recipe(), validation=0, images=20).split(
            data.load("digits")
        )
        assert (len(train), validation) == (20, None)

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (55, "images 55 cannot be equally many of each of 10 classes; take a multiple of 10"),
            (5000, "n must be at most .*, the images of class '0', got 500"),
            (0, "images must be at least 1, got 0"),
        ],
    )
    def test_numbers_that_do_not_fit_are_named(self, images, message):
        with pytest.raises(ValueError, match=message):
            Setup("conv_bn_gap", "digits", Recipe(), images=images).split(data.load("digits"))

    def test_a_run_says_how_many_and_its_record_too(self, here):
        run_experiment("few.toml", seeds=[1], records="made")
        few, whole = (RunRecord.load(here / "made" / "few" / f"{run}-seed1.json") for run in ("few", "all"))
        assert few.dataset["train"] == few.dataset["images"] == 100
        assert whole.dataset["train"] > 1000 and "images" not in whole.dataset
        assert few.dataset["validation"] == whole.dataset["validation"]
        (here / "few.toml").write_text(TEXT.replace("images = 100", "images = 200"))
        found = {
            row.run: row for row in experiment_status(Experiment.load("few.toml"), seeds=[1], records="made")
        }
        assert (found["few"].state, found["few"].detail) == ("out of date", "images 100, now 200")
        assert found["all"].state == "done"

    @pytest.mark.parametrize(
        ("new", "message"),
        [
            ('images = "100"', "runs.few: images must be a whole number, got '100'"),
            ("images = 0", "runs.few: images must be at least 1, got 0"),
        ],
    )
    def test_mistakes_in_a_file_are_named(self, here, new, message):
        (here / "few.toml").write_text(TEXT.replace("images = 100", new))
        with pytest.raises(ValueError, match=message):
            Experiment.load("few.toml")


class TestChanges:
    def test_they_are_measured_with_the_network_that_was_trained(self, here):
        (here / "few.toml").write_text(TEXT.replace("seeds", 'measure = "changes"\nseeds', 1))
        run_experiment("few.toml", ["all"], [0], records="made")
        record = RunRecord.load(here / "made" / "few" / "all-seed0.json")
        under = record.result["accuracy_under"]
        assert {change: tuple(amount for amount, _ in pairs) for change, pairs in under.items()} == dict(
            CHANGES
        )
        trained = experiments.load_model(here / "runs" / "experiments" / "few" / "all-seed0")
        expected = accuracy_under(trained, data.load("digits", "test"), "angle")
        assert [accuracy for _, accuracy in under["angle"]] == pytest.approx(expected)
        assert under["shift"][0][1] == record.result["test_accuracy"]
        assert record.result["accuracy_under_images"] == len(data.load("digits", "test"))

    def test_a_record_without_them_is_measured_and_not_trained_again(self, here):
        run_experiment("few.toml", ["few"], [0], records="made")
        path = here / "made" / "few" / "few-seed0.json"
        before = RunRecord.load(path)
        (here / "few.toml").write_text(TEXT.replace("seeds", 'measure = "changes"\nseeds', 1))
        experiment = Experiment.load("few.toml")
        (found,) = experiment_status(experiment, ["few"], [0], records="made")
        assert (found.state, found.detail) == ("out of date", "changed images were not measured")
        lines = []
        (found,) = run_experiment(experiment, ["few"], [0], records="made", report=lines.append)
        assert found.state == "done"
        record = RunRecord.load(path)
        assert record.started == before.started and record.result["accuracy_under"]
        assert not any("epoch" in line for line in lines)

    def test_a_diverged_run_is_not_measured(self, here):
        wild = TEXT.replace("epochs = 1", 'epochs = 1\noptimizer = "sgd"\nlearning_rate = 1e38')
        (here / "few.toml").write_text(wild.replace("seeds", 'measure = "changes"\nseeds', 1))
        (found,) = run_experiment("few.toml", ["few"], [0], records="made")
        assert found.state == "done"
        assert RunRecord.load(here / "made" / "few" / "few-seed0.json").status == "diverged"
