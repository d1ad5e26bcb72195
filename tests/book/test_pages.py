"""The built pages, as HTML: links, anchors, alt texts, hosts, and nothing left over from the sources."""

import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from parsing import anchors, parsed

from cnncourse import plots
from tools.contents import built_pages, moved_pages, pages
from tools.execute_book import chapters
from tools.sphinx_ext.addresses import read_addresses
from tools.sphinx_ext.figure_colors import GROUND, contrast

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = built_pages(ROOT / "_build" / "html") or ["index.html"]  # without a book, its test tells what to do
GENERATED = {"index.html", "genindex.html", "py-modindex.html", "search.html"}
RESOURCES = (
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
)
NOT_FETCHED = {"canonical", "license", "author", "next", "prev", "index", "search"}
LEFT_OVER = re.compile(r"\{[a-z][a-z:._-]*\}`|^\s*(:::|```)|\{\{|\}\}|%\}|^\([a-z0-9-]+\)=$", re.MULTILINE)
PATH_LIKE = re.compile(r"(^|\s)\S*/\S*\.(png|svg|jpe?g)|^\S+\.(png|svg|jpe?g)$")


def content_pages() -> list[str]:
    return [name for name in PAGES if name not in GENERATED]


def chapter_pages() -> list[str]:
    return [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in chapters(ROOT)]


def text_outside_code(page: BeautifulSoup) -> str:
    article = page.find("article")
    assert isinstance(article, Tag)

    def is_code(tag: Tag) -> bool:
        return tag.name in {"pre", "code", "script", "style"} or "math" in tag.get("class", [])

    return "\n".join(text for text in article.strings if not any(map(is_code, text.parents)))


def test_every_page_of_the_contents_is_built(site: Path) -> None:
    for source in pages(ROOT):
        assert (site / source.relative_to(ROOT).with_suffix(".html")).is_file(), source


def test_the_entrance_leads_to_the_first_page(site: Path) -> None:
    entrance = parsed(site / "index.html")
    first = pages(ROOT)[0].relative_to(ROOT).with_suffix(".html").as_posix()
    assert entrance.find("a", href=first) is not None
    refresh = entrance.find("meta", attrs={"http-equiv": "refresh"})
    assert isinstance(refresh, Tag)
    assert str(refresh["content"]).endswith(f"url={first}")


def test_old_addresses_lead_to_their_pages(site: Path) -> None:
    for old, new in moved_pages(ROOT).items():
        link = parsed(site / f"{old}.html").find("a", href=True)
        assert isinstance(link, Tag)
        assert (site / f"{old}.html").parent.joinpath(str(link["href"])).resolve() == site / f"{new}.html"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_language_a_title_and_one_heading(site: Path, name: str) -> None:
    page = parsed(site / name)
    assert page.html is not None
    assert page.html.get("lang") == "en"
    assert page.title is not None
    assert page.title.get_text(strip=True)
    assert len([h for h in page.find_all("h1") if not h.find_parent(class_="onlyprint")]) == 1


