"""Figures that cells draw: shown at one scale, so that their letters have one size through the book."""

from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

PIXELS_PER_INCH = 110  # of the page; a figure of 6.4 inches fills the column
DRAWN_PER_INCH = 160  # where a picture does not tell


def shown_width(path: Path) -> int:
    """Return the width in the page's pixels at which a drawn picture is shown."""
    with Image.open(path) as picture:
        drawn = float(picture.info.get("dpi", (DRAWN_PER_INCH,))[0]) or DRAWN_PER_INCH
        return round(picture.width / drawn * PIXELS_PER_INCH)


def set_widths(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each drawn picture of a page its width."""
    folder = Path(app.outdir).parent / "jupyter_execute"
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir, image["uri"])
        if "width" not in image and path.suffix == ".png" and path.is_relative_to(folder) and path.is_file():
            image["width"] = f"{shown_width(path)}px"


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("doctree-resolved", set_widths)
