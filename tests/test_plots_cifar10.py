"""Confused classes, mistakes, the ladder of ideas, confidence beside accuracy, pairs of images."""

import itertools

import matplotlib as mpl

mpl.use("agg")

import numpy as np
import pytest
from matplotlib.colors import to_hex

from cnncourse import plots
from cnncourse.plots import _style

COUNTS = [[90, 7, 3], [0, 80, 20], [1, 2, 97]]
CLASSES = ["cat", "dog", "frog"]
STEPS = {"plain": (60, 0.70, 0.69, 0.72), "norm": (40, 0.76, 0.75, 0.765), "small": (8, 0.75)}


class TestConfusion:
    def test_counts_stand_in_their_cells(self):
        ax = plots.cifar10.confusion(COUNTS, CLASSES)
        found = np.zeros((3, 3), int)
        for text in ax.texts:
            column, row = (round(place) for place in text.get_position())
            found[row, column] = int(text.get_text())
        assert found.tolist() == COUNTS
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
        assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES
        assert [label.get_text() for label in ax.get_xticklabels()] == CLASSES

    def test_the_scale_is_that_of_mistakes_and_the_diagonal_is_gray(self):
        ax = plots.cifar10.confusion(COUNTS, CLASSES)
        assert ax.images[0].norm.vmax == 20
        corners = {tuple(round(place + 0.5) for place in patch.get_xy()) for patch in ax.patches}
        assert corners == {(0, 0), (1, 1), (2, 2)}
        assert {to_hex(patch.get_facecolor()) for patch in ax.patches} == {_style.GRID}

    def test_a_network_without_mistakes_is_drawn(self):
        assert plots.cifar10.confusion(np.eye(3, dtype=int), CLASSES).images[0].norm.vmax == 1

    def test_what_does_not_fit_is_named(self):
        with pytest.raises(ValueError, match=r"counts must be square.*got \(2, 3\)"):
            plots.cifar10.confusion(COUNTS[:2], CLASSES)
        with pytest.raises(ValueError, match="titles must name each of the 3 classes, got 2"):
            plots.cifar10.confusion(COUNTS, CLASSES[:2])


class TestMistakes:
    def test_each_image_has_answer_confidence_and_label(self):
        batch = np.random.default_rng(0).random((3, 3, 8, 8))
        p = [[0.2, 0.8, 0], [0.0001, 0, 0.9999], [0.004, 0.996, 0]]
        axes = plots.cifar10.mistakes(batch, [0, 1, 2], p, CLASSES)
        assert [ax.get_title() for ax in axes] == [
            "dog 80%\nlabel: cat",
            "frog >99.9%\nlabel: dog",
            "dog 99.6%\nlabel: frog",
        ]
        for ax, image in zip(axes, batch, strict=True):
            assert np.allclose(ax.images[0].get_array(), np.moveaxis(image, 0, -1))

    def test_titles_do_not_touch(self):
        p = np.tile([0.00001, 0.99999], (12, 1))
        axes = plots.cifar10.mistakes(np.zeros((12, 3, 8, 8)), [0] * 12, p, ["airplane", "automobile"])
        axes[0].figure.canvas.draw()
        boxes = [ax.title.get_window_extent() for ax in axes]
        pairs = itertools.combinations(boxes, 2)
        assert not any(one.overlaps(other) for one, other in pairs)

    def test_what_does_not_fit_is_named(self):
        batch = np.zeros((2, 3, 8, 8))
        with pytest.raises(ValueError, match=r"probabilities must be 3 for each.*\(2, 2\) for 2 images"):
            plots.cifar10.mistakes(batch, [0, 1], np.eye(2), CLASSES)
        with pytest.raises(ValueError, match=r"labels must have shape \(2,\)"):
            plots.cifar10.mistakes(batch, [0], np.eye(3)[:2], CLASSES)


