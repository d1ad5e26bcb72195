"""Grading: every submission in a jail, its functions called from outside, its numbers compared there."""

import contextlib
import csv
import html
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

from cnncourse._files import write_whole
from cnncourse.assignments.course import Assignment
from cnncourse.assignments.jail import Jail, packages_for
from cnncourse.assignments.submission import Submission, find_file, read_submission
from cnncourse.exercises import Finding, Pencil
from cnncourse.exercises.sheet import Checker

LIMIT = 3.0  # seconds for one call
GRADES, FOUND = "grades.csv", "grades.json"
FORMULA = "=+-@"  # what begins so is run by spreadsheets


@dataclass(frozen=True)
class Mark:
    """What one exercise of one student is worth, and why.

    `kind` is "right", "missing" or what a `Finding` calls it; `message` and `hint` are for the student.
    """

    exercise: str
    points: int
    most: int
    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Grade:
    """All marks of a student, and notes on what was handed in."""

    student: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """The sum."""
        return sum(mark.points for mark in self.marks)


def grade_course(
    folder: str | Path, jobs: int | None = None, report: Callable[[str], None] | None = None
) -> list[Grade]:
    """Grade all that was handed in.

    Parameters
    ----------
    folder : str or Path
        The instructor's. It gets ``grades.csv``, ``grades.json`` and ``feedback/STUDENT/NAME.html``.
    jobs : int, optional
        Jails at a time; by default one for each core.
    report : callable, optional
        Called with a line of text after each student.

    Returns
    -------
    list of Grade
        By the students' names.

    Raises
    ------
    FileNotFoundError
        If the folder holds no assignment.
    NoJailError
        If this machine cannot keep code apart; nothing was run then.
    """
    folder = Path(folder)
    assignment = Assignment.load(folder)
    submitted = folder / "submitted"
    students = (
        sorted(each.name for each in submitted.iterdir() if each.is_dir()) if submitted.is_dir() else []
    )
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(students) or 1))
    free: SimpleQueue[Jail] = SimpleQueue()

    def one(student: str) -> Grade:
        jail = free.get()
        try:
            found = grade_student(assignment, submitted / student, jail)
        finally:
            free.put(jail)
        if report is not None:
            report(f"{student}: {found.points} of {sum(assignment.points.values())}")
        return found

    packages = packages_for(assignment.checkers)
    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        for number in range(jobs):
            free.put(stack.enter_context(Jail(number, packages)))
        grades = list(pool.map(one, students))
    write_grades(folder, assignment, grades)
    return grades


def grade_student(assignment: Assignment, folder: Path, jail: Jail) -> Grade:
    """Return the grade of one student's folder."""
    path, note = find_file(folder, assignment.name)
    notes = [note] if note else []
    if path is None:
        marks = [Mark(name, 0, most, "missing", note) for name, most in assignment.points.items()]
        return Grade(folder.name, tuple(marks), tuple(notes))
    submission = read_submission(path, list(assignment.points), "torch" in jail.packages)
    marks = [grade_exercise(checker, submission, assignment, jail) for checker in assignment.checkers]
    return Grade(folder.name, tuple(marks), (*notes, *submission.notes))


def grade_exercise(checker: Checker, submission: Submission, assignment: Assignment, jail: Jail) -> Mark:
    """Return the mark of one exercise, which gets a process of its own."""
    exercise, most = checker.name, assignment.points[checker.name]
    name = submission.names.get(exercise)
    if name is None:
        return Mark(exercise, 0, most, "missing", f"There is no {exercise} in what you handed in.")
    cells = [(f"exercise {exercise}", statement) for statement in submission.statements]
    if isinstance(checker, Pencil):
        found = _judge_numbers(checker, name, submission, assignment.seed, jail)
    elif checker.by_hand and (used := submission.uses(name)):
        found = checker.library(used)
    else:
        with jail.open(cells) as student:
            found = checker.judge(
                lambda arguments: student.call(name, arguments, LIMIT, checker.adapter),
                assignment.seed,
                LIMIT,
            ).finding
    if found is None:
        return Mark(exercise, most, most, "right", "Right.")
    return Mark(exercise, 0, most, found.kind, found.message, found.hints[0] if found.hints else "")


def _judge_numbers(
    pencil: Pencil, name: str, submission: Submission, seed: int, jail: Jail
) -> Finding | None:
    """Return what is wrong with a variable's numbers, which are computed in the jail if they are at all."""
    with contextlib.suppress(ValueError):
        return pencil.judge(submission.literal(name), seed)
    code = [*submission.statements, f"def answer():\n    return {name}"]
    with jail.open([(f"exercise {pencil.name}", statement) for statement in code]) as student:
        outcome = student.call("answer", (), LIMIT)
    if outcome.late or outcome.error:
        return Finding("error", outcome.error or "It took too long.")
    return pencil.judge(... if outcome.kind == "ellipsis" else outcome.kind or outcome.value, seed)


