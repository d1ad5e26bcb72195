"""Notebooks from sheets: for students, with solutions, and the two that nbgrader calls source and release."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from posixpath import normpath
from typing import Any, Literal

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.sheet import PROBLEMS, Block, Checker, Exercise, Sheet, check

Kind = Literal["student", "solutions", "source", "release"]
ANSWER = "*Your answer.*"
ROLE = re.compile(r"\{([\w:-]+)\}`(?:([^`<]+?) ?<)?([^`<>]+)>?`")
Cell = dict[str, Any]
GRADED = ("source", "release")


def notebook(
    sheets: list[Sheet], checkers: dict[str, Checker], kind: Kind, title: str = ""
) -> dict[str, Any]:
    """Return a notebook, in Jupyter's format 4.5.

    Parameters
    ----------
    sheets : list of Sheet
        Whose exercises are in it, one after the other.
    checkers : dict of str to Task or Pencil
        By their names.
    kind : {"student", "solutions", "source", "release"}
        "student" holds the problems too, and nothing of any solution; "source" and "release" hold the
        marks and the metadata of nbgrader, and "release" nothing of any solution.
    title : str, optional
        In the place of the sheets' own first lines.
    """
    cells: list[Cell] = [_text(f"# {title}")] if title else []
    for sheet in sheets:
        cells += _sheet(sheet, checkers, kind, bool(title))
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number:03d}"
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def _sheet(sheet: Sheet, checkers: dict[str, Checker], kind: Kind, titled: bool) -> Iterator[Cell]:
    if not titled:
        yield _text(f"{_plain(sheet.intro, sheet)}\n\n{sheet.summary}")
    else:
        yield _text(_plain(f"Everything you need is in {{doc}}`{sheet.chapter}`.", sheet))
    yield _code(sheet.imports)
    for exercise in sheet.exercises:
        yield _text(f"## {exercise.title}\n\n{exercise.header}")
        yield from _exercise(sheet, exercise, checkers, kind)
    if kind not in GRADED and sheet.problems:
        yield _text(f"## {PROBLEMS}")
        for block in sheet.problems:
            yield from _block(sheet, block, kind)


def _exercise(sheet: Sheet, exercise: Exercise, checkers: dict[str, Checker], kind: Kind) -> Iterator[Cell]:
    for block in exercise.blocks:
        if block.kind == "answer":
            yield from _answer(sheet, exercise.points[block.name], block, checkers[block.name], kind)
        else:
            yield from _block(sheet, block, kind)
    if exercise.by_hand and kind != "solutions":
        (points,) = exercise.points.values()
        solution = "\n\n".join(
            block.text for block in exercise.blocks if block.hidden and block.kind == "text"
        )
        cell = _text(_plain(solution, sheet) if kind == "source" else ANSWER)
        yield _graded(cell, f"{sheet.chapter}-{next(iter(exercise.points))}", kind, points, solution=True)


def _block(sheet: Sheet, block: Block, kind: Kind) -> Iterator[Cell]:
    """Yield the cell of what is no answer, unless it is hidden."""
    if block.hidden and kind != "solutions":
        return
    if block.kind == "fold":
        yield _text(f"### {block.text}")
    elif block.kind == "code":
        yield _code(re.sub(r"\A(?:---\n.*?^---\n|(?::\S[^\n]*\n)+)\n?", "", block.text, flags=re.M | re.S))
    elif block.kind == "text" and (text := _plain(block.text, sheet)):
        yield _text(text)


def _answer(sheet: Sheet, points: int, block: Block, checker: Checker, kind: Kind) -> Iterator[Cell]:
    """Yield the cell for an answer and the one that checks it, which knows the answer of seed 0 alone."""
    code = {"source": block.text, "solutions": block.solution}.get(kind, block.stub)
    yield _graded(_code(code), block.name, kind, solution=True)
    seeded = f"check_{block.name}({block.name}, seed={sheet.seed})"
    if kind == "solutions":
        yield _code(seeded if isinstance(checker, Pencil) else check(block.name))
        return
    shown = check(block.name)
    if kind in GRADED and isinstance(checker, Pencil):
        shown = f"check_{block.name}.look({block.name})  # its form alone"
    if kind == "source":
        shown += f"\n### BEGIN HIDDEN TESTS\nassert {seeded}.passed\n### END HIDDEN TESTS"
    yield _graded(_code(shown), f"{block.name}-check", kind, points)


def _graded(cell: Cell, name: str, kind: Kind, points: int | None = None, solution: bool = False) -> Cell:
    """Give a cell the metadata by which nbgrader knows it."""
    if kind in GRADED:
        grade = points is not None
        cell["metadata"]["nbgrader"] = {
            "grade": grade,
            "grade_id": name,
            "locked": grade and not solution,
            "schema_version": 3,
            "solution": solution,
            "task": False,
            **({"points": points} if grade else {}),
        }
    return cell


def _text(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(code: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}


def _plain(text: str, sheet: Sheet) -> str:
    """Return MyST as Markdown: labels go, references to pages become links."""

    def role(match: re.Match[str]) -> str:
        name, words, target = match.groups()
        if name == "doc":
            page = normpath(f"/book/{sheet.part}/{target}" if target[0] != "/" else target)
            return f"[{words or target.rpartition('/')[2]}]({_address()}{page}.html)"
        if name == "ref" and words:
            return words
        if name == "term":
            return words or target
        raise ValueError(
            f"{match[0]} in the sheet of {sheet.chapter}: write {{doc}}`name`, {{term}}`word`, or words"
        )

    text = re.sub(r"^\([\w-]+\)=\n?", "", text, flags=re.MULTILINE)
    if found := re.search(r"^[`:~]{3,}\{[\w-]+\}.*$", text, re.MULTILINE):
        raise ValueError(
            f"{found[0]!r} in the sheet of {sheet.chapter}: a sheet knows code cells and folds alone"
        )
    return ROLE.sub(role, text).strip()


def _address() -> str:
    """Return where the book is published."""
    try:
        urls = [url.split(", ") for url in metadata("cnncourse").get_all("Project-URL") or []]
    except PackageNotFoundError:
        return ""
    return next((url for name, url in urls if name == "Documentation"), "").rstrip("/")
