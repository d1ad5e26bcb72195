"""Directives as plain Markdown or HTML: one function for each kind, and the table of those that are known."""

import itertools
import re
import textwrap

from tools.notebooks.markdown import Converter, Render
from tools.notebooks.roles import escape
from tools.notebooks.source import Directive
from tools.quiz import RIGHT, WRONG, is_right, read_question


def quote(text: str) -> str:
    """Put a quotation's sign before each line."""
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def folded(title: str, body: str) -> str:
    """Return HTML that shows a title, and the body when it is opened; blank lines keep the body Markdown."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def admonition(converter: Converter, directive: Directive) -> str:
    """Return a quotation with a bold title, folded where the page folds it."""
    title, body, line = directive.argument, directive.body, directive.body_line
    if directive.name != "admonition":  # {note} and its kin: what stands on the first line is text
        body = "\n\n".join(part for part in (title, body) if part)
        line = directive.line if title else line
        title = "See also" if directive.name == "seealso" else directive.name.capitalize()
    if not title:
        converter.fail(directive, "an admonition needs a title")
    if "dropdown" in str(directive.options.get("class", "")).split():
        return folded(converter.html(title, directive.line), converter.body(body, line))
    with converter.nested():
        text = f"**{converter.inline(title, directive.line)}**\n\n{converter.body(body, line)}"
    return quote(text.rstrip())


def dropdown(converter: Converter, directive: Directive) -> str:
    """Return HTML that opens and closes."""
    title = converter.html(directive.argument or "More", directive.line)
    return folded(title, converter.body(directive.body, directive.body_line))


def fold(converter: Converter, directive: Directive) -> str:
    """Return a heading where a fold begins, and nothing where it ends: no fold of a notebook holds cells."""
    if converter.offset or converter.depth:
        converter.fail(directive, "a fold begins and ends in the running text, not inside another block")
    if directive.name == "fold-end":
        return ""
    if not directive.argument:
        converter.fail(directive, "a fold needs a title")
    level = converter.chapter.heading_level(directive.line) + 1
    return f"{'#' * level} {converter.inline(directive.argument, directive.line)}"


def quiz(converter: Converter, directive: Directive) -> str:
    """Return a question, and below it options that open on what is said to whoever chooses them."""
    read_question(directive.body, converter.chapter.path, directive.body_line)
    question, *options = re.split(r"^(?=\[[x ]\] )", directive.body, flags=re.MULTILINE)
    parts, line = [converter.body(question, directive.body_line)], directive.body_line
    for before, option in itertools.pairwise((question, *options)):
        line += before.count("\n")
        title, _, said = option.partition("\n")
        verdict = RIGHT if is_right(title) else WRONG
        text = converter.body(textwrap.dedent(said.replace(":", " ", 1)), line + 1)
        parts.append(folded(converter.html(title[4:], line), f"**{verdict}** {text}"))
    return "\n\n".join(parts)


def widget(converter: Converter, directive: Directive) -> str:
    """Return what stands in a widget's place where no script runs, and a link to the page that has it."""
    title = str(directive.options.get("title", "")).strip()
    if not title:
        converter.fail(directive, "a widget needs a :title: that says what can be done with it")
    if not directive.body:
        converter.fail(directive, "a widget needs content: the figure or text that stands in its place")
    address = converter.book.address(converter.chapter.page, f"widget-{directive.argument}")
    with converter.nested():
        link = f"**[{converter.inline(title, directive.line)}]({address})** (on the page)"
        text = f"{link}\n\n{converter.body(directive.body, directive.body_line)}"
    return quote(text.rstrip())


def figure(converter: Converter, directive: Directive) -> str:
    """Return a picture, and its caption with the page's number."""
    alt = str(directive.options.get("alt", "")).strip()
    if not alt:
        converter.fail(directive, "the picture needs an :alt: that says what it shows")
    try:
        picture = converter.picture(directive.argument, " ".join(alt.split()))
    except FileNotFoundError as error:
        converter.fail(directive, str(error))
    if not directive.body:
        return picture
    text = converter.body(directive.body, directive.body_line)
    return f"{picture}\n\n{caption('Figure', converter.number(directive), text)}"


def caption(kind: str, number: str, text: str) -> str:
    """Return a caption with its number in bold."""
    return f"**{kind} {number}.** {text}" if number else text


def math(converter: Converter, directive: Directive) -> str:
    """Return a formula between double dollars, with the page's number where it has a label."""
    formula = "\n\n".join(part for part in (directive.argument, directive.body) if part)
    number = converter.number(directive) if directive.options.get("label") else ""
    return converter.display(formula, number)


def code_block(converter: Converter, directive: Directive) -> str:
    """Return code that is shown and not run."""
    mark = "`" * 3
    while mark in directive.body:
        mark += "`"
    code = f"{mark}{directive.argument}\n{directive.body}\n{mark}"
    text = directive.options.get("caption")
    if not text:
        return code
    title = caption("Listing", converter.number(directive), converter.inline(str(text), directive.line))
    return f"{title}\n\n{code}"


def list_table(converter: Converter, directive: Directive) -> str:
    """Return a list of lists as a table with bars."""
    rows = converter.list_cells(directive)
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        converter.fail(directive, f"the rows of the list-table differ in length: {sorted(widths)}")
    count = int(directive.options.get("header-rows", 0))
    if count > 1:
        converter.fail(directive, "a table in a notebook has one row of headings at most")
    head = rows.pop(0) if count else [""] * widths.pop()
    lines = [head, ["---"] * len(head), *rows]
    return with_title(converter, directive, "\n".join(f"| {' | '.join(line)} |" for line in lines))


def table(converter: Converter, directive: Directive) -> str:
    """Return the table that stands in the directive, after its title."""
    return with_title(converter, directive, converter.body(directive.body, directive.body_line))


def with_title(converter: Converter, directive: Directive, text: str) -> str:
    """Put a table's title and number before it."""
    if not directive.argument:
        return text
    title = converter.inline(directive.argument, directive.line)
    return f"{caption('Table', converter.number(directive), title)}\n\n{text}"


def in_words(alt: str) -> str:
    """Return a picture's description, folded, for those who do not see the picture."""
    return folded("This figure in words", escape(" ".join(alt.split())))


ADMONITIONS = (
    "admonition",
    "attention",
    "caution",
    "danger",
    "error",
    "hint",
    "important",
    "note",
    "seealso",
    "tip",
    "warning",
)
DIRECTIVES: dict[str, Render] = {
    **dict.fromkeys(ADMONITIONS, admonition),
    "code-block": code_block,
    "dropdown": dropdown,
    "figure": figure,
    "fold": fold,
    "fold-end": fold,
    "image": figure,
    "list-table": list_table,
    "math": math,
    "quiz": quiz,
    "table": table,
    "widget": widget,
}
