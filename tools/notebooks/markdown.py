"""A chapter's tokens as Markdown that Colab shows: no directive, no role, no label is left."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdformat.renderer import DEFAULT_RENDERERS, RenderContext, RenderTreeNode
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools.notebooks.formulas import display, environment
from tools.notebooks.references import Book
from tools.notebooks.roles import RoleError, render_role
from tools.notebooks.source import Chapter, Directive, SourceError, is_directive, read_directive

NESTED = ("blockquote", "list_item")
PARTS_OF_TABLES = ("root", "thead", "tbody", "tr", "th", "td")
DROPPED = ("myst_target", "myst_line_comment", "myst_block_break")


class Converter:
    """Turns a chapter's tokens into Markdown.

    Parameters
    ----------
    book : Book
        All that the chapter may refer to.
    chapter : Chapter
        The page to convert.
    glued : mapping of str to str
        The values that the chapter's cells attached with `glue`.
    directives : mapping of str to function
        For each directive that is known, what makes Markdown of it.
    """

    def __init__(
        self, book: Book, chapter: Chapter, glued: Mapping[str, str], directives: Mapping[str, "Render"]
    ) -> None:
        self.book, self.chapter, self.glued, self.directives = book, chapter, glued, directives
        self.errors: list[SourceError] = []  # what roles lack: told together at the end
        self.offset = 0  # lines of the file before the text that is being parsed
        self.depth = 0  # blocks around the present one that put a sign before each line
        renderers = {**DEFAULT_RENDERERS, **self._renderers()}
        renderers.pop("html_block")
        self.context = RenderContext(
            renderers,
            {},
            {"mdformat": {"wrap": "keep", "number": True}},
            {"indent_width": 0, "used_refs": set()},
        )

    def _renderers(self) -> dict[str, Callable[[RenderTreeNode, RenderContext], str]]:
        renderers: dict[str, Callable[[RenderTreeNode, RenderContext], str]] = {
            "text": render_text,
            "link": self._link,
            "image": self._image,
            "fence": self._fence,
            "colon_fence": self._fence,
            "myst_role": self._role,
            "math_inline": lambda node, _: f"${one_line(node.content)}$",
            "math_inline_double": lambda node, _: f"$${one_line(node.content)}$$",
            "math_block": self._formula,
            "math_block_label": self._formula,
            "amsmath": lambda node, _: self.display(environment(node.content)),
            "hr": lambda node, _: "---",
            "table": render_table,
            "dl": definition_list,
            "dt": lambda node, context: f"**{node.children[0].render(context)}**",
            "dd": DEFAULT_RENDERERS["root"],
        }
        renderers |= {name: lambda node, context: "" for name in DROPPED}
        renderers |= {name: self._nested(name) for name in NESTED}
        return renderers

    def convert(self, tokens: list[Token]) -> str:
        """Return block tokens as Markdown."""
        tree = RenderTreeNode(tokens)
        for node in tree.walk():
            if node.type not in self.context.renderers and node.type not in PARTS_OF_TABLES:
                self.stop(node, f"{node.type.replace('_', ' ')} is a syntax that the notebooks do not know")
        return tree.render(self.context)

    def body(self, text: str, line: int) -> str:
        """Return Markdown for text that stands inside a directive and begins on `line`."""
        with self.starting(line):
            return self.convert(self.parse(text))

    def parse(self, text: str) -> list[Token]:
        """Return the tokens of text that stands inside a directive."""
        return self.book.parser.parse(text, {"references": dict(self.chapter.env.get("references", {}))})

    def list_cells(self, directive: Directive) -> list[list[str]]:
        """Return the cells of a list of lists, row by row."""
        with self.starting(directive.body_line):
            tree = RenderTreeNode(self.parse(directive.body))
            lists = [node for item in tree.children for node in item.children]
            if not lists or any([part.type for part in row.children] != ["bullet_list"] for row in lists):
                self.fail(directive, "a list-table needs a list of rows, each a list of cells")
            cells = [list(row.children[0].children) for row in lists]
            for cell in (cell for row in cells for cell in row):
                if [part.type for part in cell.children] not in ([], ["paragraph"]):
                    self.stop(cell, "a table's cell in a notebook is one paragraph")
            return [
                [cell_text(cell.children[0], self.context) if cell.children else "" for cell in row]
                for row in cells
            ]

    @contextmanager
    def starting(self, line: int) -> Iterator[None]:
        """Say that the text which is now read begins on `line` of the file."""
        offset, self.offset = self.offset, line - 1
        try:
            yield
        finally:
            self.offset = offset

    def inline(self, text: str, line: int) -> str:
        """Return Markdown for a title or a caption, on one line."""
        return one_line(self.body(text, line))

    def html(self, text: str, line: int) -> str:
        """Return HTML for a title that stands inside an HTML tag; formulas keep their dollars."""
        parser = MarkdownIt("commonmark").use(
            dollarmath_plugin, renderer=lambda content, _: f"${no_brackets(content)}$"
        )
        html = str(parser.renderInline(self.inline(text, line)))
        return html.replace('<span class="math inline">', "").replace("$</span>", "$")

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Say that what is rendered inside stands behind a sign on each line."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def stop(self, node: RenderTreeNode, message: str) -> NoReturn:
        """Raise an error that names the file and the line."""
        raise self.error(node, message)

    def error(self, node: RenderTreeNode, message: str) -> SourceError:
        """Return an error that names the file and the line."""
        breaks, at = 0, node
        while at.parent and at.map is None:
            siblings = at.parent.children[: at.parent.children.index(at)]
            breaks += sum(child.type in ("softbreak", "hardbreak") for child in siblings)
            at = at.parent
        line = self.offset + (at.map[0] if at.map else 0) + 1 + breaks
        return SourceError(self.chapter.path, line, message)

    def fail(self, directive: Directive, message: str) -> NoReturn:
        """Raise an error at a directive."""
        raise SourceError(self.chapter.path, directive.line, message)

    def number(self, directive: Directive) -> str:
        """Return the number that the page gives to a directive's figure, table, listing or equation."""
        return self.book.numbers.get((self.chapter.page, directive.line), "")

    def display(self, formula: str, number: str = "") -> str:
        """Return a displayed formula, on one line where signs stand before the lines."""
        return display(formula, number, one_line=self.depth > 0)

    def _formula(self, node: RenderTreeNode, context: RenderContext) -> str:
        line = self.offset + (node.map or (0, 0))[0] + 1
        number = self.book.numbers.get((self.chapter.page, line), "") if node.info else ""
        return self.display(node.content, number)

    def _fence(self, node: RenderTreeNode, context: RenderContext) -> str:
        token = node.token
        assert token is not None  # only pairs of tokens have none, and a fence is one
        if not is_directive(token):
            if node.type == "colon_fence":
                self.stop(
                    node, f"a block of colons needs a directive's name in braces, not {node.info.strip()!r}"
                )
            return DEFAULT_RENDERERS["fence"](node, context)
        directive = read_directive(token, self.chapter.path, self.offset)
        if directive.name not in self.directives:
            where = " inside another block" if directive.name == "code-cell" else ""
            self.fail(
                directive,
                f"unknown directive {{{directive.name}}}{where}; teach it to tools/notebooks/directives.py "
                "or say it otherwise",
            )
        return self.directives[directive.name](self, directive)

    def _role(self, node: RenderTreeNode, context: RenderContext) -> str:
        try:
            return render_role(node.meta["name"], node.content, self.chapter.page, self.book, self.glued)
        except RoleError as error:
            self.errors.append(self.error(node, str(error)))
            return ""

    def _link(self, node: RenderTreeNode, context: RenderContext) -> str:
        if node.info == "auto":
            return DEFAULT_RENDERERS["link"](node, context)
        text = "".join(child.render(context) for child in node.children)
        address = str(node.attrs["href"])
        if address.startswith(("https://", "http://", "mailto:")):
            return f"[{text}]({address})"
        name, _, anchor = address.partition("#")
        page = self.book.resolve_page(name, self.chapter.page) if name else self.chapter.page
        target = self.book.targets.get(anchor.lower()) if anchor else None
        if page not in self.book.chapters or (anchor and target is None):
            self.stop(node, f"the link {address!r} leads nowhere in the book")
        if target:
            return f"[{text or target.title}]({self.book.address(target.page, target.anchor)})"
        return f"[{text or self.book.titles[page]}]({self.book.address(page)})"

    def _image(self, node: RenderTreeNode, context: RenderContext) -> str:
        try:
            return self.picture(str(node.attrs["src"]), node.content)
        except FileNotFoundError as error:
            self.stop(node, str(error))

    def picture(self, source: str, alt: str) -> str:
        """Return a picture whose file the repository serves."""
        if not source.startswith(("https://", "http://")):
            path = self.book.resolve_page(source, self.chapter.page)
            if not (self.book.root / path).is_file():
                raise FileNotFoundError(f"there is no picture {path}")
            source = self.book.raw_file(path)
        return f"![{alt}]({source})"

    def _nested(self, name: str) -> Callable[[RenderTreeNode, RenderContext], str]:
        def render(node: RenderTreeNode, context: RenderContext) -> str:
            with self.nested():
                return DEFAULT_RENDERERS[name](node, context)

        return render


