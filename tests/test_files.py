"""Locks: one at a time, given back after an error, and refused in words that name the folder."""

import errno

import filelock
import pytest

from cnncourse import experiments
from cnncourse._files import HeldError, locked
from cnncourse.experiments import Setup, run_experiment
from cnncourse.training import Recipe

REFUSALS = [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("No locks available")]
TOLD = r"no lock can be taken in '.*{}' \(No locks available\), and .*; choose a folder on a disk of this"


@pytest.fixture(params=REFUSALS, ids=lambda error: type(error).__name__)
def refusing(request, monkeypatch):
    def refuse(lock):
        raise request.param

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)


def test_a_lock_is_held_inside_the_block_alone(tmp_path):
    path = tmp_path / "one.lock"
    with pytest.raises(KeyError), locked(path), locked(tmp_path / "two.lock", wait=False):
        with (
            pytest.raises(HeldError, match=r"another process holds the lock one\.lock"),
            locked(path, wait=False),
        ):
            pass
        raise KeyError
    with locked(path, wait=False):
        pass


def test_a_refused_lock_names_the_folder_and_the_way_out(tmp_path, refusing):
    with pytest.raises(OSError, match=TOLD.format(tmp_path.name)) as caught, locked(tmp_path / "one.lock"):
        pass
    assert "Errno" not in str(caught.value)


def test_a_run_without_locks_says_where_and_leaves_nothing(tmp_path, refusing):
    setup = Setup("conv_bn_gap", "digits", Recipe(epochs=1))
    with pytest.raises(OSError, match=TOLD.format("runs")):
        experiments.train(setup, tmp_path / "runs", "mine")
    assert not (tmp_path / "runs" / "mine").exists()


def test_an_experiment_without_locks_says_where(tmp_path, refusing):
    with pytest.raises(OSError, match=TOLD.format("work/alexnet-parts")):
        run_experiment("alexnet-parts", records=tmp_path / "made", work=tmp_path / "work")
