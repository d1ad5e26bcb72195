"""Small changes to a right answer, one at a time: the mistakes that a checker has to find."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt,),
    ast.Not: (ast.UAdd,),
}
NAMES = {
    "max": ("min", "sum"),
    "min": ("max",),
    "argmax": ("argmin",),
    "sum": ("mean", "max"),
    "mean": ("sum",),
    "var": ("std",),
    "sqrt": ("square",),
    "zeros": ("ones",),
    "log": ("log2",),
    "eval": ("train",),
    "train": ("eval",),
}


class Mutant(NamedTuple):
    """A changed function: the line it was changed in, before and after, and the function itself."""

    line: int
    before: str
    after: str
    function: Callable[..., Any]


def mutants(function: Callable[..., Any]) -> Iterator[Mutant]:
    """Yield copies of a function with one change in each.

    Changed are operators, comparisons, whole numbers by one, axes of sums and means, names of reductions,
    truths, steps of -1 in slices, ``+=`` into ``=``, the order of what is returned, train and eval; and each
    statement but a return is left out, and so are decorators and what is around the body of a ``with``.

    Parameters
    ----------
    function : callable
        Written in Python, its source at hand.

    Yields
    ------
    Mutant
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    count = len(list(ast.walk(tree)))
    for number in range(count):
        choice = 0
        while True:
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[number]
            before = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else type(node).__name__
            ways = list(_ways(node, changed))
            if choice >= len(ways):
                break
            after = ways[choice]()
            choice += 1
            ast.fix_missing_locations(changed)
            space = dict(inspect.unwrap(function).__globals__)
            try:
                exec(compile(changed, f"<mutant of {function.__name__}>", "exec"), space)  # noqa: S102 (our own code, changed)
            except SyntaxError:
                continue
            yield Mutant(getattr(node, "lineno", 0), before, after, space[function.__name__])


def _ways(node: ast.AST, tree: ast.AST) -> Iterator[Callable[[], str]]:
    """Yield functions that change a node in place, each in its way, and return what it is then."""
    for field in ("op", "ops"):
        value = getattr(node, field, None)
        operator = value[0] if isinstance(value, list) else value
        for other in SWAPS.get(type(operator), ()) if isinstance(operator, ast.AST) else ():
            yield (
                lambda field=field, value=value, other=other: _set(  # type: ignore[misc]
                    node, field, [other(), *value[1:]] if isinstance(value, list) else other()
                )
            )
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda: _set(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        for step in (1, -1):
            yield lambda step=step: _set(node, "value", node.value + step)  # type: ignore[misc]
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        for name in NAMES[node.attr]:
            yield lambda name=name: _set(node, "attr", name)  # type: ignore[misc]
    if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Tuple):
        for place in range(len(node.value.elts)):
            yield lambda place=place: _without(node.value, "elts", place)  # type: ignore[misc]
    if isinstance(node, ast.Slice) and node.step is not None:
        yield lambda: _set(node, "step", None)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield lambda: _set(node.value, "elts", node.value.elts[::-1])  # type: ignore[union-attr]
    for place in range(len(getattr(node, "decorator_list", ()))):
        yield lambda place=place: _without(node, "decorator_list", place)  # type: ignore[misc]
    for field in ("body", "orelse"):
        lines = getattr(node, field, None)
        for place, line in enumerate(lines if isinstance(lines, list) else ()):
            if isinstance(line, ast.AugAssign):
                yield lambda field=field, place=place: _assigned(node, field, place)  # type: ignore[misc]
            if isinstance(line, ast.With):
                yield lambda field=field, place=place: _unwrapped(node, field, place)  # type: ignore[misc]
            if isinstance(line, ast.Assign | ast.AugAssign | ast.Expr) and len(lines or ()) > 1:
                yield lambda field=field, place=place: _without(node, field, place)  # type: ignore[misc]


def _set(node: Any, field: str, value: Any) -> str:
    setattr(node, field, value)
    return ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else repr(value)


def _without(node: Any, field: str, place: int) -> str:
    gone = getattr(node, field).pop(place)
    return f"without {ast.unparse(gone)}"


def _assigned(node: Any, field: str, place: int) -> str:
    line = getattr(node, field)[place]
    getattr(node, field)[place] = new = ast.Assign([line.target], line.value, lineno=line.lineno)
    return ast.unparse(new)


def _unwrapped(node: Any, field: str, place: int) -> str:
    line = getattr(node, field)[place]
    getattr(node, field)[place : place + 1] = line.body
    return f"without {ast.unparse(line).splitlines()[0]}"
