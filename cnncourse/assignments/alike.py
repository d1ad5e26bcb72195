"""Submissions that are alike but for names, layout and comments: for a talk with both, never a verdict."""

import ast
import difflib
import io
import tokenize
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnncourse.assignments.course import Assignment
from cnncourse.assignments.submission import find_file, read_submission
from cnncourse.exercises import Pencil

SHORTEST = 40  # tokens: short functions are alike by themselves
USUAL = 0.1  # of the class: what more of it wrote is the usual way, as the book has it
ALIKE = 0.9  # of two functions' tokens


@dataclass(frozen=True)
class Alike:
    """Two students, and the exercises that they answered with nearly the same code."""

    first: str
    second: str
    exercises: tuple[str, ...]


def find_alike(folder: str | Path) -> list[Alike]:
    """Return the pairs of students whose functions are nearly the same, those with most in common first.

    Names of variables, layout, comments, annotations and docstrings do not count. Functions of fewer than 40
    tokens, programs that were given with a bug, and what more than a tenth of the class (and more than
    three) wrote alike are left out. No code is run.

    Parameters
    ----------
    folder : str or Path
        The instructor's.
    """
    folder = Path(folder)
    assignment = Assignment.load(folder)
    asked = [
        checker.name
        for checker in assignment.checkers
        if not isinstance(checker, Pencil) and checker.program is None
    ]
    written: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in asked}
    students = sorted(each.name for each in (folder / "submitted").glob("*") if each.is_dir())
    for student in students:
        path, _ = find_file(folder / "submitted" / student, assignment.name)
        if path is None:
            continue
        submission = read_submission(path, asked, torch=True)
        for exercise, name in submission.names.items():
            if len(tokens := plain_tokens(submission.statements, name)) >= SHORTEST:
                written[exercise][student] = tokens
    found: dict[tuple[str, str], list[str]] = {}
    for exercise, tokens_of in written.items():
        for pair in _pairs(tokens_of, max(3, USUAL * len(students))):
            found.setdefault(pair, []).append(exercise)
    pairs = [Alike(first, second, tuple(names)) for (first, second), names in found.items()]
    return sorted(pairs, key=lambda pair: (-len(pair.exercises), pair.first, pair.second))


def plain_tokens(statements: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the tokens of a function without what is easily changed; none if it is not there."""
    for statement in reversed(statements):
        for node in ast.parse(statement).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                text = ast.unparse(_Plain().visit(node))
                kept = tokenize.generate_tokens(io.StringIO(text).readline)
                return tuple(token.string for token in kept if token.string.strip())
    return ()


class _Plain(ast.NodeTransformer):
    """Gives variables numbers for names, in the order in which they come, and drops what does nothing."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"v{len(self._names)}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns, node.decorator_list = self._name(node.name), None, []
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._name(node.arg), None
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._name(node.id)
        return node


def _pairs(tokens_of: Mapping[str, tuple[str, ...]], usual: float) -> list[tuple[str, str]]:
    """Return the pairs who wrote nearly the same, but for what is usual."""
    often = Counter(tokens_of.values())
    left = {student: tokens for student, tokens in tokens_of.items() if often[tokens] <= usual}
    pairs = []
    matcher = difflib.SequenceMatcher(autojunk=False)
    for second, tokens in left.items():
        matcher.set_seq2(tokens)
        for first in left:
            if first >= second:
                continue
            matcher.set_seq1(left[first])
            if all(
                each() >= ALIKE for each in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
            ):
                pairs.append((first, second))
    return pairs
