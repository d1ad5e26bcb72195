"""Five networks trained the way widely read tutorials type it: one image at a time, one plain loop.

Nothing here is made fast: the pictures are decoded, turned into tensors and normalized one by one, in the
program that trains, in float32. That is what the bench compares with.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from cnncourse.data import ImageSet
from cnncourse.models import create_model
from cnncourse.training.resident import normalization
from cnncourse.training.support import wait_for

Optimizer = torch.optim.Optimizer


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Pictures and labels, as `torchvision.datasets.CIFAR10` holds them: transformed when asked for."""

    def __init__(self, image_set: ImageSet, transform: Callable[[Image.Image], torch.Tensor]) -> None:
        self.pixels = np.ascontiguousarray(image_set.images.transpose(0, 2, 3, 1))  # (N, H, W, C)
        self.labels = image_set.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.pixels[index])
        return self.transform(picture), self.labels[index]


def train_epoch(
    model: nn.Module,
    loader: DataLoader[tuple[torch.Tensor, int]],
    optimizer: Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    device: torch.device | str = "cpu",
) -> float:
    """Train for one epoch; return the mean loss."""
    criterion = nn.CrossEntropyLoss()
    running_loss = 0.0
    model.train()
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        running_loss += loss.item()
    return running_loss / len(loader)


@dataclasses.dataclass(frozen=True)
class Tutorial:
    """What a tutorial says about the training of its network.

    Parameters
    ----------
    optimizer : callable
        Makes the optimizer for parameters.
    batch_size, epochs : int
        As stated.
    by_channel : bool
        Whether pixels are normalized by the mean and deviation of each channel; else they become -1 to 1.
    augment : tuple
        Transforms of the picture.
    peak : float or None
        The largest rate of a one-cycle schedule; None for a constant rate.
    stated : str
        The test accuracy that is stated, and what is not stated and was chosen here.
    """

    optimizer: Callable[[Any], Optimizer]
    batch_size: int
    epochs: int
    by_channel: bool = False
    augment: tuple[Any, ...] = ()
    peak: float | None = None
    stated: str = ""

    def scale(self, train_set: ImageSet) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and deviation by which pixels are normalized."""
        return normalization(train_set) if self.by_channel else ((0.5,) * 3, (0.5,) * 3)


CROP, FLIP = transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()
JITTER, ROTATION = transforms.ColorJitter(0.2, 0.2, 0.2), transforms.RandomRotation(15)

TUTORIALS = {
    "three_conv": Tutorial(
        lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
        batch_size=64,
        epochs=30,
        stated="about 74%",
    ),
    "five_conv": Tutorial(
        lambda parameters: torch.optim.SGD(parameters, lr=8e-3),
        batch_size=64,
        epochs=50,
        by_channel=True,
        stated="about 80%",
    ),
    "double_conv_gap": Tutorial(
        lambda parameters: torch.optim.AdamW(parameters),
        batch_size=128,
        epochs=50,
        augment=(CROP, FLIP, JITTER, ROTATION),
        peak=0.01,
        stated="no accuracy; optimizer, batch size and strength of the jitter are ours",
    ),
    "small_conv": Tutorial(
        lambda parameters: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9),
        batch_size=32,
        epochs=30,
        stated="no accuracy",
    ),
    "conv_bn_gap": Tutorial(
        lambda parameters: torch.optim.AdamW(parameters, lr=1e-3),
        batch_size=128,
        epochs=30,
        augment=(CROP, FLIP),
        stated="no recipe; all of it is ours",
    ),
}


def plain_epochs(
    name: str, train_set: ImageSet, seed: int = 0, device: torch.device | str = "cpu"
) -> Iterator[tuple[nn.Module, float]]:
    """Train a tutorial's network by its recipe; yield it after each epoch, with the epoch's seconds.

    Parameters
    ----------
    name : str
        A key of `TUTORIALS`.
    train_set : ImageSet
        Color images of 32x32 pixels.
    seed : int
        Decides initialization, order and augmentation.
    device : torch.device or str
        Where to train.

    Yields
    ------
    model : nn.Module
        The network; it is trained on when the next epoch is asked for.
    seconds : float
        What the epoch took. What the caller does in between is not in it.
    """
    tutorial = TUTORIALS[name]
    mean, std = tutorial.scale(train_set)
    steps = [*tutorial.augment, transforms.ToTensor(), transforms.Normalize(mean, std)]
    torch.manual_seed(seed)
    model = create_model(name, len(train_set.classes), seed=seed).to(device)
    pictures = Pictures(train_set, transforms.Compose(steps))
    loader = DataLoader(pictures, batch_size=tutorial.batch_size, shuffle=True)
    optimizer = tutorial.optimizer(model.parameters())
    scheduler = None
    if tutorial.peak is not None:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, tutorial.peak, epochs=tutorial.epochs, steps_per_epoch=len(loader)
        )
    for _ in range(tutorial.epochs):
        start = time.perf_counter()
        train_epoch(model, loader, optimizer, scheduler, device)
        wait_for(torch.device(device))
        yield model, time.perf_counter() - start
