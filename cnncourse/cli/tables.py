"""Rows of text in columns."""

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
