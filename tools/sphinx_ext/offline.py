"""Pages that ask no other host: MathJax from an installed package, and nothing of Thebe."""

from importlib.metadata import files
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.fileutil import copy_asset_file

MATHJAX = "tex-svg-full.js"  # one file, formulas as SVG: no fonts to fetch, and file:// is enough


def mathjax_file() -> Path:
    """Return the MathJax of the package sphinx-mathjax-offline, as one file."""
    for file in files("sphinx-mathjax-offline") or []:
        if file.name == MATHJAX:
            return Path(str(file.locate()))
    raise FileNotFoundError(f"sphinx-mathjax-offline holds no {MATHJAX}; is another version installed?")


def switch_thebe_off(app: Sphinx) -> None:
    """Disconnect sphinx-thebe, which names a foreign host on every page."""
    for listeners in app.events.listeners.values():
        listeners[:] = [item for item in listeners if item.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [item for item in app.registry.css_files if item[0] != "sphinx-thebe.css"]


def configure(app: Sphinx, config: Config) -> None:
    """Point at our copy of MathJax and silence sphinx-thebe."""
    config.mathjax_path = MATHJAX
    switch_thebe_off(app)


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Put MathJax beside the pages."""
    if exception is None and app.builder.format == "html":
        target = Path(app.outdir, "_static", MATHJAX)
        if not target.exists():
            copy_asset_file(str(mathjax_file()), str(target))


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("config-inited", configure, priority=100)
    app.connect("build-finished", copy_mathjax)
