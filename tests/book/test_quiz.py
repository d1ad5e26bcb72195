"""Quizzes: how a question is written, what is refused, the same question on the page and in Moodle."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from parsing import parsed
from playwright.sync_api import BrowserContext

from tools.notebooks.source import SourceError, book_parser, read_chapter
from tools.quiz import RIGHT, WRONG, Question, moodle_xml, read_question, read_questions
from tools.sheets import chapter_files

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = chapter_files(ROOT)
GOOD = """What is `a`
if $a < 2$?

[ ] 1
: *No.*

[x] $\\frac{1}{2}$
: Half & half,
  here.

[ ] 3
: No.
"""


def questions_of(path: Path) -> list[Question]:
    return read_questions(read_chapter(ROOT, path, book_parser(ROOT)))


def with_questions() -> list[Path]:
    return [path for path in CHAPTERS if "{quiz}" in path.read_text(encoding="utf-8")]


def test_a_question_is_read() -> None:
    question = read_question(GOOD)
    assert question.text == r"<p>What is <code>a</code> if \(a &lt; 2\)?</p>"
    assert [each.right for each in question.options] == [False, True, False]
    assert question.options[1].text == r"\(\frac{1}{2}\)"
    assert question.options[1].why == "Half &amp; half, here."
    assert question.options[0].why == "<em>No.</em>"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Only a question?", "below it a definition list"),
        ("[x] 1\n: a\n\n[ ] 2\n: b\n", "a quiz is a question"),
        (GOOD.replace("[x]", "[ ]"), "3, 0 of them right"),
        (GOOD.replace("[ ] 3", "[x] 3"), "3, 2 of them right"),
        ("Q?\n\n[x] 1\n: a\n\n[ ] 2\n: b\n", "3 to 5 options"),
        (GOOD.replace("[ ] 3", "3"), r"begins with \[x\] or \[ \], got '3'"),
        (GOOD.replace("*No.*", "![a](b.png)"), "no image"),
    ],
)
def test_what_is_no_question_is_refused(body: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_question(body, "page.md", 7)


def test_moodle_gets_each_option_with_its_explanation() -> None:
    tree = ET.fromstring(moodle_xml("shapes", [read_question(GOOD)]))
    category, question = tree.findall("question")
    assert category.findtext("category/text") == "$course$/top/cnncourse/shapes"
    assert question.get("type") == "multichoice" and question.findtext("single") == "true"
    assert [answer.get("fraction") for answer in question.findall("answer")] == ["0", "100", "0"]
    assert question.findall("answer")[1].findtext("feedback/text") == "Half &amp; half, here."
    assert question.findtext("questiontext/text") == r"<p>What is <code>a</code> if \(a &lt; 2\)?</p>"


@pytest.mark.parametrize("path", with_questions(), ids=lambda path: path.stem)
def test_a_chapter_asks_four_to_six_questions_and_the_right_answer_moves(path: Path) -> None:
    questions = questions_of(path)
    assert 4 <= len(questions) <= 6
    places = {[each.right for each in question.options].index(True) for question in questions}
    assert len(places) > 1


@pytest.mark.parametrize("path", with_questions(), ids=lambda path: path.stem)
def test_page_and_moodle_have_the_same_questions(site: Path, path: Path) -> None:
    questions = questions_of(path)
    built = parsed(site / path.relative_to(ROOT).with_suffix(".html")).select("div.course-quiz")
    assert len(built) == len(questions)
    for question, group in zip(questions, built, strict=True):
        options = group.select("details.course-option")
        assert [("course-right" in each["class"]) for each in options] == [
            each.right for each in question.options
        ]
        for each, option in zip(options, question.options, strict=True):
            assert len(each.select("summary > *")) == 1  # else a formula in it stands apart
            said = each.get_text(" ", strip=True)
            assert (RIGHT if option.right else WRONG) in said
    tree = ET.parse(site / "quiz" / f"{path.stem}.xml")
    assert len(tree.findall("question")) == len(questions) + 1


def test_the_keyboard_opens_an_option_and_it_explains_itself(browser: BrowserContext, site: Path) -> None:
    page = browser.new_page()
    try:
        page.goto((site / "book/foundations/convolution.html").as_uri())
        first = page.locator("details.course-wrong").first
        explanation = first.locator("p").first
        assert not explanation.is_visible()
        first.locator("summary").focus()
        page.keyboard.press("Enter")
        assert explanation.is_visible() and explanation.inner_text().startswith(WRONG)
        page.keyboard.press("Space")
        assert not explanation.is_visible()
    finally:
        page.close()
