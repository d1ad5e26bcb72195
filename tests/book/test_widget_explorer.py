"""The explorer in a chapter: its network comes late; keys, mouse, finger; files of all kinds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator
from visits import AXE_CORE, RUN_AXE
from widget_pages import HEIGHT, NARROW, Open, Opened, another

from cnncourse import data, models

ANSWERED = "name => document.querySelector('.explorer-image').ariaLabel.endsWith(': ' + name)"
TOLD = "start => document.querySelector('.explorer-told').textContent.startsWith(start)"


def press(widget: Locator, name: str) -> None:
    """Reach a button by name and press it as the keyboard does."""
    widget.get_by_role("button", name=name, exact=True).press("Enter")


def test_by_keyboard_alone_from_the_photo_to_a_pixel(pages: Callable[[str], Opened], shown: Open) -> None:
    widget, asked = shown("explorer"), pages("explorer").asked
    page = widget.page
    assert not any("resnet20.js" in url for url in asked)
    press(widget, "cat")
    page.wait_for_function(ANSWERED, arg="cat")
    assert any("/resnet20.js?v=" in url for url in asked)

    trained = models.load_trained("resnet20")
    expected = trained.predict(data.load_photo("cat", size=32)[None])[0]
    first = widget.locator(".explorer-answer li").first.inner_text().split()
    assert first[0] == trained.classes[expected.argmax()]
    assert float(first[1].rstrip("%")) == pytest.approx(100 * expected.max(), abs=2)  # 8 bits

    heading, where = widget.locator(".explorer-map h2"), widget.locator(".explorer-where")
    press(widget, "5 steps inside layer3.2")
    widget.get_by_role("button", name="add 9").press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageDown")
    assert heading.inner_text() == "add 9: sum, 64 maps of 8 × 8"
    assert "row 5, column 4" in where.inner_text() and "A sum of 2 numbers" in where.inner_text()
    numbers = [
        float(text.replace("−", "-")) for text in widget.locator(".explorer-terms code").all_inner_texts()
    ]
    total = float(where.locator("b").inner_text().replace("−", "-"))
    assert len(numbers) == 2 and sum(numbers) == pytest.approx(total, abs=0.02)
    for _ in range(40):  # from each number to one that it was made of
        widget.locator(".explorer-terms button").first.press("Enter")
        if heading.inner_text().startswith("image"):
            break
    assert "The pixel is" in where.inner_text()
    page.keyboard.press("Escape")
    assert not widget.locator(".explorer-map").is_visible()


def test_where_it_looks_for_any_class(shown: Open) -> None:
    widget = shown("explorer")
    page, image = widget.page, widget.locator(".explorer-image")
    widget.get_by_role("button", name="rocket").click()
    page.wait_for_function(ANSWERED, arg="rocket")
    drawn = [image.evaluate("it => it.toDataURL()")]
    widget.get_by_role("button", name="Grad-CAM").click()
    first, second = widget.locator(".explorer-answer button").all_inner_texts()[:2]
    page.wait_for_function(TOLD, arg=f"Orange: where the last maps speak for {first}.")
    drawn.append(image.evaluate("it => it.toDataURL()"))
    widget.locator(".explorer-answer button").nth(1).click()
    page.wait_for_function(
        "name => document.querySelector('.explorer-told').textContent.includes(name)", arg=second
    )
    drawn.append(image.evaluate("it => it.toDataURL()"))
    widget.get_by_role("button", name="Occlusion").click()
    page.wait_for_function(TOLD, arg="Covered where it is most orange")
    drawn.append(image.evaluate("it => it.toDataURL()"))
    widget.get_by_role("button", name="Image alone").click()
    assert len(set(drawn)) == 4 and image.evaluate("it => it.toDataURL()") == drawn[0]
    page.evaluate(AXE_CORE)
    assert page.evaluate(RUN_AXE.replace("document", "'#widget-explorer'"), {"preload": False}) == []


def test_files_that_are_none_and_one_that_is_huge(shown: Open, tmp_path: Path) -> None:
    widget = shown("explorer")
    page, file = widget.page, widget.locator(".explorer-open input")
    (tmp_path / "note.png").write_text("no image")
    file.set_input_files(tmp_path / "note.png")
    page.wait_for_function(TOLD, arg="note.png is no image")
    Image.new("RGB", (10_000, 5_000), "green").save(tmp_path / "huge.png", compress_level=1)
    file.set_input_files(tmp_path / "huge.png")
    page.wait_for_function(ANSWERED, arg="huge.png")
    middle = "it => [...it.getContext('2d').getImageData(it.width / 2, it.height / 2, 1, 1).data].join()"
    assert widget.locator(".explorer-image").evaluate(middle) == "0,128,0,255"
    assert widget.locator(".explorer-samples [aria-pressed=true]").count() == 0


def test_by_finger_on_a_narrow_page(browser: BrowserContext, site: Path) -> None:
    screen = {"width": NARROW, "height": HEIGHT}
    with another(browser, has_touch=True, viewport=screen, color_scheme="dark") as context:
        opened = Opened(context, site, "explorer")
        page, widget = opened.page, opened.page.locator(".course-widget-live")
        widget.get_by_role("button", name="coffee").tap()
        page.wait_for_function(ANSWERED, arg="coffee")
        widget.locator(".explorer-layers canvas").nth(1).tap(position={"x": 62 + 10, "y": 20})
        assert widget.locator(".explorer-which input").input_value() == "2"
        widget.locator(".explorer-large").tap(position={"x": 3, "y": 3})
        assert "row 1, column 1" in widget.locator(".explorer-where").inner_text()
        page.evaluate(AXE_CORE)
        assert page.evaluate(RUN_AXE.replace("document", "'#widget-explorer'"), {"preload": False}) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
        assert opened.wrong == []
