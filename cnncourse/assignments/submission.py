"""What a student handed in: the definitions in it, from a notebook, a Markdown page or a Python file."""

import ast
import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (".ipynb", ".md", ".py")
LARGEST = 20 << 20  # bytes
OURS = ("cnncourse", "matplotlib", "IPython")  # imports of a student's notebook that a jail does without
CORRELATIONS = ("convolve", "correlate")
ALIKE = 0.8  # of two names, so that one is taken for the other


@dataclass(frozen=True)
class Submission:
    """The code of a student.

    Parameters
    ----------
    path : Path
        The file.
    statements : tuple of str
        Imports, definitions and assignments, in order; the rest of a notebook is not run.
    names : dict
        From the exercise's name to that of the function or variable which is taken for it.
    notes : tuple of str
        What was missing, damaged or repaired.
    """

    path: Path
    statements: tuple[str, ...]
    names: dict[str, str]
    notes: tuple[str, ...] = ()

    def literal(self, name: str) -> Any:
        """Return the value of a variable that is written out, and assigned once; no code is run for it.

        Raises
        ------
        ValueError
            If it is computed, or anything else is done with it.
        """
        trees = [ast.parse(statement) for statement in self.statements]
        found = [tree for tree in trees if any(getattr(n, "id", "") == name for n in ast.walk(tree))]
        statement = found[0].body[0] if len(found) == 1 else None
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise ValueError(f"{name} is computed")
        try:
            return ast.literal_eval(statement.value)
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            raise ValueError(f"{name} is computed") from error

    def uses(self, name: str) -> str:
        """Return the function of NumPy that does an exercise's work, if the code uses one, or ""."""
        for statement in self.statements:
            for node in ast.walk(ast.parse(statement)):
                used = (
                    node.attr
                    if isinstance(node, ast.Attribute)
                    else node.id
                    if isinstance(node, ast.Name)
                    else ""
                )
                if used in CORRELATIONS and used != name:
                    return used
        return ""


def read_submission(path: Path, wanted: Sequence[str], torch: bool = False) -> Submission:
    """Return what is in a file; what cannot be read is said in its notes, never raised.

    Parameters
    ----------
    path : Path
        ``.ipynb``, ``.md`` with fenced code, or ``.py``.
    wanted : sequence of str
        The functions and variables that the assignment asks for.
    torch : bool
        Whether torch is there to be imported.
    """
    without = OURS if torch else (*OURS, "torch")
    notes: list[str] = []
    statements: list[str] = []
    defined: list[str] = []
    for number, code in enumerate(_cells(path, notes), 1):
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            notes.append(
                f"code cell {number} is not Python"
                + (f", line {line}" if line else "")
                + ", and was left out"
            )
            continue
        for node in tree.body:
            variables = [name for name in _assigned(node) if name in wanted]
            if variables or _is_definition(node, without):
                statements.append(ast.unparse(node))
                defined += [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else variables
    names = {}
    for name in wanted:
        if name in defined:
            names[name] = name
        elif close := difflib.get_close_matches(name, sorted(set(defined) - set(wanted)), 1, ALIKE):
            names[name] = close[0]
            notes.append(f"there is no {name}; {close[0]} was taken for it")
        else:
            notes.append(f"there is no {name}")
    return Submission(path, tuple(statements), names, tuple(notes))


def find_file(folder: Path, name: str) -> tuple[Path | None, str]:
    """Return the file of an assignment in a student's folder, and a note if it has another name."""
    files = sorted(
        f for f in folder.rglob("*") if f.suffix in SUFFIXES and f.is_file() and not f.is_symlink()
    )
    files = [f for f in files if ".ipynb_checkpoints" not in f.parts]
    exact = [f for f in files if f.stem == name]
    if exact:
        return exact[0], ""
    if len(files) == 1:
        return files[0], f"{files[0].name} was taken for {name}.ipynb"
    close = difflib.get_close_matches(name, [f.stem for f in files], 1, ALIKE)
    if close:
        found = next(f for f in files if f.stem == close[0])
        return found, f"{found.name} was taken for {name}.ipynb"
    return None, "nothing was handed in" if not files else f"none of {len(files)} files is called {name}"


def _cells(path: Path, notes: list[str]) -> list[str]:
    """Return the code cells of a file, without magics."""
    try:
        if path.stat().st_size > LARGEST:
            notes.append(f"{path.name} has more than {LARGEST >> 20} MiB, and was not read")
            return []
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        notes.append(f"{path.name} cannot be read: {error.strerror}")
        return []
    if path.suffix == ".py":
        return [_without_magics(text)]
    if path.suffix == ".md":
        fenced = re.findall(
            r"^```+\s*(?:\{code-cell\}[^\n]*|python3?|ipython3?)\n(.*?)^```+\s*$", text, re.M | re.S
        )
        return [
            _without_magics(re.sub(r"\A(?:---\n.*?^---\n|(?::\S[^\n]*\n)+)", "", code, flags=re.M | re.S))
            for code in fenced
        ]
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        joined = ["".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, RecursionError):
        notes.append(f"{path.name} is no whole notebook")
        return []
    return [_without_magics(code) for code in joined]


def _without_magics(code: str) -> str:
    if code.lstrip().startswith("%%"):
        return ""
    return "\n".join("" if re.match(r"\s*[%!]|.*\?$", line) else line for line in code.split("\n"))


def _assigned(node: ast.stmt) -> list[str]:
    """Return the variables that a statement gives values to."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_definition(node: ast.stmt, without: Sequence[str]) -> bool:
    """Return whether a statement defines something, and is no run of a notebook's work."""
    if isinstance(node, ast.Import):
        return not all(alias.name.split(".")[0] in without for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] not in without
    return isinstance(node, ast.FunctionDef | ast.ClassDef) or (
        isinstance(node, ast.Assign | ast.AnnAssign)
        and not any(isinstance(n, ast.Call) for n in ast.walk(node))
    )
