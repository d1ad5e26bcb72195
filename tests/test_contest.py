"""Entries to the contest: what is read of them, what they may do, and how each way to fail is told."""

import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from cnncourse import contest, data
from cnncourse.contest import Entry, entrant, example, fence, run_entry

GOOD = """
import torch
from torch import nn

def train(images, labels, seed):
    print("a word")
    assert images.dtype == torch.uint8 and images.shape[1:] == (3, 32, 32) and labels.dtype == torch.int64
    torch.manual_seed(seed)
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    return lambda x: torch.ones(len(x), 10)
"""


@pytest.fixture(scope="module")
def sets():
    return tuple(data.load("shapes10", split).take(20) for split in ("train", "test"))


def write(folder: Path, text: str) -> Path:
    file = folder / "mynet.py"
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, text: str, sets, **options):
    return run_entry(Entry(write(folder, text), **options), 3, *sets)


class TestFile:
    def test_one_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no entry 'mynet.py'"):
            Entry(tmp_path / "mynet.py")

    def test_one_that_is_no_python(self, tmp_path):
        with pytest.raises(ValueError, match=r"'mynet.py' is no Python code: .*line 1"):
            Entry(write(tmp_path, "def train(:\n"))
        with pytest.raises(ValueError, match=r"NAME.py, got 'net.txt'"):
            Entry(tmp_path / "net.txt")

    def test_one_without_train(self, tmp_path):
        with pytest.raises(ValueError, match=r"defines no train; write a function"):
            Entry(write(tmp_path, "def training(images, labels, seed): ...\n"))

    @pytest.mark.parametrize("text", ["from other import train", "import other as train", "train = print"])
    def test_train_may_come_from_elsewhere(self, tmp_path, text):
        assert Entry(write(tmp_path, text)).seeds == (0, 1, 2)

    def test_another_version_is_another_entry(self, tmp_path):
        first = Entry(write(tmp_path, GOOD)).name
        assert first.startswith("mynet-")
        assert Entry(write(tmp_path, GOOD + "\n")).name != first

    def test_limit_and_seeds_are_checked(self, tmp_path):
        with pytest.raises(ValueError, match="limit must be above 0"):
            Entry(write(tmp_path, GOOD), limit=0)
        with pytest.raises(ValueError, match="seeds must be at least 0"):
            Entry(write(tmp_path, GOOD), seeds=[-1])


class TestAnswers:
    images = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)

    def test_a_network_is_evaluated_and_its_logits_are_float32(self):
        network = torch.nn.Sequential(torch.nn.Dropout(0.5))
        assert not entrant.as_function(network).training
        logits = entrant.answer(lambda x: torch.full((4, 10), 2.0, dtype=torch.bfloat16), self.images)
        assert logits.dtype == np.float32 and (logits == 2).all()

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (torch.zeros(4), r"logits for 4 images must have shape \(4, 10\), got \(4,\)"),
            (torch.zeros(4, 10).long(), "floating-point numbers, one for each class, got int64"),
            (np.full((4, 10), np.nan), "not finite; did the training diverge"),
            ([0.0] * 10, "must be a tensor or an array, got list"),
        ],
    )
    def test_other_answers_are_refused(self, returned, message):
        with pytest.raises((TypeError, ValueError), match=message):
            entrant.answer(lambda x: returned, self.images)

    def test_train_must_return_a_function(self):
        with pytest.raises(TypeError, match="network or a function from images to logits, got NoneType"):
            entrant.as_function(None)

    def test_an_error_names_the_entry_s_line(self, tmp_path):
        file = write(tmp_path, "def train(images, labels, seed):\n    return 1 / 0\n")
        try:
            entrant.load(file)(0, 0, 0)
        except ZeroDivisionError as error:
            told = entrant.describe_error(error, file)
        finally:
            sys.path.remove(str(tmp_path))
            del sys.modules["entry"]
        assert told == "ZeroDivisionError: division by zero, line 2 of mynet.py"


