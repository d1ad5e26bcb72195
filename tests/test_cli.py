"""The command line: what it prints, its exit status, how quickly it answers."""

import argparse
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import cnncourse
from cnncourse.cli import build_parser, run
from cnncourse.experiments import RunRecord

TRAIN = ["train", "conv_bn_gap", "--data", "digits", "--epochs", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder; only bundled data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    return tmp_path


def start(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False, **options
    )


def parsers(parser):
    """The parser, and those of its commands, and of theirs."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


def test_every_command_has_its_help():
    helps = [parser.format_help() for parser in parsers(build_parser())]
    assert len(helps) > 12 and all("--help" in text for text in helps)


def test_train_then_evaluate(here, capsys):
    assert run(TRAIN) == 0
    out = capsys.readouterr().out
    assert "conv_bn_gap on digits: 1 epoch, batches of 128, adam at 0.001" in out
    assert re.search(r"epoch 1/1: train loss \d\.\d+, accuracy [\d.]+%; validation loss", out)
    assert "saved in runs" in out
    assert "test accuracy" not in out

    assert run(["evaluate", "conv_bn_gap-digits-1"]) == 0
    out = capsys.readouterr().out
    assert "conv_bn_gap on the test split of digits: accuracy" in out
    record = json.loads((here / "runs" / "conv_bn_gap-digits-1" / "record.json").read_text())
    assert f"accuracy {record['result']['test_accuracy']:.2%}" in out
    assert record["command"] == "cnncourse train conv_bn_gap --data digits --epochs 1 --validation 0.1"
    assert run(["evaluate", "conv_bn_gap-digits-1", "--device", "gpu"]) == 1
    assert "device is unknown: 'gpu'" in capsys.readouterr().err


def test_images_are_scaled_where_a_size_is_given(here, capsys):
    """LeNet-5 takes 32x32, the digits have 8x8."""
    short = ["lenet5", "--data", "digits", "--epochs", "1", "--batch-size", "500", "--name", "large"]
    assert run(["train", *short]) == 1
    assert "LeNet5 takes images (N, 1, H, W) of 32x32" in capsys.readouterr().err
    assert run(["train", *short, "--size", "32", "--test"]) == 0
    record = json.loads((here / "runs" / "large" / "record.json").read_text())
    assert record["dataset"]["size"] == 32 and "--size 32" in record["command"]
    capsys.readouterr()
    assert run(["evaluate", "large"]) == 0
    assert f"accuracy {record['result']['test_accuracy']:.2%}" in capsys.readouterr().out


def test_options_reach_the_recipe_and_the_record(here):
    (here / "mine.toml").write_text('optimizer = "sgd"\nmomentum = 0.5\ncrop = 1\n')
    options = [
        "--recipe",
        str(here / "mine.toml"),
        "--batch-size",
        "64",
        "--learning-rate",
        "0.05",
        "--seed",
        "3",
    ]
    assert run([*TRAIN, *options, "--name", "mine", "--runs", "other", "--test", "--validation", "0"]) == 0
    text = (here / "other" / "mine" / "record.json").read_text()
    record = json.loads(text)
    recipe = record["recipe"]
    assert (recipe["optimizer"], recipe["momentum"], recipe["crop"]) == ("sgd", 0.5, 1)
    assert (recipe["batch_size"], recipe["learning_rate"], recipe["seed"]) == (64, 0.05, 3)
    assert record["dataset"]["validation"] is None
    assert record["result"]["test_accuracy"] > 0
    assert "--recipe mine.toml" in record["command"]
    assert str(here) not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "conv_bn_gp"], "model is unknown: 'conv_bn_gp'. Did you mean 'conv_bn_gap'?"),
        (["train", "conv_bn_gap", "--data", "digts"], "Did you mean 'digits'?"),
        ([*TRAIN, "--optimizer", "sdg"], "optimizer is unknown: 'sdg'. Did you mean 'sgd'?"),
        ([*TRAIN, "--epochs", "0"], "epochs must be at least 1, got 0"),
        ([*TRAIN, "--recipe", "none.toml"], "there is no recipe file 'none.toml'"),
        ([*TRAIN, "--device", "gpu"], "device is unknown: 'gpu'"),
        (
            ["train", "three_conv", "--data", "digits"],
            "does not take the images of 'digits', of shape (1, 8, 8)",
        ),
        ([*TRAIN, "--learning-rate", "1e38", "--optimizer", "sgd"], "the loss became"),
        ([*TRAIN, "--resume"], "--resume needs the run to go on with: give --name NAME"),
        ([*TRAIN, "--set", "epoch=3"], "recipe key is unknown: 'epoch'. Did you mean 'epochs'?"),
        ([*TRAIN, "--set", "epochs=3"], "epochs is given by --epochs and by --set; leave one out"),
        ([*TRAIN, "--set", "crop=1", "--set", "crop=2"], "--set has 'crop' twice; leave one out"),
        ([*TRAIN, "--set", "flip"], "--set needs KEY=VALUE, such as epochs=3, got 'flip'"),
        (
            [*TRAIN, "--set", "crop=1\nepoch=2"],
            "--set takes one KEY=VALUE, got several lines in 'crop=1\\nepoch=2'; repeat --set for each",
        ),
        ([*TRAIN, "--set", "flip=True"], "flip must be true or false, got 'True'"),
        ([*TRAIN, "--option", "dropout=0.5"], "option of conv_bn_gap is unknown: 'dropout'. It has none."),
        (["evaluate", "none"], "there is no run 'none'"),
        (["data", "show", "digts"], "Did you mean 'digits'?"),
    ],
)
def test_errors_are_one_line_and_status_1(here, capsys, arguments, message):
    assert run(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("cnncourse: ") and "Traceback" not in error


def test_any_key_of_the_recipe_and_options_of_the_network(here):
    arguments = [
        "train",
        "resnet20",
        "--data",
        "digits",
        "--epochs",
        "1",
        "--batch-size",
        "500",
        "--name",
        "mine",
    ]
    arguments += ["--set", "schedule=step", "--set", "milestones=[0.5, 0.75]", "--set", "nesterov=false"]
    assert run([*arguments, "--option", "shortcut=B", "--option", "zero_last=true"]) == 0
    record = json.loads((here / "runs" / "mine" / "record.json").read_text())
    recipe = record["recipe"]
    assert (recipe["schedule"], recipe["milestones"], recipe["nesterov"]) == ("step", [0.5, 0.75], False)
    assert record["model"]["options"] == {"shortcut": "B", "zero_last": True}
    again = shlex.split(record["command"])
    assert again[-6:] == arguments[-6:] and again[5:9] == [
        "--option",
        "shortcut=B",
        "--option",
        "zero_last=true",
    ]


def test_a_run_goes_on_where_it_was_stopped(here, capsys, monkeypatch):
    from cnncourse.experiments import recording

    describe = recording.describe_epoch

    def interrupt(row, epochs):
        if row["epoch"] == 2:
            raise KeyboardInterrupt
        return describe(row, epochs)

    monkeypatch.setattr(recording, "describe_epoch", interrupt)
    command = [*TRAIN[:-1], "3", "--name", "mine"]
    assert run(command) == 130
    out = capsys.readouterr().out
    assert "interrupted: epoch 2 is saved in runs" in out
    assert "to go on: the same command with --name mine --resume" in out
    monkeypatch.setattr(recording, "describe_epoch", describe)
    assert run([*command, "--resume", "--test"]) == 0
    out = capsys.readouterr().out
    assert "epoch 3/3" in out and "epoch 2/3" not in out and "test accuracy" in out
    assert "--resume" not in json.loads((here / "runs" / "mine" / "record.json").read_text())["command"]


def test_of_several_processes_one_speaks(here, capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(
        "cnncourse.experiments.train", lambda *_, report, **__: (SimpleNamespace(status="completed"), report)
    )
    assert run(TRAIN) == 0
    assert capsys.readouterr().out == ""


def test_too_little_memory_is_an_error_like_others(here, capsys, monkeypatch):
    def too_much(*arguments, **options):
        raise MemoryError("Unable to allocate 47.2 TiB")

    monkeypatch.setattr("cnncourse.experiments.train", too_much)
    assert run(TRAIN) == 1
    assert capsys.readouterr().err == "cnncourse: Unable to allocate 47.2 TiB\n"


def test_a_failed_call_leaves_no_run(here):
    for arguments in (["train", "conv_bn_gp"], ["train", "three_conv", "--data", "digits"]):
        run(arguments)
    assert not (here / "runs").exists()


def test_traceback_on_request(here):
    with pytest.raises(ValueError, match="model is unknown"):
        run(["--traceback", "train", "none"])


@pytest.mark.parametrize(
    "arguments",
    [[], ["trainn"], ["data"], ["train"], ["runs"], ["experiment", "run"], [*TRAIN, "--epochs", "two"]],
)
def test_wrong_calls_have_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        run(arguments)
    assert stop.value.code == 2
    assert "usage: cnncourse" in capsys.readouterr().err


def test_damaged_weights(here, capsys):
    run(TRAIN)
    weights = here / "runs" / "conv_bn_gap-digits-1" / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    assert run(["evaluate", "conv_bn_gap-digits-1"]) == 1
    assert "weights.safetensors' is truncated, altered or no .safetensors file" in capsys.readouterr().err
    weights.unlink()
    assert run(["evaluate", "conv_bn_gap-digits-1"]) == 1
    assert "has no weights.safetensors: the file was moved or deleted" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to a process")
def test_ctrl_c_keeps_the_epochs_that_are_whole(here):
    command = [sys.executable, "-m", "cnncourse", *TRAIN[:-1], "1000"]
    process = subprocess.Popen(
        command,
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # a shell that runs these tests in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        lines = [process.stdout.readline()]
        while lines[-1] and not lines[-1].startswith("epoch 2/1000"):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert "Traceback" not in error
    kept = int(re.search(r"interrupted: epoch (\d+) is saved in", out)[1])
    folder = here / "runs" / "conv_bn_gap-digits-1"
    record = json.loads((folder / "record.json").read_text())
    assert record["status"] == "interrupted" and len(record["history"]) == kept >= 2
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.pt", "record.json", "weights.safetensors",
    ]  # fmt: skip
    assert run(["evaluate", str(folder)]) == 0


def test_data_show(here, capsys):
    assert run(["data", "show", "digits", "--split", "test"]) == 0
    out = capsys.readouterr().out
    assert "mean [" in out and "saved in digits-test.png" in out
    assert (here / "digits-test.png").read_bytes().startswith(b"\x89PNG")


def test_data_list(here, capsys):
    assert run(["data", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("cifar10", "cifar100", "digits", "shapes10"))


def test_data_verify(here, capsys):
    assert run(["data", "verify", "digits"]) == 0
    assert "digits train: 1442 images" in capsys.readouterr().out


def test_version_and_module(here):
    done = start("-m", "cnncourse", "--version")
    assert (done.returncode, done.stdout) == (0, f"cnncourse {cnncourse.__version__}\n")


def test_help_answers_without_heavy_imports():
    code = (
        "import sys; from cnncourse.__main__ import main; sys.argv[1:] = ['--help']\n"
        "try: main()\n"
        "except SystemExit: print([name for name in ('numpy', 'torch', 'matplotlib') if name in sys.modules])"
    )
    done = start("-c", code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert "train a network" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise on Windows")
def test_a_reader_that_goes_away_is_no_traceback(here):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "cnncourse", "data", "show", "digits"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no >&- of a shell")
@pytest.mark.parametrize("words", [[*TRAIN, "--name", "run"], ["data", "list"]])
def test_closed_streams_are_no_error(here, words):
    python = shlex.join([sys.executable, "-m", "cnncourse", *words])
    done = subprocess.run(f"{python} >&-", shell=True, timeout=240, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert words[0] == "data" or RunRecord.load(here / "runs" / "run" / "record.json").status == "completed"


def test_letters_that_the_output_has_not(here, monkeypatch):
    """Whatever is printed: here a run, whose name came from the command line."""
    run([*TRAIN, "--name", "naïve-→-☃"])
    for encoding in ("cp1252", "ascii", "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        assert run(["runs", "show", "naïve-→-☃"]) == 0
        printed = stream.buffer.getvalue().decode(encoding)
        assert printed.startswith(
            "naïve-→-☃".encode(encoding, "backslashreplace").decode(encoding) + ": compl"
        )


def test_evaluation_on_other_images_is_said(here, capsys):
    from cnncourse import data

    run([*TRAIN, "--name", "mine"])
    few = data.load("digits", "test").take(50)
    np.savez(here / "few.npz", test_images=few.images, test_labels=few.labels)
    capsys.readouterr()
    assert run(["evaluate", "mine", "--data", "few.npz"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("mine: conv_bn_gap on the test split of few.npz: accuracy ")
    assert second == "not kept in its record: these are not the test images of its data set"
    assert run(["evaluate", "mine"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_no_text(here, capfd):
    name = os.fsdecode(b"caf\xe9")
    assert run([*TRAIN, "--name", name, "--test"]) == 0
    assert run(["runs", "list"]) == 0
    assert run(["evaluate", name]) == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith(r"caf\udce9: conv_bn_gap on the test split")
    path = here / "runs" / name / "record.json"
    assert RunRecord.load(path).name == name and r"caf\udce9" in path.read_bytes().decode()
