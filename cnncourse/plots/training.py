"""What the chapter on training draws: how the values of channels lie, and the results of seeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._style import (
    INK,
    INPUT,
    LINE_STYLES,
    MARKERS,
    MUTED,
    OUTPUT,
    PALETTE,
    TEXT,
    figure,
    grid,
    new_or,
    style,
)

__all__ = ["channel_boxes", "seed_dots"]


def channel_boxes(groups: Mapping[str, Any], xlabel: str = "value", most: int = 8) -> np.ndarray:
    """Draw how the values of each channel lie: a bar from the 5th to the 95th percentile, a tick at the mean.

    Parameters
    ----------
    groups : mapping from str to array_like of shape (N, C, H, W)
        Feature maps, by title; one panel each, on one scale.
    xlabel : str
        What the values are.
    most : int
        Channels to draw.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If something has not four axes.

    Examples
    --------
    >>> axes = channel_boxes({"before": np.zeros((2, 3, 4, 4)), "after": np.ones((2, 3, 4, 4))})
    >>> len(axes[0].collections)
    3
    """
    check_filled("groups", groups, "at least one, as {title: feature maps}")
    arrays = {name: to_array(f"groups[{name!r}]", values) for name, values in groups.items()}
    for name, values in arrays.items():
        if values.ndim != 4:
            raise ValueError(f"groups[{name!r}] must be (N, C, H, W), got shape {values.shape}")
    count = min(most, max(values.shape[1] for values in arrays.values()))
    with style():
        _, panels = figure(1, len(arrays), height=0.27 * count + 1.0)
        panels = np.atleast_1d(panels)
        for index, (ax, (name, values)) in enumerate(zip(panels, arrays.items(), strict=True)):
            color = (INPUT, OUTPUT)[index % 2]
            for channel, maps in enumerate(values.swapaxes(0, 1)[:count]):
                low, high = np.percentile(maps, [5, 95])
                ax.hlines(channel, low, high, color=color, linewidth=7, alpha=0.55)
                ax.plot(maps.mean(), channel, marker="|", color=INK, markersize=10, markeredgewidth=2)
            ax.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
            ax.set_title(name, loc="left")
            ax.set(xlabel=xlabel, ylim=(count - 0.5, -0.5))
            ax.set_yticks(range(count), range(count) if index == 0 else [""] * count)
            ax.sharex(panels[0])
        panels[0].set_ylabel("channel")
    return panels


def seed_dots(
    groups: Mapping[str, Any], xlabel: str | None = None, percent: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw one dot for each run, a row for each group, and an upright line at each group's mean.

    Parameters
    ----------
    groups : mapping from str to array_like of shape (runs,)
        Results by name.
    xlabel : str, optional
        What the results are.
    percent : bool
        Show fractions as percent.
    ax : Axes, optional
        Where to draw; a new card if it is not given.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no group.

    Examples
    --------
    >>> ax = seed_dots({"constant": [0.95, 0.96, 0.94]}, percent=True)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['constant']
    """
    check_filled("groups", groups, "at least one, as {name: results}")
    values = {
        name: to_array(f"groups[{name!r}]", runs).ravel().astype(float) for name, runs in groups.items()
    }
    with style():
        ax = new_or(ax, height=0.5 * len(values) + 0.9)
        for row, runs in enumerate(values.values()):
            color = PALETTE[row % len(PALETTE)]
            # equal results lie beside each other, not on top
            lift = np.zeros(runs.size)
            for index in range(runs.size):
                lift[index] = (np.abs(runs[:index] - runs[index]) < 0.008 * np.ptp(runs) + 1e-12).sum()
            ax.scatter(
                runs, row - 0.13 * lift, s=34, color=color, marker=MARKERS[row % len(MARKERS)],
                edgecolors="white", linewidths=0.6, zorder=3,
            )  # fmt: skip
            ax.vlines(runs.mean(), row - 0.35, row + 0.35, color=INK, linewidth=1.6, linestyle=LINE_STYLES[0])
        ax.set_yticks(range(len(values)), list(values), fontsize=TEXT)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(values) - 0.4, -0.6)
        finish(ax, xlabel, None, None, "")
        if percent:
            ax.xaxis.set_major_formatter(FuncFormatter(percent_text))
        grid(ax, "x")
    return ax
