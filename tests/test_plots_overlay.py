"""Heat maps over images: their colors, lines and scale."""

import matplotlib as mpl

mpl.use("agg")

import numpy as np
import pytest
from matplotlib.contour import ContourSet

from cnncourse import data, plots
from cnncourse.plots import _style


def ramp(size=8, low=0.0, high=1.0):
    return np.linspace(low, high, size * size).reshape(size, size)


def contours(ax):
    return [each for each in ax.get_children() if isinstance(each, ContourSet)]


class TestOverlay:
    def test_zero_is_gray_and_more_is_orange(self):
        image = np.full((3, 8, 8), 0.5)
        drawn = plots.overlay(image, ramp()).images[0].get_array()
        first, last = drawn[0, 0], drawn[-1, -1]
        assert np.asarray(first) == pytest.approx([0.7] * 3, abs=0.01)
        assert last[0] > last[1] > last[2]

    def test_below_zero_is_blue_on_a_scale_that_is_level(self):
        ax = plots.overlay(np.ones((3, 8, 8)), ramp(low=-0.5, high=0.25))
        drawn = ax.images[0].get_array()
        assert drawn[0, 0, 2] > drawn[0, 0, 0]
        assert drawn[-1, -1, 0] > drawn[-1, -1, 2]
        bar = ax.figure.axes[-1]
        assert bar.get_ylim() == pytest.approx((-0.5, 0.5))

    def test_what_is_in_the_image_stays_visible(self):
        image = np.zeros((1, 8, 8))
        image[:, ::2] = 1
        drawn = plots.overlay(image, np.ones((8, 8))).images[0].get_array()
        assert np.abs(np.diff(drawn[..., 0], axis=0)).min() > 0.2

    def test_a_line_goes_around_half_of_the_largest_value(self):
        signed = plots.overlay(np.ones((3, 8, 8)), ramp(low=-1), label="fall")
        (lines,) = contours(signed)
        assert lines.levels.tolist() == [-0.5, 0.5]
        (line,) = contours(plots.overlay(np.ones((3, 8, 8)), ramp()))
        assert line.levels.tolist() == [0.5]
        assert contours(plots.overlay(np.ones((3, 8, 8)), np.zeros((8, 8)))) == []
        assert signed.figure.get_supxlabel() == "fall"

    def test_maps_share_one_scale_and_images_may_be_a_set(self):
        images = data.load("digits").subset([0, 1, 2])
        maps = np.stack([ramp(), ramp() / 2, ramp() / 4])
        axes = plots.overlay(images, maps)
        assert [ax.get_title() for ax in axes] == [images.classes[label] for label in images.labels]
        assert [bool(contours(ax)) for ax in axes] == [True, False, False]
        assert axes[0].figure.axes[-1].get_ylim() == pytest.approx((0, 1))
        assert plots.overlay(images, maps, limits=(0, 2))[0].figure.axes[-1].get_ylim() == (0, 2)

    def test_the_two_color_maps_agree_above_zero(self):
        heat, signed = (_style.color_map(name) for name in ("heat", "opposed"))
        assert heat(1.0) == signed(1.0)
        assert heat(0.0) == pytest.approx(signed(0.5), abs=0.01)

    @pytest.mark.parametrize(
        ("images", "maps", "message"),
        [
            (np.ones((2, 3, 8, 8)), np.ones((3, 8, 8)), "one for each of 1 to 100 images, got 3 for 2"),
            (np.ones((3, 8, 8)), np.ones((4, 4)), r"as large as its image \(8, 8\), got \(4, 4\)"),
            (np.ones((5, 8, 8)), np.ones((8, 8)), r"images must hold pictures"),
        ],
    )
    def test_what_does_not_fit_is_named(self, images, maps, message):
        with pytest.raises(ValueError, match=message):
            plots.overlay(images, maps)

    def test_titles_must_be_one_for_each(self):
        with pytest.raises(ValueError, match="titles must name each of the 1 images, got 2"):
            plots.overlay(np.ones((3, 8, 8)), ramp(), titles=["a", "b"])