Render = Callable[[Converter, Directive], str]


def no_brackets(formula: str) -> str:
    """Write a formula's signs for less and greater as commands, so that they open no HTML tag."""
    return formula.replace("<", "\\lt ").replace(">", "\\gt ")


def one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())


def render_text(node: RenderTreeNode, context: RenderContext) -> str:
    """Escape text as Markdown needs it, and dollars, which open formulas in notebooks."""
    return DEFAULT_RENDERERS["text"](node, context).replace("$", "\\$")


def cell_text(node: RenderTreeNode, context: RenderContext) -> str:
    """Return a table's cell on one line; upright bars, which separate cells, are written otherwise."""
    parts = []
    for child in node.children[0].children if node.children else []:
        text = child.render(context)
        formula = child.type.startswith("math") or text.startswith("$")
        parts.append(text.replace("|", "\\vert " if formula else "\\|"))
    return one_line("".join(parts))


def render_table(node: RenderTreeNode, context: RenderContext) -> str:
    """Return a table with bars between its cells."""
    rows = [row for part in node.children for row in part.children]
    styles = [str(cell.attrs.get("style", "")) for cell in rows[0].children]
    signs = {"text-align:center": ":-:", "text-align:right": "--:", "text-align:left": ":--"}
    lines = [[cell_text(cell, context) for cell in row.children] for row in rows]
    lines.insert(1, [signs.get(style, "---") for style in styles])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def definition_list(node: RenderTreeNode, context: RenderContext) -> str:
    """Return terms in bold, each with its definition below."""
    return "\n\n".join(child.render(context) for child in node.children)
