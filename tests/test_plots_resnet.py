"""Figures of the chapter on residual networks."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots
from cnncourse.models.resnet import BasicBlock


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_slice_is_drawn_over_its_steps_with_a_mark_in_the_middle():
    steps = np.linspace(-2, 2, 5)
    axes = plots.resnet.loss_slices(
        {"bowl": steps**2 + steps[:, None] ** 2, "slope": steps + 0 * steps[:, None]}, steps
    )
    assert [ax.get_title() for ax in axes] == ["bowl", "slope"]
    assert axes[0].get_xlim() == (-2, 2)
    assert axes[0].lines[0].get_xydata().tolist() == [[0, 0]]
    (bar,) = [ax for ax in axes[0].figure.axes if ax not in axes]
    assert bar.get_xlabel() == "loss"
    assert bar.get_xlim() == (-2, 8)
    first, second = (ax.collections[0] for ax in axes)  # one scale for both
    assert first.levels.tolist() == second.levels.tolist()
    assert first.get_clim() == second.get_clim()


def test_slices_beyond_the_highest_value_of_the_scale_have_one_color():
    steps = np.linspace(-2, 2, 5)
    bowl = steps**2 + steps[:, None] ** 2
    (ax,) = plots.resnet.loss_slices({"bowl": bowl}, steps, highest=4)
    filled = ax.collections[0]
    assert filled.levels.max() == 4
    assert filled.extend == "max"
    with pytest.raises(ValueError, match=r"highest is -1\.0, but the lowest value of surfaces is 0; give"):
        plots.resnet.loss_slices({"bowl": bowl}, steps, highest=-1)


def test_errors_of_several_seeds_are_a_mean_and_a_band():
    axes = plots.resnet.error_panels(
        {
            "paper": {"20": ([4, 8], [0.2, 0.1]), "56": ([4, 8], [np.nan, 0.2])},
            "ours": {"56": ([1, 2], [[0.5, 0.3], [0.7, 0.5]])},
        }
    )
    assert [ax.get_title() for ax in axes] == ["paper", "ours"]
    assert axes[1].lines[0].get_ydata().tolist() == [0.6, 0.4]
    assert axes[1].lines[0].get_color() == axes[0].lines[1].get_color()
    assert len(axes[0].collections) == 0
    assert len(axes[1].collections) == 1
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["20", "56"]


def test_rows_of_a_slice_go_up():
    """Entry [i, j] is drawn at steps[j] across and steps[i] up."""
    steps = np.linspace(0, 1, 4)
    (ax,) = plots.resnet.loss_slices({"up": np.tile(steps[:, None], 4)}, steps)
    levels = ax.collections[1]  # the lines
    line = next(path for path in levels.get_paths() if len(path.vertices))
    assert np.ptp(line.vertices[:, 1]) < 1e-9


def test_blocks_side_by_side_have_one_scale_and_start_at_one_height():
    blocks = {"plain": BasicBlock(8, 8, shortcut="none"), "residual": BasicBlock(8, 8)}
    axes = plots.resnet.block_diagrams(blocks, (8, 4, 4))
    assert [ax.texts[0].get_text() for ax in axes] == ["plain", "residual"]
    assert axes[0].get_ylim() == axes[1].get_ylim()
    fig = axes[0].figure
    for ax in axes:
        inches = np.diff(ax.get_xlim())[0], -np.diff(ax.get_ylim())[0]
        assert inches == pytest.approx(tuple(ax.get_position().size * fig.get_size_inches()))


def test_blocks_side_by_side_may_have_inputs_of_their_own():
    blocks = {"narrow": BasicBlock(8, 8), "wide": BasicBlock(16, 16)}
    axes = plots.resnet.block_diagrams(blocks, {"wide": (16, 4, 4), "narrow": (8, 4, 4)})
    words = [[text.get_text() for text in ax.texts] for ax in axes]
    assert [texts[0] for texts in words] == ["narrow", "wide"]
    assert "8 × 4 × 4" in words[0]
    assert "16 × 4 × 4" in words[1]
    with pytest.raises(ValueError, match=r"for each block, \['narrow', 'wide'\], got shapes for \['wide'\]"):
        plots.resnet.block_diagrams(blocks, {"wide": (16, 4, 4)})


def test_norms_stand_at_their_layers_on_one_scale():
    axes = plots.resnet.layer_norms({"plain": {"2": [1e4, 1], "3": [1e6, 1e3, 1]}, "residual": {"2": [2, 1]}})
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert axes[0].get_yscale() == "log"
    assert axes[0].lines[1].get_xydata().tolist() == [[1, 1e6], [2, 1e3], [3, 1]]


def test_messages():
    with pytest.raises(ValueError, match="blocks is empty"):
        plots.resnet.block_diagrams({}, (1, 1, 1))
    with pytest.raises(ValueError, match="the 4 diagrams do not fit side by side"):
        plots.resnet.block_diagrams({str(i): BasicBlock(8, 16, 2) for i in range(4)}, (8, 4, 4))
    with pytest.raises(ValueError, match="panels is empty"):
        plots.resnet.layer_norms({})
    with pytest.raises(ValueError, match=r"panels\['a'\] is empty"):
        plots.resnet.error_panels({"a": {}})
    with pytest.raises(ValueError, match=r"panels\['a'\]\['x'\] has 2 steps but errors of shape \(1, 3\)"):
        plots.resnet.error_panels({"a": {"x": ([1, 2], [1, 2, 3])}})
    with pytest.raises(ValueError, match="surfaces is empty"):
        plots.resnet.loss_slices({}, [0, 1])
    with pytest.raises(ValueError, match=r"surfaces\['a'\] has shape \(2, 2\), but steps has 3 values"):
        plots.resnet.loss_slices({"a": np.eye(2)}, [0, 1, 2])
