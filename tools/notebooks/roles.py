"""Roles as plain Markdown: links to the published pages, formulas, numbers from the notebook's own run."""

import re
from collections.abc import Mapping

from myst_nb.core.variables import format_plain_text
from sphinx.util.nodes import explicit_title_re

from tools.notebooks.references import NAMES, Book, Target

SIGNS = re.compile(r"[\\`*_\[\]<$]")


class RoleError(ValueError):
    """A role that cannot be turned into Markdown; the message says why."""


def render_role(name: str, content: str, page: str, book: Book, glued: Mapping[str, str]) -> str:
    """Return a role as Markdown.

    Parameters
    ----------
    name, content : str
        As in ``{name}`content```.
    page : str
        The page on which the role stands.
    book : Book
        All that can be referred to.
    glued : mapping of str to str
        The values that the chapter's cells attached with `glue`, as text.
    """
    if name == "math":
        return f"${content}$"
    if name == "glue:text":
        return escape(glued_text(content, glued))
    if name in ("cite:p", "cite:t", "cite"):
        return citations(name, content, book)
    text, target = split_title(content)
    if name == "term":
        return term(text, target, book)
    if name == "doc":
        found = book.resolve_page(target, page)
        if found not in book.chapters:
            raise RoleError(f"no page {target!r} in the table of contents")
        return link(text or book.titles.get(found, found), book.address(found))
    if name == "ref":
        return section(text, look_up(target, book), target, book)
    if name == "numref":
        return numbered(text, look_up(target, book), target, book)
    if name == "eq":
        found_equation = look_up(f"equation {target}", book, shown=target)
        return link(f"({found_equation.number})", book.address(found_equation.page, found_equation.anchor))
    raise RoleError(f"unknown role {{{name}}}; teach it to tools/notebooks/roles.py or say it otherwise")


def split_title(content: str) -> tuple[str, str]:
    """Split ``text <target>`` into both; the text is empty where there is only a target."""
    match = explicit_title_re.match(content)
    return (match.group(1), match.group(2)) if match else ("", content.strip())


def look_up(label: str, book: Book, shown: str = "") -> Target:
    """Return the target of a label."""
    key = " ".join(label.lower().split())
    if key not in book.targets:
        raise RoleError(f"no page of the book holds the label {shown or label!r}")
    return book.targets[key]


def link(text: str, address: str) -> str:
    """Return a Markdown link; `text` is text, not Markdown, but formulas in dollars stay formulas."""
    return f"[{escape(text)}]({address})"


def escape(text: str) -> str:
    """Escape what Markdown would take for markup, outside of formulas."""
    parts = text.split("$")
    if len(parts) % 2 == 0:  # a dollar without a second one is a dollar
        parts = [text]
    parts[::2] = [SIGNS.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "$".join(parts)


def section(text: str, target: Target, label: str, book: Book) -> str:
    """Return a link to a section, figure or table, by its title where no text is given."""
    if not (text or target.title):
        raise RoleError(
            f"the label {label!r} stands before no heading or caption; write {{ref}}`text <{label}>`"
        )
    return link(text or target.title, book.address(target.page, target.anchor))


def numbered(text: str, target: Target, label: str, book: Book) -> str:
    """Return a link with the number of a figure, table or listing, in the place of ``%s`` or ``{number}``."""
    if not target.number or target.kind not in NAMES:
        raise RoleError(
            f"{label!r} has no number: {{numref}} needs a figure, table or listing with a caption"
        )
    pattern = text or f"{NAMES[target.kind]} %s"
    shown = (
        pattern.replace("%s", target.number)
        .replace("{number}", target.number)
        .replace("{name}", target.title)
    )
    return link(shown, book.address(target.page, target.anchor))


def term(text: str, name: str, book: Book) -> str:
    """Return a link to a term of the glossary."""
    address = book.terms.get(name) or book.terms.get(name.lower())
    if address is None:
        raise RoleError(f"the glossary has no term {name!r}")
    return link(text or name, f"{book.addresses.pages}/{address}")


def citations(name: str, content: str, book: Book) -> str:
    """Return names and years, each linked to the paper, in parentheses for ``{cite:p}``."""
    shown = []
    for key in (key.strip() for key in content.split(",")):
        if key not in book.sources:
            raise RoleError(f"book/references.bib has no entry {key!r}")
        source = book.sources[key]
        address = source.address or book.address("book/reference/references")
        textual = name == "cite:t"
        year = f" ({source.year})" if textual else f", {source.year}"
        shown.append(link(source.authors + (year if source.year else ""), address))
    return ", ".join(shown) if name == "cite:t" else f"({'; '.join(shown)})"


def glued_text(content: str, glued: Mapping[str, str]) -> str:
    """Return a value of the chapter's own run, in the format that the role names."""
    name, _, pattern = content.rpartition(":") if ":" in content else (content, "", "")
    if name not in glued:
        raise RoleError(f"no cell of this chapter glues {name!r}")
    try:
        return str(format_plain_text(glued[name], pattern))
    except (TypeError, ValueError) as error:
        raise RoleError(
            f"the value of {name!r}, {glued[name]!r}, cannot be shown as {pattern!r}: {error}"
        ) from None
