"""What the chapter cifar10 alone draws: confused classes, mistaken images, and what each idea bought."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_filled, check_labels
from cnncourse.plots._arrays import MOST_PICTURES, check_titles, to_array, to_plane
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._panels import axes_of, balanced, card, scale
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    GRID,
    LEAST,
    MUTED,
    OUTPUT,
    SMALL,
    bare,
    color_map,
    figure,
    grid,
    new_or,
    style,
    text_on,
)

__all__ = ["confusion", "ladder", "mistakes"]


def confusion(counts: Any, classes: Sequence[str], ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw how often each class was taken for each, its mistakes in color.

    Right answers, on the diagonal, are gray: in one scale with them, no mistake could be seen.

    Parameters
    ----------
    counts : array_like of int of shape (classes, classes)
        Such as `cnncourse.explain.confusion_matrix` returns: a row for each true class.
    classes : sequence of str
        Their names.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Written above.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the counts are no square, or there is not one name for each class.

    Examples
    --------
    >>> ax = confusion([[9, 1], [2, 8]], ["cat", "dog"])
    >>> [text.get_text() for text in ax.texts]
    ['9', '1', '2', '8']
    """
    plane = to_plane("counts", counts)
    if plane.shape[0] != plane.shape[1]:
        raise ValueError(f"counts must be square, a row and a column for each class, got {plane.shape}")
    names = check_titles(classes, len(plane), "classes") or []
    right = np.eye(len(plane), dtype=bool)
    norm = Normalize(0, max(1, int(np.where(right, 0, plane).max())))
    shades = color_map("amount")
    with style():
        ax = new_or(ax, height=5.2)
        ax.imshow(np.where(right, 0, plane), cmap=shades, norm=norm)
        for (row, column), count in np.ndenumerate(plane):
            color: Any = GRID if row == column else shades(norm(count))
            if row == column:
                ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=GRID, linewidth=0))
            size = LEAST if len(plane) > 5 else SMALL
            ax.text(column, row, f"{count}", ha="center", va="center", fontsize=size, color=text_on(color))
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="predicted", ylabel="true", title=title or "")
        scale(ax.get_figure(), [ax], "amount", norm, label="mistakes")
    return ax


def mistakes(
    images: Any, labels: Any, probabilities: Any, classes: Sequence[str], columns: int | None = None
) -> Any:
    """Draw images with what the network takes them for, how sure it is, and what they are labeled.

    Parameters
    ----------
    images : array_like of shape (N, C, H, W)
        The pictures, uint8 or 0 to 1.
    labels : array_like of int of shape (N,)
        Their labels.
    probabilities : array_like of shape (N, classes)
        The network's for them.
    classes : sequence of str
        The classes' names.
    columns : int, optional
        Pictures in a row, at most 4 if it is not given.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    ValueError
        If images, labels, probabilities and classes do not fit, or there are more than 100 images.

    Examples
    --------
    >>> ax = mistakes(np.zeros((1, 3, 8, 8)), [0], [[0.02, 0.98]], ["cat", "dog"])
    >>> print(ax.get_title())
    dog 98%
    label: cat
    """
    batch, p = to_array("images", images), to_array("probabilities", probabilities)
    if p.shape != (len(batch), len(classes)) or len(batch) > MOST_PICTURES:
        raise ValueError(
            f"probabilities must be {len(classes)} for each of at most {MOST_PICTURES} images, got shape "
            f"{p.shape} for {len(batch)} images"
        )
    truth = check_labels("labels", labels, *p.shape)
    pictures = [as_picture("images", image) for image in batch]
    with style():
        per_row = columns or balanced(len(batch), 4)
        _, axes = card(len(batch), per_row, pictures[0].shape, titles=True, extra=0.6)
        for ax, picture, label, row in zip(axes, pictures, truth, p, strict=True):
            bare(ax)
            ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
            answer = int(row.argmax())
            title = f"{classes[answer]} {_sure(row[answer])}\nlabel: {classes[label]}"
            ax.set_title(title, fontsize=LEAST, pad=3)
    return axes_of(axes)


def _sure(share: float) -> str:
    """Return a probability as percent that says 100% only where it is rounded up by next to nothing."""
    return ">99.9%" if share >= 0.9995 else f"{100 * share:.1f}%" if share > 0.99 else f"{100 * share:.0f}%"


def ladder(steps: Mapping[str, Sequence[float]], label: str = "accuracy") -> np.ndarray:
    """Draw what each idea bought, a row an idea, each on top of those above it: accuracy, and time beside it.

    To the right is better at the left, and shorter is better at the right.

    Parameters
    ----------
    steps : mapping from str to (seconds, accuracy) or (seconds, accuracy, low, high)
        By idea, in the order in which they were added; accuracies from 0 to 1, with the ends of an interval
        where there is one.
    label : str
        Name of the accuracies' axis.

    Returns
    -------
    ndarray of Axes
        Shape (2,): the accuracies and the seconds.

    Raises
    ------
    ValueError
        If there is no step, one has another number of values, a time is not above 0, or an interval does not
        hold its accuracy.

    Examples
    --------
    >>> left, right = ladder({"plain": (60, 0.7, 0.69, 0.71), "batch norm": (40, 0.76, 0.75, 0.77)})
    >>> [tick.get_text() for tick in left.get_yticklabels()], [text.get_text() for text in right.texts]
    (['plain', 'batch norm'], ['60', '40'])
    """
    check_filled("steps", steps, "at least one idea, as {name: (seconds, accuracy, low, high)}")
    points = np.array([_step(name, values) for name, values in steps.items()])  # (n, 4)
    seconds, accuracy, low, high = points.T
    rows = np.arange(len(steps))
    with style():
        fig, (left, right) = figure(1, 2, height=0.9 + 0.3 * len(steps))
        fig.set_layout_engine("constrained", wspace=0.06)
        left.plot(accuracy, rows, color=MUTED, linewidth=1, zorder=1)
        left.hlines(rows, low, high, color=OUTPUT, linewidth=2, zorder=2)
        left.scatter(accuracy, rows, s=42, color=OUTPUT, zorder=3)
        finish(left, label, None, None, "")
        grid(left, "x")
        left.xaxis.set_major_formatter(FuncFormatter(percent_text))
        right.barh(rows, seconds, height=0.62, color=MUTED)
        for row, time in enumerate(seconds):
            right.annotate(
                f"{time:.3g}", (time, row), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize=LEAST,
            )  # fmt: skip
        finish(right, "seconds of training", None, None, "")
        right.set_xlim(0, 1.16 * seconds.max())
        for ax in (left, right):
            ax.set_ylim(len(steps) - 0.4, -0.6)
            ax.tick_params(axis="y", length=0)
        left.set_yticks(rows, list(steps))
        right.set_yticks([])
    return np.array([left, right])


def _step(name: str, values: Sequence[float]) -> list[float]:
    """Return seconds, accuracy, low and high of one idea."""
    numbers = [float(value) for value in values]
    if len(numbers) == 2:
        numbers += 2 * numbers[1:]
    if len(numbers) != 4:
        raise ValueError(
            f"steps[{name!r}] must be (seconds, accuracy) or (seconds, accuracy, low, high), got "
            f"{len(numbers)} values"
        )
    seconds, accuracy, low, high = numbers
    if not (seconds > 0 and low <= accuracy <= high):
        raise ValueError(
            f"steps[{name!r}] must have seconds above 0 and an accuracy within its interval, got {numbers}"
        )
    return numbers
