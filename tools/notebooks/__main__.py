"""Write, check, test or show the notebooks beside the chapters.

Without an option, each chapter's notebook is written anew and run on the bundled data; --text writes it anew
with the outputs that are stored; --check compares sources without running anything; --test runs the
chapters and compares their outputs with those stored.
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from tools.notebooks.compare import compare_chapters
from tools.notebooks.drift import check
from tools.notebooks.references import Book, read_book
from tools.notebooks.source import Chapter, SourceError
from tools.notebooks.write import reword_chapter, run_chapter, sibling, write

ROOT = Path(__file__).resolve().parent.parent.parent
JOBS = 2
Make = Callable[[Book, Chapter], NotebookNode]


def select(book: Book, names: list[str]) -> list[Chapter]:
    """Return the chapters that have notebooks, or those of them that are named by file or by name."""
    chapters = [chapter for chapter in book.chapters.values() if chapter.is_notebook]
    if not names:
        return chapters
    chosen = []
    for name in names:
        stem = Path(name).stem
        found = [chapter for chapter in chapters if Path(chapter.path).stem == stem]
        if not found:
            known = ", ".join(Path(chapter.path).stem for chapter in chapters)
            sys.exit(f"{name} is no chapter with code cells in _toc.yml; known: {known}")
        chosen.extend(found)
    return chosen


def write_all(book: Book, chapters: list[Chapter], make: Make, html: Path | None = None) -> int:
    """Make notebooks, two at a time, and write them, also as web pages in `html`; return the exit status."""

    def one(chapter: Chapter) -> str:
        start = time.perf_counter()
        try:
            notebook = make(book, chapter)
            if html:
                from tools.notebooks.html import write_page

                write_page(deepcopy(notebook), html / f"{chapter.page}.html")
            state = "written" if write(book, chapter, notebook) else "unchanged"
        except SourceError as error:
            return f"failed: {error}"
        return f"{sibling(chapter.path)}: {state}, {time.perf_counter() - start:.0f} s"

    status = 0
    with ThreadPoolExecutor(JOBS) as pool:
        for line in pool.map(one, chapters):
            print(line, file=sys.stderr if line.startswith("failed") else sys.stdout, flush=True)
            status |= line.startswith("failed")
    return status


def check_all(book: Book, chapters: list[Chapter], everything: bool) -> int:
    """Compare the stored notebooks with their chapters; return the exit status."""
    problems = check(book, chapters, everything)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("Write the notebooks anew with: make notebooks", file=sys.stderr)
    return int(bool(problems))


def test_all(book: Book, chapters: list[Chapter]) -> int:
    """Execute the chapters and compare with the stored notebooks; return the exit status."""
    problems = list(compare_chapters(book, chapters, JOBS))
    print(*problems, sep="\n\n", file=sys.stderr)
    if not problems:
        print(f"{len(chapters)} notebooks show what their cells show today")
    return int(bool(problems))


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="chapters by file or name (default: all)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--text", action="store_true", help="write the text anew, keep the stored outputs")
    choice.add_argument(
        "--check", action="store_true", help="compare sources, run nothing; exit status 1 on drift"
    )
    choice.add_argument("--test", action="store_true", help="run the notebooks, compare their outputs")
    parser.add_argument("--html", type=Path, metavar="DIR", help="write them also as web pages, to look at")
    options = parser.parse_args(arguments)
    try:
        book = read_book(ROOT)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    chapters = select(book, options.chapters)
    if options.check:
        return check_all(book, chapters, everything=not options.chapters)
    if options.test:
        return test_all(book, chapters)
    return write_all(book, chapters, reword_chapter if options.text else run_chapter, options.html)


if __name__ == "__main__":
    sys.exit(main())
