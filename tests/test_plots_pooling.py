"""Figures of the chapter on pooling: what is framed, hatched, kept."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch, Rectangle

from cnncourse import plots
from cnncourse.pooling import max_pool2d


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_windows_and_their_outputs_are_framed_alike():
    x = np.arange(49.0).reshape(7, 7)
    y = max_pool2d(x[None, None], 3, 2)[0, 0]
    before, after = plots.pooling.pool_windows(x, y, 3, 2, stops=[(0, 0), (1, 2)])
    frames = [[patch for patch in ax.patches if isinstance(patch, Rectangle)] for ax in (before, after)]
    colors = [[patch.get_edgecolor() for patch in patches] for patches in frames]
    assert colors[0] == colors[1]
    second = frames[0][2]  # each frame has a white one below it
    assert (second.get_x(), second.get_y()) == pytest.approx((4 - 0.44, 2 - 0.44))
    assert after.texts[0].get_text() == "16"


def test_frames_outside_are_refused():
    x, y = np.eye(4), np.eye(2)
    with pytest.raises(ValueError, match=r"stops names \(0, 2\), but the output is \(2, 2\)"):
        plots.pooling.pool_windows(x, y, 2, stops=[(0, 2)])
    with pytest.raises(ValueError, match=r"window of stop \(1, 1\) leaves the input \(4, 4\)"):
        plots.pooling.pool_windows(x, y, 3, stops=[(1, 1)])
    with pytest.raises(ValueError, match="at most 4 windows, got 5"):
        plots.pooling.pool_windows(np.eye(10), np.eye(5), 2, stops=[(i, i) for i in range(5)])


def test_cells_that_no_window_sees_are_hatched_and_padding_is_dashed():
    ax = plots.window_rows(5, {"two": [(0, 2), (2, 4)], "three": [(-1, 2), (1, 4)]}, padding={"three": 1})
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(cells) == 5 + 7
    assert [bool(cell.get_hatch()) for cell in cells[:5]] == [False] * 4 + [True]
    assert cells[5].get_linestyle() == cells[-1].get_linestyle() == "--"
    bars = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(bars) == 4
    assert bars[2].get_y() != bars[3].get_y()  # these overlap, so they stand on two lines


def test_sampled_signals_mark_the_kept_values():
    wave = np.arange(10.0)
    (ax,) = plots.pooling.sampled_signals({"ramp": wave}, stride=3, first=1, limits=(0, 9))
    assert list(ax.lines[1].get_ydata()) == [1, 4, 7]


def test_number_grids_share_one_size_of_cell():
    axes = plots.number_grids({"a": np.eye(4), "b": np.eye(2)}, highlights={"b": (0, 1)})
    assert np.diff(axes[0].get_ylim()) == np.diff(axes[1].get_ylim())
    assert len(axes[1].patches) == 2


@pytest.mark.parametrize(
    "draw, match",
    [
        (lambda: plots.number_grids({}), "planes is empty"),
        (lambda: plots.number_grids({"a": np.eye(2)}, highlights={"b": (0, 0)}), "highlights names"),
        (lambda: plots.window_rows(5, {}), "layouts is empty"),
        (lambda: plots.window_rows(5, {"none": []}), r"layouts\['none'\] has no window"),
        (lambda: plots.pooling.sampled_signals({}), "signals is empty"),
    ],
)
def test_nothing_to_draw_is_named(draw, match):
    with pytest.raises(ValueError, match=match):
        draw()
