"""Folds that can hold cells: two directives mark where one begins and ends, and all between is wrapped."""

from collections.abc import Iterable
from typing import Any, TypeVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_design.dropdown import DropdownDirective

LOGGER = logging.getLogger(__name__)
Place = TypeVar("Place")
BEGIN, END, HEADING = "fold", "fold-end", "heading"


class FoldError(ValueError):
    """A fold that cannot be made.

    Parameters
    ----------
    place
        What the caller named as the place of the fault.
    message : str
        The rule, and the way out.
    """

    def __init__(self, place: Any, message: str) -> None:
        self.place = place
        super().__init__(message)


def pair_folds(marks: Iterable[tuple[str, Place]]) -> list[tuple[Place, Place]]:
    """Return the places at which each fold begins and ends.

    Parameters
    ----------
    marks : iterable of (str, place)
        ``"fold"``, ``"fold-end"`` and ``"heading"``, each with its place, in the order of the page.

    Raises
    ------
    FoldError
        If one of a pair is missing, or a fold holds a heading or another fold.

    Examples
    --------
    >>> pair_folds([("heading", 1), ("fold", 5), ("fold-end", 12)])
    [(5, 12)]
    """
    pairs: list[tuple[Place, Place]] = []
    begun: list[Place] = []
    for kind, place in marks:
        if kind == BEGIN and begun:
            raise FoldError(place, "a fold begins inside another one; end the first with {fold-end}")
        if kind == HEADING and begun:
            raise FoldError(
                begun[0], "the fold is still open at the next heading; end it before with {fold-end}"
            )
        if kind == END and not begun:
            raise FoldError(place, "{fold-end} ends no fold; begin one with {fold} and its title")
        if kind == BEGIN:
            begun.append(place)
        elif kind == END:
            pairs.append((begun.pop(), place))
    if begun:
        raise FoldError(begun[0], "the fold has no end; put {fold-end} behind its last block")
    return pairs


class FoldEndMark(nodes.General, nodes.Element):
    """Where a fold ends."""


class FoldDirective(DropdownDirective):
    """``{fold} Title``: begins a dropdown that holds what follows, up to ``{fold-end}``."""

    required_arguments, optional_arguments = 1, 0
    has_content = False
    option_spec = {}  # noqa: RUF012  (the base class declares it so)

    def run_with_defaults(self) -> list[nodes.Node]:
        """Make an empty dropdown with a title."""
        (fold,) = super().run_with_defaults()
        assert isinstance(fold, nodes.Element)
        fold["course_fold"] = True
        fold["container_classes"].append("course-fold")
        return [fold]


class FoldEndDirective(SphinxDirective):
    """``{fold-end}``: ends it."""

    def run(self) -> list[nodes.Node]:
        """Put the mark."""
        mark = FoldEndMark()
        self.set_source_info(mark)
        return [mark]


def kind_of(node: nodes.Node) -> str:
    """Return what a node is to folds; nothing for all others."""
    if isinstance(node, FoldEndMark):
        return END
    if isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
        return HEADING
    return BEGIN if isinstance(node, nodes.container) and node.get("course_fold") else ""


class WrapFolds(SphinxTransform):
    """Moves what stands between the two marks into the fold, and a label before it onto its title."""

    default_priority = 400  # when labels have been given to what follows them, before figures are numbered

    def apply(self, **kwargs: object) -> None:
        """Wrap the folds of a page; a fault is a warning, which the build takes for an error."""
        marks = [(kind_of(node), node) for node in self.document.findall() if kind_of(node)]
        try:
            for begin, end in pair_folds(marks):
                self.wrap(begin, end)
        except FoldError as error:
            LOGGER.warning("%s", error, location=error.place)
        for mark in list(self.document.findall(FoldEndMark)):
            mark.parent.remove(mark)

    def wrap(self, fold: nodes.Node, end: nodes.Node) -> None:
        """Fill one fold."""
        assert isinstance(fold, nodes.Element)
        parent = fold.parent
        if not isinstance(parent, nodes.section) or end.parent is not parent:
            raise FoldError(fold, "a fold begins and ends in the running text, not inside another block")
        first, last = parent.index(fold) + 1, parent.index(end)
        content = parent.children[first:last]
        if not content:
            raise FoldError(fold, "the fold is empty; put {fold-end} behind what it shall hold")
        parent[first:last] = []
        fold.extend(content)
        title = fold.children[0]
        assert isinstance(title, nodes.Element)
        for key in ("ids", "names"):  # the dropdown puts its title's onto the page, and not its own
            title[key] += fold[key]
            fold[key] = []
        for name in title["ids"]:
            self.document.ids[name] = title


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_node(FoldEndMark)
    app.add_directive(BEGIN, FoldDirective)
    app.add_directive(END, FoldEndDirective)
    app.add_transform(WrapFolds)
