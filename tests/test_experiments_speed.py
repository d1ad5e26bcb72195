"""Speedruns from a recipe to a record: what is saved, what a stop leaves, mixed-up kinds, experiments."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from cnncourse import data, experiments, training
from cnncourse.cli import run
from cnncourse.cli import train as train_command
from cnncourse.data import ImageSet
from cnncourse.experiments import Experiment, RunRecord, Setup, experiment_status, run_experiment, speed
from cnncourse.models import load_trained
from cnncourse.training import DivergedError, Recipe, precision
from cnncourse.training import speedrun as speedrun_module
from cnncourse.training.speed_recipe import SpeedRecipe

TINY = SpeedRecipe(epochs=1.5, batch_size=10, widths=(4, 4, 4), sizes=((0.5, 9), (1.0, 12)))
SMALL = ["--set", "widths=[4, 4, 4]", "--set", "sizes=[[0.5, 9], [1.0, 12]]", "--batch-size", "10"]


def make_set(count=20, size=32, seed=0, name="bright"):
    """Images whose brightness tells their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = random.integers(0, 100, (count, 3, size, size)) + 100 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels, ("a", "b"), name, "train")


def load_bright(name, split="train", size=None):
    return make_set(seed=0 if split == "train" else 1, size=28 if name == "small" else 32)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder in which every data set is `load_bright`'s, and no format is timed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", load_bright)
    monkeypatch.setattr(data, "NAMES", (*data.NAMES, "bright"))
    monkeypatch.setattr(speedrun_module, "choose_dtype", lambda *_, **__: torch.float32)
    return tmp_path


def speedrun(recipe=TINY, data_name="bright", validation=0.0, **options):
    return experiments.speedrun(Setup("speednet", data_name, recipe, validation=validation), **options)


def press(row):
    """End a training after its first row, as Ctrl-C would."""
    raise KeyboardInterrupt


