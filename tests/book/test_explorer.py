"""The page of a network in a browser, from file://: image, answer, maps, the arithmetic of a number."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from visits import AXE_CORE, RUN_AXE

from cnncourse import data, models, web

WIDE, NARROW = 1300, 390
PATIENCE = 120_000  # milliseconds: other programs may have the processor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of LeNet-5's page."""
    return web.to_web(models.load_trained("lenet5"), tmp_path_factory.mktemp("lenet5")).page.parent


@pytest.fixture
def page(browser: BrowserContext, folder: Path) -> Iterator[Page]:
    """Open the page; at the end nothing may have gone wrong, and nothing been asked of another host."""
    page, wrong = browser.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: wrong.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda it: it.url.startswith(("file:", "data:", "blob:")) or wrong.append(it.url))
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector(".explorer-answer li")
    yield page
    page.close()
    assert not wrong


def test_each_sample_gets_the_answer_that_python_gives(page: Page) -> None:
    trained, images = models.load_trained("lenet5"), data.load("digits", "test", size=32)
    for digit in range(10):
        shares = trained.predict(images.images[images.labels == digit][:1])[0]
        expected = [str(shares.argmax()), f"{shares.max():.1%}"]
        page.locator(".explorer-samples button").nth(digit).click()
        seen = "digit => document.querySelector('.explorer-image').ariaLabel.endsWith(': ' + digit)"
        page.wait_for_function(seen, arg=str(digit))
        assert page.locator(".explorer-answer li").first.inner_text().split() == expected


def test_by_keyboard_alone_down_to_a_pixel(page: Page) -> None:
    page.locator(".explorer-layers button").nth(1).focus()
    page.keyboard.press("Enter")
    heading, where = page.locator(".explorer-map h2"), page.locator(".explorer-where")
    assert heading.inner_text() == "features.0: convolution 5 × 5, 6 maps of 28 × 28"
    assert "row 15, column 15" in where.inner_text()
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "PageDown"):
        page.keyboard.press(key)
    assert page.locator(".explorer-which input").input_value() == "2"
    assert "row 13, column 14" in where.inner_text() and "A sum of 25 products" in where.inner_text()
    page.locator(".explorer-terms button").first.focus()
    page.keyboard.press("Enter")  # to the number that this one was made of
    assert heading.inner_text().startswith("image")
    assert "The pixel is" in where.inner_text()
    page.keyboard.press("Escape")
    assert not page.locator(".explorer-map").is_visible()


def test_a_click_on_a_map_opens_it(page: Page) -> None:
    page.locator(".explorer-layers canvas").nth(1).click(position={"x": 3 * 62 + 10, "y": 20})
    assert page.locator(".explorer-which input").input_value() == "4"
    page.locator(".explorer-large").click(position={"x": 2, "y": 2})
    assert "row 1, column 1" in page.locator(".explorer-where").inner_text()


def test_a_file_of_one_s_own_and_one_that_is_no_picture(page: Page, tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no picture")
    page.locator(".explorer-open input").set_input_files(tmp_path / "note.png")
    page.wait_for_function("document.querySelector('.explorer-told').textContent")
    assert page.locator(".explorer-told").inner_text() == "note.png is no image that this browser can read."
    cat = Path(models.__file__).parent.parent / "data" / "bundled" / "cat.jpg"
    page.locator(".explorer-open input").set_input_files(cat)
    page.wait_for_function("document.querySelector('.explorer-image').ariaLabel.endsWith('cat.jpg')")
    assert page.locator(".explorer-told").inner_text() == ""
    assert page.locator(".explorer-samples [aria-pressed=true]").count() == 0


@pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_it_reads_well_with_the_dialog_and_without(page: Page, theme: str, width: int) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(AXE_CORE)
    for opened in (False, True):
        if opened:
            page.locator(".explorer-layers button").nth(4).click()
        assert [found["id"] for found in page.evaluate(RUN_AXE, {"preload": False})] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
