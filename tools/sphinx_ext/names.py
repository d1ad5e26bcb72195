"""Docstrings: names between single backticks become links where we document them; properties stay prose."""

from typing import Any

from docutils import nodes
from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.docstrings import prepare_docstring
from sphinx.util.nodes import make_refnode

from cnncourse.exercises import Pencil, Task

LINKED = {"function", "class", "data", "exception", "module"}


def resolve_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: Element) -> nodes.Node | None:
    """Link a bare name to the one object of ours that bears it; show any other name as it stands."""
    if (node.get("refdomain"), node.get("reftype")) != ("py", "obj"):
        return None
    python = env.get_domain("py")
    assert isinstance(python, PythonDomain)
    found = [
        entry
        for name, entry in python.objects.items()
        if entry.objtype in LINKED and name.rpartition(".")[2] == node["reftarget"] and not entry.aliased
    ]
    if len(found) != 1:
        return shown
    return make_refnode(app.builder, node["refdoc"], found[0].docname, found[0].node_id, [shown])


def keep_property(app: Sphinx, what: str, name: str, object_: Any, options: Any, lines: list[str]) -> None:
    """Give properties and checkers their docstrings back: napoleon takes words before a colon for a type."""
    if what == "property" or isinstance(object_, Task | Pencil):
        lines[:] = prepare_docstring(object_.__doc__ or "")


def setup(app: Sphinx) -> None:
    """Connect to Sphinx; after napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", keep_property, priority=600)
    app.connect("missing-reference", resolve_name)
