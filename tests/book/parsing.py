"""The built pages as trees of tags: each is read once for all the checks of its HTML."""

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag


@cache
def parsed(path: Path) -> BeautifulSoup:
    """Return the page as a tree."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path: Path) -> dict[str, Tag]:
    """Return the tag of each id of a page; of several tags with one id, the first, as a browser does."""
    return {str(tag["id"]): tag for tag in reversed(parsed(path).find_all(id=True))}
