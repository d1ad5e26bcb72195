"""SpeedNet trained fast: a recipe for CIFAR-10 on small CPUs (and GPUs), from top to bottom.

What makes it fast, in the order of the code: images that stay in memory at the size of the moment, small
ones first; one crop for a whole batch, flips that alternate; 16 bits where they pay; Muon for filters; rates
that fall to zero. What is timed: everything after the uint8 images are in memory.

References
----------
K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498, and
K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from cnncourse.models import Trained
from cnncourse.models.speednet import SpeedNet
from cnncourse.training.muon import orthogonalize
from cnncourse.training.precision import autocast, choose_dtype
from cnncourse.training.resident import Scale, normalization, resident
from cnncourse.training.speed_recipe import SpeedRecipe, check_images
from cnncourse.training.support import hold_memory, wait_for

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


def speedrun(
    train_set: "ImageSet",
    recipe: SpeedRecipe,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    report: Callable[[int, int, float], None] | None = None,
) -> tuple[SpeedNet, float]:
    """Train a new SpeedNet; return it with the seconds that it took.

    Parameters
    ----------
    train_set : ImageSet
        uint8 images (N, C, 32, 32).
    recipe : SpeedRecipe
        How to train.
    dtype : torch.dtype
        The format of convolutions and matrix products.
    device : torch.device or str
        Where to train.
    report : callable, optional
        Called after each step with its number, the number of all steps and the loss.

    Returns
    -------
    model : SpeedNet
        In training mode; images are normalized as `normalization` says.
    seconds : float
        From the images in memory to the last step.
    """
    check_images(train_set, recipe)
    hold_memory()
    start = time.perf_counter()
    device = torch.device(device)
    scale = normalization(train_set)
    a_epoch = len(train_set) // recipe.batch_size
    steps = round(recipe.epochs * a_epoch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = SpeedNet(len(train_set.classes), train_set.shape[0], **recipe.options)
    model = model.to(device).to(memory_format=torch.channels_last).train()
    model.stem.weight.requires_grad = not recipe.whiten
    if recipe.whiten:
        some = train_set.subset(range(min(5000, len(train_set))))
        model.whiten(resident(some, recipe.size_at(0), 0, dtype, device, scale))
    optimizer = SpeedOptimizer(model, recipe)
    for step, (x, labels) in enumerate(batches(train_set, recipe, steps, dtype, device, scale)):
        model.stem.bias.requires_grad = step < recipe.stem_epochs * a_epoch  # type: ignore[union-attr]
        loss = train_step(model, optimizer, x, labels, recipe, dtype, 1 - step / steps)
        if report is not None:
            report(step, steps, loss.item() / len(x))
    wait_for(device)
    return model, time.perf_counter() - start


def train_step(
    model: SpeedNet,
    optimizer: "SpeedOptimizer",
    x: torch.Tensor,
    labels: torch.Tensor,
    recipe: SpeedRecipe,
    dtype: torch.dtype,
    share: float,
) -> torch.Tensor:
    """Learn from images (B, C, H, W) and labels (B,) at the `share` of all rates; return the summed loss."""
    with autocast(x.device, dtype):
        logits = model(x).float()  # (B, classes)
    smoothing = recipe.label_smoothing
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step(share)
    return loss


def as_trained(model: SpeedNet, train_set: "ImageSet", recipe: SpeedRecipe) -> Trained:
    """Return the network with its classes, its normalization and the size at which it ended."""
    mean, std = normalization(train_set)
    return Trained(
        model, recipe.network, train_set.classes, train_set.shape[0], train_set.shape[1:], mean, std,
        options=recipe.options, resolution=recipe.resolution,
    )  # fmt: skip


def choose_format(model: SpeedNet, recipe: SpeedRecipe) -> torch.dtype:
    """Return the recipe's format; if that is "auto", bfloat16 where a step of `model` is faster and right."""
    side = recipe.size_at(0)
    shape = (min(recipe.batch_size, 100), model.stem.in_channels, side, side)
    model = model.to(memory_format=torch.channels_last)
    return choose_dtype(recipe.dtype, model, shape, channels_last=True, formats=(torch.bfloat16,))


def batches(
    train_set: "ImageSet",
    recipe: SpeedRecipe,
    steps: int,
    dtype: torch.dtype,
    device: torch.device,
    scale: Scale,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield each step's images (B, C, size, size), cropped and mirrored, and their labels (B,)."""
    generator = torch.Generator().manual_seed(recipe.seed)
    labels = torch.as_tensor(train_set.labels).to(device)
    count, batch = len(labels), recipe.batch_size
    mirrored = torch.rand(count, generator=generator) < 0.5  # in the first epoch
    size, images, order = 0, torch.empty(0), torch.empty(0)
    for step in range(steps):
        if recipe.size_at(step / steps) != size:  # the next one
            size = recipe.size_at(step / steps)
            images = resident(train_set, size, recipe.crop, dtype, device, scale)
        epoch, place = divmod(step, count // batch)
        if place == 0:
            order = torch.randperm(count, generator=generator)
            if epoch and recipe.flip == "alternating":
                mirrored = ~mirrored
            elif epoch:
                mirrored = torch.rand(count, generator=generator) < 0.5
        chosen = order[place * batch : (place + 1) * batch]
        i, j = torch.randint(images.shape[-1] - size + 1, (2,), generator=generator)
        x = images[chosen.to(device), :, i : i + size, j : j + size]
        if recipe.flip != "none":
            x = torch.where(mirrored[chosen].to(device)[:, None, None, None], x.flip(3), x)
        yield x.contiguous(memory_format=torch.channels_last), labels[chosen.to(device)]


class SpeedOptimizer:
    """Muon for the filters, Nesterov's momentum for biases and head, written out.

    No ``torch.optim`` is constructed: the first one imports for seconds.
    """

    def __init__(self, model: SpeedNet, recipe: SpeedRecipe) -> None:
        trained = [p for p in model.parameters() if p.requires_grad]
        filters: list[torch.Tensor] = [p for p in trained if p.ndim == 4]
        self.filters = filters if recipe.muon else []
        self.others: list[tuple[torch.Tensor, float]] = [
            *((p, recipe.bias_rate) for p in trained if p.ndim == 1),
            (model.head.weight, recipe.head_rate),
            *((p, recipe.filter_rate) for p in filters if not recipe.muon),
        ]
        self.filter_rate, self.decay = recipe.filter_rate, 2e-6 * recipe.batch_size
        self.momenta = {p: torch.zeros_like(p) for p in [*self.filters, *(p for p, _ in self.others)]}

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Take one step at the `share` of all rates, and forget the gradients."""
        for p in self.filters:
            assert p.grad is not None
            momentum = self.momenta[p].mul_(0.6).add_(p.grad)
            direction = p.grad.add(momentum, alpha=0.6).flatten(1)  # (C_out, C_in K K)
            p.mul_(len(p) ** 0.5 / p.norm())  # the filters keep their size, only directions are learned
            p.add_(orthogonalize(direction.bfloat16(), steps=3).view_as(p), alpha=-self.filter_rate * share)
            p.grad = None
        for p, rate in self.others:
            if p.grad is None:
                continue
            gradient = p.grad.add_(p, alpha=self.decay / rate)
            momentum = self.momenta[p].mul_(0.85).add_(gradient)
            p.add_(gradient.add(momentum, alpha=0.85), alpha=-rate * share)
            p.grad = None
