"""The instructor's folder: what is asked, for how many points, and the seed that only it holds."""

import json
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnncourse._checks import check_choice, suggest
from cnncourse._files import write_whole
from cnncourse.exercises import CHAPTERS, TASKS, Task

FILE = "assignment.toml"
POINTS = 10
RULES = (
    "Write each with NumPy and plain Python. The line below each function checks it, as often as you like; "
    "grading uses other inputs."
)


@dataclass(frozen=True)
class Assignment:
    """An assignment: its name, and the points of its exercises.

    Parameters
    ----------
    name : str
        Also the name of its notebook.
    points : dict
        From exercises' names to points.
    seed : int
        Of the hidden inputs.
    """

    name: str
    points: dict[str, int]
    seed: int

    @property
    def tasks(self) -> list[Task]:
        """The exercises, in order."""
        return [TASKS[name] for name in self.points]

    @classmethod
    def load(cls, folder: str | Path) -> "Assignment":
        """Return the assignment of an instructor's folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If its file is not what `make` writes.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is not there; make one: cnncourse assignment make CHAPTER --out {folder}"
            )
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
            name, points, seed = values["name"], values["points"], values["seed"]
        except (tomllib.TOMLDecodeError, KeyError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a whole assignment ({error})") from error
        for exercise, number in points.items():
            if exercise not in TASKS:
                raise ValueError(f"{path}: no exercise is called {exercise!r}{suggest(exercise, TASKS)}")
            if type(number) is not int or number < 0:
                raise ValueError(f"{path}: points of {exercise} are a whole number, got {number!r}")
        if not isinstance(name, str) or type(seed) is not int or not 0 <= seed < 1 << 32:
            raise ValueError(f"{path}: it needs a name and a seed from 0 to 2**32 - 1")
        return cls(name, dict(points), seed)

    def save(self, folder: Path) -> Path:
        """Write it into a folder."""
        rows = "".join(f"{exercise} = {number}\n" for exercise, number in self.points.items())
        secret = f"seed = {self.seed}  # of the hidden inputs: keep it to yourself"
        text = f"name = {json.dumps(self.name)}\n{secret}\n\n[points]\n{rows}"
        path = folder / FILE
        write_whole(path, text.encode())
        return path


def make_assignment(
    chapters: Sequence[str], folder: str | Path, name: str = "", seed: int | None = None
) -> list[Path]:
    """Write an instructor's folder: the assignment, and the notebook to hand out.

    Parameters
    ----------
    chapters : sequence of str
        Whose exercises are asked.
    folder : str or Path
        It gets ``assignment.toml``, ``release/NAME/NAME.ipynb`` and an empty ``submitted``, where
        ``submitted/STUDENT/NAME/NAME.ipynb`` is looked for.
    name : str, optional
        By default the chapters' names.
    seed : int, optional
        By default one that nobody can guess.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    FileExistsError
        If the folder holds an assignment already.
    ValueError
        If a chapter has no exercises.
    """
    for chapter in chapters:
        check_choice("chapter", chapter, CHAPTERS)
    folder = Path(folder)
    if (folder / FILE).exists():
        raise FileExistsError(f"{folder / FILE} is there already; take another folder")
    name = name or "-".join(chapters)
    points = {task.name: POINTS for chapter in chapters for task in CHAPTERS[chapter]}
    assignment = Assignment(name, points, secrets.randbits(32) if seed is None else seed)
    release = folder / "release" / name
    release.mkdir(parents=True, exist_ok=True)
    (folder / "submitted").mkdir(exist_ok=True)
    notebook = release / f"{name}.ipynb"
    write_whole(notebook, (json.dumps(student_notebook(assignment), indent=1) + "\n").encode())
    return [assignment.save(folder), notebook]


def student_notebook(assignment: Assignment) -> dict[str, Any]:
    """Return the notebook that students get: what is asked, empty functions, and checkers."""
    checks = ", ".join(f"check_{task.name}" for task in assignment.tasks)
    total = sum(assignment.points.values())
    cells = [
        _text("title", f"# {assignment.name}\n\n{len(assignment.points)} functions, {total} points. {RULES}"),
        _code("imports", f"import numpy as np\n\nfrom cnncourse.exercises import {checks}"),
    ]  # fmt: skip
    for task in assignment.tasks:
        parameters = ", ".join(task.parameters)
        cells += [
            _text(
                f"{task.name}-text",
                f"## {task.name} ({assignment.points[task.name]} points)\n\n{task.statement}",
            ),
            _code(task.name, f"def {task.name}({parameters}):\n    ...  # your code"),
            _code(f"{task.name}-check", f"check_{task.name}({task.name})"),
        ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _text(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def _code(name: str, code: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": code,
        "outputs": [],
        "execution_count": None,
    }
