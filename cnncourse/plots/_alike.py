"""Images beside those that are like them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cnncourse.plots._arrays import MOST_PICTURES, check_titles, to_array
from cnncourse.plots._panels import axes_of, balanced, card
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import INPUT, SMALL, bare, figure, style

WRONG = "#D55E00"


def retrieved(
    queries: Any, found: Any, right: Any, titles: Sequence[str] | None = None, title: str = "nearest pictures"
) -> np.ndarray:
    """Draw each query beside the pictures that were found for it; wrong ones are crossed out.

    Parameters
    ----------
    queries : array_like of shape (Q, C, H, W)
        One row each.
    found : array_like of shape (Q, K, C, H, W)
        The nearest first.
    right : array_like of bool of shape (Q, K)
        Whether what was found is of the query's class.
    titles : sequence of str, optional
        One for each query, written beside it.
    title : str
        Written above what was found.

    Returns
    -------
    ndarray of Axes of shape (Q, K + 1)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> axes = retrieved(np.zeros((1, 3, 8, 8)), np.zeros((1, 2, 3, 8, 8)), [[True, False]])
    >>> len(axes[0, 1].lines), len(axes[0, 2].lines)
    (0, 2)
    """
    asked, answered, good = to_array("queries", queries), to_array("found", found), np.asarray(right)
    if answered.shape[:1] != asked.shape[:1] or good.shape != answered.shape[:2]:
        raise ValueError(f"shapes do not fit: {asked.shape}, {answered.shape}, {good.shape}")
    rows, across = good.shape
    names = check_titles(titles, rows, "queries") or [""] * rows
    with style():
        _, axes = figure(rows, across + 1, height=0.96 * rows + 0.35)
        axes = np.array(axes).reshape(rows, across + 1)
        for row in range(rows):
            for column, ax in enumerate(axes[row]):
                bare(ax)
                picture = asked[row] if column == 0 else answered[row, column - 1]
                ax.imshow(as_picture("found", picture), cmap="gray", vmin=0, vmax=1)
                if column and not good[row, column - 1]:
                    high, wide = picture.shape[-2:]
                    for ends in ((0, wide - 1), (wide - 1, 0)):
                        ax.plot(ends, (0, high - 1), color=WRONG, linewidth=2)
            axes[row, 0].set_ylabel(names[row], fontsize=SMALL)
            _frame(axes[row, 0])
        axes[0, 0].set_title("query", fontsize=SMALL)
        axes[0, 1].set_title(title, fontsize=SMALL, loc="left")
    return axes


def _frame(ax: Axes) -> None:
    for spine in ax.spines.values():
        spine.set(visible=True, color=INPUT, linewidth=2.5)


def duplicates(
    first: Any, second: Any, titles: Sequence[str] | None = None, columns: int | None = None
) -> Any:
    """Draw pairs of images side by side, each pair in a frame of its own.

    Parameters
    ----------
    first, second : array_like of shape (P, C, H, W)
        The two images of each pair, such as one of the training set and one of the test set.
    titles : sequence of str, optional
        One above each pair, such as both labels, or the distance.
    columns : int, optional
        Pairs in a row, at most 4 if it is not given.

    Returns
    -------
    Axes or ndarray of Axes
        One for each pair.

    Raises
    ------
    ValueError
        If the two differ in shape, there are more than 100 pairs, or titles and pairs differ in number.

    Examples
    --------
    >>> ax = duplicates(np.zeros((1, 3, 8, 8)), np.ones((1, 3, 8, 8)), titles=["cat, 0.03"])
    >>> len(ax.images), ax.get_title()
    (2, 'cat, 0.03')
    """
    left, right = to_array("first", first), to_array("second", second)
    if left.shape != right.shape or left.ndim != 4 or len(left) > MOST_PICTURES:
        raise ValueError(
            f"first and second must be at most {MOST_PICTURES} images (P, C, H, W) each, of one shape, got "
            f"{left.shape} and {right.shape}"
        )
    names = check_titles(titles, len(left), "pairs")
    high, wide = left.shape[2:]
    gap = max(1, wide // 16)
    with style():
        per_row = columns or balanced(len(left), 4)
        _, axes = card(len(left), per_row, (high, 2 * wide + gap), names is not None)
        for index, ax in enumerate(axes):
            bare(ax)
            for number, batch in enumerate((left, right)):
                edge = number * (wide + gap)
                picture = as_picture(("first", "second")[number], batch[index])
                ax.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=(edge, edge + wide, high, 0))
            ax.set(xlim=(0, 2 * wide + gap), ylim=(high, 0))
            if names is not None:
                ax.set_title(names[index], fontsize=SMALL, pad=3)
    return axes_of(axes)
