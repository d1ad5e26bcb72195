"""What the book's widgets compute, in Node: windows as by hand, strokes as the training set's digits."""

import subprocess

import numpy as np
import pytest
from in_node import NODE, WIDGETS, in_node, in_the_book

from cnncourse import data, pooling
from cnncourse.convolution import conv2d, output_size
from cnncourse.data.pictures import scale
from cnncourse.images import resize
from cnncourse.models import load_trained

pytestmark = in_the_book
# Ten digits as somebody might draw them, in rows and columns of a square of 32 x 32; places and sizes differ.
DIGITS = {
    0: [[(4, 16), (7, 9), (16, 7), (25, 10), (28, 16), (25, 22), (16, 25), (7, 22), (4, 16)]],
    1: [[(9, 11), (5, 16), (27, 16)]],
    2: [[(10, 8), (5, 12), (5, 20), (10, 23), (16, 18), (26, 8), (26, 24)]],
    3: [[(5, 9), (4, 17), (8, 22), (13, 20), (15, 14), (17, 21), (23, 23), (27, 17), (26, 9)]],
    4: [[(5, 14), (18, 8), (18, 24)], [(9, 20), (28, 20)]],
    5: [[(5, 22), (5, 11), (14, 10), (13, 17), (18, 22), (25, 20), (27, 9)]],
    6: [[(4, 20), (11, 11), (20, 9), (27, 14), (25, 21), (19, 21), (17, 14), (22, 10)]],
    7: [[(6, 8), (6, 23), (16, 17), (27, 13)]],
    8: [[(15, 16), (9, 10), (4, 16), (9, 22), (15, 16), (22, 9), (28, 16), (22, 23), (15, 16)]],
    9: [[(11, 22), (5, 16), (8, 10), (14, 12), (13, 20), (6, 22), (18, 21), (28, 18)]],
}


def image_of(array):
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def array_of(image):
    return np.array(image["data"], dtype=float).reshape(image["shape"])


class TestWindows:
    def test_a_kernel_slides_as_by_hand_with_every_option(self):
        rng = np.random.default_rng(0)
        x, w = rng.normal(size=(9, 11)), rng.normal(size=(3, 3))
        options = [
            {"stride": stride, "padding": padding, "dilation": dilation}
            for stride in (1, 2, 3, 4)
            for padding in (0, 1, 4)
            for dilation in (1, 2, 4)
        ]
        every = "options.map((each) => windows.correlate(x, w, each))"
        found = in_node("windows.js", every, x=image_of(x), w=image_of(w), options=options)
        for each, made in zip(options, found, strict=True):
            expected = conv2d(x[None, None], w[None, None], **each)[0, 0]
            np.testing.assert_allclose(array_of(made), expected, rtol=0, atol=1e-12)

    def test_sizes_are_those_of_the_formula(self):
        cases = [
            (size, k, s, p, d)
            for size in (5, 9, 32)
            for k in (1, 3)
            for s in (1, 2, 3)
            for p in (0, 2)
            for d in (1, 2)
        ]
        options = "{ stride, padding, dilation }"
        every = f"cases.map(([size, k, stride, padding, dilation]) => windows.outputSize(size, k, {options}))"
        assert in_node("windows.js", every, cases=cases) == [output_size(*case) for case in cases]

    def test_the_products_of_a_stop_make_its_number_and_tell_where_they_are(self):
        x, w = np.arange(12.0).reshape(3, 4), np.arange(1.0, 10).reshape(3, 3)
        made = in_node(
            "windows.js",
            "windows.products(x, w, 0, 1, { padding: 1, stride: 2 })",
            x=image_of(x),
            w=image_of(w),
        )
        assert [(each["row"], each["column"]) for each in made[:4]] == [(-1, 1), (-1, 2), (-1, 3), (0, 1)]
        assert [each["value"] for each in made] == [0, 0, 0, 1, 2, 3, 5, 6, 7]
        total = sum(each["value"] * each["weight"] for each in made)
        assert total == conv2d(x[None, None], w[None, None], padding=1, stride=2)[0, 0, 0, 1]

    def test_a_flipped_kernel_prints_itself_around_a_lone_pixel(self):
        x, w = np.zeros((5, 5)), np.arange(9.0).reshape(3, 3)
        x[2, 2] = 1
        given = {"x": image_of(x), "w": image_of(w)}
        assert np.array_equal(
            array_of(in_node("windows.js", "windows.correlate(x, w)", **given)), w[::-1, ::-1]
        )
        true = in_node("windows.js", "windows.correlate(x, windows.flipped(w))", **given)
        assert np.array_equal(array_of(true), w)

    @pytest.mark.parametrize("window", [2, 3, 4])
    def test_pooling_is_that_by_hand(self, window):
        x = np.random.default_rng(1).normal(size=(12, 13))
        both = "[windows.pool(x, window, 'max'), windows.pool(x, window, 'mean')]"
        largest, mean = in_node("windows.js", both, x=image_of(x), window=window)
        np.testing.assert_allclose(array_of(largest), pooling.max_pool2d(x[None, None], window)[0, 0])
        np.testing.assert_allclose(array_of(mean), pooling.avg_pool2d(x[None, None], window)[0, 0])

    def test_likeness_is_the_correlation_and_none_where_all_is_flat(self):
        a, b = np.random.default_rng(2).normal(size=(2, 6, 6))
        pairs = "[windows.alike(a, b), windows.alike(a, a), windows.alike(a, flat)]"
        found = in_node("windows.js", pairs, a=image_of(a), b=image_of(b), flat=image_of(np.ones((6, 6))))
        assert found == pytest.approx([np.corrcoef(a.ravel(), b.ravel())[0, 1], 1, 0])


