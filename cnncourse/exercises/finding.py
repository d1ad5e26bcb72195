"""What a checker found: what is wrong, on which input, and hints that lead on without the solution."""

import html
from dataclasses import dataclass, field

STYLE = "border-left: 4px solid {color}; padding: 0.3em 0.8em; margin: 0.5em 0;"
GREEN, RED = "#2a7d4f", "#b3452c"  # 4.5:1 and more on white and on a dark page


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a function.

    Parameters
    ----------
    kind : str
        "error", "time", "type", "shape", "changed input", "library", "same answer", "wrong", or the name of a
        known mistake.
    message : str
        What was seen, in the words of the exercise.
    where : str
        The input on which it was seen, as text; the smallest of those that were tried. Empty if it is in
        the code, whatever the input.
    hints : tuple of str
        Each says more than the one before; none gives the answer.
    """

    kind: str
    message: str
    where: str = ""
    hints: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message + (f"\n{self.where}" if self.where else "")


@dataclass(frozen=True)
class Report:
    """What a checker says of a function: nothing found, or one finding, which is the first to mend.

    Parameters
    ----------
    exercise : str
        The name of the exercise.
    cases : int
        On how many inputs the function was called.
    finding : Finding, optional
        What was found.
    seed : int
        Of the random inputs: with it they are drawn again.
    """

    exercise: str
    cases: int
    finding: Finding | None = None
    seed: int = field(default=0, compare=False)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return self.finding is None

    def hint(self, number: int = 1) -> str:
        """Return the first, second, ... hint, from a nudge to nearly there.

        Raises
        ------
        ValueError
            If `number` is less than 1.
        """
        if number < 1:
            raise ValueError(f"hints are counted from 1, got {number}")
        hints = self.finding.hints if self.finding else ()
        if not hints:
            return (
                "Nothing is wrong, so there is no hint." if self.passed else "There is no hint for this one."
            )
        return hints[min(number, len(hints)) - 1]

    def __str__(self) -> str:
        if self.finding is None:
            return f"{self.exercise}: {self._right}."
        more = f"\nA hint: .hint(1) of {len(self.finding.hints)}" if self.finding.hints else ""
        return f"{self.exercise}: not yet.\n{self.finding}{more}"

    __repr__ = __str__

    @property
    def _right(self) -> str:
        return f"right on all {self.cases} inputs" if self.cases > 1 else "right"

    def _repr_html_(self) -> str:
        """Return a card, for notebooks; hints are folded."""
        style = STYLE.format(color=GREEN if self.passed else RED)
        begin = f'<div style="{style}"><b>{html.escape(self.exercise)}</b>: '
        if self.finding is None:
            return f"{begin}{self._right}.</div>"
        found = self.finding
        where = f"<pre>{html.escape(found.where)}</pre>" if found.where else ""
        hints = "".join(
            f"<details><summary>Hint {n}</summary>{html.escape(hint)}</details>"
            for n, hint in enumerate(found.hints, 1)
        )
        message = html.escape(found.message)
        return f"{begin}not yet. {message}{where}{hints}</div>"
