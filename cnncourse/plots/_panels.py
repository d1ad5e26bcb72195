"""Cards with several panels, and the scale beside them."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from cnncourse.plots._style import WIDTH, color_map, figure, tidy


def balanced(count: int, most: int) -> int:
    """Return how many belong in a row, at most `most`, so that the rows are about equally full."""
    return math.ceil(count / math.ceil(count / most))


def card(count: int, columns: int, shape: tuple[int, ...], titles: bool, extra: float = 0.0) -> Any:
    """Start a card with room for `count` pictures of about the same shape in so many columns."""
    rows = math.ceil(count / columns)
    across = min((WIDTH - 0.1 - extra) / columns - 0.08, 3.6)
    # A picture narrower than high is bounded by the page's height, not by its width.
    high = min(across * shape[0] / shape[1], 3.8)
    fig, axes = figure(rows, columns, height=rows * (high + (0.34 if titles else 0.1)) + 0.1)
    cells = list(np.atleast_1d(axes).flat)
    for ax in cells[count:]:
        ax.set_axis_off()
    return fig, cells[:count]


def axes_of(axes: list[Axes]) -> Any:
    """Return the only Axes, or an array of several."""
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


def scale(fig: Any, axes: Iterable[Axes], color: str, norm: Normalize, label: str | None = None) -> None:
    """Draw the scale of a color map to the right of `axes`."""
    bar = fig.colorbar(ScalarMappable(norm, color_map(color)), ax=list(axes), shrink=0.9, aspect=22, pad=0.02)
    bar.locator = _few_ticks()
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    tidy(bar.ax)
    if label:
        bar.set_label(label)


def _few_ticks() -> Any:
    return MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])