class TestRun:
    def test_record_and_weights(self, here):
        seen = []
        record, folder = speedrun(test=True, report=seen.append)
        assert RunRecord.load(folder / "record.json") == record
        assert sorted(path.name for path in folder.iterdir()) == ["record.json", "weights.safetensors"]
        assert record.status == "completed" and folder.name == record.name == "speednet-bright-1"
        assert record.recipe == TINY.to_dict() and record.seed == 0
        assert record.model["name"] == "speednet" and record.model["options"]["widths"] == [4, 4, 4]
        assert record.dataset["fingerprint"] == make_set().fingerprint()
        assert record.dataset["test_fingerprint"] == make_set(seed=1).fingerprint()
        assert (record.dataset["train"], record.dataset["validation"], record.dataset["test"]) == (
            20,
            None,
            20,
        )
        assert record.environment["dtype"] == "float32"
        assert all(record.result[f"{what}_seconds"] > 0 for what in ("train", "evaluation", "probe"))
        assert str(here) not in (folder / "record.json").read_text()
        assert seen == record.history

    def test_a_row_for_each_epoch_and_where_the_size_changes(self, here):
        record, _ = speedrun(TINY.replace(epochs=4.5, sizes=[[0.6, 9], [1.0, 12]]))  # nine steps
        rows = [(row["epoch"], row["size"]) for row in record.history]
        assert rows == [(1, 9), (2, 9), (3, 9), (4, 12), (4.5, 12)]
        record, _ = speedrun(TINY.replace(epochs=3, sizes=[[0.5, 9], [1.0, 12]]))  # six steps
        assert [(row["epoch"], row["size"]) for row in record.history] == [(1, 9), (1.5, 9), (2, 12), (3, 12)]
        assert set(training.loop.COLUMNS) < set(record.history[0])

    def test_the_file_of_weights_says_all_about_them(self, here):
        record, folder = speedrun(test=True)
        trained = load_trained(folder / "weights.safetensors")
        assert (trained.classes, trained.size, trained.resolution) == (("a", "b"), (32, 32), (12, 12))
        mean, std = make_set().statistics()
        assert trained.mean == tuple(mean) and trained.std == tuple(std)
        assert trained.record["recipe"] == record.recipe and trained.record["result"] == record.result
        test_set = make_set(seed=1)
        right = trained.predict(test_set).argmax(axis=1) == test_set.labels
        assert record.result["test_accuracy"] == right.mean()

    def test_it_is_evaluated_at_its_last_size_and_over_its_views(self, here, monkeypatch):
        seen = []
        evaluate = training.loop.evaluate

        def watched(model, *rest, views=1, **options):
            seen.append((model.resolution, views))
            return evaluate(model, *rest, views=views, **options)

        monkeypatch.setattr(experiments.evaluation, "evaluate", watched)
        record, folder = speedrun(TINY.replace(views=6), test=True)
        assert seen == [((12, 12), 1), ((12, 12), 6)]
        found = experiments.evaluate_run(folder)
        assert found.kept and found.accuracy == record.result["test_accuracy"]
        assert found.accuracy_tta == record.result["test_accuracy_tta"] is not None

    def test_ideas_that_are_left_out(self, here):
        """Without mirrored training images none are evaluated; a stem that is trained counts."""
        record, _ = speedrun(test=True)
        plain, other = speedrun(TINY.replace(flip="none", whiten=False, identity=False), test=True)
        assert plain.result["test_accuracy"] is not None and plain.result["test_accuracy_tta"] is None
        assert plain.model["parameters"] == record.model["parameters"] + 24 * 3 * 2 * 2
        assert load_trained(other / "weights.safetensors").options["identity"] is False

    def test_the_same_seed_gives_the_same_weights(self, here):
        weights = [
            load_trained(speedrun(TINY.replace(seed=seed))[1] / "weights.safetensors").model.state_dict()
            for seed in (0, 0, 1)
        ]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        assert not torch.equal(weights[0]["head.weight"], weights[2]["head.weight"])

    def test_images_for_validation_are_not_learned_from(self, here):
        record, _ = speedrun(TINY.replace(batch_size=9), validation=0.1)
        assert (record.dataset["train"], record.dataset["validation"]) == (18, 2)
        *before, last = record.history
        assert all(row["validation_accuracy"] is None for row in before)
        assert last["validation_accuracy"] in (0, 0.5, 1) and last["validation_loss"] > 0

    def test_the_test_split_is_read_only_on_request(self, here, monkeypatch):
        splits = []
        monkeypatch.setattr(
            data,
            "load",
            lambda name, split="train", size=None: splits.append(split) or load_bright(name, split),
        )
        record, _ = speedrun()
        assert splits == ["train"] and record.result["test_accuracy"] is None

    @pytest.mark.parametrize("chosen", [torch.float32, torch.bfloat16])
    def test_the_number_format_that_was_chosen_is_taken(self, here, monkeypatch, chosen):
        asked, taken = [], []
        run_once = speed.run_once

        def choose(name, model, shape, **options):
            asked.append((name, shape, options))
            return chosen

        def watched(images, recipe, dtype, *rest):
            taken.append(dtype)
            return run_once(images, recipe, dtype, *rest)

        monkeypatch.setattr(speedrun_module, "choose_dtype", choose)
        monkeypatch.setattr(speed, "run_once", watched)
        record, _ = speedrun()
        assert asked == [("auto", (10, 3, 9, 9), {"channels_last": True, "formats": (torch.bfloat16,)})]
        assert taken == [chosen] and record.environment["dtype"] == str(chosen).removeprefix("torch.")

    def test_the_first_row_s_seconds_are_without_the_choice_of_a_format(self, here, monkeypatch):
        order, rows = [], speed._Rows
        monkeypatch.setattr(
            speedrun_module, "choose_dtype", lambda *_, **__: order.append("choice") or torch.float32
        )
        monkeypatch.setattr(speed, "_Rows", lambda *given: order.append("clock") or rows(*given))
        speedrun()
        assert order == ["choice", "clock"]

    @pytest.mark.parametrize(
        ("agrees", "seconds", "chosen"),
        [(True, 0.5, "bfloat16"), (False, 0.5, "float32"), (True, 2, "float32"), (True, np.inf, "float32")],
    )
    def test_bfloat16_only_where_it_is_faster_and_right(self, here, monkeypatch, agrees, seconds, chosen):
        monkeypatch.setattr(speedrun_module, "choose_dtype", precision.choose_dtype)
        monkeypatch.setattr(precision, "convolution_agrees", lambda *_: agrees)
        monkeypatch.setattr(
            precision,
            "_seconds_a_step",
            lambda model, shape, dtype, last: seconds if dtype.itemsize == 2 else 1,
        )
        assert speedrun()[0].environment["dtype"] == chosen

    def test_a_recipe_that_names_its_format_is_obeyed(self, here, monkeypatch):
        monkeypatch.setattr(speedrun_module, "choose_dtype", precision.choose_dtype)
        monkeypatch.setattr(precision, "_seconds_a_step", lambda *_: pytest.fail("nothing is to be chosen"))
        recipes = [TINY.replace(dtype=name) for name in ("float32", "bfloat16")]
        found = [speedrun(recipe)[0].environment["dtype"] for recipe in recipes]
        assert found == ["float32", "bfloat16"]


