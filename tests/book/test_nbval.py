"""nbval with our flags: green for what was written, red for changed outputs, numbers and code."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cnncourse.convolution import output_size
from tools.notebooks.__main__ import NBVAL
from tools.notebooks.nbval_plugin import nearly_equal
from tools.notebooks.run import clean, code_cells, execute

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = [
    "import matplotlib.pyplot as plt\n"
    "from cnncourse.notebook import glue\n"
    "from cnncourse.convolution import output_size",
    "plt.plot([1, 2])\nplt.show()",
    "glue('mean', 1 / 3)",
    "print(output_size(32, 3, stride=2))",
]
RIGHT = "return room // stride + 1"


def changed_output(notebook):
    notebook.cells[3].outputs[0].text = "16\n"


def changed_value(notebook):
    notebook.cells[2].outputs[0]["data"]["application/papermill.record/text/plain"] = "0.35"


def lost_picture(notebook):
    notebook.cells[1].outputs.clear()


def almost_the_same_value(notebook):
    notebook.cells[2].outputs[0]["data"]["application/papermill.record/text/plain"] = "0.33334"


CHANGES = {
    "intact": lambda notebook: None,
    "almost_the_same_value": almost_the_same_value,
    "changed_output": changed_output,
    "changed_value": changed_value,
    "lost_picture": lost_picture,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one notebook as it was written, and others that were changed by hand."""
    folder = tmp_path_factory.mktemp("nbval")
    notebook = new_notebook(cells=[new_code_cell(source) for source in CODE])
    execute(notebook, folder, "test.md", [])
    clean(notebook, "test.md", [])
    assert [len(cell.outputs) for cell in code_cells(notebook)] == [0, 1, 1, 1]
    assert "image/png" not in notebook.cells[1].outputs[0].data
    for name, change in CHANGES.items():
        copy = nbformat.from_dict(notebook)
        copy = nbformat.reads(nbformat.writes(copy), as_version=4)
        change(copy)
        nbformat.write(copy, folder / f"{name}.ipynb")
    return folder


def run_nbval(files: list[Path], **environment: str) -> set[str]:
    """Run nbval as `make test` does; return the cells that failed, as "notebook::Cell 0"."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *NBVAL,
            "--color",
            "no",
            "-c",
            "pyproject.toml",
            "--rootdir",
            files[0].parent,
            *files,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    failed = [line.split(" - ")[0] for line in result.stdout.splitlines() if line.startswith("FAILED ")]
    assert bool(failed) == bool(result.returncode), result.stdout
    return {Path(line.removeprefix("FAILED ")).name.replace(".ipynb", "") for line in failed}


def test_what_was_changed_is_red_and_the_rest_green(folder):
    assert run_nbval(sorted(folder.glob("*.ipynb"))) == {
        "changed_output::Cell 3",
        "changed_value::Cell 2",
        "lost_picture::Cell 1",
    }


def test_changed_code_by_hand_is_red(folder, tmp_path):
    """One number of the by-hand code is changed in a copy that the kernel finds first."""
    left_out = shutil.ignore_patterns("bundled", "__pycache__")
    shutil.copytree(ROOT / "cnncourse", tmp_path / "cnncourse", ignore=left_out)
    home = tmp_path / Path(inspect.getfile(output_size)).relative_to(ROOT)
    text = home.read_text(encoding="utf-8")
    assert RIGHT in text
    home.write_text(text.replace(RIGHT, RIGHT.replace("1", "2")), encoding="utf-8")
    assert run_nbval([folder / "intact.ipynb"], PYTHONPATH=str(tmp_path)) == {"intact::Cell 3"}


@pytest.mark.parametrize(
    ("new", "stored", "equal"),
    [
        ("0.7321000001", "0.7321", True),
        ("0.74", "0.7321", False),
        ("1792", "1792", True),
        ("1792", "1793", False),
        ("1792.0", "1793", False),
        ("3e-16", "5e-16", True),
        ("three", "four", False),
    ],
)
def test_glued_values_are_compared_by_value(new, stored, equal):
    assert nearly_equal(new, stored) is equal
