"""Legends: above the axes, so that no line, band or point lies under one."""

import numpy as np
import pytest

from cnncourse import plots

RANDOM = np.random.default_rng(0)
FULL = RANDOM.random((5, 200))  # lines that leave no corner of the axes free


def named(count, text="a name"):
    return {f"{text} {index}": FULL[index] for index in range(count)}


DRAWN = {
    "lines": lambda: plots.lines(range(200), named(5), direct=False, title="a title"),
    "seeds": lambda: plots.lines(range(200), {"a": FULL, "b": FULL[:3]}, title="a title"),
    "clouds": lambda: plots.scatter({name: (y, y) for name, y in named(3).items()}, title="a title"),
    "errors": lambda: plots.error_curves({name: [y] for name, y in named(4).items()}, title="a title"),
    "colors": lambda: plots.histogram(RANDOM.random((3, 20, 20)), title="a title"),
    "bars": lambda: plots.bars({"one": {"a": 3, "b": 5}, "two": {"a": 1, "b": 2}}, title="a title"),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_nothing_lies_under_a_legend_nor_a_title(draw):
    ax = draw()
    ax.set_ylim(ax.get_ylim()[::-1])  # what is free now may be full after the page has changed the limits
    ax.figure.canvas.draw()
    legend, title = ax.get_legend().get_window_extent(), ax._left_title.get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1
    assert title.y0 >= legend.y1 - 1 and title.y1 <= ax.figure.bbox.y1 + 1
    assert legend.x1 <= ax.figure.bbox.x1 + 1


def test_as_many_columns_as_fit():
    columns = [
        plots.lines(range(200), named(4, text), direct=False).get_legend()._ncols for text in ("a", "a" * 15)
    ]
    assert columns[0] == 4 and 1 <= columns[1] < 4
    assert plots.lines(range(200), named(2, "a" * 80), direct=False).get_legend()._ncols == 1
