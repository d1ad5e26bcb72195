"""The widget of the chapter on receptive fields: a network, a layer and a unit by keys, mouse and finger."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator
from widget_pages import HEIGHT, NARROW, Open, Opened, another

NAME = "receptive-field"
ROOM = 24  # pixels that the widget may be higher or lower than the room that is kept for it
WINDOW = "it => ['y', 'x', 'height', 'width'].map(name => Number(it.getAttribute(name)))"


def window(widget: Locator) -> list[float]:
    """Return row, column, height and width of the frame on the photograph."""
    made: list[float] = widget.locator(".course-window").evaluate(WINDOW)
    return made


def reading(widget: Locator) -> list[str]:
    texts: list[str] = widget.locator(".course-reading > p, .course-sum span").all_inner_texts()
    return texts


def test_it_grows_layer_by_layer_to_the_answer_of_the_chapter(
    shown: Open, pages: Callable[[str], Opened]
) -> None:
    widget = shown(NAME)
    assert abs(pages(NAME).grown) < ROOM
    layer, sizes = widget.get_by_role("slider"), []
    for _ in range(6):
        sizes.append(window(widget)[2])
        layer.press("ArrowRight")
    assert sizes == [5, 6, 10, 12, 20, 24]
    layer.press("ArrowLeft")
    assert layer.get_attribute("aria-valuetext") == "6, max pooling 2×2, stride 2"
    assert window(widget) == [0, 0, 24, 24]
    assert reading(widget) == [
        "Output (1, 1) sees 24×24 pixels",
        *("size r = 20 + (2 − 1)·1·4 = 24", "start s = −8 − 0·4 = −8", "jump j = 4·2 = 8"),
        *("rows from s + j·1 = 0 to 23", "columns from s + j·1 = 0 to 23"),
        "That's 56% of the image.",
    ]
    layer.press("End")
    assert window(widget) == [0, 0, 32, 32]
    assert reading(widget)[-1] == "That's the whole image, plus padding."


def test_arrow_keys_move_the_unit_and_the_field_is_cut_off_at_the_border(shown: Open) -> None:
    widget = shown(NAME)
    page = widget.page
    widget.get_by_role("slider").fill("6")
    widget.get_by_role("application", name="Photograph").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):  # the second one stays at the rim
        page.keyboard.press(key)
    assert reading(widget)[0] == "Output (0, 2) sees 24×24 pixels"
    assert window(widget) == [0, 8, 16, 24]
    page.wait_for_function(
        "document.querySelector('.course-said').textContent.startsWith('Layer 6 of 7. Output (0, 2)')"
    )
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"  # no way in without a way out
    units = widget.get_by_role("application", name="The layer's map")
    units.focus()
    page.keyboard.press("ArrowDown")
    assert reading(widget)[0].startswith("Output (1, 2)")


@pytest.mark.parametrize(
    ("network", "layer", "said"),
    [
        ("LeNet-5", "End", "dense layer"),
        ("ResNet-50", "End", "average over the map"),
    ],
)
def test_other_networks_have_their_own_layers(shown: Open, network: str, layer: str, said: str) -> None:
    widget = shown(NAME)
    widget.get_by_role("combobox").select_option(network)
    slider = widget.get_by_role("slider")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("1, convolution")
    slider.press(layer)
    assert (slider.get_attribute("aria-valuetext") or "").endswith(said)
    assert reading(widget)[-1].startswith("That's the whole image")
    assert window(widget)[:2] == [0, 0]


def test_the_mouse_points_at_pixels_and_at_units(shown: Open) -> None:
    widget = shown(NAME)
    photo, units = (widget.locator(".course-board").nth(i) for i in (0, 1))
    box, small = photo.bounding_box(), units.bounding_box()
    assert box is not None and small is not None
    before = reading(widget)
    photo.hover(position={"x": box["width"] - 2, "y": 2})
    assert reading(widget) == before  # on its way to the slider
    photo.click(position={"x": box["width"] - 2, "y": 2})
    assert reading(widget)[0].startswith("Output (0, 31)")
    assert window(widget) == [0, 29, 3, 3]
    units.click(position={"x": small["width"] / 2 + 1, "y": small["height"] - 2})
    assert reading(widget)[0].startswith("Output (31, 16)")


def test_on_a_phone_a_finger_moves_the_unit_and_the_page_stays_where_it_is(
    browser: BrowserContext, site: Path
) -> None:
    with another(browser, has_touch=True, viewport={"width": NARROW, "height": HEIGHT}) as context:
        opened = Opened(context, site, NAME)
        assert abs(opened.grown) < ROOM
        widget = opened.page.locator(f"#widget-{NAME}")
        widget.locator(".course-board").first.tap(position={"x": 4, "y": 4})
        assert reading(widget)[0].startswith("Output (0, 0)")
        slider = widget.get_by_role("slider")
        box = slider.bounding_box()
        assert box is not None and box["height"] >= 40
        slider.tap(position={"x": box["width"] - 4, "y": box["height"] / 2})
        assert reading(widget)[0].startswith("Output (0, 0)")
        assert opened.wrong == []
