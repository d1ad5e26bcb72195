"""How each chapter reads, in figures: no longer than one sitting, its first figure soon, few brackets."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it.token import Token

from cnncourse.exercises import sheet_files
from tools.contents import pages
from tools.notebooks.source import Chapter, book_parser, is_directive, read_chapter, read_directive
from tools.sheets import chapter_files
from tools.sphinx_ext.folds import BEGIN, END

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = chapter_files(ROOT)
SHEETS = sheet_files()
PARSER = book_parser(ROOT)
HEADER = "Before you start"
UNTOLD = (
    "Test yourself",
    "takeaways",
    "Problems",
    "Exercises",
    "Read next",
)  # sections that need no bold sentence of their own

MOST_WORDS, MOST_IN_BRACKETS, MOST_BEFORE_A_FIGURE, LEAST_TAKEAWAYS, PROBLEMS = 3500, 0.02, 100, 4, (6, 8)
BOOK_WORDS = 62_000
WAIVED: dict[tuple[str, str], str] = {}  # (chapter, figure): why the rule would make the page worse


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a chapter asks of its reader: main text without cells, formulas, tables, header box and folds."""

    words: int
    in_brackets: float
    before_a_figure: int
    takeaways: int
    problems: int


def measure(chapter: Chapter) -> Reading:
    """Return the figures of a chapter."""
    texts, before, problems, section = [], None, 0, ""
    tokens = list(main_text(chapter.tokens))
    for position, token in enumerate(tokens):
        if is_directive(token):
            directive = read_directive(token, chapter.path)
            if directive.name == "code-cell" and "caption" in str(directive.options) and before is None:
                before = count(" ".join(texts))
            elif directive.name == "admonition" and directive.argument != HEADER:
                texts.append(without_blocks(directive.body))
        elif token.type == "inline" and tokens[position - 1].type == "heading_open":
            section = token.content
        elif token.type == "inline" and not in_a_table(tokens, position):
            texts.append(token.content)
            problems += (
                section == "Problems"
                and re.match(r"\*(Paper|Code|Experiment|Open)", token.content) is not None
            )
    text = " ".join(texts)
    brackets = " ".join(re.findall(r"(?<![\]}])\(([^()]*)\)", re.sub(r"\$[^$]*\$|`[^`]*`", "x", text)))
    return Reading(
        words=count(text),
        in_brackets=count(brackets) / count(text),
        before_a_figure=count(text) if before is None else before,
        takeaways=sum(re.fullmatch(r"\*\*.+\*\*", each, re.DOTALL) is not None for each in texts),
        problems=problems,
    )


def main_text(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens outside of folds."""
    folded = False
    for token in tokens:
        name = read_directive(token, "").name if is_directive(token) and token.level == 0 else ""
        folded = (folded or name == BEGIN) and name != END
        if not folded and name not in (BEGIN, END):
            yield token


def in_a_table(tokens: list[Token], position: int) -> bool:
    """Tell whether a token is the text of a table's cell."""
    return tokens[position - 1].type in ("th_open", "td_open")


def without_blocks(body: str) -> str:
    """Return a box's text without the fenced blocks in it."""
    return re.sub(r"^(`{3,}|:{3,}).*?^\1$", "", body, flags=re.DOTALL | re.MULTILINE)


def count(text: str) -> int:
    """Return the number of words; a formula, a role and a number are one each."""
    text = re.sub(r"\$[^$]+\$", "x", text)
    text = re.sub(r"\{[\w:-]+\}`[^`]*`", "x", text)
    return len(re.findall(r"[\w’'-]*\w[\w’'-]*", text))


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    return {path.stem: measure(read_chapter(ROOT, path, PARSER)) for path in CHAPTERS}


def describe(name: str, reading: Reading) -> str:
    return f"{name}: {reading}"


@pytest.mark.parametrize("name", [path.stem for path in CHAPTERS])
def test_a_chapter_is_one_sitting(readings: dict[str, Reading], name: str) -> None:
    found = readings[name]
    faults = {
        "words": found.words > MOST_WORDS,
        "in_brackets": found.in_brackets >= MOST_IN_BRACKETS,
        "before_a_figure": found.before_a_figure > MOST_BEFORE_A_FIGURE,
        "takeaways": found.takeaways < LEAST_TAKEAWAYS,
        "problems": name not in SHEETS and not PROBLEMS[0] <= found.problems <= PROBLEMS[1],
    }
    wrong = {fault for fault, there in faults.items() if there}
    waived = {fault for chapter, fault in WAIVED if chapter == name}
    assert wrong == waived, f"{name}: {found}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_a_sheet_of_exercises_below_it_and_leads_to_it(path: Path) -> None:
    if path.stem not in SHEETS:  # its sheet is still to be written: until then, solutions are beside it
        assert path.with_name(f"{path.stem}-solutions.md").is_file()
        return
    assert SHEETS[path.stem] == path.with_name(f"{path.stem}-exercises.md")
    assert pages(ROOT)[pages(ROOT).index(path) + 1] == SHEETS[path.stem]
    text = path.read_text(encoding="utf-8")
    assert f"{{doc}}`{path.stem}-exercises`" in text and "## Problems" not in text
    assert not path.with_name(f"{path.stem}-solutions.md").exists()


def test_the_book_is_not_too_long(readings: dict[str, Reading]) -> None:
    assert sum(reading.words for reading in readings.values()) < BOOK_WORDS


def test_what_is_counted(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nFour words and `one`. $a + b$\n\n"
        ":::{admonition} Before you start\nNot these.\n:::\n\n"
        "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: Not this.\n---\n1\n```\n\n"
        "```{fold} More\n```\n\nNor these.\n\n```{fold-end}\n```\n\n"
        ":::{admonition} Try it\n:class: tip\nBut these three.\n\n"
        "```{dropdown} Answer\nNot this.\n```\n:::\n\n"
        "| a | b |\n|---|---|\n| c | d |\n\n(Two brackets.) **Bold.**\n\n**Taken away.**\n\n"
        "## Problems\n\n1. *Paper.* Think.\n2. *Code.* Type.\n"
    )
    found = measure(read_chapter(tmp_path, page, PARSER))
    assert found.before_a_figure == 5
    assert (found.words, found.takeaways, found.problems) == (5 + 3 + 3 + 2 + 4, 1, 2)
    assert found.in_brackets == pytest.approx(2 / 17)