class TestReliability:
    def test_groups_stand_at_confidence_and_accuracy_and_small_ones_are_left_out(self):
        ax = plots.reliability({"net": ([0.3, 0.6, 0.9], [1.0, 0.5, 0.7], [2, 50, 150])})
        line = ax.lines[1]
        assert line.get_xydata().tolist() == [[0.6, 0.5], [0.9, 0.7]]
        small, large = ax.collections[0].get_sizes()
        assert large > 2 * small
        everything = plots.reliability({"net": ([0.3, 0.6], [1.0, 0.5], [2, 50])}, least=1)
        assert len(everything.lines[1].get_xdata()) == 2

    def test_groups_of_no_image_are_passed_over(self):
        ax = plots.reliability({"a": ([np.nan, 0.9], [np.nan, 0.7], [0, 20])})
        assert ax.lines[1].get_xydata().tolist() == [[0.9, 0.7]]

    def test_the_dashed_line_is_where_both_are_equal(self):
        ax = plots.reliability({"a": ([0.9], [0.7], [20])})
        assert ax.lines[0].get_slope() == 1
        assert ax.lines[0].get_xy1() == (0.5, 0.5)

    def test_what_does_not_fit_is_named(self):
        with pytest.raises(ValueError, match=r"groups\['a'\] must be.*got lengths \[2, 1, 2\]"):
            plots.reliability({"a": ([0.1, 0.2], [0.1], [1, 2])})
        with pytest.raises(ValueError, match="groups holds at most 7 networks, got 8"):
            plots.reliability({str(i): ([0.1], [0.1], [1]) for i in range(8)})


class TestLadder:
    def test_rows_hold_accuracies_with_their_intervals_and_seconds(self):
        left, right = plots.cifar10.ladder(STEPS)
        points, whiskers = left.collections[1], left.collections[0].get_segments()
        assert points.get_offsets().tolist() == [[0.70, 0], [0.76, 1], [0.75, 2]]
        assert [segment.tolist() for segment in whiskers] == [
            [[0.69, 0], [0.72, 0]],
            [[0.75, 1], [0.765, 1]],
            [[0.75, 2], [0.75, 2]],
        ]
        assert [bar.get_width() for bar in right.patches] == [60, 40, 8]
        assert left.get_ylim() == right.get_ylim() and left.get_ylim()[0] > left.get_ylim()[1]  # from the top

    def test_names_and_times_are_on_the_card_and_do_not_touch(self):
        left, right = plots.cifar10.ladder(
            {f"an idea of name {i}": (40 + i, 0.5 + i / 50) for i in range(12)}
        )
        left.figure.canvas.draw()
        texts = [*left.get_yticklabels(), *right.texts]
        boxes = [text.get_window_extent() for text in texts]
        card = left.figure.bbox
        assert all(card.x0 <= box.x0 and box.x1 <= card.x1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ((1,), r"steps\['a'\] must be \(seconds, accuracy\) or .* got 1 values"),
            ((0, 0.5), r"steps\['a'\] must have seconds above 0"),
            ((1, 0.5, 0.6, 0.7), "an accuracy within its interval"),
        ],
    )
    def test_what_is_no_step_is_named(self, values, message):
        with pytest.raises(ValueError, match=message):
            plots.cifar10.ladder({"a": values})


class TestDuplicates:
    def test_the_images_of_a_pair_stand_side_by_side(self):
        first, second = np.zeros((2, 3, 8, 8)), np.ones((2, 3, 8, 8))
        axes = plots.duplicates(first, second, titles=["a", "b"])
        left, right = axes[1].images
        assert left.get_extent()[1] < right.get_extent()[0]
        assert (left.get_array().max(), right.get_array().min()) == (0, 1)
        assert [ax.get_title() for ax in axes] == ["a", "b"]

    def test_what_is_no_pair_is_named(self):
        with pytest.raises(ValueError, match=r"of one shape, got \(1, 3, 8, 8\) and \(2, 3, 8, 8\)"):
            plots.duplicates(np.zeros((1, 3, 8, 8)), np.zeros((2, 3, 8, 8)))
        with pytest.raises(ValueError, match="titles must name each of the 1 pairs, got 2"):
            plots.duplicates(np.zeros((1, 3, 8, 8)), np.zeros((1, 3, 8, 8)), titles=["a", "b"])
