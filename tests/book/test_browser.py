"""Every page in a headless browser: from a server and from file://, light and dark, wide and narrow.

No message in the console, no request elsewhere, all formulas set, no sideways scrolling, nothing that
axe-core refuses. A page is loaded once from either place; each check is a test of its own.
"""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from visits import CHECKS, FROM_A_FILE, WIDE, Found, visit_from_file, visit_from_server, visiting

from tools.contents import built_pages
from tools.find_chromium import MISSING, NoBrowserError, find_chromium

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = built_pages(ROOT / "_build" / "html") or ["index.html"]  # without a book, its test tells what to do


def each_page(origin: str) -> list[object]:
    """Return the pages as parameters; all checks of a visit go to the one process that made it."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"{origin} {name}")) for name in PAGES]


@pytest.fixture(scope="module", params=each_page("server"))
def from_server(request: pytest.FixtureRequest, browser: BrowserContext, server: str) -> Found:
    return visit_from_server(browser, server, request.param)


@pytest.fixture(scope="module", params=each_page("file"))
def from_file(request: pytest.FixtureRequest, browser: BrowserContext, site: Path) -> Found:
    return visit_from_file(browser, site.as_uri(), request.param)


@pytest.mark.parametrize("check", CHECKS)
def test_page_from_a_server(from_server: Found, check: str) -> None:
    assert not from_server[check], "\n".join(from_server[check])


@pytest.mark.parametrize("check", FROM_A_FILE)
def test_page_from_a_file(from_file: Found, check: str) -> None:
    assert not from_file[check], "\n".join(from_file[check])


@pytest.mark.parametrize("from_a_file", [False, True], ids=["server", "file"])
def test_search_finds_a_word(browser: BrowserContext, site: Path, server: str, from_a_file: bool) -> None:
    with visiting(
        browser, site.as_uri() if from_a_file else server, "book/index.html", "light", WIDE
    ) as visit:
        visit.page.keyboard.press("Control+K")
        visit.page.locator("dialog input[type=search]").fill("padding")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#search-results li a")
        found = visit.page.locator("#search-results li a").all_inner_texts()
    assert found
    assert not visit.complaints(), "\n".join(visit.complaints())


def test_a_missing_browser_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoBrowserError, match=r"which is no program.*apt-get install chromium"):
        find_chromium({"CHROMIUM": str(tmp_path / "nothing")})
    assert "CHROMIUM=/path/to/chrome make test" in MISSING
