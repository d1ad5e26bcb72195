"""A network at work: one image, and what each layer makes of it, from left to right."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import nn

from cnncourse._checks import check_count
from cnncourse._modules import evaluating, passing
from cnncourse._trace import Node, trace
from cnncourse.plots._arrays import to_array
from cnncourse.plots._diagrams import is_drawn_whole, short
from cnncourse.plots._labels import ACTIVATIONS, label
from cnncourse.plots._pictures import as_picture
from cnncourse.plots._style import INK, LEAST, MAX_WIDTH, MUTED, OUTPUT, color_map, figure, style

__all__ = ["network_strip"]

HEAD, FOOT, GAP = 0.42, 0.66, 0.07  # inches: two lines above, three below, and between things
IMAGE, VECTOR, SCORES, SIDE = 0.8, 0.6, 1.32, 0.68  # inches: widths of the kinds of columns, at most
LEAST_SIDE = 0.58  # of a map; where there is less room, the strip goes on below
SHOWN = 10  # classes
LONG = 8  # characters of a title


class _Column(NamedTuple):
    """One layer: what it is called, what it gave, and how many parameters it has."""

    title: str
    values: np.ndarray  # (C, H, W) or (n,)
    parameters: int

    @property
    def is_maps(self) -> bool:
        return self.values.ndim == 3


def network_strip(
    model: nn.Module, x: Any, image: Any = None, names: Sequence[str] | None = None, maps: int = 6
) -> Axes:
    r"""Draw a network with the feature maps of one image: a column for each layer, from left to right.

    Of each layer those channels are shown whose values vary most over the map; a layer that works on each
    channel alone, such as pooling, shows those of the layer before it. Each layer has a scale of its own:
    black at zero to white, or blue below, white at and orange above zero; the largest hundredth is cut off.
    An activation is drawn with the layer before it; so are normalization and dropout, which are not named.
    A block with a ``forward`` of its own is one column; what a ``forward`` does without a module, such as
    ``F.relu``, is not drawn by itself. A vector at the end is drawn as probabilities (softmax).

    Parameters
    ----------
    model : nn.Module
        A network, which is run in evaluation mode and not changed.
    x : array_like of shape (C, H, W)
        One image as the network takes it.
    image : array_like of shape (H, W), (1, H, W) or (3, H, W), optional
        What to draw at the left: uint8, or floats from 0 to 1. By default `x`, from its least to its largest
        value.
    names : sequence of str, optional
        What each output stands for. Of more than ten the most probable are drawn.
    maps : int
        The most feature maps of one layer.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `x` does not pass through the network, or `names` and outputs differ in number.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2))
    >>> ax = network_strip(net, np.eye(8)[None], names=["no", "yes"])
    >>> [text.get_text() for text in ax.texts if "\n" in text.get_text()][1]
    'conv 3×3\nReLU'
    """
    maps = check_count("maps", maps)
    values = to_array("x", x)
    if values.ndim != 3:
        raise ValueError(f"x must be one image (C, H, W), got shape {values.shape}")
    columns = _columns(model, values)
    scores = columns.pop() if not columns[-1].is_maps else None
    if names is not None and (scores is None or len(names) != len(scores.values)):
        given = "no vector" if scores is None else f"{len(scores.values)} outputs"
        raise ValueError(f"names has {len(names)} names, but the network gives {given}")
    lines, side = _lines(columns, scores is not None)
    ratio = max([c.values.shape[1] / c.values.shape[2] for c in columns if c.is_maps], default=1.0)
    body = maps * side * ratio + (maps - 1) * GAP
    tall = HEAD + body + FOOT
    with style():
        ax: Axes = figure(width=MAX_WIDTH, height=len(lines) * tall + 0.05)[1]
        _draw_image(ax, _picture(image, values), values.shape, HEAD, body)
        chosen, left, top = np.arange(0), 0.05 + IMAGE + 2 * GAP, HEAD
        for number, line in enumerate(lines):
            left, top = left if number == 0 else 0.05, HEAD + number * tall
            chosen, left = _draw_line(ax, line, chosen, (left, top, side, body))
        if scores is not None:
            _draw_scores(ax, scores, names, left + GAP, top, body)
    ax.set_xlim(0, MAX_WIDTH)
    ax.set_ylim(len(lines) * tall + 0.05, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _picture(image: Any, values: np.ndarray) -> np.ndarray:
    """Return what is drawn at the left, between 0 and 1."""
    if image is not None:
        return as_picture("image", image)
    low, high = float(values.min()), float(values.max())
    planes = values if len(values) in (1, 3) else values.mean(axis=0)
    return as_picture("x", planes.astype(float), (low, max(high, low + 1e-9)))


def _draw_line(
    ax: Axes, line: Sequence[_Column], chosen: np.ndarray, place: tuple[float, float, float, float]
) -> tuple[np.ndarray, float]:
    """Draw the columns of one line; return the channels that were chosen last, and where the line ends."""
    left, top, side, body = place
    for column in line:
        width = side if column.is_maps else VECTOR
        if column.is_maps:
            most = int((body + GAP + 1e-9) // (side * column.values.shape[1] / column.values.shape[2] + GAP))
            chosen = _choose(column, chosen, most)
            _draw_maps(ax, column, chosen, left, top, side)
        else:
            _draw_vector(ax, column, left, top, body)
        _write(ax, column, left + width / 2, top, body)
        left += width + GAP
    return chosen, left


def _columns(model: nn.Module, x: np.ndarray) -> list[_Column]:
    """Run the image through the network, and return what each layer gave."""
    nodes = trace(model, x.shape, lambda module: is_drawn_whole(module, model))
    like = next(model.parameters(), torch.empty(0))
    given = torch.as_tensor(x, dtype=like.dtype, device=like.device)[None]
    outputs: dict[str, list[np.ndarray]] = defaultdict(list)

    def leave(name: str, module: nn.Module, arrived: list[torch.Tensor], output: Any) -> Any:
        if isinstance(output, torch.Tensor):
            outputs[name].append(to_array("output", output[0]).astype(float).copy())
        return output

    with evaluating(model), torch.inference_mode(), passing(model, x.shape, leave=leave):
        end = model(given)
    columns: list[_Column] = []
    for node in nodes[1:]:
        if node.module is not None and outputs[node.name]:
            _add(columns, node, outputs[node.name].pop(0))
    if columns and isinstance(end, torch.Tensor) and end.shape[1:] == columns[-1].values.shape:
        columns[-1] = columns[-1]._replace(values=to_array("output", end[0]).astype(float))  # scaled, perhaps
    if not columns:
        raise ValueError(f"{type(model).__name__} has no layer to draw; it must be built of modules")
    return columns


def _add(columns: list[_Column], node: Node, values: np.ndarray) -> None:
    """Add a column, or give the last one what an activation or a normalization made of it."""
    words = label(node)
    if words.kind == "reshape" and columns and values.size == columns[-1].values.size:
        if max(columns[-1].values.shape) == values.size:  # one number a channel
            columns[-1] = columns[-1]._replace(values=values)
        return
    if words.kind == "nothing" or values.ndim not in (1, 3):
        return
    if words.kind == "rider" and columns:
        last = columns[-1]
        title = f"{last.title}\n{words.text}" if words.text in ACTIVATIONS.values() else last.title
        columns[-1] = _Column(title, values, last.parameters + words.parameters)
        return
    title = words.text
    if words.kind == "pool":  # its window is seen from the sizes below
        title = title.partition("-pool")[0] + "\npool" if "-pool" in title else title.replace(" ", "\n", 1)
    if len(title) > LONG:  # a block of somebody's own: SpeedGroup in two lines
        title = re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", title, count=1)
    columns.append(_Column(title, values, words.parameters))


def _lines(columns: Sequence[_Column], scores: bool) -> tuple[list[list[_Column]], float]:
    """Return the columns of each line of the strip, as few lines as have room, and the side of a map."""
    for count in range(1, len(columns) + 2):
        per_line = -(-len(columns) // count)
        lines = [list(columns[i : i + per_line]) for i in range(0, len(columns), per_line)]
        sides = []
        for number, line in enumerate(lines):
            room = MAX_WIDTH - 0.1 - (IMAGE + 2 * GAP) * (number == 0)
            room -= (SCORES + GAP) * (scores and number == len(lines) - 1)
            pictures = sum(column.is_maps for column in line)
            room -= (len(line) - pictures) * (VECTOR + GAP)
            sides.append(room / pictures - GAP if pictures else SIDE * (room >= 0))
        if min(sides) >= LEAST_SIDE:
            break
    return lines, min(SIDE, *sides)


def _choose(column: _Column, before: np.ndarray, maps: int) -> np.ndarray:
    """Return the channels to draw: those that vary most, or those drawn of a layer that made no new ones."""
    count = len(column.values)
    if not column.parameters and before.size and before.max() < count and before.size == min(maps, count):
        return before
    spread = column.values.std(axis=(1, 2))
    return np.sort(np.argsort(-spread, kind="stable")[:maps])


def _draw_image(ax: Axes, picture: np.ndarray, shape: Sequence[int], top: float, body: float) -> None:
    left, tall = 0.05, IMAGE * picture.shape[0] / picture.shape[1]
    upper = top + (body - tall) / 2
    extent = (left, left + IMAGE, upper + tall, upper)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
    look: Any = {"ha": "center", "va": "top", "fontsize": LEAST, "color": INK}
    middle = left + IMAGE / 2
    ax.text(middle, top - HEAD + 0.06, "image", **look)
    ax.text(
        middle, top + body + 0.06, f"{shape[0]} channel{'s' * (shape[0] > 1)}\n{shape[1]}×{shape[2]}", **look
    )
    ax.text(middle, top + body + 0.44, "parameters:", **look | {"color": MUTED})


def _draw_maps(ax: Axes, column: _Column, chosen: np.ndarray, left: float, top: float, side: float) -> None:
    color, low, high = _scale(column.values[chosen])
    tall = side * column.values.shape[1] / column.values.shape[2]
    for row, channel in enumerate(chosen):
        upper = top + row * (tall + GAP)
        extent = (left, left + side, upper + tall, upper)
        plane = column.values[channel]
        ax.imshow(plane, color_map(color), vmin=low, vmax=high, extent=extent, interpolation="nearest")
        ax.add_patch(Rectangle((left, upper), side, tall, fill=False, edgecolor=MUTED, linewidth=0.5))


def _scale(values: np.ndarray) -> tuple[str, float, float]:
    """Return the color map of a layer, and the values at its ends."""
    most = float(np.quantile(np.abs(values), 0.99)) or float(np.abs(values).max()) or 1.0
    return ("signed", -most, most) if values.min() < 0 else ("gray", 0.0, most)


def _draw_vector(ax: Axes, column: _Column, left: float, top: float, body: float) -> None:
    """Draw the numbers of a vector from top to bottom."""
    color, low, high = _scale(column.values)
    wide, middle = 0.24, left + VECTOR / 2
    extent = (middle - wide / 2, middle + wide / 2, top + body, top)
    numbers = column.values[:, None]
    ax.imshow(
        numbers, color_map(color), vmin=low, vmax=high, extent=extent, interpolation="nearest", aspect="auto"
    )
    ax.add_patch(Rectangle((extent[0], top), wide, body, fill=False, edgecolor=MUTED, linewidth=0.5))


def _write(ax: Axes, column: _Column, middle: float, top: float, body: float) -> None:
    """Write a layer's name above it, below it how much comes out and how many parameters it has."""
    look: Any = {"ha": "center", "va": "top", "fontsize": LEAST, "color": INK}
    ax.text(middle, top - HEAD + 0.06, column.title, **look)
    shape = column.values.shape
    size = (
        f"{shape[0]}{' maps' * (shape[0] < 100)}\n{shape[1]}×{shape[2]}"
        if column.is_maps
        else f"{shape[0]}\nnumbers"
    )
    ax.text(middle, top + body + 0.06, size, **look)
    count = f"{column.parameters:,}" if column.parameters < 10**6 else short(column.parameters)
    ax.text(middle, top + body + 0.44, count, **look | {"color": MUTED})


def _draw_scores(
    ax: Axes, column: _Column, names: Sequence[str] | None, left: float, top: float, body: float
) -> None:
    """Draw the most probable classes as bars, in the order of the outputs."""
    share = np.exp(column.values - column.values.max())
    share /= share.sum()
    shown = np.sort(np.argsort(-share, kind="stable")[:SHOWN])
    step = body / len(shown)
    start, most = left + 0.88, SCORES - 0.92
    for row, index in enumerate(shown):
        middle, best = top + (row + 0.5) * step, index == share.argmax()
        bar = Rectangle((start, middle - 0.3 * step), most * share[index], 0.6 * step)
        bar.set_facecolor(OUTPUT if best else MUTED)
        ax.add_patch(bar)
        text = str(names[index]) if names is not None else str(index)
        weight = "bold" if best else "normal"
        ax.text(
            start - 0.05, middle, text, ha="right", va="center", fontsize=LEAST, color=INK, fontweight=weight
        )
    ax.plot([start, start], [top, top + body], color=MUTED, linewidth=0.8)
    label_at = left + SCORES / 2
    _write(ax, column._replace(title=f"{column.title}\nsoftmax"), label_at, top, body)
