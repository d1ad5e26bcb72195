"""The visual language: what a color means, what can be read on it, scales that are shared, room for words."""

import colorsys
import itertools

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color, to_hex, to_rgb
from matplotlib.container import ErrorbarContainer

from cnncourse import plots
from cnncourse.plots import _style


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def hue(color):
    """Return the hue in degrees: 0 red, 120 green, 240 blue."""
    return 360 * colorsys.rgb_to_hsv(*to_rgb(color))[0]


def light(color):
    """Return the relative luminance as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def cells(ax):
    """Yield each text in a grid of numbers with the color of its cell."""
    image = ax.images[0]
    for text in ax.texts:
        column, row = (round(place) for place in text.get_position())
        yield text, image.cmap(image.norm(image.get_array()[row, column]))


class TestColors:
    def test_input_is_blue_kernel_orange_output_green(self):
        assert 190 < hue(plots.INPUT) < 220
        assert 30 < hue(plots.KERNEL) < 50
        assert 150 < hue(plots.OUTPUT) < 170

    def test_the_colors_of_the_palette_are_different(self):
        assert len({to_hex(color) for color in plots.PALETTE}) == len(plots.PALETTE) == 7

    @pytest.mark.parametrize("looks", [_style.LINE_STYLES, _style.MARKERS, _style.HATCHES])
    def test_each_color_has_dashes_a_marker_and_a_hatch_of_its_own(self, looks):
        assert len(set(looks)) == len(looks) == len(plots.PALETTE)

    def test_luminance_is_that_of_the_standard(self):
        for color in (*plots.PALETTE, "red", "lime", "blue", "#808080"):
            assert _style.luminance(color) == pytest.approx(light(color))

    @pytest.mark.parametrize(
        "color", ["black", "white", "#777777", "#0072B2", "#E69F00", "#D55E00", "#808080"]
    )
    def test_text_is_in_the_ink_of_more_contrast(self, color):
        best = max(("black", "white"), key=lambda ink: contrast(ink, color))
        assert _style.text_on(color) == best

    def test_signed_is_blue_below_white_at_and_orange_above_zero(self):
        low, zero, high = (_style.color_map("signed")(level) for level in (0.2, 0.5, 0.8))
        assert 190 < hue(low[:3]) < 220
        assert 20 < hue(high[:3]) < 50
        assert min(zero[:3]) > 0.98

    def test_amount_gets_darker_and_gray_lighter(self):
        levels = np.linspace(0, 1, 9)
        amount = [light(_style.color_map("amount")(level)) for level in levels]
        gray = [light(_style.color_map("gray")(level)) for level in levels]
        assert amount == sorted(amount, reverse=True)
        assert gray == sorted(gray)
        assert (amount[0], gray[-1]) == (pytest.approx(1), pytest.approx(1))

    def test_frames_are_in_the_color_of_what_they_mark(self):
        marked = plots.pixel_grid(np.zeros((3, 3)), highlight=(1, 1))
        assert same_color(marked.patches[-1].get_edgecolor(), plots.KERNEL)
        axes = plots.convolution.conv_step(np.eye(3), np.eye(2), row=0, column=1)
        frames = [ax.patches[-1].get_edgecolor() if ax.patches else None for ax in axes]
        assert frames[1] is None
        assert same_color(frames[0], plots.KERNEL)
        assert same_color(frames[2], plots.OUTPUT)


class TestContrast:
    @pytest.mark.parametrize("color", [_style.INK, _style.MUTED])
    def test_words_are_dark_enough(self, color):
        assert contrast(color, "white") >= 4.5

    def test_names_beside_lines_and_points_are_legible_and_in_their_color(self):
        names = [str(i) for i in range(7)]
        drawn = plots.lines([1, 2], {name: [i, i] for i, name in enumerate(names)})
        points = plots.scatter({name: (i, i) for i, name in enumerate(names)})
        for ax in (drawn, points):
            for text, color in zip(ax.texts, plots.PALETTE, strict=True):
                assert contrast(text.get_color(), "white") >= 4.5
                if max(to_rgb(color)) > 0:
                    assert hue(text.get_color()) == pytest.approx(hue(color), abs=3)

    def test_what_is_dark_enough_keeps_its_color(self):
        ax = plots.lines([1, 2], {"a": [1, 2]}, colors={"a": "#00304d"})
        assert same_color(ax.texts[0].get_color(), "#00304d")

    @pytest.mark.parametrize(
        "draw",
        [
            lambda: plots.pixel_grid(np.linspace(0, 255, 36).astype(np.uint8).reshape(6, 6)),
            lambda: plots.kernels(np.linspace(-2, 2, 25).reshape(5, 5)),
            lambda: plots.matrix(np.linspace(0, 40, 36).reshape(6, 6).round()),
            lambda: plots.matrix(np.linspace(-9, 9, 16).reshape(4, 4).round()),
        ],
    )
    def test_numbers_in_cells(self, draw):
        written = list(cells(draw()))
        assert len(written) >= 16
        for text, color in written:
            assert contrast(text.get_color(), color[:3]) >= 4.5, text


class TestScales:
    def test_an_amount_begins_at_zero(self):
        assert plots.matrix([[5.0, 9.0]]).images[0].get_clim() == (0, 9)
        assert plots.pixel_grid([[5.0, 9.0]], color="gray").images[0].get_clim() == (5, 9)

    def test_stored_values_have_the_scale_of_their_type(self):
        assert plots.pixel_grid(np.array([[10, 20]], np.uint8)).images[0].get_clim() == (0, 255)
        assert plots.pixel_grid(np.array([[0, 1]])).images[0].get_clim() == (0, 1)
        assert plots.pixel_grid([[0.25, 0.5]]).images[0].get_clim() == (0, 1)

    def test_a_matrix_with_values_below_zero_is_signed(self):
        ax = plots.matrix([[-3.0, 1.0]])
        assert ax.images[0].get_clim() == (-3, 3)
        assert ax.images[0].get_cmap() == _style.color_map("signed")

    def test_feature_maps_share_the_scale_of_all(self):
        axes = plots.feature_maps([np.full((2, 2), 2.0), np.full((2, 2), 6.0), np.full((2, 2), 4.0)])
        assert {ax.images[0].get_clim() for ax in axes} == {(2, 6)}
        signed = plots.feature_maps([np.ones((2, 2)), np.full((2, 2), -5.0)])
        assert {ax.images[0].get_clim() for ax in signed} == {(-5, 5)}
        assert signed[0].images[0].get_cmap() == _style.color_map("signed")

    def test_signals_share_a_scale_with_input_blue_and_outputs_green(self):
        axes = plots.signals([0, 1, 2], {"in": [0, 1, 0], "low": [-3, 0, 0], "high": [0, 0, 5]})
        assert len({ax.get_ylim() for ax in axes}) == 1
        assert axes[0].get_ylim()[0] < -3
        assert axes[0].get_ylim()[1] > 5
        colors = [ax.lines[0].get_color() for ax in axes]
        assert colors == [plots.INPUT, plots.OUTPUT, plots.OUTPUT]

    def test_a_logarithmic_axis_over_a_narrow_range_has_plain_numbers(self):
        def ticks(values):
            ax = plots.lines([1, 2, 3], {"a": values}, log="y")
            ax.figure.canvas.draw()
            low, high = ax.get_ylim()
            pairs = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
            return [label.get_text() for place, label in pairs if low <= place <= high]

        assert {"20", "50", "100", "200", "500"} <= set(ticks([20, 50, 600]))
        assert any("10^" in label for label in ticks([1, 10, 1e5]))

    def test_percent_is_a_hundred_times_the_fraction(self):
        ax = plots.lines([1, 2], {"a": [0.0, 1.0]}, percent=True)
        assert ax.yaxis.get_major_formatter()(0.25) == "25%"

    def test_few_points_have_markers_and_many_have_none(self):
        few, many = (plots.lines(range(n), {"a": range(n)}).lines[0].get_marker() for n in (20, 21))
        assert (few, many) == ("o", "None")

    def test_the_diagonal_is_where_both_are_equal(self):
        ax = plots.scatter({"a": ([0, 4], [1, 3])}, diagonal=True)
        assert ax.lines[0].get_xy1() == (0.5, 0.5)
        assert ax.lines[0].get_slope() == 1

    def test_points_of_a_cloud_can_be_seen(self):
        assert plots.scatter({"a": ([0, 4], [1, 3])}).collections[0].get_alpha() >= 0.5


class TestBars:
    GROUPS = {"a": {"x": 3.0, "y": 1.0}, "b": {"x": 2.0, "y": 4.0}}  # noqa: RUF012 - read only
    ERRORS = {"a": {"x": 0.5, "y": 0.1}, "b": {"x": 0.0, "y": 1.0}}  # noqa: RUF012

    def test_bars_stand_in_order_side_by_side_without_overlap(self):
        ax = plots.bars(self.GROUPS)
        spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        assert spans[1][0] - spans[0][1] < 0.1 < spans[2][0] - spans[1][1], "groups are told apart by a gap"
        assert ax.yaxis_inverted(), "the first is at the top"
        assert [bar.get_width() for bar in sorted(ax.patches, key=lambda bar: bar.get_y())] == [3, 1, 2, 4]

    def test_numbers_stand_behind_the_whiskers(self):
        ax = plots.bars(self.GROUPS, errors=self.ERRORS)
        assert [text.xy[0] for text in ax.texts] == [3.5, 2, 1.1, 5]
        middles = [bar.get_y() + bar.get_height() / 2 for bar in ax.patches]
        assert [text.xy[1] for text in ax.texts] == pytest.approx(middles)
        whiskers = [
            tuple(line[:, 0])
            for container in ax.containers
            if isinstance(container, ErrorbarContainer)
            for line in container.lines[2][0].get_segments()
        ]
        assert whiskers == [(2.5, 3.5), (2, 2), (0.9, 1.1), (3, 5)]
        assert [text.xy[0] for text in plots.bars({"a": 2.0}).texts] == [2]

    @pytest.mark.parametrize("options", [{}, {"log": True}, {"percent": True}])
    def test_there_is_room_for_the_numbers(self, options):
        ax = plots.bars({"a": 900.0, "b": 20.0}, **options)
        ax.figure.canvas.draw()
        right = ax.get_window_extent().x1
        assert all(text.xy[0] < ax.get_xlim()[1] for text in ax.texts), "else they are not drawn"
        assert all(text.get_window_extent().x1 <= right for text in ax.texts)

    def test_the_reference_is_where_it_should_be(self):
        ax = plots.bars({"a": 0.5}, reference=("guess", 0.1))
        assert set(ax.lines[-1].get_xdata()) == {0.1}
        assert ax.texts[-1].get_text() == "guess"

    def test_colors_of_ones_own(self):
        one = plots.bars({"a": 1, "b": 2}, colors=["red", "blue"])
        assert [to_hex(bar.get_facecolor()) for bar in one.patches] == ["#ff0000", "#0000ff"]
        groups = plots.bars(self.GROUPS, colors=["red", "blue"])
        assert [to_hex(bar.get_facecolor()) for bar in groups.patches] == ["#ff0000"] * 2 + ["#0000ff"] * 2

    def test_members_of_groups_have_colors_of_the_palette(self):
        drawn = [to_hex(bar.get_facecolor()) for bar in plots.bars(self.GROUPS).patches]
        assert drawn == [color.lower() for color in plots.PALETTE[:2] for _ in range(2)]

    def test_the_histogram_of_a_channel_is_in_its_color(self):
        image = np.stack([np.full((2, 2), value, np.uint8) for value in (0, 128, 255)])
        drawn = plots.histogram(image, bins=4).patches
        assert [patch.get_label() for patch in drawn] == ["red", "green", "blue"]
        assert [patch.get_data()[0].argmax() for patch in drawn] == [0, 2, 3]
        for patch, expected in zip(drawn, (20, 160, 205), strict=True):
            assert hue(patch.get_edgecolor()) == pytest.approx(expected, abs=20)
