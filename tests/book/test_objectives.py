"""Which exercise trains what: objectives from the heads of chapters, against their sheets."""

from pathlib import Path

import pytest
from parsing import parsed

from cnncourse.exercises import CHECKERS, load_sheet
from cnncourse.exercises.sheet import read_sheet, sheet_files
from tools import objectives as module
from tools.notebooks.source import SourceError
from tools.objectives import objectives_and_exercises

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_exercise_of_every_sheet_trains_something() -> None:
    found = objectives_and_exercises(ROOT)
    assert {Path(page).name for page in found} == set(sheet_files())
    for page, rows in found.items():
        assert 4 <= len(rows) <= 7, page
        titles = {title for _, exercises in rows for title in exercises}
        assert titles == {exercise.title for exercise in load_sheet(Path(page).name, CHECKERS).exercises}
        assert sum(bool(exercises) for _, exercises in rows) >= 3, page


def test_an_objective_that_is_not_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "objectives", lambda chapter: ["one thing"])
    with pytest.raises(SourceError, match=r"is for objective \d of 1"):
        objectives_and_exercises(ROOT)


def test_an_exercise_says_what_it_trains_and_learners_do_not_read_it() -> None:
    text = sheet_files()["images"].read_text()
    without = read_sheet(text.replace("% objectives 1, 3\n", ""), CHECKERS)
    sheet = read_sheet(text, CHECKERS)
    assert without.exercises[0].objectives == () and without.page() == sheet.page()
    assert sheet.exercises[0].objectives == (1, 3) and "% objective" not in sheet.page()


def test_the_page_has_all_of_them(site: Path) -> None:
    page = parsed(site / "book/reference/instructors.html")
    section = page.select_one("#what-each-exercise-trains")
    assert section is not None
    rows = [row for rows in objectives_and_exercises(ROOT).values() for row in rows]
    cells = [[cell.get_text() for cell in row.select("td")] for row in section.select("tbody tr")]
    assert len(cells) == len(rows)
    plain = str.maketrans({"’": "'", "“": '"', "”": '"'})
    shown = [right.translate(plain) for _, right in cells]
    assert shown == ["; ".join(titles) or "—" for _, titles in rows]
