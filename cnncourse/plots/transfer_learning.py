"""What the chapter on transfer draws: a few images of each class, and accuracy against how many there are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled, check_labels
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import _dark, _label_ends, finish, percent_text
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    INK,
    LINE_STYLES,
    MARKERS,
    PALETTE,
    SMALL,
    bare,
    grid,
    new_or,
    style,
)

__all__ = ["by_images", "class_rows"]

GAP = 2  # pixels between two pictures


def class_rows(batch: Any, labels: Any, classes: Sequence[str]) -> Axes:
    """Draw all pictures of a small set, one row for each class, with its name at the left.

    Parameters
    ----------
    batch : array_like of shape (N, C, H, W)
        The pictures, uint8 or 0 to 1.
    labels : array_like of int of shape (N,)
        The class of each, an index into `classes`.
    classes : sequence of str
        The classes' names.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no picture, or pictures and labels do not fit.

    Examples
    --------
    >>> ax = class_rows(np.zeros((3, 3, 8, 8)), [1, 0, 1], ["cat", "dog"])
    >>> ax.images[0].get_array().shape, [text.get_text() for text in ax.get_yticklabels()]
    ((18, 18, 3), ['cat', 'dog'])
    """
    check_filled("batch", batch, "at least one picture")
    truth = check_labels("labels", labels, len(batch), len(classes))
    pictures = [
        np.atleast_3d(as_picture("batch", each)) for each in to_array("batch", batch)
    ]  # (H, W, 1 or 3)
    high, wide = pictures[0].shape[0] + GAP, pictures[0].shape[1] + GAP
    across = int(np.bincount(truth).max())
    sheet = np.ones((high * len(classes) - GAP, wide * across - GAP, 3))
    for row in range(len(classes)):
        for column, index in enumerate(np.flatnonzero(truth == row)):
            top, left = row * high, column * wide
            sheet[top : top + high - GAP, left : left + wide - GAP] = pictures[index]
    with style():
        ax = new_or(None, height=0.2 + 4.9 * sheet.shape[0] / sheet.shape[1])
        ax.imshow(sheet, interpolation="nearest")
        bare(ax)
        ax.set_yticks([row * high + (high - GAP) / 2 - 0.5 for row in range(len(classes))], list(classes))
        ax.tick_params(axis="y", length=0, labelsize=SMALL, labelleft=True)
    return ax


def by_images(
    rows: Mapping[str, Mapping[int, Any]], live: Mapping[str, tuple[int, float]] | None = None
) -> Axes:
    """Draw accuracy against how many training images there are of each class.

    Parameters
    ----------
    rows : mapping from str to mapping from int to (float or sequence of float)
        For each line, the accuracies by number of images: one, or one a seed, of which the line is the mean
        and a band runs from the lowest to the highest. It may be empty.
    live : mapping from str to (int, float), optional
        Single points, by name: number of images, and accuracy.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is neither a line nor a point.

    Examples
    --------
    >>> ax = by_images({"features": {10: [0.7, 0.72], 50: [0.8, 0.82]}}, {"pixels": (10, 0.2)})
    >>> ax.lines[0].get_ydata(), [text.get_text() for text in ax.texts]
    (array([0.71, 0.81]), ['pixels', 'features'])
    """
    points = dict(live or {})
    check_filled("rows and live", {**rows, **points}, "a line or a point")
    counts = sorted(
        {count for row in rows.values() for count in row} | {count for count, _ in points.values()}
    )
    ends = []
    with style():
        ax = new_or(None, height=3.6)
        for index, (name, row) in enumerate(rows.items()):
            color = PALETTE[index % len(PALETTE)]
            look: Any = {"linestyle": LINE_STYLES[index % len(LINE_STYLES)], "color": color}
            across = sorted(row)
            seeds = [np.atleast_1d(row[count]).astype(float) for count in across]
            means = [each.mean() for each in seeds]
            ax.plot(across, means, marker=MARKERS[index % len(MARKERS)], **look)
            edges = [each.min() for each in seeds], [each.max() for each in seeds]
            ax.fill_between(across, *edges, color=color, alpha=0.18, linewidth=0)
            if across[-1] == max(max(each) for each in rows.values()):
                ends.append((float(across[-1]), float(means[-1]), name, _dark(color)))
            else:  # others go on: its name would lie on them
                ax.annotate(
                    name, (across[-1], max(seeds[-1])), xytext=(0, 8), textcoords="offset points",
                    fontsize=SMALL, color=_dark(color), ha="center",
                )  # fmt: skip
        for name, (count, accuracy) in points.items():
            ax.scatter(count, accuracy, s=90, marker="*", color=INK, zorder=4)
            left = count == counts[-1] > counts[0]  # a name at the right edge goes below its point
            place: Any = {"xytext": (6, -20) if left else (9, -10), "ha": "right" if left else "left"}
            ax.annotate(
                name, (count, accuracy), textcoords="offset points", fontsize=SMALL, color=INK, **place
            )
        finish(ax, "training images of each class", "test accuracy", None, "x")
        ax.set_xticks(counts, [f"{count:,}" for count in counts])
        ax.set_xticks([], minor=True)
        ax.set(xlim=(counts[0] * 0.8, max(counts[-1], 2 * counts[0]) * 1.1), ylim=(0, 1))
        ax.yaxis.set_major_formatter(FuncFormatter(percent_text))
        grid(ax)
        if ends:
            _label_ends(ax, ends)
    return ax
