"""The quizzes of the chapters: the form of a question, and Moodle XML, which most course systems can read.

A question is a block of its own. Its options are a definition list: [x] stands before the right one, and
what is below an option is said to whoever chooses it::

    :::{quiz}
    A 3x3 kernel slides over a 6x6 image without padding. What size comes out?

    [ ] 3x3
    : That's the kernel.

    [x] 4x4
    : $6 - 3 + 1 = 4$.
    :::
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from markdown_it.token import Token

from tools.contents import pages
from tools.notebooks.source import (
    Chapter,
    SourceError,
    book_parser,
    is_directive,
    make_parser,
    read_chapter,
    read_directive,
)

NAME = "quiz"
MARKS = {"[x] ": True, "[ ] ": False}
FEWEST, MOST = 3, 5  # options
RIGHT, WRONG = "Right.", "Not quite."  # how an explanation begins, on the page and in a notebook


class QuizError(ValueError):
    """A question that cannot be asked; the message says the rule."""


def is_right(option: str) -> bool:
    """Return whether an option is the right one, by the mark before it.

    Examples
    --------
    >>> is_right("[x] 4x4")
    True
    """
    if option[:4] not in MARKS:
        raise QuizError(f"an option of a quiz begins with [x] or [ ], got {option!r}")
    return MARKS[option[:4]]


def check_options(right: Sequence[bool]) -> None:
    """Refuse a question with too few or too many options, or without exactly one right one."""
    if not FEWEST <= len(right) <= MOST or sum(right) != 1:
        raise QuizError(
            f"a quiz has {FEWEST} to {MOST} options, one of them right; this one has {len(right)}, "
            f"{sum(right)} of them right"
        )


@dataclass(frozen=True)
class Option:
    """An option: its text and its explanation as HTML, and whether it is right."""

    text: str
    why: str
    right: bool


@dataclass(frozen=True)
class Question:
    """A question, as HTML, and its options."""

    text: str
    options: tuple[Option, ...]


def read_questions(chapter: Chapter) -> list[Question]:
    """Return the questions of a chapter."""
    directives = (read_directive(token, chapter.path) for token in chapter.tokens if is_directive(token))
    return [
        read_question(each.body, chapter.path, each.body_line) for each in directives if each.name == NAME
    ]


def read_question(body: str, path: str = "", line: int = 1) -> Question:
    """Return one question.

    Raises
    ------
    SourceError
        If it is not written as it should be.
    """
    tokens = make_parser(["deflist", "dollarmath"]).parse(body)
    names = [token.type for token in tokens]
    try:
        if "dl_open" not in names or names.index("dl_open") == 0:
            raise QuizError("a quiz is a question, and below it a definition list of options")
        start = names.index("dl_open")
        terms = [n for n, name in enumerate(names) if name == "dt_open"]
        ends = [*terms[1:], names.index("dl_close")]
        options = [option(tokens[begin:end]) for begin, end in zip(terms, ends, strict=True)]
        check_options([each.right for each in options])
    except QuizError as error:
        raise SourceError(path, line, str(error)) from None
    return Question(html(tokens[:start]), tuple(options))


def option(tokens: Sequence[Token]) -> Option:
    """Return an option from the tokens of its term and its definition."""
    term = next(token for token in tokens if token.type == "inline")
    right = is_right(term.content)
    assert term.children
    term.children[0].content = term.children[0].content[4:]
    inside = [n for n, token in enumerate(tokens) if token.type in ("dd_open", "dd_close")]
    return Option(html([term]), html(tokens[inside[0] + 1 : inside[-1]]), right)


def html(tokens: Iterable[Token]) -> str:
    """Return text as HTML whose formulas stand in the brackets that Moodle's MathJax reads."""
    parts = []
    for token in tokens:
        if token.type == "inline":
            parts.append(html(token.children or ()))
        elif token.type in ("paragraph_open", "paragraph_close"):
            parts.append("" if token.hidden else f"<{'/' * (token.nesting < 0)}p>")
        elif token.type == "math_inline":
            parts.append(rf"\({escape(token.content)}\)")
        elif token.type == "code_inline":
            parts.append(f"<code>{escape(token.content)}</code>")
        elif token.type in ("em_open", "em_close", "strong_open", "strong_close"):
            parts.append(f"<{'/' * (token.nesting < 0)}{token.tag}>")
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "fence":
            parts.append(f"<pre>{escape(token.content)}</pre>")
        elif token.type == "text":
            parts.append(escape(token.content))
        else:
            raise QuizError(f"a quiz holds text, code and formulas, no {token.type.replace('_', ' ')}")
    return "".join(parts)


def moodle_xml(name: str, questions: Sequence[Question]) -> str:
    """Return the questions of a chapter as a file that Moodle imports as a category of its own.

    Source: Moodle's documentation, "Moodle XML format".
    """
    category = f"<category><text>$course$/top/cnncourse/{name}</text></category>"
    parts = [f'<question type="category">{category}</question>']
    for number, each in enumerate(questions, 1):
        answers = "".join(
            f'<answer fraction="{100 if choice.right else 0}" format="html">{_text(choice.text)}'
            f'<feedback format="html">{_text(choice.why)}</feedback></answer>'
            for choice in each.options
        )
        parts.append(
            f'<question type="multichoice"><name><text>{name} {number}</text></name>'
            f'<questiontext format="html">{_text(each.text)}</questiontext><defaultgrade>1</defaultgrade>'
            f"<single>true</single><shuffleanswers>true</shuffleanswers>{answers}</question>"
        )
    body = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n{body}\n</quiz>\n'


def _text(html_text: str) -> str:
    return f"<text>{escape(html_text)}</text>"


def write_quizzes(root: Path, folder: Path) -> list[Path]:
    """Write a file for each chapter that has questions."""
    folder.mkdir(parents=True, exist_ok=True)
    parser, written = book_parser(root), []
    for page in pages(root):
        questions = read_questions(read_chapter(root, page, parser))
        if questions:
            written.append(folder / f"{page.stem}.xml")
            written[-1].write_text(moodle_xml(page.stem, questions), encoding="utf-8")
    return written
