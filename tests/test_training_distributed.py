"""Two processes that train as one, started by torchrun on this machine's CPU."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnncourse import data, training
from cnncourse.training import Batches, Recipe
from cnncourse.training.distributed import joined, processes, rank
from cnncourse.training.progress import Progress
from cnncourse.training.state import State


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of random pictures, so many that the last batch of 30 has an odd number."""
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("pictures")
    for split in ("train", "test"):
        for name in ("dark", "light"):
            (folder / split / name).mkdir(parents=True)
            for index in range(41 + (name == "light")):
                pixels = random.integers(0, 200, (32, 32, 3)) + 50 * (name == "light")
                Image.fromarray(pixels.astype(np.uint8)).save(folder / split / name / f"{index}.png")
    return folder


def train(folder, pictures, processes, model):
    """Train with `processes` processes of one thread; return the record."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [sys.executable, "-m"]
    if processes > 1:
        start += ["torch.distributed.run", f"--nproc-per-node={processes}", f"--master-port={port}", "-m"]
    command = [*start, "cnncourse", "train", model, "--data", str(pictures), "--epochs", "2", "--name", "run"]
    command += ["--batch-size", "30", "--device", "cpu", "--set", "crop=2", "--set", "flip=true"]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "CNNCOURSE_PROGRESS": "0",
        "CNNCOURSE_CACHE": str(folder / "cache"),
    }
    folder.mkdir()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 1/2") == 1
    return json.loads((folder / "runs" / "run" / "record.json").read_text())


def test_two_processes_give_the_numbers_of_one(tmp_path, pictures):
    one, two = (train(tmp_path / str(n), pictures, n, "four_conv") for n in (1, 2))
    assert [record["environment"]["processes"] for record in (one, two)] == [1, 2]
    assert one["dataset"]["train"] % 30 % 2 == 1  # one process has an image more than the other
    assert "batch_norm" not in two["environment"]
    for key in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "gradient_norm"):
        values = [[row[key] for row in record["history"]] for record in (one, two)]
        assert values[1] == pytest.approx(values[0], rel=1e-4), key


def test_batch_norm_s_statistics_are_each_process_s_own(tmp_path, pictures):
    record = train(tmp_path / "two", pictures, 2, "conv_bn_gap")
    assert (
        record["environment"]["batch_norm"] == "each process by the statistics of its own part of the batch"
    )
    assert len(record["history"]) == 2


def test_each_process_drops_its_own_units(monkeypatch):
    digits, recipe = data.load("digits").take(100), Recipe(epochs=1)
    losses = []
    for number in (0, 0, 1):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
        monkeypatch.setattr(training.loop, "rank", lambda number=number: number)
        row = training.loop.train_epoch(
            State(model, recipe, digits), Batches(digits, 100), Progress(1, False)
        )
        losses.append(row["train_loss"])
    assert losses[0] == losses[1] != losses[2]


def test_parts_of_a_batch_are_the_batch():
    digits = data.load("digits").take(50)
    options = {"batch_size": 20, "crop": 2, "flip": True, "seed": 3}
    for whole, first, second in zip(
        Batches(digits, **options),
        Batches(digits, **options, part=(0, 2)),
        Batches(digits, **options, part=(1, 2)),
        strict=True,
    ):
        for index in (0, 1):
            assert (whole[index][0::2] == first[index]).all()
            assert (whole[index][1::2] == second[index]).all()


def test_a_batch_too_small_for_the_processes_is_refused():
    with pytest.raises(
        ValueError, match="the last batch has 1 images for 2 processes; choose another batch_size"
    ):
        Batches(data.load("digits").take(21), batch_size=20, part=(0, 2))
    *_, (last, _) = Batches(data.load("digits").take(22), batch_size=20, part=(1, 2))
    assert len(last) == 1, "one image for each process is enough"


WHOLE = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1", "LOCAL_RANK": "1"}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"RANK": "1"},
            "has RANK=1 without WORLD_SIZE, .*; RANK must be a whole number below WORLD_SIZE: unset",
        ),
        (
            {"RANK": "1", "WORLD_SIZE": "1"},
            "unset RANK, WORLD_SIZE to train in one process, or start several",
        ),
        ({"RANK": "-1"}, "RANK must be a whole number"),
        ({"WORLD_SIZE": "two"}, "has WORLD_SIZE=two without"),
        ({"WORLD_SIZE": "2"}, "without RANK, MASTER_ADDR, MASTER_PORT; several processes need all of these"),
        (WHOLE | {"MASTER_PORT": ""}, "without MASTER_PORT; several processes need all"),
        (WHOLE | {"RANK": "2"}, "RANK must be a whole number below WORLD_SIZE"),
    ],
)
def test_half_of_an_environment_is_refused(monkeypatch, variables, message):
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message), joined(torch.device("cpu")):
        pass


@pytest.mark.parametrize(
    "variables", [{}, {"RANK": "0"}, {"RANK": "0", "WORLD_SIZE": "1"}, {"LOCAL_RANK": "0"}]
)
def test_the_environment_of_one_process(monkeypatch, variables):
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with joined(torch.device("cpu")) as device:
        assert device == torch.device("cpu") and processes() == 1 and rank() == 0


def test_each_process_on_gpus_needs_its_number_there(monkeypatch):
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(ValueError, match="without LOCAL_RANK; several"), joined(torch.device("cuda")):
        pass
