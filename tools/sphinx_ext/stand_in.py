"""A page that was made with the stand-in for CIFAR-10 says so above its first section."""

from pathlib import Path

from sphinx.application import Sphinx

from tools.fingerprint import data_name
from tools.stand_in import with_note


def add_note(app: Sphinx, _: str, content: list[str]) -> None:
    """Put the note into the page's source as it is read."""
    content[0] = with_note(content[0], data_name(Path(app.srcdir)))


def setup(app: Sphinx) -> None:
    """Connect to the reading of pages."""
    app.connect("source-read", add_note)
