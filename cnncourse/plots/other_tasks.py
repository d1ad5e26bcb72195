"""Answers other than a class: boxes, outlines and instances, and the U-Net that draws outlines."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch, Rectangle

from cnncourse._checks import check_choice, check_filled
from cnncourse.plots._arrays import check_titles, to_array
from cnncourse.plots._charts import _dark
from cnncourse.plots._panels import axes_of, card
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    LEAST,
    MUTED,
    OUTPUT,
    PALETTE,
    SMALL,
    bare,
    figure,
    new_or,
    style,
)

__all__ = ["answers", "detections", "scene", "u_shape"]

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
        fig, axes = _pictures(pictures, names, columns)
        for index, ax in enumerate(axes):
            _mark(ax, index, boxes or {}, masks or {})
        _key(fig, boxes or {}, masks or {})
    return axes_of(axes)


def _pictures(pictures: Sequence[np.ndarray], titles: Sequence[str] | None, columns: int) -> tuple[Any, Any]:
    """Draw pictures on a card, each with its title; return the figure and its Axes."""
    fig, axes = card(len(pictures), columns, pictures[0].shape, titles is not None)
    for index, (ax, picture) in enumerate(zip(axes, pictures, strict=True)):
        bare(ax)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        if titles:
            ax.set_title(titles[index], fontsize=SMALL, pad=3)
    return fig, axes


def _frame(ax: Axes, box: Any, color: str, width: float, dashes: Any = "-") -> tuple[float, float]:
    """Draw a box, on a white one that shows on any ground; return its left and top edge."""
    left, top, right, bottom = (float(edge) - 0.5 for edge in box)
    for line, ink, look in ((2 * width, "white", "-"), (width, color, dashes)):
        frame = Rectangle((left, top), right - left, bottom - top, fill=False)
        frame.set(edgecolor=ink, linewidth=line, linestyle=look)
        ax.add_patch(frame)
    return left, top


def _mark(ax: Axes, index: int, boxes: Mapping[str, Any], masks: Mapping[str, Any]) -> None:
    """Draw the answers about picture number `index`, each twice so that it shows on any ground."""
    for (color, dashes), each in zip(LOOKS, boxes.values(), strict=False):
        _frame(ax, each[index], color, 1.8, dashes)
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


def detections(
    batch: Any,
    boxes: Sequence[Any],
    words: Sequence[Sequence[str] | None] | None = None,
    titles: Sequence[str] | None = None,
    columns: int = 2,
) -> Any:
    """Draw pictures with any number of boxes on each, and what is said of each box.

    Parameters
    ----------
    batch : array_like of shape (N, C, H, W)
        The pictures, uint8 or 0 to 1.
    boxes : sequence of array_like of shape (K, 4)
        Left, top, right and bottom edge in pixels, for each picture.
    words : sequence of (sequence of str, or None), optional
        For each picture, a few words a box, or None for a picture without.
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
        If pictures and lists of boxes differ in number, or boxes and words do.

    Examples
    --------
    >>> ax = detections(np.zeros((1, 3, 8, 8)), [[[1, 1, 4, 4], [2, 2, 7, 7]]], [["disc", "bar"]])
    >>> [text.get_text() for text in ax.texts]
    ['disc', 'bar']
    """
    pictures = [as_picture("batch", picture) for picture in to_array("batch", batch)]
    names = check_titles(titles, len(pictures), "pictures")
    said = [None] * len(pictures) if words is None else list(words)
    if not len(pictures) == len(boxes) == len(said):
        raise ValueError(
            f"each picture needs a list of boxes, and of words if there are any: got {len(pictures)} "
            f"pictures, {len(boxes)} lists of boxes, {len(said)} of words"
        )
    with style():
        _, axes = _pictures(pictures, names, columns)
        for ax, each, spoken in zip(axes, boxes, said, strict=True):
            _frames(ax, each, spoken)
    return axes_of(axes)


def _frames(ax: Axes, boxes: Any, words: Sequence[str] | None) -> None:
    """Draw boxes, each twice so that it shows on any ground, and words at their upper left corners."""
    if words is not None and len(words) != len(boxes):
        raise ValueError(f"each box needs its words, got {len(boxes)} boxes and {len(words)} words")
    for number, box in enumerate(boxes):
        left, top = _frame(ax, box, GUESS, 1.6)
        if words is not None:
            ax.text(
                left, top - 0.5, words[number], va="bottom", fontsize=LEAST, color="black",
                bbox={"facecolor": "white", "alpha": 0.8, "pad": 0.8, "linewidth": 0},
            )  # fmt: skip


def scene(image: Any, masks: Any, labels: Any, classes: Sequence[str]) -> np.ndarray:
    """Draw one image with several things in it, and three kinds of answer: boxes, classes, instances.

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
    ['image', 'boxes', 'semantic', 'instances']
    """
    planes, numbers = np.asarray(masks, dtype=bool), np.asarray(labels)
    if len(planes) != len(numbers) or len(planes) > len(PALETTE):
        raise ValueError(f"at most {len(PALETTE)} masks, one label each: got {len(planes)}, {len(numbers)}")
    with style():
        _, grid_of_axes = figure(2, 2, height=6.2)
        axes = np.array(grid_of_axes).ravel()
        picture = as_picture("image", image)
        for ax, title in zip(axes, ("image", "boxes", "semantic", "instances"), strict=True):
            bare(ax)
            ax.set_title(title, fontsize=SMALL)
            ax.imshow(picture if title in ("image", "boxes") else picture * 0 + 0.93)
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


def u_shape(
    model: Any, image_shape: Sequence[int], down: Sequence[str], bottom: str, up: Sequence[str]
) -> Axes:
    """Draw a network that goes down, up and across as a U, with the shapes that its parts put out.

    Parameters
    ----------
    model : nn.Module
        One image is sent through it to measure shapes.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    down, up : sequence of str
        Names of its parts on the way down, from the top, and on the way up, from the bottom.
    bottom : str
        The name of the part between.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the ways down and up differ in length, or the network has no part of a given name.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.MaxPool2d(2), nn.Upsample(scale_factor=2))
    >>> ax = u_shape(net, (1, 8, 8), ["0"], "1", ["2"])
    >>> "4 × 8 × 8" in [text.get_text() for text in ax.texts]
    True
    """
    check_filled("down", down, "the names of the parts on the way down")
    if len(down) != len(up):
        raise ValueError(f"the ways down and up have as many parts, got {len(down)} and {len(up)}")
    named = [name for name, _ in model.named_children()]
    for name in (*down, bottom, *up):
        check_choice("the name of a part", name.split(".")[0], named)
    shapes = _shapes(model, image_shape, [*down, bottom, *up])
    levels = len(down)
    with style():
        ax = new_or(None, height=1.05 * levels + 1.25)
        bare(ax)
        ax.set_xlim(0, 6)
        ax.set_ylim(levels + 0.62, -0.55)
        left, right = 1.15, 4.85
        places = [(left, level) for level in range(levels)] + [(3.0, levels)]
        places += [(right, level) for level in range(levels - 1, -1, -1)]
        for (x, level), shape in zip(places, shapes, strict=True):
            _box(ax, x, level, shape, KERNEL)
        for (x0, y0), (x1, y1) in pairwise(places):
            ends = ((x0, y0 + 0.24), (x1, y1 - 0.24)) if y1 > y0 else ((x0, y0 - 0.24), (x1, y1 + 0.24))
            if x0 != x1:  # to and from the bottom: sideways
                ends = ((x0, y0 + 0.24), (x1 - 0.82, y1)) if y1 > y0 else ((x0 + 0.82, y0), (x1, y1 + 0.24))
            _arrow(ax, *ends)
        for level in range(levels):
            _arrow(ax, (left + 0.82, level), (right - 0.82, level), dashed=True)
            ax.text(3.0, level - 0.09, "laid beside", ha="center", fontsize=LEAST, color=MUTED)
        ax.text(left, -0.36, f"in: {_text(image_shape)}", ha="center", fontsize=LEAST, color=_dark(INPUT))
        answer = _text(_shapes(model, image_shape, [""])[0])
        ax.text(right, -0.36, f"out: {answer}", ha="center", fontsize=LEAST, color=_dark(OUTPUT))
    return ax


def _shapes(model: Any, image_shape: Sequence[int], names: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the shape that each named part of `model` puts out for one image."""
    import torch

    from cnncourse._modules import blank, evaluating, passing

    found: dict[str, tuple[int, ...]] = {}

    def leave(name: str, module: Any, given: Any, output: Any) -> Any:
        found[name] = tuple(output.shape[1:])
        return output

    with evaluating(model), torch.no_grad(), passing(model, image_shape, leave=leave):
        model(blank(model, (1, *image_shape)))
    return [found[name] for name in names]


def _text(shape: Sequence[int]) -> str:
    return " × ".join(str(size) for size in shape)


def _box(ax: Axes, x: float, y: float, shape: tuple[int, ...], color: str) -> None:
    box = Rectangle((x - 0.8, y - 0.22), 1.6, 0.44, facecolor="#fdeccb", edgecolor=color, linewidth=1.4)
    ax.add_patch(box)
    ax.text(x, y, _text(shape), ha="center", va="center", fontsize=SMALL, color=INK)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False) -> None:
    look = (0, (4, 3)) if dashed else "-"
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0,
            linewidth=1.3, linestyle=look, color=MUTED,
        )
    )  # fmt: skip
