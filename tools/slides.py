"""Slides: one deck for each chapter, from the figures and the bold takeaways of its built page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from bs4 import BeautifulSoup, Tag

from tools.sheets import chapter_files
from tools.sphinx_ext.offline import MATHJAX

WITHOUT = ("Test yourself", "Problems", "Read next")  # sections that have no slides
TAKEAWAYS = "takeaways"
DECK = Template((Path(__file__).parent / "slides.html").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Slide:
    """A heading, and below it what is shown: HTML."""

    heading: str
    body: str
    level: int = 2


def read_slides(article: Tag) -> list[Slide]:
    """Return the slides of a chapter's page: title, figures, takeaways, the list at its end."""
    for link in article.select("a.headerlink"):
        link.decompose()
    for link in article.select("a"):
        link.unwrap()
    top = article.find("section", recursive=False)
    assert isinstance(top, Tag) and isinstance(top.h1, Tag)
    first = next((figure for figure in figures(top)), None)
    slides = [Slide(top.h1.decode_contents(), str(first) if first else "", 1)]
    for section in top.find_all("section", recursive=False):
        assert isinstance(section, Tag) and isinstance(section.h2, Tag)
        heading = section.h2.get_text(" ", strip=True)
        if TAKEAWAYS in heading and isinstance(section.ul, Tag):
            slides.append(Slide(section.h2.decode_contents(), str(section.ul)))
        elif not heading.endswith(WITHOUT):
            slides += section_slides(section)
    return slides


def figures(section: Tag) -> Iterator[Tag]:
    """Yield the figures of a section itself that are seen before anything is opened."""
    for figure in section.find_all("figure"):
        if figure.find_parent("section") is section and not figure.find_parent("details"):
            yield figure


def section_slides(section: Tag) -> list[Slide]:
    """Return a slide for each figure; the takeaway stands on the last, or alone."""
    assert isinstance(section.h2, Tag)
    heading, bodies = section.h2.decode_contents(), [str(figure) for figure in figures(section)]
    bold = [p.strong for p in section.find_all("p", recursive=False) if p.strong and is_bold(p)]
    kind = "takeaway" if bodies else "takeaway alone"
    said = "".join(f'<p class="{kind}">{each.decode_contents()}</p>' for each in bold)
    bodies[-1:] = [(bodies or [""])[-1] + said]
    return [Slide(heading, body) for body in bodies if body]


def is_bold(paragraph: Tag) -> bool:
    """Return whether nothing but bold text stands in a paragraph."""
    return paragraph.strong is not None and paragraph.get_text(strip=True) == paragraph.strong.get_text(
        strip=True
    )


def write_deck(site: Path, page: str) -> Path:
    """Write the slides of one page of a built site."""
    soup = BeautifulSoup((site / page).read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article")
    assert article is not None
    slides = read_slides(article)
    math = [each for each in soup.find_all("script") if "window.MathJax" in str(each) or MATHJAX in str(each)]
    shown = []
    for number, slide in enumerate(slides, 1):
        tag = f"h{slide.level}"
        back = f'<a href="../{page}">chapter</a> · ' if number == 1 else ""
        shown.append(
            f"<section>\n<{tag}>{slide.heading}</{tag}>\n{slide.body}\n"
            f"<footer>{back}{number} / {len(slides)}</footer>\n</section>"
        )
    name = Path(page).stem
    up = "../" * page.count("/")
    heading = BeautifulSoup(slides[0].heading, "html.parser").get_text(" ", strip=True)
    deck = DECK.substitute(
        title=escape(re.sub(r"^\d+\.\s*", "", heading)),
        scripts="\n".join(map(str, math)) if 'class="math' in "".join(shown) else "",
        slides="\n".join(shown),
    )
    path = site / "slides" / f"{name}.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(deck.replace(f'"{up}_', '"../_'), encoding="utf-8")
    return path


def write_decks(root: Path) -> list[Path]:
    """Write a deck for each chapter of the built book."""
    site = root / "_build" / "html"
    chapters = [path.relative_to(root) for path in chapter_files(root)]
    return [write_deck(site, path.with_suffix(".html").as_posix()) for path in chapters]
