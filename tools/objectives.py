"""Which exercise trains which objective: those at the head of a chapter against its sheet."""

import re
from pathlib import Path

from cnncourse.exercises import CHECKERS, load_sheet
from cnncourse.exercises.sheet import sheet_files
from tools.notebooks.source import Chapter, SourceError, book_parser, read_chapter
from tools.prerequisites import HEADER, header
from tools.sheets import chapter_files

LIST = re.compile(r"\*\*Afterwards you can\*\*\s*\n(.*)", re.DOTALL)
NUMBER = re.compile(r"\{glue:\w+\}`[^`]*`")  # known when the page is made
ROLE = re.compile(r"\{\w+(?::\w+)?\}`([^`<]*?)\s*(?:<[^`]*>)?`")


def objectives(chapter: Chapter) -> list[str]:
    """Return what one can do after a chapter.

    Raises
    ------
    SourceError
        If its header does not say it.
    """
    found = LIST.search(header(chapter))
    if not found:
        raise SourceError(chapter.path, 1, f"the box {HEADER!r} has no list of what one can do afterwards")
    words = [" ".join(line[2:].split()).rstrip(";.") for line in re.split(r"\n+(?=- )", found[1].strip())]
    return [ROLE.sub(r"\1", NUMBER.sub("…", each)) for each in words]


def objectives_and_exercises(root: Path) -> dict[str, list[tuple[str, list[str]]]]:
    """Return, for each chapter that has a sheet, its objectives, and the titles of the exercises for each.

    Raises
    ------
    SourceError
        If an exercise is for an objective that its chapter does not have.
    """
    parser, sheets = book_parser(root), sheet_files()
    found = {}
    for path in chapter_files(root):
        if path.stem not in sheets:
            continue
        chapter = read_chapter(root, path, parser)
        rows: list[tuple[str, list[str]]] = [(objective, []) for objective in objectives(chapter)]
        for exercise in load_sheet(path.stem, CHECKERS).exercises:
            for number in exercise.objectives:
                if not 1 <= number <= len(rows):
                    raise SourceError(
                        chapter.path, 1, f"{exercise.title!r} is for objective {number} of {len(rows)}"
                    )
                rows[number - 1][1].append(exercise.title)
        found[chapter.page] = rows
    return found
