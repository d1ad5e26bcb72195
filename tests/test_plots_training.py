"""Figures of the chapter on training: what stands where."""

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


def test_channels_have_a_bar_and_a_mean():
    maps = np.random.default_rng(0).normal(size=(20, 3, 4, 4)) + np.array([0, 5, -5]).reshape(3, 1, 1)
    before, after = plots.training.channel_boxes({"before": maps, "after": np.zeros((2, 3, 1, 1))})
    means = [line.get_xdata()[0] for line in before.lines[:3]]
    np.testing.assert_allclose(means, maps.mean(axis=(0, 2, 3)))
    assert before.get_xlim() == after.get_xlim()
    with pytest.raises(ValueError, match=r"groups\['x'\] must be \(N, C, H, W\), got shape \(3,\)"):
        plots.training.channel_boxes({"x": np.zeros(3)})


def test_each_seed_has_a_dot_and_each_group_its_mean():
    ax = plots.training.seed_dots({"a": [0.9, 0.9, 0.8], "b": [0.5, 0.6]}, percent=True)
    dots = [c for c in ax.collections if len(c.get_offsets()) in (2, 3)]
    assert sorted(dots[0].get_offsets()[:, 0].tolist()) == [0.8, 0.9, 0.9]
    assert len(set(map(tuple, dots[0].get_offsets().tolist()))) == 3  # equal ones are moved apart
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    with pytest.raises(ValueError, match="groups is empty"):
        plots.training.seed_dots({})


def test_panels_show_their_curve_and_the_reference():
    axes = plots.curve_panels({"stuck": [2, 2, 2], "wild": [2, 5, 9]}, [2, 1, 0], limits=(0, 4))
    assert [ax.get_title(loc="left") for ax in axes] == ["stuck", "wild"]
    for ax in axes:
        assert ax.lines[0].get_ydata().tolist() == [2, 1, 0]
        assert ax.get_ylim() == (0, 4)
    with pytest.raises(ValueError, match="curves is empty"):
        plots.curve_panels({}, [1])
