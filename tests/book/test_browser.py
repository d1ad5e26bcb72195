"""Every page in a headless browser: from a server and from file://, light and dark, wide and narrow.

No message in the console, no request elsewhere, all formulas set, no sideways scrolling, nothing that
axe-core refuses.
"""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tools.contents import built_pages
from tools.find_chromium import MISSING, NoBrowserError, find_chromium

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = built_pages(ROOT / "_build" / "html") or ["index.html"]  # without a book, its test tells what to do
THEMES = ("light", "dark")
WIDTHS = (1400, 390)
SILENT = {"log", "info", "debug"}
UNSET = """() => [...document.querySelectorAll('.math')]
  .filter(formula => !formula.querySelector('mjx-container') || formula.querySelector('[data-mjx-error]'))
  .map(formula => formula.textContent.slice(0, 80))"""
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = e => e !== document.body && getComputedStyle(e).overflowX !== 'visible';
  const inside = e => e && (scrolls(e) || inside(e.parentElement));
  const wide = [...document.querySelectorAll('article *')]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !inside(e.parentElement));
  return ['the page is ' + document.documentElement.scrollWidth + ' wide',
          ...wide.slice(0, 5).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 60))];
}"""
STUCK = """() => [...document.querySelectorAll('article *')]
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
  .filter(e => e.tabIndex < 0 && !e.querySelector('a, button, [tabindex]') && !e.closest('[tabindex="0"]'))
  .map(e => 'no keyboard reaches ' + e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 60))"""
SAMPLE_CODE = """() => {
  const kinds = new Set();
  for (const word of document.querySelectorAll('article pre, article pre span')) {
    const kind = word.closest('.cell_output') ? 'output' : word.className;
    if (!kinds.has(kind) && word.textContent.trim()) word.dataset.sample = kind;
    kinds.add(kind);
  }
}"""
READY = "() => !window.MathJax || (window.MathJax.startup && window.MathJax.startup.promise.then(() => true))"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without writing a log."""

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=site))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def open_page(browser: Browser, base: str, name: str, theme: str, width: int) -> tuple[Page, list[str]]:
    """Open a page and wait for its formulas; also return the list to which its complaints are added."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if theme == "dark" else "light"
    )
    page, complaints = context.new_page(), []
    page.on("console", lambda it: it.type in SILENT or complaints.append(f"console {it.type}: {it.text}"))
    page.on("pageerror", lambda it: complaints.append(f"error: {it}"))
    page.on("requestfailed", lambda it: complaints.append(f"failed request: {it.url}"))
    page.on("response", lambda it: it.status < 400 or complaints.append(f"status {it.status}: {it.url}"))
    page.on(
        "request", lambda it: it.url.startswith((base, "data:")) or complaints.append(f"elsewhere: {it.url}")
    )
    page.goto(f"{base}/{name}")
    if name == "index.html":  # it leads on by itself
        page.wait_for_url("**/book/index.html")
    page.wait_for_function(READY)
    return page, complaints


def violations(page: Page, context: dict[str, object], **options: object) -> list[str]:
    results = Axe().run(page, context, {"resultTypes": ["violations"], "preload": False, **options}).response
    return [
        f"axe {violation['id']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def axe_violations(page: Page, colors: bool) -> list[str]:
    """Let axe-core look at the page; of its thousands of colored words of code, at one of each kind."""
    if not colors:
        return violations(page, {"exclude": [["pre"]]}, rules={"color-contrast": {"enabled": False}})
    page.evaluate(SAMPLE_CODE)
    found = violations(page, {"exclude": [["pre"]]})
    if page.query_selector("[data-sample]"):
        contrast = {"type": "rule", "values": ["color-contrast"]}
        found += violations(page, {"include": [["[data-sample]"]]}, runOnly=contrast)
    return found


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_server(browser: Browser, server: str, name: str, theme: str) -> None:
    page, complaints = open_page(browser, server, name, theme, WIDTHS[0])
    try:
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(400)  # the theme and we wait before we look for what scrolls
            found = [*page.evaluate(TOO_WIDE), *page.evaluate(STUCK)]
            found += axe_violations(page, colors=width == WIDTHS[0])  # colors do not change with the width
            complaints += [f"{width} px: {it}" for it in found]
        complaints += [f"formula not set: {it}" for it in page.evaluate(UNSET)]
    finally:
        page.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_file(browser: Browser, site: Path, name: str, theme: str) -> None:
    page, complaints = open_page(browser, site.as_uri(), name, theme, WIDTHS[1])
    try:
        for width in reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(50)
            complaints += [f"{width} px: {it}" for it in page.evaluate(TOO_WIDE)]
        complaints += [f"formula not set: {it}" for it in page.evaluate(UNSET)]
    finally:
        page.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("from_file", [False, True], ids=["server", "file"])
def test_search_finds_a_word(browser: Browser, site: Path, server: str, from_file: bool) -> None:
    base = site.as_uri() if from_file else server
    page, complaints = open_page(browser, base, "book/index.html", "light", WIDTHS[0])
    try:
        page.keyboard.press("Control+K")
        page.locator("dialog input[type=search]").fill("padding")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        found = page.locator("#search-results li a").all_inner_texts()
    finally:
        page.context.close()
    assert found
    assert not complaints, "\n".join(complaints)


def test_a_missing_browser_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoBrowserError, match=r"which is no program.*apt-get install chromium"):
        find_chromium({"CHROMIUM": str(tmp_path / "nothing")})
    assert "CHROMIUM=/path/to/chrome make test" in MISSING
