"""One chapter's notebook: made, run, made again with the numbers of its run, cleaned and written."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from tools.notebooks.cells import glued_values, make_exercises, make_notebook, split
from tools.notebooks.references import Book
from tools.notebooks.run import clean, code_cells, execute, keep_measured
from tools.notebooks.source import Chapter, Directive, SourceError
from tools.sheets import is_sheet


class AnyValue(dict[str, str]):
    """Values for roles before the first run: each name has one."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "0"


def sibling(path: str) -> str:
    """Return the path of the notebook beside a chapter."""
    return path.removesuffix(".md") + ".ipynb"


def dependencies(root: Path) -> list[str]:
    """Return the package's requirements."""
    return list(_project(root)["dependencies"])


def extras(root: Path) -> dict[str, list[str]]:
    """Return the requirements of each of the package's extras."""
    return dict(_project(root).get("optional-dependencies", {}))


def _project(root: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def unrun(book: Book, chapter: Chapter, glued: Mapping[str, str]) -> nbformat.NotebookNode:
    """Return the chapter's notebook, not run, with the requirements that the project has now."""
    if is_sheet(chapter.path):
        return make_exercises(book, chapter, dependencies(book.root))
    return make_notebook(book, chapter, dependencies(book.root), glued, extras(book.root))


def directives(chapter: Chapter) -> list[Directive]:
    """Return a chapter's code cells."""
    return [item for item in split(chapter) if isinstance(item, Directive) and item.body]


def read_stored(book: Book, chapter: Chapter) -> nbformat.NotebookNode | None:
    """Return the notebook that is stored beside a chapter, or None."""
    path = book.root / sibling(chapter.path)
    try:
        notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    except (FileNotFoundError, nbformat.reader.NotJSONError):
        return None
    return notebook


def run_chapter(book: Book, chapter: Chapter) -> nbformat.NotebookNode:
    """Return the chapter's notebook with all its outputs."""
    notebook = unrun(book, chapter, AnyValue())
    if is_sheet(chapter.path):
        return notebook
    execute(notebook, (book.root / chapter.path).parent, chapter.path, directives(chapter))
    return with_values(book, chapter, notebook)


def with_values(book: Book, chapter: Chapter, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook made anew, with the outputs of `notebook` and its glued values in the text."""
    made = unrun(book, chapter, glued_values(notebook))
    for cell, ran in zip(code_cells(made), code_cells(notebook), strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    return made


def reword_chapter(book: Book, chapter: Chapter) -> nbformat.NotebookNode:
    """Return the chapter's notebook with the text of today and the outputs that are stored."""
    if is_sheet(chapter.path):
        return run_chapter(book, chapter)
    stored = read_stored(book, chapter)
    if stored is None:
        raise SourceError(chapter.path, 1, "there is no notebook yet to keep outputs of; run the chapter")
    made = unrun(book, chapter, AnyValue())
    new, old = code_cells(made)[1:], code_cells(stored)[1:]  # all but the one that installs
    same = [(cell.source, cell.metadata) for cell in new] == [(cell.source, cell.metadata) for cell in old]
    if not same:
        raise SourceError(chapter.path, 1, "its code has changed, not only its text; run the chapter")
    return with_values(book, chapter, stored)


def finish(book: Book, chapter: Chapter, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook as it is stored: text outputs only, and the numbers of the prose from them."""
    if is_sheet(chapter.path):
        return notebook
    clean(notebook, chapter.path, directives(chapter))
    keep_measured(notebook, read_stored(book, chapter))
    return with_values(book, chapter, notebook)


def serialize(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook's bytes: sorted keys, one space of indentation."""
    return f"{nbformat.writes(notebook, version=4, ensure_ascii=False, indent=1, sort_keys=True)}\n"


def write(book: Book, chapter: Chapter, notebook: nbformat.NotebookNode) -> bool:
    """Store a notebook beside its chapter, whole or not at all; return whether it changed."""
    path = book.root / sibling(chapter.path)
    text = serialize(finish(book, chapter, notebook))
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    draft = path.with_suffix(".ipynb.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return True
