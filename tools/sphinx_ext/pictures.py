"""Figures that cells draw: part of the page, at one scale, in its font and in the colors of its theme."""

import hashlib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

from tools.sphinx_ext.figure_svg import draw

LOGGER = logging.getLogger(__name__)
DARK = "course_dark"  # of a figure's node: its colors on a dark page


def put_in_place(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the figures that a page's cells drew into the page."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir).parent / "jupyter_execute"
    images = relative_uri(app.builder.get_target_uri(docname), "_images")
    for number, image in enumerate(list(doctree.findall(nodes.image))):
        path = Path(app.srcdir, image["uri"])
        if path.suffix != ".svg" or not path.is_relative_to(folder):
            continue
        if not image.get("alt"):
            LOGGER.warning(
                "a figure has no alt text; say what it shows in `mystnb: image: alt:`", location=image
            )

        def save(data: bytes) -> str:
            name = f"{hashlib.sha256(data).hexdigest()[:24]}.png"
            file = Path(app.outdir, "_images", name)
            if not file.is_file():
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(data)
            return f"{images}/{name}"

        drawn = draw(path.read_text(encoding="utf-8"), f"d{number}", image.get("alt", ""), save)
        image.replace_self(nodes.raw("", drawn.markup, format="html", **{DARK: drawn.dark}))


def say_dark_colors(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Say in a page's head what its figures' colors are in the dark; on paper they are as on a light page."""
    colors: dict[str, str] = {}
    for node in doctree.findall(nodes.raw) if doctree else ():
        colors.update(node.get(DARK, {}))
    if colors:
        said = "".join(f"{variable}:{color};" for variable, color in sorted(colors.items()))
        style = f'<style>@media screen{{html[data-theme="dark"]{{{said}}}}}</style>'
        context["metatags"] = context.get("metatags", "") + style


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("doctree-resolved", put_in_place)
    app.connect("html-page-context", say_dark_colors)
