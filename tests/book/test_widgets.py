"""Widgets in the built book, from file://: pointer, touch, keys; print, no scripts; nothing for axe."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page
from visits import AXE_CORE, RUN_AXE
from widget_pages import HEIGHT, NARROW, PATIENCE, WIDE, WIDGETS, Open, Opened, another, draw_down_by_finger

FIGURE = re.compile(r'<svg class="course-figure".*?</svg>', re.DOTALL)
BUDGET = 500_000  # bytes of a page's text and its widget, beside figures and what all pages share
CUT_OFF = """root => {
  const right = root.getBoundingClientRect().right + 1, cut = it => it.getBoundingClientRect().right > right;
  return [...root.querySelectorAll('*:not(svg *)')].filter(cut).map(it => it.outerHTML.slice(0, 120));
}"""
FIRST_COLOR = """board => {
  const canvas = board.querySelector('canvas');
  return [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data].join();
}"""
BRIGHT = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), found = [];
  for (let i = 0; i < data.length / 4; i++) {
    if (data[4 * i]) found.push([Math.floor(i / canvas.width), i % canvas.width]);
  }
  return found;
}"""
ZERO = [
    (0.5, 0.12),
    (0.28, 0.28),
    (0.22, 0.5),
    (0.31, 0.78),
    (0.5, 0.88),
    (0.69, 0.78),
    (0.78, 0.5),
    (0.69, 0.28),
    (0.5, 0.12),
]


def best(widget: Locator) -> str:
    return widget.locator(".course-best b").inner_text()


def drag(page: Page, board: Locator, points: list[tuple[float, float]]) -> None:
    """Draw a line through points of a board, in shares of its width and height."""
    box = board.bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def file_of(url: str) -> Path:
    return Path(url.partition("?")[0].removeprefix("file://"))


@pytest.mark.parametrize("name", WIDGETS)
def test_it_is_loaded_only_when_a_reader_comes_near(pages: Callable[[str], Opened], name: str) -> None:
    opened = pages(name)
    at_first = sorted(file_of(url).name for url in opened.at_first if "/widgets/" in url)
    assert [script for script in at_first if script.endswith(".js")] == ["widgets.js"]
    assert opened.was_shown and not opened.fallback.is_visible()
    assert any(f"/{name}.js?v=" in url for url in opened.asked)
    assert all(url.startswith(("file:", "data:")) for url in opened.asked)


@pytest.mark.parametrize("name", WIDGETS)
def test_page_and_widget_stay_light(pages: Callable[[str], Opened], name: str) -> None:
    files = {file_of(url) for url in pages(name).asked if url.startswith("file:")}
    own = [path for path in files if path.suffix == ".html" or "widgets" in path.parts]
    figures = FIGURE.findall(next(path for path in own if path.suffix == ".html").read_text(encoding="utf-8"))
    assert len(own) > 5 and sum(path.stat().st_size for path in own) - len("".join(figures)) < BUDGET


def test_other_pages_load_nothing_of_it(site: Path) -> None:
    assert "widgets" not in (site / "book/foundations/why-cnns.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WIDGETS)
def test_in_print_it_is_what_stands_in_its_place(
    pages: Callable[[str], Opened], shown: Open, name: str
) -> None:
    widget = shown(name)
    widget.page.emulate_media(media="print")
    assert not widget.is_visible()
    assert pages(name).fallback.is_visible()


@pytest.mark.parametrize("name", WIDGETS)
def test_without_scripts_it_is_what_stands_in_its_place(
    browser: BrowserContext, site: Path, name: str
) -> None:
    with another(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / WIDGETS[name]).as_uri(), timeout=PATIENCE)
        fallback = page.locator(f"#widget-{name} .course-widget-fallback")
        assert fallback.is_visible() and fallback.locator("a[href*='fig-']").count() > 0


@pytest.mark.parametrize("name", WIDGETS)
@pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_axe_refuses_nothing_and_nothing_is_cut_off(shown: Open, name: str, theme: Any, width: int) -> None:
    widget = shown(name)
    page = widget.page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    page.evaluate(AXE_CORE)
    found = page.evaluate(RUN_AXE.replace("document", f"'#widget-{name}'"), {"preload": False})
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert widget.evaluate(CUT_OFF) == []


