"""Sheets of exercises among the pages of the book: the package reads them, with the numbers of seed 0."""

from pathlib import Path, PurePath

from cnncourse.exercises import CHECKERS, Sheet
from cnncourse.exercises.sheet import SUFFIX, read_sheet
from tools.contents import PARTS, pages


def is_sheet(path: str | PurePath) -> bool:
    """Tell whether a page is a sheet, by its name."""
    return PurePath(path).stem.endswith(SUFFIX)


def is_chapter(path: str | PurePath) -> bool:
    """Tell whether a page is a chapter: in one of the book's parts, and no sheet."""
    return PurePath(path).parent.name in PARTS and not is_sheet(path)


def chapter_files(root: Path) -> list[Path]:
    """Return the files of all chapters, in the book's order."""
    return [path for path in pages(root) if is_chapter(path)]


def sheet(path: Path) -> Sheet:
    """Return the sheet in a file."""
    text = path.read_text(encoding="utf-8")
    return read_sheet(text, CHECKERS, 0, path.stem.removesuffix(SUFFIX), path.parent.name)


def page_text(path: Path) -> str:
    """Return the text of a page as the book shows it."""
    return sheet(path).page() if is_sheet(path) else path.read_text(encoding="utf-8")
