"""Signals along one axis, one below the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._panels import axes_of
from cnncourse.plots._style import (
    INPUT,
    OUTPUT,
    figure,
    grid,
    style,
)


def signals(
    time: Any, series: Mapping[str, Any], xlabel: str = "time in ms", colors: Sequence[str] | None = None
) -> Any:
    """Draw signals below each other on one time axis and one scale.

    Parameters
    ----------
    time : array_like of shape (L,)
    series : mapping from title to array_like of shape (L,)
    xlabel : str
    colors : sequence of color, optional
        Input blue and outputs green if they are not given.

    Returns
    -------
    Axes or ndarray of Axes

    Examples
    --------
    >>> axes = signals([0, 1, 2], {"in": [0, 1, 0], "out": [0.3, 0.3, 0.3]})
    >>> len(axes)
    2
    """
    check_filled("series", series, "at least one signal, as {title: values}")
    across = to_array("time", time).ravel()
    values = {title: to_array(f"series[{title!r}]", y).ravel() for title, y in series.items()}
    for title, y in values.items():
        if y.shape != across.shape:
            raise ValueError(f"series[{title!r}] has {y.size} values, but time has {across.size}")
    low, high = min(float(y.min()) for y in values.values()), max(float(y.max()) for y in values.values())
    margin = 0.06 * (high - low)
    with style():
        _, axes = figure(len(values), 1, height=1.25 * len(values) + 0.55)
        panels = list(np.atleast_1d(axes).flat)
        for index, (ax, (title, y)) in enumerate(zip(panels, values.items(), strict=True)):
            color = colors[index] if colors else (INPUT if index == 0 else OUTPUT)
            ax.plot(across, y, color=color, linewidth=1.4)
            ax.set_title(title, loc="left")
            ax.set_ylim(low - margin, high + margin)
            grid(ax)
            if ax is not panels[-1]:
                ax.set_xticklabels([])
        panels[-1].set_xlabel(xlabel)
    return axes_of(panels)
