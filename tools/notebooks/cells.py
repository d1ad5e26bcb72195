"""A chapter as the cells of a notebook: sources only, nothing is run here."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from markdown_it.token import Token
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement

from cnncourse.exercises import CHECKERS, notebook
from tools.notebooks.directives import DIRECTIVES, caption, in_words
from tools.notebooks.markdown import Converter
from tools.notebooks.references import Book
from tools.notebooks.run import RECORD
from tools.notebooks.source import (
    Chapter,
    Directive,
    RolesError,
    SourceError,
    first_line,
    is_directive,
    read_directive,
)
from tools.sheets import sheet
from tools.sphinx_ext.folds import BEGIN, END, HEADING, FoldError, pair_folds
from tools.stand_in import CALL, IN_A_NOTEBOOK

METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
HEAVY = ("torch", "torchvision")  # never installed nor changed by a notebook
MODULES = {"pillow": "PIL"}  # distributions whose module has another name
# What a chapter's code says where it needs what an extra brings.
USES = {"pretrained": re.compile(r"efficientnet_lite0|\bpredict_files\(|\bcnncourse (predict|classify)\b")}
KEPT_TAGS = ("nbval-ignore-output", "nbval-skip", "raises-exception")
KNOWN_TAGS = (
    *KEPT_TAGS,
    *(f"{verb}-{part}" for verb in ("hide", "remove") for part in ("cell", "input", "output")),
)

INSTALL = """\
# Where the course's package is missing, as on Colab, this installs it.
# What is there already stays as it is, torch above all.
import subprocess
import sys
from importlib.util import find_spec

if find_spec("cnncourse") is None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "cnncourse"], check=True)
    needs = {needs}
    missing = [name for module, name in needs.items() if find_spec(module) is None]
    if missing:
        subprocess.run([*pip, *missing], check=True)"""


INSTALL_MORE = """

# This chapter needs what comes in a package of its own.
if find_spec("{module}") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "{name}"], check=True)"""


def install_cell(dependencies: list[str], more: Iterable[str] = ()) -> str:
    """Return the code that installs the package where it is missing, and its light dependencies.

    Parameters
    ----------
    dependencies : list of str
        The package's requirements.
    more : iterable of str
        Requirements of the chapter beyond these, installed where they are missing, the package there or not.
    """
    names = sorted(requirement.name for requirement in map(Requirement, dependencies))
    needs = {MODULES.get(name, name): name for name in names if name not in HEAVY}
    lines = "".join(f'        "{module}": "{name}",\n' for module, name in needs.items())
    cell = INSTALL.replace("{needs}", f"{{\n{lines}    }}")
    for name in (requirement.name for requirement in map(Requirement, more)):
        cell += INSTALL_MORE.format(module=name.replace("-", "_"), name=name)
    return cell


def extras_of(chapter: Chapter) -> list[str]:
    """Return the extras of the package that a chapter's code needs."""
    code = "\n".join(item.body for item in split(chapter) if isinstance(item, Directive))
    return [extra for extra, use in USES.items() if use.search(code)]


def make_notebook(
    book: Book,
    chapter: Chapter,
    dependencies: list[str],
    glued: Mapping[str, str],
    extras: Mapping[str, list[str]] = MappingProxyType({}),
) -> NotebookNode:
    """Return the chapter's notebook, not run.

    Parameters
    ----------
    book, chapter
        The page, and all that it may refer to.
    dependencies : list of str
        The package's requirements.
    glued : mapping of str to str
        The values of the chapter's run; empty to see the code alone.
    extras : mapping of str to list of str
        The requirements of the package's extras; the first cell installs those that the chapter needs.
    """
    check_folds(chapter)
    converter = Converter(book, chapter, glued, DIRECTIVES)
    cells: list[NotebookNode] = []
    for item in split(chapter):
        if isinstance(item, Directive):
            cells.extend(code_cells(converter, item))
        else:
            cells.append(new_markdown_cell(converter.convert(item).strip()))
    if converter.errors:
        raise RolesError(converter.errors)
    cells = [cell for cell in cells if cell.source]
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        raise SourceError(chapter.path, 1, "a chapter begins with its title: a line that begins with #")
    heading, _, rest = cells[0].source.partition("\n")
    cells[0].source = f"{heading}\n\n{preface(book, chapter)}\n{rest}".rstrip()
    more = [name for extra in extras_of(chapter) for name in extras.get(extra, [])]
    cells.insert(1, new_code_cell(install_cell(dependencies, more)))
    for position, cell in enumerate(cells, 1):
        cell.id = f"cell-{position:03d}"
    notebook: NotebookNode = new_notebook(cells=cells, metadata=METADATA)
    return notebook


