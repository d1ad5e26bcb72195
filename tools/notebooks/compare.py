"""Whether the stored notebooks show what their cells show today.

The chapters are executed with the bundled data, into the cache that the book's build reads: where the book
is built on these data too, that is once for both.
"""

import difflib
import math
import os
import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from tools.execute_book import execute_chapters
from tools.fingerprint import cache_folder
from tools.notebooks.references import Book
from tools.notebooks.run import ENVIRONMENT, IGNORED, RECORD, clean_output, code_cells, glued
from tools.notebooks.source import Chapter
from tools.notebooks.write import read_stored, sibling
from tools.sheets import is_sheet

KIND = f"{RECORD}text/plain"
SAME = {  # what differs between machines and means the same
    r"-(0\.0+)(?![\d.])": r"\1",  # zeros
    r"np\.(?:float|int|uint)\d+\(([^()]*)\)": r"\1",  # NumPy 1 and 2 show scalars in two ways
    r"<Figure size \d+x\d+": "<Figure size WxH",  # depends on the screen that matplotlib assumes
}


def compare_chapters(book: Book, chapters: list[Chapter], jobs: int) -> Iterator[str]:
    """Execute the chapters with the bundled data; yield what failed, and what a notebook shows no more."""
    os.environ.update(ENVIRONMENT)
    chosen = [book.root / chapter.path for chapter in chapters]
    executed = execute_chapters(book.root, cache_folder(book.root), jobs, chosen)
    yield from map(str, executed.failures)
    for chapter in chapters:
        stored = read_stored(book, chapter)
        if stored is None:
            yield f"{sibling(chapter.path)} is not written yet; write it with: make notebooks"
        elif is_sheet(chapter.path):  # the page has the solutions too, and its notebook no outputs
            continue
        elif (ran := executed.notebooks.get(book.root / chapter.path)) is not None:
            yield from differences(sibling(chapter.path), stored, ran)


def differences(path: str, stored: NotebookNode, executed: NotebookNode) -> Iterator[str]:
    """Yield where the outputs of a stored notebook are not those of its chapter, as it was executed."""
    old_cells = code_cells(stored)[1:]  # all but the one that installs
    new_cells = [cell for cell in code_cells(executed) if cell.source.strip()]
    if [cell.source.strip() for cell in old_cells] != [cell.source.strip() for cell in new_cells]:
        yield f"{path} has other cells than its chapter; write it anew with: make notebooks"
        return
    for old, new in zip(old_cells, new_cells, strict=True):
        if IGNORED in old.metadata.get("tags", []):
            continue
        try:
            outputs = [clean_output(output, 0) for output in new.outputs]
        except ValueError as error:
            yield f"{path}, {old.id}: {error}"
            continue
        shown = [as_text(output) for output in outputs if output.get("data") != {}]
        expected = [as_text(output) for output in old.outputs]
        if not same(expected, shown):
            lines = difflib.unified_diff(listed(expected), listed(shown), "stored", "now", lineterm="")
            yield "\n    ".join([f"{path}, {old.id}: the cell shows another thing now", *lines])


def as_text(output: NotebookNode) -> tuple[str, str]:
    """Return the kind of an output, or the name under which it is glued, and its text."""
    if output.output_type == "stream":
        return output.name, sanitized(output.text)
    if output.output_type == "error":
        return output.ename, sanitized(output.evalue)
    if name := glued(output):
        return f"glued {name}", str(output.data[KIND])
    return output.output_type, "\n".join(f"{kind}: {sanitized(value)}" for kind, value in output.data.items())


def sanitized(text: Any) -> str:
    """Return a text without what differs between machines."""
    told = str(text)
    for pattern, replacement in SAME.items():
        told = re.sub(pattern, replacement, told)
    return told


def same(stored: list[tuple[str, str]], now: list[tuple[str, str]]) -> bool:
    """Tell whether a cell's outputs say the same; glued numbers may differ by a thousandth."""
    return len(stored) == len(now) and all(
        old == new or (old[0] == new[0] and old[0].startswith("glued ") and nearly_equal(new[1], old[1]))
        for old, new in zip(stored, now, strict=True)
    )


def listed(outputs: list[tuple[str, str]]) -> list[str]:
    """Return outputs as lines."""
    return [line for kind, text in outputs for line in f"{kind}: {text}".splitlines()]


def nearly_equal(new: str, stored: str) -> bool:
    """Tell whether two glued values are the same text, or floats within a thousandth.

    They are stored with ten digits, and their last ones differ from machine to machine.

    Examples
    --------
    >>> nearly_equal("0.73210001", "0.7321"), nearly_equal("0.74", "0.7321"), nearly_equal("1792", "1793")
    (True, False, False)
    """
    if new == stored:
        return True
    if new.lstrip("-").isdigit() or stored.lstrip("-").isdigit():
        return False
    try:
        return math.isclose(float(new), float(stored), rel_tol=1e-3, abs_tol=1e-9)
    except ValueError:
        return False
