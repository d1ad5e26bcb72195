"""A visit to a page: loaded once, it is looked at in each theme and at each width; what each check found."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tools.release import FORMULAS_SET
from tools.sheets import is_chapter

SETTLED = 400  # milliseconds: the theme and we wait after a change of width before we look for what scrolls
SILENT = {"log", "info", "debug"}
CHECKS = ("console", "requests", "formulas", "overflow", "keyboard", "axe", "figure")
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
FIRST_SCREEN = 1000  # pixels
TOO_LATE = """screen => {
  const figure = document.querySelector('article figure');
  const top = figure ? figure.getBoundingClientRect().top + window.scrollY : Infinity;
  return top < screen ? [] : ['the first figure begins at ' + top + ' px'];
}"""
# axe-core takes its time for each tag. While it looks, what its rules do not read is away, the strokes of
# formulas and figures, and of the thousands of words of code and of signatures one of each kind is a tag of
# its own.
PLAIN = """() => {
  const kinds = new Set();
  const strokes = 'mjx-container svg[aria-hidden=true]:not(:has(a, text, [tabindex]))';
  window.whole = [];
  for (const all of document.querySelectorAll('pre, code, dt.sig, svg.course-figure, ' + strokes)) {
    const plain = all.cloneNode(all.tagName !== 'svg');
    for (const word of plain.querySelectorAll('span, em')) {
      const looks = it => [it.tagName, it.className, it.getAttribute('style')];
      const kind = [all.closest('.cell_output') !== null, looks(word), looks(word.parentElement)].join();
      word.dataset.new = !kinds.has(kind) && word.textContent.trim() !== '';
      if (word.dataset.new === 'true') kinds.add(kind);
    }
    for (const word of plain.querySelectorAll('[data-new=false]:not([id], :has([data-new=true]))'))
      word.replaceWith(...word.childNodes);
    plain.normalize();
    all.replaceWith(plain);
    window.whole.push([all, plain]);
  }
}"""
AXE_CORE = Axe().axe_script
RUN_AXE = "options => axe.run(document, options).then(found => found.violations)"
WHOLE = "() => window.whole.forEach(([all, plain]) => plain.replaceWith(all))"
IN_THEME = """theme => document.documentElement.dataset.theme === theme
  && document.getAnimations().every(it => it.playState !== 'running')"""
ENTRANCE = "index.html"
WIDE, NARROW = 1400, 390
AXE_RULES = {  # what the dark changes is colors, and the width all but colors
    "all": {},
    "colors": {"runOnly": ["color-contrast"]},
    "no colors": {"rules": {"color-contrast": {"enabled": False}}},
}
FROM_A_SERVER = (("light", WIDE, "all"), ("dark", WIDE, "colors"))  # theme, width, and axe-core's rules
FROM_A_FILE = (("dark", NARROW, ""), ("light", NARROW, "no colors"))  # together, each view once
Found = dict[str, list[str]]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without writing a log."""

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


class Visit:
    """A page and, for each of `CHECKS`, what is wrong with it: "dark, 390 px: ..."."""

    def __init__(self, page: Page, theme: str, width: int) -> None:
        self.page, self.theme, self.width = page, theme, width
        self.found: Found = defaultdict(list)

    def open(self, base: str, name: str) -> None:
        """Load the page and wait for its formulas, listening from the start."""
        self._listen(base)
        self._show()
        self.page.goto(f"{base}/{name}")
        if name == ENTRANCE:  # it leads on by itself
            self.page.wait_for_url("**/book/index.html")
        self.page.wait_for_function(FORMULAS_SET)

    def _show(self) -> None:
        self.page.emulate_media(color_scheme=self.theme)
        self.page.set_viewport_size({"width": self.width, "height": 900})

    def _listen(self, base: str) -> None:
        page = self.page
        page.on(
            "console",
            lambda it: it.type in SILENT or self.note("console", [f"console {it.type}: {it.text}"]),
        )
        page.on("pageerror", lambda it: self.note("console", [f"error: {it}"]))
        page.on("requestfailed", lambda it: self.note("requests", [f"failed request: {it.url}"]))
        page.on(
            "response",
            lambda it: it.status < 400 or self.note("requests", [f"status {it.status}: {it.url}"]),
        )
        page.on(
            "request",
            lambda it: it.url.startswith((base, "data:")) or self.note("requests", [f"elsewhere: {it.url}"]),
        )

    def note(self, check: str, found: Iterable[str]) -> None:
        """Keep what a check found, with the theme and the width at which it did."""
        self.found[check] += [f"{self.theme}, {self.width} px: {it}" for it in found]

    def turn(self, theme: str, width: int) -> None:
        """Show the page in another theme or at another width, as its reader's system would."""
        resized, self.theme, self.width = width != self.width, theme, width
        self._show()
        self.page.wait_for_function(IN_THEME, arg=theme)
        if resized:
            self.page.wait_for_timeout(SETTLED)

    def look(self, *checks: str, rules: str = "all") -> None:
        """Let the checks that are named look at the page as it is shown now."""
        looks = {
            "formulas": lambda: [f"formula not set: {it}" for it in self.page.evaluate(UNSET)],
            "overflow": lambda: self.page.evaluate(TOO_WIDE),
            "keyboard": lambda: self.page.evaluate(STUCK),
            "axe": lambda: axe_violations(self.page, rules),
            "figure": lambda: self.page.evaluate(TOO_LATE, FIRST_SCREEN),
        }
        for check in checks:
            self.note(check, looks[check]())


def report(found: Found) -> str:
    """Return all that was found, a line each: the check, the theme, the width and what it saw."""
    return "\n".join(f"{check}, {it}" for check in CHECKS for it in found[check])


@contextmanager
def visiting(browser: BrowserContext, base: str, name: str, theme: str, width: int) -> Iterator[Visit]:
    """Open a page and close it; an error on the way says how the page was shown."""
    visit = Visit(browser.new_page(), theme, width)
    try:
        visit.open(base, name)
        yield visit
    except Exception as error:
        error.add_note(f"{base}/{name}, {visit.theme}, {visit.width} px")
        raise
    finally:
        visit.page.close()


def visit_from_server(browser: BrowserContext, base: str, name: str) -> Found:
    """Look at a page that a server sends, wide, in both themes; return what each check found."""
    return _visit(browser, base, name, FROM_A_SERVER)


def visit_from_file(browser: BrowserContext, base: str, name: str) -> Found:
    """Look at a page from the disk, narrow, in both themes; return what each check found."""
    return _visit(browser, base, name, FROM_A_FILE)


def _visit(browser: BrowserContext, base: str, name: str, views: tuple[tuple[str, int, str], ...]) -> Found:
    theme, width, _ = views[0]
    with visiting(browser, base, name, theme, width) as visit:
        if name == ENTRANCE:  # the page that it leads to has its own visit
            return visit.found
        if is_chapter(name) and width == WIDE:
            visit.look("figure")
        for theme, width, rules in views:
            visit.turn(theme, width)
            visit.look("formulas", "overflow", "keyboard", *["axe"] * bool(rules), rules=rules)
    return visit.found


def axe_violations(page: Page, rules: str) -> list[str]:
    """Let axe-core look at the page, by the rules of `AXE_RULES` that are named."""
    options = {"resultTypes": ["violations"], "preload": False, **AXE_RULES[rules]}
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_CORE)
    page.evaluate(PLAIN)
    violations = page.evaluate(RUN_AXE, options)
    page.evaluate(WHOLE)
    return [
        f"axe {violation['id']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
    ]
