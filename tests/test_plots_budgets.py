"""Budgets: bars of one length, shared out in order."""

import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


SHARES = {"weights": {"a": 1.0, "b": 2, "c": 97}, "work": {"a": 30.0, "b": 60, "c": 10}}


def test_parts_follow_each_other_and_fill_the_bar():
    ax = plots.budgets(SHARES)
    bars = [ax.patches[:3], ax.patches[3:]]
    assert len(ax.patches) == 6
    for row, (cells, amounts) in enumerate(zip(bars, SHARES.values(), strict=True)):
        assert [cell.get_width() for cell in cells] == pytest.approx([a / 100 for a in amounts.values()])
        assert cells[0].get_x() == 0
        for cell, after in itertools.pairwise(cells):
            assert after.get_x() == pytest.approx(cell.get_x() + cell.get_width())
            assert sum(after.get_facecolor()[:3]) < sum(cell.get_facecolor()[:3])  # darker to the right
        assert {cell.get_y() + cell.get_height() / 2 for cell in cells} == {row}
        assert [cell.get_facecolor() for cell in cells] == [cell.get_facecolor() for cell in bars[0]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first budget is on top
    assert [label.get_text() for label in ax.get_yticklabels()] == ["weights", "work"]


def test_names_stand_where_they_fit():
    ax = plots.budgets(SHARES)
    assert [text.get_text() for text in ax.texts] == ["c\n97%", "a\n30%", "b\n60%", "c\n10%"]
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    cells = [cell.get_window_extent() for cell in ax.patches[2:]]
    for box, cell in zip(boxes, cells, strict=True):
        assert cell.x0 <= box.x0 and box.x1 <= cell.x1
        assert cell.y0 <= box.y0 and box.y1 <= cell.y1


def test_messages():
    with pytest.raises(ValueError, match="shares is empty"):
        plots.budgets({})
    with pytest.raises(ValueError, match=r"shares\['work'\] must have the parts \['a'\], got \['b'\]"):
        plots.budgets({"weights": {"a": 1.0}, "work": {"b": 1.0}})
    for amounts in ({"a": -1.0, "b": 2}, {"a": 0.0, "b": 0}):
        with pytest.raises(ValueError, match=r"shares\['weights'\] must hold amounts of at least 0"):
            plots.budgets({"weights": amounts})
