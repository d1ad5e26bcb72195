"""Which chapter needs which, read from the box at the head of each chapter."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from tools.notebooks.source import (
    Chapter,
    SourceError,
    book_parser,
    is_directive,
    read_chapter,
    read_directive,
)
from tools.sheets import chapter_files

HEADER = "Before you start"
NEED = re.compile(r"\*\*You need\*\*(.*?)(?=\n\s*\n|\Z)", re.DOTALL)
LINK = re.compile(r"\{(doc|ref)\}`(?:[^`<]*<)?([^`<>]+)>?`")


def prerequisites(root: Path) -> dict[str, list[str]]:
    """Return, for each chapter in order, the chapters that its header says one needs.

    Raises
    ------
    SourceError
        If a chapter has no header, or needs one that comes later.
    """
    parser = book_parser(root)
    paths = chapter_files(root)
    chapters = [read_chapter(root, path, parser) for path in paths]
    labels = {label: chapter.page for chapter in chapters for label in _labels(chapter)}
    order = [chapter.page for chapter in chapters]
    found: dict[str, list[str]] = {}
    for chapter in chapters:
        needed = {
            _page(kind, target.strip(), chapter, labels) for kind, target in LINK.findall(_need(chapter))
        }
        found[chapter.page] = [page for page in order if page in needed]
        if late := [page for page in found[chapter.page] if order.index(page) >= order.index(chapter.page)]:
            raise SourceError(chapter.path, 1, f"it needs {late[0]}, which comes no earlier in the contents")
    return found


def _labels(chapter: Chapter) -> list[str]:
    return [token.content for token in chapter.tokens if token.type == "myst_target"]


def header(chapter: Chapter) -> str:
    """Return the text of the box at a chapter's head.

    Raises
    ------
    SourceError
        If there is none.
    """
    for token in chapter.tokens:
        if is_directive(token) and (box := read_directive(token, chapter.path)).argument == HEADER:
            return box.body
    raise SourceError(chapter.path, 1, f"the box {HEADER!r} is missing")


def _need(chapter: Chapter) -> str:
    """Return the paragraph that says what one needs; a sentence on what is explained later is none."""
    paragraph = NEED.search(header(chapter))
    return re.split(r"(?<=\.)\s+(?=Some cells )", paragraph[1])[0] if paragraph else ""


def _page(kind: str, target: str, chapter: Chapter, labels: Mapping[str, str]) -> str:
    if kind == "ref":
        return labels[target]
    base = Path(chapter.page).parent / target
    return posixpath.normpath(base.as_posix())


def without_detours(needs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what is needed directly: a chapter that another needed one needs already is left out.

    Examples
    --------
    >>> without_detours({"a": [], "b": ["a"], "c": ["a", "b"]})
    {'a': [], 'b': ['a'], 'c': ['b']}
    """
    beyond: dict[str, set[str]] = {}
    for page, direct in needs.items():  # earlier chapters come first
        beyond[page] = {*direct, *(each for one in direct for each in beyond[one])}
    return {
        page: [each for each in direct if not any(each in beyond[other] for other in direct)]
        for page, direct in needs.items()
    }
