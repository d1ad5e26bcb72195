"""Marks into the table that a learning platform exports, such as Moodle's or Canvas's gradebook."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from cnncourse._files import write_whole
from cnncourse.assignments.course import Assignment
from cnncourse.assignments.grade import GRADES, by_hand, read_table

PEOPLE = (
    "student", "id", "sis user id", "sis login id", "username", "id number", "email address", "email",
)  # fmt: skip
MOST = "points possible"  # how Canvas's second row begins


def fill_gradebook(folder: str | Path, exported: str | Path, out: str | Path) -> list[str]:
    """Write a platform's table again, with the points of an assignment in it.

    A student is the row one of whose names, numbers or e-mail addresses is the name of the folder in
    ``submitted``; of an address, the part before the @ will do. The column is the one that bears the
    assignment's name, as in Canvas's "convolution (1234)" or Moodle's "Assignment: convolution (Real)", or a
    new one at the end. Points that a person wrote into ``grades.csv`` are added.

    Parameters
    ----------
    folder : str or Path
        The instructor's, graded.
    exported : str or Path
        A CSV file that the platform wrote.
    out : str or Path
        The file to import.

    Returns
    -------
    list of str
        What is to be looked at: students without a row, open questions without points.

    Raises
    ------
    FileNotFoundError
        If there are no grades, or no such file.
    ValueError
        If the table has no column of people, a student fits two rows, two columns bear the assignment's name,
        or what a person wrote into ``grades.csv`` is no number.
    """
    assignment = Assignment.load(folder)
    points, notes = _total_points(Path(folder), assignment)
    exported = Path(exported)
    try:
        rows = list(csv.reader(io.StringIO(exported.read_text(encoding="utf-8-sig"))))
    except UnicodeDecodeError as error:
        raise ValueError(f"{exported}: not text in UTF-8; save it as CSV UTF-8") from error
    heads = [head.strip().casefold() for head in rows[0]] if rows else []
    people = [place for place, head in enumerate(heads) if head in PEOPLE]
    if not people:
        raise ValueError(
            f"{exported}: no column says who a student is; one of these is wanted: {', '.join(PEOPLE)}"
        )
    place = _column(exported, rows[0], assignment.name)
    if place == len(rows[0]):
        rows[0].append(assignment.name)
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        row += [""] * (len(rows[0]) - len(row))
        if row[0].strip().casefold() == MOST:
            row[place] = row[place] or str(_most(assignment))
            continue
        names = {name for each in people for name in _names(row[each])}
        mine = [student for student in points if student.casefold() in names]
        for student in mine:
            if student in seen:
                raise ValueError(f"{exported}: {student} fits two rows, {seen[student]} and {number}")
            seen[student] = number
            row[place] = f"{points[student]:g}"
    lost = [
        f"{student} has no row, and {points[student]:g} points" for student in points if student not in seen
    ]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    write_whole(Path(out), table.getvalue().encode("utf-8"))
    return [*lost, *notes]


def _total_points(folder: Path, assignment: Assignment) -> tuple[dict[str, float], list[str]]:
    """Return each student's points, and what is missing."""
    path = folder / GRADES
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; grade first: cnncourse assignment grade {folder}")
    points, notes = {}, []
    for student, row in read_table(folder).items():
        given = by_hand(row, assignment)
        for name, value in given.items():
            if not re.fullmatch(r"\d+([.,]\d+)?", value):
                raise ValueError(f"{path}: {student}, {name}: points are a number, got {value!r}")
        points[student] = float(row["points"]) + sum(float(v.replace(",", ".")) for v in given.values())
        if len(given) < len(assignment.by_hand):
            waiting = ", ".join(name for name in assignment.by_hand if name not in given)
            notes.append(f"{student}: no points yet for {waiting}, which count 0")
    return points, notes


def _names(cell: str) -> set[str]:
    """Return what a folder may be called for one who is called so."""
    name = cell.strip().casefold()
    return {name, name.split("@")[0]} - {""}


def _column(path: Path, heads: Sequence[str], name: str) -> int:
    """Return the place of an assignment's column, or that behind the last."""
    found = [
        place
        for place, head in enumerate(heads)
        if re.sub(r"^\w+:\s*|\s*\((\d+|real)\)$", "", head.strip().casefold()) == name.casefold()
    ]
    if len(found) > 1:
        raise ValueError(f"{path}: {len(found)} columns are called {name}; leave one")
    return found[0] if found else len(heads)


def _most(assignment: Assignment) -> int:
    return sum(assignment.points.values()) + sum(assignment.by_hand.values())
