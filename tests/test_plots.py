"""Figures: what stands on the axes, not what color a pixel has; and what bad input is told."""

import subprocess
import sys

import matplotlib as mpl

mpl.use("agg")

import importlib
import io
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from PIL import Image

from cnncourse import plots
from cnncourse.data import ImageSet
from cnncourse.plots import _style


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def every_text(fig):
    fig.canvas.draw()
    return [text for text in fig.findobj(mpl.text.Text) if text.get_text().strip() and text.get_visible()]


def draw_all(rng):
    """Draw one figure of each kind."""
    picture = rng.random((3, 16, 16))
    history = [{"epoch": e, "train_accuracy": 0.1 * e, "validation_accuracy": 0.08 * e} for e in (1, 2, 3)]
    yield plots.pixel_grid(rng.integers(0, 256, (6, 6)), title="patch")
    yield plots.image_grid([picture] * 7, titles=list("abcdefg"))[0]
    yield plots.channels(picture)[0]
    yield plots.kernels({"a": np.eye(3), "b": -np.eye(3) / 3})[0]
    yield plots.feature_maps(rng.normal(size=(5, 8, 8)))[0]
    yield plots.matrix(np.eye(4), names=["ant", "bee", "cat", "dog"], xlabel="predicted", ylabel="true")
    yield plots.lines([1, 10, 100], {"a": [1, 2, 3], "b": [1, 2, 3.01]}, "side", "weights", log="x")
    yield plots.bars({"a": {"x": 0.5, "y": 0.25}, "b": {"x": 0.1, "y": 0.9}}, reference=("guess", 0.1))
    yield plots.histogram(picture)
    yield plots.scatter({"a": (1e3, 2), "b": (4e3, 1)}, "parameters", "accuracy", log="x")
    yield plots.curves({"CNN": history}, metric=("train_accuracy", "validation_accuracy"))


class TestLanguage:
    def test_importing_loads_no_matplotlib(self):
        code = "import sys, cnncourse.plots; sys.exit('matplotlib' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_every_exported_name_is_there(self):
        for name in plots._EXPORTS:
            assert getattr(plots, name) is not None
            assert name in dir(plots)

    def test_every_drawing_is_found_where_the_package_says(self):
        for name, module in plots._EXPORTS.items():
            assert getattr(plots, name) is getattr(importlib.import_module(f"cnncourse.plots.{module}"), name)

    def test_what_one_chapter_draws_is_in_the_module_of_its_name(self):
        chapters = [file.stem for file in Path(plots.__file__).parent.glob("[a-z]*.py")]
        assert sorted(plots._CHAPTERS) == sorted(chapters)
        for chapter in chapters:
            module = getattr(plots, chapter)
            assert all(callable(getattr(module, name)) for name in module.__all__)
            assert not set(module.__all__) & set(plots._EXPORTS)

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="pixel_gird"):
            _ = plots.pixel_gird

    def test_settings_outside_stay_as_they_were(self, rng):
        before = dict(mpl.rcParams)
        list(draw_all(rng))
        assert dict(mpl.rcParams) == before

    def test_text_is_legible_and_cards_are_white_and_of_one_width(self, rng):
        for ax in draw_all(rng):
            fig = ax.figure
            assert fig.get_figwidth() == _style.WIDTH <= 6.4
            assert fig.get_dpi() == 160
            assert mpl.colors.to_hex(fig.get_facecolor()) == "#ffffff"
            for text in every_text(fig):
                assert text.get_fontsize() >= 10, text
                assert text.get_fontsize() <= 12, text

    def test_a_figure_shown_later_looks_the_same(self, rng):
        """A notebook draws the figure after the style's block has ended, perhaps in other settings."""

        def pixels(settings):
            ax = plots.lines([1, 2, 3], {"a": [3, 1, 2]}, xlabel="x", ylabel="y")
            file = io.BytesIO()
            with mpl.rc_context(settings):
                ax.figure.savefig(file, dpi=ax.figure.dpi, facecolor=ax.figure.get_facecolor())
            return np.asarray(Image.open(file))

        with mpl.rc_context({"xtick.labelsize": 30, "ytick.color": "red", "axes.facecolor": "black"}):
            loud = pixels({"xtick.labelsize": 30, "ytick.color": "red", "grid.color": "red", "font.size": 30})
        np.testing.assert_array_equal(loud, pixels({}))

    def test_notebooks_crop_keeps_one_width(self):
        widths = set()
        for ax in (plots.pixel_grid([[1, 2], [3, 4]]), plots.lines([1, 2], {"a": [1, 2]})):
            file = io.BytesIO()
            ax.figure.savefig(file, bbox_inches="tight")
            widths.add(Image.open(file).width)
        assert max(widths) - min(widths) <= 2

    def test_the_palette_tells_lines_apart_without_color(self):
        ax = plots.lines([1, 2], {str(i): [i, i] for i in range(7)})
        assert len({line.get_linestyle() + line.get_marker() for line in ax.lines}) == 7

    def test_text_contrast(self):
        for color in ("signed", "gray", "amount"):
            for level in np.linspace(0, 1, 33):
                shade = _style.color_map(color)(level)
                light, ink = _style.luminance(shade), _style.luminance(_style.text_on(shade))
                ratio = (max(light, ink) + 0.05) / (min(light, ink) + 0.05)
                assert ratio >= 4.5, (color, level)

    def test_a_width_that_no_phone_shows_is_refused(self):
        with pytest.raises(ValueError, match=r"width must be between 1 and 6.4 inches, got 9"):
            plots.figure(width=9)


