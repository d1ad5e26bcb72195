"""The book as one zip and as one PDF: all of it is there, and links between pages lead on inside."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from pypdf import PdfReader

from tools.release import write_pdf, write_zip
from tools.sphinx_ext.addresses import read_addresses

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><article><h1>{title}<a href="#">#</a></h1>{body}</article></body></html>"""
LONG = "<p style='height: 3000px'>It goes on.</p>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site of two pages; the first leads to the second, to a place in itself and elsewhere."""
    site = tmp_path_factory.mktemp("site")
    (site / "part").mkdir()
    (site / "index.html").write_text(
        PAGE.format(
            title="First",
            body="<details><summary>Answer</summary>forty-two</details>"
            "<a href='part/second.html#there'>on</a> <a href='https://example.org/'>away</a>" + LONG,
        ),
        encoding="utf-8",
    )
    (site / "part" / "second.html").write_text(PAGE.format(title="Second", body="<p>The end.</p>"), "utf-8")
    (site / "cnncourse-book.zip").write_bytes(b"an old one")
    return site


@pytest.fixture(scope="module")
def pdf(browser: BrowserContext, site: Path) -> PdfReader:
    pages = [(site / name).as_uri() for name in ("index.html", "part/second.html")]
    return PdfReader(write_pdf(browser, site, pages))


def test_pages_stand_one_behind_the_other_with_bookmarks(pdf: PdfReader) -> None:
    marks = [mark for mark in pdf.outline if not isinstance(mark, list)]
    assert [mark.title for mark in marks] == ["First", "Second"]
    second = pdf.get_destination_page_number(marks[1])
    assert 0 < second == len(pdf.pages) - 1
    assert "The end." in pdf.pages[second].extract_text()


def test_folds_are_open(pdf: PdfReader) -> None:
    assert "forty-two" in pdf.pages[0].extract_text()


def test_a_link_to_another_page_leads_there_and_one_elsewhere_stays(pdf: PdfReader) -> None:
    notes = [note.get_object() for note in pdf.pages[0]["/Annots"]]
    addresses = [str(note["/A"]["/URI"]) for note in notes if "/A" in note and "/URI" in note["/A"]]
    assert addresses == ["https://example.org/"]
    places = [note["/Dest"][0].get_object() for note in notes if isinstance(note.get("/Dest"), list)]
    assert places == [pdf.pages[len(pdf.pages) - 1]]


def test_the_zip_holds_the_pages_and_neither_itself_nor_the_pdf(site: Path, pdf: PdfReader) -> None:
    for _ in range(2):
        with zipfile.ZipFile(write_zip(site)) as archive:
            assert archive.namelist() == ["cnncourse-book/index.html", "cnncourse-book/part/second.html"]
    assert not list(site.rglob("*.partial"))


def test_the_first_page_links_to_where_they_are_published() -> None:
    words = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    for kind in ("zip", "pdf"):
        assert f"({read_addresses(ROOT).pages}/cnncourse-book.{kind})" in words