def test_titles_differ(site: Path) -> None:
    titles = Counter(parsed(site / name).title.get_text(strip=True) for name in content_pages())  # type: ignore[union-attr]
    assert max(titles.values()) == 1, titles.most_common(3)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(site: Path, name: str) -> None:
    here = site / name
    broken = []
    for link in parsed(here).find_all("a", href=True):
        address = urlsplit(str(link["href"]))
        if address.scheme in {"http", "https", "mailto"}:
            continue
        assert not address.scheme, link["href"]
        target = (here.parent / unquote(address.path)).resolve() if address.path else here
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            broken.append(f"{link['href']}: no such file")
        elif (
            address.fragment and target.suffix == ".html" and unquote(address.fragment) not in anchors(target)
        ):
            broken.append(f"{link['href']}: no such anchor")
    assert not broken


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique(site: Path, name: str) -> None:
    ids = Counter(str(tag["id"]) for tag in parsed(site / name).find_all(id=True))
    assert [one for one, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_takes_anything_from_another_host(site: Path, name: str) -> None:
    page = parsed(site / name)
    taken = [str(tag[key]) for kind, key in RESOURCES for tag in page.find_all(kind) if tag.get(key)]
    for link in page.find_all("link", href=True):
        if not NOT_FETCHED & set(link.get("rel") or []):
            taken.append(str(link["href"]))
    taken += re.findall(r"url\(['\"]?([^)'\"]+)", " ".join(tag.get_text() for tag in page.find_all("style")))
    assert [address for address in taken if urlsplit(address).netloc] == []


def test_no_style_takes_anything_from_another_host(site: Path) -> None:
    for style in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", style.read_text(encoding="utf-8"), flags=re.DOTALL)
        foreign = re.findall(r"(?:url\(|@import\s)['\"]?((?:https?:)?//[^)'\"\s]+)", text)
        assert foreign == [], style.name


@pytest.mark.parametrize("name", PAGES)
def test_pictures_are_there_and_say_what_they_show(site: Path, name: str) -> None:
    for picture in parsed(site / name).select("img, svg.course-figure, svg image"):
        source = str(picture.get("src", picture.get("href", "a figure")))
        if picture.name != "svg" and not source.startswith("data:"):
            assert (site / name).parent.joinpath(unquote(urlsplit(source).path)).resolve().is_file(), source
        if picture.name == "image":  # a part of a figure
            continue
        alt = picture.get("alt" if picture.name == "img" else "aria-label")
        assert alt is not None, source
        assert not PATH_LIKE.search(str(alt)), f"the alt text of {source} is a path: {alt}"
        if picture.find_parent("article"):
            assert len(str(alt).split()) >= 3, f"the alt text of {source} says nothing: {alt!r}"


@pytest.mark.parametrize("name", chapter_pages())
def test_figures_have_captions(site: Path, name: str) -> None:
    bare = [
        picture.get("src", picture.get("aria-label"))
        for picture in parsed(site / name).select("article .cell_output :is(img, svg.course-figure)")
        if not picture.find_parent("figure") or not picture.find_parent("figure").find("figcaption")  # type: ignore[union-attr]
    ]
    assert bare == []


@pytest.mark.parametrize("name", chapter_pages())
def test_figures_belong_to_the_page(site: Path, name: str) -> None:
    """What a cell draws stands on the page's own ground, in both themes, and its words can be read on it."""
    page = parsed(site / name)
    assert [picture["src"] for picture in page.select("article .cell_output img")] == []
    styles = " ".join(style.get_text() for style in page.select("head style"))
    dark = dict(re.findall(r"--([\w-]+):(#\w{6});", styles))
    asked = set(re.findall(r"var\(--([ft][\w-]+),#", " ".join(map(str, page.select("svg.course-figure")))))
    assert asked == {variable for variable in dark if re.match(r"[ft][0-9a-f]{6}", variable)}
    for variable, color in dark.items():
        if variable.startswith("t"):  # of words: on the page, or on what has the color that comes first
            ground = f"#{variable[1:7]}" if "-" in variable else GROUND
            assert contrast(color, ground) >= 4.5, (variable, color)


@pytest.mark.parametrize("name", content_pages())
def test_nothing_of_the_sources_is_left_raw(site: Path, name: str) -> None:
    page = parsed(site / name)
    assert page.find(class_=["system-message", "problematic"]) is None
    left = LEFT_OVER.search(text_outside_code(page))
    assert left is None, left.group() if left else ""
    quoted = [tag.get_text() for tag in page.select(".pasted-text")]
    assert [text for text in quoted if re.match(r"['\"\[({]", text)] == []  # not a number


@pytest.mark.parametrize("name", chapter_pages())
def test_no_cell_failed_or_warned(site: Path, name: str) -> None:
    page = parsed(site / name)
    outputs = page.select("article .cell_output")
    assert outputs, f"{name} shows no output of a cell"
    for output in outputs:
        text = output.get_text()
        assert "Traceback (most recent call last)" not in text
        assert not re.search(r"\b\w*Warning: ", text), text[:300]
    assert page.select(".cell_output .stderr, .cell_output .traceback") == []


@pytest.mark.parametrize("name", chapter_pages())
def test_a_chapter_opens_in_colab_and_as_a_notebook(site: Path, name: str) -> None:
    page, path = parsed(site / name), Path(name).with_suffix(".ipynb").as_posix()
    colab = page.find("a", attrs={"aria-label": re.compile("Colab")})
    assert isinstance(colab, Tag), f"no link to Colab; is {path} there? (make notebooks)"
    assert colab["href"] == read_addresses(ROOT).colab(path)
    download = page.find("a", attrs={"download": True})
    assert isinstance(download, Tag)
    copied = ((site / name).parent / str(download["href"])).resolve()
    assert copied.read_bytes() == (ROOT / path).read_bytes()
    assert "directive" not in {cell["cell_type"] for cell in json.loads(copied.read_text("utf-8"))["cells"]}


def test_the_status_page_tells_run_times_versions_and_data(site: Path) -> None:
    text = parsed(site / "book/reference/status.html").find("article").get_text(" ", strip=True)  # type: ignore[union-attr]
    assert re.search(r"Built \d{4}-\d\d-\d\d \d\d:\d\d UTC", text)
    assert re.search(r"torch \d+\.\d+", text)
    assert re.search(r"(cifar10|shapes10) ?: [\d,]+ for training and [\d,]+ for test", text)
    rows = parsed(site / "book/reference/status.html").select("table")[-1].select("tbody tr")
    assert len(rows) == len(chapter_pages()) + 1
    assert all(float(row.select("td")[1].get_text()) > 0 for row in rows)


def test_the_reference_documents_every_public_name(site: Path) -> None:
    import cnncourse

    modules = [getattr(cnncourse, name) for name in cnncourse._MODULES if name != "plots"]
    pages = (site / "book/reference/api").glob("*.html")
    shown = {one.rpartition(".")[2] for page in pages for one in anchors(page)}
    public = {name for module in modules for name in module.__all__}
    public |= {name for name in dir(plots) if name in plots._EXPORTS}
    public |= {name for name in cnncourse.__all__ if name in cnncourse._HOMES}
    undocumented = sorted(name for name in public - shown if not name.isupper())
    assert undocumented == []
