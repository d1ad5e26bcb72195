"""Rows of text in columns."""

import statistics
from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return rows as lines whose columns are aligned, two spaces apart.

    Parameters
    ----------
    rows : iterable of sequences of str
        All with as many entries; the first may hold the columns' names.
    right : iterable of int
        The columns that are aligned at their right, such as numbers.

    Examples
    --------
    >>> print(table([("run", "epochs"), ("first", "3"), ("b", "12")], right=[1]))
    run    epochs
    first       3
    b          12
    """
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = set(right)
    aligned = (
        [
            text.rjust(width) if index in numbers else text.ljust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    )
    return "\n".join("  ".join(line).rstrip() for line in aligned)


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean of values, and their range if there are several; a dash if there is none.

    Examples
    --------
    >>> spread([7.0, 8.0, 9.0], "{:.1f}"), spread([7.0], "{:.1f}"), spread([], "{:.1f}")
    ('8.0 (7.0-9.0)', '7.0', '-')
    """
    if not values:
        return "-"
    mean = form.format(statistics.mean(values))
    return mean if len(values) == 1 else f"{mean} ({form.format(min(values))}-{form.format(max(values))})"
