"""What the tests of the built book share: its folder, a server and a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, sync_playwright
from visits import serve
from widget_pages import Open, Opened
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tools.find_chromium import NoBrowserError, find_chromium

HTML = ("test_pages.py", "test_siblings.py", "test_folds.py")  # they read the same pages
SITE = Path(__file__).resolve().parent.parent.parent / "_build" / "html"


class Scheduling(LoadScopeScheduling):
    """Gives out whole files, for what they prepare and parse, but visits to pages one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith("test_browser.py"):
            return nodeid
        return "the HTML" if file.endswith(HTML) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Begin with the files that have most tests; visits are short and come last, so no process waits long."""
    return Scheduling(config, log)


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


@pytest.fixture(scope="module")
def pages(browser: BrowserContext, site: Path) -> Iterator[Callable[[str], Opened]]:
    """Return a function: the page of a widget, opened once."""
    opened: dict[str, Opened] = {}

    def page_of(name: str) -> Opened:
        if name not in opened:
            opened[name] = Opened(browser, site, name)
        return opened[name]

    yield page_of
    for each in opened.values():
        each.page.close()


@pytest.fixture
def shown(pages: Callable[[str], Opened]) -> Iterator[Open]:
    """Return a function: the widget of a name as it begins. At the end nothing may have gone wrong."""
    used: list[Opened] = []

    def widget(name: str) -> Locator:
        used.append(pages(name))
        return used[-1].anew()

    yield widget
    assert [fault for each in used for fault in each.wrong] == []
