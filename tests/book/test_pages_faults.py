"""The checks of the built pages' HTML, on a page with one fault each: each check can fail."""

from pathlib import Path

import pytest
import test_pages as checks

GOOD = """<!DOCTYPE html>
<html lang="en"><head><title>A page</title><style>{--t1a1a1a:#eeeeee;}</style></head>
<body><main><article><h1>A page</h1><p id="one"><a href="#one">Words</a> and <code>{ref}`code`</code>.</p>
<div class="cell_output">
<figure><svg class="course-figure" role="img" aria-label="A curve and its name"><image href="data:,"/>
<text fill="var(--t1a1a1a,#1a1a1a)">Curve</text></svg><figcaption>Curve.</figcaption></figure>
<pre>1</pre></div>
<figure><img src="data:," alt="A small gray square"><figcaption>Gray.</figcaption></figure>
</article></main></body></html>
"""
END = "</article>"
FAULTS = {  # the check; what it says; what of the good page becomes what
    "no language": (
        checks.test_a_page_has_a_language_a_title_and_one_heading,
        *("lang", '<html lang="en">', "<html>"),
    ),
    "no title": (
        checks.test_a_page_has_a_language_a_title_and_one_heading,
        "title",
        "A page</title>",
        "</title>",
    ),
    "two headings": (
        checks.test_a_page_has_a_language_a_title_and_one_heading,
        *("h1", END, "<h1>Another</h1></article>"),
    ),
    "no such file": (checks.test_links_lead_somewhere, "gone.html: no such file", '"#one"', '"gone.html"'),
    "no such anchor": (checks.test_links_lead_somewhere, "#two: no such anchor", '"#one"', '"#two"'),
    "an id twice": (checks.test_ids_are_unique, "one", END, "<p id='one'></p></article>"),
    "a script of another host": (
        checks.test_no_page_takes_anything_from_another_host,
        *("example.org/a.js", END, "<script src='https://example.org/a.js'></script></article>"),
    ),
    "a link of another host": (
        checks.test_no_page_takes_anything_from_another_host,
        *("example.org/a.css", END, "<link rel='stylesheet' href='//example.org/a.css'></article>"),
    ),
    "a style of another host": (
        checks.test_no_page_takes_anything_from_another_host,
        *(
            "example.org/a.png",
            END,
            "<style>p { background: url(https://example.org/a.png) }</style></article>",
        ),
    ),
    "no picture": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("gone.png", END, "<img src='gone.png' alt='A small gray square'></article>"),
    ),
    "no alt text": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("data:,", ' alt="A small gray square"', ""),
    ),
    "a path as alt text": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("is a path", "A small gray square", "out/a_0.png"),
    ),
    "a word as alt text": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("says nothing", "A small gray square", "picture"),
    ),
    "a figure without a name": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("a figure", 'aria-label="A curve and its name"', ""),
    ),
    "no image in a figure": (
        checks.test_pictures_are_there_and_say_what_they_show,
        *("gone.png", '<image href="data:,"', '<image href="gone.png"'),
    ),
    "no caption": (
        checks.test_figures_have_captions,
        *("A curve and its name", "<figcaption>Curve.</figcaption>", ""),
    ),
    "a figure on a card": (
        checks.test_figures_belong_to_the_page,
        *("data:,", "<pre>1", "<img src='data:,' alt='A small gray square'><pre>1"),
    ),
    "a color that the dark does not know": (
        checks.test_figures_belong_to_the_page,
        *("t1a1a1a", "--t1a1a1a:#eeeeee;", ""),
    ),
    "words that are lost in the dark": (
        checks.test_figures_belong_to_the_page,
        *("t1a1a1a", "--t1a1a1a:#eeeeee;", "--t1a1a1a:#333333;"),
    ),
    "a role left raw": (checks.test_nothing_of_the_sources_is_left_raw, "ref", END, "{ref}`deep`</article>"),
    "a message of docutils": (
        checks.test_nothing_of_the_sources_is_left_raw,
        *("system-message", END, "<p class='system-message'>Unknown.</p></article>"),
    ),
    "a text glued as it is": (
        checks.test_nothing_of_the_sources_is_left_raw,
        *("'relu'", END, "<span class='pasted-text'>'relu'</span></article>"),
    ),
    "no output": (checks.test_no_cell_failed_or_warned, "no output", "cell_output", "cell"),
    "an exception": (
        checks.test_no_cell_failed_or_warned,
        *("Traceback", "<pre>1", "<pre>Traceback (most recent call last)"),
    ),
    "a warning": (
        checks.test_no_cell_failed_or_warned,
        "UserWarning",
        "<pre>1",
        "<pre>UserWarning: look out",
    ),
    "an error's output": (checks.test_no_cell_failed_or_warned, "stderr", "<pre>1", "<pre class='stderr'>1"),
}


def write(folder: Path, text: str) -> str:
    (folder / "page.html").write_text(text, encoding="utf-8")
    return "page.html"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path: Path, fault: str) -> None:
    check, said, good, bad = FAULTS[fault]
    assert good in GOOD
    with pytest.raises(AssertionError, match=said):
        check(tmp_path, write(tmp_path, GOOD.replace(good, bad, 1)))


@pytest.mark.parametrize("check", dict.fromkeys(check for check, *_ in FAULTS.values()))
def test_where_there_is_no_fault_none_is_found(tmp_path: Path, check) -> None:
    check(tmp_path, write(tmp_path, GOOD))


def test_a_title_twice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.html", "b.html"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(checks, "PAGES", ["a.html", "b.html"])
    with pytest.raises(AssertionError, match="A page"):
        checks.test_titles_differ(tmp_path)


def test_a_style_that_asks_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@import 'https://example.org/b.css';", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"a\.css"):
        checks.test_no_style_takes_anything_from_another_host(tmp_path)
