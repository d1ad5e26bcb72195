"""Transforms: what is true of all, color, erasing and mixing at fixed numbers, and several in a row."""

import dataclasses

import numpy as np
import pytest
import torch
from torchvision.transforms import functional

from cnncourse import augmentation
from cnncourse.augmentation import (
    TRANSFORMS,
    Affine,
    ColorJitter,
    CutMix,
    Erasing,
    Mixup,
    RandAugment,
    ResizedCrop,
    Rotation,
    Transform,
    apply,
    erase,
    mix,
    paste,
    read_transform,
)


def make_images(count=5, channels=3, size=8):
    return np.random.default_rng(1).random((count, channels, size, size), dtype=np.float32)


def call(transform, images, seed=0):
    labels = np.arange(len(images)) % 3
    return apply([transform], images, labels, 3, np.random.default_rng(seed))


EVERY = [
    ColorJitter(brightness=0.4, contrast=0.3, saturation=0.5),
    Erasing(probability=0.8),
    Mixup(alpha=1.0),
    Rotation(degrees=20),
    Affine(translate=0.2, scale=(0.8, 1.2), shear=10),
    ResizedCrop(area=(0.2, 0.8)),
    CutMix(),
    RandAugment(operations=2, magnitude=12),
]


class TestEvery:
    def test_none_is_missing_here(self):
        assert {type(transform) for transform in EVERY} == set(TRANSFORMS.values())

    @pytest.mark.parametrize("transform", EVERY, ids=lambda transform: transform.name)
    @pytest.mark.parametrize("channels", [1, 3])
    def test_images_stay_images_and_those_given_stay_as_they_are(self, transform, channels):
        images = make_images(40, channels)
        before = images.copy()
        changed, labels = call(transform, images)
        assert changed.dtype == np.float32 and changed.shape == images.shape
        assert changed.min() >= -1e-6 and changed.max() <= 1 + 1e-6
        assert np.array_equal(images, before) and not np.array_equal(changed, before)
        assert labels.shape == ((40, 3) if transform.mixes else (40,))

    @pytest.mark.parametrize("transform", EVERY, ids=lambda transform: transform.name)
    def test_the_generator_decides(self, transform):
        images = make_images(40)
        one, same, other = (call(transform, images, seed)[0] for seed in (1, 1, 2))
        assert np.array_equal(one, same) and not np.array_equal(one, other)

    @pytest.mark.parametrize("transform", EVERY, ids=lambda transform: transform.name)
    def test_a_table_there_and_back(self, transform):
        assert read_transform(transform.to_dict()) == transform
        assert read_transform(transform) is transform
        assert transform.to_dict()["name"] == transform.name
        hash(transform)

    @pytest.mark.parametrize("transform", EVERY, ids=lambda transform: transform.name)
    def test_an_image_that_cannot_be_written_and_one_image_and_none(self, transform):
        images = make_images(2)[:, :, ::-1]  # mirrored: read from the end
        images.setflags(write=False)
        for count in (2, 1, 0):
            assert call(transform, images[:count])[0].shape == (count, 3, 8, 8)


