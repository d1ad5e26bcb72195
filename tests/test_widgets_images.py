"""What the widgets of the chapter on images compute, in Node, held against the package."""

import json

import numpy as np
import pytest
from in_node import in_node, in_the_book

from cnncourse import data, images

widget_data = pytest.importorskip("tools.sphinx_ext.widget_data", reason="the book is not here")
pytestmark = in_the_book


def image_of(array):
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def array_of(image):
    return np.array(image["data"], dtype=float).reshape(image["shape"])


@pytest.fixture(scope="module")
def dense():
    """Return what the widget is given to read digits with."""
    return widget_data.dense_layer()


class TestThinning:
    @pytest.mark.parametrize("sigma", [0.5, 1.5, 4])
    def test_the_blur_is_the_package_s(self, sigma):
        x = np.random.default_rng(0).random((9, 13))
        blurred = in_node("thinning.js", "thinning.lowPass(x, sigma)", x=image_of(x), sigma=sigma)
        np.testing.assert_allclose(array_of(blurred), images.low_pass(x, sigma), atol=1e-12)

    @pytest.mark.parametrize("step", [1, 2, 3, 4, 7])
    def test_pixels_are_kept_and_cut_off_as_slices_do(self, step):
        x = np.arange(12.0 * 15).reshape(12, 15)
        both = "[thinning.keepEvery(x, step), thinning.inner(x, 3)]"
        kept, inner = in_node("thinning.js", both, x=image_of(x), step=step)
        assert np.array_equal(array_of(kept), x[::step, ::step])
        assert np.array_equal(array_of(inner), x[3:-3, 3:-3])

    def test_the_spread_is_the_standard_deviation(self):
        x = np.random.default_rng(1).random((6, 7))
        assert in_node("thinning.js", "thinning.spread(x)", x=image_of(x)) == pytest.approx(x.std())

    def test_the_false_name_is_the_wave_that_the_kept_pixels_lie_on(self):
        steps = list(range(1, 9))
        found = in_node("thinning.js", "steps.map((step) => thinning.alias(5, step))", steps=steps)
        for step, alias in zip(steps, found, strict=True):
            f = alias["above"] / alias["below"]  # periods a pixel, below zero where it runs backward
            assert f == pytest.approx(1 / 5 - np.round(step / 5) / step) and abs(f) <= 1 / (2 * step)
            kept = np.arange(0, 240, step)
            for wave in (np.cos, np.sin):  # sin: forward or backward
                np.testing.assert_allclose(wave(2 * np.pi * kept / 5), wave(2 * np.pi * f * kept), atol=1e-9)
        assert [np.sign(alias["above"]) for alias in found] == [1, 1, -1, -1, 0, 1, 1, -1]

    def test_the_wall_has_a_margin_for_the_widest_blur(self):
        made = json.loads(widget_data.wall().partition("{}, ")[2].removesuffix(");\n"))
        assert made["wall"]["shape"] == [120 + 2 * 12] * 2  # 12 is three deviations of 4, for every 8th pixel


class TestShuffling:
    def test_pixels_change_places_in_a_ring_and_others_stay(self, dense):
        order = dense["order"]
        counts = [0, 26, len(order)]
        found = in_node(
            "shuffling.js", "counts.map((count) => shuffling.moves(order, count))", order=order, counts=counts
        )
        for count, places in zip(counts, found, strict=True):
            assert sorted(places) == list(range(len(order)))
            still = {place for place, origin in enumerate(places) if place == origin}
            assert still == set(order[count:])

    def test_neighbors_give_less_away_the_more_has_moved(self, dense):
        x = np.array(dense["images"][0], dtype=float)
        every = "[0, 64, 256].map((n) => shuffling.offBy(shuffling.moved(x, shuffling.moves(order, n)), 16))"
        found = in_node("shuffling.js", every, x=x.tolist(), order=dense["order"])
        y = x.reshape(16, 16)
        guess = (y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:]) / 4
        assert found[0] == pytest.approx(np.abs(y[1:-1, 1:-1] - guess).mean())
        assert found[0] < found[1] < found[2] and found[2] > 3 * found[0]

    def test_a_dense_layer_does_not_notice_if_its_weights_move_along(self, dense):
        every = """dense.images.map((image) => {
            const from = shuffling.moves(dense.order, 256), pixels = shuffling.moved(image, from);
            const along = dense.weights.map((row) => shuffling.moved(row, from));
            const pairs = [[image, dense.weights], [pixels, along], [pixels, dense.weights]];
            return pairs.map(([x, w]) => shuffling.scores(x, w, dense.bias));
        })"""
        before, along, alone = np.array(in_node("shuffling.js", every, dense=dense)).transpose(1, 0, 2)
        expected = np.array(dense["images"]) / 255 @ np.array(dense["weights"]).T + dense["bias"]
        np.testing.assert_allclose(before, expected, atol=1e-12)
        np.testing.assert_allclose(along, before, atol=1e-12)
        right = [(scores.argmax(axis=1) == dense["labels"]).mean() for scores in (before, along, alone)]
        assert right[0] == right[1] >= 0.9 and right[2] < 0.4

    def test_it_reads_most_of_the_test_digits(self, dense):
        test = data.load("digits", "test", size=dense["side"])
        pixels = np.asarray(test.images).reshape(len(test), -1) / 255
        said = (pixels @ np.array(dense["weights"]).T + dense["bias"]).argmax(axis=1)
        assert (said == test.labels).mean() > 0.9
