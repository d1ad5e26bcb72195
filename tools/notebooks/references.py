"""What the chapters refer to, gathered over the whole book: sections, figures, equations, terms, papers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml
from docutils.nodes import make_id
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.contents import pages
from tools.notebooks.bibliography import Source, read_sources
from tools.notebooks.source import Chapter, Directive, book_parser, is_directive, read_chapter, read_directive
from tools.sphinx_ext.addresses import Addresses, read_addresses

NAMES = {"figure": "Figure", "table": "Table", "code-block": "Listing"}
PLAIN = (
    "code-cell",
    "code-block",
    "math",
    "glossary",
    "bibliography",
    "eval-rst",
)  # bodies that are no Markdown


@dataclass(frozen=True)
class Target:
    """Something with a label: where it stands, what it is called, and its number."""

    page: str
    anchor: str
    title: str = ""
    kind: str = "section"
    number: str = ""


@dataclass
class Book:
    """The book as the notebooks need it."""

    root: Path
    parser: MarkdownIt
    addresses: Addresses
    chapters: dict[str, Chapter]
    sources: dict[str, Source]
    targets: dict[str, Target] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)
    numbers: dict[tuple[str, int], str] = field(default_factory=dict)

    def address(self, page: str, anchor: str = "") -> str:
        """Return the published address of a page, or of a place on it."""
        return f"{self.addresses.pages}/{page}.html" + (f"#{anchor}" if anchor else "")

    def raw_file(self, path: str) -> str:
        """Return the address under which the repository serves a file's bytes, for pictures."""
        owner_and_name = self.addresses.repository.removeprefix("https://github.com/")
        return f"https://raw.githubusercontent.com/{owner_and_name}/{self.addresses.branch}/{path}"

    def resolve_page(self, name: str, page: str) -> str:
        """Return the page that `name` means on `page`: relative to it, or to the root after a slash."""
        base = PurePosixPath("/") if name.startswith("/") else PurePosixPath("/", page).parent
        parts: list[str] = []
        for part in (base / name).parts[1:]:
            if part == "..":
                parts[-1:] = []
            elif part != ".":
                parts.append(part)
        return "/".join(parts).removesuffix(".md")


def read_book(root: Path) -> Book:
    """Read all pages that _toc.yml names, and gather what can be referred to."""
    parser = book_parser(root)
    present = [path for path in pages(root) if path.is_file()]
    chapters = [read_chapter(root, path, parser) for path in present]
    book = Book(
        root,
        parser,
        read_addresses(root),
        {chapter.page: chapter for chapter in chapters},
        read_sources(root / "book" / "references.bib"),
    )
    prefixes = chapter_numbers(root)
    counters: dict[tuple[str, str], int] = defaultdict(int)
    for chapter in chapters:
        Gatherer(book, chapter, prefixes.get(chapter.page, ""), counters).gather(chapter.tokens)
    return book