def make_exercises(book: Book, chapter: Chapter, dependencies: list[str]) -> NotebookNode:
    """Return the notebook of a sheet of exercises, for learners: without a solution, and not run."""
    made = notebook([sheet(book.root / chapter.path)], CHECKERS, "student")
    heading, _, rest = made["cells"][0]["source"].partition("\n")
    made["cells"][0]["source"] = f"{heading}\n\n{preface(book, chapter)}\n{rest}".rstrip()
    made["cells"].insert(1, new_code_cell(install_cell(dependencies)))
    for position, cell in enumerate(made["cells"], 1):
        cell["id"] = f"cell-{position:03d}"
    exercises: NotebookNode = from_dict(made)
    return exercises


def preface(book: Book, chapter: Chapter) -> str:
    """Return the lines that say where the notebook comes from, and on which images it ran."""
    takes_stand_in = any(CALL in token.content for token in chapter.tokens)
    return (
        f"*This notebook is the chapter [{book.titles[chapter.page]}]({book.address(chapter.page)}) "
        "of the course. Run the cells from the top: the first one installs what is missing, "
        "and the pictures appear as you go.*" + (IN_A_NOTEBOOK if takes_stand_in else "")
    )


def check_folds(chapter: Chapter) -> None:
    """Stop where a fold is not in order."""
    marks = []
    for token in (token for token in chapter.tokens if token.level == 0):
        name = read_directive(token, chapter.path).name if is_directive(token) else ""
        kind = HEADING if token.type == "heading_open" else name
        if kind in (BEGIN, END, HEADING):
            marks.append((kind, first_line(token)))
    try:
        pair_folds(marks)
    except FoldError as error:
        raise SourceError(chapter.path, error.place, str(error)) from None


def split(chapter: Chapter) -> Iterator[list[Token] | Directive]:
    """Yield a chapter's code cells, and what stands between them, anew at each heading."""
    text: list[Token] = []
    for token in chapter.tokens:
        directive = read_directive(token, chapter.path) if is_directive(token) and token.level == 0 else None
        is_cell = directive is not None and directive.name == "code-cell"
        begins = token.type in ("heading_open", "myst_block_break") and token.level == 0
        begins_fold = directive is not None and directive.name == BEGIN
        if text and (is_cell or begins or begins_fold):
            yield text
            text = []
        if directive is not None and is_cell:
            yield directive
        else:
            text.append(token)
    if text:
        yield text


def code_cells(converter: Converter, directive: Directive) -> Iterator[NotebookNode]:
    """Yield a code cell, and after it the caption and the description of the figure that it draws."""
    options = directive.options
    unknown = sorted({*options} - {"tags", "mystnb"})
    if unknown:
        converter.fail(directive, f"unknown options of a code cell: {', '.join(map(str, unknown))}")
    tags = options.get("tags") or []
    strange = [tag for tag in tags if tag not in KNOWN_TAGS]
    if strange:
        converter.fail(directive, f"unknown tags of a code cell: {', '.join(strange)}")
    kept = [tag for tag in tags if tag in KEPT_TAGS]
    yield new_code_cell(directive.body, metadata={"tags": kept} if kept else {})
    text = figure_text(converter, directive, options.get("mystnb") or {})
    if text:
        yield new_markdown_cell(text)


def figure_text(converter: Converter, directive: Directive, options: Mapping[str, Any]) -> str:
    """Return the caption and the description of the figure that a cell draws."""
    title = str((options.get("figure") or {}).get("caption") or "")
    alt = str((options.get("image") or {}).get("alt") or "")
    parts = []
    if title:
        parts.append(caption("Figure", converter.number(directive), converter.inline(title, directive.line)))
    if alt:
        parts.append(in_words(alt))
    return "\n\n".join(parts)


def glued_values(notebook: NotebookNode) -> dict[str, str]:
    """Return the values that a notebook's cells attached with `glue`."""
    values = {}
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        if name:
            values[name] = output["data"][f"{RECORD}text/plain"]
    return values
