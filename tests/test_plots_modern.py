"""Families of networks and patches of an image: axes, artists, messages."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_families_are_lines_with_their_members():
    ax = plots.modern.families({"A": ([1, 10, 100], [0.7, 0.8, 0.75]), "B": (5, 0.9)}, "work", "right")
    assert [line.get_label() for line in ax.lines] == ["A", "B"]
    assert ax.lines[0].get_ydata().tolist() == [0.7, 0.8, 0.75]
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "work"
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert ax.yaxis.get_major_formatter()(0.75, 0) == "75%"


def test_families_below_the_legend():
    ax = plots.modern.families({f"family {i}": ([1, 2], [i, i + 1]) for i in range(7)}, percent=False)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1
    assert legend.x1 <= ax.figure.bbox.x1


def test_families_messages():
    with pytest.raises(ValueError, match="members must hold 1 to 7 families, got 0"):
        plots.modern.families({})
    with pytest.raises(ValueError, match=r"members\['A'\] has 2 x values but 1 y values"):
        plots.modern.families({"A": ([1, 2], [3])})


def test_patches_keep_all_pixels():
    picture = np.random.default_rng(0).random((3, 8, 12))
    ax = plots.modern.patches(picture, 4)
    assert len(ax.images) == 6
    second = ax.images[1].get_array()
    assert np.allclose(second, np.moveaxis(picture[:, :4, 4:8], 0, -1))
    with pytest.raises(ValueError, match="patches of 5 do not fill an image of 8x12"):
        plots.modern.patches(picture, 5)


def test_patches_in_another_order_lie_beside_the_first():
    picture = np.random.default_rng(0).random((3, 8, 12))
    axes = plots.modern.patches(picture, 4, order=[5, 4, 3, 2, 1, 0])
    first, second = ([image.get_array() for image in ax.images] for ax in axes)
    assert all(np.array_equal(a, b) for a, b in zip(first, second[::-1], strict=True))
    assert [text.get_text() for text in axes[1].texts] == ["5", "4", "3"]
    with pytest.raises(ValueError, match=r"order must name each of the 6 patches once, got \[0, 0\]"):
        plots.modern.patches(picture, 4, order=[0, 0])
