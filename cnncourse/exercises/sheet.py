"""Sheets: the exercises of a chapter in one Markdown file, read with the numbers of a seed.

A sheet is ``book/PART/CHAPTER-exercises.md``. CONTRIBUTING.md describes how one is written; this file reads
it, fills in what comes from a seed, and gives it back as a page of the book; `notebooks` makes the rest.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnncourse._checks import check_choice
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.task import Task

Checker = Task | Pencil
PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (
    PACKAGE / "exercises" / "sheets",
    PACKAGE.parent / "book",
)  # of an installed package, of a checkout
SUFFIX = "-exercises"
PROBLEMS = "Problems"
BEGIN, END, STUB = "### BEGIN SOLUTION", "### END SOLUTION", "...  # yours"
FENCE = re.compile(r"(`{3,}|~{3,}|:{3,})(?:\{([\w-]+)\})?[ ]*(.*)")
HEADER = re.compile(r"\*(\w[\w ]*): (.+), (\d+) minutes\.\*")
OBJECTIVES = re.compile(r"% objectives? (\d+(?:, \d+)*)")
POINTS = re.compile(r"(?:`(\w+)` )?(\d+) points?")
WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
FIELD = re.compile(r"\{\{ (\w+)(?:\[(\d+)\])? \}\}")


@dataclass(frozen=True)
class Block:
    """A piece of a sheet.

    Parameters
    ----------
    kind : str
        "text", "code", "answer", "fold" (where a solution begins) or "end" (where it ends).
    text : str
        Of an answer: the cell with the solution between nbgrader's marks.
    hidden : bool
        Whether it belongs to a solution.
    name : str
        Of an answer's checker.
    solution : str
        Of an answer: the right code alone.
    """

    kind: str
    text: str
    hidden: bool = False
    name: str = ""
    solution: str = ""

    @property
    def stub(self) -> str:
        """Of an answer: what the learner begins with."""
        planted = re.sub(rf"\n+^{BEGIN}.*?{END}$", "", self.text, flags=re.MULTILINE | re.DOTALL)
        return re.sub(rf"^([ ]+){BEGIN}.*?{END}$", rf"\1{STUB}", planted, flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """An exercise of a sheet.

    `points` go by the names of its checkers, or by its own if it has none; `objectives` are those that it
    trains, by their places in the list at its chapter's head, from 1.
    """

    title: str
    header: str
    kind: str
    points: dict[str, int]
    minutes: int
    objectives: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def by_hand(self) -> bool:
        """Whether a person grades it."""
        return not any(block.kind == "answer" for block in self.blocks)


@dataclass(frozen=True)
class Sheet:
    """A sheet with the numbers of a seed.

    `intro` is the text before the first exercise, `setup` the code in it, which imports what is used.
    """

    chapter: str
    part: str
    seed: int
    front: str
    intro: str
    setup: str
    exercises: tuple[Exercise, ...]
    problems: tuple[Block, ...]

    @property
    def points(self) -> dict[str, int]:
        """Points by the names of all exercises' parts."""
        return {name: points for exercise in self.exercises for name, points in exercise.points.items()}

    @property
    def names(self) -> list[str]:
        """The names of the checkers."""
        return [
            block.name for exercise in self.exercises for block in exercise.blocks if block.kind == "answer"
        ]

    @property
    def summary(self) -> str:
        """A sentence on how much it is."""
        count, minutes = len(self.exercises), sum(exercise.minutes for exercise in self.exercises)
        word = WORDS[count] if count < len(WORDS) else str(count)
        return f"{word} exercises, {sum(self.points.values())} points, about {minutes} minutes."

    @property
    def imports(self) -> str:
        """The code that imports what is used, and the checkers."""
        names = "".join(f"    check_{name},\n" for name in self.names)
        return f"{self.setup}\nfrom cnncourse.exercises import (\n{names})"

    def page(self) -> str:
        """Return the sheet as a page of the book, in MyST Markdown: solutions are folded."""
        parts = [f"---\n{self.front}\n---", self.intro, self.summary, _cell(self.imports)]
        for exercise in self.exercises:
            parts += [f"## {exercise.title}", exercise.header, *_written(exercise.blocks)]
        parts += [f"## {PROBLEMS}", *_written(self.problems)]
        return "\n\n".join(part for part in parts if part) + "\n"


