"""Boxes and arrows: a graph without cycles laid out from top to bottom, and drawn."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from cnncourse.plots._style import INK, INPUT, KERNEL, LEAST, MUTED, OUTPUT, SMALL

GAP = 0.22  # inches between two boxes side by side
STEP = 0.30  # inches between two rows, for the arrows
LANE = 0.06  # inches: half the room that an arrow passing a row takes
FACES = {
    "input": ("#cfe3f1", INPUT),
    "learned": ("#fdeccb", KERNEL),
    "plain": ("#f2f2f2", "#8c8c8c"),
    "join": ("white", INK),
    "output": ("#cdebe0", OUTPUT),
}


class Box(NamedTuple):
    """What stands in one box, and from which boxes arrows lead to it."""

    lines: tuple[str, ...]
    face: str  # a key of FACES
    sources: tuple[int, ...]

    @property
    def round(self) -> bool:
        """Whether it is drawn as a circle: a sign such as + or ×."""
        return self.face == "join" and len(self.lines[0]) == 1

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        if self.round:
            return 0.28, 0.28
        wide = max(len(line) * (0.089 if i == 0 else 0.084) for i, line in enumerate(self.lines))
        return wide + 0.24, 0.19 * len(self.lines) + 0.13


class Layout(NamedTuple):
    """Where everything stands, in inches from the upper left corner."""

    places: np.ndarray  # (boxes, 2): the middle of each
    arrows: list[list[tuple[float, float, float]]]  # of each arrow: x, top and bottom of what it passes
    width: float
    height: float


def lay_out(boxes: Sequence[Box]) -> Layout:
    """Give each box a row below all its sources, and a place in it so that arrows are short and straight.

    An arrow over several rows passes them in a lane, which it shares with others from the same box. What
    follows one another without a fork stands in one line; the lines' places are those with the least sum of
    squared sideways steps that leave every thing its room.
    """
    rows = _levels(boxes)
    things, arrows = _with_lanes(boxes, rows)
    half = np.array([boxes[i].size[0] / 2 if i < len(boxes) else LANE for i in range(len(things))])
    links = list(dict.fromkeys(link for arrow in arrows for link in pairwise(arrow)))
    shortcuts = _shortcuts(boxes, arrows)
    order = [[i for i, row in enumerate(things) if row == level] for level in range(max(things) + 1)]
    start = {lane: arrow[0] for arrow in arrows for lane in arrow[1:-1]}
    for row in order:  # in the order in which the network runs, shortcuts on the right
        row.sort(key=lambda i: (i in shortcuts, start.get(i, i)))
    lines = _lines(len(boxes), rows, links, shortcuts)
    x = _places(order, links, lines, half, shortcuts, len(boxes))
    x -= (x - half).min()
    heights = [max(boxes[i].size[1] for i in row if i < len(boxes)) for row in order]
    middles = np.cumsum([h + STEP for h in heights]) - np.array(heights) / 2 - STEP
    y = np.array([middles[row] for row in things])
    tall = [boxes[i].size[1] if i < len(boxes) else heights[things[i]] for i in range(len(things))]
    paths = [[(x[i], y[i] - tall[i] / 2, y[i] + tall[i] / 2) for i in arrow] for arrow in arrows]
    places = np.column_stack([x, y])[: len(boxes)]
    return Layout(places, paths, float((x + half).max()), float(middles[-1] + heights[-1] / 2))


def _levels(boxes: Sequence[Box]) -> list[int]:
    """Return the row of each box: one below the lowest of its sources."""
    rows: list[int] = []
    for box in boxes:
        rows.append(1 + max((rows[i] for i in box.sources), default=-1))
    return rows


def _with_lanes(boxes: Sequence[Box], rows: list[int]) -> tuple[list[int], list[list[int]]]:
    """Return the row of each box and of each piece of a lane, and what each arrow leads through."""
    things, arrows = list(rows), []
    lanes: dict[tuple[int, int], int] = {}
    for end, box in enumerate(boxes):
        for start in dict.fromkeys(box.sources):
            through = [start]
            for row in range(rows[start] + 1, rows[end]):
                if (start, row) not in lanes:
                    lanes[(start, row)] = len(things)
                    things.append(row)
                through.append(lanes[(start, row)])
            arrows.append([*through, end])
    return things, arrows


def _shortcuts(boxes: Sequence[Box], arrows: list[list[int]]) -> set[int]:
    """Return the pieces of lanes that lead from a fork to a join past all boxes between them."""
    leaving = Counter(arrow[0] for arrow in arrows)
    entering = Counter(arrow[-1] for arrow in arrows)
    return {i for arrow in arrows if leaving[arrow[0]] > 1 and entering[arrow[-1]] > 1 for i in arrow[1:-1]}


def _lines(boxes: int, rows: list[int], links: list[tuple[int, int]], shortcuts: set[int]) -> list[int]:
    """Return for each thing the number of its line: what stands exactly above one another."""
    count = max(max(link) for link in links) + 1
    after: dict[int, list[int]] = {i: [] for i in range(count)}
    before: dict[int, list[int]] = {i: [] for i in range(count)}
    for a, b in links:
        if (a in shortcuts) == (b in shortcuts):
            after[a].append(b)
            before[b].append(a)
    main = {boxes - 1}  # what leads to the output without a lane
    for i in reversed(range(boxes)):
        if any(b in main and b < boxes for b in after[i]):
            main.add(i)
    line = list(range(count))
    for a in sorted(range(count), key=lambda i: rows[i] if i < boxes else 0):
        ahead = after[a] if len(after[a]) == 1 else [b for b in after[a] if len(after[a]) == 2 and b in main]
        if len(ahead) == 1:
            behind = before[ahead[0]]
            behind = behind if len(behind) == 1 else [b for b in behind if len(behind) == 2 and b in main]
            if behind == [a]:
                old, new = line[ahead[0]], line[a]
                line = [new if number == old else number for number in line]
    return line


def _places(
    order: list[list[int]],
    links: list[tuple[int, int]],
    lines: list[int],
    half: np.ndarray,
    shortcuts: set[int],
    boxes: int,
) -> np.ndarray:
    """Return the middle of each thing: step by step to the mean of what it is joined to, and kept apart."""
    number = {line: k for k, line in enumerate(dict.fromkeys(lines))}
    of = np.array([number[line] for line in lines])
    pull = np.zeros((len(number), len(number)))
    for a, b in links:
        weight = 0.03 if (a in shortcuts) != (b in shortcuts) else 1.0
        pull[of[a], of[b]] += weight
        pull[of[b], of[a]] += weight
    apart: dict[tuple[int, int], float] = {}
    for row in order:
        for a, b in pairwise(row):
            gap = GAP if max(a, b) < boxes else 0.06
            pair = (int(of[a]), int(of[b]))
            apart[pair] = max(apart.get(pair, 0.0), half[a] + half[b] + gap)
    x = np.arange(len(number), dtype=float)
    total = np.maximum(pull.sum(axis=1), 1e-9)
    for step in range(600):
        if step < 400:
            x = np.where(pull.sum(axis=1) > 0, 0.7 * x + 0.3 * (pull @ x) / total, x)
        for _ in range(3):
            for (a, b), room in apart.items():
                push = max(0.0, room - (x[b] - x[a])) / 2
                x[a], x[b] = x[a] - push, x[b] + push
    return np.array(x[of])


def draw_flow(ax: Axes, boxes: Sequence[Box], layout: Layout, left: float, top: float) -> None:
    """Draw boxes and arrows on `ax`, whose data are inches, with the upper left corner at (left, top)."""
    for arrow in layout.arrows:
        _draw_arrow(ax, [(x + left, up + top, down + top) for x, up, down in arrow])
    for box, (x, y) in zip(boxes, layout.places, strict=True):
        _draw_box(ax, box, x + left, y + top)


def _draw_box(ax: Axes, box: Box, x: float, y: float) -> None:
    wide, tall = box.size
    face, edge = FACES[box.face]
    look: Any = {"facecolor": face, "edgecolor": edge, "linewidth": 1.3, "zorder": 3}
    if box.round:
        ax.add_patch(Circle((x, y), wide / 2, **look))
    else:
        corner = (x - wide / 2 + 0.06, y - tall / 2 + 0.06)
        shape = "round,pad=0.06,rounding_size=0.06"
        ax.add_patch(FancyBboxPatch(corner, wide - 0.12, tall - 0.12, boxstyle=shape, **look))
    first = y - 0.19 * (len(box.lines) - 1) / 2
    for number, line in enumerate(box.lines):
        size, color = (SMALL, INK) if number == 0 else (LEAST, MUTED)
        ax.text(
            x, first + 0.19 * number, line, ha="center", va="center_baseline" if not box.round else "center",
            fontsize=12 if box.round else size, color=color, zorder=4,
        )  # fmt: skip


def _draw_arrow(ax: Axes, stops: Sequence[tuple[float, float, float]]) -> None:
    """Draw a smooth line from the bottom of the first stop past the others to the top of the last one."""
    points, codes = [(stops[0][0], stops[0][2])], [Path.MOVETO]
    for (x0, _, low), (x1, high, end) in pairwise(stops):
        last = (x1, high, end) == tuple(stops[-1])
        target = high - (0.07 if last else 0.0)
        bend = 0.6 * (target - low)
        points += [(x0, low + bend), (x1, target - bend), (x1, target)]
        codes += [Path.CURVE4] * 3
        if not last:
            points.append((x1, end))
            codes.append(Path.LINETO)
    line: Any = {"facecolor": "none", "edgecolor": MUTED, "linewidth": 1.3, "capstyle": "butt", "zorder": 2}
    ax.add_patch(PathPatch(Path(points, codes), **line))
    x, y = points[-1]
    tip = [(x, y + 0.07), (x - 0.045, y - 0.02), (x + 0.045, y - 0.02)]
    ax.add_patch(Polygon(tip, facecolor=MUTED, edgecolor="none", zorder=2))
