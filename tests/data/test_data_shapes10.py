import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from cnncourse import data
from cnncourse.data.shapes10 import FIGURES, draw_shapes10


@pytest.fixture(scope="module")
def sets() -> tuple[data.ImageSet, data.ImageSet]:
    return draw_shapes10("train"), draw_shapes10("test")


def test_sizes_and_classes(sets: tuple[data.ImageSet, data.ImageSet]) -> None:
    for image_set, count in zip(sets, (10_000, 2_000), strict=True):
        assert image_set.shape == (3, 32, 32)
        assert set(image_set.class_counts().values()) == {count // 10}
        assert image_set.classes == tuple(sorted(FIGURES))


def test_the_same_seed_draws_the_same_images() -> None:
    assert draw_shapes10(n=50).fingerprint() == draw_shapes10(n=50).fingerprint()
    assert draw_shapes10(n=50).fingerprint() != draw_shapes10(n=50, seed=3).fingerprint()
    with pytest.raises(ValueError, match=r"split is unknown: 'tests'. Did you mean 'test'"):
        draw_shapes10("tests")


def test_no_image_is_in_both_splits(sets: tuple[data.ImageSet, data.ImageSet]) -> None:
    train, test = ({image.tobytes() for image in each.images} for each in sets)
    assert (len(train), len(test), len(train & test)) == (10_000, 2_000, 0)


def test_drawing_is_quick() -> None:
    start = time.process_time()
    draw_shapes10(n=1000)
    assert time.process_time() - start < 1


def test_load_keeps_the_drawing(sets: tuple[data.ImageSet, data.ImageSet]) -> None:
    assert data.load("shapes10").fingerprint() == sets[0].fingerprint()
    assert data.load("shapes10", "test").fingerprint() == sets[1].fingerprint()


def test_average_and_brightness_tell_little(sets: tuple[data.ImageSet, data.ImageSet]) -> None:
    """The class whose mean image is nearest is right hardly more often than chance."""
    train, test = (each.images.reshape(len(each), -1).astype(np.float32) for each in sets)
    means = np.stack([train[sets[0].labels == label].mean(axis=0) for label in range(10)])
    distances = ((means**2).sum(axis=1) - 2 * test @ means.T).argmin(axis=1)
    assert (distances == sets[1].labels).mean() < 0.2


def accuracy(
    net: nn.Module, sets: tuple[data.ImageSet, data.ImageSet], epochs: int, learning_rate: float
) -> float:
    """Train by Adam with one cycle of the learning rate; return the accuracy on the test split."""
    mean, std = (torch.tensor(each, dtype=torch.float32).view(3, 1, 1) for each in sets[0].statistics())
    pixels, tests = (
        ((torch.from_numpy(each.images) / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
        for each in sets
    )
    labels, answers = (torch.from_numpy(each.labels) for each in sets)
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    steps = epochs * (len(labels) // 100)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(100):
            optimizer.zero_grad()
            functional.cross_entropy(net(pixels[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return float((net(tests).argmax(dim=1) == answers).float().mean())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks as small as these gain nothing by threads, and lose much where others work too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_difficulty(sets: tuple[data.ImageSet, data.ImageSet]) -> None:
    """Lines and averages fail, a dense network stays low, and convolution learns in two epochs."""
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    dense = nn.Sequential(nn.Flatten(), nn.Linear(3072, 128), nn.ReLU(), nn.Linear(128, 10))
    layers: list[nn.Module] = []
    for before, after in ((3, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU()]
    convolution = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)).to(
        memory_format=torch.channels_last  # type: ignore[call-overload]
    )
    assert accuracy(linear, sets, epochs=4, learning_rate=3e-4) < 0.2
    assert accuracy(dense, sets, epochs=4, learning_rate=1e-3) < 0.45
    assert accuracy(convolution, sets, epochs=2, learning_rate=1e-2) > 0.65
