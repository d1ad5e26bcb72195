"""What the outputs of the chapters depend on besides their own code: package, lock, data and processor."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

CACHE = Path("_build", ".jupyter_cache")
MATPLOTLIBRC = Path(__file__).with_name("matplotlibrc")  # of the kernels
FIGURES = (  # what a kernel is told: figures as vectors
    "--InlineBackend.figure_formats={'svg'}",
    "--InlineBackend.print_figure_kwargs={'bbox_inches': 'tight', 'metadata': {'Date': None}}",
)
PROCESSOR = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")  # variables that ask for an older one


def package_files(root: Path) -> Iterator[Path]:
    """Yield the files below `root` that a chapter's outputs may depend on, in a fixed order."""
    package = root / "cnncourse"
    yield from sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    yield from (path for path in [root / "requirements.lock"] if path.is_file())


def data_name(root: Path) -> str:
    """Return the name of the data set that the chapters train on; none for a book without the package."""
    if not (root / "cnncourse").is_dir():
        return ""
    from cnncourse import data

    return data.default_name()


def data_in_use(root: Path, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return the name and the fingerprint of the data set that the chapters train on.

    A book without the package beside it (as in the tests of the build) has no data: both are empty.
    """
    name = data_name(root)
    if not name:
        return "", environment.get("CNNCOURSE_DATA", "")
    from cnncourse import data

    return name, data.load(name, "train").fingerprint()


def fingerprint(root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return a short name for all that the outputs of the chapters depend on besides their own code."""
    digest = hashlib.sha256()
    for path in package_files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    processor = (environment.get(name, "") for name in PROCESSOR)
    for part in (
        *data_in_use(root, environment),
        sys.version,
        *processor,
        *FIGURES,
        MATPLOTLIBRC.read_text(),
    ):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder(root: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for the chapters executed with the present package, lock and data."""
    return root / CACHE / fingerprint(root, environment)
