"""The build itself, on tiny books: what must make it fail, and what it keeps."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from tools.build_book import main
from tools.contents import built_pages
from tools.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parent.parent.parent
FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
CELL = """# One

```{{code-cell}} ipython3
a = 1
```

```{{code-cell}} ipython3
{code}
```
"""
BUILD_IMPORTS = ("jupyter_book.sphinx", "myst_nb.sphinx_ext", "sphinx_book_theme", "tools.sphinx_ext")


def make_book(root: Path, page: str) -> Path:
    """Write a book of one page, with the settings and the look of ours."""
    (root / "book").mkdir(parents=True)
    for name in ("_static", "_templates"):
        shutil.copytree(ROOT / "book" / name, root / "book" / name)
    shutil.copy(ROOT / "_config.yml", root)
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/one\n")
    (root / "book" / "references.bib").write_text("")
    (root / "book" / "one.md").write_text(page)
    return root


def add_pages(root: Path, pages: Mapping[str, str]) -> Path:
    """Write further pages of a book, by name."""
    lines = "".join(f"  - file: book/{name}\n" for name in pages)
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: book/one\nchapters:\n{lines}")
    for name, text in pages.items():
        (root / "book" / f"{name}.md").write_text(text)
    return root


def build_in_process(root: Path, outputs: list[Path]) -> None:
    """Build as the command does, in a process of its own, with what it prints in two files."""
    os.chdir(ROOT)
    for number, output in enumerate(outputs, 1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.exit(main(["--root", str(root)]))


def build(root: Path) -> subprocess.CompletedProcess[str]:
    """Build a book; the process is a copy of one that has imported Sphinx, where there can be copies."""
    copies = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if copies else "spawn")
    if copies:
        context.set_forkserver_preload(["tools.build_book", *BUILD_IMPORTS])
    outputs = [root / "stdout", root / "stderr"]
    process = context.Process(target=build_in_process, args=(root, outputs))
    process.start()
    process.join()
    told = [output.read_text(encoding="utf-8") for output in outputs]
    assert process.exitcode is not None
    return subprocess.CompletedProcess(["build", str(root)], process.exitcode, *told)


def test_a_cell_that_raises_fails_the_build_and_is_named(tmp_path: Path) -> None:
    book = make_book(
        tmp_path / "b", FRONT + CELL.format(code="b = a + 1\nassert b == 3, 'one and one is two'")
    )
    for _ in range(2):
        run = build(book)
        assert run.returncode == 1
        assert "book/one.md: code cell 2 (line 19)" in run.stderr
        assert "AssertionError: one and one is two" in run.stderr
    assert not (book / "_build/html/index.html").exists()


def test_a_warning_fails_the_build_and_is_not_forgotten(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b", "# One\n\nSee {ref}`nowhere`.\n")
    for _ in range(2):
        run = build(book)
        assert run.returncode == 1
        assert "nowhere" in run.stderr
        assert "warnings above are errors" in run.stderr


def test_a_cell_that_warns_fails_the_build(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b", FRONT + CELL.format(code="import warnings\nwarnings.warn('look out')"))
    run = build(book)
    assert run.returncode == 1
    assert "look out" in run.stderr + run.stdout or "stderr" in run.stderr


def test_a_good_book_is_built_and_kept(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b", FRONT + CELL.format(code="print(a + 40)"))
    first, second = build(book), build(book)
    assert first.returncode == 0, first.stderr
    assert "executed book/one.md" in first.stdout
    assert ">41\n" in (book / "_build/html/book/one.html").read_text()
    assert "url=book/one.html" in (book / "_build/html/index.html").read_text()
    assert first.stderr == ""
    assert second.returncode == 0
    assert "executed" not in second.stdout
    page = book / "book" / "one.md"
    page.write_text(page.read_text().replace("ipython3\nprint", "ipython3\n:tags: [hide-input]\nprint"))
    third = build(book)
    assert "executed book/one.md" in third.stdout, "a cell's options belong to what is kept"


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b", "# One\n")
    (book / "book/one.md").unlink()
    command = [sys.executable, "-m", "tools.build_book", "--root", str(book)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "pages that do not exist: book/one.md" in run.stderr


def test_an_old_address_leads_to_the_page(tmp_path: Path) -> None:
    book = add_pages(make_book(tmp_path / "b", "# One\n"), {"two": "# Two\n"})
    (book / "book/moved.yml").write_text("book/parts/old: book/two\n")
    run = build(book)
    assert run.returncode == 0, run.stderr
    site = book / "_build/html"
    old = BeautifulSoup((site / "book/parts/old.html").read_text(), "html.parser")
    refresh = old.find("meta", attrs={"http-equiv": "refresh"})
    assert isinstance(refresh, Tag)
    assert refresh["content"] == "0; url=../two.html"
    assert old.find("a", href="../two.html") is not None
    assert "book/two.html" in built_pages(site) and "book/parts/old.html" not in built_pages(site)


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ("book/old: book/three", "no page of _toc.yml is there"),
        ("book/two: book/one", "is a page of _toc.yml"),
    ],
)
def test_an_old_address_that_leads_nowhere_fails_the_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], moves: str, message: str
) -> None:
    book = add_pages(make_book(tmp_path / "b", "# One\n"), {"two": "# Two\n"})
    (book / "book/moved.yml").write_text(moves)
    assert main(["--root", str(book)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("change", ["package", "new file", "lock", "data"])
def test_what_the_outputs_depend_on_changes_their_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    package = tmp_path / "cnncourse"
    package.mkdir()
    (package / "convolution.py").write_text("STRIDE = 1\n")
    (tmp_path / "requirements.lock").write_text("numpy==2.0\n")
    data = "fingerprint of the data"
    monkeypatch.setattr("tools.fingerprint.data_in_use", lambda *_: ("shapes10", data))
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    if change == "package":
        (package / "convolution.py").write_text("STRIDE = 2\n")
    elif change == "new file":
        (package / "data.bin").write_bytes(b"1")
    elif change == "lock":
        (tmp_path / "requirements.lock").write_text("numpy==2.1\n")
    else:
        data = "another"
    assert fingerprint(tmp_path) != before


FOLDED = (
    FRONT
    + """# One

