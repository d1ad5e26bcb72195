"""An exercise with a checker: what is asked, inputs to try it on, and the mistakes that people make."""

import copy
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cnncourse.exercises.calling import UNWANTED, Outcome, borrowed, call, describe
from cnncourse.exercises.finding import Finding, Report
from cnncourse.exercises.program import Bug, Program

COMPLEX = "array of complex numbers"
LIMIT = 5.0  # seconds for one call; the inputs are tiny
SMALL = 24  # numbers, which one can do on paper
RELATIVE, ABSOLUTE = 1e-6, 1e-9  # by which a right answer may be off
IN_32_BITS = 1e-5  # and one in 32 bits, of its largest number
Inputs = tuple[Any, ...]
Tried = tuple[Inputs, Any, Any]  # arguments, the right arrays, the given ones


@dataclass(frozen=True)
class Mistake:
    """A wrong way that looks right.

    Parameters
    ----------
    name : str
        In two or three words.
    message : str
        What it does and what is wanted, to the learner.
    function : callable
        Makes the mistake.
    hints : tuple of str
        From a nudge to nearly there.
    """

    name: str
    message: str
    function: Callable[..., Any]
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A function to write, and its checker: ``task(my_function)`` returns a `Report`.

    Parameters
    ----------
    name : str
        As the function is called.
    statement : str
        What it is given and what it returns.
    solution : callable
        A right one.
    inputs : callable
        From a NumPy generator to tuples of arguments, small ones with whole numbers first.
    mistakes : sequence of Mistake
        Known wrong ways. That which gives what the function gave, on all inputs, is named.
    by_hand : bool
        Whether calls of libraries that do the work are found.
    program : Program, optional
        In which a bug is planted, where the learner is to mend one; see `broken`.
    adapter : str
        For exercises with torch, the function of `cnncourse.exercises.with_torch` that makes what the
        learner's function gets from plain numbers, calls it, and returns plain numbers.
    parts : tuple of str
        What the adapter returns; what is true or false as a question.
    setting : str
        How the learner's arguments are made from the inputs, if there is an adapter.
    """

    name: str
    statement: str
    solution: Callable[..., Any]
    inputs: Callable[[np.random.Generator], Iterable[Inputs]]
    mistakes: Sequence[Mistake] = ()
    by_hand: bool = True
    program: Program | None = None
    adapter: str = ""
    parts: tuple[str, ...] = ()
    setting: str = ""

    @classmethod
    def broken(
        cls,
        name: str,
        statement: str,
        source: str,
        inputs: Callable[[np.random.Generator], Iterable[Inputs]],
        bugs: Sequence[Bug],
        others: Sequence[Mistake] = (),
    ) -> "Task":
        """Return a task in which a program is mended that has one of several bugs.

        Parameters
        ----------
        name, statement, inputs
            As of any task.
        source : str
            The right program.
        bugs : sequence of Bug
            Each of them is a mistake that is known.
        others : sequence of Mistake
            Wrong ways to mend it.
        """
        program = Program(name, source, tuple(bugs))
        mistakes = [Mistake(bug.name, bug.message, program.function(bug), bug.hints) for bug in bugs]
        mistakes += others
        return cls(name, statement, program.function(), inputs, mistakes, program=program)

    def __post_init__(self) -> None:
        call = f"``{self.name}({', '.join(self.parameters)})``"  # what help() and the reference show
        object.__setattr__(self, "__doc__", f"{call}\n\n{self.statement}")

    def __call__(self, function: Callable[..., Any], seed: int | None = None, limit: float = LIMIT) -> Report:
        """Run `function` on small inputs and on random ones, and say what is wrong with it.

        Parameters
        ----------
        function : callable
            The learner's.
        seed : int, optional
            Of the random inputs; by default new ones at every call.
        limit : float
            Seconds that one call may take.

        Returns
        -------
        Report

        Raises
        ------
        TypeError
            If `function` cannot be called.
        """
        if not callable(function):
            raise TypeError(
                f"give the function itself, as in check_{self.name}({self.name}), got {function!r}"
            )
        seed = new_seed() if seed is None else seed
        if self.by_hand and (name := borrowed(function)):
            return Report(self.name, 0, self.library(name), seed)
        adapted = self.adapted(function)
        return self.judge(lambda arguments: call(adapted, arguments, limit), seed, limit)

    def adapted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the inputs: `function` itself, or the adapter that calls it."""
        if not self.adapter:
            return function
        from cnncourse.exercises import with_torch  # loads torch, which the other exercises do without

        with_torch.warm_up()
        return partial(getattr(with_torch, self.adapter), function)

    def judge(self, attempt: Callable[[Inputs], Outcome], seed: int, limit: float = LIMIT) -> Report:
        """Judge a function that is called elsewhere.

        Parameters
        ----------
        attempt : callable
            From arguments to the `Outcome` of a call, which took `limit` seconds at most.
        seed : int
            Of the random inputs.
        limit : float
            Only for the message.

        Returns
        -------
        Report
        """
        tried: list[Tried] = []
        solution = self.adapted(self.solution)
        for arguments in self.inputs(np.random.default_rng(seed)):
            outcome = attempt(arguments)
            right = _arrays(solution(*copy.deepcopy(arguments)))
            if (found := self._look(arguments, outcome, right, limit, tried)) is not None:
                return Report(self.name, len(tried) + 1, found, seed)
            tried.append((arguments, right, _arrays(outcome.value, right)))
        wrong = [case for case in tried if not _close(case[1], case[2])]
        found = self._explain(tried, min(wrong, key=_size)) if wrong else None
        return Report(self.name, len(tried), found, seed)

    @staticmethod
    def library(name: str) -> Finding:
        """Return what is said where a library does the work."""
        return Finding("library", f"Your function uses {name}. Here you are to write what is inside it.")

    def _look(
        self,
        arguments: Inputs,
        outcome: Outcome,
        right: list[np.ndarray],
        limit: float,
        tried: Sequence[Tried],
    ) -> Finding | None:
        """Return what is wrong with one call, apart from the numbers."""
        where = self._show(arguments)
        if outcome.late:
            return Finding("time", f"It took longer than {limit:g} seconds. Does a loop never end?", where)
        if outcome.error:
            unwanted = outcome.error.startswith(UNWANTED)
            message = outcome.error.removeprefix(UNWANTED) if unwanted else f"It raised {outcome.error}"
            for mistake in self.mistakes:  # one that raises where this one does
                function = self.adapted(mistake.function)
                if _alike(_raised(function, arguments), outcome.error, tried) and _all_agree(function, tried):
                    return Finding(mistake.name, f"{mistake.message} {message}", where, mistake.hints)
            return Finding("type" if unwanted else "error", message, where)
        if outcome.changed:
            name = self.arguments[outcome.changed[0]]
            hints = (f"Who else may need {name} afterwards?", f"Work on a copy: {name} = {name}.copy()")
            return Finding(
                "changed input", f"It changed {name} itself, which belongs to the caller.", where, hints
            )
        try:
            given = _arrays(outcome.value, right)
        except (TypeError, ValueError):
            given = None
        wanted = f"{len(right)} arrays are wanted" if len(right) > 1 else "one array is wanted"
        if outcome.kind:
            return Finding(
                "type", f"It returned {_a(outcome.kind)}; {self._wanted(outcome.kind, right)}.", where
            )
        if outcome.value is None:
            return Finding("type", "It returned nothing. Is there a `return`?", where)
        if given is None or any(each.dtype.kind not in "biufc" for each in given):
            kind = type(outcome.value).__name__
            return Finding("type", f"It returned {_a(kind)}; {self._wanted(kind, right)}.", where)
        if len(given) != len(right):
            if isinstance(outcome.value, list):
                return Finding("type", f"It returned a list; {self._wanted('list', right)}.", where)
            count = f"{len(given)} arrays" if len(given) > 1 else "one array"
            return Finding("type", f"It returned {count}; {wanted}: {self.returns}.", where)
        return None

    def _wanted(self, kind: str, right: Sequence[np.ndarray]) -> str:
        """Return what is wanted in the place of something else."""
        if kind == "list" and len(right) > 1:
            return f"{len(right)} arrays are wanted, as in return {', '.join(self._names()[: len(right)])}"
        return "real ones are wanted" if kind == COMPLEX else "numbers are wanted"

    def _explain(self, tried: Sequence[Tried], case: Tried) -> Finding:
        """Return why numbers are wrong: a known mistake, or what can be said without one."""
        arguments, right, given = case
        where = self._show(arguments, given)
        for mistake in self.mistakes:
            if _all_agree(self.adapted(mistake.function), tried):
                return Finding(mistake.name, mistake.message, where, mistake.hints)
        for part, (a, b) in enumerate(zip(right, given, strict=True)):
            of = self._of(part, right)
            if a.shape != b.shape:
                message = f"The shape{of} is {b.shape}; {a.shape} is wanted."
                return Finding("shape", message, where, ("Write the shape of each step beside it.",))
            if _is_complex(b) > _is_complex(a):
                return Finding("type", f"It returned {_a(COMPLEX)}; {self._wanted(COMPLEX, right)}.", where)
            if a.dtype == np.uint8 and b.dtype != a.dtype and _near(a, b).all():
                message = (
                    f"The numbers{of} are right, and their dtype is {b.dtype}; bytes, uint8, are wanted."
                )
                return Finding("dtype", message, where, ("What turns floats into bytes?",))
            if not np.isfinite(b).all() and np.isfinite(a).all():
                message = f"There are infinities or NaNs in your answer{of}."
                return Finding("wrong", message, where, ("Print what you divide by.",))
        if _same_answer(tried):
            return Finding("same answer", "It gives the same answer to different inputs.", where)
        share = np.mean([_close(a, b) for _, a, b in tried])
        some = f" It is right on {share:.0%} of the inputs." if share else ""
        off = [n for n, (a, b) in enumerate(zip(right, given, strict=True)) if not _near(a, b).all()]
        part = min(off, key=lambda n: (right[n].dtype.kind != "b", n))  # a question says more than numbers
        a, b = right[part], given[part]
        if a.dtype.kind == "b" and self.parts:
            said, wanted = ("Yes", "no") if b else ("No", "yes")
            return Finding("wrong", f"{self.parts[part]} {said}; it should be {wanted}.{some}", where)
        for mistake in self.mistakes if len(right) > 1 else ():  # that in this result; others may have more
            if _all_agree(self.adapted(mistake.function), tried, part):
                return Finding(mistake.name, mistake.message, where, mistake.hints)
        cases = [case, *(each for each in tried if each is not case)]
        wrong = [(r[part], g[part]) for _, r, g in cases if not _close([r[part]], [g[part]])]
        numbers = f"Wrong number{'s' if a.size > 1 else ''}{self._of(part, right)}"
        others = _and([self._names()[n] for n in off if n != part]) if len(off) > 1 else ""
        more = f" So {'are' if len(off) > 2 else 'is'} {others}." if others else ""
        message = f"{numbers}: {_likeness(wrong)}.{some}{more}"
        small = _size(case) <= SMALL and not self.adapter
        hint = "Do this input with a pencil." if small else "Make a smaller input, and do it with a pencil."
        return Finding("wrong", message, where, (hint,))

    def _of(self, part: int, right: Sequence[np.ndarray]) -> str:
        """Return which of several results is meant, as text to put behind a noun."""
        return f" of {self._names()[part]}" if len(right) > 1 else ""

    def _names(self) -> Sequence[str]:
        """Return what the results are called, without their shapes."""
        names = re.sub(r" \([^)]*\)", "", self.returns).split(", ")
        return self.parts or [name.removeprefix("its ").removeprefix("and ") for name in names]

    @property
    def returns(self) -> str:
        """What the function returns, by the last line of the statement."""
        return self.statement.rsplit("Return ", 1)[-1].rstrip(".")

    @property
    def parameters(self) -> list[str]:
        """The names of what the learner's function is given."""
        return list(inspect.signature(self.solution).parameters)

    @property
    def arguments(self) -> list[str]:
        """The names of the inputs, which are the parameters or what the adapter makes them from."""
        return list(inspect.signature(self.adapted(self.solution)).parameters)

    def _show(self, arguments: Inputs, given: Sequence[np.ndarray] | None = None) -> str:
        """Return a call as text that can be typed, and what came out."""
        lines = [f"{name} = {_text(value)}" for name, value in zip(self.arguments, arguments, strict=False)]
        lines += [self.setting] if self.setting else []
        several = [f"your answer, {name}" for name in self._names()] if len(given or ()) > 1 else []
        names = self.parts or several or ["your answer"]
        ends = ["" if name.endswith("?") else ":" for name in names]
        answers = zip(names, ends, given or (), strict=False)
        lines += [f"{name}{end} {_text(each)}" for name, end, each in answers]
        return "\n".join(lines)


