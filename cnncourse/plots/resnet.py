"""What the chapter on residual networks draws: slices of the loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import FormatStrFormatter, MaxNLocator

from cnncourse.plots._arrays import to_array, to_plane
from cnncourse.plots._style import AMOUNT, INK, KERNEL, figure, style, tidy

__all__ = ["loss_slices"]

LEVELS = 14


def loss_slices(
    surfaces: Mapping[str, Any], steps: Any, xlabel: str = "first direction", ylabel: str = "second direction"
) -> np.ndarray:
    """Draw slices of the loss side by side as contour lines; dark is low, a cross marks the middle.

    Each slice has a scale of its own below it: what is compared is their form.

    Parameters
    ----------
    surfaces : mapping from str to array_like of shape (n, n)
        The loss on a grid, by title, as from `cnncourse.training.measures.loss_surface`.
    steps : array_like of shape (n,)
        Where the points of the grid lie, the same in both directions.
    xlabel, ylabel : str
        Names of the directions.

    Returns
    -------
    ndarray of Axes
        One for each slice.

    Raises
    ------
    ValueError
        If there is no slice, or one does not fit to `steps`.

    Examples
    --------
    >>> steps = np.linspace(-1, 1, 5)
    >>> axes = loss_slices({"a bowl": steps**2 + steps[:, None] ** 2}, steps)
    >>> axes[0].get_title()
    'a bowl'
    """
    if not surfaces:
        raise ValueError("surfaces is empty: give at least one, as {title: values}")
    places = to_array("steps", steps).ravel()
    planes = {title: to_plane(f"surfaces[{title!r}]", plane) for title, plane in surfaces.items()}
    for title, plane in planes.items():
        if plane.shape != (places.size, places.size):
            raise ValueError(
                f"surfaces[{title!r}] has shape {plane.shape}, but steps has {places.size} values"
            )
    fig, axes = figure(1, len(planes), height=3.9)
    panels = np.atleast_1d(axes)
    with style():
        for ax, (title, plane) in zip(panels, planes.items(), strict=True):
            _draw_slice(fig, ax, places, plane)
            ax.set_title(title)
            ax.set_xlabel(xlabel)
        panels[0].set_ylabel(ylabel)
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
    return panels


def _draw_slice(fig: Any, ax: Any, places: np.ndarray, plane: np.ndarray) -> None:
    levels = MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(float(plane.min()), float(plane.max()))
    filled = ax.contourf(places, places, plane, levels, cmap=AMOUNT.reversed())
    ax.contour(places, places, plane, levels, colors=INK, linewidths=0.4, alpha=0.6)
    ax.plot(0, 0, marker="P", markersize=11, color=KERNEL, markeredgecolor=INK, linestyle="none")
    ax.set_aspect("equal")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 5, 10]))
    bar = fig.colorbar(filled, ax=ax, location="bottom", aspect=18, pad=0.03, label="loss")
    bar.locator = MaxNLocator(nbins=3)
    bar.formatter = FormatStrFormatter("%.3g")
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    tidy(bar.ax)