class TestStops:
    def test_ctrl_c_leaves_nothing(self, here):
        record, folder = speedrun(name="mine", report=press)
        assert record.status == "interrupted" and not folder.exists()
        assert speedrun(name="mine")[0].status == "completed"

    def test_a_folder_that_a_kill_has_left_is_taken_again(self, here):
        (here / "runs" / "mine").mkdir(parents=True)
        with pytest.raises(FileExistsError, match="there is a run 'mine'"):
            speedrun(name="mine")
        assert speedrun(name="mine", resume=True)[0].status == "completed"

    def test_a_complete_run_is_evaluated_and_not_trained_again(self, here, monkeypatch):
        first, folder = speedrun(name="mine")
        weights = load_trained(folder / "weights.safetensors").model.state_dict()
        monkeypatch.setattr(speed, "run_once", None)
        again, _ = speedrun(name="mine", resume=True, test=True)
        assert again.result["train_seconds"] == first.result["train_seconds"]
        assert again.result["test_accuracy"] is not None
        after = load_trained(folder / "weights.safetensors").model.state_dict()
        assert all(torch.equal(weights[name], after[name]) for name in weights)
        with pytest.raises(ValueError, match=r"'mine' is complete, and another training: recipe seed was 0"):
            speedrun(TINY.replace(seed=1), name="mine", resume=True)

    def test_another_kind_of_run_is_not_overwritten(self, here):
        setup = Setup("conv_bn_gap", "bright", Recipe(epochs=1, batch_size=10))
        experiments.train(setup, name="mine")
        before = (here / "runs" / "mine" / "record.json").read_bytes()
        with pytest.raises(ValueError, match="the run 'mine' is no speedrun; choose another name"):
            speedrun(name="mine", resume=True)
        assert (here / "runs" / "mine" / "record.json").read_bytes() == before

    def test_diverged_is_recorded(self, here):
        with pytest.raises(
            DivergedError, match=r"the loss became (nan|inf) before step \d+ of 18; try small"
        ):
            speedrun(TINY.replace(epochs=9, head_rate=1e38), name="mine")
        assert RunRecord.load("runs/mine/record.json").status == "diverged"
        assert not (here / "runs" / "mine" / "weights.safetensors").exists()

    def test_a_last_step_that_breaks_the_network_is_seen(self, here, monkeypatch):
        run_once = speed.run_once

        def broken(*arguments):
            model, seconds = run_once(*arguments)
            model.head.weight.data[0, 0] = np.nan
            return model, seconds

        monkeypatch.setattr(speed, "run_once", broken)
        with pytest.raises(DivergedError, match="weights are not finite after the last step; try smaller"):
            speedrun(name="mine")
        assert RunRecord.load("runs/mine/record.json").status == "diverged"

    def test_too_little_memory_is_said_and_other_errors_stay(self, here, monkeypatch):
        def fails(*_):
            raise RuntimeError(text)

        monkeypatch.setattr(speed, "run_once", fails)
        text = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 388800000 bytes"
        with pytest.raises(
            MemoryError, match=r"batches of 10 images and all 20 beside them; close other prog"
        ):
            speedrun(name="mine")
        text = "something else"
        with pytest.raises(RuntimeError, match="something else"):
            speedrun(name="mine")
        assert not (here / "runs" / "mine").exists()


