"""Training errors by epoch, one line a seed, and the error to be reached."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._style import (
    INK,
    LINE_STYLES,
    MARKERS,
    PALETTE,
    SMALL,
    grid,
    new_or,
    style,
)


def error_curves(
    errors: Mapping[str, Sequence[Any]],
    goal: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the training error of networks by epoch, one line for each seed, and the error to be reached.

    Parameters
    ----------
    errors : mapping from str to sequence of array_like of shape (epochs,)
        For each network the errors after each epoch, from 0 to 1, one array a seed.
    goal : float, optional
        A dashed line at this error.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Name of the chart.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no network, or one has no seed.

    Examples
    --------
    >>> ax = error_curves({"ReLU": [[0.5, 0.3, 0.2]], "tanh": [[0.6, 0.5, 0.4]]}, goal=0.25)
    >>> len(ax.lines)
    3
    """
    check_filled("errors", errors, "at least one network, as {name: [errors of a seed, ...]}")
    with style():
        ax = new_or(ax, height=3.4)
        for index, (name, seeds) in enumerate(errors.items()):
            if not len(seeds):
                raise ValueError(f"errors[{name!r}] has no seed")
            dashes, mark = LINE_STYLES[index % len(LINE_STYLES)], MARKERS[index % len(MARKERS)]
            look: Any = {"color": PALETTE[index % len(PALETTE)], "linestyle": dashes, "marker": mark}
            for number, seed in enumerate(seeds):
                y = to_array(f"errors[{name!r}]", seed).ravel()
                label = name if number == 0 else None
                ax.plot(np.arange(1, y.size + 1), y, markersize=4.5, linewidth=1.5, label=label, **look)
        if goal is not None:
            _draw_goal(ax, goal)
        ax.set(xlabel="epoch", ylabel="training error")
        ax.set_ylim(0, None)
        ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        grid(ax)
        if title:
            ax.set_title(title, loc="left")
        legend_above(ax)
    return ax


def _draw_goal(ax: Axes, goal: float) -> None:
    """Draw a dashed line with its error beside it."""
    ax.axhline(goal, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    ax.annotate(
        percent_text(goal), (1, goal), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", va="center", fontsize=SMALL, annotation_clip=False,
    )  # fmt: skip
