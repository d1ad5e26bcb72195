"""The widgets of the chapter on images: what goes and comes as pixels are dropped; a shuffled digit."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator
from widget_pages import HEIGHT, NARROW, Open, Opened, another

PIXELS = """board => {
  const canvas = board.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: canvas.height }, (_, i) =>
    Array.from({ length: canvas.width }, (_, j) => data[4 * (i * canvas.width + j)]));
}"""
SAID = """([name, text]) =>
  document.querySelector(`#widget-${name} .course-said`).textContent.startsWith(text)"""
ROOM = 24  # pixels that a widget may be higher or lower than the room that is kept for it


def shades(board: Locator) -> list[list[int]]:
    """Return the rows of an image that a board shows."""
    rows: list[list[int]] = board.evaluate(PIXELS)
    return rows


def near(one: list[list[int]], other: list[list[int]]) -> bool:
    """Tell whether shades are the same, but for the last digit of what was rounded."""
    return all(abs(a - b) <= 1 for a, b in zip(chain(*one), chain(*other), strict=True))


class TestAliasing:
    def test_stripes_turn_and_lie_flat_as_the_formula_says(self, shown: Open) -> None:
        widget = shown("aliasing")
        steps, note = widget.get_by_role("slider"), widget.locator(".course-note")
        whole, kept, blurred = (widget.locator(".course-board").nth(i) for i in range(3))
        image = shades(whole)
        assert steps.get_attribute("aria-valuetext") == "every 2nd pixel" and len(image) == 120
        steps.press("ArrowRight")
        steps.press("ArrowRight")
        assert (
            note.inner_text()
            == "|1/5 − 1/4| = 1/20, a period of 20 pixels, a false one that leans the other way."
        )
        assert shades(kept) == [row[::4] for row in image[::4]]
        assert near([image[4][:-1], shades(kept)[1][1:]], [image[0][1:], shades(kept)[0][:-1]])  # left, right
        widget.page.wait_for_function(SAID, arg=["aliasing", "every 4th: contrast 100%"])
        steps.press("ArrowRight")
        assert note.inner_text().startswith("|1/5 − 1/5| = 0")
        rows = shades(kept)
        assert near(rows, [[row[0]] * len(row) for row in rows]) and len({row[0] for row in rows}) > 2
        flat = [shade for row in shades(blurred) for shade in row]
        assert max(flat) - min(flat) < 20

    def test_one_row_is_drawn_with_a_dot_for_each_pixel_that_is_kept(self, shown: Open) -> None:
        widget = shown("aliasing")
        widget.get_by_role("combobox").select_option("rings")
        widget.get_by_role("slider").fill("6")
        for name in ("course-kept", "course-soft"):
            dots = widget.locator(f".{name}.course-dots").get_attribute("d")
            assert dots is not None and dots.count("M") == 20
        assert "12 pixels apart" in widget.locator(".course-note").inner_text()

    def test_at_the_first_step_nothing_is_dropped(self, shown: Open) -> None:
        widget = shown("aliasing")
        widget.get_by_role("combobox").select_option("a wall")
        widget.get_by_role("slider").press("Home")
        whole, *others = (shades(widget.locator(".course-board").nth(i)) for i in range(3))
        assert others == [whole, whole]
        assert widget.locator(".course-note").inner_text() == "Nothing is dropped yet."


class TestShuffle:
    def said(self, widget: Locator) -> list[str]:
        texts: list[str] = widget.locator(".course-bars span").all_inner_texts()
        return texts

    def test_scores_stay_if_the_weights_move_along_and_change_if_they_do_not(self, shown: Open) -> None:
        widget = shown("shuffle")
        before, note = self.said(widget), widget.locator(".course-note")
        digit = shades(widget.locator(".course-board").first)
        widget.get_by_role("slider").press("End")
        moved = shades(widget.locator(".course-board").first)
        assert moved != digit and sorted(chain(*moved)) == sorted(chain(*digit))
        assert self.said(widget) == before and note.inner_text() == "No score has changed."
        widget.page.wait_for_function(SAID, arg=["shuffle", "The dense layer says 0."])
        widget.get_by_label("weights move along").uncheck()
        assert self.said(widget) != before and note.inner_text().startswith("Scores have changed by up to ")

    def test_another_digit_is_shuffled_as_far(self, shown: Open) -> None:
        widget = shown("shuffle")
        widget.get_by_role("slider").press("End")
        widget.get_by_role("button", name="Another digit").press("Enter")
        assert widget.locator(".course-best b").inner_text() == "4"
        assert widget.get_by_role("slider").get_attribute("aria-valuetext") == "100%"


def test_on_a_phone_a_finger_thins_and_shuffles_and_the_page_stays_where_it_is(
    browser: BrowserContext, site: Path
) -> None:
    with another(browser, has_touch=True, viewport={"width": NARROW, "height": HEIGHT}) as context:
        opened = Opened(context, site, "aliasing")
        assert abs(opened.grown) < ROOM
        for name in ("aliasing", "shuffle"):
            widget = opened.page.locator(f"#widget-{name}")
            widget.scroll_into_view_if_needed()
            slider = widget.get_by_role("slider")
            box = slider.bounding_box()
            assert box is not None and box["height"] >= 40
            slider.tap(position={"x": box["width"] - 4, "y": box["height"] / 2})
            last = {"aliasing": "every 8th pixel", "shuffle": "100%"}[name]
            assert slider.get_attribute("aria-valuetext") == last
        assert opened.wrong == []


def test_the_page_stays_where_it_is_when_they_come(pages: Callable[[str], Opened]) -> None:
    assert all(abs(pages(name).grown) < ROOM for name in ("aliasing", "shuffle"))
