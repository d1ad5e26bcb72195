"""Every page in a headless browser: wide from a server, narrow from file://, light and dark from either.

No message in the console, no request elsewhere, all formulas set, no sideways scrolling, nothing that
axe-core refuses. A page is loaded once from either place, and all that is wrong with it is told at once.
"""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from visits import WIDE, report, visit_from_file, visit_from_server, visiting

from tools.contents import built_pages
from tools.find_chromium import MISSING, NoBrowserError, find_chromium

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "_build" / "html"
PAGES = sorted(built_pages(BUILT), key=lambda name: -(BUILT / name).stat().st_size)  # the longest first
PAGES = PAGES or ["index.html"]  # without a book, its test tells what to do


@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_server(browser: BrowserContext, server: str, name: str) -> None:
    found = visit_from_server(browser, server, name)
    assert not any(found.values()), report(found)


@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_file(browser: BrowserContext, site: Path, name: str) -> None:
    found = visit_from_file(browser, site.as_uri(), name)
    assert not any(found.values()), report(found)


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
    assert not any(visit.found.values()), report(visit.found)


def test_a_missing_browser_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoBrowserError, match=r"which is no program.*apt-get install chromium"):
        find_chromium({"CHROMIUM": str(tmp_path / "nothing")})
    assert "CHROMIUM=/path/to/chrome make test" in MISSING
