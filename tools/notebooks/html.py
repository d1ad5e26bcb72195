"""A notebook as a web page, for looking at it: what a reader of Colab sees, near enough."""

from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from tools.notebooks.run import code_cells, glued
from tools.sphinx_ext.offline import mathjax_file

SETTINGS = '<script>window.MathJax = {tex: {inlineMath: [["$", "$"]], processEscapes: true}};</script>'


def write_page(notebook: nbformat.NotebookNode, path: Path) -> Path:
    """Write a notebook as one HTML file that shows formulas without a network."""
    exporter = HTMLExporter(
        mathjax_url=mathjax_file().as_uri(),
        require_js_url="",
        jquery_url="",
        mermaid_js_url="",
        mermaid_layout_elk_js_url="",
    )
    for cell in code_cells(notebook):
        cell.outputs = [output for output in cell.outputs if not glued(output)]  # no browser shows them
    text, _ = exporter.from_notebook_node(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("<head>", f"<head>{SETTINGS}", 1), encoding="utf-8")
    return path
