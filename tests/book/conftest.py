"""What the tests of the built book share: its folder, a server and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright
from visits import serve

from tools.find_chromium import NoBrowserError, find_chromium

HERE = Path(__file__).resolve().parent
SITE = HERE.parent.parent / "_build" / "html"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what one process does as a whole: a file with what it prepares, but each visit to a page by itself.

    The visits come last: they are short, so that both processes end together.
    """
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: item.path.stem == "test_browser" and HERE in item.path.parents)


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built book; make it with: make book", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """Return the address of the built book on a server."""
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """Return a headless browser; all pages share its store, so that what they share is read once."""
    try:
        program = find_chromium()
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        # --no-sandbox: Chromium refuses to run as root otherwise, as in containers
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium.new_context()
        chromium.close()
