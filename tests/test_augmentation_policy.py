"""The operations of a random policy: each against torchvision at fixed numbers."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from cnncourse import augmentation
from cnncourse.augmentation import OPERATIONS, RandAugment, equalize

NAMES = {
    "identity": "Identity", "shear_x": "ShearX", "shear_y": "ShearY", "translate_x": "TranslateX",
    "translate_y": "TranslateY", "rotate": "Rotate", "brightness": "Brightness", "saturation": "Color",
    "contrast": "Contrast", "sharpness": "Sharpness", "posterize": "Posterize", "solarize": "Solarize",
    "autocontrast": "AutoContrast", "equalize": "Equalize",
}  # fmt: skip


def make_images(count=2, channels=3, size=(24, 31)):
    """Return noise of different brightness, as uint8 images hold it; the first channel of one is flat."""
    images = np.random.default_rng(1).random((count, channels, *size))
    images *= np.linspace(0.3, 1, count)[:, None, None, None]
    images[0, 0] = 0.4
    return (np.rint(images * 255) / 255).astype(np.float32)


class TestTones:
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize(
        ("name", "numbers"),
        [
            ("adjust_sharpness", (0.0, 0.4, 1.0, 1.9)),
            ("posterize", (0, 1, 3, 8)),
            ("solarize", (0.0, 0.3, 1.0)),
            ("autocontrast", (None,)),
            ("equalize", (None,)),
        ],
    )
    def test_each_is_torchvisions(self, name, numbers, channels):
        images = make_images(channels=channels)
        for number in numbers:
            given = () if number is None else (number,)
            expected = getattr(functional, name)(torch.from_numpy(images), *given)
            found = getattr(augmentation, name)(images, *given)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)

    @pytest.mark.parametrize("name", ["adjust_sharpness", "posterize", "solarize"])
    def test_each_image_has_a_number_of_its_own(self, name):
        images, operation = make_images(), getattr(augmentation, name)
        alone = [operation(image[None], number)[0] for image, number in zip(images, (1, 0), strict=True)]
        np.testing.assert_allclose(operation(images, np.array([1, 0])), alone, atol=1e-6)

    def test_equalized_shades_are_about_as_frequent(self):
        image = np.random.default_rng(0).beta(2, 8, (1, 1, 64, 64)).astype(np.float32)
        counts = np.histogram(equalize(image), bins=8, range=(0, 1))[0]
        assert image.max() < 0.8 and counts.min() > 0.7 * counts.mean()

    def test_too_small_to_be_sharpened(self):
        images = make_images(size=(2, 5))
        assert np.array_equal(augmentation.adjust_sharpness(images, 2.0), images)


class TestPolicy:
    def test_all_operations_are_those_of_torchvision(self):
        assert set(NAMES) == set(OPERATIONS)
        assert set(NAMES.values()) == set(v2.RandAugment._AUGMENTATION_SPACE)

    @pytest.mark.parametrize("sign", [-1, 1])
    @pytest.mark.parametrize("magnitude", [3, 9, 30])
    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_torchvisions(self, name, magnitude, sign):
        images = make_images()[1:]
        twin = v2.RandAugment(interpolation=v2.InterpolationMode.BILINEAR)
        space, signed = twin._AUGMENTATION_SPACE[NAMES[name]]
        values = space(twin.num_magnitude_bins, *images.shape[2:])
        value = 0.0 if values is None else float(values[magnitude]) * (sign if signed else 1)
        expected = twin._apply_image_or_video_transform(
            torch.from_numpy(images), NAMES[name], value, twin.interpolation, twin._fill
        )
        found = OPERATIONS[name](images, np.array([sign * magnitude / 30]))
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)

    def test_images_have_operations_of_their_own_each_as_often_as_any(self):
        image = make_images()[1:]
        found, _ = RandAugment(operations=1)(
            np.repeat(image, 7000, axis=0), np.zeros(7000), np.random.default_rng(0)
        )
        kinds, counts = np.unique(found.reshape(7000, -1)[:, ::50].round(3), axis=0, return_counts=True)
        two_ways = {name for name in NAMES if twin_is_signed(NAMES[name])}
        assert len(kinds) == len(NAMES) + len(two_ways) == 23
        assert np.allclose(np.sort(counts), [250] * 18 + [500] * 5, atol=75)


def twin_is_signed(name):
    return v2.RandAugment._AUGMENTATION_SPACE[name][1]
