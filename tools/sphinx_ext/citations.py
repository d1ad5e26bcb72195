"""The bibliography's markup: docutils gives it roles that axe-core refuses."""

from docutils import nodes
from docutils.nodes import citation, label
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def visit_citation(self: HTML5Translator, node: citation) -> None:
    """Open an entry, without a role."""
    self.body.append(self.starttag(node, "div", CLASS="course-citation"))


def depart_citation(self: HTML5Translator, node: citation) -> None:
    """Close an entry."""
    self.body.append("</div>\n")


def visit_label(self: HTML5Translator, node: label) -> None:
    """Leave a citation's label out: entries are sorted by author, and the text's own words name them."""
    if isinstance(node.parent, citation):
        raise nodes.SkipNode
    HTML5Translator.visit_label(self, node)


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_node(citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(label, override=True, html=(visit_label, HTML5Translator.depart_label))
