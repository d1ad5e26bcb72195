"""Stored notebooks against their chapters: quiet for what was written, told for changed outputs and code."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.execute_book import execute
from tools.notebooks.compare import differences, nearly_equal
from tools.notebooks.run import clean, code_cells

CODE = [
    "import matplotlib.pyplot as plt\n"
    "from cnncourse.notebook import glue\n"
    "from cnncourse.convolution import output_size",
    "plt.plot([1, 2])\nplt.show()",
    "glue('mean', 1 / 3)",
    "for i in range(3):\n    print(output_size(32, 3, stride=2), -0.0 * i)",
    "print('by the clock')",
]
VALUE = "application/papermill.record/text/plain"


def change_nothing(cells):
    pass


def change_an_ignored_output(cells):
    cells[5].outputs = []


def change_the_last_digits(cells):
    cells[3].outputs[0]["data"][VALUE] = "0.33334"


def change_a_zero_s_sign(cells):
    cells[4].outputs[0].text = cells[4].outputs[0].text.replace("-0.0", "0.0")


def change_a_figure_s_size(cells):
    cells[2].outputs[0].data["text/plain"] = "<Figure size 1x2 with 1 Axes>"


def change_an_output(cells):
    cells[4].outputs[0].text = cells[4].outputs[0].text.replace("15", "16", 1)


def change_a_value(cells):
    cells[3].outputs[0]["data"][VALUE] = "0.35"


def change_a_name(cells):
    cells[3].outputs[0]["metadata"]["scrapbook"]["name"] = "median"


def lose_a_picture(cells):
    cells[2].outputs.clear()


def change_code(cells):
    cells[4].source += "  # twice"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return a chapter that was executed as the book executes it."""
    cells = [new_code_cell(source) for source in CODE]
    cells[-1].metadata["tags"] = ["nbval-ignore-output"]
    notebook = new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("chapter")
    assert execute(folder / "page.md", "page.md", notebook, timeout=60) is None
    return notebook


@pytest.fixture
def stored(executed):
    """Return the notebook that was written from it, with the cell that installs."""
    notebook = nbformat.reads(nbformat.writes(executed), as_version=4)
    clean(notebook, "page.md", [])
    notebook.cells.insert(0, new_code_cell("install()"))
    return notebook


@pytest.mark.parametrize(
    "change",
    [
        change_nothing,
        change_an_ignored_output,
        change_the_last_digits,
        change_a_zero_s_sign,
        change_a_figure_s_size,
    ],
)
def test_what_means_the_same_is_passed_over(stored, executed, change):
    change(code_cells(stored))
    assert list(differences("page.ipynb", stored, executed)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_an_output, "-stdout: 16 0.0\n    +stdout: 15 0.0"),
        (change_a_value, "-glued mean: 0.35\n    +glued mean: 0.3333333333"),
        (change_a_name, "-glued median: 0.3333333333"),
        (lose_a_picture, "+display_data: text/plain: <Figure size WxH with 1 Axes>"),
        (change_code, "page.ipynb has other cells than its chapter"),
    ],
)
def test_what_has_changed_is_told(stored, executed, change, told):
    change(code_cells(stored))
    (line,) = differences("page.ipynb", stored, executed)
    assert line.startswith("page.ipynb") and told in line


def test_a_cell_that_warns_is_told(stored, executed):
    warned = nbformat.from_dict(executed)
    warned = nbformat.reads(nbformat.writes(warned), as_version=4)
    warned.cells[0].outputs = [nbformat.v4.new_output("stream", name="stderr", text="look out")]
    (line,) = differences("page.ipynb", stored, warned)
    assert "the cell warns; mend it" in line and "look out" in line


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
