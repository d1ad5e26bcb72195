"""Folds and marks of the built book: what no page shows unfolded, what keys, links and print open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import Tag
from parsing import parsed
from playwright.sync_api import BrowserContext, Page

from tools.execute_book import chapters

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in chapters(ROOT)]
FOLDED = "book/foundations/pooling.html"  # a chapter with imports, checks and a fold that holds cells
HEIGHTS = "marks => marks.map(mark => mark.getBoundingClientRect().height)"


def cells(site: Path, name: str) -> list[Tag]:
    return parsed(site / name).select("article div.cell")


def unfolded(cell: Tag) -> list[str]:
    """Return the code of a cell that is seen before anything is opened."""
    return [code.get_text() for code in cell.select(".cell_input pre") if not code.find_parent("details")]


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_line_of_glue_and_no_cell_of_imports_is_shown(site: Path, name: str) -> None:
    for cell in cells(site, name):
        assert not any("glue(" in code.get_text() for code in cell.select(".cell_input pre"))
        for code in unfolded(cell):
            first = [line.split()[0] for line in code.splitlines() if line.strip() and line[0] not in " #)"]
            count = sum(word in ("import", "from") for word in first)
            assert 2 * count <= len(first), code


@pytest.mark.parametrize("name", CHAPTERS)
def test_assertions_at_the_end_of_a_cell_are_folded(site: Path, name: str) -> None:
    for cell in cells(site, name):
        for code in unfolded(cell):
            last = [line for line in code.splitlines() if line.strip()][-1]
            assert not last.startswith("assert "), code
        for mark in cell.select("details.course-checked"):
            assert mark.summary is not None
            assert mark.summary.get_text(strip=True) == "checked"
            assert "assert" in mark.select_one("pre").get_text()  # type: ignore[union-attr]  # there, or it fails


def test_a_cell_without_anything_left_is_gone(site: Path) -> None:
    assert [cell for name in CHAPTERS for cell in cells(site, name) if not cell.get_text(strip=True)] == []


@pytest.fixture
def page(browser: BrowserContext, site: Path) -> Iterator[Page]:
    page = browser.new_page()
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto((site / FOLDED).as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("kind", ["course-imports", "course-checked", "course-fold"])
def test_the_keyboard_reaches_and_opens_each_kind_of_fold(page: Page, kind: str) -> None:
    first = page.locator(f"details.{kind}").first
    page.evaluate("kind => { document.querySelector(`details.${kind}`).scrollIntoView(); }", kind)
    first.evaluate("""fold => {
      const before = document.createElement('button');
      fold.before(before);
      before.focus();
    }""")
    page.keyboard.press("Tab")
    assert first.evaluate("fold => document.activeElement === fold.querySelector('summary')")
    ring = first.locator("> summary").evaluate("it => getComputedStyle(it).outlineStyle")
    assert ring != "none"
    assert first.evaluate("fold => fold.open") is False
    page.keyboard.press("Enter")
    assert first.evaluate("fold => fold.open") is True
    assert first.locator("pre").first.is_visible()
    page.keyboard.press("Space")
    assert first.evaluate("fold => fold.open") is False


def test_a_link_opens_the_fold_that_it_leads_to(page: Page) -> None:
    fold = page.locator("details.course-fold").first
    name = fold.get_attribute("id")
    assert name
    page.goto(f"{page.url}#{name}")
    page.wait_for_function("name => document.getElementById(name).open", arg=name)
    fold.evaluate("fold => { fold.open = false; fold.querySelector('pre').id = 'inside'; }")
    page.evaluate("window.location.hash = '#inside'")
    page.wait_for_function("name => document.getElementById(name).open", arg=name)
    fold.evaluate("""fold => {
      fold.open = false;
      const link = '<a id="again" href="#inside">again</a>';
      document.querySelector('article').insertAdjacentHTML('afterbegin', link);
    }""")
    page.locator("#again").click()
    page.wait_for_function("name => document.getElementById(name).open", arg=name)


def test_in_print_folds_stand_open_and_marks_are_gone(page: Page) -> None:
    closed = page.locator("details.course-fold").evaluate_all("folds => folds.map(fold => fold.open)")
    assert not any(closed)
    shown = page.locator("details.course-aside").evaluate_all(HEIGHTS)
    assert shown
    assert min(shown) > 0
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert all(page.locator("details.sd-dropdown").evaluate_all("folds => folds.map(fold => fold.open)"))
    assert page.locator("details.course-fold pre").first.is_visible()
    assert max(page.locator("details.course-aside").evaluate_all(HEIGHTS)) == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.emulate_media(media="screen", color_scheme="light")
    assert not any(page.locator("details.course-fold").evaluate_all("folds => folds.map(fold => fold.open)"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_refuses_nothing_of_open_folds(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    context = {"include": [["details.course-aside"], ["details.sd-dropdown"]], "exclude": [["pre"]]}
    found = Axe().run(page, context, {"resultTypes": ["violations"], "preload": False}).response["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []
