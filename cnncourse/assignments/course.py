"""The instructor's folder: what is asked, for how many points, and the seed that only it holds."""

import json
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnncourse._checks import suggest
from cnncourse._files import write_whole
from cnncourse.exercises import CHECKERS, Sheet, load_sheet, notebook
from cnncourse.exercises.sheet import Checker

FILE = "assignment.toml"
RULES = (
    "Write each function with NumPy and plain Python{}, and each answer in the place of the dots, fractions "
    "with four digits. The line below a function checks it, as often as you like; that below numbers checks "
    "their form alone. Grading uses other inputs, and of other cells takes functions and what they need. "
    "Where you measure something, add cells of your own."
)
NBGRADER = '''"""nbgrader's settings for this folder.

Code of students is run by `cnncourse assignment grade` alone, in a jail: here, the points that it found take
the place of nbgrader's Execute. So grade there first, and then with `nbgrader autograde`.
"""

import json
from pathlib import Path

from nbformat.v4 import new_output
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    CheckCellMetadata, ClearHiddenTests, GetGrades, NbGraderPreprocessor, SaveAutoGrades
)

FOLDER = Path(__file__).resolve().parent


class FoundPoints(NbGraderPreprocessor):
    """Puts the points of grades.json into the cells that nbgrader reads them from."""

    def preprocess(self, nb, resources):
        student = resources["nbgrader"]["student"]
        grades = json.loads((FOLDER / "grades.json").read_text(encoding="utf-8"))
        marks = next((grade["marks"] for grade in grades if grade["student"] == student), [])
        points = {f"{mark['exercise']}-check": mark["points"] for mark in marks}
        for cell in nb.cells:
            about = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and about.get("grade"):
                found = points.get(about["grade_id"], 0)
                right = new_output("execute_result", {"text/plain": str(found)})
                wrong = new_output("error", ename="Wrong", evalue="see the feedback", traceback=[])
                cell.outputs = [right if found else wrong]
        return nb, resources


c = get_config()  # noqa: F821
c.CourseDirectory.root = str(FOLDER)
c.CourseDirectory.course_id = NAME
c.Autograde.autograde_preprocessors = [FoundPoints, SaveAutoGrades, CheckCellMetadata]
c.GenerateFeedback.preprocessors = [GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor]
c.ExportPlugin.to = "nbgrader.csv"  # grades.csv has what `cnncourse assignment grade` found
c.OverwriteCells.add_missing_cells = True
c.ClearSolutions.code_stub = {"python": "...  # yours"}
c.ClearSolutions.text_stub = "*Your answer.*"
'''