class TestPixelGrid:
    def test_numbers_and_array(self):
        ax = plots.pixel_grid([[0, 10], [20, 255]])
        assert texts(ax) == ["0", "10", "20", "255"]
        np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 10], [20, 255]])
        assert ax.images[0].get_clim() == (0, 255)

    def test_text_is_black_on_white_and_white_on_black(self):
        ax = plots.pixel_grid([[0, 255]])
        assert [text.get_color() for text in ax.texts] == ["white", "black"]

    def test_signed_is_centered_at_zero(self):
        ax = plots.pixel_grid([[-1.0, 4.0]], color="signed")
        assert ax.images[0].get_clim() == (-4, 4)
        assert texts(ax) == ["−1", "4"]

    @pytest.mark.parametrize(
        ("format", "expected"), [(".1f", "0.2"), (lambda v: f"<{v:.0%}>", "<25%>"), (None, "0.25")]
    )
    def test_format(self, format, expected):  # noqa: A002
        assert texts(plots.pixel_grid([[0.25]], format=format)) == [expected]

    @pytest.mark.parametrize(
        ("highlight", "boxes"),
        [
            ((1, 2), [(1.5, 0.5, 1, 1)]),
            ((0, 1, 2, 3), [(0.5, -0.5, 3, 2)]),
            ([(0, 0), (3, 3)], [(-0.5, -0.5, 1, 1), (2.5, 2.5, 1, 1)]),
            (np.eye(4, dtype=bool)[:, ::-1] & (np.arange(4) == 3), [(2.5, -0.5, 1, 1)]),
        ],
    )
    def test_highlight(self, highlight, boxes):
        ax = plots.pixel_grid(np.zeros((4, 4)), highlight=highlight)
        drawn = [(*p.get_xy(), p.get_width(), p.get_height()) for p in ax.patches[1::2]]
        assert drawn == boxes

    def test_cells_too_small_for_text_have_none(self):
        assert texts(plots.pixel_grid(np.zeros((64, 64)))) == []

    def test_leading_axes_of_one_are_dropped_and_tensors_taken(self):
        ax = plots.pixel_grid(torch.ones(1, 1, 2, 2, requires_grad=True))
        assert ax.images[0].get_array().shape == (2, 2)

    def test_bfloat16(self):
        assert texts(plots.pixel_grid(torch.ones(1, 1, dtype=torch.bfloat16))) == ["1"]

    def test_not_a_number_is_written(self):
        assert texts(plots.pixel_grid([[np.nan, 1.0]])) == ["nan", "1"]

    def test_draws_on_given_axes(self):
        fig, axes = plots.figure(1, 2)
        assert plots.pixel_grid([[1]], ax=axes[1]) is axes[1]
        assert plt.get_fignums() == [fig.number]

    @pytest.mark.parametrize(
        ("values", "kind", "message"),
        [
            ([1, 2, 3], ValueError, r"values must be one plane \(H, W\), got shape \(3,\)"),
            (np.zeros((2, 3, 4)), ValueError, r"got shape \(2, 3, 4\)"),
            ([["a"]], TypeError, r"values must hold real numbers, got dtype <U1"),
            (np.zeros((0, 3)), ValueError, r"values is empty, got shape \(0, 3\)"),
        ],
    )
    def test_bad_values(self, values, kind, message):
        with pytest.raises(kind, match=message):
            plots.pixel_grid(values)

    def test_bad_color(self):
        with pytest.raises(ValueError, match=r"color is unknown: 'gry'. Did you mean 'gray'\?"):
            plots.pixel_grid([[1]], color="gry")

    @pytest.mark.parametrize("highlight", [(1, 2, 3), np.ones((3, 3), dtype=bool)])
    def test_bad_highlight(self, highlight):
        with pytest.raises(ValueError, match="highlight"):
            plots.pixel_grid(np.zeros((2, 2)), highlight=highlight)


