"""``cnncourse doctor``: will the course work on this machine, and what to do where it will not."""

import argparse
import importlib
import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnncourse.cli import container

GIB = 2**30


def add_commands(commands: Any) -> None:
    """Add ``doctor``."""
    doctor = commands.add_parser("doctor", help="check whether the course works on this machine")
    doctor.set_defaults(call=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    findings = examine()
    for finding in findings:
        print(finding)
    problems = sum(finding.state == "problem" for finding in findings)
    print(
        f"{problems} problem{'s'[: problems != 1]}"
        if problems
        else "everything that the course needs is there"
    )
    return 1 if problems else 0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer.

    Parameters
    ----------
    state : {"ok", "note", "problem"}
        A note works, but slower or with less than it could; a problem does not work.
    text : str
        What was found.
    advice : str
        What to do about it.
    """

    state: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.state:<8} {self.text}" + (f": {self.advice}" if self.advice else "")


def examine() -> list[Finding]:
    """Return what was found, in the order in which it should be mended.

    A check that fails in a way not foreseen is a problem too, and does not stop the others.
    """
    checks: tuple[Callable[[], list[Finding]], ...] = (
        check_versions,
        check_torch,
        check_threads,
        check_devices,
        check_bf16,
        check_memory,
        check_disk,
        check_pretrained,
        check_data,
    )
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except Exception as error:  # the doctor reports what is broken, it does not break
            what = check.__name__.removeprefix("check_")
            findings.append(Finding("problem", f"{what}: {type(error).__name__}: {error}"))
    return findings


PACKAGES = (
    "numpy", "matplotlib", "pillow", "tqdm", "platformdirs", "pooch", "requests", "filelock", "safetensors",
)  # fmt: skip


def check_versions() -> list[Finding]:
    """Name Python, and look for the packages that the course needs."""
    python = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    findings = [Finding("ok", python)]
    versions, missing = [], []
    for name in ("cnncourse", *PACKAGES):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    findings.append(Finding("ok", ", ".join(versions)))
    if missing:
        findings.append(Finding("problem", f"missing: {', '.join(missing)}", "pip install cnncourse"))
    return findings


def check_torch() -> list[Finding]:
    """Import torch and torchvision, which must come as a pair."""
    pair = "install both anew, together: pip install --force-reinstall torch torchvision"
    try:
        import torch
    except Exception as error:  # whatever it is, the advice is the same
        return [Finding("problem", f"torch cannot be imported ({error})", pair)]
    try:
        import torchvision
        from torchvision.transforms import v2  # noqa: F401
    except Exception as error:  # a CPU torch beside another torchvision raises RuntimeError
        return [Finding("problem", f"torch {torch.__version__}, no torchvision ({error})", pair)]
    return [Finding("ok", f"torch {torch.__version__}, torchvision {torchvision.__version__}")]


def check_threads() -> list[Finding]:
    """Compare torch's threads with the cores that this process may use."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (allowed := container.cores()) is not None:
        cores = min(cores, max(1, round(allowed)))
    threads = torch.get_num_threads()
    text = f"threads of torch: {threads}, cores: {cores}"
    if threads > cores:
        return [Finding("note", text, f"more threads than cores are slow; set OMP_NUM_THREADS={cores}")]
    if "OMP_NUM_THREADS" in os.environ and threads < cores // 2:
        return [Finding("note", text, "unset OMP_NUM_THREADS to use the others")]
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > cores + 0.5:
        return [
            Finding(
                "note",
                f"{text}, and {busy:.1f} processes want them",
                "training will be slow until they end; OMP_WAIT_POLICY=PASSIVE helps meanwhile",
            )
        ]
    return [Finding("ok", text)]


def check_devices() -> list[Finding]:
    """Say where networks will be trained."""
    import torch

    from cnncourse.experiments.record import hardware_name

    names = [f"cpu ({hardware_name(torch.device('cpu'))})"]
    names += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [Finding("ok", f"devices: {', '.join(names)}")]


def check_bf16() -> list[Finding]:
    """Time the second convolution of `three_conv`, forward and backward, in float32 and in bfloat16."""
    import torch
    import torch.nn.functional as F

    def seconds(dtype: torch.dtype) -> float:
        last = torch.channels_last
        x = torch.randn(32, 48, 16, 16, dtype=dtype).contiguous(memory_format=last).requires_grad_()
        weight = torch.randn(96, 48, 3, 3, dtype=dtype).contiguous(memory_format=last).requires_grad_()
        start = time.perf_counter()
        for _ in range(3):
            F.conv2d(x, weight, padding=1).relu().sum().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - start

    times = [(seconds(torch.float32), seconds(torch.bfloat16)) for _ in range(6)]  # the first warms up
    full, half = (min(column) for column in zip(*times, strict=True))
    ratio = full / half
    pays = "it pays here" if ratio > 1.1 else "float32 stays the better choice here"
    return [
        Finding("ok", f"convolution in bfloat16 is {ratio:.1f} times as fast as in float32 (cpu); {pays}")
    ]


def check_memory() -> list[Finding]:
    """Look for the memory that a training needs."""
    free = free_memory()
    if free is None:
        return [Finding("ok", "free memory: not known on this system; trainings need about 2 GiB")]
    text = f"{free / GIB:.1f} GiB of memory free"
    if free < 0.5 * GIB:
        return [Finding("problem", text, "close other programs; a training needs about 2 GiB")]
    if free < 2 * GIB:
        return [Finding("note", text, "trainings on CIFAR-10 need about 2 GiB; close other programs")]
    return [Finding("ok", text)]


def free_memory() -> int | None:
    """Return the bytes of memory that new programs can have, or None where that is not known.

    In a container, the machine's free memory is not all that it may have.
    """
    known = [free for free in (machine_memory(), container.free_memory()) if free is not None]
    return min(known, default=None)


def machine_memory() -> int | None:
    """Return the bytes of memory that the machine has left, or None where that is not known."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        psutil = importlib.import_module("psutil")  # comes with Jupyter, not with the course
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def check_disk() -> list[Finding]:
    """Look for room where data sets are kept."""
    from cnncourse.data.locations import cache_folder

    folder = cache_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / GIB:.1f} GiB of disk free for data"
    if not os.access(there, os.W_OK):
        return [
            Finding("problem", f"data cannot be kept in {folder}", "set CNNCOURSE_CACHE to a folder of yours")
        ]
    if free < 0.1 * GIB:
        return [Finding("problem", text, "free some space, or set CNNCOURSE_CACHE to a folder elsewhere")]
    if free < GIB:
        return [Finding("note", text, "CIFAR-10 takes about 0.4 GiB while it is fetched")]
    return [Finding("ok", text)]


def check_pretrained() -> list[Finding]:
    """Look for the weights of the network that was trained on ImageNet, which an extra brings."""
    from cnncourse.models._pretrained import read_weights

    try:
        read_weights()
    except FileNotFoundError as error:
        return [Finding("note", str(error))]
    except (OSError, ValueError) as error:
        return [Finding("problem", str(error))]
    return [Finding("ok", "efficientnet_lite0, trained on ImageNet: its weights are there and whole")]


def check_data() -> list[Finding]:
    """Say which data sets are there."""
    from cnncourse import data
    from cnncourse.data.locations import given_data

    try:
        given_data()
    except FileNotFoundError as error:
        return [Finding("problem", f"data: {error}")]
    if len(data.load("digits", "test")) == 0:
        return [Finding("problem", "the bundled digits are empty", "install cnncourse anew")]
    if data.default_name() == "cifar10":
        return [Finding("ok", "data: CIFAR-10 is there, beside what the course brings")]
    advice = "cnncourse data fetch cifar10 brings real photographs; without it the course runs on shapes10"
    return [Finding("note", "data: CIFAR-10 is not on this machine", advice)]
