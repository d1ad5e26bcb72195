"""Cells on the page: no `glue`, assertions and imports folded; source and notebooks keep their lines."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_design.dropdown import dropdown_main, dropdown_title

from tools.sphinx_ext.cell_code import CodeError, Parts, split_code

LOGGER = logging.getLogger(__name__)


class ShowCode(SphinxPostTransform):
    """Takes out of each cell what does not teach, and folds it under a small mark."""

    default_priority = 150  # after myst-nb has chosen the outputs, before it folds what is tagged
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Go through the cells of a page."""
        at_the_top = True
        for cell in list(self.document.findall(nodes.container)):
            source = child(cell, "cell_code_source")
            block = source.next_node(nodes.literal_block) if source else None
            if block is None:
                continue
            try:
                parts = split_code(block.astext())
            except CodeError as error:
                LOGGER.warning("%s", error, location=cell)
                continue
            imports = are_imports(parts, at_the_top)
            at_the_top = at_the_top and imports
            arrange(cell, parts, imports)


def are_imports(parts: Parts, at_the_top: bool) -> bool:
    """Tell whether most of a cell's statements are imports; at the top of a page, half of them suffice."""
    others = parts.statements - parts.imports
    return parts.imports > others or (at_the_top and parts.imports == others > 0)


def child(node: nodes.Element, kind: str) -> nodes.container | None:
    """Return the part of a cell that myst-nb calls so."""
    found = (part for part in node.children if isinstance(part, nodes.container))
    return next((part for part in found if part.get("nb_element") == kind), None)


def arrange(cell: nodes.container, parts: Parts, imports: bool) -> None:
    """Put the parts of a cell's code where they belong, before its output."""
    source = child(cell, "cell_code_source")
    assert source is not None
    position = cell.index(source)
    shown: list[nodes.Element] = [with_text(source, parts.shown)] if parts.shown else []
    if imports:
        cell.attributes.pop("hide_mode", None)  # ours is enough
        shown = [folded("imports", *shown)]
    checks = [folded("checked", with_text(source, parts.checks))] if parts.checks else []
    cell[position : position + 1] = [*shown, *checks]
    if not cell.children and not cell["ids"]:
        cell.parent.remove(cell)


def with_text(source: nodes.container, text: str) -> nodes.container:
    """Return a copy of a cell's input with other code in it."""
    made = source.deepcopy()
    block = made.next_node(nodes.literal_block)
    assert block is not None
    block.rawsource = text
    block.children = []
    block += nodes.Text(text)
    return made


def folded(word: str, *content: nodes.Node) -> nodes.Element:
    """Return a small mark that unfolds to its content."""
    return dropdown_main("", dropdown_title("", word), *content, classes=["course-aside", f"course-{word}"])


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_post_transform(ShowCode)
