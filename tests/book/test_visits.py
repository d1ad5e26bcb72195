"""The checks of a visit, on a small page full of faults: each check can fail, and says where it did."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error
from visits import CHECKS, Found, report, serve, visit_from_file, visit_from_server, visiting

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>A page</title>
<style>body { margin: 0 } [data-theme="dark"] body { color: white; background: black }</style>
<script>
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light" };
  dark.addEventListener("change", follow);
  follow();
</script>
</head>
<body><main><article><h1>A page</h1><p>Words.</p>BODY</article></main></body>
</html>
"""
WIDE, NARROW = ["light, 1400 px", "dark, 1400 px"], ["dark, 390 px", "light, 390 px"]
PALE = "color: #777; background: #888"
LOADING = [WIDE[0], NARROW[0]]  # what goes wrong once, whenever the page is loaded
FAULTS = {  # what is on the page; the check that sees it, what it says, and where
    "no alt text": (
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
        *("axe", "axe image-alt", ["light, 1400 px", "light, 390 px"]),
    ),
    "low contrast": (f"<p style='{PALE}'>pale</p>", "axe", ">pale</p>", WIDE),
    "low contrast in the dark": (
        "<style>[data-theme=dark] b { color: #222 }</style><b>pale at night</b>",
        *("axe", "<b>pale at night</b>", WIDE[1:]),
    ),
    "low contrast of code": (
        f"<pre tabindex='0'><span class='k' style='{PALE}'>def</span></pre>",
        *("axe", ">def</span>", WIDE),
    ),
    "too wide for a phone": ("<div style='width: 600px'>row</div>", "overflow", "DIV. row", NARROW),
    "too wide in the dark": (
        "<style>[data-theme=light] i { max-width: 100% }</style>"
        "<i style='display: block; width: 500px'>row at night</i>",
        *("overflow", "I. row at night", NARROW[:1]),
    ),
    "no key scrolls it": (
        "<pre style='overflow-x: auto' tabindex='-1'><span style='padding: 0 300px'>stuck</span></pre>",
        *("keyboard", "no keyboard reaches PRE. stuck", NARROW),
    ),
    "a formula as text": (
        "<span class='math'>x^2</span>",
        *("formulas", "formula not set: x^2", WIDE + NARROW),
    ),
    "a warning": (
        "<script>console.warn('look out')</script>",
        *("console", "console warning: look out", LOADING),
    ),
    "an exception": ("<script>missing()</script>", "console", "error: missing is not defined", LOADING),
    "an error in the dark": (
        "<script>dark.addEventListener('change', () => dark.matches && console.error('night'))</script>",
        *("console", "console error: night", WIDE[1:]),
    ),
    "a missing file": ("<script src='gone.js'></script>", "requests", "/gone.js", LOADING),
    "another host": (
        "<script src='http://127.0.0.1:9/one.js'></script>",
        *("requests", "elsewhere: http://127.0.0.1:9/one.js", LOADING),
    ),
}


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Return a folder with one page, that holds all faults or none."""
    folder = tmp_path_factory.mktemp("page")
    bodies = [body for body, *_ in FAULTS.values()] if request.param == "faults" else ["<p>More.</p>"]
    (folder / "page.html").write_text(PAGE.replace("BODY", "\n".join(bodies)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def found(browser: BrowserContext, folder) -> Found:
    """Return what both visits found: from a server, wide, and from the disk, narrow."""
    with serve(folder) as address:
        wide = visit_from_server(browser, address, "page.html")
    narrow = visit_from_file(browser, folder.as_uri(), "page.html")
    return {check: wide[check] + narrow[check] for check in CHECKS}


def places(found: list[str], said: str) -> list[str]:
    """Return at which of all places something was found that says so."""
    every = WIDE + NARROW
    return [place for place in every if any(it.startswith(f"{place}: ") and said in it for it in found)]


@pytest.mark.parametrize("folder", ["faults"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_check_where_it_is(found: Found, fault: str) -> None:
    _, check, said, where = FAULTS[fault]
    assert places(found[check], said) == where, found[check]
    lines = [line for line in report(found).splitlines() if line.startswith(f"{check}, ") and said in line]
    assert len(lines) >= len(where)


@pytest.mark.parametrize("folder", ["faults"], indirect=True)
def test_what_a_server_lacks_is_told_with_its_status(found: Found) -> None:
    assert places(found["requests"], "status 404: ") == WIDE[:1]
    assert places(found["requests"], "failed request: file:") == NARROW[:1]


@pytest.mark.parametrize("folder", ["no fault"], indirect=True)
def test_where_there_is_no_fault_none_is_found(found: Found) -> None:
    assert not any(found.values()), found


def test_an_error_on_the_way_says_how_the_page_was_shown(browser: BrowserContext, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>It knows no theme.</p>", encoding="utf-8")
    base = tmp_path.as_uri()
    with (
        pytest.raises(Error, match="Timeout") as caught,
        visiting(browser, base, "page.html", "light", 1400) as visit,
    ):
        visit.page.set_default_timeout(50)
        visit.turn("dark", 390)
    assert f"{base}/page.html, dark, 390 px" in caught.value.__notes__


@pytest.mark.parametrize(
    ("name", "above", "said"),
    [
        ("practice/page.html", 800, []),
        ("practice/page.html", 1000, ["the first figure begins at"]),
        ("practice/page.html", None, ["the first figure begins at Infinity px"]),
        ("reference/page.html", None, []),  # no chapter
    ],
)
def test_a_chapter_begins_with_a_figure(browser: BrowserContext, tmp_path: Path, name, above, said) -> None:
    figure = "" if above is None else f"<p style='height: {above}px'>Words.</p><figure>A figure</figure>"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(PAGE.replace("BODY", figure), encoding="utf-8")
    with serve(tmp_path) as address:
        found = visit_from_server(browser, address, name)["figure"]
    assert len(found) == len(said) and all(word in it for word, it in zip(said, found, strict=True)), found
