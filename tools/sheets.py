"""Sheets of exercises among the pages of the book: the package reads them, with the numbers of seed 0."""

from pathlib import Path, PurePath

from cnncourse.exercises import CHECKERS, Sheet
from cnncourse.exercises.sheet import SUFFIX, read_sheet


def is_sheet(path: str | PurePath) -> bool:
    """Tell whether a page is a sheet, by its name."""
    return PurePath(path).stem.endswith(SUFFIX)


def sheet(path: Path) -> Sheet:
    """Return the sheet in a file."""
    text = path.read_text(encoding="utf-8")
    return read_sheet(text, CHECKERS, 0, path.stem.removesuffix(SUFFIX), path.parent.name)


def page_text(path: Path) -> str:
    """Return the text of a page as the book shows it."""
    return sheet(path).page() if is_sheet(path) else path.read_text(encoding="utf-8")
