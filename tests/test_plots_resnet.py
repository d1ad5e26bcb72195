"""Figures of the chapter on residual networks."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_slice_is_drawn_over_its_steps_with_a_mark_in_the_middle():
    steps = np.linspace(-2, 2, 5)
    axes = plots.loss_slices(
        {"bowl": steps**2 + steps[:, None] ** 2, "slope": steps + 0 * steps[:, None]}, steps
    )
    assert [ax.get_title() for ax in axes] == ["bowl", "slope"]
    assert axes[0].get_xlim() == (-2, 2)
    assert axes[0].lines[0].get_xydata().tolist() == [[0, 0]]
    bars = [ax for ax in axes[0].figure.axes if ax not in axes]
    assert [bar.get_xlabel() for bar in bars] == ["loss", "loss"]
    assert bars[0].get_xlim() == (0, 8)
    assert bars[1].get_xlim() == (-2, 2)


def test_rows_of_a_slice_go_up():
    """Entry [i, j] is drawn at steps[j] across and steps[i] up."""
    steps = np.linspace(0, 1, 4)
    (ax,) = plots.loss_slices({"up": np.tile(steps[:, None], 4)}, steps)
    levels = ax.collections[1]  # the lines
    line = next(path for path in levels.get_paths() if len(path.vertices))
    assert np.ptp(line.vertices[:, 1]) < 1e-9


def test_messages():
    with pytest.raises(ValueError, match="surfaces is empty"):
        plots.loss_slices({}, [0, 1])
    with pytest.raises(ValueError, match=r"surfaces\['a'\] has shape \(2, 2\), but steps has 3 values"):
        plots.loss_slices({"a": np.eye(2)}, [0, 1, 2])
