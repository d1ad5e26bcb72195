"""Figures that become part of a page: their colors in both themes, their words, what lies on an image."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnncourse import plots
from tools.sphinx_ext.figure_colors import (
    GROUND,
    INK,
    READABLE,
    SHAPE,
    contrast,
    in_the_dark,
    words_in_the_dark,
)
from tools.sphinx_ext.figure_svg import Drawn, draw

ROOT = Path(__file__).resolve().parent.parent.parent
SAVED: list[bytes] = []


def save(data: bytes) -> str:
    SAVED.append(data)
    return f"../_images/{len(SAVED)}.png"


def drawn(ax: Axes) -> tuple[Drawn, Tag]:
    """Return a figure as a page shows it, and its tree."""
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figure"}):
        figure = ax.get_figure()
        assert isinstance(figure, Figure)
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close("all")
    found = draw(file.getvalue(), "d1", 'What <it> "shows"', save)
    tree = BeautifulSoup(found.markup, "html.parser").svg
    assert tree is not None
    return found, tree


def words(tree: Tag) -> dict[str, Tag]:
    """Return the lines of text, and those that inherit their paint with it."""
    return {line.get_text(): line for line in tree.find_all("text")}


def paint(tag: Tag, name: str) -> str:
    """Return an attribute of a tag, or of the group around it."""
    own = tag.get(name)
    return str(own if own is not None or tag.parent is None else paint(tag.parent, name))


@pytest.mark.parametrize("color", [*plots.PALETTE, "#1a1a1a", "#595959", "#d6e6f2", "#00304d", "#8a3a00"])
def test_colors_can_be_seen_and_read_in_the_dark(color: str) -> None:
    assert contrast(in_the_dark(color, words=True), GROUND) >= READABLE
    for ground in (*plots.PALETTE, "#ffffff", "#d6e6f2", "#e2f1ec", "#dcdcdc", "#00304d"):
        under = in_the_dark(ground)
        assert contrast(words_in_the_dark(color, under), under) >= READABLE
    if contrast(color, "#ffffff") > SHAPE:
        assert contrast(in_the_dark(color), GROUND) >= 2.9


def test_the_dark_is_that_of_the_page() -> None:
    style = (ROOT / "book/_static/course.css").read_text(encoding="utf-8")
    dark = style[style.index('html[data-theme="dark"] {') :]
    assert re.search(r"--pst-color-background: (#\w+)", dark)[1] == GROUND  # type: ignore[index]
    assert re.search(r"--pst-color-text-base: (#\w+)", dark)[1] == INK  # type: ignore[index]
    assert in_the_dark("#ffffff") == GROUND


def test_a_chart_has_no_card_and_takes_the_colors_of_its_page() -> None:
    found, tree = drawn(plots.lines([1, 2, 3], {"dense": [1, 4, 9], "shared": [1, 2, 3]}, xlabel="side"))
    assert tree["role"] == "img" and tree["aria-label"] == 'What <it> "shows"'
    assert "#ffffff" not in found.markup  # neither the figure's ground nor that of its axes
    assert paint(words(tree)["dense"], "fill") == "var(--t0072b2,#0072b2)"
    assert paint(words(tree)["side"], "fill") == "var(--t1a1a1a,#1a1a1a)"
    assert paint(words(tree)["side"], "text-anchor") == "middle"
    assert found.dark["--t1a1a1a"] == in_the_dark("#1a1a1a", words=True)
    assert set(found.dark) == set(re.findall(r"var\((--[\w-]+),", found.markup))


def test_what_lies_on_an_image_stays_as_it_is() -> None:
    ax = plots.image_grid(np.random.default_rng(0).random((64, 64)))
    ax.add_patch(Rectangle((10, 10), 20, 20, fill=False, edgecolor="white"))
    ax.text(32, 40, "on it", color="white", ha="center")
    ax.set_title("above it")
    _, tree = drawn(ax)
    assert [image["href"] for image in tree.find_all("image")] == [f"../_images/{len(SAVED)}.png"]
    assert SAVED[-1].startswith(b"\x89PNG")
    assert paint(words(tree)["on it"], "fill") == "#ffffff"
    assert [path for path in tree.find_all("path") if paint(path, "stroke") == "#ffffff"]
    assert paint(words(tree)["above it"], "fill").startswith("var(")


def test_colors_that_are_data_stay_as_they_are() -> None:
    _, tree = drawn(plots.images.gray_swatches({"green": (0, 1, 0)}))
    assert {"#00ff00", "#555555", "#969696"} <= {paint(path, "fill") for path in tree.find_all("path")}
    assert paint(words(tree)["0.33"], "fill") == "#ffffff"


def test_words_on_what_is_filled_can_be_read_there() -> None:
    ax = plots.figure()[1]
    ax.add_patch(Rectangle((0, 0), 1, 1, facecolor="#0072b2"))
    ax.text(0.5, 0.5, "100% in it", color="white", ha="center")
    ax.add_patch(Rectangle((0, 2), 1, 1, facecolor="#d6e6f2", hatch="//"))
    ax.text(0.5, 2.5, "hatched", color="black", ha="center")
    ax.set(xlim=(-1, 2), ylim=(-1, 4))
    found, tree = drawn(ax)
    for word, ground in (("100% in it", "#0072b2"), ("hatched", "#d6e6f2")):
        variable = re.match(r"var\((--[\w-]+),", paint(words(tree)[word], "fill"))
        color = found.dark[variable[1]] if variable else paint(words(tree)[word], "fill")
        assert contrast(color, in_the_dark(ground)) >= READABLE


def test_lines_of_a_text_keep_what_they_share_and_formulas_are_words() -> None:
    ax = plots.figure()[1]
    ax.text(0.5, 0.5, "in the middle\nof it", ha="center")
    ax.text(0.1, 0.9, "at the left\nof it all", ha="left")
    ax.set_ylabel("turned")
    ax.set_xlabel("$10^{3}$ of $w_0$")
    _, tree = drawn(ax)
    shown = words(tree)
    assert {paint(shown[line], "text-anchor") for line in ("in the middle", "of it", "turned")} == {"middle"}
    assert float(str(shown["in the middle"]["x"])) == pytest.approx(float(str(shown["of it"]["x"])), abs=0.3)
    assert shown["at the left"]["x"] == shown["of it all"]["x"]
    assert paint(shown["at the left"], "text-anchor") == "None"
    assert str(shown["turned"]["transform"]).startswith("rotate(-90 ")
    (formula,) = (line for line in shown if line.startswith("103"))
    raised = next(part for part in shown[formula].find_all("tspan") if part.get_text() == "3")
    assert float(str(raised["dy"])) < 0 and len(shown[formula].find_all("tspan")) < len(formula)


def test_two_figures_of_a_page_share_no_id() -> None:
    found, tree = drawn(plots.bars({"a": 1.0, "b": 2.0}))
    assert all(str(tag["id"]).startswith("d1-") for tag in tree.find_all(id=True))
    assert set(re.findall(r"#(d1-\d+)", found.markup)) == {tag["id"] for tag in tree.find_all(id=True)}