def new_seed() -> int:
    """Return a seed that nobody can guess."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def _arrays(value: Any, right: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
    """Return the arrays of a value; a tuple of numbers is one array where `right` is one row."""
    values = value if isinstance(value, tuple) else (value,)
    if right is not None and len(right) == 1 and right[0].ndim == 1 and isinstance(value, tuple):
        values = (value,) if all(np.ndim(each) == 0 for each in value) else value
    return [np.asarray(each) for each in values]


def _close(right: Sequence[np.ndarray], given: Sequence[np.ndarray]) -> bool:
    pairs = zip(right, given, strict=True)
    return all(
        a.shape == b.shape
        and _near(a, b, True).all()
        and _is_complex(b) <= _is_complex(a)
        and (a.dtype != np.uint8 or b.dtype == a.dtype)
        for a, b in pairs
    )


def _is_complex(values: np.ndarray) -> bool:
    return values.dtype.kind == "c"


def _near(right: Any, given: Any, equal_nan: bool = False) -> np.ndarray:
    absolute = ABSOLUTE
    if getattr(given, "dtype", None) == np.float32 and np.size(right):
        largest = np.abs(right, where=np.isfinite(right), out=np.zeros(np.shape(right))).max()
        absolute = max(ABSOLUTE, IN_32_BITS * float(largest))
    return np.asarray(np.isclose(right, given, RELATIVE, absolute, equal_nan))


def _all_agree(function: Callable[..., Any], tried: Sequence[Tried], part: int | None = None) -> bool:
    """Return whether a function gives what was given, all of it or one part, on all inputs."""
    return all(_agrees(function, arguments, given, part) for arguments, _, given in tried)


def _raised(function: Callable[..., Any], arguments: Inputs) -> str:
    try:
        with np.errstate(all="ignore"):
            function(*copy.deepcopy(arguments))
    except Exception as error:
        return describe(error)
    return ""


def _alike(error: str, other: str, tried: Sequence[Tried]) -> bool:
    """Return whether two errors have one text; their kind is enough where other inputs speak, too."""
    if tried and not error.startswith(UNWANTED):
        return error.split(":")[0] == other.split(":")[0]
    return error.split(", line ")[0] == other.split(", line ")[0]


def _agrees(
    function: Callable[..., Any], arguments: Inputs, given: Sequence[np.ndarray], part: int | None = None
) -> bool:
    try:
        with np.errstate(all="ignore"):
            wrong = _arrays(function(*copy.deepcopy(arguments)))
    except Exception:  # a wrong way need not work everywhere
        return False
    parts = slice(part, None if part is None else part + 1)
    return len(wrong) == len(given) and _close(wrong[parts], given[parts])


def _size(case: Tried) -> int:
    return sum(a.size for a in case[0] if isinstance(a, np.ndarray))


def _same_answer(tried: Sequence[Tried]) -> bool:
    """Return whether answers of one shape are all equal where the right ones are not."""
    by_shape: dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray]]] = {}
    for _, right, given in tried:
        by_shape.setdefault(given[0].shape, []).append((right[0], given[0]))
    several = [pairs for pairs in by_shape.values() if len(pairs) > 1]
    return bool(several) and all(
        all(np.array_equal(given, pairs[0][1]) for _, given in pairs)
        and not all(
            right.shape == pairs[0][0].shape and np.allclose(right, pairs[0][0]) for right, _ in pairs
        )
        for pairs in several
    )


def _likeness(wrong: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """Return how the first wrong answer is like the right one, if all others are like theirs in this way."""
    pairs = [_numbers(right, given) for right, given in wrong if right.shape == given.shape]
    (right, given), one = pairs[0], pairs[0][0].size == 1
    if not any(b.any() for _, b in pairs):
        return "it is 0" if one else "all of it is 0"
    if all(_near(a, -b).all() for a, b in pairs):
        return "the sign is turned round"
    for axis in range(right.ndim):
        if all(a.ndim > axis and _near(np.flip(a, axis), b).all() for a, b in pairs):
            return f"the answer is flipped along axis {axis}"
    factors, shifts = ([find(a, b) for a, b in pairs] for find in (_factor, _shift))
    if _tells(factors, [_different(a) for a, _ in pairs]):
        return f"{'it' if one else 'all of it'} is {_digits(factors[0])} times what it should be"
    if _tells(shifts, [a.size for a, _ in pairs]):
        return f"{'it' if one else 'all of it'} is off by {shifts[0]:.4g}"
    if one:
        sides = ["small" if (b < a).all() else "large" for a, b in pairs if a.size == 1]
        other = [side for side in sides if side != sides[0]]
        return f"it is too {sides[0]}" + (f", and elsewhere too {other[0]}" if other else "")
    off = ~_near(right, given)
    place = tuple(int(n) for n in np.argwhere(off)[0])
    return (
        "none of them is right" if off.all() else f"{off.sum()} of {off.size} are wrong, the first at {place}"
    )


def _numbers(right: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as numbers that can be subtracted."""
    return right.astype(np.result_type(right, float)), given if given.dtype.kind in "fc" else given.astype(
        float
    )


