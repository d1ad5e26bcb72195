"""The doctor: one line each, and status 1 where something will not work."""

import builtins
import importlib.metadata
import shutil

import pytest

from cnncourse.cli import examine as doctor
from cnncourse.cli import run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Bundled data only, and no timing."""
    monkeypatch.setenv("CNNCOURSE_DATA", "bundled")
    monkeypatch.setattr(doctor, "check_bf16", list)


def states(findings):
    return [finding.state for finding in findings]


def refuse_import(monkeypatch, name, error):
    """Let importing `name` raise `error`."""
    import sys

    real = builtins.__import__
    for module in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
        monkeypatch.delitem(sys.modules, module)

    def fake(module, *rest, **named):
        if module.split(".")[0] == name:
            raise error
        return real(module, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", fake)


def test_here_everything_works(capsys):
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 8
    assert all(line.startswith(("ok ", "note ")) for line in lines[:-1])
    assert lines[-1] == "everything that the course needs is there"


def test_a_problem_is_status_1(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path / "none"))
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "problem  data: CNNCOURSE_DATA names" in out and "does not exist" in out
    assert out.splitlines()[-1] == "1 problem"


def test_a_check_that_breaks_is_a_problem_and_the_others_go_on(monkeypatch):
    def check_memory():
        raise RuntimeError("broken")

    monkeypatch.setattr(doctor, "check_memory", check_memory)
    findings = doctor.examine()
    assert "problem  memory: RuntimeError: broken" in map(str, findings)
    assert findings[-1].text.startswith("data")


def test_torch_and_torchvision_that_do_not_fit(monkeypatch):
    refuse_import(monkeypatch, "torchvision", RuntimeError("operator torchvision::nms does not exist"))
    (finding,) = doctor.check_torch()
    assert finding.state == "problem"
    assert "operator torchvision::nms does not exist" in str(finding)
    assert "pip install --force-reinstall torch torchvision" in str(finding)


def test_a_missing_package(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "pooch":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert "problem  missing: pooch: pip install cnncourse" in map(str, doctor.check_versions())


@pytest.mark.parametrize(("free", "state"), [(0.1, "problem"), (1, "note"), (8, "ok"), (None, "ok")])
def test_memory(monkeypatch, free, state):
    monkeypatch.setattr(doctor, "free_memory", lambda: None if free is None else int(free * doctor.GIB))
    assert states(doctor.check_memory()) == [state]


def test_free_memory_is_a_number_of_bytes():
    free = doctor.free_memory()
    assert free is None or 2**20 < free < 2**50


@pytest.mark.parametrize(("free", "state"), [(0.01, "problem"), (0.5, "note"), (50, "ok")])
def test_disk(monkeypatch, tmp_path, free, state):
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "not" / "yet"))
    usage = type(shutil.disk_usage(tmp_path))(10**12, 0, int(free * doctor.GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert states(doctor.check_disk()) == [state]


def test_a_folder_without_permission(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    (finding,) = doctor.check_disk()
    assert finding.state == "problem" and "set CNNCOURSE_CACHE" in finding.advice


def test_more_threads_than_cores(monkeypatch):
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    (finding,) = doctor.check_threads()
    assert finding.state == "note" and "set OMP_NUM_THREADS=" in finding.advice


def test_data(monkeypatch):
    from cnncourse import data

    (finding,) = doctor.check_data()
    assert finding.state == "note" and "cnncourse data fetch cifar10" in finding.advice
    monkeypatch.setattr(data, "default_name", lambda: "cifar10")
    (finding,) = doctor.check_data()
    assert finding.state == "ok" and "CIFAR-10 is there" in finding.text
