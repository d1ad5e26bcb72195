"""Checkpoints: killed, resumed, damaged, of something else, and a full disk."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from filelock import FileLock

from cnncourse import data, experiments, models, training
from cnncourse._files import write_whole
from cnncourse.experiments import RunRecord, Setup, load_model, train
from cnncourse.models import create_model
from cnncourse.training import Recipe
from cnncourse.training.checkpoint import load_checkpoint, save_checkpoint
from cnncourse.training.state import State

RECIPE = Recipe(epochs=3, batch_size=250, learning_rate=3e-3, crop=1, averaging=0.5)
NUMBERS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "gradient_norm")


def make_state(recipe=RECIPE):
    return State(create_model("conv_bn_gap", in_channels=1, seed=0), recipe, data.load("digits"))


def numbers(history):
    return [[row[name] for name in NUMBERS] for row in history]


def train_digits(folder, recipe=RECIPE, model="conv_bn_gap", validation=0.1, **options):
    setup = Setup(model, "digits", recipe, validation=validation)
    return train(setup, **{"runs": folder, "name": "run"} | options)


class KilledError(BaseException):
    """Nothing that is run after it can write a file, as after a kill."""


def interrupt(*arguments):
    raise KeyboardInterrupt


def stop_after(epochs):
    """Return a report that ends the training as Ctrl-C would."""

    def report(row):
        if row["epoch"] == epochs:
            raise KeyboardInterrupt

    return report


class TestResume:
    @pytest.mark.parametrize("optimizer", [{"optimizer": "adamw"}, {"optimizer": "muon", "momentum": 0.9}])
    def test_a_stopped_run_goes_on_to_the_same_numbers(self, tmp_path, optimizer):
        recipe = RECIPE.replace(**optimizer, schedule="cosine", flip=True, dtype="bfloat16")
        whole, _ = train_digits(tmp_path / "whole", recipe, test=True)
        stopped, folder = train_digits(tmp_path / "parts", recipe, report=stop_after(2), test=True)
        assert stopped.status == "interrupted" and (folder / "checkpoint.pt").is_file()
        assert stopped.result["test_accuracy"] is None
        resumed, _ = train_digits(tmp_path / "parts", recipe, resume=True, test=True)
        assert numbers(resumed.history) == numbers(whole.history)
        assert resumed.result["test_accuracy"] == whole.result["test_accuracy"]
        assert resumed.started == stopped.started and resumed.status == "completed"
        assert not (folder / "checkpoint.pt").exists()

    def test_a_killed_process_goes_on_to_the_same_numbers(self, tmp_path):
        command = [sys.executable, "-m", "cnncourse", "train", "double_conv_gap", "--data", "digits"]
        command += ["--epochs", "3", "--batch-size", "100", "--name", "run", "--runs", "runs", "--resume"]
        # its dropout would show a generator that was not put back
        environment = os.environ | {"CNNCOURSE_PROGRESS": "0", "PYTHONUNBUFFERED": "1"}
        killed = tmp_path / "killed"
        killed.mkdir()
        with subprocess.Popen(
            command, cwd=killed, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert any(re.match(r"epoch 1/3", line) for line in process.stdout)
            time.sleep(0.05)  # somewhere in the next epoch
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        record = json.loads((killed / "runs" / "run" / "record.json").read_text())
        assert record["status"] == "interrupted" and 1 <= len(record["history"]) < 3
        subprocess.run(command, cwd=killed, env=environment, check=True, capture_output=True)
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        histories = [
            numbers(RunRecord.load(place / "runs" / "run" / "record.json").history)
            for place in (killed, tmp_path)
        ]
        assert histories[0] == histories[1]

    def test_a_stop_during_the_evaluation_loses_no_training(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(experiments.run, "measure", interrupt)
            with pytest.raises(KeyboardInterrupt):
                train_digits(tmp_path, test=True)
        assert RunRecord.load(tmp_path / "run" / "record.json").status == "completed"
        report = []
        record, _ = train_digits(tmp_path, test=True, resume=True, report=report.append)
        assert record.result["test_accuracy"] > 0 and report == []
        assert record.result["train_seconds"] == sum(row["seconds"] for row in record.history)

    def test_a_complete_run_is_tested_later_without_training(self, tmp_path):
        whole, _ = train_digits(tmp_path / "whole", test=True)
        train_digits(tmp_path / "later")
        report = []
        record, folder = train_digits(tmp_path / "later", test=True, resume=True, report=report.append)
        assert report == [] and record.result["test_accuracy"] == whole.result["test_accuracy"]
        assert RunRecord.load(folder / "record.json") == record

    @pytest.mark.parametrize("writes", range(9))
    def test_killed_between_any_two_files_it_goes_on_to_the_same_weights(self, tmp_path, monkeypatch, writes):
        """Each of two epochs saves weights, checkpoint and record, the end the record, the test two again."""
        recipe = RECIPE.replace(epochs=2, batch_size=500)
        whole, unbroken = train_digits(tmp_path / "whole", recipe, test=True)
        left = [None] * writes

        def until_killed(path, content):
            if not left:
                raise KilledError
            left.pop()
            write_whole(path, content)

        with monkeypatch.context() as patch:
            for module in (training.checkpoint, experiments.record, models._trained_file):
                patch.setattr(module, "write_whole", until_killed)
            with pytest.raises(KilledError):
                train_digits(tmp_path / "killed", recipe, test=True)
        record, folder = train_digits(tmp_path / "killed", recipe, resume=True, test=True)
        assert record.status == "completed" and numbers(record.history) == numbers(whole.history)
        assert record.result["test_accuracy"] == whole.result["test_accuracy"]
        found, wanted = (load_model(place) for place in (folder, unbroken))
        weights = found.model.state_dict()
        assert all(torch.equal(weights[name], each) for name, each in wanted.model.state_dict().items())
        assert found.record["result"] == record.result
        assert sorted(path.name for path in folder.iterdir()) == ["record.json", "weights.safetensors"]

    def test_a_stop_before_the_epoch_is_saved_does_not_count_it(self, tmp_path, monkeypatch):
        saved = []

        def stop_at_the_second(*arguments):
            saved.append(save_checkpoint(*arguments) if not saved else interrupt())

        with monkeypatch.context() as patch:
            patch.setattr(experiments.run, "save_checkpoint", stop_at_the_second)
            record, folder = train_digits(tmp_path, RECIPE.replace(epochs=2))
        assert record.status == "interrupted" and len(record.history) == 1
        assert RunRecord.load(folder / "record.json") == record

    def test_a_complete_run_is_returned_as_it_is(self, tmp_path):
        first, _ = train_digits(tmp_path)
        again, _ = train_digits(tmp_path, resume=True)
        assert again == first
        message = (
            "'run' is complete, and another training: recipe seed was 0 and is 1 now; choose another name"
        )
        with pytest.raises(ValueError, match=message):
            train_digits(tmp_path, RECIPE.replace(seed=1), resume=True)
        with pytest.raises(ValueError, match="model name was 'conv_bn_gap' and is 'double_conv_gap' now"):
            train_digits(tmp_path, model="double_conv_gap", resume=True)

    def test_without_a_checkpoint_it_starts_afresh(self, tmp_path):
        record, _ = train_digits(tmp_path, resume=True)
        assert record.status == "completed" and len(record.history) == 3

    def test_two_processes_do_not_train_the_same_run(self, tmp_path):
        train_digits(tmp_path, report=stop_after(1))
        with (
            FileLock(tmp_path / ".run.lock"),
            pytest.raises(FileExistsError, match=r"another process trains the run 'run' in '"),
        ):
            train_digits(tmp_path, resume=True)
        assert train_digits(tmp_path, resume=True)[0].status == "completed"

    def test_a_run_to_go_on_with_needs_a_name(self, tmp_path):
        with pytest.raises(ValueError, match="resume needs the name of the run"):
            train_digits(tmp_path, name=None, resume=True)


class TestAnotherTraining:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"recipe": {"seed": 1}}, "recipe seed was 0 and is 1 now"),
            ({"model": {"name": "three_conv"}}, "model name was 'conv_bn_gap' and is 'three_conv' now"),
        ],
    )
    def test_what_differs_is_named(self, tmp_path, changes, message):
        about = {"recipe": {"seed": 0}, "model": {"name": "conv_bn_gap"}}
        save_checkpoint(make_state(), tmp_path / "c.pt", about)
        with pytest.raises(ValueError, match=f"of another training: {message}; go on with the same"):
            load_checkpoint(make_state(), tmp_path / "c.pt", about | changes)

    def test_another_recipe_is_told_by_the_run(self, tmp_path):
        train_digits(tmp_path, report=stop_after(1))
        with pytest.raises(ValueError, match=r"recipe learning_rate was 0\.003 and is 0\.1 now"):
            train_digits(tmp_path, RECIPE.replace(learning_rate=0.1), resume=True)

    def test_other_images_are_told_by_the_run(self, tmp_path):
        train_digits(tmp_path, report=stop_after(1))
        with pytest.raises(ValueError, match=r"another training: dataset train was \d+ and is 1442 now"):
            train_digits(tmp_path, validation=0, resume=True)

    def test_another_format_is_named(self, tmp_path):
        torch.save({"format": 9, "about": {}, "state": {}}, tmp_path / "c.pt")
        with pytest.raises(ValueError, match="of format 9; this version reads format 1"):
            load_checkpoint(make_state(), tmp_path / "c.pt", {})

    def test_another_version_is_told(self, tmp_path):
        values = make_state().state_dict()
        older = {f"old.{name}": tensor for name, tensor in values["model"].items()}
        del (rest := dict(values))["optimizer"]
        for state, message in ((values | {"model": older}, "old.features"), (rest, "'optimizer'")):
            torch.save({"format": 1, "about": {}, "state": state}, tmp_path / "c.pt")
            with pytest.raises(ValueError, match=rf"(?s)c.pt' does not fit this version's .*{message}"):
                load_checkpoint(make_state(), tmp_path / "c.pt", {})

    def test_weights_are_no_checkpoint(self, tmp_path):
        torch.save(make_state().model.state_dict(), tmp_path / "c.pt")
        with pytest.raises(ValueError, match="is no checkpoint of a training"):
            load_checkpoint(make_state(), tmp_path / "c.pt", {})


class TestDamage:
    def test_truncated(self, tmp_path):
        path = tmp_path / "c.pt"
        save_checkpoint(make_state(), path, {})
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(ValueError, match=r"c.pt' is truncated, altered or no checkpoint; train again"):
            load_checkpoint(make_state(), path, {})

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
            load_checkpoint(make_state(), tmp_path / "c.pt", {})

    def test_code_in_a_checkpoint_is_not_run(self, tmp_path):
        torch.save({"format": 1, "about": {}, "state": os.getcwd}, tmp_path / "c.pt")
        with pytest.raises(ValueError, match="no checkpoint"):
            load_checkpoint(make_state(), tmp_path / "c.pt", {})

    def test_a_full_disk_keeps_the_last_whole_epoch(self, tmp_path, monkeypatch):
        whole, _ = train_digits(tmp_path / "whole")
        writes = []
        write = training.checkpoint.write_whole

        def full(path, content):
            writes.append(path.name)
            if writes.count("checkpoint.pt") == 2:
                raise OSError(errno.ENOSPC, "could not save 'checkpoint.pt': No space left on device")
            write(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(training.checkpoint, "write_whole", full)
            with pytest.raises(OSError, match="No space left on device"):
                train_digits(tmp_path / "full")
        record = RunRecord.load(tmp_path / "full" / "run" / "record.json")
        assert record.status == "interrupted"
        resumed, _ = train_digits(tmp_path / "full", resume=True)
        assert numbers(resumed.history) == numbers(whole.history)


class TestBadSets:
    def test_an_empty_validation_split(self):
        few = data.load("digits").take(4)
        with pytest.raises(ValueError, match="is empty"):
            training.fit(make_state().model, few, RECIPE, validation=few.subset([]))