class TestMixedUp:
    def test_messages(self, here):
        engine = Setup("conv_bn_gap", "bright", Recipe(epochs=1))
        with pytest.raises(ValueError, match=r"trains speednet, got the network 'resnet20'; leave"):
            Setup("resnet20", "bright", TINY)
        with pytest.raises(ValueError, match="takes no options beside a speedrun's recipe, got widths; what"):
            Setup("speednet", "bright", TINY, options={"widths": [8, 8, 8]})
        with pytest.raises(ValueError, match=r"conv_bn_gap has a recipe for the engine: train it by exp"):
            experiments.speedrun(engine)
        for setup in (Setup("speednet", "bright", TINY), Setup("speednet", "bright", Recipe(epochs=1))):
            with pytest.raises(
                ValueError, match=r"speednet begins with filters .* cnncourse train --recipe cpu"
            ):
                experiments.train(setup)
        with pytest.raises(ValueError, match="takes images of 32x32 pixels, those of 'bright' have 28x28"):
            speedrun(data_name="small")
        assert not (here / "runs").exists()

    def test_several_processes_are_refused(self, here, monkeypatch):
        monkeypatch.setattr(speed, "processes", lambda: 2)
        with pytest.raises(ValueError, match="a speedrun is one process, got 2; start it without torchrun"):
            speedrun()

    def test_a_speedrun_beside_a_run_of_the_engine(self, here, capsys):
        speedrun(name="fast")
        experiments.train(Setup("conv_bn_gap", "bright", Recipe(epochs=1, batch_size=10)), name="slow")
        assert run(["runs", "list"]) == 0
        rows = [line.split()[:4] for line in capsys.readouterr().out.splitlines()]
        assert ["fast", "speednet", "bright", "1.5/1.5"] in rows and [
            "slow",
            "conv_bn_gap",
            "bright",
            "1/1",
        ] in rows
        assert run(["runs", "show", "fast"]) == 0 and run(["runs", "compare", "fast", "slow"]) == 0
        assert run(["runs", "plot", "fast", "--metric", "train_loss"]) == 0

    def test_a_key_that_is_newer_than_a_record_has_its_default(self, here):
        first, second = speedrun()[0], speedrun(TINY.replace(crop=1))[0]
        del first.recipe["crop"]
        found = experiments.compare_runs({"first": first, "second": second})
        assert found.settings == {"crop": (2, 1)}


TEXT = """
title = "Fast"
question = "How soon?"
chapter = "cifar10"
data = "bright"
measure = "speedrun"
seeds = [0, 1]

[recipe]
batch_size = 10
widths = [4, 4, 4]
sizes = [[0.5, 9], [1.0, 12]]

[runs.preset]
preset = "cpu74"

[runs.longer]
preset = "cpu74"
seeds = [2]
recipe = { epochs = 2 }
"""


