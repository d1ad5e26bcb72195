"""Sheets of exercises: the page shows the numbers of seed 0, and offers a notebook with the solutions."""

import json
from pathlib import Path

from sphinx.application import Sphinx

from cnncourse.exercises import CHECKERS, notebook
from tools.sheets import is_sheet, page_text, sheet


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the source of a sheet by the page that is made of it."""
    path = Path(app.env.doc2path(docname))
    if is_sheet(path):
        content[0] = page_text(path)


def write_solutions(path: Path, target: Path) -> None:
    """Write the notebook with the solutions of a sheet."""
    made = notebook([sheet(path)], CHECKERS, "solutions")
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect to the reading of pages, before a note is put into them."""
    app.connect("source-read", fill_in, priority=400)