class TestImages:
    def test_one_picture_gives_one_axes(self, rng):
        picture = rng.random((3, 4, 5))
        ax = plots.image_grid(picture)
        assert isinstance(ax, Axes)
        np.testing.assert_allclose(ax.images[0].get_array(), picture.transpose(1, 2, 0))

    def test_limits_are_fixed(self):
        ax = plots.image_grid(np.full((4, 4), 0.3))
        assert ax.images[0].get_clim() == (0, 1)
        np.testing.assert_allclose(ax.images[0].get_array(), 0.3)

    def test_uint8_is_divided_by_255(self):
        ax = plots.image_grid(np.full((3, 2, 2), 51, dtype=np.uint8))
        np.testing.assert_allclose(ax.images[0].get_array(), 0.2)

    def test_floats_are_scaled_by_limits_and_clipped(self):
        ax = plots.image_grid(np.array([[-3.0, 0.0, 1.0]]), limits=(-1, 1))
        np.testing.assert_allclose(ax.images[0].get_array(), [[0, 0.5, 1]])

    @pytest.mark.parametrize("shape", [(5, 1, 4, 4), (5, 3, 4, 4)])
    def test_batches(self, rng, shape):
        assert plots.image_grid(rng.random(shape)).shape == (5,)

    def test_lists_of_different_sizes_and_mappings(self, rng):
        axes = plots.image_grid({"large": rng.random((8, 8)), "small": rng.random((3, 4, 4))})
        assert [ax.get_title() for ax in axes] == ["large", "small"]

    def test_a_nested_list_is_one_picture(self):
        assert plots.image_grid([[0, 0.5], [1, 0.5]]).images[0].get_array().shape == (2, 2)

    def test_an_image_set_brings_its_titles(self, rng):
        pixels = rng.integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)
        some = ImageSet(pixels, np.array([1, 0, 1]), ("cat", "dog"), "pets", "train")
        assert [ax.get_title() for ax in plots.image_grid(some)] == ["dog", "cat", "dog"]

    def test_empty_places_of_the_last_row_are_blank(self, rng):
        axes = plots.image_grid(rng.random((5, 1, 4, 4)), columns=3)
        assert len(axes[0].figure.axes) == 6
        assert not axes[0].figure.axes[5].axison

    @pytest.mark.parametrize(
        ("batch", "message"),
        [
            (np.zeros((8, 8, 3)), r"looks like \(H, W, C\): use cnncourse.images.to_channels_first"),
            (np.zeros((5, 8, 8)), r"got shape \(5, 8, 8\); give a batch of gray pictures as \(N, 1, H, W\)"),
            (np.zeros((2, 4, 8, 8)), r"got shape \(4, 8, 8\)"),
            (np.zeros((101, 1, 2, 2)), r"draws 1 to 100 pictures, got 101"),
            ([], r"images is empty"),
        ],
    )
    def test_what_is_no_picture(self, batch, message):
        with pytest.raises(ValueError, match=message):
            plots.image_grid(batch)

    def test_titles_must_be_as_many(self, rng):
        with pytest.raises(ValueError, match="titles must name each of the 2 pictures, got 1"):
            plots.image_grid(rng.random((2, 1, 4, 4)), titles=["one"])

    def test_one_axes_takes_one_picture(self, rng):
        with pytest.raises(ValueError, match="ax takes one picture, got 2"):
            plots.image_grid(rng.random((2, 1, 4, 4)), ax=plots.figure()[1])

    def test_limits_must_be_ordered(self):
        with pytest.raises(ValueError, match=r"low < high, got \(1, 1\)"):
            plots.image_grid(np.zeros((2, 2)), limits=(1, 1))

    def test_channels_are_the_planes(self, rng):
        picture = rng.random((3, 4, 4))
        axes = plots.channels(picture)
        for ax, plane in zip(axes[1:], picture, strict=True):
            np.testing.assert_allclose(ax.images[0].get_array(), plane)

    def test_channels_wants_color(self):
        with pytest.raises(ValueError, match=r"image must have shape \(3, H, W\), got \(4, 4\)"):
            plots.channels(np.zeros((4, 4)))