class TestExperiment:
    def test_presets_shared_values_and_own_ones(self):
        experiment = Experiment.from_toml("fast", TEXT)
        preset, longer = experiment.runs.values()
        cpu74 = SpeedRecipe.load("cpu74")
        shared = {"batch_size": 10, "widths": [4, 4, 4], "sizes": [[0.5, 9], [1.0, 12]]}
        assert preset.recipe == cpu74.replace(**shared) and preset.model == "speednet"
        assert longer.recipe == cpu74.replace(**shared, epochs=2)
        assert experiment.validation == 0
        assert (
            Experiment.from_toml("fast", TEXT.replace("seeds", "validation = 0.1\nseeds", 1)).validation
            == 0.1
        )

    def test_runs_with_seeds_of_their_own(self):
        experiment = Experiment.from_toml("fast", TEXT)
        order = [(chosen.name, seed) for chosen, seed in experiment.select()]
        assert order == [("preset", 0), ("preset", 1), ("longer", 2)]
        assert [seed for _, seed in experiment.select(["longer"])] == [2]
        with pytest.raises(ValueError, match="seed 0 is none of fast; its seeds: 2"):
            experiment.select(["longer"], [0])
        alone = TEXT.replace("seeds = [0, 1]\n", "").replace('"cpu74"\n', '"cpu74"\nseeds = [4]\n', 1)
        assert [seed for _, seed in Experiment.from_toml("fast", alone).select()] == [4, 2]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('preset = "cpu74"', 'preset = "cpu7"', r"preset: recipe is unknown: 'cpu7'. Did you mean"),
            ('preset = "cpu74"', 'preset = "three_conv"', "preset: recipe 'three_conv': .* without a net"),
            ('preset = "cpu74"', 'model = "speednet"', "runs.preset: speedrun key is unknown: 'model'"),
            ('preset = "cpu74"', "", "runs.preset: recipe has no 'epochs'; it must be given"),
            ("epochs = 2", "epoch = 2", r"runs.longer: recipe key is unknown: 'epoch'. Did you mean 'ep"),
            ("epochs = 2", "seed = 2", "runs.longer: a recipe of an experiment has no seed"),
            ("seeds = [2]", "seeds = []", r"longer: seeds must be one or more different numbers, got \[\]"),
            ("seeds = [2]", "seeds = [2, 2]", r"longer: seeds must be .* different numbers, got \[2, 2\]"),
            ("seeds = [0, 1]", "", "runs.preset has no seeds; seeds must be one or more different numbers"),
            ('measure = "speedrun"', "", "runs.preset: run key is unknown: 'preset'"),
        ],
    )  # fmt: skip
    def test_mistakes_in_a_file_are_named(self, here, old, new, message):
        assert old in TEXT
        (here / "fast.toml").write_text(TEXT.replace(old, new, 1))
        with pytest.raises(ValueError, match=r"experiment 'fast.toml': .*" + message):
            Experiment.load("fast.toml")

    def test_records_are_made_once(self, here):
        (here / "fast.toml").write_text(TEXT)
        lines = []
        states = run_experiment("fast.toml", records="made", report=lines.append)
        assert [(state.run, state.seed, state.state) for state in states] == [
            ("preset", 0, "done"), ("preset", 1, "done"), ("longer", 2, "done"),
        ]  # fmt: skip
        assert any(
            re.match(r"longer-seed2: epoch 2 of 2, images of 12x12: train loss", line) for line in lines
        )
        record = RunRecord.load(here / "made" / "fast" / "longer-seed2.json")
        assert record.recipe["epochs"] == 2 and record.recipe["seed"] == record.seed == 2
        assert record.dataset["train"] == 20 and record.result["test_accuracy_tta"] is not None
        assert record.command == "cnncourse experiment run fast.toml --only longer --seeds 2"
        assert (here / "runs" / "experiments" / "fast" / "longer-seed2" / "weights.safetensors").exists()
        lines.clear()
        run_experiment("fast.toml", records="made", report=lines.append)
        assert not lines
        (here / "fast.toml").write_text(TEXT.replace("epochs = 2", "epochs = 2, crop = 1"))
        found = {
            state.run: state for state in experiment_status(Experiment.load("fast.toml"), records="made")
        }
        assert found["preset"].state == "done"
        assert (found["longer"].state, found["longer"].detail) == ("out of date", "crop 2, now 1")

    @pytest.mark.parametrize(
        ("change", "detail"),
        [
            ({}, ""),
            ({"recipe": {"crop": None}}, ""),  # a key that is newer than the record
            ({"recipe": {"gone": 1}}, "gone 1, now None"),
            ({"model": {"name": "three_conv"}}, "model 'three_conv', now 'speednet'"),
        ],
    )
    def test_what_makes_a_record_out_of_date(self, change, detail):
        experiment = Experiment.from_toml("fast", TEXT)
        chosen = experiment.runs["preset"]
        recipe = chosen.recipe.to_dict() | change.get("recipe", {})
        recipe = {key: value for key, value in recipe.items() if value is not None}
        model = change.get("model", {"name": "speednet", "options": {"widths": [4, 4, 4]}})
        record = RunRecord("preset-seed0", "", recipe, {"name": "bright", "validation": None}, 0, {}, model)
        assert experiment.difference(record, chosen, 0) == detail

    def test_a_record_of_the_engine_is_another_training(self):
        experiment = Experiment.from_toml("fast", TEXT)
        dataset = {"name": "bright", "validation": None}
        record = RunRecord("x", "", Recipe().to_dict(), dataset, 0, {}, {"name": "speednet"})
        assert "network None, now 'speednet'" in experiment.difference(record, experiment.runs["preset"], 0)

    def test_ctrl_c_says_what_is_kept(self, here, monkeypatch, capsys):
        (here / "fast.toml").write_text(TEXT)
        monkeypatch.setattr(experiments.recording, "describe_row", lambda row, recipe: press(row))
        command = ["experiment", "run", "fast.toml", "--only", "longer", "--records", "made"]
        assert run(command) == 130
        assert (
            "longer-seed2: nothing of it is kept; the same command begins it anew" in capsys.readouterr().out
        )
        assert not (here / "made").exists() and not list((here / "runs").rglob("*.json"))
        monkeypatch.undo()