class TestColor:
    @pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
    @pytest.mark.parametrize("name", ["adjust_brightness", "adjust_contrast", "adjust_saturation"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_each_is_torchvisions(self, name, factor, channels):
        images = make_images(1, channels)  # torchvision takes the mean gray of a whole batch
        expected = getattr(functional, name)(torch.from_numpy(images), factor)
        np.testing.assert_allclose(getattr(augmentation, name)(images, factor), expected.numpy(), atol=1e-4)

    @pytest.mark.parametrize("name", ["adjust_brightness", "adjust_contrast", "adjust_saturation"])
    def test_each_image_has_a_factor_of_its_own(self, name):
        images, factors, adjust = make_images(3), np.array([0.5, 1.5, 0.0]), getattr(augmentation, name)
        alone = [adjust(image[None], factor)[0] for image, factor in zip(images, factors, strict=True)]
        np.testing.assert_allclose(adjust(images, factors), alone, atol=1e-6)

    def test_brightness_is_drawn_evenly_on_both_sides_of_one(self):
        images = np.full((20_000, 1, 1, 1), 0.5, dtype=np.float32)
        factors = ColorJitter(brightness=0.4)(images, np.zeros(20_000), np.random.default_rng(0))[0] / 0.5
        assert factors.min() == pytest.approx(0.6, abs=1e-3) and factors.max() == pytest.approx(1.4, abs=1e-3)
        assert factors.mean() == pytest.approx(1, abs=0.01)
        assert factors.var() == pytest.approx(0.8**2 / 12, rel=0.03)

    def test_no_factor_is_below_zero(self):
        images = np.tile(np.array([0.2, 0.6], dtype=np.float32), (5000, 1, 1, 1))
        changed, _ = ColorJitter(contrast=3.0)(images, np.zeros(5000), np.random.default_rng(0))
        assert (changed[..., 0] <= changed[..., 1]).all()  # a negative contrast would turn them round

    def test_zero_changes_nothing(self):
        np.testing.assert_allclose(call(ColorJitter(), make_images())[0], make_images(), atol=1e-6)


class TestErasing:
    def test_boxes_worked_by_hand(self):
        images = np.ones((3, 2, 4, 5), dtype=np.float32)
        boxes = np.array([[0, 0, 4, 5], [1, 2, 2, 1], [3, 0, 0, 5]])
        found = erase(images, boxes, value=0.25)
        assert found.sum(axis=(2, 3)).tolist() == [[5, 5], [18.5, 18.5], [20, 20]]
        assert (found[1, :, 1:3, 2] == 0.25).all()

    def test_as_often_as_large_and_everywhere_as_it_says(self):
        images = np.ones((20_000, 1, 20, 30), dtype=np.float32)
        found, _ = Erasing(0.25, area=(0.1, 0.3), aspect=2.0)(
            images, np.zeros(20_000), np.random.default_rng(0)
        )
        hidden = found[:, 0] == 0  # (N, H, W)
        shares = hidden.mean(axis=(1, 2))
        assert (shares > 0).mean() == pytest.approx(0.25, abs=0.01)
        assert shares[shares > 0].mean() == pytest.approx(0.2, abs=0.005)
        assert shares[shares > 0].min() > 0.08 and shares.max() < 0.33
        heights, widths = (hidden.any(axis=axis).sum(axis=1)[shares > 0] for axis in (2, 1))
        assert np.array_equal(heights * widths, hidden.sum(axis=(1, 2))[shares > 0])  # rectangles
        aspect = np.log(heights / widths)
        assert aspect.mean() == pytest.approx(0, abs=0.02) and np.abs(aspect).max() < np.log(2) + 0.25
        assert aspect.var() == pytest.approx((2 * np.log(2)) ** 2 / 12, rel=0.1)
        places = hidden.mean(axis=0)
        np.testing.assert_allclose(places, places[::-1, ::-1], atol=0.01)
        assert places[0, 0] > 0 and places[-1, -1] > 0

    def test_a_box_as_large_as_the_image_hides_nothing(self):
        images = make_images(50)
        assert np.array_equal(call(Erasing(1.0, area=(1.0, 1.0), aspect=4.0), images)[0], images)

    def test_the_value_is_put_there(self):
        found, _ = Erasing(1.0, value=0.75)(
            np.zeros((9, 1, 8, 8), np.float32), np.zeros(9), np.random.default_rng(0)
        )
        assert set(np.unique(found)) == {0, 0.75}


class TestMixup:
    def test_worked_by_hand(self):
        values = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])
        found = mix(values, partners=np.array([2, 0, 2]), weights=np.array([0.25, 0.75, 0.1]))
        assert found.tolist() == [[3.25, 3.0], [0.25, 0.75], [4.0, 4.0]]

    def test_labels_are_mixed_as_the_images_are(self):
        labels = np.arange(50) % 10
        images = np.eye(10, dtype=np.float32)[labels].reshape(50, 10, 1, 1)  # an image is its own label
        mixed, soft = apply([Mixup(1.0)], images, labels, 10, np.random.default_rng(0))
        assert np.array_equal(mixed.reshape(50, 10), soft)
        np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-6)
        assert ((soft > 0).sum(axis=1) == 2).mean() > 0.7

    @pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
    def test_weights_have_the_moments_of_beta(self, alpha):
        images = np.arange(20_000, dtype=np.float32).reshape(-1, 1, 1, 1)
        labels = np.zeros((20_000, 2), dtype=np.float32)
        labels[:10_000, 0] = labels[10_000:, 1] = 1
        _, soft = Mixup(alpha)(images, labels, np.random.default_rng(0))
        other = soft[:10_000, 1][soft[:10_000, 1] > 0]  # mixed with one of the other half
        assert len(other) == pytest.approx(5000, abs=300)
        assert other.mean() == pytest.approx(0.5, abs=0.02)
        assert other.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)