def sheet_files() -> dict[str, Path]:
    """Return the files of all sheets, by their chapters."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
    return {path.stem.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*/*{SUFFIX}.md"))}


def load_sheet(chapter: str, checkers: Mapping[str, Checker], seed: int = 0) -> Sheet:
    """Read the sheet of a chapter.

    Parameters
    ----------
    chapter : str
        By its file's name.
    checkers : mapping of str to Task or Pencil
        By their names.
    seed : int
        Of the numbers and the planted bugs; the book shows 0.

    Raises
    ------
    ValueError
        If there is no such sheet, or it isn't in order.
    """
    files = sheet_files()
    check_choice("chapter", chapter, files)
    text = files[chapter].read_text(encoding="utf-8")
    return read_sheet(text, checkers, seed, chapter, files[chapter].parent.name)


def read_sheet(
    text: str, checkers: Mapping[str, Checker], seed: int = 0, chapter: str = "", part: str = ""
) -> Sheet:
    """Read a sheet from its text; see `load_sheet`."""
    front, _, body = text.removeprefix("---\n").partition("\n---\n")
    first, *sections = _sections(body)
    exercises: list[Exercise] = []
    problems: tuple[Block, ...] = ()
    for title, lines in sections:
        if title == PROBLEMS:
            problems = tuple(_blocks(lines, {}, title))
        else:
            exercises.append(_exercise(title, lines, checkers, seed))
    begin = list(_blocks(first[1], {}, ""))
    intro, setup = ("\n\n".join(b.text for b in begin if b.kind == kind) for kind in ("text", "code"))
    return Sheet(chapter, part, seed, front, intro, setup, tuple(exercises), problems)


def _sections(body: str) -> list[tuple[str, list[str]]]:
    """Return title and lines of each section, first of all what is before the first one."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    mark = ""
    for line in body.split("\n"):
        fence = FENCE.match(line)
        if mark:
            mark = "" if line.rstrip() == mark else mark
        elif fence:
            mark = fence[1]
        elif line.startswith("## "):
            sections.append((line[3:].strip(), []))
            continue
        sections[-1][1].append(line)
    return sections


def _exercise(title: str, lines: list[str], checkers: Mapping[str, Checker], seed: int) -> Exercise:
    header = next((line for line in lines if line.strip()), "")
    match = HEADER.fullmatch(header)
    found = POINTS.findall(match[2]) if match else []
    if not match or not found or POINTS.sub("", match[2]).strip(", "):
        raise ValueError(
            f"the exercise {title!r} begins with a line such as *Code: `conv2d` 6 points, 30 minutes.*, "
            f"got {header!r}"
        )
    points = {name or _slug(title): int(number) for name, number in found}
    names = [name for name, _ in found if name]
    for name in names:
        check_choice("checker", name, checkers)
    values = {key: value for name in names for key, value in _values(checkers[name], seed).items()}
    rest = lines[lines.index(header) + 1 :]
    trained = OBJECTIVES.fullmatch(rest[0]) if rest else None
    objectives: tuple[int, ...] = ()
    if trained is not None:
        objectives, rest = tuple(map(int, trained[1].split(", "))), rest[1:]
    blocks = tuple(_blocks(rest, values, title, {name: checkers[name] for name in names}, seed))
    answered = [block.name for block in blocks if block.kind == "answer"]
    if sorted(answered) != sorted(names):
        raise ValueError(f"the exercise {title!r} has cells for {answered}, and points for {names}")
    kinds = [block.kind for block in blocks if block.kind in ("answer", "fold")]
    if not kinds or kinds[-1] != "fold":
        raise ValueError(
            f"the exercise {title!r} has no solution at its end; put it between {{fold}} and {{fold-end}}"
        )
    return Exercise(title, header, match[1], points, int(match[3]), objectives, blocks)


def _values(checker: Checker, seed: int) -> dict[str, Any]:
    """Return what the text of an exercise may name, apart from solutions."""
    if isinstance(checker, Pencil):
        return checker.numbers(seed)
    return {}


def _secrets(checker: Checker, seed: int) -> dict[str, Any]:
    """Return what its solution may name besides."""
    if isinstance(checker, Pencil):
        return {checker.name: checker.answer(seed)}
    if checker.program is None:
        return {}
    bug = checker.program.bug(seed)
    return {"bug": bug.message, "wrong": bug.wrong.strip(), "right": bug.right.strip()}


