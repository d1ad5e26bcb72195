"""Figures of the chapter on learning: what stands where."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from cnncourse import plots
from cnncourse.plots import INPUT, KERNEL, OUTPUT


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


def small_graph():
    """Return w x + x, in which x has a way past the product."""
    nodes = {
        "x": ("x", (0, 0), ()),
        "w": ("w", (0, 1), ()),
        "u": ("×", (1, 0), "xw"),
        "y": ("+", (2, 0), "ux"),
    }
    return nodes, {"x": 2, "w": -3, "u": -6, "y": -4}, {"x": -2, "w": 2, "u": 1, "y": 1}


def test_a_graph_shows_values_above_and_gradients_below():
    nodes, values, gradients = small_graph()
    ax = plots.learning.computational_graph(nodes, values, gradients, learned="w")
    place = {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}
    assert {"−6", "−4", "−3", "−2"} <= set(place)  # true minus signs
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4
    bent = [a for a in arrows if "rad=-0.5" in str(a.arrowprops["connectionstyle"])]
    assert len(bent) == 1  # the way from x past the product
    above = next(t for t in ax.texts if t.get_text() == "−6")
    below = [t for t in ax.texts if t.get_text() == "1"]
    assert above.get_position()[1] < 0 < min(t.get_position()[1] for t in below)


def test_a_graph_colors_what_is_given_learned_and_found():
    nodes, values, _ = small_graph()
    ax = plots.learning.computational_graph(nodes, values, learned="w")
    edges = [to_hex(circle.get_edgecolor()) for circle in ax.patches if isinstance(circle, Circle)]
    assert edges[:2] == [INPUT.lower(), KERNEL.lower()]
    assert edges[-1] == OUTPUT.lower()
    assert len(ax.texts) == 4 + 4 + 4  # arrows, names, values; no gradients


def test_graphs_that_do_not_hold_together_are_refused():
    nodes, values, _ = small_graph()
    with pytest.raises(ValueError, match="nodes is empty"):
        plots.learning.computational_graph({}, {})
    with pytest.raises(ValueError, match=r"nodes\['u'\] has a source that does not come before it: \['v'\]"):
        plots.learning.computational_graph({"x": nodes["x"], "u": ("×", (1, 0), "xv")}, values)
    with pytest.raises(ValueError, match=r"nodes\['w'\] needs a value, and a gradient"):
        plots.learning.computational_graph(nodes, {"x": 2})
    with pytest.raises(ValueError, match=r"nodes\['x'\] needs a value, and a gradient"):
        plots.learning.computational_graph(nodes, values, {"w": 1})
