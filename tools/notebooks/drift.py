"""Do the stored notebooks agree with their chapters? Sources are compared, and nothing is run."""

from collections.abc import Iterator

import nbformat

from tools.notebooks.cells import glued_values
from tools.notebooks.references import Book
from tools.notebooks.run import IGNORED, code_cells, glued
from tools.notebooks.source import Chapter, SourceError
from tools.notebooks.write import read_stored, serialize, sibling, unrun
from tools.sheets import is_sheet


def check(book: Book, chapters: list[Chapter], everything: bool = True) -> list[str]:
    """Return what is wrong with the stored notebooks, one sentence each."""
    problems = [problem for chapter in chapters for problem in check_chapter(book, chapter)]
    return problems + (list(orphans(book)) if everything else [])


def orphans(book: Book) -> Iterator[str]:
    """Yield notebooks that stand beside no chapter."""
    expected = {sibling(chapter.path) for chapter in book.chapters.values() if chapter.is_notebook}
    for path in sorted((book.root / "book").rglob("*.ipynb")):
        name = path.relative_to(book.root).as_posix()
        if name not in expected and ".ipynb_checkpoints" not in path.parts:
            yield f"{name} belongs to no chapter with code cells in _toc.yml; remove it"


def check_chapter(book: Book, chapter: Chapter) -> Iterator[str]:
    """Yield what is wrong with one chapter's notebook."""
    name = sibling(chapter.path)
    stored = read_stored(book, chapter)
    if stored is None:
        yield f"{name} is missing or unreadable"
        return
    try:
        made = unrun(book, chapter, glued_values(stored))
    except SourceError as error:
        yield str(error)
        return
    difference = first_difference(made, stored)
    if difference:
        yield f"{name} does not agree with {chapter.path}: {difference}"
        return
    if not is_sheet(name):  # learners run their exercises themselves
        yield from (f"{name}: {problem}" for problem in check_outputs(stored))
    if serialize(stored) != (book.root / name).read_text(encoding="utf-8"):
        yield f"{name} was written by another program: its bytes differ"


def first_difference(made: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> str:
    """Say where two notebooks differ first, outputs aside; nothing where they agree."""
    if made.metadata != stored.metadata:
        return f"its metadata are {dict(stored.metadata)}"
    for new, old in zip(made.cells, stored.cells, strict=False):
        parts = ("id", "cell_type", "source", "metadata")
        if any(new.get(part) != old.get(part) for part in parts):
            return f"cell {new.id} should begin with {new.source.splitlines()[0]!r} and differs"
    if len(made.cells) != len(stored.cells):
        return f"it has {len(stored.cells)} cells instead of {len(made.cells)}"
    return ""


def check_outputs(stored: nbformat.NotebookNode) -> Iterator[str]:
    """Yield what is wrong with the outputs of a stored notebook."""
    for count, cell in enumerate(code_cells(stored), 1):
        if cell.execution_count != count:
            yield f"{cell.id} was not run: its count is {cell.execution_count} instead of {count}"
        kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
        if any(kind.startswith("image/") for kind in kinds):
            yield f"{cell.id} holds a picture"
        if IGNORED in cell.metadata.get("tags", []) and not all(glued(output) for output in cell.outputs):
            yield f"{cell.id} holds outputs that change from run to run"
