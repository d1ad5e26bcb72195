"""``cnncourse assignment``: a notebook to hand out, grades for what comes back, a report of both."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``assignment``, with ``make``, ``grade`` and ``report``."""
    assignment = commands.add_parser("assignment", help="make an assignment, grade it in a jail, report")
    kinds = assignment.add_subparsers(metavar="COMMAND", required=True)
    make = kinds.add_parser("make", help="write an instructor's folder and the notebook to hand out")
    make.add_argument("chapters", nargs="+", metavar="CHAPTER", help="whose exercises are asked")
    make.add_argument("--out", required=True, metavar="FOLDER", help="the instructor's folder")
    make.add_argument("--name", default="", help="of the assignment and its notebook")
    make.add_argument(
        "--seed",
        type=int,
        help="of numbers, planted bugs and hidden inputs; by default one that nobody can guess",
    )
    make.set_defaults(call=_make)
    grade = kinds.add_parser(
        "grade",
        help="grade FOLDER/submitted/STUDENT/NAME/NAME.ipynb",
        description="Grade what students handed in, each in a jail without network or files. It needs Linux "
        "and bubblewrap, and runs nothing without.",
    )
    grade.add_argument("folder", metavar="FOLDER", help="that `make` wrote")
    grade.add_argument("--jobs", type=int, metavar="N", help="jails at a time; by default one for each core")
    grade.set_defaults(call=_grade)
    report = kinds.add_parser("report", help="the spread of the grades, and what a class gets wrong")
    report.add_argument("folder", metavar="FOLDER", help="that was graded")
    report.set_defaults(call=_report)
    gradebook = kinds.add_parser(
        "gradebook",
        help="fill the points into a table that Moodle or Canvas exported",
        description="Write the CSV file that Moodle's or Canvas's gradebook exported again, with everybody's "
        "points in it, ready to be imported. A student's row is found by name, number or e-mail address.",
    )
    gradebook.add_argument("folder", metavar="FOLDER", help="that was graded")
    gradebook.add_argument("exported", metavar="EXPORTED.csv", help="from the platform")
    gradebook.add_argument("--out", required=True, metavar="FILE.csv", help="to import there")
    gradebook.set_defaults(call=_gradebook)


def _make(options: argparse.Namespace) -> int:
    from cnncourse.assignments import make_assignment

    settings, release, _, solved = make_assignment(options.chapters, options.out, options.name, options.seed)
    print(f"hand out {release}")
    print(f"keep the rest to yourself: {settings} has the seed, {solved} the solutions")
    return 0


def _grade(options: argparse.Namespace) -> int:
    from cnncourse.assignments import grade_course

    grades = grade_course(options.folder, options.jobs, print)
    print(f"{len(grades)} students; grades.csv and feedback are in {options.folder}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from cnncourse.assignments import describe_grades, find_alike, load_grades

    print(describe_grades(load_grades(options.folder)))
    if alike := find_alike(options.folder):
        print("\nnearly the same code, but for names and layout: talk with both")
        for pair in alike:
            print(f"{pair.first}, {pair.second}: {', '.join(pair.exercises)}")
    return 0


def _gradebook(options: argparse.Namespace) -> int:
    from cnncourse.assignments import fill_gradebook

    for note in fill_gradebook(options.folder, options.exported, options.out):
        print(note)
    print(f"import {options.out}")
    return 0
