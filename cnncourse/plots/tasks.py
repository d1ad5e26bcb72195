"""Answers that are no class: boxes, outlines and instances."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from cnncourse.plots._arrays import check_titles, to_array
from cnncourse.plots._panels import axes_of, card
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import LEAST, OUTPUT, PALETTE, SMALL, bare, figure, style

__all__ = ["answers", "scene"]

GUESS = "#D55E00"
LOOKS: tuple[tuple[str, Any], ...] = ((OUTPUT, "-"), (GUESS, (0, (3, 2))))  # the first kind, the second


def answers(
    batch: Any,
    boxes: Mapping[str, Any] | None = None,
    masks: Mapping[str, Any] | None = None,
    titles: Sequence[str] | None = None,
    columns: int = 4,
) -> Any:
    """Draw pictures with boxes or outlines on them: the first kind solid and green, the second dashed.

    Parameters
    ----------
    batch : array_like of shape (N, C, H, W)
        The pictures, uint8 or 0 to 1.
    boxes : mapping from str to array_like of shape (N, 4), optional
        Left, top, right and bottom edge in pixels, by what they are; at most two kinds.
    masks : mapping from str to array_like of shape (N, H, W), optional
        Pixels to outline, by what they are; at most two kinds.
    titles : sequence of str, optional
        One above each picture.
    columns : int
        Pictures in a row.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    ValueError
        If a kind has another number of answers than there are pictures, or there are more than two kinds.

    Examples
    --------
    >>> ax = answers(np.zeros((1, 3, 8, 8)), boxes={"truth": [[1, 1, 4, 4]]})
    >>> len(ax.patches)  # a pale line below the green one
    2
    """
    pictures = [as_picture("batch", picture) for picture in to_array("batch", batch)]
    names = check_titles(titles, len(pictures), "pictures")
    for kind, marks in (("boxes", boxes or {}), ("masks", masks or {})):
        if len(marks) > 2:
            raise ValueError(f"{kind} holds at most two kinds, got {len(marks)}")
        for name, each in marks.items():
            if len(each) != len(pictures):
                raise ValueError(f"{kind}[{name!r}] has {len(each)} answers for {len(pictures)} pictures")
    with style():
        fig, axes = card(len(pictures), columns, pictures[0].shape, titles is not None, extra=0.0)
        for index, (ax, picture) in enumerate(zip(axes, pictures, strict=True)):
            bare(ax)
            ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
            _mark(ax, index, boxes or {}, masks or {})
            if names:
                ax.set_title(names[index], fontsize=SMALL, pad=3)
        _key(fig, boxes or {}, masks or {})
    return axes_of(axes)


def _mark(ax: Axes, index: int, boxes: Mapping[str, Any], masks: Mapping[str, Any]) -> None:
    """Draw the answers about picture number `index`, each twice so that it shows on any ground."""
    for (color, dashes), each in zip(LOOKS, boxes.values(), strict=False):
        left, top, right, bottom = (float(edge) - 0.5 for edge in each[index])
        for width, ink, look in ((3.6, "white", "-"), (1.8, color, dashes)):
            frame = Rectangle((left, top), right - left, bottom - top, fill=False)
            frame.set(edgecolor=ink, linewidth=width, linestyle=look)
            ax.add_patch(frame)
    for (color, dashes), each in zip(LOOKS, masks.values(), strict=False):
        mask = np.pad(to_array("masks", each)[index].astype(float), 1)
        rows, columns = (np.arange(-1, size - 1) for size in mask.shape)
        for width, ink, look in ((3.6, "white", "-"), (1.8, color, dashes)):
            ax.contour(columns, rows, mask, levels=[0.5], colors=[ink], linewidths=width, linestyles=[look])


def _key(fig: Any, *marks: Mapping[str, Any]) -> None:
    """Say below the pictures which line is which, where there are two kinds."""
    if max(len(each) for each in marks) < 2:
        return
    looks = {kind: look for each in marks for kind, look in zip(each, LOOKS, strict=False)}
    handles = [
        Rectangle((0, 0), 1, 1, fill=False, edgecolor=color, linewidth=1.8, linestyle=dashes, label=kind)
        for kind, (color, dashes) in looks.items()
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)


def scene(image: Any, masks: Any, labels: Any, classes: Sequence[str]) -> np.ndarray:
    """Draw one picture with several things in it, and three kinds of answer: boxes, classes, instances.

    Parameters
    ----------
    image : array_like of shape (C, H, W)
        The picture.
    masks : array_like of bool of shape (K, H, W)
        The visible pixels of each thing.
    labels : array_like of int of shape (K,)
        The class of each, an index into `classes`.
    classes : sequence of str
        The classes' names.

    Returns
    -------
    ndarray of Axes of shape (4,)

    Raises
    ------
    ValueError
        If masks and labels differ in number, or there are more than 7.

    Examples
    --------
    >>> axes = scene(np.zeros((3, 8, 8)), np.ones((1, 8, 8), bool), [0], ["disc"])
    >>> [ax.get_title() for ax in axes]
    ['picture', 'boxes', 'semantic', 'instances']
    """
    planes, numbers = np.asarray(masks, dtype=bool), np.asarray(labels)
    if len(planes) != len(numbers) or len(planes) > len(PALETTE):
        raise ValueError(f"at most {len(PALETTE)} masks, one label each: got {len(planes)}, {len(numbers)}")
    with style():
        _, grid_of_axes = figure(2, 2, height=6.2)
        axes = np.array(grid_of_axes).ravel()
        picture = as_picture("image", image)
        for ax, title in zip(axes, ("picture", "boxes", "semantic", "instances"), strict=True):
            bare(ax)
            ax.set_title(title, fontsize=SMALL)
            ax.imshow(picture if title in ("picture", "boxes") else picture * 0 + 0.93)
        present = list(dict.fromkeys(numbers.tolist()))
        for index, (mask, number) in enumerate(zip(planes, numbers, strict=True)):
            if not mask.any():
                continue
            rows, columns = np.nonzero(mask)
            corner = columns.min() - 0.5, rows.min() - 0.5
            size = columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
            axes[1].add_patch(Rectangle(corner, *size, fill=False, edgecolor="white", linewidth=2))
            axes[1].text(
                corner[0] + 1, corner[1] + 1, classes[number], va="top", fontsize=LEAST, color="black",
                bbox={"facecolor": "white", "alpha": 0.8, "pad": 0.8, "linewidth": 0},
            )  # fmt: skip
            _fill(axes[3], mask, PALETTE[index], f"{classes[number]} {index + 1}")
        for index, number in enumerate(present):
            _fill(axes[2], np.any(planes[numbers == number], axis=0), PALETTE[index], classes[number])
    return axes


def _fill(ax: Axes, mask: np.ndarray, color: str, text: str) -> None:
    """Color the pixels of a mask and write what it is in its middle."""
    if not mask.any():
        return
    painted = np.zeros((*mask.shape, 4))
    painted[mask] = to_rgba(color)
    ax.imshow(painted)
    rows, columns = np.nonzero(mask)
    ax.text(
        columns.mean(), rows.mean(), text, ha="center", va="center", fontsize=LEAST, color="black",
        bbox={"facecolor": "white", "alpha": 0.85, "pad": 0.8, "linewidth": 0},
    )  # fmt: skip
