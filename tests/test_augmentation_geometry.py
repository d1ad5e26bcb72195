"""Rotation, affine maps and crops: by hand, and against torchvision at fixed numbers."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, functional

from cnncourse.augmentation import Affine, ResizedCrop, affine, resized_crop, rotate

SIZES = [(9, 9), (8, 8), (7, 12), (12, 7)]
BILINEAR = InterpolationMode.BILINEAR


def make_images(count=1, channels=3, size=(9, 9)):
    """Return noise: half a pixel, a wrong direction or a wrong order changes it beyond any rounding."""
    return np.random.default_rng(1).random((count, channels, *size), dtype=np.float32)


def one_pixel(row, column, size=5):
    image = np.zeros((1, 1, size, size), dtype=np.float32)
    image[0, 0, row, column] = 1
    return image


class TestRotate:
    def test_the_right_comes_to_the_top(self):
        np.testing.assert_allclose(rotate(one_pixel(2, 4), 90), one_pixel(0, 2), atol=1e-5)
        np.testing.assert_allclose(rotate(one_pixel(2, 4), -90), one_pixel(4, 2), atol=1e-5)
        np.testing.assert_allclose(rotate(one_pixel(0, 1), 180), one_pixel(4, 3), atol=1e-5)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("angle", [-170.0, -37.5, 0.0, 4.0, 45.0, 90.0, 133.0, 180.0])
    def test_it_is_torchvisions(self, size, angle):
        images = make_images(size=size)
        expected = functional.rotate(torch.from_numpy(images), angle, BILINEAR)
        np.testing.assert_allclose(rotate(images, angle), expected.numpy(), atol=2e-5)

    def test_each_image_has_an_angle_of_its_own(self):
        images, angles = make_images(3), np.array([10.0, -80.0, 0.0])
        alone = [rotate(image[None], angle)[0] for image, angle in zip(images, angles, strict=True)]
        np.testing.assert_allclose(rotate(images, angles), alone, atol=1e-6)


class TestAffine:
    def test_worked_by_hand(self):
        np.testing.assert_allclose(affine(one_pixel(2, 2), translate=(1, 2)), one_pixel(4, 3), atol=1e-6)
        np.testing.assert_allclose(affine(one_pixel(1, 2), shear=(45, 0)), one_pixel(1, 3), atol=1e-5)
        np.testing.assert_allclose(affine(one_pixel(2, 3), shear=(0, 45)), one_pixel(1, 3), atol=1e-5)
        half = affine(np.ones((1, 1, 4, 4)), scale=(0.5, 1))  # squashed along x alone
        np.testing.assert_allclose(half[0, 0], [[0, 1, 1, 0]] * 4, atol=1e-6)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize(
        ("translate", "scale", "shear"),
        [
            ((3, 0), 1.0, (0.0, 0.0)),
            ((0, -2), 1.0, (0.0, 0.0)),
            ((0, 0), 0.6, (0.0, 0.0)),
            ((0, 0), 1.7, (0.0, 0.0)),
            ((0, 0), 1.0, (25.0, 0.0)),
            ((0, 0), 1.0, (0.0, -25.0)),
            ((-1, 2), 1.2, (-20.0, 15.0)),
        ],
    )
    def test_it_is_torchvisions(self, size, translate, scale, shear):
        images = make_images(size=size)
        expected = functional.affine(
            torch.from_numpy(images), 0.0, list(translate), scale, list(shear), BILINEAR
        )
        np.testing.assert_allclose(affine(images, translate, scale, shear), expected.numpy(), atol=2e-5)

    def test_each_image_has_numbers_of_its_own(self):
        images = make_images(3)
        numbers = np.array(
            [[[1, 0], [0, 2], [-1, -1]], [[1, 2], [0.5, 1], [1, 1]], [[0, 9], [20, 0], [5, 5]]]
        )
        alone = [affine(image[None], *numbers[:, index])[0] for index, image in enumerate(images)]
        np.testing.assert_allclose(affine(images, *numbers), alone, atol=1e-6)

    def test_images_move_by_whole_pixels(self):
        image = np.zeros((2000, 1, 11, 21), dtype=np.float32)
        image[:, 0, 5, 10] = 1
        moved, _ = Affine(translate=0.2)(image, np.zeros(2000), np.random.default_rng(0))
        np.testing.assert_allclose(moved.max(axis=(1, 2, 3)), 1, atol=1e-5)
        rows, columns = (np.flatnonzero(moved.max(axis=(0, 1, axis)) > 0.5) for axis in (3, 2))
        assert rows.tolist() == [3, 4, 5, 6, 7] and columns.tolist() == list(range(6, 15))


class TestResizedCrop:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("box", [(0, 0, 3, 4), (2, 3, 5, 2), (1, 0, 6, 7), (3, 3, 1, 1)])
    def test_it_is_torchvisions(self, size, box):
        images = make_images(size=size)
        expected = functional.resized_crop(torch.from_numpy(images), *box, list(size), BILINEAR)
        np.testing.assert_allclose(resized_crop(images, np.array([box])), expected.numpy(), atol=2e-5)

    def test_the_whole_image_stays(self):
        images = make_images(2, size=(7, 12))
        np.testing.assert_allclose(resized_crop(images, np.array([[0, 0, 7, 12]] * 2)), images, atol=1e-5)

    def test_each_image_has_a_box_of_its_own(self):
        images, boxes = make_images(3), np.array([[0, 0, 3, 3], [2, 5, 4, 4], [0, 0, 9, 9]])
        alone = [resized_crop(image[None], box[None])[0] for image, box in zip(images, boxes, strict=True)]
        np.testing.assert_allclose(resized_crop(images, boxes), alone, atol=1e-6)

    def test_where_no_box_fits_the_middle_is_taken(self):
        images = make_images(4, size=(6, 24))
        found, _ = ResizedCrop(area=(1.0, 1.0), aspect=2.0)(images, np.zeros(4), np.random.default_rng(0))
        expected = functional.resized_crop(torch.from_numpy(images), 0, 6, 6, 12, [6, 24], BILINEAR)
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)
