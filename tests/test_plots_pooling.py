"""Figures of the chapter on pooling: what is framed, hatched, kept."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch, Rectangle

from cnncourse import plots
from cnncourse.convolution import KERNELS, conv2d
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


def test_what_a_pixel_changes_is_the_difference_of_the_two_edge_maps():
    photo = np.random.default_rng(0).random((9, 12))
    axes = plots.pooling.one_pixel_later(photo)
    first, second, change = (np.asarray(ax.images[0].get_array(), dtype=float) for ax in axes)
    assert first.shape[:2] == second.shape[:2] == (9, 11)
    assert np.array_equal(first[:, 1:], second[:, :-1])
    edges = [
        np.maximum(conv2d(cut[None, None], KERNELS["sobel_x"][None, None]), 0)
        for cut in (photo[:, :-1], photo[:, 1:])
    ]
    expected = np.abs(edges[1] - edges[0])[0, 0]
    shown = change if change.ndim == 2 else change[..., 0]
    wanted = np.clip(expected / np.quantile(expected, 0.99), 0, 1)
    assert shown / shown.max() == pytest.approx(wanted, abs=0.01)


def test_a_photo_without_edges_changes_nowhere():
    axes = plots.pooling.one_pixel_later(np.ones((5, 6)))
    assert not np.asarray(axes[2].images[0].get_array(), dtype=float)[..., :1].any()


def test_a_photo_too_small_for_edges_is_refused():
    with pytest.raises(
        ValueError, match=r"photo must be at least 3 high and 4 wide to have edges, got \(3, 3\)"
    ):
        plots.pooling.one_pixel_later(np.eye(3))


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
    ],
)
def test_nothing_to_draw_is_named(draw, match):
    with pytest.raises(ValueError, match=match):
        draw()
