"""What the tests of training share: images whose brightness tells their class, and a linear model."""

import numpy as np
import torch
from torch import nn

from cnncourse.data import ImageSet


def make_set(count=20, channels=3, size=8, classes=2, seed=0):
    """Images whose brightness tells their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = random.integers(0, 100, (count, channels, size, size)) + 100 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels, tuple("abcdefghij"[:classes]), "bright", "train")


def make_model(outputs=2, channels=3, size=8):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, outputs))