class TestStrokes:
    def test_a_line_is_as_wide_as_the_pen_and_fades_within_a_pixel(self):
        drawn = array_of(in_node("strokes.js", "strokes.ink([[[8, 4], [8, 12]]], 16, 4)"))
        assert drawn[:, 8].tolist() == [0] * 6 + [1] * 4 + [0] * 6
        narrow = array_of(in_node("strokes.js", "strokes.ink([[[8.5, 4], [8.5, 12]]], 16, 2)"))
        assert narrow[7:10, 8].tolist() == [0.5, 1, 0.5]
        assert drawn[8, :2].tolist() == [0, 0] and drawn[8, 14:].tolist() == [0, 0]

    def test_a_dot_is_round(self):
        dot = array_of(in_node("strokes.js", "strokes.ink([[[8, 8]]], 16, 6)"))
        assert np.array_equal(dot, dot.T) and dot.sum() == pytest.approx(np.pi * 9, rel=0.05)

    def test_coarse_and_enlarged_as_the_training_set(self):
        rng = np.random.default_rng(3)
        fine, digit = rng.random((32, 32)), rng.random((8, 8))
        coarse = array_of(in_node("strokes.js", "strokes.coarse(x)", x=image_of(fine)))
        np.testing.assert_allclose(coarse, resize(fine, 8, "area"), atol=1e-6)
        large = array_of(in_node("strokes.js", "strokes.enlarge(x, 32)", x=image_of(digit)))
        np.testing.assert_allclose(large, scale(digit[None], 32)[0], atol=1e-5)

    def test_what_is_drawn_small_and_in_a_corner_is_cut_out(self):
        small = [[[2, 3], [8, 3], [8, 6]], [[5, 4], [5, 5]]]
        one, _ = in_node("strokes.js", "strokes.cutOut(x, 32)", x=small)
        assert np.array(one).min(axis=0) == pytest.approx([7, 11.5])  # three times as large, in the middle
        assert np.array(one).max(axis=0) == pytest.approx([25, 20.5])
        assert in_node("strokes.js", "strokes.cutOut([], 32)") == []

    def test_the_network_reads_digits_that_are_drawn(self):
        made = in_node(
            "strokes.js",
            "digits.map((each) => strokes.asInTraining(each, 32, 3.5))",
            digits=list(DIGITS.values()),
        )
        images = np.array([array_of(each) for each in made])
        said = load_trained("lenet5").predict((255 * images).round().astype(np.uint8)[:, None]).argmax(axis=1)
        assert (said == list(DIGITS)).sum() >= 9, said
        known = data.load("digits", "test", size=32).images / 255
        assert abs(images.mean() - known.mean()) < 0.1  # as much ink


@pytest.mark.parametrize("script", sorted(WIDGETS.glob("*.js")), ids=lambda path: path.name)
def test_each_script_is_a_classic_one_that_asks_for_nothing(script):
    done = subprocess.run([NODE, "--check", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = script.read_text(encoding="utf-8")
    assert not any(word in text for word in ("fetch(", "import(", "XMLHttp", "https:"))
    assert max(map(len, text.splitlines())) <= 160 and len(text.splitlines()) <= 250
