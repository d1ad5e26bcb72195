"""Slides: what of a page becomes one, and the deck in a browser, by keys and without a network."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from parsing import parsed
from playwright.sync_api import BrowserContext
from visits import WIDE, report, visiting

from tools.sheets import chapter_files
from tools.slides import read_slides

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = [path.stem for path in chapter_files(ROOT)]
PAGE = """<article><section><h1>1. Title<a class="headerlink" href="#t">#</a></h1><p>A puzzle.</p>
<figure id="one"><a href="big.png"><img src="../../_images/1.png" alt="One"></a></figure>
<section><h2>1.1. Two figures</h2><figure id="two"></figure><p>Text with <strong>bold</strong>.</p>
<details><figure id="folded"></figure></details><div><figure id="three"></figure></div>
<p><strong>Taken away.</strong></p></section>
<section><h2>1.2. No figure</h2><p><strong>Alone.</strong></p></section>
<section><h2>1.3. Nothing</h2><p>Text.</p></section>
<section><h2>1.4. Test yourself</h2><figure id="quiz"></figure></section>
<section><h2>1.5. Two takeaways</h2><ul><li>One</li></ul></section>
<section><h2>1.6. Problems</h2><p><strong>Never.</strong></p></section></section></article>"""


def article(text: str) -> Tag:
    found = BeautifulSoup(text, "html.parser").article
    assert found is not None
    return found


def test_a_slide_for_each_figure_and_takeaway() -> None:
    slides = read_slides(article(PAGE))
    assert [slide.heading for slide in slides] == [
        "1. Title",
        "1.1. Two figures",
        "1.1. Two figures",
        "1.2. No figure",
        "1.5. Two takeaways",
    ]
    assert '<img alt="One" src="../../_images/1.png"/>' in slides[0].body and "<a" not in slides[0].body
    assert "Taken" not in slides[1].body
    assert "three" in slides[2].body and '<p class="takeaway">Taken away.</p>' in slides[2].body
    assert slides[3].body == '<p class="takeaway alone">Alone.</p>'
    assert not any("folded" in slide.body or "quiz" in slide.body for slide in slides)


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_chapter_has_a_deck_whose_pictures_are_there(site: Path, name: str) -> None:
    deck = site / "slides" / f"{name}.html"
    page = parsed(deck)
    slides = page.select("section")
    assert len(slides) >= 8 and "takeaways" in slides[-1].get_text()
    figures = page.select("svg.course-figure")
    assert len(figures) >= 3 and all(figure["aria-label"] for figure in figures)
    for image in page.select("svg image"):
        assert str(image["href"]).startswith("data:") or (deck.parent / str(image["href"])).is_file()
    for script in page.select("script[src]"):
        assert (deck.parent / str(script["src"]).split("?")[0]).is_file()


def test_keys_turn_the_slides_and_nothing_is_wrong_with_them(browser: BrowserContext, site: Path) -> None:
    with visiting(browser, site.as_uri(), "slides/convolution.html", "light", WIDE) as visit:
        visit.page.set_viewport_size({"width": 1280, "height": 720})
        visit.look("formulas", "overflow", "axe")
        sections = "[...document.querySelectorAll('section')]"
        tops = f"() => {sections}.map(it => Math.round(it.getBoundingClientRect().top))"
        before = visit.page.evaluate(tops)
        visit.page.keyboard.press("ArrowRight")
        visit.page.wait_for_function("() => scrollY > 0")
        assert visit.page.evaluate(tops)[1] == before[0] == 0
        visit.page.keyboard.press("End")
        visit.page.wait_for_function(
            "() => scrollY + innerHeight >= document.documentElement.scrollHeight - 2"
        )
        visit.page.keyboard.press("Home")
        visit.page.wait_for_function("() => scrollY === 0")
    assert not any(visit.found.values()), report(visit.found)
