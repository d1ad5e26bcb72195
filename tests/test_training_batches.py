"""Batches of a few tiny images: order, crops, mirror images and scaling."""

import numpy as np
import pytest
import torch
from bright import make_set

from cnncourse.data import ImageSet
from cnncourse.training import Batches


class TestBatches:
    def test_every_image_once_with_its_label(self):
        images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((10, 1, 4, 4), np.uint8)
        image_set = ImageSet(images, np.arange(10), tuple("abcdefghij"), "numbered", "train")
        batches = Batches(image_set, 4, mean=(0,), std=(1,))
        seen = list(batches)
        assert [len(labels) for _, labels in seen] == [4, 4, 2]
        assert len(batches) == 3
        for x, y in seen:
            assert x.dtype == torch.float32 and y.dtype == torch.int64
            assert torch.equal((x[:, 0, 0, 0] * 255).round().long(), y)
        assert sorted(torch.cat([y for _, y in seen]).tolist()) == list(range(10))

    def test_pixels_are_scaled_by_channel(self):
        image_set = make_set(6)
        mean, std = image_set.statistics()
        (x, _) = next(iter(Batches(image_set, 6, shuffle=False, mean=mean, std=std)))
        expected = (image_set.images / 255 - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(x.numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(x.numpy().mean(axis=(0, 2, 3)), 0, atol=1e-5)

    @pytest.mark.parametrize("flip", [False, True])
    def test_each_crop_and_flip_is_that_of_one_image(self, flip):
        image_set, crop = make_set(40, size=6), 2
        padded = np.pad(image_set.images, ((0, 0), (0, 0), (crop, crop), (crop, crop)))
        batches = Batches(image_set, 40, crop=crop, flip=flip, shuffle=False, mean=(0,), std=(1,))
        (x, _) = next(iter(batches))
        found = (x.numpy() * 255).round().astype(np.uint8)
        seen = set()
        for image, source in zip(found, padded, strict=True):
            views = {
                (i, j, mirrored): source[:, i : i + 6, j : j + 6][..., :: -1 if mirrored else 1]
                for i in range(2 * crop + 1)
                for j in range(2 * crop + 1)
                for mirrored in (False, True)
            }
            matches = [key for key, view in views.items() if np.array_equal(view, image)]
            assert len(matches) == 1
            seen.add(matches[0])
        assert len(seen) > 12
        assert {mirrored for *_, mirrored in seen} == ({False, True} if flip else {False})

    def test_the_image_set_is_left_alone(self):
        image_set = make_set()
        before = image_set.images.copy()
        for _ in Batches(image_set, 5, flip=True):
            pass
        assert np.array_equal(image_set.images, before)

    def test_read_only_images(self):
        image_set = make_set()
        image_set.images.setflags(write=False)
        assert sum(len(y) for _, y in Batches(image_set, 5, crop=1, flip=True)) == 20

    def test_seed_and_epoch_decide(self):
        def epochs(seed):
            batches = Batches(make_set(), 20, crop=2, flip=True, seed=seed)
            return [next(iter(batches))[0] for _ in range(2)]

        one, same, other = epochs(1), epochs(1), epochs(2)
        assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1])
        assert not torch.equal(one[0], one[1])
        assert not torch.equal(one[0], other[0])

    def test_an_epoch_can_be_jumped_to(self):
        first, second = (Batches(make_set(), 20, crop=2, seed=1) for _ in range(2))
        list(first)
        second.epoch = 1
        assert torch.equal(next(iter(first))[0], next(iter(second))[0])

    def test_messages(self):
        with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
            Batches(make_set(), 0)
        with pytest.raises(ValueError, match="mean has 2 numbers for images of 3 channels"):
            Batches(make_set(), 4, mean=(0.5, 0.5))
        with pytest.raises(ValueError, match=r"std must be above 0, got \(0,\)"):
            Batches(make_set(), 4, std=(0,))
        with pytest.raises(ValueError, match="crop 8 could move images of 8x8 out of sight"):
            Batches(make_set(), 4, crop=8)
