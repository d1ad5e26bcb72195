"""The build itself, on tiny books: what must make it fail, and what it keeps."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def build(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.build_book", "--root", str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


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
    run = build(book)
    assert run.returncode == 1
    assert "pages that do not exist: book/one.md" in run.stderr


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
