"""``cnncourse check``: the exercises in a file of your own, judged as in the notebook."""

import argparse
import linecache
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``check``."""
    check = commands.add_parser(
        "check",
        help="judge the exercises in a file of yours",
        description="Judge each exercise that a notebook, Markdown page or Python file answers, as its check "
        "in the notebook does. The file's imports, functions and assignments are run, without a jail.",
    )
    check.add_argument("file", metavar="FILE", help=".py, .ipynb or .md")
    check.add_argument("exercises", nargs="*", metavar="EXERCISE", help="by default all that are in the file")
    check.add_argument(
        "--by-hand",
        action="store_true",
        help="say nothing of what is wrong: print the smallest input on which it is, for paper and pencil",
    )
    check.add_argument("--hint", type=int, default=0, metavar="N", help="give the first N hints, too")
    check.add_argument("--seed", type=int, help="of the random inputs; by default new ones each time")
    check.set_defaults(call=_check)


def _check(options: argparse.Namespace) -> int:
    from cnncourse._checks import check_choice
    from cnncourse.assignments.submission import read_submission
    from cnncourse.exercises import CHECKERS, Pencil

    path = Path(options.file)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, or no file")
    for name in options.exercises:
        check_choice("exercise", name, CHECKERS)
    submission = read_submission(path, options.exercises or list(CHECKERS), torch=True)
    asked = [name for name in submission.names if options.exercises or submission.names[name] == name]
    if missing := [name for name in options.exercises if name not in submission.names]:
        raise ValueError(f"{path}: there is no {', no '.join(missing)}")
    if not asked:
        raise ValueError(f"{path} answers no exercise; `cnncourse check FILE EXERCISE` says what is missing")
    space = _run(submission.statements, path)
    wrong = 0
    for name in asked:
        checker, given = CHECKERS[name], space[submission.names[name]]
        report = checker(given) if isinstance(checker, Pencil) else checker(given, options.seed)
        wrong += not report.passed
        if options.by_hand and report.finding is not None and report.finding.where:
            print(f"{name}: do this by hand, and compare.\n{report.finding.where}")
        else:
            print(f"{name}: not yet.\n{report.finding}" if report.finding else report)
            for number, hint in enumerate(report.finding.hints if report.finding else (), 1):
                if number <= options.hint:
                    print(f"hint {number}: {hint}")
    return 1 if wrong else 0


def _run(statements: tuple[str, ...], path: Path) -> dict[str, Any]:
    """Run the statements of a file; lines of code in messages are found in `linecache`."""
    space: dict[str, Any] = {"__name__": path.stem}
    for number, statement in enumerate(statements, 1):
        name = f"<{path.name}, {number}>"
        linecache.cache[name] = (len(statement), None, statement.splitlines(keepends=True), name)
        try:
            exec(compile(statement, name, "exec"), space)  # noqa: S102 (the learner's own file)
        except Exception as error:
            line = statement.splitlines()[0]
            raise ValueError(f"{path}: {line} raised {type(error).__name__}: {error}") from error
    return space