def _blocks(
    lines: list[str],
    values: Mapping[str, Any],
    title: str,
    checkers: Mapping[str, Checker] | None = None,
    seed: int = 0,
) -> Iterator[Block]:
    """Yield the pieces of a section."""
    checkers = checkers or {}
    secrets = {key: value for each in checkers.values() for key, value in _secrets(each, seed).items()}
    text: list[str] = []
    hidden, place = False, 0

    def flush() -> Iterator[Block]:
        if whole := "\n".join(text).strip("\n"):
            yield Block("text", _fill(whole, known(), _in_text, title), hidden)
        text.clear()

    def known() -> Mapping[str, Any]:
        return {**values, **secrets} if hidden else values

    while place < len(lines):
        line = lines[place]
        fence, alone = FENCE.match(line), FIELD.fullmatch(line)
        if alone and alone[1] in checkers and not hidden:
            yield from flush()
            yield _answer(checkers[alone[1]], seed)
        elif fence is None:
            text.append(line)
        else:
            end = next((n for n in range(place + 1, len(lines)) if lines[n].rstrip() == fence[1]), None)
            if end is None:
                raise ValueError(f"the block {line!r} of {title!r} has no end")
            body = "\n".join(lines[place + 1 : end])
            if fence[2] == "code-cell":
                yield from flush()
                code = _fill(body, known(), _in_code, title)
                name = next((name for name in checkers if re.search(rf"^def {name}\(", code, re.M)), "")
                if name and BEGIN in code:
                    solution = re.sub(rf"^[ ]*({BEGIN}|{END})\n", "", f"{code}\n", flags=re.MULTILINE)
                    yield Block("answer", code, name=name, solution=solution.rstrip("\n"))
                else:
                    yield Block("code", code, hidden)
            elif fence[2] == "fold":
                yield from flush()
                hidden = True
                yield Block("fold", fence[3], True)
            elif fence[2] == "fold-end":
                yield from flush()
                yield Block("end", "", True)
                hidden = False
            else:
                text.extend(lines[place : end + 1])
            place = end
        place += 1
    if hidden:
        raise ValueError(f"a fold of {title!r} has no {{fold-end}}")
    yield from flush()


def _answer(checker: Checker, seed: int) -> Block:
    """Return the cell for the answer to a pencil question, or with a program to mend."""
    name = checker.name
    if isinstance(checker, Pencil):
        right = checker.answer(seed).tolist()
        text = f"# {checker.form}\n{name} = (\n    {BEGIN}\n    {right}\n    {END}\n)"
        return Block("answer", text, name=name, solution=f"{name} = {right}")
    if checker.program is None:
        raise ValueError(f"{name} is written into a cell of its own, with {BEGIN} and {END}")
    source = checker.program.source.strip()
    planted = checker.program.planted(checker.program.bug(seed)).strip()
    return Block("answer", f"{planted}\n\n\n{BEGIN}\n{source}\n{END}", name=name, solution=source)


def _fill(text: str, values: Mapping[str, Any], show: Callable[[Any], str], title: str) -> str:
    def one(match: re.Match[str]) -> str:
        name, number = match[1], match[2]
        if name not in values:
            raise ValueError(f"{match[0]} in {title!r}: only {', '.join(values) or 'nothing'} is known here")
        value = values[name]
        return show(value if number is None else value[int(number)])

    return FIELD.sub(one, text)


def _in_text(value: Any) -> str:
    """Return a value as text: a matrix for a formula, numbers with commas."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        rows = r" \\ ".join(" & ".join(map(_in_text, row)) for row in value)
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"
    if isinstance(value, np.ndarray | list | tuple) and np.ndim(value):
        return ", ".join(map(_in_text, value))
    return value if isinstance(value, str) else f"{value:.4g}" if isinstance(value, float) else str(value)


def _in_code(value: Any) -> str:
    return str(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)


def _written(blocks: tuple[Block, ...]) -> Iterator[str]:
    """Yield blocks as Markdown; each answer's solution comes first in the next fold."""
    due: list[Block] = []
    for block in blocks:
        if block.kind == "text":
            yield block.text
        elif block.kind == "code":
            yield _cell(block.text)
        elif block.kind == "answer":
            yield _cell(block.stub)
            yield _cell(f":tags: [remove-output]\n\n{check(block.name)}")
            due.append(block)
        elif block.kind == "end":
            yield "```{fold-end}\n```"
        else:
            yield f"```{{fold}} {block.text}\n```"
            for answer in due:
                yield _cell(f"{answer.solution}\n\n\n{check(answer.name)}")
            due.clear()


def _cell(code: str) -> str:
    return f"```{{code-cell}} ipython3\n{code}\n```"


def check(name: str) -> str:
    """Return the code that checks an answer."""
    return f"check_{name}({name})"


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")
