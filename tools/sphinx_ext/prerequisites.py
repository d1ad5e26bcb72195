"""A drawing of which chapter needs which, in the page's own font and colors, with links."""

import os
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.contents import PARTS
from tools.notebooks.source import book_parser, read_chapter
from tools.prerequisites import prerequisites, without_detours

STEP, TOP, NAMES, RADIUS = 30, 24, 176, 5  # pixels: between rows, above the first, left of names, of a dot
WIDTH = 400  # as wide as a phone shows without making it smaller


class Prerequisites(SphinxDirective):
    """``{prerequisites}``: chapters from top to bottom, arcs from each to what it builds on."""

    def run(self) -> list[nodes.Node]:
        """Draw."""
        root = Path(self.env.srcdir)
        needs = prerequisites(root)
        parser = book_parser(root)
        names = {page: short_title(root, page, parser) for page in needs}
        here = Path(self.env.docname).parent
        links = {page: Path(os.path.relpath(page, here)).with_suffix(".html").as_posix() for page in needs}
        self.env.note_reread()
        up = "../" * self.env.docname.count("/")
        return [nodes.raw("", draw(needs, names, links), format="html"), in_words(needs, names, up)]


def short_title(root: Path, page: str, parser: object) -> str:
    """Return a chapter's title up to its colon."""
    chapter = read_chapter(root, root / f"{page}.md", parser)  # type: ignore[arg-type]
    tokens = chapter.tokens
    at = next(n for n, token in enumerate(tokens) if token.type == "heading_open")
    return tokens[at + 1].content.split(":")[0]


def draw(needs: dict[str, list[str]], names: dict[str, str], links: dict[str, str]) -> str:
    """Return the drawing as SVG."""
    pages = list(needs)
    height = {}
    for row, page in enumerate(pages):
        part = PARTS.index(Path(page).parent.name)
        height[page] = TOP + STEP * row + STEP // 2 * part  # a gap between the parts
    arcs, labels = [], []
    for page, direct in without_detours(needs).items():
        for other in direct:
            low, high = height[page], height[other]
            left = NAMES - 14 - min(NAMES, 30 + (low - high) * 0.4)
            arcs.append(
                f'<path d="M{NAMES - 14} {low} C{left:.0f} {low} {left:.0f} {high} {NAMES - 14} {high}"/>'
            )
    for page in pages:
        y = height[page]
        labels.append(f'<circle cx="{NAMES - 14}" cy="{y}" r="{RADIUS}"/>')
        labels.append(
            f'<a href="{links[page]}"><text x="{NAMES}" y="{y + 5}">{escape(names[page])}</text></a>'
        )
    bottom = max(height.values()) + TOP
    return (
        f'<svg class="course-graph" viewBox="0 0 {WIDTH} {bottom}" role="group" '
        f'aria-label="Chapters and what they build on">{"".join(arcs)}{"".join(labels)}</svg>'
    )


def in_words(needs: dict[str, list[str]], names: dict[str, str], up: str) -> nodes.Element:
    """Return what the drawing shows, as a list, with each chapter's slides."""
    rows = nodes.bullet_list()
    for page, direct in without_detours(needs).items():
        what = ", ".join(names[other] for other in direct)
        text = f"{names[page]} builds on {what}. " if what else f"{names[page]} needs no other chapter. "
        slides = nodes.reference("", "Slides", refuri=f"{up}slides/{Path(page).name}.html")
        rows += nodes.list_item("", nodes.paragraph("", "", nodes.Text(text), slides))
    return rows


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_directive("prerequisites", Prerequisites)