def test_maps_turn_dark_with_the_page(shown: Open) -> None:
    widget = shown("convolution")
    output = widget.locator(".course-board").nth(1)
    widget.get_by_role("combobox", name="Image").select_option("one bright pixel")  # its corner is zero
    assert output.evaluate(FIRST_COLOR) == "255,255,255,255"
    widget.page.emulate_media(color_scheme="dark")
    widget.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert output.evaluate(FIRST_COLOR) == "21,24,28,255"


class TestDrawDigit:
    def test_it_begins_with_the_five_of_the_chapter_and_all_maps(self, shown: Open) -> None:
        widget = shown("draw-digit")
        widget.page.wait_for_function("document.querySelector('.course-best')")
        assert best(widget) == "5"
        counts = widget.locator(".course-maps").evaluate_all("rows => rows.map(row => row.children.length)")
        assert counts == [6, 6, 6, 16, 16, 16, 1, 1]

    def test_a_stroke_of_the_mouse_takes_the_place_of_the_five(self, shown: Open) -> None:
        widget = shown("draw-digit")
        page = widget.page
        maps = "it => it.querySelector('.course-maps canvas').toDataURL()"
        page.wait_for_function("document.querySelector('.course-best')")
        before = widget.evaluate(maps)
        drag(page, widget.locator(".course-fine"), ZERO)
        page.wait_for_function("document.querySelector('.course-best b').textContent === '0'")
        assert widget.evaluate(maps) != before
        widget.get_by_role("button", name="Clear").click()
        page.wait_for_function("document.querySelector('.course-note').textContent.startsWith('Nothing')")

    def test_arrow_keys_and_space_paint(self, shown: Open) -> None:
        widget = shown("draw-digit")
        page = widget.page
        widget.locator(".course-fine").focus()
        for _ in range(5):
            page.keyboard.press("ArrowUp")
        page.keyboard.press("Space")
        for _ in range(10):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        page.wait_for_function("document.querySelector('.course-best b').textContent === '1'")
        said = "document.querySelector('.course-said').textContent"
        page.wait_for_function(f"{said}.includes('Most likely 1')")
        page.keyboard.press("Delete")
        page.wait_for_function("document.querySelector('.course-note').textContent.startsWith('Nothing')")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Clear"  # no way in without a way out

    def test_a_finger_draws_and_the_page_stays(self, browser: BrowserContext, site: Path) -> None:
        with another(browser, has_touch=True, viewport={"width": NARROW, "height": HEIGHT}) as context:
            opened = Opened(context, site, "draw-digit")
            self.draw_by_finger(opened)
            assert opened.wrong == []

    def draw_by_finger(self, opened: Opened) -> None:
        page = opened.page
        widget = page.locator(".course-widget-live")
        shares = [0.1 + 0.07 * step for step in range(12)]
        top = draw_down_by_finger(page, widget.locator(".course-fine"), shares)
        page.wait_for_function("document.querySelector('.course-best b')?.textContent === '1'")
        assert page.evaluate("window.scrollY") == top

    def test_as_it_is_drawn_if_one_likes(self, shown: Open) -> None:
        widget = shown("draw-digit")
        page = widget.page
        seen = "it => it.querySelector('.course-seen canvas').toDataURL()"
        page.wait_for_function("document.querySelector('.course-best')")
        before = widget.evaluate(seen)
        widget.get_by_role("checkbox").uncheck()
        page.wait_for_function(
            f"before => ({seen})(document.querySelector('.course-digit')) !== before", arg=before
        )
        drawn = widget.locator(".course-fine canvas").evaluate("it => it.toDataURL()")
        assert widget.evaluate(seen) == drawn


