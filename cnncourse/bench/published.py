"""The published recipe for 94% on CIFAR-10 with SGD, read from its paper and written again in our own words.

It stands for the state of the art before Muon, and shares no line with our own recipe, so that the two can
be compared on one GPU: the same ideas at full resolution, every filter by SGD, and lookahead.

References
----------
K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498.
"""

import copy
import math
import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.data import ImageSet

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
MOMENTUM, SMOOTHING, SHIFT = 0.85, 0.2, 2
RATE, DECAY, BIAS_FACTOR = 11.5, 0.0153, 64  # rate and decay for 1024 images, apart from each other
STEM_EPOCHS = 3  # for so long the stem's bias is trained


def published_network(classes: int = 10) -> nn.Sequential:
    """Return the network: whitened patches, three groups of two convolutions, and a small head."""
    stem = nn.Conv2d(3, 24, kernel_size=2)  # (N, 3, 32, 32) -> (N, 24, 31, 31)
    stem.weight.requires_grad = False
    nn.init.zeros_(stem.bias)  # type: ignore[arg-type]
    return nn.Sequential(
        stem,
        nn.GELU(),
        *_group(24, 64),  # (N, 64, 15, 15)
        *_group(64, 256),  # (N, 256, 7, 7)
        *_group(256, 256),  # (N, 256, 3, 3)
        nn.MaxPool2d(3),
        nn.Flatten(),
        nn.Linear(256, classes, bias=False),
    )


def _group(inputs: int, outputs: int) -> list[nn.Module]:
    """Return the layers of a group; the first filters of a convolution start as the identity."""
    convolutions = [nn.Conv2d(i, outputs, 3, padding=1, bias=False) for i in (inputs, outputs)]
    norms = [nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4) for _ in convolutions]
    for convolution, norm in zip(convolutions, norms, strict=True):
        nn.init.dirac_(convolution.weight[: convolution.in_channels])
        norm.weight.requires_grad = False
    first, second = convolutions
    return [first, nn.MaxPool2d(2), norms[0], nn.GELU(), second, norms[1], nn.GELU()]


@torch.no_grad()
def whiten(stem: nn.Conv2d, images: torch.Tensor) -> None:
    """Set the stem to the principal directions of 2x2 patches, each at unit length, and their negatives."""
    patches = F.unfold(images.float(), 2).transpose(1, 2).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + 5e-4).sqrt()).T.flip(0).reshape(12, 3, 2, 2)
    stem.weight.copy_(torch.cat([filters, -filters]))


