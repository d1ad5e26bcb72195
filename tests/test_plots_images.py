"""The drawings of the chapter on images: what stands on the axes, and what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots
from cnncourse.images import to_channels_last
from cnncourse.plots import images


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_all_drawings_are_found_through_the_package():
    for name in images.__all__:
        assert getattr(plots.images, name) is getattr(images, name)


def test_zoom_marks_the_square_whose_values_it_writes():
    image = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
    left, right = plots.images.zoom(image, top=3, left=5, size=4)
    (box,) = left.patches
    assert box.get_xy() == (4.5, 2.5)
    assert (box.get_width(), box.get_height()) == (4, 4)
    assert [text.get_text() for text in right.texts] == [str(v) for v in image[3:7, 5:9].ravel()]
    assert left.images[0].get_clim() == (0, 255)


@pytest.mark.parametrize(("top", "left", "size"), [(-1, 0, 6), (0, 11, 6), (7, 0, 6), (0, 0, 9)])
def test_zoom_refuses_a_square_outside(top, left, size):
    with pytest.raises(
        ValueError, match=rf"square of {size} pixels at row {top}, column {left} must be at most"
    ):
        plots.images.zoom(np.zeros((12, 16)), top, left, size)
    with pytest.raises(ValueError, match=r"image must be \(H, W\), got shape \(3, 12, 16\)"):
        plots.images.zoom(np.zeros((3, 12, 16)), 0, 0)


def test_gray_swatches_are_painted_in_the_grays_that_they_name():
    ax = plots.images.gray_swatches({"blue": (0, 0, 1), "yellow": (1, 1, 0)})
    assert [text.get_text() for text in ax.texts] == ["blue", "0.33", "0.11", "yellow", "0.67", "0.89"]
    assert ax.patches[5].get_facecolor()[:3] == pytest.approx((0.886,) * 3)


def test_memory_reads_arrays_in_c_order():
    names = np.array([[["R0", "R1"]], [["G0", "G1"]], [["B0", "B1"]]])
    ax = plots.images.memory({"first": names, "last": to_channels_last(names)})
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["first", "R0", "R1", "G0", "G1", "B0", "B1", "last", "R0", "G0", "B0", "R1", "G1", "B1"]


def test_sampling_keeps_every_nth_pixel():
    row = np.linspace(0, 1, 11)
    (ax,) = plots.images.sampling({"ramp": row}, every=3)
    x, y = ax.lines[1].get_data()
    np.testing.assert_array_equal(x, [0, 3, 6, 9])
    np.testing.assert_allclose(y, row[[0, 3, 6, 9]])
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        plots.images.sampling({"ramp": row}, every=0)


def test_neighbor_pairs_titles_tell_the_correlation():
    image = np.tile(np.linspace(0, 1, 16), (4, 1))
    axes = plots.images.neighbor_pairs(image, [1, 4])
    assert [ax.get_title().splitlines() for ax in axes] == [
        ["distance 1", "correlation 1.00"],
        ["distance 4", "correlation 1.00"],
    ]
