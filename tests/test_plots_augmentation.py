"""Figures of the chapter on augmentation: points, shares, amounts, seeds, messages."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_sources_shows_every_pixel_and_point_and_shares_that_sum_to_one():
    points = np.array([[-0.3, 0.2], [2.25, 0.5], [1.0, 2.9]])
    ax = plots.augmentation.sources(points, (3, 4), marked=1)
    pixels, looked, marked = ax.lines[:3]
    assert sorted(zip(*pixels.get_data(), strict=True)) == [(x, y) for x in range(4) for y in range(3)]
    np.testing.assert_allclose(np.stack(looked.get_data(), axis=1), points)
    assert [float(values[0]) for values in marked.get_data()] == [2.25, 0.5]
    shares = {text.xy: float(text.get_text()) for text in ax.texts}
    assert shares == {(2, 0): 0.38, (3, 0): 0.12, (2, 1): 0.38, (3, 1): 0.12}
    low, high = ax.get_ylim()
    assert low > 2.9 and high < -0.3  # y points down, and every point is inside
    assert ax.get_xlim()[0] < -0.3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "pixels of the input",
        "where the output's pixels look",
    ]


def test_sources_draws_on_an_axes_of_yours():
    _, mine = plt.subplots()
    assert plots.augmentation.sources([[0.5, 0.5]], (2, 2), 0, ax=mine) is mine


@pytest.mark.parametrize(
    ("points", "marked", "message"),
    [
        ([[1, 2, 3]], 0, r"points must be pairs \(x, y\), got shape \(1, 3\)"),
        ([[0.5, 0.5]], 1, "marked must be one of 1 points, got 1"),
        ([[1.5, 0.5]], 0, r"the marked point \(1.5, 0.5\) must be between pixels of the 2x2 image"),
        ([[0.5, -0.1]], 0, "must be between pixels"),
        ([], 0, "points is empty"),
    ],
)
def test_sources_messages(points, marked, message):
    with pytest.raises(ValueError, match=message):
        plots.augmentation.sources(points, (2, 2), marked)
    assert plt.get_fignums() == []


def test_mixed_draws_each_label_below_its_picture():
    pictures = [np.zeros((3, 8, 8)), np.ones((3, 8, 8)), np.zeros((3, 8, 8))]
    axes = plots.augmentation.mixed(pictures, [[1, 0], [0, 1], [0.75, 0.25]], ["cat", "cup"], ["a", "b", "c"])
    assert axes.shape == (2, 3)
    assert [ax.get_title() for ax in axes[0]] == ["a", "b", "c"]
    assert [[bar.get_width() for bar in ax.patches] for ax in axes[1]] == [[1, 0], [0, 1], [0.75, 0.25]]
    assert [text.get_text() for text in axes[1, 2].texts] == ["75%", "25%"]
    assert [label.get_text() for label in axes[1, 0].get_yticklabels()] == ["cat", "cup"]
    low, high = axes[1, 0].get_ylim()
    assert low > high  # the first class on top


def test_mixed_messages():
    with pytest.raises(ValueError, match=r"shares must have shape \(1, 2\).*got \(1, 3\)"):
        plots.augmentation.mixed([np.zeros((3, 8, 8))], [[1, 0, 0]], ["cat", "cup"])
    with pytest.raises(ValueError, match="titles must name each of the 1 pictures, got 2"):
        plots.augmentation.mixed([np.zeros((3, 8, 8))], [[1, 0]], ["cat", "cup"], ["a", "b"])
    assert plt.get_fignums() == []


def test_changes_has_a_panel_a_change_with_means_and_spans():
    networks = {"without": [[0.9, 0.5, 0.1], [0.7, 0.3, 0.3]], "with": [0.8, 0.8, 0.7]}
    factors = {name: np.asarray(values)[..., :2] for name, values in networks.items()}
    axes = plots.augmentation.changes(
        {"angle": ([0, 45, 90], networks), "scale": ([0.5, 1], factors)}, {"angle": "degrees"}, chance=0.1
    )
    assert [ax.get_title(loc="left") for ax in axes] == ["angle", "scale"]
    assert [ax.get_xscale() for ax in axes] == ["linear", "log"]
    assert [ax.get_xlabel() for ax in axes] == ["degrees", ""]
    without, other = axes[0].lines[:2]
    np.testing.assert_allclose(without.get_ydata(), [0.8, 0.4, 0.2])
    np.testing.assert_allclose(other.get_ydata(), networks["with"])
    band = axes[0].collections[0].get_paths()[0].vertices
    assert {(0.0, 0.7), (0.0, 0.9), (90.0, 0.1), (90.0, 0.3)} <= {tuple(point) for point in band.round(9)}
    looks = [(to_rgb(line.get_color()), line.get_linestyle()) for line in axes[1].lines[:2]]
    assert looks == [(to_rgb(line.get_color()), line.get_linestyle()) for line in (without, other)]
    assert looks[0] != looks[1]
    assert all(set(ax.lines[2].get_ydata()) == {0.1} for ax in axes)
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["without", "with"]


def test_the_fifth_change_leaves_room_for_the_names():
    axes = plots.augmentation.changes({f"{n}": ([0, 1], {"CNN": [1, 0]}) for n in range(5)})
    assert len(axes) == 5
    rest = axes[0].figure.axes[5]
    assert not rest.axison and [text.get_text() for text in rest.get_legend().get_texts()] == ["CNN"]
    axes[0].figure.canvas.draw()
    ticks = [label.get_text() for label in axes[0].get_xticklabels()]
    assert ticks == ["0", "1"]


def test_changes_messages():
    with pytest.raises(ValueError, match=r"'a', 'CNN' has shape \(1, 3\), but there are 2 amounts"):
        plots.augmentation.changes({"a": ([0, 1], {"CNN": [1, 0, 0]})})
    with pytest.raises(ValueError, match=r"curves\['a'\] is empty: give at least one network"):
        plots.augmentation.changes({"a": ([0, 1], {})})
    assert plt.get_fignums() == []
