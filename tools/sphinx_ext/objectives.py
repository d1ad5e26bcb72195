"""A table for each chapter: its objectives, and the exercises that train them."""

import os
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cnncourse.exercises.sheet import SUFFIX
from tools.notebooks.source import book_parser
from tools.objectives import objectives_and_exercises
from tools.sphinx_ext.prerequisites import short_title


class Objectives(SphinxDirective):
    """``{objectives}``: what each chapter promises, and where it is trained."""

    def run(self) -> list[nodes.Node]:
        """Write the tables as Markdown, and have it read."""
        root = Path(self.env.srcdir)
        parser = book_parser(root)
        here = Path(self.env.docname).parent
        self.env.note_reread()
        text = []
        for page, rows in objectives_and_exercises(root).items():
            sheet = Path(os.path.relpath(f"{page}{SUFFIX}", here)).as_posix()
            text += [f"**{short_title(root, page, parser)}**, {{doc}}`exercises <{sheet}>`", ""]
            text += ["| afterwards you can | exercises |", "|---|---|"]
            text += [
                f"| {objective.replace('|', chr(92) + '|')} | {'; '.join(titles) or '—'} |"
                for objective, titles in rows
            ]
            text.append("")
        return self.parse_text_to_nodes("\n".join(text))


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_directive("objectives", Objectives)