def write_grades(folder: Path, assignment: Assignment, grades: Sequence[Grade]) -> None:
    """Write the table, the marks in full, and a page for each student."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["student", *assignment.points, "points", "of", *assignment.by_hand])
    most = sum(assignment.points.values())
    before = read_table(folder)  # a person fills in points, and they are kept
    for grade in grades:
        name = f"'{grade.student}" if grade.student[:1] in FORMULA else grade.student
        given = by_hand(before.get(grade.student, {}), assignment)
        more = [given.get(exercise, "") for exercise in assignment.by_hand]
        writer.writerow([name, *(mark.points for mark in grade.marks), grade.points, most, *more])
    write_whole(folder / GRADES, table.getvalue().encode())
    write_whole(folder / FOUND, (json.dumps([asdict(grade) for grade in grades], indent=1) + "\n").encode())
    for grade in grades:
        page = folder / "feedback" / grade.student / f"{assignment.name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        write_whole(page, feedback(assignment, grade).encode())


def read_table(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the table, by student, with what a person has written; none without a table."""
    path = folder / GRADES
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {plain_name(row["student"]): row for row in csv.DictReader(file)}


def by_hand(row: dict[str, str], assignment: Assignment) -> dict[str, str]:
    """Return what a person has written into a row, by exercise."""
    values = {name: (row.get(name) or "").strip() for name in assignment.by_hand}
    return {name: value for name, value in values.items() if value}


def plain_name(student: str) -> str:
    """Return a name of the table without the mark that keeps a spreadsheet from running it."""
    return student[1:] if student[:1] == "'" and student[1:2] in FORMULA else student


def load_grades(folder: str | Path) -> list[Grade]:
    """Return what `grade_course` found.

    Raises
    ------
    FileNotFoundError
        If nothing was graded there.
    """
    path = Path(folder) / FOUND
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; grade first: cnncourse assignment grade {folder}")
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Grade(row["student"], tuple(Mark(**mark) for mark in row["marks"]), tuple(row["notes"]))
        for row in rows
    ]


def feedback(assignment: Assignment, grade: Grade) -> str:
    """Return a student's page: points, what was found and a hint, and no input of the hidden tests."""
    rows = "".join(
        f"<tr><td>{html.escape(mark.exercise)}</td><td>{mark.points} of {mark.most}</td>"
        f"<td>{html.escape(mark.message)}"
        + (f"<br><em>{html.escape(mark.hint)}</em>" if mark.hint else "")
        + "</td></tr>"
        for mark in grade.marks
    )
    waiting = [f"{name}: a person grades it, {points} points" for name, points in assignment.by_hand.items()]
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in (*grade.notes, *waiting))
    title = f"{html.escape(assignment.name)}: {grade.points} of {sum(assignment.points.values())}"
    style = (
        ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem "
        "auto;padding:0 1rem}"
        "td,th{padding:.4rem .8rem .4rem 0;vertical-align:top;text-align:left;border-bottom:1px solid #8884}"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f"<h1>{title}</h1>"
        f"<p>{html.escape(grade.student)}</p><table><tr><th>exercise</th><th>points</th><th>what was "
        f"found</th></tr>{rows}"
        f"</table>{f'<ul>{notes}</ul>' if notes else ''}</body></html>\n"
    )


def describe_grades(grades: Sequence[Grade]) -> str:
    """Return a report for the instructor: the spread, the items most failed, the commonest mistakes.

    Raises
    ------
    ValueError
        If there is no grade.
    """
    if not grades:
        raise ValueError("nothing was handed in, so there is nothing to report")
    most = sum(mark.most for mark in grades[0].marks)
    lines = [
        f"{len(grades)} students, {sum(g.points for g in grades) / len(grades):.1f} of {most} points on "
        f"average",
        "",
    ]
    bins = Counter(min(10 * grade.points // most if most else 0, 9) for grade in grades)
    lines += [f"{10 * n:3}% to {10 * n + 10:3}%  {'#' * bins[n]} {bins[n] or ''}".rstrip() for n in range(10)]
    lines += ["", "right, of all"]
    for place, mark in enumerate(grades[0].marks):
        right = sum(grade.marks[place].kind == "right" for grade in grades)
        wrong = Counter(grade.marks[place].kind for grade in grades if grade.marks[place].kind != "right")
        often = ", ".join(f"{kind} {count}" for kind, count in wrong.most_common(4))
        lines.append(f"{mark.exercise:24} {right:4}" + (f"   {often}" if often else ""))
    noted = [f"{grade.student}: {note}" for grade in grades for note in grade.notes]
    return "\n".join([*lines, *(["", "handed in with a fault", *noted] if noted else [])])
