"""A table of how many mutants of right answers each checker catches."""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cnncourse.exercises import TASKS

RECORD = "book/reference/mutation.json"


class Mutation(SphinxDirective):
    """``{mutation}``: exercises, their known mistakes, and mutants made, changed and caught."""

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown, and have it read."""
        path = Path(self.env.srcdir, RECORD)
        self.env.note_dependency(str(path))
        counts = json.loads(path.read_text(encoding="utf-8"))
        text = [
            "| exercise | known mistakes | mutants | change what it returns | caught | not caught |",
            "|---|--:|--:|--:|--:|---|",
        ]
        for name, count in counts.items():
            missed = "; ".join(f"`{each}`" for each in count["survivors"]) or "—"
            caught = count["changed"] - len(count["survivors"])
            known = len(TASKS[name].mistakes)
            text.append(
                f"| `{name}` | {known} | {count['made']} | {count['changed']} | {caught} | {missed} |"
            )
        made = sum(count["made"] for count in counts.values())
        changed = sum(count["changed"] for count in counts.values())
        missed_all = sum(len(count["survivors"]) for count in counts.values())
        known = sum(len(TASKS[name].mistakes) for name in counts)
        text.append(
            f"| **all** | {known} | {made} | {changed} | {changed - missed_all} | {missed_all or '—'} |"
        )
        return self.parse_text_to_nodes("\n".join(text))


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_directive("mutation", Mutation)
