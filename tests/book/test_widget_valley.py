"""The valley in the chapter on learning, used by keys, mouse and finger."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page
from widget_pages import HEIGHT, NARROW, Open, Opened, another, draw_down_by_finger

RULES = ("sgd", "momentum", "adam")


def away(widget: Locator) -> tuple[bool, float]:
    """Return whether it says that the walk runs away, and how far from the bottom the walk ends."""
    words = widget.locator(".course-verdict").inner_text()
    found = re.search(r"it's ([\d.]+)(?:·10([⁰¹²³⁴⁵⁶⁷⁸⁹]+))? from the bottom", words)
    assert found is not None, words
    power = int(found[2].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))) if found[2] else 0
    return words.startswith("It runs away"), float(found[1]) * 10**power


def numbers(cell: str) -> list[float]:
    """Return both sides of a sum as it is written."""
    python = cell.replace("−", "-").replace("·", "*").replace("²", "**2").replace("√", "1/").split(" = ")
    return [eval(side) for side in python]  # numbers, + - * and /


def heights(widget: Locator) -> set[int]:
    """Return the heights that the widget has at some steps of each rule, calm and lost."""
    found = set()
    for rule in RULES:
        widget.get_by_label("Rule").select_option(rule)
        for rate in ("0", "224"):
            widget.get_by_role("slider", name="Learning rate").fill(rate)
            for step in ("1", "2", "30"):
                widget.get_by_role("slider", name="Step").fill(step)
                found.add(round(widget.evaluate("it => it.getBoundingClientRect().height")))
    return found


def test_keys_find_the_rate_at_which_sgd_runs_away(shown: Open) -> None:
    widget = shown("valley")
    page, rate = widget.page, widget.get_by_role("slider", name="Learning rate")
    for curvature, limit in (("100", 0.02), ("25", 0.08)):
        widget.get_by_label("Curvature").select_option(curvature)
        rate.focus()
        last = ""
        while not away(widget)[0]:
            last = rate.get_attribute("aria-valuetext") or ""
            page.keyboard.press("ArrowRight")
        assert float(last) == limit
    page.wait_for_function(
        "document.querySelector('.course-said').textContent.startsWith('SGD at 0.081. It runs away')"
    )
    factors = widget.locator(".course-step-written > p").inner_text()
    assert factors.endswith("and w₁ by 1 − 0.081·25 = −1.02.")  # -1.025 has more figures


def test_every_rule_is_where_the_chapter_says_and_its_arithmetic_holds(shown: Open) -> None:
    widget = shown("valley")
    for rule, at, end in (("sgd", 98, 3.36), ("momentum", 90, 0.05), ("adam", 150, 0.21)):
        widget.get_by_label("Rule").select_option(rule)
        widget.get_by_role("slider", name="Learning rate").fill(str(at))
        widget.get_by_role("slider", name="Step").fill("7")
        assert away(widget) == (False, pytest.approx(end, abs=0.01))
        cells = [
            cell
            for row in widget.locator("tbody tr").all()
            if row.locator("th").inner_text() != "update" or rule != "adam"  # it has a root
            for cell in row.locator("td").all_inner_texts()
        ]
        assert len(cells) == {"sgd": 6, "momentum": 8, "adam": 12}[rule]
        for cell in cells:
            left, right = numbers(cell)
            assert left == pytest.approx(right, rel=0.03, abs=0.02), cell


def test_mouse_and_keys_move_the_start(shown: Open) -> None:
    widget = shown("valley")
    page, board, caption = widget.page, widget.locator(".course-board"), widget.locator("figcaption")
    box = board.bounding_box()
    assert box is not None
    board.hover(position={"x": 5, "y": 5})
    assert "w₀ = 10, w₁ = 1;" in caption.inner_text()  # the pointer above it moves nothing
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    assert "w₀ = −6, w₁ = 0;" in caption.inner_text()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] * 3 / 4)
    page.mouse.up()
    assert "w₀ = −6, w₁ = −0.67;" in caption.inner_text()
    board.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert "w₀ = −5.5, w₁ = −0.62;" in caption.inner_text()
    assert widget.locator("tbody td").first.inner_text() == "1·(−5.5) = −5.5"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"  # no way in without a way out


def test_it_plays_and_pauses_and_begins_anew_and_nothing_jumps(shown: Open) -> None:
    widget = shown("valley")
    page, button, step = widget.page, widget.locator("button"), widget.get_by_role("slider", name="Step")
    step.fill("59")
    button.click()
    page.wait_for_function("document.querySelector('.course-widget button').textContent === 'Play'")
    assert step.input_value() == "60"
    button.click()
    assert button.inner_text() == "Pause"  # for eight seconds
    page.wait_for_function(
        "[...document.querySelectorAll('.course-widget [type=range]')].at(-1).valueAsNumber >= 3"
    )
    button.click()
    assert button.inner_text() == "Play" and step.input_value() != "60"
    assert widget.locator("thead th").first.inner_text() == f"Step {step.input_value()}"
    assert len(heights(widget)) == 1
    whole = "document.querySelector('#widget-valley').getBoundingClientRect().height"
    reserved = float(
        page.evaluate("parseFloat(getComputedStyle(document.querySelector('#widget-valley')).minHeight)")
    )
    assert reserved == pytest.approx(page.evaluate(whole), abs=8)


def test_a_finger_on_a_phone_that_asks_for_no_motion(browser: BrowserContext, site) -> None:
    options = {"has_touch": True, "viewport": {"width": NARROW, "height": HEIGHT}, "reduced_motion": "reduce"}
    with another(browser, **options) as context:
        opened = Opened(context, site, "valley")
        widget = opened.page.locator(".course-widget-live")
        widget.get_by_role("button", name="Next").tap()
        opened.page.wait_for_function("document.querySelector('.course-widget th').textContent === 'Step 2'")
        drag_by_finger(opened.page)
        assert len(heights(widget)) <= len(
            RULES
        )  # a longer table for another rule, and no jump from step to step
        assert opened.wrong == []


def drag_by_finger(page: Page) -> None:
    board = page.locator(".course-widget-live .course-board")
    top = draw_down_by_finger(page, board, [0.15 + 0.1 * step for step in range(8)])
    page.wait_for_function(
        "document.querySelector('.course-widget-live figcaption').textContent.includes('w₀ = 0, w₁ = −0.93')"
    )
    assert page.evaluate("window.scrollY") == top
