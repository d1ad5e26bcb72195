"""Questions for paper and pencil: their numbers are drawn, right and wrong answers are functions of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnncourse.exercises.finding import Finding, Report
from cnncourse.exercises.program import drawing
from cnncourse.exercises.task import Mistake

Way = Callable[..., Any]  # from a question's numbers, by name, to an answer
DRAWS = 1000  # until no two answers are alike
NO_NUMBER = "There is something that is no number"
ROUNDED = 0.15  # by which a number that was rounded too far may be off, as a share


@dataclass(frozen=True)
class Pencil:
    """A question whose answer is a few numbers, and its checker: ``pencil(my_numbers)`` returns a `Report`.

    Parameters
    ----------
    name : str
        As the variable is called that holds the answer.
    form : str
        What is to be written down, in words.
    draw : callable
        From a NumPy generator to the numbers of the question, by name.
    solution : callable
        From these numbers, by name, to the right answer: numbers, or rows of numbers.
    mistakes : sequence of Mistake
        Their functions take the same numbers, and return what one gets who makes the mistake.
    """

    name: str
    form: str
    draw: Callable[[np.random.Generator], dict[str, Any]]
    solution: Callable[..., Any]
    mistakes: Sequence[Mistake] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", f"Write down {self.form}.")  # what help() and the reference show

    def numbers(self, seed: int = 0) -> dict[str, Any]:
        """Return the numbers of the question, such that each mistake gives another answer.

        Raises
        ------
        RuntimeError
            If none are found.
        """
        rng = drawing(self.name, seed)
        ways = [self.solution, *(mistake.function for mistake in self.mistakes)]
        for _ in range(DRAWS):
            numbers = self.draw(rng)
            answers = [np.asarray(way(**numbers), dtype=float) for way in ways]
            if not any(_alike(a, b) for n, a in enumerate(answers) for b in answers[:n]):
                return numbers
        raise RuntimeError(f"{self.name}: two ways give the same answer for all numbers that were drawn")

    def answer(self, seed: int = 0) -> np.ndarray:
        """Return the right answer."""
        return np.asarray(self.solution(**self.numbers(seed)))

    def __call__(self, given: Any, seed: int = 0) -> Report:
        """Compare an answer with the right one, and say what is wrong with it.

        Parameters
        ----------
        given : numbers
            The learner's, in lists or tuples.
        seed : int
            Of the question; the book and its notebooks ask that of seed 0.

        Returns
        -------
        Report
        """
        return Report(self.name, 1, self.judge(given, seed), seed)

    def look(self, given: Any) -> Report:
        """Say whether numbers of the right form are there, and not whether they are right."""
        shape = self.answer().shape
        finding = self._look(_flat(given) if len(shape) == 1 else given, shape)
        return Report(f"{self.name} (its form)", 1, finding)

    def judge(self, given: Any, seed: int) -> Finding | None:
        """Return what is wrong with an answer."""
        numbers, right = self.numbers(seed), np.asarray(self.answer(seed), dtype=float)
        given = _flat(given) if right.ndim == 1 else given
        found = self._look(given, None)
        if found is not None:
            return found
        value = np.asarray(given, dtype=float)
        if _alike(value, right):
            return None
        for mistake in self.mistakes:
            if _alike(value, np.asarray(mistake.function(**numbers), dtype=float)):
                return Finding(mistake.name, mistake.message, hints=mistake.hints)
        if (found := self._look(given, right.shape)) is not None:
            return found
        far = ~_near(value, right)
        places = ", ".join(_place(place) for place in np.argwhere(far))
        if all(_rounded(a, b) for a, b in zip(value[far], right[far], strict=True)):
            message = f"Rounded too far: {places}." if right.ndim else "You rounded too far."
            return Finding("rounded", f"{message} Give four digits, or let Python compute it.")
        message = f"Wrong: {places}." if right.ndim else "It's another number."
        return Finding("wrong", message, hints=("Do it again, and write down each step.",))

    def _look(self, given: Any, shape: tuple[int, ...] | None) -> Finding | None:
        if given is None or given is ...:
            return Finding("missing", f"In the place of the dots, write {self.form}.")
        try:
            plain, value = np.asarray(given), np.asarray(given, dtype=float)
        except (TypeError, ValueError, OverflowError):
            what = "Your rows aren't equally long" if _is_uneven(given) else NO_NUMBER
            return Finding("type", f"{what}; write {self.form}.")
        if plain.dtype.kind not in "biufO":  # a text, although of digits
            return Finding("type", f"There is a text among your numbers; write {self.form}.")
        if not np.isfinite(value).all():  # None becomes NaN
            return Finding("type", f"{NO_NUMBER}; write {self.form}.")
        if shape is not None and value.shape != shape:
            return Finding("shape", f"You have {_form(value.shape)}; wanted is {_form(shape)}: {self.form}.")
        return None


def _is_uneven(given: Any) -> bool:
    """Return whether an answer has rows of numbers that differ in length."""
    rows = [np.asarray(row, dtype=object) for row in given] if isinstance(given, list | tuple) else []
    return len({row.shape for row in rows}) > 1


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(_near(a, b).all())


def _near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    relative = 1e-3 if (b % 1).any() else 0.0  # fractions may be rounded to three or four digits
    return np.asarray(abs(a - b) <= 1e-6 + relative * abs(b))


def _rounded(value: float, right: float) -> bool:
    """Return whether a number is the right one with too few digits."""
    decimals = len(np.format_float_positional(value, trim="-").partition(".")[2])
    near = abs(value - right) <= min(0.5 * 10.0**-decimals + 1e-9, ROUNDED * abs(right))
    return bool(right % 1) and decimals <= 3 and bool(near)


def _flat(given: Any, depth: int = 3) -> Any:
    """Return the numbers of lists in lists as one list: how they are grouped is no part of the question."""
    if not isinstance(given, list | tuple | np.ndarray) or not np.iterable(given) or not depth:
        return given
    found: list[Any] = []
    for part in given:
        inner = _flat(part, depth - 1)
        found += inner if isinstance(inner, list) else [inner]
    return found


def _place(place: np.ndarray) -> str:
    numbers = [int(n) + 1 for n in place]
    return (
        "row {}, column {}".format(*numbers) if len(numbers) == 2 else f"number {' '.join(map(str, numbers))}"
    )


def _form(shape: tuple[int, ...]) -> str:
    words = {0: "one number", 1: "a list of {} numbers", 2: "a list of {} rows of {} numbers"}
    return words.get(len(shape), "lists in lists in lists").format(*shape)


def from_right(
    solution: Callable[..., tuple[Any, ...]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes wrong ways of a question from its right one.

    Parameters
    ----------
    solution : callable
        The right way: from the question's numbers, by name, to the parts of the answer.

    Returns
    -------
    callable
        From a function of the right parts and of the numbers, by name, to a way to answer.

    Examples
    --------
    >>> otherwise = from_right(lambda a: (a + a, a * a))
    >>> otherwise(lambda double, square, a: (square, double))(a=3)
    (9, 6)
    """
    return lambda change: lambda **numbers: change(*solution(**numbers), **numbers)