class TestFence:
    def check(self, path, mode="r", flags=0, **folders):
        free, code = ([os.path.realpath(each)] for each in (folders["work"], folders["entry"]))
        fence._check_open((path, mode, flags), free, code)

    def test_what_may_be_read_and_written(self, tmp_path):
        folders = {"work": tmp_path / "work", "entry": tmp_path / "mine"}
        self.check(str(tmp_path / "work" / "a.npy"), "w", **folders)
        self.check(bytes(tmp_path / "mine" / "helper.py"), **folders)
        self.check("/proc/cpuinfo", **folders)
        self.check(os.devnull, "w", **folders)
        self.check(3, **folders)

    @pytest.mark.parametrize(
        ("path", "mode", "flags"),
        [
            ("mine/test_batch", "r", 0),
            ("mine/weights.safetensors", "r", 0),
            ("elsewhere/helper.py", "r", 0),
            ("work/../mine/test_batch", "r", 0),
            ("mine/helper.py", "w", 0),
            ("mine/helper.py", None, os.O_RDWR),
        ],
    )
    def test_what_may_not(self, tmp_path, path, mode, flags):
        with pytest.raises(PermissionError, match=r"an entry may (read|write)"):
            self.check(str(tmp_path / path), mode, flags, work=tmp_path / "work", entry=tmp_path / "mine")

    def test_a_link_out_of_the_working_folder_is_followed(self, tmp_path):
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "a").symlink_to(tmp_path / "test_batch")
        with pytest.raises(PermissionError, match="not 'test_batch'"):
            self.check(str(tmp_path / "work" / "a"), work=tmp_path / "work", entry=tmp_path / "mine")

    def test_local_addresses_are_no_network(self):
        assert not fence._is_remote((None, "/tmp/socket"))
        assert fence._is_remote((None, ("10.0.0.1", 80)))


class TestRun:
    def test_a_good_one_is_counted_and_what_it_prints_is_not_ours(self, tmp_path, sets, capfd):
        result = run(tmp_path, GOOD, sets)
        right = (sets[1].labels == 0).mean()
        assert result.keys() == {"seconds", "accuracy", "evaluation_seconds"}
        assert result["accuracy"] == right and 0 < result["seconds"] < 60
        assert capfd.readouterr().out == ""

    def test_the_example_is_one(self, sets):
        result = run_entry(Entry(Path(example.__file__)), 0, *sets)
        assert 0 <= result["accuracy"] <= 1

    def test_one_that_raises_keeps_what_it_printed(self, tmp_path, sets):
        text = "def train(images, labels, seed):\n    print('on the way', seed)\n    raise ValueError('oh')\n"
        result = run(tmp_path, text, sets)
        assert result == {"problem": "ValueError: oh, line 3 of mynet.py", "printed": "on the way 3\n"}

    def test_one_that_never_ends_is_stopped(self, tmp_path, sets):
        text = "import os, time\ndef train(images, labels, seed):\n    if os.fork() == 0:\n        pass\n"
        started = time.perf_counter()
        result = run(tmp_path, text + "    while True: pass\n", sets, limit=0.5)
        assert result["problem"] == "stopped: it took longer than 0.5 s to train"
        assert time.perf_counter() - started < 300

    def test_the_test_set_cannot_be_read(self, tmp_path, sets):
        np.save(tmp_path / "cifar10-test.npy", sets[1].images)
        text = "import numpy\ndef train(images, labels, seed):\n    numpy.load({!r})\n"
        result = run(tmp_path, text.format(str(tmp_path / "cifar10-test.npy")), sets)
        assert re.match(
            r"PermissionError: an entry may read code .*, not 'cifar10-test.npy'", result["problem"]
        )
        assert str(tmp_path) not in result["problem"]

    def test_test_images_come_without_labels_and_wrong_shapes_are_seen_then_too(self, tmp_path, sets):
        text = (
            "import torch\ncalls = []\ndef train(images, labels, seed):\n    return predict\n"
            "def predict(images):\n    calls.append(len(images))\n"
            "    return torch.zeros(len(images), 10 if len(calls) < 2 else 9)\n"
        )
        result = run(tmp_path, text, sets)
        assert result["problem"].startswith(
            "ValueError: logits for 20 images must have shape (20, 10), got (20, 9)"
        )

    def test_one_that_leaves_is_told(self, tmp_path, sets):
        result = run(tmp_path, "import os\ndef train(images, labels, seed):\n    os._exit(7)\n", sets)
        assert result["problem"] == "it ended without an answer, with exit status 7"

    def test_programs_and_exits(self, tmp_path, sets):
        text = (
            "import os, sys\ndef train(images, labels, seed):\n    try:\n        os.system('true')\n"
            "    except PermissionError as error:\n        print(error)\n    sys.exit('enough')\n"
        )
        result = run(tmp_path, text, sets)
        assert result["problem"].startswith("SystemExit: enough")
        assert result["printed"] == "an entry may not start programs\n"


def test_the_room_lists_what_is_public():
    assert contest.__all__ == ["Entry", "run_entry"]
