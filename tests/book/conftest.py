"""What the tests of the built book share: its folder and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tools.find_chromium import NoBrowserError, find_chromium

SITE = Path(__file__).resolve().parent.parent.parent / "_build" / "html"


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built book; make it with: make book", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless browser; there can be one at a time in a process."""
    try:
        program = find_chromium()
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        # --no-sandbox: Chromium refuses to run as root otherwise, as in containers
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()