@dataclass(frozen=True)
class Assignment:
    """An assignment: its name, its chapters, and the seed of its numbers, bugs and hidden inputs.

    Parameters
    ----------
    name : str
        Also the name of its notebook.
    chapters : tuple of str
        Whose sheets it is made of.
    seed : int
        Of all that is drawn.
    points : dict
        From the names of checkers to points.
    by_hand : dict
        From the names of other exercises to points, which a person gives.
    """

    name: str
    chapters: tuple[str, ...]
    seed: int
    points: dict[str, int]
    by_hand: dict[str, int]

    @property
    def checkers(self) -> list[Checker]:
        """The checkers, in order."""
        return [CHECKERS[name] for name in self.points]

    @property
    def sheets(self) -> list[Sheet]:
        """The sheets, with the numbers of the seed."""
        return [load_sheet(chapter, CHECKERS, self.seed) for chapter in self.chapters]

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
            name, chapters, seed = values["name"], values["chapters"], values["seed"]
            points, by_hand = values["points"], values.get("by_hand", {})
        except (tomllib.TOMLDecodeError, KeyError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a whole assignment ({error})") from error
        for exercise in points:
            if exercise not in CHECKERS:
                raise ValueError(f"{path}: no exercise is called {exercise!r}{suggest(exercise, CHECKERS)}")
        for exercise, number in (*points.items(), *by_hand.items()):
            if type(number) is not int or number < 0:
                raise ValueError(f"{path}: points of {exercise} are a whole number, got {number!r}")
        if not isinstance(name, str) or type(seed) is not int or not 0 <= seed < 1 << 32:
            raise ValueError(f"{path}: it needs a name and a seed from 0 to 2**32 - 1")
        return cls(name, tuple(chapters), seed, dict(points), dict(by_hand))

    def save(self, folder: Path) -> Path:
        """Write it into a folder."""
        rows = "".join(f"{exercise} = {number}\n" for exercise, number in self.points.items())
        more = "".join(f"{exercise} = {number}\n" for exercise, number in self.by_hand.items())
        secret = f"seed = {self.seed}  # of numbers, bugs and hidden inputs: keep it to yourself"
        text = (
            f"name = {json.dumps(self.name)}\nchapters = {json.dumps(self.chapters)}\n{secret}\n\n"
            f"[points]\n{rows}\n[by_hand]\n{more}"
        )
        path = folder / FILE
        write_whole(path, text.encode())
        return path


def make_assignment(
    chapters: Sequence[str], folder: str | Path, name: str = "", seed: int | None = None
) -> list[Path]:
    """Write an instructor's folder: the assignment, the notebook to hand out, and the solutions.

    The folders are nbgrader's, and ``nbgrader_config.py`` has its settings: it may be used for authoring,
    grading by hand and feedback, but runs no student's code.

    Parameters
    ----------
    chapters : sequence of str
        Whose exercises are asked.
    folder : str or Path
        It gets ``assignment.toml``, ``release/NAME/NAME.ipynb`` to hand out, ``source/NAME/NAME.ipynb``
        with solutions and hidden tests, ``NAME-solved.ipynb`` to read, and an empty ``submitted``, where
        ``submitted/STUDENT/NAME/NAME.ipynb`` is looked for.
    name : str, optional
        By default the chapters' names.
    seed : int, optional
        By default one that nobody can guess; with it, all of this is made again.

    Returns
    -------
    list of Path
        The assignment, the notebook to hand out, that with the marks of nbgrader, and the solutions.

    Raises
    ------
    FileExistsError
        If the folder holds an assignment already.
    ValueError
        If a chapter has no exercises, or the seed is not from 0 to 2**32 - 1.
    """
    folder = Path(folder)
    seed = secrets.randbits(32) if seed is None else seed
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"the seed is from 0 to 2**32 - 1, got {seed}")
    sheets = [load_sheet(chapter, CHECKERS, seed) for chapter in chapters]
    if (folder / FILE).exists():
        raise FileExistsError(f"{folder / FILE} is there already; take another folder")
    name = name or "-".join(chapters)
    points = {name: sheet.points[name] for sheet in sheets for name in sheet.names}
    by_hand = {
        name: number for sheet in sheets for name, number in sheet.points.items() if name not in points
    }
    assignment = Assignment(name, tuple(chapters), seed, points, by_hand)
    release, source = folder / "release" / name, folder / "source" / name
    for each in (release, source, folder / "submitted"):
        each.mkdir(parents=True, exist_ok=True)
    minutes = sum(exercise.minutes for sheet in sheets for exercise in sheet.exercises)
    total = sum(points.values()) + sum(by_hand.values())
    models = any(getattr(CHECKERS[exercise], "adapter", "") for exercise in points)
    rules = RULES.format(", those about models with torch" if models else "")
    title = f"{name}\n\n{total} points, about {minutes} minutes. {rules}"
    files = []
    for path, kind in (
        (release / f"{name}.ipynb", "release"),
        (source / f"{name}.ipynb", "source"),
        (folder / f"{name}-solved.ipynb", "solutions"),
    ):
        made = notebook(sheets, CHECKERS, kind, title)  # type: ignore[arg-type]  # literals in a tuple
        write_whole(path, (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode())
        files.append(path)
    write_whole(folder / "nbgrader_config.py", NBGRADER.replace("NAME", repr(name)).encode())
    return [assignment.save(folder), *files]