class TestKernelsAndMaps:
    def test_kernels_share_one_scale(self):
        axes = plots.kernels([np.eye(3), -4 * np.eye(3)])
        assert [ax.images[0].get_clim() for ax in axes] == [(-4, 4), (-4, 4)]

    def test_a_layer_has_a_row_for_each_filter(self, rng):
        axes = plots.kernels(rng.normal(size=(4, 3, 3, 3)))
        assert len(axes) == 12
        assert axes[0].get_gridspec().ncols == 3

    def test_values_can_be_left_out(self, rng):
        assert texts(plots.kernels(rng.normal(size=(3, 3)), values=False)) == []

    def test_names_come_from_a_mapping(self):
        axes = plots.kernels({"one": np.eye(3), "two": np.eye(5)})
        assert [ax.get_title() for ax in axes] == ["one", "two"]

    def test_maps_share_one_scale_which_is_drawn(self):
        axes = plots.feature_maps([np.zeros((4, 4)), np.full((2, 2), 0.5)])
        assert [ax.images[0].get_clim() for ax in axes] == [(0, 1), (0, 1)]
        assert len(axes[0].figure.axes) == 3

    @pytest.mark.parametrize(
        ("shape", "count"), [((4, 4), 1), ((5, 4, 4), 5), ((1, 5, 4, 4), 5), ((5, 1, 4, 4), 5)]
    )
    def test_shapes_of_maps(self, rng, shape, count):
        assert np.atleast_1d(plots.feature_maps(rng.random(shape))).size == count

    def test_negative_maps_are_signed(self):
        assert plots.feature_maps(np.array([[-2.0, 1.0]])).images[0].get_clim() == (-2, 2)

    @pytest.mark.parametrize("draw", [plots.kernels, plots.feature_maps])
    def test_shapes_that_are_neither(self, draw):
        with pytest.raises(ValueError, match=r"\(2, 2, 2, 2, 2\)"):
            draw(np.zeros((2, 2, 2, 2, 2)))

    @pytest.mark.parametrize("draw", [plots.kernels, plots.feature_maps])
    def test_titles_must_be_as_many(self, draw):
        with pytest.raises(ValueError, match="titles must name each of the 2"):
            draw(np.ones((2, 3, 3)), titles=["one"])

    def test_matrix_has_names_numbers_and_a_scale(self):
        ax = plots.matrix([[9, 1], [2, 8]], names=["cat", "dog"])
        assert texts(ax) == ["9", "1", "2", "8"]
        assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "dog"]
        assert ax.images[0].get_clim() == (0, 9)

    def test_matrix_names_must_be_as_many(self):
        with pytest.raises(ValueError, match="titles must name each of the 2 rows, got 3"):
            plots.matrix(np.eye(2), names=["a", "b", "c"])


