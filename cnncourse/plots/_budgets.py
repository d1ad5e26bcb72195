"""Budgets of a network, such as its parameters, each shared out among its parts."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled
from cnncourse.plots._charts import percent_text
from cnncourse.plots._style import AMOUNT, LEAST, TEXT, new_or, style, text_on

LETTER = 0.0175  # of a bar's length: a letter of a part's name


def budgets(shares: Mapping[str, Mapping[str, float]], ax: Axes | None = None) -> Axes:
    r"""Draw lying bars of one length, each cut into what its parts use of a budget.

    Parts follow each other from left to right, as layers do, from pale to dark. Names and percentages stand
    in those that are long enough.

    Parameters
    ----------
    shares : mapping from str to mapping from str to float
        For each budget what each part uses, in any unit; parts have the same names everywhere.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no budget, two have different parts, a part is below 0 or all are 0.

    Examples
    --------
    >>> ax = budgets({"weights": {"conv": 1.0, "dense": 9}, "work": {"conv": 8.0, "dense": 2}})
    >>> [text.get_text() for text in ax.texts]
    ['conv\n10%', 'dense\n90%', 'conv\n80%', 'dense\n20%']
    """
    check_filled("shares", shares, "at least one budget, as {name: {part: amount}}")
    parts = list(next(iter(shares.values())))
    for name, amounts in shares.items():
        if list(amounts) != parts:
            raise ValueError(f"shares[{name!r}] must have the parts {parts}, got {list(amounts)}")
        if min(amounts.values()) < 0 or not sum(amounts.values()) > 0:
            raise ValueError(f"shares[{name!r}] must hold amounts of at least 0, and one above it")
    with style():
        ax = new_or(ax, height=0.75 * len(shares) + 0.5)
        for row, amounts in enumerate(shares.values()):
            total, left = sum(amounts.values()), 0.0
            for index, (part, amount) in enumerate(amounts.items()):
                share = amount / total
                color = AMOUNT(0.15 + 0.8 * index / max(len(parts) - 1, 1))
                ax.barh(row, share, left=left, height=0.7, color=color, edgecolor="white", linewidth=1.0)
                written = f"{part}\n{share:.0%}"
                if share > LETTER * max(map(len, written.split("\n"))):
                    place = (left + share / 2, row)
                    ink = text_on(color[:3])
                    ax.text(*place, written, ha="center", va="center", fontsize=LEAST, color=ink)
                left += share
        ax.set_yticks(range(len(shares)), list(shares), fontsize=TEXT)
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
        ax.xaxis.set_major_formatter(FuncFormatter(percent_text))
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    return ax