class TestConvolution:
    def test_arrow_keys_move_the_window_and_the_sum_is_right(self, shown: Open) -> None:
        widget = shown("convolution")
        page = widget.page
        widget.locator(".course-board").first.focus()
        where = widget.locator(".course-reading b").first
        assert where.inner_text().startswith("Output in row 21, column 21: ")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        assert where.inner_text().startswith("Output in row 22, column 20: ")
        total = where.inner_text().rpartition(": ")[2].replace("−", "-")
        written = " ".join(widget.locator(".course-sum span").all_inner_texts()).replace("−", "-")
        terms = written.removeprefix("= ").replace("·", "*")
        assert eval(terms) == pytest.approx(float(total), abs=0.06)  # numbers, + and *
        page.wait_for_function(
            "document.querySelector('.course-said').textContent.startsWith('Output in row 22')"
        )

    def test_the_mouse_points_at_a_window(self, shown: Open) -> None:
        widget = shown("convolution")
        image, where = widget.locator(".course-board").first, widget.locator(".course-reading b").first
        box = image.bounding_box()
        assert box is not None
        image.hover(position={"x": box["width"] - 1, "y": 1})
        assert where.inner_text().startswith("Output in row 1, column 38: ")
        widget.locator(".course-board").nth(1).hover(position={"x": 1, "y": 1})
        assert where.inner_text().startswith("Output in row 1, column 1: ")

    def test_options_change_the_size_as_the_formula_says(self, shown: Open) -> None:
        widget = shown("convolution")
        size = widget.locator(".course-reading > p").last
        assert size.inner_text() == "Size: ⌊(40 + 2·0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 38"
        for label, keys in (("Stride", 1), ("Padding", 2), ("Dilation", 1)):
            for _ in range(keys):
                widget.get_by_label(label).press("ArrowRight")
        assert size.inner_text() == "Size: ⌊(40 + 2·2 − 2·(3 − 1) − 1) / 2⌋ + 1 = 20"
        output = widget.locator(".course-board canvas").nth(1)
        assert output.evaluate("it => [it.width, it.height]") == [20, 20]

    def test_a_kernel_of_one_s_own_and_its_flip(self, shown: Open) -> None:
        widget = shown("convolution")
        widget.get_by_role("combobox", name="Image", exact=True).select_option("one bright pixel")
        widget.get_by_role("combobox", name="Kernel", exact=True).select_option("identity")
        output = widget.locator(".course-board canvas").nth(1)
        assert output.evaluate(BRIGHT) == [[3, 3]]
        widget.get_by_label("Weight in row 2, column 2").fill("0")
        widget.get_by_label("Weight in row 1, column 1").fill("1")
        assert widget.get_by_role("combobox", name="Kernel", exact=True).input_value() == "own"
        assert output.evaluate(BRIGHT) == [[4, 4]]  # the sliding sum spells the kernel backward
        widget.get_by_label("Flip it").check()
        assert output.evaluate(BRIGHT) == [[2, 2]]


class TestPooling:
    def likeness(self, widget: Locator) -> list[float]:
        return [
            float(text.replace("−", "-")) for text in widget.locator("figcaption b").all_inner_texts() if text
        ]

    def test_before_the_camera_moves_all_is_the_same(self, shown: Open) -> None:
        assert self.likeness(shown("pooling")) == [1, 1, 1, 1, 1]

    def test_a_pixel_costs_the_bare_stride_more_than_max_and_blur(self, shown: Open) -> None:
        widget = shown("pooling")
        widget.get_by_label("Move the camera by").press("ArrowRight")
        edges, strided, largest, mean, blurred = self.likeness(widget)
        assert edges < 0.9 and strided < largest and strided < mean and strided < blurred

    def test_stripes_are_gone_at_odd_moves_and_back_at_even_ones_if_maps_move_along(
        self, shown: Open
    ) -> None:
        widget = shown("pooling")
        widget.get_by_role("combobox", name="Image", exact=True).select_option("stripes")
        slider = widget.get_by_label("Move the camera by")
        slider.press("ArrowRight")
        assert self.likeness(widget)[2] == 0
        slider.press("ArrowRight")
        assert self.likeness(widget)[2] == -1
        widget.get_by_label("let the maps move along").check()
        assert self.likeness(widget)[2] == 1
