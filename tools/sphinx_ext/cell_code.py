"""A cell's code as its page shows it: without `glue`, and without the assertions at its end."""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try)


class CodeError(ValueError):
    """Code that cannot be shown in part; the message says which line, why and what to do."""


@dataclass(frozen=True)
class Parts:
    """What becomes of a cell's code.

    Attributes
    ----------
    shown : str
        The code that teaches; empty where nothing is left.
    checks : str
        The assertions at the end of the cell, with the comments that belong to them.
    statements, imports : int
        How many statements are shown, and how many of these are imports.
    """

    shown: str
    checks: str = ""
    statements: int = 0
    imports: int = 0


def split_code(source: str) -> Parts:
    r"""Split a cell's code into what is shown and what its last lines check.

    Raises
    ------
    CodeError
        If a call of `glue` cannot be taken out, or an assertion shares its line with what is shown.

    Examples
    --------
    >>> split_code("y = x + 1\nglue('y', y)\nassert y > x")
    Parts(shown='y = x + 1', checks='assert y > x', statements=1, imports=0)
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic command: shown as it is
        if "glue(" in source:
            raise CodeError(
                "glue stands in a cell that is not plain Python; put it into the next one"
            ) from None
        return Parts(source)
    glued = list(glue_statements(body))
    tail = body[count_before_tail(body) :]
    require_statements(body, glued)
    lines = source.split("\n")
    dropped = own_lines(lines, glued)
    checked = own_lines(lines, tail) - dropped
    for number, owner in comment_owners(source, lines):
        for group in (dropped, checked):
            if owner in group:
                group.add(number)
    kept = [statement for statement in body if statement not in glued and statement not in tail]
    later = set(range(min(checked, default=len(lines)), len(lines) + 1))
    return Parts(
        shown=join(lines, lambda number: number not in dropped | checked),
        checks=join(
            lines, lambda number: number in checked or (number in later and not lines[number - 1].strip())
        ),
        statements=len(kept),
        imports=sum(isinstance(statement, ast.Import | ast.ImportFrom) for statement in kept),
    )


def is_glue(node: ast.AST) -> bool:
    """Tell whether a node is a call of `glue`, as an expression or as a statement."""
    call = node.value if isinstance(node, ast.Expr) else node
    if not isinstance(call, ast.Call):
        return False
    name = call.func
    return (isinstance(name, ast.Name) and name.id == "glue") or (
        isinstance(name, ast.Attribute) and name.attr == "glue"
    )


def is_check(node: ast.AST) -> bool:
    """Tell whether a statement only checks: an assertion, or `glue` beside one."""
    return isinstance(node, ast.Assert) or is_glue(node)


def suites(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements that stand in a statement."""
    for name in ("body", "orelse", "finalbody"):
        suite = getattr(statement, name, None)
        if isinstance(suite, list) and suite:
            yield suite
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, []):
            yield from suites(part)


def consists_of(statement: ast.stmt, kind: Callable[[ast.AST], bool]) -> bool:
    """Tell whether a statement is of a kind, or a loop, branch or `with` that holds nothing else."""
    if isinstance(statement, BLOCKS):
        return all(consists_of(inner, kind) for suite in suites(statement) for inner in suite)
    return kind(statement)


def glue_statements(suite: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the outermost statements that hold nothing but `glue`."""
    for statement in suite:
        if consists_of(statement, is_glue):
            yield statement
            continue
        for inner in suites(statement):
            found = list(glue_statements(inner))
            if found == inner:
                raise CodeError(
                    f"line {inner[0].lineno} of the cell: glue is all that stands in this branch, and the "
                    "statement around it is shown; put glue behind it, in a statement of its own"
                )
            yield from found


def count_before_tail(body: list[ast.stmt]) -> int:
    """Return how many statements stand before the assertions at the end."""
    count = len(body)
    while count and consists_of(body[count - 1], is_check):
        count -= 1
    return count


def require_statements(body: list[ast.stmt], glued: list[ast.stmt]) -> None:
    """Stop at a call of `glue` that is part of an expression."""
    removed = {id(node) for statement in glued for node in ast.walk(statement)}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and is_glue(node) and id(node) not in removed:
                raise CodeError(
                    f"line {node.lineno} of the cell: glue is part of an expression, which would be shown; "
                    "call it in a statement of its own"
                )


def own_lines(lines: list[str], statements: list[ast.stmt]) -> set[int]:
    """Return the lines, from 1, that these statements have to themselves; stop where they share one."""
    rest = {number: line.encode() for number, line in enumerate(lines, 1)}
    numbers = set()
    for one in sorted(statements, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        first, last = one.lineno, one.end_lineno or one.lineno
        end = rest[last][one.end_col_offset :]
        for number in range(first, last + 1):
            rest[number] = rest[number][: one.col_offset] if number == first else b""
        rest[last] += end
        numbers |= set(range(first, last + 1))
    for number in sorted(numbers):
        left = rest[number].strip(b" \t;")
        if left and not left.startswith(b"#"):
            raise CodeError(
                f"line {number} of the cell: {left.decode()!r} stands on one line with what is not shown "
                "(glue, or an assertion at the end); give it a line of its own"
            )
    return numbers


def comment_owners(source: str, lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield each line that is a comment, with the line of code that it belongs to.

    That is the line below, or the line above where a blank one follows, or the next one where the
    comment stands alone.
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    places = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    comments = {number for number in places if lines[number - 1].lstrip().startswith("#")}
    filled = [number for number, line in enumerate(lines, 1) if line.strip() and number not in comments]
    for number in sorted(comments):
        first, last = number, number
        while first - 1 in comments:
            first -= 1
        while last + 1 in comments:
            last += 1
        below = next((line for line in filled if line > number), None)
        above = first - 1 if first - 1 in filled else None
        if below is None or (below > last + 1 and above):
            yield number, above or max(filled, default=0)
        else:
            yield number, below


def join(lines: list[str], wanted: Callable[[int], bool]) -> str:
    """Return the wanted lines; where others were taken out, two blank lines do not meet."""
    kept: list[str] = []
    gap = False
    for number, line in enumerate(lines, 1):
        if not wanted(number):
            gap = True
        elif line.strip() or not gap or (kept and kept[-1].strip()):
            kept.append(line)
            gap = False
    return "\n".join(kept).strip("\n")
