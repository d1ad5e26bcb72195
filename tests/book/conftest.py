"""What the tests of the built book share."""

from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parent.parent.parent / "_build" / "html"


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built book; make it with: make book", pytrace=False)
    return SITE
