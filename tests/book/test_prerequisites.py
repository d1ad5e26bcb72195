"""Which chapter needs which: read from the headers, drawn without detours, with links."""

from pathlib import Path

import pytest
from parsing import parsed

from tools.notebooks.source import SourceError
from tools.prerequisites import prerequisites, without_detours

ROOT = Path(__file__).resolve().parent.parent.parent
BOX = (
    ":::{{admonition}} Before you start\n:class: note\n\n**You need** {needs}\n\n**Time**: one minute.\n:::\n"
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book of two chapters."""
    (tmp_path / "_config.yml").write_text("parse:\n  myst_enable_extensions: [colon_fence]\n")
    (tmp_path / "_toc.yml").write_text(
        "root: book/index\nchapters:\n- file: book/foundations/one\n- file: book/practice/two\n"
    )
    for name in ("foundations", "practice"):
        (tmp_path / "book" / name).mkdir(parents=True)
    (tmp_path / "book/index.md").write_text("# Entrance\n")
    write(tmp_path, "foundations/one", "nothing.")
    write(tmp_path, "practice/two", "{ref}`words <part>`.")
    return tmp_path


def write(book: Path, name: str, needs: str) -> None:
    label = "(part)=\n## Part\n" if name.endswith("one") else ""
    (book / "book" / f"{name}.md").write_text(f"# Title\n\n{BOX.format(needs=needs)}\n{label}")


def test_links_by_document_and_by_label(book: Path) -> None:
    assert prerequisites(book) == {"book/foundations/one": [], "book/practice/two": ["book/foundations/one"]}
    write(book, "practice/two", "{doc}`../foundations/one`.")
    assert prerequisites(book)["book/practice/two"] == ["book/foundations/one"]


def test_a_later_chapter_and_a_missing_header_are_faults(book: Path) -> None:
    write(book, "foundations/one", "{doc}`../practice/two`.")
    with pytest.raises(SourceError, match="comes no earlier"):
        prerequisites(book)
    (book / "book/foundations/one.md").write_text("# Title\n")
    with pytest.raises(SourceError, match="the box 'Before you start' is missing"):
        prerequisites(book)


def test_the_page_has_each_chapter_and_each_direct_need(site: Path) -> None:
    needs = without_detours(prerequisites(ROOT))
    page = parsed(site / "book/reference/instructors.html")
    drawing = page.select_one("svg.course-graph")
    assert drawing is not None
    assert len(drawing.select("path")) == sum(map(len, needs.values()))
    for link, name in zip(drawing.select("a"), needs, strict=True):
        assert (site / "book/reference" / str(link["href"])).resolve() == (site / f"{name}.html").resolve()