class TestCharts:
    def test_lines_hold_the_data_and_are_named_at_their_ends(self):
        ax = plots.lines([1, 2, 3], {"a": [1, 2, 3], "b": [3, 2, np.nan]}, xlabel="x", ylabel="y")
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 2, 3])
        assert texts(ax) == ["a", "b"]
        assert ax.texts[1].xy == (2, 2)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")

    def test_names_do_not_overlap(self):
        ax = plots.lines([1, 2], {name: [1, 1] for name in ("a", "two\nlines", "c", "d\nd", "e")})
        ax.figure.canvas.draw()
        boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
        assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))

    def test_bands_and_legend(self):
        ax = plots.lines([1, 2], {"a": [1, 2]}, bands={"a": ([0, 1], [2, 3])}, direct=False)
        assert len(ax.collections) == 1
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a"]

    def test_seeds_are_drawn_as_their_mean_and_span(self):
        runs = {"CNN": [[0.5, 0.7, 0.8], [0.6, 0.7, 1.0], [0.4, 0.7, 0.9]], "chance": [0.1, 0.1, 0.1]}
        ax = plots.lines([1, 2, 3], runs, direct=False)
        np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.5, 0.7, 0.9])
        assert len(ax.collections) == 1, "one line has no seeds, and no band"
        corners = ax.collections[0].get_paths()[0].vertices
        for x, low, high in ((1, 0.4, 0.6), (2, 0.7, 0.7), (3, 0.8, 1.0)):
            heights = corners[corners[:, 0] == x, 1]
            assert (heights.min(), heights.max()) == (low, high)
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert names == ["CNN", "chance", "mean and span of 3 seeds"]
        band = mpl.colors.to_hex(ax.collections[0].get_facecolor()[0])
        assert band == mpl.colors.to_hex(ax.lines[0].get_color())

    def test_a_band_says_what_it_is_where_lines_are_named_at_their_ends(self):
        ax = plots.lines([1, 2], {"a": np.ones((3, 2)), "b": np.zeros((5, 2))})
        assert texts(ax) == ["a", "b"]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mean and span of 3 to 5 seeds"]
        assert plots.lines([1, 2], {"a": [1, 2]}).get_legend() is None

    def test_a_gap_in_one_seed_is_a_gap_in_the_mean(self):
        ax = plots.lines([1, 2], {"a": [[1, np.nan], [3, 4]]})
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, np.nan])

    def test_a_band_of_ones_own_takes_the_place_of_the_span(self):
        ax = plots.lines([1, 2], {"a": np.ones((3, 2))}, bands={"a": ([0, 0], [5, 6])})
        assert len(ax.collections) == 1
        assert ax.collections[0].get_paths()[0].vertices[:, 1].max() == 6
        assert ax.get_legend() is None

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda: plots.lines([1, 2], {"a": np.ones((2, 3))}),
                r"series\['a'\] has 6 values of shape \(2, 3\) \(several seeds are rows\), but x has 2",
            ),
            (
                lambda: plots.lines([1, 2], {"a": [1, 2]}, bands={"b": ([1, 2], [1, 2])}),
                "bands is unknown: 'b'",
            ),
            (
                lambda: plots.lines([1, 2], {"a": [1, 2]}, bands={"a": ([1], [1, 2])}),
                r"bands\['a'\] has 1 values, but x has 2",
            ),
            (lambda: plots.lines([1, 2], {"a": [1]}), r"series\['a'\] has 1 values, but x has 2"),
            (lambda: plots.lines([1], {}), "series is empty"),
            (lambda: plots.lines([1], {"a": [1]}, log="z"), "log must be one of '', 'x', 'y', 'xy', got 'z'"),
            (lambda: plots.scatter({"a": ([1, 2], [1])}), r"points\['a'\] has 2 x values but 1 y values"),
            (lambda: plots.scatter({}), "points is empty"),
            (lambda: plots.bars({}), "values is empty"),
            (lambda: plots.bars({"a": {"x": 1}, "b": {"y": 1}}), r"values\['b'\] has bars \['y'\]"),
            (lambda: plots.histogram(np.zeros((5, 4, 4))), r"with C 1 or 3, got \(5, 4, 4\)"),
            (
                lambda: plots.curves([{"epoch": 1, "loss": 2}], metric="accurac"),
                "they have epoch, loss",
            ),
        ],
    )
    def test_bad_input(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()
        assert plt.get_fignums() == [], "a refused call leaves no empty figure behind"

    def test_bars_have_lengths_and_numbers(self):
        ax = plots.bars({"MLP": 0.45, "CNN": 0.83}, percent=True)
        assert [bar.get_width() for bar in ax.patches] == [0.45, 0.83]
        assert texts(ax) == ["45%", "83%"]
        assert max(ax.get_xticks()) == 1
        assert [label.get_text() for label in ax.get_yticklabels()] == ["MLP", "CNN"]

    def test_a_loss_goes_left_and_its_number_beyond_it(self):
        ax = plots.bars({"up": 2.0, "down": -1.0}, format=lambda value: f"{value:+.1f}")
        assert [bar.get_width() for bar in ax.patches] == [2.0, -1.0]
        (up, down), (left, _) = ax.texts, ax.get_xlim()
        assert (up.get_ha(), down.get_ha(), down.xy[0]) == ("left", "right", -1.0)
        assert left < -1.3

    def test_groups_differ_in_hatch_and_have_whiskers(self):
        values = {"MLP": {"plain": 0.5, "shuffled": 0.5}, "CNN": {"plain": 0.8, "shuffled": 0.4}}
        ax = plots.bars(
            values, errors={"MLP": {"plain": 0.1, "shuffled": 0.1}, "CNN": {"plain": 0, "shuffled": 0}}
        )
        assert len({bar.get_hatch() for bar in ax.patches}) == 2
        assert len(ax.get_legend().get_texts()) == 2

    def test_the_histogram_counts_every_pixel(self, rng):
        ax = plots.histogram(rng.integers(0, 256, (2, 3, 8, 8), dtype=np.uint8), bins=16)
        for patch in ax.patches:
            counts, edges, _ = patch.get_data()
            assert counts.sum() == pytest.approx(1)
            assert (edges[0], edges[-1]) == (0, 256)

    def test_clouds_have_a_legend_and_single_points_names(self, rng):
        clouds = plots.scatter({"a": rng.random((2, 9)), "b": rng.random((2, 9))}, diagonal=True)
        assert clouds.get_legend() is not None
        assert texts(plots.scatter({"a": (1, 2), "b": (2, 1)})) == ["a", "b"]

    def test_curves_of_several_runs(self):
        runs = {
            name: [{"epoch": e, "validation_accuracy": k * e / 10} for e in (1, 2)]
            for k, name in enumerate("ab", 1)
        }
        ax = plots.curves(runs)
        np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.2, 0.4])
        ax.figure.canvas.draw()
        assert ax.get_yticklabels()[0].get_text().endswith("%")

    def test_curves_of_one_history_and_of_a_record(self):
        class Record:
            history = ({"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": None})

        ax = plots.curves(Record.history, metric="train_loss")
        assert len(ax.lines[0].get_ydata()) == 1
        assert plots.curves({"run": Record()}, metric="train_loss").get_ylabel() == "train loss"
