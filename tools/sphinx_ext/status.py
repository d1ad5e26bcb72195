"""The status page: when and with what the book was built, and how long each chapter took."""

import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from myst_nb.ext.execution_tables import METADATA_KEY, ExecutionStatsTable
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from tools.fingerprint import data_in_use

PACKAGES = ("cnncourse", "numpy", "torch", "torchvision", "matplotlib", "jupyter-book", "sphinx", "myst-nb")


class RunTimes(nodes.General, nodes.Element):
    """A placeholder, replaced when every chapter has been executed."""


class RunTimesDirective(ExecutionStatsTable):  # type: ignore[misc]  # myst-nb carries no types
    """``{nb-exec-table}`` with the chapters' titles, their run times and the sum."""

    def run(self) -> list[nodes.Node]:
        """Put the placeholder."""
        super().run()
        return [RunTimes()]


class BuildStatus(SphinxDirective):
    """``{build-status}``: date, versions, machine and data of this build, as a table."""

    def run(self) -> list[nodes.Node]:
        """Make the table; the page is read again when a chapter was executed anew."""
        NbMetadataCollector.set_doc_data(self.env, self.env.docname, METADATA_KEY, True)
        rows = build_facts(Path(self.env.srcdir))
        return [table(("What", "Which"), [(name, nodes.Text(value)) for name, value in rows])]


def build_facts(root: Path) -> list[tuple[str, str]]:
    """Return name and value of what this build was made with."""
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(stamp), UTC) if stamp else datetime.now(UTC)
    facts = [("Built", now.strftime("%Y-%m-%d %H:%M UTC"))]
    facts.append(("Python", platform.python_version()))
    facts.extend((name, version(name)) for name in PACKAGES)
    facts.append(("Machine", f"{sys.platform}, {platform.machine()}, {os.cpu_count()} CPU cores"))
    return facts + data_facts(root)


def data_facts(root: Path) -> list[tuple[str, str]]:
    """Return what the chapters trained on: the set's name, its size and fingerprint."""
    name, fingerprint = data_in_use(root)
    if not name:
        return []
    from cnncourse import data

    sizes = [
        f"{len(data.load(name, split)):,} for {use}"
        for split, use in (("train", "training"), ("test", "test"))
    ]
    return [
        ("Data set of the chapters that train", f"{name}: {' and '.join(sizes)}"),
        ("Its fingerprint (training split)", fingerprint[:16]),
    ]


def table(header: Iterable[str], rows: Iterable[tuple[str | nodes.Node, ...]]) -> nodes.table:
    """Build a docutils table from strings and inline nodes."""
    columns = list(header)
    group = nodes.tgroup(cols=len(columns))
    group.extend(nodes.colspec(colwidth=1) for _ in columns)

    def row(cells: Iterable[str | nodes.Node]) -> nodes.row:
        line = nodes.row()
        for cell in cells:
            paragraph = nodes.paragraph("", "", nodes.Text(cell) if isinstance(cell, str) else cell)
            line += nodes.entry("", paragraph)
        return line

    group += nodes.thead("", row(columns))
    group += nodes.tbody("", *[row(cells) for cells in rows])
    return nodes.table("", group, classes=["colwidths-auto"])


class FillRunTimes(SphinxPostTransform):
    """Replace the placeholder by the table of run times."""

    default_priority = 8

    def run(self, **kwargs: object) -> None:
        """Write one row a chapter, in the order of the book, and the sum."""
        for node in list(self.document.findall(RunTimes)):
            node.replace_self(self.run_times())

    def run_times(self) -> nodes.table:
        """Make the table from what the build knows of each executed chapter."""
        executed = {
            name: data["exec_data"]
            for name, data in NbMetadataCollector.get_doc_data(self.env).items()
            if data.get("exec_data")
        }
        order = list(self.env.collect_relations())  # the pages, in the order of the table of contents
        rows: list[tuple[str | nodes.Node, ...]] = []
        for name in sorted(executed, key=order.index):
            title = self.env.titles[name].astext()
            link = make_refnode(self.app.builder, self.env.docname, name, "", nodes.Text(title))
            seconds = executed[name]["runtime"]
            when = datetime.fromtimestamp(executed[name]["mtime"], UTC).strftime("%Y-%m-%d %H:%M UTC")
            rows.append((link, "" if seconds is None else f"{seconds:.1f}", when))
        total = sum(data["runtime"] or 0.0 for data in executed.values())
        rows.append((nodes.strong("", "Together"), nodes.strong("", f"{total:.1f}"), ""))
        return table(("Chapter", "Run time (s)", "Executed"), rows)


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.add_node(RunTimes)
    app.add_directive("nb-exec-table", RunTimesDirective, override=True)
    app.add_directive("build-status", BuildStatus)
    app.add_post_transform(FillRunTimes)