def _tells(found: Sequence[Any], amounts: Sequence[int]) -> bool:
    """Return whether one number for each wrong answer says more than that they are wrong.

    It does if it is the same for several of them, or if it holds for several different numbers of one.
    """
    if any(number is None for number in found):
        return False
    return max(amounts) > 1 or (len(found) > 1 and np.allclose(found, found[0]))


def _factor(right: np.ndarray, given: np.ndarray) -> Any:
    nonzero = np.abs(right) > 1e-9
    if not nonzero.any() or not np.allclose(given[~nonzero], 0, atol=1e-9):
        return None
    ratios = given[nonzero] / right[nonzero]
    return ratios[0] if np.allclose(ratios, ratios[0], rtol=1e-5) else None


def _different(right: np.ndarray) -> int:
    """Return how many sizes there are among numbers that aren't 0."""
    return len({f"{number:.6g}" for number in np.abs(right).flat if number > 1e-9})


def _shift(right: np.ndarray, given: np.ndarray) -> Any:
    shift = (given - right).flat[0]
    return shift if _near(given - right, shift).all() else None


def _digits(factor: Any) -> str:
    return text if (text := f"{factor:.4g}") != "1" else f"{factor:.9g}"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _text(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size > 40:
        return f"an array of shape {value.shape}"
    return np.array2string(value, precision=4, separator=", ", suppress_small=True).replace("\n", "\n    ")