class TestCutMix:
    def test_worked_by_hand(self):
        images = np.stack([np.zeros((1, 3, 4)), np.ones((1, 3, 4))])
        found = paste(images, partners=np.array([1, 0]), boxes=np.array([[0, 1, 2, 3], [2, 0, 0, 4]]))
        assert found[0, 0].tolist() == [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
        assert (found[1] == 1).all()

    def test_labels_have_the_share_of_the_area(self):
        labels = np.arange(50) % 10
        images = np.eye(10, dtype=np.float32)[labels][:, :, None, None] * np.ones((6, 9), np.float32)
        mixed, soft = apply([CutMix()], images, labels, 10, np.random.default_rng(0))
        np.testing.assert_allclose(mixed.mean(axis=(2, 3)), soft, atol=1e-6)
        assert set(np.unique(mixed)) == {0, 1} and ((soft > 0).sum(axis=1) == 2).mean() > 0.5


class TestInARow:
    def test_the_order_is_that_of_the_list(self):
        @dataclasses.dataclass(frozen=True)
        class Plus(Transform):
            name = "plus"

            def __call__(self, images, labels, random):
                return images + 1, labels

        @dataclasses.dataclass(frozen=True)
        class Twice(Transform):
            name = "twice"

            def __call__(self, images, labels, random):
                return images * 2, labels

        images, labels, random = np.zeros((2, 1, 1, 1)), np.array([0, 1]), np.random.default_rng(0)
        assert apply([Plus(), Twice()], images, labels, 2, random)[0].max() == 2
        assert apply([Twice(), Plus()], images, labels, 2, random)[0].max() == 1

    def test_each_draws_after_the_one_before(self):
        images, random = make_images(), np.random.default_rng(3)
        first, _ = EVERY[0](images, np.zeros(5), random)
        second, _ = EVERY[3](first, np.zeros(5), random)
        together, _ = apply([EVERY[0], EVERY[3]], images, np.zeros(5, dtype=int), 2, np.random.default_rng(3))
        assert np.array_equal(second, together)

    def test_mixed_twice_an_image_has_up_to_four_classes(self):
        labels = np.arange(60) % 6
        _, soft = apply([Mixup(2.0), Mixup(2.0)], make_images(60), labels, 6, np.random.default_rng(0))
        np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-6)
        assert (soft > 0).sum(axis=1).max() == 4


class TestMessages:
    @pytest.mark.parametrize(
        ("values", "error", "message"),
        [
            (
                {"name": "mixupp"},
                ValueError,
                "augment has an unknown transform: 'mixupp'. Did you mean 'mixup'",
            ),
            (
                {"alpha": 1.0},
                TypeError,
                r"augment holds tables with a name, such as \{name = \"mixup\"\}, got",
            ),
            ("mixup", TypeError, "augment holds tables with a name, .* got 'mixup'"),
            (
                {"name": "mixup", "alfa": 1},
                ValueError,
                "augment 'mixup' has no number 'alfa'. Did you mean 'alpha'",
            ),
            ({"name": "mixup", "alpha": 0}, ValueError, "augment 'mixup': alpha must be above 0, got 0"),
            ({"name": "mixup", "alpha": "1"}, TypeError, "augment 'mixup': alpha must be a number, got '1'"),
            ({"name": "color_jitter", "contrast": -1}, ValueError, "contrast must be at least 0, got -1"),
            (
                {"name": "erasing", "probability": 1.5},
                ValueError,
                "probability must be at least 0 and at most 1",
            ),
            ({"name": "erasing", "area": 0.3}, ValueError, "area must be the smallest and the largest share"),
            (
                {"name": "erasing", "area": [0.3, 0.1]},
                ValueError,
                r"the smaller share first, got \[0.3, 0.1\]",
            ),
            ({"name": "erasing", "area": [0, 0.1]}, ValueError, "area must be above 0 and at most 1, got 0"),
            ({"name": "erasing", "aspect": 0.5}, ValueError, "aspect must be at least 1, got 0.5"),
            (
                {"name": "rotation", "degrees": 200},
                ValueError,
                "degrees must be at least 0 and at most 180, got 200",
            ),
            (
                {"name": "affine", "translate": 1.5},
                ValueError,
                "translate must be at least 0 and at most 1, got 1.5",
            ),
            ({"name": "affine", "shear": 90}, ValueError, "shear must be at least 0 and below 90, got 90"),
            ({"name": "affine", "scale": 2}, ValueError, "scale must be the smallest and the largest factor"),
            ({"name": "affine", "scale": [0, 1]}, ValueError, "affine': scale must be above 0, got 0"),
            ({"name": "affine", "scale": [1, np.inf]}, ValueError, "scale must be above 0, got inf"),
            ({"name": "affine", "scale": [2, 1]}, ValueError, r"the smaller factor first, got \[2, 1\]"),
            ({"name": "resized_crop", "area": [0.5, 2]}, ValueError, "area must be above 0 and at most 1"),
            ({"name": "resized_crop", "aspect": 0.5}, ValueError, "aspect must be at least 1, got 0.5"),
            ({"name": "cutmix", "alpha": -1}, ValueError, "augment 'cutmix': alpha must be above 0, got -1"),
            (
                {"name": "rand_augment", "operations": 0},
                ValueError,
                "operations must be at least 1, got 0",
            ),
            (
                {"name": "rand_augment", "operations": 1.5},
                TypeError,
                "operations must be a whole number, got 1.5",
            ),
            (
                {"name": "rand_augment", "magnitude": 31},
                ValueError,
                "magnitude must be at least 0 and at most 30",
            ),
            (
                {"name": "randaugment"},
                ValueError,
                "unknown transform: 'randaugment'. Did you mean 'rand_augment'",
            ),
            ({"name": "erasing", "value": 2}, ValueError, "value must be at least 0 and at most 1, got 2"),
        ],
    )
    def test_what_is_wrong_is_named(self, values, error, message):
        with pytest.raises(error, match=message):
            read_transform(values)
