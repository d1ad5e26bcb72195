"""Figures of the chapter on activations: what is drawn where."""

import numpy as np
import pytest

from cnncourse import plots


def test_function_and_derivative_share_a_panel_and_all_panels_an_axis():
    x = np.linspace(-1, 1, 11)
    axes = plots.activations.activation_curves(
        x, {"square": (x**2, 2 * x), "flat": (0 * x, 0 * x), "line": (x, 0 * x + 1)}
    )
    assert [ax.get_title(loc="left") for ax in axes] == ["square", "flat", "line"]
    drawn = {line.get_label(): line.get_ydata() for line in axes[0].lines}
    assert np.array_equal(drawn["function"], x**2)
    assert np.array_equal(drawn["derivative"], 2 * x)
    assert len({ax.get_ylim() for ax in axes}) == 1
    assert axes[0].get_ylim()[0] < -2 < 2 < axes[0].get_ylim()[1]


def test_histograms_count_all_values_those_beyond_the_ends_too():
    layers = {"first": np.array([-5.0, -0.9, 0.1, 0.2]), "last": np.zeros(3)}
    axes = plots.activations.layer_histograms({"one": layers, "two": layers}, limits=(-1, 1), bins=4)
    assert axes.shape == (2, 2)
    assert axes[0, 1].patches[0].get_data().values.tolist() == [2, 0, 2, 0]
    assert axes[1, 0].get_ylabel() == "last"
    assert axes[0, 0].get_title() == "one"


def test_errors_are_drawn_for_each_seed_and_named_once():
    ax = plots.error_curves({"ReLU": [[0.5, 0.2], [0.6, 0.3]], "tanh": [[0.7, 0.6, 0.5]]}, goal=0.25)
    assert [line.get_xdata().tolist() for line in ax.lines[:3]] == [[1, 2], [1, 2], [1, 2, 3]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ReLU", "tanh"]
    assert ax.lines[3].get_ydata()[0] == 0.25
    assert ax.texts[0].get_text() == "25%"
    assert ax.lines[0].get_linestyle() != ax.lines[2].get_linestyle()


def test_messages():
    with pytest.raises(ValueError, match=r"curves\['a'\] has 2 values and 3 slopes, but x has 3"):
        plots.activations.activation_curves([1, 2, 3], {"a": ([1, 2], [1, 2, 3])})
    with pytest.raises(ValueError, match="curves is empty"):
        plots.activations.activation_curves([1], {})
    with pytest.raises(ValueError, match=r"values\['b'\] has layers \['2'\], the first has \['1'\]"):
        plots.activations.layer_histograms({"a": {"1": [0]}, "b": {"2": [0]}})
    with pytest.raises(ValueError, match="values is empty"):
        plots.activations.layer_histograms({})
    with pytest.raises(ValueError, match=r"errors\['a'\] has no seed"):
        plots.error_curves({"a": []})
    with pytest.raises(ValueError, match="errors is empty"):
        plots.error_curves({})