class TestCommandLine:
    @pytest.fixture
    def pictures(self, tmp_path, monkeypatch):
        """The file ``bright.npz`` in the working folder."""
        monkeypatch.chdir(tmp_path)
        train, test = make_set(), make_set(seed=1)
        arrays = {"train_images": train.images, "train_labels": train.labels}
        np.savez(tmp_path / "bright.npz", **arrays, test_images=test.images, test_labels=test.labels)
        return tmp_path

    def test_train_evaluate_and_again(self, here, capsys):
        options = ["--data", "bright", "--seed", "3", "--name", "mine", "--runs", "other", "--test"]
        options += ["--set", "epochs=0.9"]
        assert run(["train", "--recipe", "cpu74", *SMALL, *options]) == 0
        out = capsys.readouterr().out
        assert (
            "speednet on bright: 0.9 epochs, batches of 10, images of 9x9, then 12x12, widths 4, 4, 4\n"
            in out
        )
        assert re.search(r"epoch 1 of 0.9, images of 12x12: train loss \d", out)
        assert re.search(r"trained in \d+\.\d s, in float32\ntest accuracy .*%, .*% averaged over views", out)
        assert "saved in other" in out
        record = json.loads((here / "other" / "mine" / "record.json").read_text())
        assert record["recipe"]["seed"] == 3 and record["dataset"]["train"] == 20
        assert record["command"].startswith(
            "cnncourse train speednet --data bright --recipe cpu74 --batch-size"
        )
        assert run(["evaluate", "mine", "--runs", "other"]) == 0
        assert "mine: speednet on the test split of bright: accuracy" in capsys.readouterr().out

    def test_cifar10_is_the_default_and_nothing_else(self, here, monkeypatch):
        asked = []
        monkeypatch.setattr(data, "load", lambda name, *_: asked.append(name) or make_set())
        monkeypatch.setattr(data, "default_name", lambda: "shapes10")
        assert run(["train", "speednet", "--recipe", "cpu74", *SMALL, "--epochs", "1"]) == 0
        assert set(asked) == {"cifar10"}

    def test_validation_is_printed(self, here, capsys):
        command = ["train", "--recipe", "cpu74", *SMALL, "--batch-size", "9", "--validation", "0.1"]
        assert run(command) == 0
        assert re.search(r"\nvalidation accuracy [\d.]+%\n", capsys.readouterr().out)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["resnet20", "--recipe", "cpu74"], "trains speednet, got the network 'resnet20'; leave"),
            (["cpu94"], "'cpu94' is no network but a recipe: cnncourse train --recipe cpu94"),
            (["speednet"], "speednet needs a recipe: --recipe with one of cifar100, cpu74, cpu80, cpu90"),
            (["--recipe", "cpu9"], "recipe is unknown: 'cpu9'. Did you mean"),
            (["--recipe", "three_conv"], "'three_conv' is for any network: name one, as in cnn"),
            (["speednet", "--recipe", "three_conv"], "speednet begins with filters that are computed"),
            (["--recipe", "cpu74", "--data", "small"], "takes images of 32x32 pixels"),
            (["--recipe", "cpu74", "--epochs", "0"], "epochs must be above 0"),
            (["--recipe", "cpu74", "--learning-rate", "1"], "recipe key is unknown: 'learning_rate'"),
            (["--recipe", "cpu74", "--option", "widths=[1, 1, 1]"], "no options beside a speedrun's recipe"),
            (["--recipe", "cpu74", *SMALL, "--data", "bright", "--validation", "1"], "validation must be at"),
            (["conv_bn_gap", "--epochs", "1.5"], "epochs must be a whole number, got 1.5"),
        ],
    )  # fmt: skip
    def test_errors_are_one_line_and_status_1(self, here, capsys, arguments, message):
        assert run(["train", *arguments]) == 1
        error = capsys.readouterr().err
        assert message in error and error.startswith("cnncourse: ")
        assert not (here / "runs").exists()

    def test_little_memory_is_said_before_it_is_needed(self, here, capsys, monkeypatch):
        from cnncourse.cli import doctor

        command = ["train", "--recipe", "cpu74", *SMALL, "--epochs", "1"]
        for free, told in ((10**9, True), (10**11, False)):
            monkeypatch.setattr(doctor, "free_memory", lambda free=free: free)
            assert run(command) == 0
            assert ("close other programs; batches of 100 need less" in capsys.readouterr().err) == told

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to a process")
    @pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
    def test_a_stop_leaves_nothing_half_written(self, pictures, capsys, how):
        words = ["train", "--recipe", "cpu74", *SMALL, "--data", "bright.npz", "--name", "mine"]
        process = subprocess.Popen(
            [sys.executable, "-m", "cnncourse", *words, "--epochs", "100000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
            # a shell that runs these tests in the background has its children ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            while (line := process.stdout.readline()) and not line.startswith("epoch 3 of"):
                pass
            process.send_signal(getattr(signal, how))
            out, error = process.communicate(timeout=60)
        finally:
            process.kill()
        assert not list((pictures / "runs").glob("*/*"))
        if how == "SIGINT":
            assert process.returncode == 130 and "Traceback" not in error
            assert "interrupted: nothing is kept, a speedrun is saved at its end" in out
        again = [] if how == "SIGINT" else ["--resume"]  # its folder is left, empty
        assert run([*words, "--epochs", "1", "--test", *again]) == 0
        assert "test accuracy" in capsys.readouterr().out

    def test_of_a_run_that_is_complete_no_image_is_learned_from_again(self, here, capsys, monkeypatch):
        command = ["train", "--recipe", "cpu74", *SMALL, "--epochs", "1", "--name", "mine"]
        assert run(command) == 0
        monkeypatch.setattr(speed, "run_once", None)
        assert run([*command, "--resume", "--test"]) == 0
        assert "test accuracy" in capsys.readouterr().out


def test_a_recipe_that_is_named_after_a_data_set_is_for_it():
    assert (train_command._data_of("cifar100"), train_command._data_of("cpu94")) == ("cifar100", "cifar10")
    hundred, ten = SpeedRecipe.load("cifar100"), SpeedRecipe.load("cpu94")
    assert hundred.replace(epochs=ten.epochs, widths=ten.widths) == ten  # what its file says it is


def test_every_preset_makes_a_setup():
    for name in training.presets.preset_names():
        recipe = SpeedRecipe.load(name)
        assert dataclasses.asdict(Setup("speednet", "cifar10", recipe))["recipe"]["epochs"] == recipe.epochs
