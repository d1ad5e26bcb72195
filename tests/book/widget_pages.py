"""A page with a widget, opened in a browser: what it asked for, what went wrong, and the widget anew."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page

WIDE, NARROW, HEIGHT = 1400, 390, 900
PATIENCE = 120_000  # milliseconds: other programs may have the processor
WIDGETS = {
    "draw-digit": "book/architectures/lenet.html",
    "convolution": "book/foundations/convolution.html",
    "pooling": "book/foundations/pooling.html",
    "valley": "book/foundations/learning.html",
    "explorer": "book/architectures/resnet.html",
    "aliasing": "book/foundations/images.html",
    "shuffle": "book/foundations/images.html",
    "receptive-field": "book/foundations/receptive-field.html",
    "thirty-layers": "book/foundations/activations.html",
    "photo": "book/practice/your-images.html",
}
FORMULAS, ICONS = (
    "**/tex-svg-full.js*",
    "**/fontawesome.js*",
)  # which take their time, and have nothing to do with it
READY = "name => document.querySelector(`#widget-${name}.course-widget-ready`)"
ANEW = """name => {
  const { title } = document.getElementById('widget-' + name).dataset;
  const live = document.querySelector(`#widget-${name} .course-widget-live`);
  live.replaceChildren();
  globalThis.cnncourse.widgets[name](live, title);
}"""
Open = Callable[[str], Locator]


def height_of(place: Locator) -> float:
    """Return how high a place is, in pixels."""
    box = place.bounding_box()
    assert box is not None
    return box["height"]


class Opened:
    """A page with a widget, scrolled to it; what it asked for before and after, and what went wrong."""

    def __init__(self, context: BrowserContext, site: Path, name: str) -> None:
        self.name, self.page = name, context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page = self.page
        page.set_default_timeout(PATIENCE)
        for script in (FORMULAS, ICONS):
            page.route(script, lambda it: it.fulfill(body="", content_type="text/javascript"))
        page.on("console", lambda it: self.wrong.append(it.text) if it.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda it: self.asked.append(it.url))
        page.goto((site / WIDGETS[name]).as_uri())
        self.at_first = list(self.asked)
        self.fallback = page.locator(f"#widget-{name} .course-widget-fallback")
        self.was_shown = self.fallback.is_visible()
        place = page.locator(f"#widget-{name}")
        before = height_of(place)
        place.scroll_into_view_if_needed()
        page.wait_for_function(READY, arg=name)
        self.grown = height_of(place) - before  # by how many pixels what follows has moved

    def anew(self) -> Locator:
        """Return the widget as it is in the beginning, on a wide and light page."""
        self.page.bring_to_front()  # a page behind another one answers the mouse once a second
        self.page.emulate_media(media="screen", color_scheme="light")
        self.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
        self.page.evaluate(ANEW, self.name)
        widget = self.page.locator(f"#widget-{self.name} .course-widget-live")
        widget.scroll_into_view_if_needed()
        return widget


@contextmanager
def another(browser: BrowserContext, **options: Any) -> Iterator[BrowserContext]:
    """Open a context of other options in the same browser."""
    assert browser.browser is not None
    context = browser.browser.new_context(**options)
    yield context
    context.close()


def draw_down_by_finger(page: Page, board: Locator, shares: Iterable[float]) -> int:
    """Move a finger down the middle of a board, by shares of its height; return where the page stood."""
    board.scroll_into_view_if_needed()
    box, top = board.bounding_box(), page.evaluate("window.scrollY")
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for step, share in enumerate(shares):
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * share}
        kind = "touchMove" if step else "touchStart"
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    return int(top)
