"""The committed notebooks: nothing of MyST is left in them, and every link leads somewhere."""

import re
import subprocess
from functools import cache
from pathlib import Path

import nbformat
import pytest
from bs4 import Tag
from markdown_it.token import Token
from mdformat.renderer import MDRenderer
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from parsing import anchors, parsed

from tools import release
from tools.notebooks.drift import check
from tools.notebooks.references import read_book
from tools.notebooks.run import code_cells
from tools.notebooks.write import sibling
from tools.sheets import is_sheet

ROOT = Path(__file__).resolve().parent.parent.parent
BOOK = read_book(ROOT)
CHAPTERS = [chapter for chapter in BOOK.chapters.values() if chapter.is_notebook]
PATHS = [sibling(chapter.path) for chapter in CHAPTERS]
PARSER = create_md_parser(
    MdParserConfig(enable_extensions={"amsmath", "colon_fence", "dollarmath"}, dmath_double_inline=True),
    MDRenderer,
)
MYST = ("myst_role", "myst_target", "myst_block_break", "myst_line_comment", "colon_fence", "footnote_block")


@cache
def notebook(path: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / path, as_version=4)


@cache
def tokens(path: str) -> list[Token]:
    """Return all tokens of a notebook's Markdown cells, read as the book would read them."""
    found = []
    for cell in notebook(path).cells:
        if cell.cell_type == "markdown":
            for token in PARSER.parse(cell.source):
                found += [token, *(token.children or [])]
    return found


@cache
def links(path: str) -> list[tuple[str, str]]:
    """Return text and address of each link of a notebook."""
    found, text, address = [], [], None
    for token in tokens(path):
        if token.type == "link_open":
            text, address = [], str(token.attrs["href"])
        elif token.type == "link_close":
            found.append(("".join(text), address))
            address = None
        elif address:
            text.append(token.content)
        if token.type == "image":
            found.append((token.content, str(token.attrs["src"])))
    return found


@cache
def tracked() -> set[str]:
    """Return the files that are committed, or all where this is no checkout."""
    result = subprocess.run(["git", "ls-files", "book"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        return {path.relative_to(ROOT).as_posix() for path in ROOT.glob("book/**/*") if path.is_file()}
    return set(result.stdout.splitlines())


def test_there_are_notebooks():
    assert PATHS


def test_notebooks_agree_with_their_chapters():
    assert check(BOOK, CHAPTERS) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_of_the_source_is_left_raw(path):
    for token in tokens(path):
        assert token.type not in MYST, f"{token.type}: {token.content or token.info}"
        assert not (token.type == "fence" and token.info.startswith("{")), token.info
        assert not (token.type == "text" and re.search(r"\{[a-z:]+\}`|^\(.+\)=$|:::", token.content)), (
            token.content
        )
        if token.type == "html_block":
            assert re.match(r"</?(details|summary)", token.content), token.content


@pytest.mark.parametrize("path", PATHS)
def test_a_notebook_is_whole_and_light(path):
    nbformat.validate(notebook(path))
    assert len((ROOT / path).read_bytes()) < 500_000
    assert notebook(path).cells[0].source.startswith("# ")
    assert "find_spec" in notebook(path).cells[1].source
    cells = code_cells(notebook(path))
    if is_sheet(path):  # for learners to run
        assert all(cell.execution_count is None and not cell.outputs for cell in cells)
    else:
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert str(ROOT) not in (ROOT / path).read_text(encoding="utf-8")


def is_download(address):
    """Return whether `make release` puts it beside the pages."""
    return address.removeprefix(f"{BOOK.addresses.pages}/") in {
        f"{release.NAME}.{kind}" for kind in ("zip", "pdf")
    }


@pytest.mark.parametrize("path", PATHS)
def test_links_lead_somewhere(path):
    raw, pages = BOOK.raw_file(""), f"{BOOK.addresses.pages}/"
    for text, address in links(path):
        assert text.strip(), f"a link to {address} has no text"
        if address.startswith(raw):
            assert address.removeprefix(raw) in tracked(), f"{address} is not committed"
        elif address.startswith(pages):
            page = address.removeprefix(pages).partition("#")[0]
            assert is_download(address) or page.removesuffix(".html") in BOOK.chapters, (
                f"{address} is no page of the book"
            )
        else:
            assert address.startswith("https://"), f"{address} means nothing outside of the repository"


@pytest.mark.parametrize("path", PATHS)
def test_links_and_numbers_agree_with_the_pages(path, site):
    """Each anchor stands on its page; a figure's or an equation's number is the one that the page shows."""
    pages = f"{BOOK.addresses.pages}/"
    for text, address in links(path):
        if not address.startswith(pages) or is_download(address):
            continue
        page, _, anchor = address.removeprefix(pages).partition("#")
        target = anchors(site / page).get(anchor) if anchor else parsed(site / page)
        assert isinstance(target, Tag), f"{page} has no place {anchor!r}"
        if re.fullmatch(r"(Figure|Table|Listing) [\d.]+", text):
            number = target.find_next(class_="caption-number")
            assert isinstance(number, Tag) and number.get_text().strip() == text, f"{anchor}: {text}"
        elif re.fullmatch(r"\([\d.]+\)", text):
            number = target.find_next(class_="eqno")
            assert isinstance(number, Tag) and number.get_text().startswith(text), f"{anchor}: {text}"


@pytest.mark.parametrize("path", PATHS)
def test_captions_have_the_numbers_of_the_page(path, site):
    """All numbers, also those that no link names."""
    html = parsed(site / path.replace(".ipynb", ".html"))
    shown = [number.get_text().strip() for number in html.find_all(class_="caption-number")]
    text = "\n".join(cell.source for cell in notebook(path).cells if cell.cell_type == "markdown")
    ours = [match.strip("*.") for match in re.findall(r"\*\*(?:Figure|Table|Listing) [\d.]+\*\*", text)]
    assert ours == shown


@pytest.mark.parametrize("path", PATHS)
def test_the_colab_address_is_a_committed_file(path):
    address = BOOK.addresses.colab(path)
    match = re.fullmatch(
        r"https://colab\.research\.google\.com/github/([^/]+/[^/]+)/blob/([^/]+)/(.+)", address
    )
    assert match
    repository, branch, file = match.groups()
    assert BOOK.addresses.repository == f"https://github.com/{repository}"
    assert branch == BOOK.addresses.branch
    assert file in tracked(), f"{file} is not committed"


def test_every_colab_button_of_the_pages_opens_a_committed_file(site):
    buttons = {
        str(link["href"]).partition(f"/blob/{BOOK.addresses.branch}/")[2]
        for page in site.rglob("*.html")
        for link in parsed(page).find_all("a", href=re.compile(r"colab\.research\.google\.com"))
    }
    assert buttons == set(PATHS)
    assert buttons <= tracked()
