"""The legend above the axes: nothing that is drawn can lie under it, whatever the limits become later."""

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes


def legend_above(
    ax: Axes, handles: Sequence[Artist] | None = None, place: tuple[float, float] = (0.0, 1.0), **look: Any
) -> None:
    """Write the legend above the axes, in as many columns as are no wider than these; a title rises over it.

    Parameters
    ----------
    ax : Axes
        With all of its lines.
    handles : sequence of Artist, optional
        What is named; by default all that has a label.
    place : (float, float)
        Of its lower left corner, in widths and heights of the axes.
    **look
        Further arguments of matplotlib's ``Axes.legend``.
    """
    named = ax.get_legend_handles_labels()[0] if handles is None else list(handles)
    options: Any = {"loc": "lower left", "bbox_to_anchor": place, "columnspacing": 1.2, "borderpad": 0.2}
    for columns in range(len(named), 0, -1):
        legend = ax.legend(handles=named, ncols=columns, **options | look)
        box = legend.get_window_extent()
        if box.width <= (1 - place[0]) * ax.get_window_extent().width:
            break
    if title := ax.get_title(loc="left"):
        above = box.y1 - ax.get_window_extent().y1
        ax.set_title(title, loc="left", pad=above * 72 / ax.figure.dpi + 4)