def epochs_of(images: torch.Tensor, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yield the images (N, 3, 32, 32) of each epoch: moved by up to two pixels, mirrored in turns."""
    count, side = len(images), images.shape[-1]
    start = (torch.rand(count, generator=generator) < 0.5).to(images.device)
    images = torch.where(start[:, None, None, None], images.flip(3), images)
    padded = F.pad(images, (SHIFT,) * 4, mode="reflect")  # (N, 3, 36, 36)
    while True:
        moves = torch.randint(2 * SHIFT + 1, (count, 2), generator=generator).to(images.device)
        moved = torch.empty_like(images)
        for i in range(2 * SHIFT + 1):
            for j in range(2 * SHIFT + 1):
                here = (moves == torch.tensor([i, j], device=images.device)).all(dim=1)
                moved[here] = padded[here, :, i : i + side, j : j + side]
        yield moved
        padded = padded.flip(3)


def run_published(
    train_set: ImageSet,
    seed: int = 0,
    device: torch.device | str = "cuda",
    epochs: float = 9.9,
    batch_size: int = 1024,
) -> tuple[nn.Module, float]:
    """Train by the published recipe; return the network and the seconds since the uint8 images.

    Parameters
    ----------
    train_set : ImageSet
        Color images of 32x32 pixels.
    seed : int
        Decides initialization, order and augmentation.
    device : torch.device or str
        In float16 on CUDA, in float32 elsewhere.
    epochs : float
        How often all images are seen.
    batch_size : int
        Images per step; what is left at the end of an epoch is left out.
    """
    clock = time.perf_counter()
    device = torch.device(device)
    half = torch.float16 if device.type == "cuda" else torch.float32
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    images = normalized(train_set, device, half)
    labels = torch.as_tensor(train_set.labels).to(device)
    model = published_network(len(train_set.classes)).to(device, half)
    model = model.to(memory_format=torch.channels_last)
    for norm in (each for each in model.modules() if isinstance(each, nn.BatchNorm2d)):
        norm.float()
    stem = model[0]
    assert isinstance(stem, nn.Conv2d) and stem.bias is not None
    whiten(stem, images[:5000])
    steps_an_epoch = len(images) // batch_size
    steps = math.ceil(epochs * steps_an_epoch)
    optimizer = _optimizer(model, batch_size)
    rates = np.interp(np.arange(steps), [0, int(0.23 * steps), steps], [0.2, 1.0, 0.07])
    base = [group["lr"] for group in optimizer.param_groups]
    average = copy.deepcopy(model.state_dict())
    views = epochs_of(images, generator)
    for step in range(steps):
        epoch, place = divmod(step, steps_an_epoch)
        if place == 0:
            images, order = next(views), torch.randperm(len(labels), generator=generator).to(device)
            stem.bias.requires_grad = epoch < STEM_EPOCHS
        for group, rate in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = rate * rates[step]
        chosen = order[place * batch_size : (place + 1) * batch_size]
        logits = model(images[chosen]) / 9
        loss = F.cross_entropy(logits, labels[chosen], label_smoothing=SMOOTHING, reduction="none").sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % 5 == 0:
            look_ahead(average, model, 0.95**5 * ((step + 1) / steps) ** 3)
    look_ahead(average, model, 1.0)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return model.eval(), time.perf_counter() - clock


def _optimizer(model: nn.Module, batch_size: int) -> torch.optim.SGD:
    """Return SGD with a large rate for the biases of batch normalization; the decay is the same for all."""
    scale = 1024 * (1 + 1 / (1 - MOMENTUM))  # Nesterov's steps are larger than a gradient by this factor
    rate, decay = RATE / scale, DECAY * batch_size / scale
    norms = [norm.bias for norm in model.modules() if isinstance(norm, nn.BatchNorm2d)]
    known = set(map(id, norms))
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": norms, "lr": rate * BIAS_FACTOR, "weight_decay": decay / (rate * BIAS_FACTOR)},
        {"params": others, "lr": rate, "weight_decay": decay / rate},
    ]
    return torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)


@torch.no_grad()
def look_ahead(average: dict[str, torch.Tensor], model: nn.Module, keep: float) -> None:
    """Move the average towards the weights, all but the share `keep`, and the weights onto the average."""
    for name, weight in model.state_dict().items():
        if weight.is_floating_point():
            weight.copy_(average[name].lerp_(weight, 1 - keep))


@torch.no_grad()
def published_logits(model: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits (N, 10) of normalized images, and those averaged over six views.

    Three positions, as it is, one pixel up and left, and one down and right, each mirrored too; the first
    counts twice.
    """
    side, padded = images.shape[-1], F.pad(images, (1,) * 4, mode="reflect")

    def both(x: torch.Tensor) -> torch.Tensor:
        return (model(x).float() + model(x.flip(3)).float()) / 2  # type: ignore[no-any-return]

    first, last = (both(padded[..., i : i + side, i : i + side]) for i in (0, 2))
    return model(images).float(), both(images) / 2 + (first + last) / 4


def normalized(image_set: ImageSet, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return the images (N, 3, H, W) on the device, normalized by CIFAR-10's statistics."""
    mean, std = (torch.tensor(each, device=device, dtype=dtype).reshape(3, 1, 1) for each in (MEAN, STD))
    images = torch.as_tensor(image_set.images).to(device).to(dtype) / 255
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def evaluate_published(
    model: nn.Module, test_set: ImageSet, device: torch.device | str = "cuda"
) -> tuple[float, float]:
    """Return the accuracy without and with averaging over six views."""
    dtype = next(model.parameters()).dtype
    images = normalized(test_set, torch.device(device), dtype)
    labels = torch.as_tensor(test_set.labels).to(device)
    parts = [published_logits(model, part) for part in torch.split(images, 2000)]
    single, averaged = (torch.cat(each) for each in zip(*parts, strict=True))
    return tuple((each.argmax(1) == labels).float().mean().item() for each in (single, averaged))  # type: ignore[return-value]
