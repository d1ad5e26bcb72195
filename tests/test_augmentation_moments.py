"""Each transform draws as torchvision does: equal moments over many draws."""

import dataclasses
import functools

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from cnncourse.augmentation import (
    Affine,
    ColorJitter,
    CutMix,
    Erasing,
    Mixup,
    RandAugment,
    ResizedCrop,
    Rotation,
)

BILINEAR = v2.InterpolationMode.BILINEAR
SIZE = (8, 11)
DRAWS = 8_000


def make_image():
    """Return an image that differs from its mirror images, bright enough to be cut off when lightened."""
    y, x = np.meshgrid(np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1]), indexing="ij")
    return np.stack([np.sin(3 * x + y) ** 2, 1 - y * x**2, 0.8 * np.cos(2 * y - x) ** 2]).astype(np.float32)


def standard_errors(one, other):
    """Return by how many standard errors the moments differ: of values, squares and products of neighbors."""
    means, variances = [], []
    for draws in (one, other):
        draws = draws.reshape(len(draws), -1).astype(np.float64)
        moments = np.concatenate([draws, draws**2, draws * np.roll(draws, 1, axis=1)], axis=1)
        means.append(moments.mean(axis=0))
        variances.append(moments.var(axis=0) / len(draws))
    return np.abs(means[0] - means[1]) / np.sqrt(sum(variances) + 1e-5**2)  # rounding has no variance


def draw_ours(transform):
    images = np.repeat(make_image()[None], DRAWS, axis=0)
    return transform(images, np.zeros(DRAWS), np.random.default_rng(0))[0]


@functools.cache
def draw_theirs(name):
    transform, count = THEIRS[name]
    image = torch.from_numpy(make_image())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return np.stack([transform(image).numpy() for _ in range(count)])


THEIRS = {
    "rotation": (v2.RandomRotation(25, BILINEAR, fill=None), 1500),
    "affine": (v2.RandomAffine(0, (0.2, 0.2), (0.7, 1.1), interpolation=BILINEAR, fill=None), 1500),
    "shear": (v2.RandomAffine(0, shear=20, interpolation=BILINEAR, fill=None), 1500),
    "resized_crop": (v2.RandomResizedCrop(SIZE, (0.2, 1.0), (1 / 1.5, 1.5)), 1500),
    "color_jitter": (v2.ColorJitter(0.6, 0.5, 0.9), 3000),
    "erasing": (v2.RandomErasing(0.6, (0.1, 0.8), (1 / 3, 3.0)), 3000),
    "rand_augment": (v2.RandAugment(2, 15, interpolation=BILINEAR), 3000),
}
OURS = {
    "rotation": Rotation(25),
    "affine": Affine(0.2, (0.7, 1.1)),
    "shear": Affine(0.0, shear=20),
    "resized_crop": ResizedCrop((0.2, 1.0), 1.5),
    "color_jitter": ColorJitter(0.6, 0.5, 0.9),
    "erasing": Erasing(0.6, (0.1, 0.8), 3.0),
    "rand_augment": RandAugment(2, 15),
}


@pytest.mark.parametrize("name", OURS)
def test_moments_are_torchvisions(name):
    assert standard_errors(draw_ours(OURS[name]), draw_theirs(name)).max() < 4


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("rotation", {"degrees": 30}),
        ("affine", {"translate": 0.3}),
        ("affine", {"scale": (0.8, 1.1)}),
        ("shear", {"shear": 25}),
        ("resized_crop", {"aspect": 2.0}),
        ("color_jitter", {"contrast": 0.7}),
        ("erasing", {"area": (0.1, 0.6)}),
        ("rand_augment", {"magnitude": 20}),
    ],
)
def test_moments_of_other_numbers_differ(name, numbers):
    other = dataclasses.replace(OURS[name], **numbers)
    assert standard_errors(draw_ours(other), draw_theirs(name)).max() > 5.5


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(Mixup(0.4), v2.MixUp(alpha=0.4, num_classes=2)), (CutMix(0.7), v2.CutMix(alpha=0.7, num_classes=2))],
    ids=["mixup", "cutmix"],
)
def test_moments_of_mixed_images_and_labels_are_torchvisions(ours, theirs):
    pair = np.stack([make_image(), make_image()[:, ::-1]])
    images, labels = np.repeat(pair, DRAWS, axis=0), np.repeat(np.eye(2, dtype=np.float32), DRAWS, axis=0)
    mixed, soft = ours(images, labels, np.random.default_rng(0))
    partners = np.random.default_rng(0).permutation(2 * DRAWS)  # what is drawn first
    rows = np.flatnonzero(partners[:DRAWS] >= DRAWS)  # of the first image, with the second
    found = np.concatenate([mixed[rows].reshape(len(rows), -1), soft[rows]], axis=1)

    expected = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(2000):
            x, y = theirs(torch.from_numpy(pair), torch.tensor([0, 1]))
            expected.append(np.concatenate([x[0].numpy().ravel(), y[0].numpy()]))
    assert standard_errors(found, np.stack(expected)).max() < 4
