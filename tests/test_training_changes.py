"""Changed images: each change against NumPy, no black at the borders, and the accuracy on them."""

import dataclasses

import numpy as np
import pytest

from cnncourse import data, models
from cnncourse.training.changes import CHANGES, accuracy_under, change_images

NOTHING = {"shift": 0, "angle": 0, "scale": 1, "squash": 1, "brightness": 1}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class TestChangeImages:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("size", [(8, 8), (7, 5), (4, 12)])
    def test_one_amount_changes_nothing(self, change, size):
        images = noise(3, 3, *size)
        assert NOTHING[change] in CHANGES[change]
        assert np.array_equal(change_images(images, change, NOTHING[change]), images)

    def test_a_shift_moves_to_the_right_and_mirrors_the_border(self):
        images = noise(2, 3, 6, 8)
        found = change_images(images, "shift", 3 / 8)
        assert np.array_equal(found[..., 3:], images[..., :5])
        assert np.array_equal(found[..., :3], images[..., 2::-1])
        assert np.array_equal(change_images(images, "shift", -0.25)[..., :6], images[..., 2:])

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_quarter_turns_are_those_of_numpy(self, turns):
        images = noise(2, 3, 6, 6)
        assert np.array_equal(
            change_images(images, "angle", 90 * turns), np.rot90(images, turns, axes=(2, 3))
        )

    def test_half_the_scale_is_the_mean_of_four_pixels_in_the_middle(self):
        images = noise(2, 3, 8, 8)
        halves = images.reshape(2, 3, 4, 2, 4, 2).mean(axis=(3, 5))
        found = change_images(images, "scale", 0.5)
        assert np.abs(found[:, :, 2:6, 2:6] - halves).max() <= 0.5
        narrow = change_images(images, "squash", 0.5)
        assert np.abs(narrow[..., 2:6] - images.reshape(2, 3, 8, 4, 2).mean(axis=4)).max() <= 0.5

    def test_what_is_enlarged_is_cut_at_the_borders(self):
        image = np.zeros((1, 1, 8, 8), np.uint8)
        image[:, :, 3:5, 3:5] = 255
        wide, large = (change_images(image, change, 2)[0, 0] for change in ("squash", "scale"))
        assert (wide[4] > 127).sum() == 4 and (wide[:, 4] > 127).sum() == 2
        assert (large > 127).sum() == 16

    @pytest.mark.parametrize("change", CHANGES)
    def test_no_black_comes_in(self, change):
        white = np.full((1, 3, 10, 10), 255, np.uint8)
        for amount in CHANGES[change]:
            if change != "brightness" or amount >= 1:
                assert change_images(white, change, amount).min() >= 254

    def test_brightness_multiplies_and_is_cut_off(self):
        images = noise(2, 3, 4, 4)
        assert np.array_equal(change_images(images, "brightness", 0), np.zeros_like(images))
        doubled = np.minimum(2 * images.astype(int), 255)
        assert np.abs(change_images(images, "brightness", 2) - doubled).max() == 0

    @pytest.mark.parametrize(
        ("change", "amount", "message"),
        [
            ("shifts", 1, r"change is unknown: 'shifts'. Did you mean 'shift'"),
            ("shift", 0.6, "amount of shift must be at least -0.5 and at most 0.5, got 0.6"),
            ("scale", 0.4, "amount of scale must be at least 0.5, got 0.4"),
            ("brightness", -1, "amount of brightness must be at least 0, got -1"),
        ],
    )
    def test_changes_that_are_none_are_named(self, change, amount, message):
        with pytest.raises(ValueError, match=message):
            change_images(noise(1, 1, 8, 8), change, amount)


@pytest.fixture(scope="module")
def lenet():
    return models.load_trained("lenet5")


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", "test", size=32)


class TestAccuracyUnder:
    def test_it_is_the_accuracy_on_changed_images(self, lenet, digits):
        found = accuracy_under(lenet, digits, "shift", [0, 0.25])
        for amount, accuracy in zip((0, 0.25), found, strict=True):
            answers = lenet.predict(change_images(digits.images, "shift", amount)).argmax(axis=1)
            assert accuracy == pytest.approx((answers == digits.labels).mean())
        assert found[0] > 0.95 > found[1]

    @pytest.mark.parametrize("change", CHANGES)
    def test_the_default_amounts_bring_the_accuracy_down(self, lenet, digits, change):
        found = accuracy_under(lenet, digits.subset(range(100)), change)
        assert found.shape == (len(CHANGES[change]),)
        assert (
            found.argmax() == CHANGES[change].index(NOTHING[change])
            or found.max() == found[CHANGES[change].index(NOTHING[change])]
        )

    def test_blocks_change_nothing(self, lenet, digits, monkeypatch):
        some = digits.subset(range(50))
        whole = accuracy_under(lenet, some, "angle", [30])
        monkeypatch.setattr("cnncourse.training.changes.BLOCK", 7)
        assert accuracy_under(lenet, some, "angle", [30]) == whole

    def test_what_does_not_fit_is_named(self, lenet, digits):
        with pytest.raises(ValueError, match="change is unknown: 'tilt'"):
            accuracy_under(lenet, digits, "tilt")
        with pytest.raises(ValueError, match="amounts is empty: give at least one number"):
            accuracy_under(lenet, digits, "angle", [])
        renamed = dataclasses.replace(digits, classes=tuple("abcdefghij"))
        with pytest.raises(ValueError, match="which the network does not know"):
            accuracy_under(lenet, renamed, "angle", [0])
