"""What this book adds to Jupyter Book: offline pages, links, run times, folds, quizzes, widgets, markup."""

from sphinx.application import Sphinx

from tools.sphinx_ext import (
    addresses,
    checks,
    citations,
    folds,
    mutation,
    names,
    objectives,
    offline,
    pictures,
    prerequisites,
    quiz,
    sheets,
    sidebar,
    stand_in,
    status,
    widgets,
)

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts of this extension to Sphinx."""
    addresses.setup(app)
    checks.setup(app)
    citations.setup(app)
    folds.setup(app)
    mutation.setup(app)
    names.setup(app)
    objectives.setup(app)
    offline.setup(app)
    pictures.setup(app)
    prerequisites.setup(app)
    quiz.setup(app)
    sidebar.setup(app)
    sheets.setup(app)
    stand_in.setup(app)
    status.setup(app)
    widgets.setup(app)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
