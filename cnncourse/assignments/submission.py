"""What a student handed in: the definitions in it, from a notebook, a Markdown page or a Python file."""

import ast
import codecs
import contextlib
import difflib
import json
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (".ipynb", ".md", ".py")
LARGEST = 20 << 20  # bytes
OURS = ("cnncourse", "matplotlib", "IPython")  # imports of a student's notebook that a jail does without
CORRELATIONS = ("convolve", "correlate")
MAGIC = re.compile(r"\s*([%!?]|[\w.]+\?+\s*$)")  # a line of it
GIVEN = {
    "np": "import numpy as np",
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
}
ALIKE = 0.8  # of two names, so that one is taken for the other


@dataclass(frozen=True)
class Submission:
    """The code of a student.

    Parameters
    ----------
    path : Path
        The file.
    statements : tuple of str
        Imports, definitions and assignments, in order; the rest of a notebook is not run. Nor is an
        assignment that calls something, unless what is asked for needs its variable.
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
        """Return the function of NumPy that does the work which `name` was to do itself, or "".

        Looked at is its code, and that of all which it names, and so on; another exercise's, or a test that
        the student wrote, may use NumPy's.
        """
        trees = [ast.parse(statement).body[0] for statement in self.statements]
        reached, more = {name}, True
        while more:
            looked_at = [tree for tree in trees if reached.intersection(_defined(tree) or reached)]
            names = {used for tree in looked_at for node in ast.walk(tree) for used in _named(node)}
            more = not names <= reached
            reached |= names
        return next((used for used in CORRELATIONS if used in reached - {name}), "")


def _defined(tree: ast.stmt) -> list[str]:
    """Return the names that a statement defines, or none if it does something else."""
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        return [tree.name]
    if isinstance(tree, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in tree.names]
    targets = tree.targets if isinstance(tree, ast.Assign) else [getattr(tree, "target", None)]
    return [t.id for t in targets if isinstance(t, ast.Name)] if len(targets) == 1 else []


def _named(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.alias):
        return [node.name]
    return [node.id] if isinstance(node, ast.Name) else []


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
    nodes: list[ast.stmt] = []
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
            nodes.append(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.append(node.name)
            elif _is_definition(node, without) or isinstance(node, ast.Assign):
                defined += [name for name in _assigned(node) if name in wanted]
    names = {}
    for name in wanted:
        if name in defined:
            names[name] = name
            if (count := defined.count(name)) > 1:
                notes.append(f"{name} is there {count} times; the last one counts")
        elif close := difflib.get_close_matches(name, sorted(set(defined) - set(wanted)), 1, ALIKE):
            names[name] = close[0]
            notes.append(f"there is no {name}; {close[0]} was taken for it")
        else:
            notes.append(f"there is no {name}")
    needed = _needed(nodes, list(names.values()))
    kept = [node for node in nodes if _is_definition(node, without) or needed & {*_assigned(node)}]
    statements = []
    for node in kept:
        try:
            statements.append(ast.unparse(node))
        except RecursionError:
            notes.append(f"line {node.lineno} of a code cell is nested too deep, and was left out")
    given = _not_imported(statements, torch)
    notes += [f"{name} isn't imported any more; {GIVEN[name]} was put back" for name in given]
    return Submission(path, (*(GIVEN[name] for name in given), *statements), names, tuple(notes))


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
    if files:
        return None, f"none of {len(files)} files is called {name}"
    others = sorted(f.name for f in folder.rglob("*") if f.is_file() and ".ipynb_checkpoints" not in f.parts)
    if others:
        return None, f"{others[0]} is no notebook; .ipynb, .md and .py are read"
    return None, "nothing was handed in"


def _cells(path: Path, notes: list[str]) -> list[str]:
    """Return the code cells of a file, without magics."""
    try:
        if path.stat().st_size > LARGEST:
            notes.append(f"{path.name} has more than {LARGEST >> 20} MiB, and was not read")
            return []
        raw = path.read_bytes()
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace").replace("\r\n", "\n")
    except OSError as error:
        notes.append(f"{path.name} cannot be read: {error.strerror}")
        return []
    if path.suffix == ".py":
        return [_without_magics(text)]
    if path.suffix == ".md":
        fenced = re.findall(
            r"^```+\s*(?:\{code-cell\}|i?python3?\b)[^\n]*\n(.*?)^```+\s*$", text, re.M | re.S
        )
        return [
            _without_magics(re.sub(r"\A(?:---\n.*?^---\n|(?::\S[^\n]*\n)+)", "", code, flags=re.M | re.S))
            for code in fenced
        ]
    try:
        whole = json.loads(text)
        cells = whole["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        joined = ["".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, RecursionError):
        notes.append(f"{path.name} is no whole notebook")
        return []
    if (language := _language(whole)) != "python":
        notes.append(f"the kernel's language is {language}; the cells were read as Python")
    return [_without_magics(code) for code in joined]


def _language(notebook: dict[str, Any]) -> str:
    """Return the language that a notebook's kernel is for, in lowercase; python if it isn't said."""
    try:
        about = notebook["metadata"]["kernelspec"]
        return str(about.get("language", "python")).lower()[:20]
    except (KeyError, TypeError, AttributeError):
        return "python"


def _without_magics(code: str) -> str:
    """Return a cell's Python. Of a cell's magic, `%%time` and its like leave the code to the notebook."""
    first, _, rest = code.lstrip().partition("\n")
    if first.startswith("%%"):
        return _without_magics(rest) if first.split()[0] in ("%%time", "%%capture", "%%prun") else ""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "\n".join("" if MAGIC.match(line) else line for line in code.split("\n"))
    return code  # a line of text may end with a question mark


def _assigned(node: ast.stmt) -> list[str]:
    """Return the variables that an assignment gives values to."""
    if not isinstance(node, ast.Assign):
        return []
    parts = [part for target in node.targets for part in ast.walk(target)]
    return [part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def _needed(nodes: Sequence[ast.stmt], names: Sequence[str]) -> set[str]:
    """Return the names that are used, from outside of them, by what has these names, and by what they use."""
    makers: dict[str, list[ast.stmt]] = {}
    for node in nodes:
        defined = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else _assigned(node)
        for name in defined:
            makers.setdefault(name, []).append(node)
    needed, ahead = set(names), list(names)
    while ahead:
        for node in makers.get(ahead.pop(), []):
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                new = {*_used(symtable.symtable(ast.unparse(node), "cell", "exec"))} - needed
                needed |= new
                ahead += new
    return needed


def _not_imported(statements: Sequence[str], torch: bool) -> list[str]:
    """Return what a sheet imports, statements use, and none of them defines: its cell is lost."""
    used: set[str] = set()
    bound: set[str] = set()
    for statement in statements:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            scope = symtable.symtable(statement, "cell", "exec")
            used.update(_used(scope))
            bound.update(s.get_name() for s in scope.get_symbols() if s.is_assigned() or s.is_imported())
    return [name for name in GIVEN if name in used - bound and (torch or name == "np")]


def _used(scope: symtable.SymbolTable) -> Iterator[str]:
    """Return the global names that a piece of code reads."""
    outermost = scope.get_type() == "module"
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for part in scope.get_children():
        yield from _used(part)


def _is_definition(node: ast.stmt, without: Sequence[str]) -> bool:
    """Return whether a statement defines something, and is no run of a notebook's work."""
    if isinstance(node, ast.Import):
        return not all(alias.name.split(".")[0] in without for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] not in without
    if isinstance(node, ast.Assign | ast.AnnAssign):
        calls = any(isinstance(n, ast.Call) for n in ast.walk(node))
        return isinstance(node.value, ast.Lambda) or not calls
    return isinstance(node, ast.FunctionDef | ast.ClassDef)
