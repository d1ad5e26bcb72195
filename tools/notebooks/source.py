"""Chapters as tokens: the book's own Markdown parser, directives with their options, and their lines."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdformat.renderer import MDRenderer
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from tools.sheets import page_text


class SourceError(Exception):
    """Something in a chapter that cannot become part of a notebook, with its file and line."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


class RolesError(SourceError):
    """All that a chapter's roles lack, one line each."""

    def __init__(self, errors: list[SourceError]) -> None:
        Exception.__init__(self, "\n".join(str(error) for error in errors))


@dataclass(frozen=True)
class Directive:
    """A fenced block that begins with a name in braces.

    Attributes
    ----------
    name, argument : str
        As in ``{name} argument``.
    options : dict
        The YAML block, or the lines that begin with a colon.
    body : str
        What follows the options.
    line : int
        The line of the fence in its file, counted from 1.
    body_line : int
        The line of the body's first line.
    """

    name: str
    argument: str
    options: dict[str, Any]
    body: str
    line: int
    body_line: int


@dataclass(frozen=True)
class Chapter:
    """A page of the book: its path below the root, its front matter and its tokens."""

    path: str
    front_matter: dict[str, Any]
    tokens: list[Token] = field(repr=False)
    env: dict[str, Any] = field(repr=False)

    @property
    def page(self) -> str:
        """The page's name in the book: the path without its suffix."""
        return self.path.removesuffix(".md")

    @property
    def is_notebook(self) -> bool:
        """Whether the page has code cells, and therefore a notebook beside it."""
        cells = (read_directive(token, self.path) for token in self.tokens if is_directive(token))
        return "kernelspec" in self.front_matter and any(cell.name == "code-cell" for cell in cells)

    def heading_level(self, line: int) -> int:
        """Return the level of the heading under which a line stands."""
        above = [token for token in self.tokens if token.type == "heading_open" and first_line(token) < line]
        return int(above[-1].tag[1:]) if above else 0


def make_parser(extensions: list[str]) -> MarkdownIt:
    """Return the parser that the book uses, with the syntax extensions of _config.yml."""
    config = MdParserConfig(enable_extensions=set(extensions), dmath_double_inline=True)
    parser: MarkdownIt = create_md_parser(config, MDRenderer)  # type: ignore[arg-type]  # its render has one more argument, with a default
    return parser


def book_parser(root: Path) -> MarkdownIt:
    """Return the parser with the settings of the book below `root`."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return make_parser(config["parse"]["myst_enable_extensions"])


def read_chapter(root: Path, path: Path, parser: MarkdownIt) -> Chapter:
    """Parse one page of the book."""
    env: dict[str, Any] = {}
    tokens = parser.parse(page_text(path), env)
    front_matter: dict[str, Any] = {}
    if tokens and tokens[0].type == "front_matter":
        front_matter = yaml.safe_load(tokens.pop(0).content) or {}
    return Chapter(path.relative_to(root).as_posix(), front_matter, tokens, env)


def first_line(token: Token) -> int:
    """Return the line of a token in the text that was parsed, from 1."""
    return (token.map[0] if token.map else 0) + 1


def is_directive(token: Token) -> bool:
    """Tell whether a token is a fenced block that begins with a name in braces."""
    return token.type in ("fence", "colon_fence") and token.info.lstrip().startswith("{")


def read_directive(token: Token, path: str, offset: int = 0) -> Directive:
    """Take a directive's token apart.

    Parameters
    ----------
    token : Token
        One for which `is_directive` is true.
    path : str
        The chapter's path, for messages.
    offset : int
        The number of lines before the text that was parsed, where the directive stands inside another one.
    """
    line = offset + first_line(token)
    name, closed, argument = token.info.strip()[1:].partition("}")
    if not closed:
        raise SourceError(path, line, f"the directive's brace is not closed: {token.info.strip()}")
    options, body, skipped = split_options(token.content)
    try:
        values = yaml.safe_load(options) or {}
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SourceError(path, line, f"the options of {{{name}}} are no YAML: {reason}") from None
    if not isinstance(values, dict):
        raise SourceError(
            path, line, f"the options of {{{name}}} are no list of names and values: {values!r}"
        )
    return Directive(name.strip(), argument.strip(), values, body, line, line + 1 + skipped)


def split_options(content: str) -> tuple[str, str, int]:
    """Split a directive's content into its options (as YAML), its body, and the lines before the body."""
    lines = content.split("\n")
    start, end = 0, 0
    if lines[0].rstrip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), len(lines))
        options, start = lines[1:end], end + 1
    else:
        while start < len(lines) and lines[start].lstrip().startswith(":") and not is_fence(lines[start]):
            start += 1
        options = [line.lstrip()[1:] for line in lines[:start]]
    while start < len(lines) and not lines[start].strip():
        start += 1
    return "\n".join(options), "\n".join(lines[start:]).rstrip("\n"), start


def is_fence(line: str) -> bool:
    """Tell whether a line that begins with a colon opens a block of its own."""
    return line.lstrip().startswith(":::")
