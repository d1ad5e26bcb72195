"""Networks as drawings, made from the networks themselves: what happens to one image is drawn."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from torch import nn

from cnncourse._checks import check_choice
from cnncourse._modules import check_module
from cnncourse._trace import Node, is_layer, trace
from cnncourse.plots._flow import draw_flow, lay_out
from cnncourse.plots._labels import boxes_of, label, size_text
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    LEAST,
    MAX_WIDTH,
    MUTED,
    OUTPUT,
    SMALL,
    WIDTH,
    figure,
    style,
    tidy,
)

__all__ = ["architecture", "block_diagram"]

PLATE = 1.5  # inches: the side of the largest feature map
MAPS, WORDS, TIMES, SIZES, COUNTS = 0.95, 2.12, 3.78, 4.56, 5.93  # inches: the columns
PALE = {INPUT: "#cfe3f1", OUTPUT: "#9fd8c3", MUTED: "#ececec"}
MIDDLE = "#e6f2ee"
SIGNS = {"+": "add", "×": "multiply", "−": "subtract", "÷": "divide"}


class _Row(NamedTuple):
    """One layer of the drawing: a feature map, and what made it."""

    text: str
    riders: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    learned: bool
    kind: str
    times: int = 1


def architecture(
    model: nn.Module,
    image_shape: Sequence[int],
    ax: Axes | None = None,
    title: str | None = None,
    expand: Sequence[str] = (),
    whole: Sequence[str] = (),
    collapse: bool = True,
    parameters: bool = True,
) -> Axes:
    """Draw a network from top to bottom: each layer's feature maps as a plate, and what made them beside it.

    A plate is as wide and deep as the maps' sides and as thick as their channels are many, neither to
    scale: the small would vanish. What works on each value alone (normalization, activation, dropout)
    stands with the layer before it. An orange bar marks layers with weights.

    Parameters
    ----------
    model : nn.Module
        Any network; it is not changed, and may stand on torch's meta device.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    ax : Axes, optional
        Where to draw; a new card, as high as needed, if it is not given.
    title : str, optional
        Written above.
    expand : sequence of str
        Classes of blocks whose layers are drawn one by one; by default a module with several layers and
        a ``forward`` of its own, such as a residual block, is drawn as one.
    whole : sequence of str
        Further classes of modules to draw as one layer.
    collapse : bool
        Draw layers in a row of equal size and with as many parameters as one with "× 3", and so blocks
        whose channels and parameters grow by equal steps. Their parameters are added up.
    parameters : bool
        Write how many parameters each layer has.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the image does not pass through the network, or it has no class of a given name.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(864, 10))
    >>> ax = architecture(net, (1, 28, 28))
    >>> [text.get_text() for text in ax.texts][5:10]
    ['conv 5×5, ReLU', '6 × 24 × 24', '156', 'max-pool 2×2', '6 × 12 × 12']
    """
    _check_classes(model, expand=expand, whole=whole)
    nodes = trace(model, image_shape, lambda module: is_drawn_whole(module, model, expand, whole))
    rows = _rows(nodes)
    if collapse:
        rows = _collapsed(rows)
    heights = [_height(row, rows) for row in rows]
    head = 0.62 if title else 0.34
    with style():
        if ax is None:
            ax = figure(height=head + sum(heights) + 0.1)[1]
        assert ax is not None
        top = head
        _draw_head(tidy(ax), head, title, parameters)
        for index, (row, height) in enumerate(zip(rows, heights, strict=True)):
            color = INPUT if index == 0 else OUTPUT if index == len(rows) - 1 else MUTED
            if row.kind != "rider":
                _draw_map(ax, row, rows, top + height / 2, color)
            _draw_words(ax, row, top + height / 2, parameters)
            top += height
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(top + 0.04, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def is_drawn_whole(
    module: nn.Module, model: nn.Module, expand: Sequence[str] = (), whole: Sequence[str] = ()
) -> bool:
    """Tell whether a module is drawn as one: a layer, or a block with a forward of its own."""
    if is_layer(module):
        return True
    if _named(module, whole):
        return module is not model
    if module is model or _named(module, expand) or isinstance(module, nn.Sequential):
        return False
    weights = [getattr(part, "weight", None) for part in module.modules()]
    return sum(isinstance(weight, nn.Parameter) and weight.ndim > 1 for weight in weights) > 1


def _named(module: nn.Module, names: Sequence[str]) -> bool:
    name = type(module).__name__
    return name in names or name.strip("_") in names


def _check_classes(model: nn.Module, **given: Sequence[str]) -> None:
    """Refuse names of classes that the network has no module of."""
    known = sorted({type(part).__name__.strip("_") for part in check_module(model).modules()})
    for argument, names in given.items():
        if isinstance(names, str):
            raise TypeError(f"{argument} must be a list of names, got {names!r}; write [{names!r}]")
        for name in names:
            check_choice(f"a class in {type(model).__name__}", str(name).strip("_"), known)


def _rows(nodes: Sequence[Node]) -> list[_Row]:
    """Return the rows of the drawing, riders with the layer before them; what changes nothing is left out."""
    rows = [_Row("image", (), nodes[0].shape, 0, False, "image")]
    for node in nodes[1:]:
        words, last = label(node), rows[-1]
        if words.kind == "nothing":
            continue
        if words.kind == "rider" and last.kind not in ("image", "block"):
            riders = last.riders if words.text in last.riders else (*last.riders, words.text)
            rows[-1] = last._replace(riders=riders, parameters=last.parameters + words.parameters)
        elif words.kind == "reshape" and len(node.shape) == 1 and node.shape[0] == max(last.shape):
            rows[-1] = last._replace(shape=node.shape)
        else:
            rows.append(
                _Row(
                    SIGNS.get(words.text, words.text),
                    (),
                    node.shape,
                    words.parameters,
                    words.learned,
                    words.kind,
                )
            )
    return rows


def _collapsed(rows: list[_Row]) -> list[_Row]:
    """Return the rows with equal neighbors joined, and neighbors that grow by equal steps."""
    joined: list[_Row] = []
    for _, group in groupby(rows, key=lambda row: (row.text, row.riders, row.shape[1:], row.kind)):
        run = list(group)
        steps = {(b.shape[0] - a.shape[0], b.parameters - a.parameters) for a, b in pairwise(run)}
        for part in [run] if len(run) > 2 and len(steps) == 1 else _equal(run):
            total = sum(row.parameters for row in part)
            joined.append(part[-1]._replace(times=len(part), parameters=total))
    return joined


def _equal(rows: list[_Row]) -> list[list[_Row]]:
    return [list(group) for _, group in groupby(rows, key=lambda row: (row.shape, row.parameters))]


def _plate(row: _Row, rows: Sequence[_Row]) -> tuple[float, float, float]:
    """Return width, depth and thickness of a plate in inches; a vector has no depth."""
    if len(row.shape) != 3:
        longest = max(max(other.shape, default=1) for other in rows if len(other.shape) != 3)
        return max(0.1, PLATE * (max(row.shape, default=1) / longest) ** 0.5), 0.0, 0.1
    largest = max(max(other.shape[1:]) for other in rows if len(other.shape) == 3)
    thickest = max(other.shape[0] for other in rows if len(other.shape) == 3)
    wide, deep = (PLATE * (side / largest) ** 0.6 for side in (row.shape[2], row.shape[1]))
    return wide, 0.2 * deep, 0.03 + 0.25 * (row.shape[0] / thickest) ** 0.6


def _height(row: _Row, rows: Sequence[_Row]) -> float:
    _, deep, thick = _plate(row, rows) if row.kind != "rider" else (0.0, 0.0, 0.0)
    return max(deep + thick + 0.1, 0.42 if _two_lines(row) else 0.27)


def _two_lines(row: _Row) -> bool:
    return len(_words(row)) > (14 if row.times > 1 else 18)


def _words(row: _Row) -> str:
    return ", ".join([row.text, *row.riders])


def _draw_head(ax: Axes, head: float, title: str | None, parameters: bool) -> None:
    if title:
        ax.text(0.07, 0.14, title, ha="left", va="center", color=INK)
    names = ("layer", "output", "parameters" if parameters else "")
    for x, name, side in zip((WORDS, SIZES, COUNTS), names, ("left", "center", "right"), strict=True):
        ax.text(x, head - 0.2, name, ha=side, va="center", color=MUTED, fontsize=LEAST)
    ax.plot([0.07, COUNTS], [head - 0.06] * 2, color=MUTED, linewidth=0.6)


def _draw_map(ax: Axes, row: _Row, rows: Sequence[_Row], middle: float, color: str) -> None:
    """Draw a plate seen from above at a slant; a vector as a bar."""
    wide, deep, thick = _plate(row, rows)
    slant = 0.9 * deep
    face = PALE[color] if color != MUTED else MIDDLE
    left, top = MAPS - (wide + slant) / 2, middle - (deep + thick) / 2
    front = top + deep
    look: Any = {"edgecolor": INK, "linewidth": 0.7, "joinstyle": "round"}
    side = color if color != MUTED else "#b5d3c8"
    ax.add_patch(Rectangle((left, front), wide, thick, facecolor=side, **look))
    if deep:
        near, far = [(left, front), (left + wide, front)], [(left + wide + slant, top), (left + slant, top)]
        ax.add_patch(Polygon([*near, *far], facecolor=face, **look))
        low = [(left + wide, front + thick), (left + wide + slant, top + thick)]
        ax.add_patch(Polygon([near[1], low[0], low[1], far[0]], facecolor=side, **look))


def _draw_words(ax: Axes, row: _Row, middle: float, parameters: bool) -> None:
    """Write what a layer is, the size of what comes out, and how many parameters it has."""
    tall = 0.36 if _two_lines(row) else 0.2
    if row.kind != "image":
        color, hatch = (KERNEL, None) if row.learned else ("#c9c9c9", None)
        ax.add_patch(Rectangle((WORDS - 0.12, middle - tall / 2), 0.06, tall, facecolor=color, hatch=hatch))
    if row.times > 1:
        many, low = f"× {row.times}", 0.1 if _two_lines(row) else 0.0
        ax.text(
            TIMES, middle + low, many, ha="right", va="center", fontsize=SMALL, color=INK, fontweight="bold"
        )
    if _two_lines(row):
        ax.text(WORDS, middle - 0.095, row.text, ha="left", va="center", fontsize=SMALL, color=INK)
        riders = ", ".join(row.riders)
        ax.text(WORDS, middle + 0.1, riders, ha="left", va="center", fontsize=LEAST, color=MUTED)
    else:
        ax.text(WORDS, middle, _words(row), ha="left", va="center", fontsize=SMALL, color=INK)
    ax.text(SIZES, middle, size_text(row.shape), ha="center", va="center", fontsize=SMALL, color=INK)
    if parameters and row.parameters:
        count = short(row.parameters)
        ax.text(COUNTS, middle, count, ha="right", va="center", fontsize=SMALL, color=INK)


def short(number: int) -> str:
    """Return a count in three digits."""
    for unit, name in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if number >= unit * 0.9995:
            value = number / unit
            return (f"{value:.0f}" if value >= 99.95 else f"{value:.1f}") + name
    return str(number)


def block_diagram(
    module: nn.Module,
    image_shape: Sequence[int],
    ax: Axes | None = None,
    title: str | None = None,
    whole: Sequence[str] = (),
) -> Axes:
    """Draw what a block does with its input as boxes and arrows, from top to bottom.

    Orange boxes have weights, with their output channels; gray ones have none; circles add (+) or
    multiply (×) what arrives, value by value. What works on each value alone (normalization,
    activation) stands in the box of the layer before it.

    Parameters
    ----------
    module : nn.Module
        A block with branches, such as a residual or an inception module, or a short network.
    image_shape : sequence of int
        Shape (C, H, W) of one input of the block.
    ax : Axes, optional
        Where to draw, with inches as data; a new card, as high as needed, if it is not given.
    title : str, optional
        Written above.
    whole : sequence of str
        Classes of modules that are drawn as one box, with nothing of what is in them.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the input does not pass through the block, it has no class of a given name, or the drawing
        has no room on the page.

    Examples
    --------
    >>> ax = block_diagram(nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()), (16, 8, 8))
    >>> [text.get_text() for text in ax.texts]
    ['input', '16 × 8 × 8', 'conv 3×3', '16 channels', 'ReLU', 'output', '16 × 8 × 8']
    """
    _check_classes(module, whole=whole)

    def is_one(part: nn.Module) -> bool:
        return part is not module and (is_layer(part) or _named(part, whole))

    boxes = boxes_of(trace(module, image_shape, is_one if list(module.children()) else is_layer))
    layout = lay_out(boxes)
    if layout.width > MAX_WIDTH - 0.1:
        raise ValueError(
            f"the diagram of {type(module).__name__} is {layout.width:.1f} inches wide, and a page has "
            f"{MAX_WIDTH}; draw a part of it, or name classes to draw as one box in whole"
        )
    head = 0.45 if title else 0.1
    width = max(WIDTH, layout.width + 0.1)
    with style():
        if ax is None:
            ax = figure(width=min(width, MAX_WIDTH), height=head + layout.height + 0.1)[1]
        assert ax is not None
        tidy(ax)
        if title:
            ax.text(width / 2, 0.2, title, ha="center", va="center", color=INK)
        draw_flow(ax, boxes, layout, (width - layout.width) / 2, head)
    ax.set_xlim(0, width)
    ax.set_ylim(head + layout.height + 0.06, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
