"""The doctor: one line each, and status 1 where something will not work."""

import builtins
import importlib.metadata
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from cnncourse.cli import container, doctor, run


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


@pytest.mark.parametrize(
    ("error", "state"), [(FileNotFoundError, "note"), (ValueError, "problem"), (PermissionError, "problem")]
)
def test_the_weights_of_the_extra(monkeypatch, error, state):
    def fail():
        raise error("what is wrong")

    monkeypatch.setattr("cnncourse.models._pretrained.read_weights", fail)
    assert list(map(str, doctor.check_pretrained())) == [f"{state:<8} what is wrong"]
    monkeypatch.setattr("cnncourse.models._pretrained.read_weights", lambda: b"")
    assert states(doctor.check_pretrained()) == ["ok"]


def test_the_packages_looked_for_are_those_of_the_course():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    named = {re.match(r"[\w-]+", entry)[0] for entry in project["dependencies"]}
    assert {*doctor.PACKAGES, "torch", "torchvision"} == named


class TestContainer:
    """Control groups as Linux shows them, written into a folder."""

    def write(self, root, cgroup, **files):
        (root / "proc" / "self").mkdir(parents=True)
        (root / "proc" / "self" / "cgroup").write_text(cgroup)
        for name, text in files.items():
            for folder, content in text.items():
                path = root / "sys" / "fs" / "cgroup" / folder
                path.mkdir(parents=True, exist_ok=True)
                (path / name.replace("__", ".")).write_text(content)

    def test_version_2(self, tmp_path):
        self.write(
            tmp_path, "0::/\n",
            memory__max={"": "2147483648\n"}, memory__current={"": "1000000000\n"},
            memory__stat={"": "anon 5\ninactive_file 300000000\n"}, cpu__max={"": "150000 100000\n"},
        )  # fmt: skip
        assert container.free_memory(tmp_path) == 2147483648 - 1000000000 + 300000000
        assert container.cores(tmp_path) == 1.5

    def test_the_narrowest_of_all_groups_above_counts(self, tmp_path):
        self.write(
            tmp_path, "0::/a/b\n",
            memory__max={"a/b": "max\n", "a": "5000\n", "": "90000\n", "other": "10\n"},
            memory__current={"a/b": "100\n", "a": "2000\n", "": "9000\n", "other": "1\n"},
            cpu__max={"a/b": "400000 100000\n", "a": "max 100000\n", "": "800000 100000\n"},
        )  # fmt: skip
        assert container.free_memory(tmp_path) == 3000 and container.cores(tmp_path) == 4

    def test_version_1_inside_a_container(self, tmp_path):
        """The path is that of the machine; the container sees its own group at the root."""
        self.write(
            tmp_path, "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n3:pids:/docker/ab\n",
            memory__limit_in_bytes={"memory": "3000\n"}, memory__usage_in_bytes={"memory": "1000\n"},
            memory__stat={"memory": "total_inactive_file 200\n"},
            cpu__cfs_quota_us={"cpu": "50000\n"}, cpu__cfs_period_us={"cpu": "100000\n"},
        )  # fmt: skip
        assert container.free_memory(tmp_path) == 2200 and container.cores(tmp_path) == 0.5

    def test_version_1_without_a_limit(self, tmp_path):
        self.write(
            tmp_path, "5:cpu,cpuacct:/\n4:memory:/\n0::/\n",
            memory__limit_in_bytes={"memory": "9223372036854771712\n"},
            memory__usage_in_bytes={"memory": "1000\n"},
            cpu__cfs_quota_us={"cpu": "-1\n"}, cpu__cfs_period_us={"cpu": "100000\n"},
        )  # fmt: skip
        assert container.free_memory(tmp_path) is None and container.cores(tmp_path) is None

    @pytest.mark.parametrize("cgroup", ["", "nonsense\n", "0::/gone\n"])
    def test_nothing_of_the_kind(self, tmp_path, cgroup):
        self.write(tmp_path, cgroup)
        assert container.free_memory(tmp_path) is None and container.cores(tmp_path) is None
        assert container.free_memory(tmp_path / "none") is None

    def test_more_used_than_allowed_is_nothing_left(self, tmp_path):
        self.write(tmp_path, "0::/\n", memory__max={"": "10\n"}, memory__current={"": "12\n"})
        assert container.free_memory(tmp_path) == 0

    def test_no_period_is_no_limit(self, tmp_path):
        self.write(tmp_path, "0::/\n", cpu__max={"": "100000 0\n"})
        assert container.cores(tmp_path) is None

    def test_another_controller_is_none_of_ours(self, tmp_path):
        self.write(
            tmp_path, "4:pids,memory:/\n5:cpuset:/\n",
            memory__limit_in_bytes={"memory": "3000\n"}, memory__usage_in_bytes={"memory": "1000\n"},
            cpu__cfs_quota_us={"cpu": "50000\n"}, cpu__cfs_period_us={"cpu": "100000\n"},
        )  # fmt: skip
        assert container.free_memory(tmp_path) == 2000 and container.cores(tmp_path) is None

    def test_the_doctor_heeds_both(self, monkeypatch):
        import torch

        monkeypatch.setattr(container, "free_memory", lambda: int(0.2 * doctor.GIB))
        monkeypatch.setattr(doctor, "machine_memory", lambda: int(60 * doctor.GIB))
        (finding,) = doctor.check_memory()
        assert finding.state == "problem" and finding.text == "0.2 GiB of memory free"
        monkeypatch.setattr(doctor, "machine_memory", lambda: int(0.3 * doctor.GIB))
        monkeypatch.setattr(container, "free_memory", lambda: None)
        assert doctor.check_memory()[0].text == "0.3 GiB of memory free"
        monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
        monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
        monkeypatch.setattr(container, "cores", lambda: 2.0)
        (finding,) = doctor.check_threads()
        assert finding.text == "threads of torch: 4, cores: 2" and "OMP_NUM_THREADS=2" in finding.advice
        monkeypatch.setattr(container, "cores", lambda: 0.3)
        assert doctor.check_threads()[0].text == "threads of torch: 4, cores: 1"