def chapter_numbers(root: Path) -> dict[str, str]:
    """Return the numbers that the table of contents gives to chapters; they run on from part to part.

    What is below a chapter bears its number.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    numbered = [part for part in toc.get("parts", []) if part.get("numbered")]
    chapters = [chapter for part in numbered for chapter in part.get("chapters", [])]
    return {
        each["file"]: str(number)
        for number, chapter in enumerate(chapters, 1)
        for each in (chapter, *chapter.get("sections", []))
    }


@dataclass
class Gatherer:
    """Walks over one page and notes titles, labels and numbers."""

    book: Book
    chapter: Chapter
    prefix: str
    counters: dict[tuple[str, str], int]
    pending: list[str] = field(default_factory=list)

    def gather(self, tokens: list[Token], offset: int = 0) -> None:
        """Note all that these tokens hold."""
        for index, token in enumerate(tokens):
            if token.type == "myst_target":
                self.pending.append(token.content)
                continue
            if token.type == "heading_open":
                self.note_heading(tokens[index + 1], token.tag)
            elif token.type in ("math_block", "math_block_label", "amsmath"):
                self.note_equation(token.info, (token.map or [0])[0] + offset + 1)
            elif is_directive(token):
                self.note_directive(read_directive(token, self.chapter.path, offset))
            if token.level == 0 and token.nesting >= 0:
                self.settle("", "section", "")

    def settle(self, title: str, kind: str, number: str) -> None:
        """Give the labels that stand before a thing to it."""
        for name in self.pending:
            self.note(name, make_id(name), title, kind, number)
        self.pending.clear()

    def note(self, name: str, anchor: str, title: str, kind: str, number: str) -> None:
        """Note a label of this page."""
        self.book.targets[name.lower()] = Target(self.chapter.page, anchor, title, kind, number)

    def note_heading(self, inline: Token, tag: str) -> None:
        """Note a heading's title, for the labels before it and for the page."""
        title = plain_text(inline)
        if tag == "h1":
            self.book.titles.setdefault(self.chapter.page, title)
        self.settle(title, "section", "")

    def note_equation(self, label: str, line: int) -> None:
        """Note an equation's number if it has a label."""
        if label:
            number = self.count("equation", line)
            self.note(f"equation {label}", make_id(f"equation-{label}"), "", "equation", number)

    def note_directive(self, directive: Directive) -> None:
        """Note a directive's name, title and number, and what stands in it."""
        options = directive.options
        if directive.name == "math":
            self.note_equation(str(options.get("label", "")), directive.line)
        elif directive.name == "glossary":
            self.note_terms(directive)
        elif directive.name == "code-cell":
            figure = (options.get("mystnb") or {}).get("figure") or {}
            self.note_numbered("figure", figure.get("caption"), figure.get("name"), directive.line)
        elif directive.name == "figure":
            self.note_numbered("figure", directive.body, options.get("name"), directive.line)
        elif directive.name in ("list-table", "table"):
            self.note_numbered("table", directive.argument, options.get("name"), directive.line)
        elif directive.name == "code-block":
            self.note_numbered("code-block", options.get("caption"), options.get("name"), directive.line)
        elif directive.name == "fold":
            self.settle(plain_text(self.book.parser.parseInline(directive.argument)[0]), "section", "")
        elif options.get("name"):
            name = str(options["name"])
            self.note(name, make_id(name), directive.argument, "section", "")
        if directive.name not in PLAIN:
            env = {"references": self.chapter.env.get("references", {})}
            self.gather(self.book.parser.parse(directive.body, env), directive.body_line - 1)

    def note_numbered(self, kind: str, caption: str | None, name: str | None, line: int) -> None:
        """Note a figure, table or listing; those with a caption are numbered."""
        title = plain_text(self.book.parser.parseInline(str(caption))[0]) if caption else ""
        number = self.count(kind, line) if caption else ""
        self.settle(title, kind, number)
        if name:
            self.note(str(name), make_id(str(name)), title, kind, number)

    def note_terms(self, directive: Directive) -> None:
        """Note a glossary's terms, as they are written and in small letters."""
        for term in glossary_terms(directive.body):
            anchor = make_id_with_case(f"term-{term}")
            self.book.terms[term] = self.book.terms[term.lower()] = f"{self.chapter.page}.html#{anchor}"

    def count(self, kind: str, line: int) -> str:
        """Return the next number of its kind as the page shows it, with the chapter's where it has one."""
        key = (self.prefix, kind)
        self.counters[key] += 1
        number = f"{self.prefix}.{self.counters[key]}" if self.prefix else str(self.counters[key])
        self.book.numbers[self.chapter.page, line] = number
        return number


def glossary_terms(body: str) -> Iterator[str]:
    """Yield the terms of a glossary's body: its lines that are not indented, without a sorting key."""
    for line in body.splitlines():
        if line.strip() and not line[0].isspace() and not line.startswith(".."):
            yield line.split(" : ")[0].strip()


def make_id_with_case(text: str) -> str:
    """Return the anchor that Sphinx makes of a glossary's term: as `make_id`, keeping capital letters."""
    anchor = "".join(
        letter if (letter.isascii() and letter.isalnum()) or letter in "._" else "-" for letter in text
    )
    return "-".join(part for part in anchor.split("-") if part)


def plain_text(inline: Token) -> str:
    """Return an inline token's text without its markup; formulas keep their dollars."""
    parts = []
    for token in inline.children or []:
        if token.type == "math_inline" or (token.type == "myst_role" and token.meta["name"] == "math"):
            parts.append(f"${token.content}$")
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "myst_role":
            parts.append(token.content.partition("<")[0].strip())
        else:
            parts.append(token.content)
    return "".join(parts).strip()