```{code-cell} ipython3
import os

os.environ["NOTHING"] = "1"
```

```{code-cell} ipython3
import math

from cnncourse.notebook import glue
```

See {ref}`deep`, {numref}`fig-mark` and {eq}`root`. It is {glue:text}`a:.1f`.

```{code-cell} ipython3
# how large it is
a = math.sqrt(2)
glue("a", a)
print(a > 1)
# (above one)
assert a > 1
```

```{code-cell} ipython3
assert a < 2
```

```{code-cell} ipython3
glue("b", a)
```

```{code-cell} ipython3
from math import sin

b = sin(a)
```

## Two

(deep)=
```{fold} Digging deeper: *why* $a$
```

It is the root.

```{math}
:label: root
a^2 = 2
```

```{code-cell} ipython3
print(a * a)
```

```{figure} _static/logo.svg
:alt: The mark of the course
:name: fig-mark

A mark.
```

```{fold-end}
```

After the fold.
"""
)


def test_a_page_folds_what_does_not_teach(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b", FOLDED)
    run = build(book)
    assert run.returncode == 0, run.stderr
    page = BeautifulSoup((book / "_build/html/book/one.html").read_text(), "html.parser").article
    assert isinstance(page, Tag)
    cells = [
        (
            [mark.find("summary").get_text(strip=True) for mark in cell.select("details.course-aside")],
            [code.get_text().strip() for code in cell.select(".cell_input pre")],
            [text.get_text().strip() for text in cell.select(".cell_output pre")],
        )
        for cell in page.select("div.cell")
    ]
    assert cells == [
        (["imports"], ['import os\n\nos.environ["NOTHING"] = "1"'], []),
        (["imports"], ["import math\n\nfrom cnncourse.notebook import glue"], []),
        (
            ["checked"],
            [
                "# how large it is\na = math.sqrt(2)\nprint(a > 1)",
                "# (above one)\nassert a > 1",
            ],
            ["True"],
        ),
        (["checked"], ["assert a < 2"], []),
        ([], ["from math import sin\n\nb = sin(a)"], []),
        ([], ["print(a * a)"], ["2.0000000000000004"]),
    ]
    assert not any(mark.has_attr("open") for mark in page.select("details"))
    (fold,) = page.select("details.course-fold")
    assert fold["id"] == "deep"
    assert fold.summary is not None
    assert fold.summary.get_text(" ", strip=True).startswith("Digging deeper: why")
    assert fold.select("#equation-root, .cell_output, figure#fig-mark figcaption") != []
    assert "After the fold." not in fold.get_text()
    links = {link["href"]: link.get_text() for link in page.select("p a.reference.internal")}
    assert links == {"#deep": "Digging deeper: why a", "#fig-mark": "Figure 1", "#equation-root": "(1)"}
    assert "It is 1.4." in page.get_text()
    index = (book / "_build/html/searchindex.js").read_text()
    assert "glue(" not in index


FAULTS = {
    "open": ("# Open\n\n```{fold} A\n```\n\ntext\n", 3, "the fold has no end; put {fold-end}"),
    "end": ("# End\n\ntext\n\n```{fold-end}\n```\n", 5, "{fold-end} ends no fold"),
    "nested": (
        "# N\n\n```{fold} A\n```\n\n```{fold} B\n```\n\nb\n\n```{fold-end}\n```\n",
        6,
        "a fold begins inside another one",
    ),
    "heading": (
        "# H\n\n```{fold} A\n```\n\na\n\n## B\n\n```{fold-end}\n```\n",
        3,
        "the fold is still open at the next heading",
    ),
    "inside": (
        "# I\n\n:::{note}\n```{fold} A\n```\na\n:::\n\n```{fold-end}\n```\n",
        4,
        "a fold begins and ends in the running text",
    ),
    "empty": ("# E\n\n```{fold} A\n```\n\n```{fold-end}\n```\n", 3, "the fold is empty"),
    "untitled": ("# U\n\n```{fold}\n```\n\na\n\n```{fold-end}\n```\n", 3, "'fold': 1 argument"),
    "no-widget": (
        "# W\n\n```{widget} tea\n:title: T\n\na\n```\n",
        3,
        "there is no widget 'tea'; there are draw-",
    ),
    "nameless": ("# W\n\n```{widget} pooling\na\n```\n", 3, "a widget needs a :title: that says"),
    "bare": ("# W\n\n```{widget} pooling\n:title: T\n```\n", 3, "a widget needs content: the figure or text"),
    "glued": (
        FRONT
        + "# G\n\n```{code-cell} ipython3\nfrom cnncourse.notebook import glue\nx = glue('x', 1)\n```\n",
        FRONT.count("\n") + 5,  # myst-nb counts a cell from two lines below its fence
        "line 2 of the cell: glue is part of an expression",
    ),
}


def test_what_is_wrong_with_a_fold_or_a_widget_fails_the_build_with_file_and_line(tmp_path: Path) -> None:
    pages = {name: text for name, (text, _, _) in FAULTS.items()}
    book = add_pages(make_book(tmp_path / "b", "# One\n"), pages)
    run = build(book)
    assert run.returncode == 1
    for name, (_, line, message) in FAULTS.items():
        told = [text for text in run.stderr.splitlines() if f"book/{name}.md:{line}: " in text]
        assert any(message in text for text in told), f"{name}: {told or run.stderr}"


def test_a_page_with_a_widget_holds_its_place_and_other_pages_know_nothing_of_it(tmp_path: Path) -> None:
    widget = "# One\n\n:::{widget} convolution\n:title: Nine numbers\n\nIn its [place](two.md).\n:::\n"
    book = add_pages(make_book(tmp_path / "b", widget), {"two": "# Two\n"})
    shutil.copytree(ROOT / "book" / "widgets", book / "book" / "widgets")
    run = build(book)
    assert run.returncode == 0, run.stderr
    site = book / "_build/html"
    one, two = (
        BeautifulSoup((site / f"book/{name}.html").read_text(), "html.parser") for name in ("one", "two")
    )
    place = one.find(id="widget-convolution")
    assert isinstance(place, Tag)
    assert place["data-widget"] == "convolution" and place["data-title"] == "Nine numbers"
    assert " ".join(place.get_text().split()) == "In its place."  # the link is for other formats
    scripts = [script.partition("?v=") for script in str(place["data-scripts"]).split()]
    assert [name.rpartition("/")[2] for name, _, _ in scripts] == [
        "pixels.js",
        "shared.js",
        "windows.js",
        "convolution.js",
    ]
    assert all((site / "book" / name).is_file() and len(version) == 8 for name, _, version in scripts)
    loaders = one.select("script[src*='widgets/widgets.js']")
    assert len(loaders) == 1 and loaders[0].has_attr("defer")
    assert len(one.select("link[href*='widgets/widgets.css']")) == 1
    assert "widgets/" not in str(two)
