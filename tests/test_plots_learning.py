"""Figures of the chapter on learning: what stands where."""

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


def test_answers_stand_beside_their_pictures():
    images = np.random.default_rng(0).random((4, 1, 8, 8))
    table = np.eye(4)
    axes = plots.learning.answer_tables(images, {"before": table / 4, "after": table}, list("abcd"))
    assert [ax.get_title() for ax in axes[1:]] == ["before", "after"]
    np.testing.assert_array_equal(axes[2].images[0].get_array(), table)
    assert axes[2].images[0].get_clim() == (0, 1)  # one scale for all tables
    column = axes[0].images[0].get_array()
    assert column.shape == (4 * 9, 8)
    np.testing.assert_allclose(column[9:17], images[1, 0])


def test_tables_of_another_shape_are_refused():
    images = np.zeros((2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"tables\['x'\] must have shape \(2, 3\), got \(3, 2\)"):
        plots.learning.answer_tables(images, {"x": np.zeros((3, 2))}, list("abc"))
    with pytest.raises(ValueError, match="tables must be 1 to 3, got 0"):
        plots.learning.answer_tables(images, {}, list("abc"))


def test_the_way_back_has_an_arrow_down_and_one_up_for_each_layer():
    ax = plots.learning.backward_pass([("conv", "(5, 2)", "weight"), ("ReLU", "(5, 2)", "")])
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    down = [arrow for arrow in arrows if arrow.xy[1] > arrow.get_position()[1]]
    assert len(arrows) == 4 and len(down) == 2
    with pytest.raises(ValueError, match="steps is empty"):
        plots.learning.backward_pass([])


def test_paths_are_drawn_as_they_were_walked():
    walks = {
        "one": np.array([[4.0, 1.0], [2.0, -1.0], [0.0, 0.0]]),
        "two": np.array([[4.0, 1.0], [3.0, 0.5]]),
    }
    axes = plots.learning.valley_paths((1, 20), walks)
    for ax, walk in zip(axes, walks.values(), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), walk)
    assert axes[0].get_xlim() == axes[1].get_xlim()
    with pytest.raises(ValueError, match=r"paths\['bad'\] must have shape \(steps, 2\), got \(2, 3\)"):
        plots.learning.valley_paths((1, 20), {"bad": np.zeros((2, 3))})


def test_channels_have_a_bar_and_a_mean():
    maps = np.random.default_rng(0).normal(size=(20, 3, 4, 4)) + np.array([0, 5, -5]).reshape(3, 1, 1)
    before, after = plots.learning.channel_boxes({"before": maps, "after": np.zeros((2, 3, 1, 1))})
    means = [line.get_xdata()[0] for line in before.lines[:3]]
    np.testing.assert_allclose(means, maps.mean(axis=(0, 2, 3)))
    assert before.get_xlim() == after.get_xlim()
    with pytest.raises(ValueError, match=r"groups\['x'\] must be \(N, C, H, W\), got shape \(3,\)"):
        plots.learning.channel_boxes({"x": np.zeros(3)})


def test_each_seed_has_a_dot_and_each_group_its_mean():
    ax = plots.learning.seed_dots({"a": [0.9, 0.9, 0.8], "b": [0.5, 0.6]}, percent=True)
    dots = [c for c in ax.collections if len(c.get_offsets()) in (2, 3)]
    assert sorted(dots[0].get_offsets()[:, 0].tolist()) == [0.8, 0.9, 0.9]
    assert len(set(map(tuple, dots[0].get_offsets().tolist()))) == 3  # equal ones are moved apart
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    with pytest.raises(ValueError, match="groups is empty"):
        plots.learning.seed_dots({})


def test_panels_show_their_curve_and_the_reference():
    axes = plots.learning.curve_panels({"stuck": [2, 2, 2], "wild": [2, 5, 9]}, [2, 1, 0], limits=(0, 4))
    assert [ax.get_title(loc="left") for ax in axes] == ["stuck", "wild"]
    for ax in axes:
        assert ax.lines[0].get_ydata().tolist() == [2, 1, 0]
        assert ax.get_ylim() == (0, 4)
    with pytest.raises(ValueError, match="curves is empty"):
        plots.learning.curve_panels({}, [1])
