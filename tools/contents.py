"""The pages of the book, as _toc.yml names them."""

from collections.abc import Mapping
from pathlib import Path

import yaml

PARTS = ("foundations", "architectures", "practice")  # of the book: their pages are chapters and sheets
OLD_ADDRESS = "<!DOCTYPE html>\n<!-- an old address -->\n"  # how a page that only leads on begins


def toc_files(toc: Mapping[str, object]) -> list[str]:
    """Return the documents that a table of contents names, the root first."""
    files = [str(toc["root"])]

    def walk(entry: object) -> None:
        if isinstance(entry, Mapping):
            if "file" in entry:
                files.append(str(entry["file"]))
            for value in entry.values():
                walk(value)
        elif isinstance(entry, list):
            for value in entry:
                walk(value)

    walk({key: value for key, value in toc.items() if key != "root"})
    return files


def pages(root: Path) -> list[Path]:
    """Return the source file of each page of the book, in the order of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [root / (file if file.endswith(".md") else f"{file}.md") for file in toc_files(toc)]


def moved_pages(root: Path) -> dict[str, str]:
    """Return the old addresses of pages, each with the page that it leads to, from book/moved.yml."""
    file = root / "book" / "moved.yml"
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}


def built_pages(site: Path) -> list[str]:
    """Return the pages of a built site but the slides, as paths below it; none where it was not built."""
    return sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if not {"_static", "slides"} & set(path.relative_to(site).parts)
        and not path.read_text(encoding="utf-8").startswith(OLD_ADDRESS)  # such a page only leads on
    )
