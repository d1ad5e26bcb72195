"""Small panels of curves, each over the same pale one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cnncourse._checks import check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._style import LEAST, LINE_STYLES, MUTED, PALETTE, SMALL, figure, grid, style


def curve_panels(
    curves: Mapping[str, Any],
    reference: Any,
    xlabel: str | None = None,
    ylabel: str | None = None,
    limits: tuple[float, float] | None = None,
    columns: int = 3,
) -> np.ndarray:
    """Draw each curve in a small panel of its own, over the same pale curve for comparison.

    Parameters
    ----------
    curves : mapping from str to array_like of shape (n,)
        Curves by title.
    reference : array_like of shape (n,)
        The curve that all panels show too, dashed.
    xlabel, ylabel : str, optional
        Names of the axes.
    limits : (float, float), optional
        Lowest and highest value shown.
    columns : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If there is no curve.

    Examples
    --------
    >>> axes = curve_panels({"stuck": [2, 2, 2]}, [2, 1, 0.5])
    >>> axes[0].get_title(loc="left")
    'stuck'
    """
    check_filled("curves", curves, "at least one, as {title: values}")
    usual = to_array("reference", reference).ravel()
    rows = -(-len(curves) // columns)
    with style():
        fig, panels = figure(rows, columns, height=1.62 * rows + 0.35)
        panels = np.atleast_1d(panels).ravel()
        for ax, (name, values) in zip(panels, curves.items(), strict=False):
            ax.plot(usual, color=MUTED, linewidth=1.2, linestyle=LINE_STYLES[1])
            ax.plot(to_array(f"curves[{name!r}]", values).ravel(), color=PALETTE[1], linewidth=1.6)
            ax.set_title(name, loc="left", fontsize=SMALL)
            ax.set_ylim(limits)
            ax.sharex(panels[0])
            ax.tick_params(labelsize=LEAST)
            grid(ax)
        for ax in panels[len(curves) :]:
            ax.set_visible(False)
        fig.supxlabel(xlabel or "", fontsize=SMALL)
        fig.supylabel(ylabel or "", fontsize=SMALL)
    shown: np.ndarray = panels[: len(curves)]
    return shown
