"""Thirty layers in the chapter on activations, used by keys, mouse and finger."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator
from widget_pages import HEIGHT, NARROW, Open, Opened, another

GAINS = {"relu": "1.41", "tanh": "1.59", "sigmoid": "1.85", "none": "1"}
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def verdict(widget: Locator) -> str:
    """Return what it says once it has drawn."""
    widget.page.evaluate(SETTLED)
    return widget.locator(".course-verdict").inner_text()


def height(widget: Locator) -> int:
    return round(widget.evaluate("it => it.getBoundingClientRect().height"))


def test_the_ideal_gain_of_each_activation_is_found_and_nothing_jumps(shown: Open) -> None:
    widget = shown("thirty-layers")
    page, gain = widget.page, widget.get_by_role("slider", name="Gain")
    assert verdict(widget) == "In layer 30, the sums have size 3.2·10⁻⁵: the signal fades."
    heights = {height(widget)}
    for name, ideal in GAINS.items():
        widget.get_by_label("Between").select_option(name)
        gain.fill(ideal)
        assert verdict(widget).endswith(": it keeps its size.")
        gain.fill("4")
        end = "it blows up." if name in ("relu", "none") else "too large"
        assert end in verdict(widget)
        heights.add(height(widget))
    widget.get_by_label("Between").select_option("tanh")
    assert re.search(r"and \d\d% of the outputs are on tanh's flat ends", verdict(widget))
    widget.get_by_label("normalize").check()
    assert "it keeps its size" in verdict(widget)
    assert ", reset to 1; " in widget.locator(".course-layer").inner_text()
    heights.add(height(widget))
    assert len(heights) == 1
    place = page.locator("#widget-thirty-layers")
    reserved = place.evaluate("it => parseFloat(getComputedStyle(it).minHeight)")
    assert reserved == pytest.approx(height(place), abs=8)


def test_keys_change_the_gain_and_are_told_once_at_rest(shown: Open) -> None:
    widget = shown("thirty-layers")
    page, gain = widget.page, widget.get_by_role("slider", name="Gain")
    gain.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert gain.get_attribute("aria-valuetext") == "1.05"
    page.wait_for_function(
        "document.querySelector('.course-said').textContent.startsWith('ReLU, gain 1.05. In layer 30')"
    )


def test_arrow_keys_and_mouse_choose_a_layer_whose_arithmetic_is_written(shown: Open) -> None:
    widget = shown("thirty-layers")
    page, (sizes, spread) = widget.page, widget.locator(".course-board").all()
    reading = widget.locator(".course-layer")
    verdict(widget)
    sizes.focus()
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("Layer 3: ")
    page.wait_for_function("document.querySelector('.course-said').textContent.startsWith('Layer 3: ')")
    size = r"([\d.]+)"
    arithmetic = (
        rf"size {size} come in, and gain × size = 1 × {size} = {size}\. Measured: sums of size {size};"
    )
    found = re.search(arithmetic, reading.inner_text())
    assert found is not None
    coming, factor, product, measured = map(float, found.groups())
    assert coming == factor == product and measured == pytest.approx(product, rel=0.15)
    box = spread.bounding_box()
    assert box is not None
    spread.hover(position={"x": box["width"] - 2, "y": 9})
    assert reading.inner_text().startswith("Layer 30: ")
    assert sizes.locator("rect").get_attribute("x") == "29"
    page.keyboard.press("ArrowRight")  # there is no layer 31
    assert reading.inner_text().startswith("Layer 30: ")
    page.keyboard.press("Tab")
    assert spread.evaluate("it => it === document.activeElement")


def test_a_finger_chooses_a_layer_on_a_phone(browser: BrowserContext, site: Path) -> None:
    with another(browser, has_touch=True, viewport={"width": NARROW, "height": HEIGHT}) as context:
        opened = Opened(context, site, "thirty-layers")
        widget = opened.page.locator(".course-widget-live")
        verdict(widget)
        heights = {height(widget)}
        board = widget.locator(".course-board").first
        box = board.bounding_box()
        assert box is not None
        board.tap(position={"x": box["width"] / 2 + 1, "y": 20})
        opened.page.wait_for_function(
            "document.querySelector('.course-layer').textContent.startsWith('Layer 16: ')"
        )
        for name in GAINS:
            widget.get_by_label("Between").select_option(name)
            for gain in ("0.25", "1.5", "4"):
                widget.get_by_role("slider", name="Gain").fill(gain)
                verdict(widget)
                heights.add(height(widget))
        assert len(heights) == 1
        assert opened.wrong == []
