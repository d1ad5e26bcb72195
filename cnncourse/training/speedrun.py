"""SpeedNet trained fast: a recipe for CIFAR-10 on small CPUs (and GPUs), from top to bottom.

What makes it fast, in the order of the code: images that stay in memory at the size of the moment, small
ones first; one crop for a whole batch, flips that alternate; 16 bits where they pay; Muon for filters; rates
that fall to zero. What is timed: everything after the uint8 images are in memory.

References
----------
K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498, and
K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F

from cnncourse.models.speednet import SpeedNet
from cnncourse.training.muon import orthogonalize
from cnncourse.training.precision import autocast
from cnncourse.training.speed_checks import check_images, check_recipe
from cnncourse.training.support import hold_memory, wait_for
from cnncourse.training.toml_values import TomlValues

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


@dataclasses.dataclass(frozen=True)
class SpeedRecipe(TomlValues):
    """Everything that decides a speedrun.

    In TOML its first line is ``network = "speednet"``.

    Parameters
    ----------
    epochs : float
        How often the training set is seen; a part of an epoch counts.
    batch_size : int
        Images per step.
    widths : tuple of three int
        Feature maps of the network's groups.
    sizes : tuple of (float, int)
        Up to which share of all steps images of how many pixels a side are used, in order.
    filter_rate, bias_rate, head_rate : float
        Rates of the first step: of Muon for the filters, of SGD for biases and for the head. All fall
        linearly to zero.
    label_smoothing : float
        The share of each target that is spread over all classes.
    crop : int
        Each batch is moved by up to so many pixels of a 32x32 image in each direction, mirrored pixels
        coming in.
    stem_epochs : float
        For how long the stem's biases are trained.
    whiten, identity, muon : bool
        Whether the stem is computed, filters start as the identity, and Muon trains them. Without the first
        the stem is trained like the others; without the last all filters are trained by SGD.
    flip : {"alternating", "random", "none"}
        Whether an image is mirrored in every second epoch, or by chance, or never.
    seed : int
        Decides the initial head, order, crops and flips.

    Raises
    ------
    TypeError, ValueError
        If a value is of the wrong kind or out of range.

    Examples
    --------
    >>> SpeedRecipe.load("cpu94").replace(epochs=0.5).epochs
    0.5
    """

    network: ClassVar[str] = "speednet"
    epochs: float
    batch_size: int = 250
    widths: tuple[int, int, int] = (64, 128, 256)
    sizes: tuple[tuple[float, int], ...] = ((0.5, 16), (0.8, 20), (1.0, 24))
    filter_rate: float = 0.16
    bias_rate: float = 0.053
    head_rate: float = 0.1
    label_smoothing: float = 0.1
    crop: int = 2
    stem_epochs: float = 3.0
    whiten: bool = True
    identity: bool = True
    muon: bool = True
    flip: str = "alternating"
    seed: int = 0

    def __post_init__(self) -> None:
        check_recipe(self)

    def size_at(self, share: float) -> int:
        """Return the pixels a side of the images after this `share` of all steps."""
        return next(size for until, size in self.sizes if share < until)


MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's training images


def normalization(image_set: "ImageSet") -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel: CIFAR-10's are constants, counting takes a second."""
    if image_set.name == "cifar10" and image_set.shape[0] == len(MEAN):
        return MEAN, STD
    mean, std = image_set.statistics()
    return tuple(mean.tolist()), tuple(std.clip(1e-3).tolist())  # a channel may be the same everywhere


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
    generator = torch.Generator().manual_seed(recipe.seed)
    labels = torch.as_tensor(train_set.labels).to(device)
    count, batch = len(labels), recipe.batch_size
    steps = round(recipe.epochs * (count // batch))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = SpeedNet(len(train_set.classes), train_set.shape[0], recipe.widths, recipe.identity)
    model.stem.weight.requires_grad = not recipe.whiten
    model = model.to(device).to(memory_format=torch.channels_last).train()
    optimizer = SpeedOptimizer(model, recipe)
    mirrored = torch.rand(count, generator=generator) < 0.5  # in the first epoch
    size, images, order = 0, torch.empty(0), torch.empty(0)
    for step in range(steps):
        if recipe.size_at(step / steps) != size:  # the next one
            size = recipe.size_at(step / steps)
            # (N, C, size + 2 m, size + 2 m)
            images = resident(train_set, size, recipe.crop, dtype, device, scale)
            if step == 0 and recipe.whiten:
                middle = (images.shape[-1] - size) // 2
                model.whiten(images[:5000, :, middle : middle + size, middle : middle + size])
        epoch, place = divmod(step, count // batch)
        if place == 0:
            order = torch.randperm(count, generator=generator)
            if epoch and recipe.flip == "alternating":
                mirrored = ~mirrored
            elif epoch:
                mirrored = torch.rand(count, generator=generator) < 0.5
        chosen = order[place * batch : (place + 1) * batch]
        i, j = torch.randint(images.shape[-1] - size + 1, (2,), generator=generator)
        x = images[chosen.to(device), :, i : i + size, j : j + size]  # (B, C, size, size)
        if recipe.flip != "none":
            x = torch.where(mirrored[chosen].to(device)[:, None, None, None], x.flip(3), x)
        model.stem.bias.requires_grad = step < recipe.stem_epochs * (count // batch)  # type: ignore[union-attr]
        with autocast(device, dtype):
            logits = model(x.contiguous(memory_format=torch.channels_last)).float()  # (B, classes)
            loss = F.cross_entropy(
                logits, labels[chosen], label_smoothing=recipe.label_smoothing, reduction="sum"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(1 - step / steps)
        if report is not None:
            report(step, steps, loss.item() / batch)
    wait_for(device)
    return model, time.perf_counter() - start


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


def resident(
    image_set: "ImageSet",
    size: int,
    crop: int,
    dtype: torch.dtype,
    device: torch.device,
    scale: tuple[tuple[float, ...], tuple[float, ...]] = (MEAN, STD),
) -> torch.Tensor:
    """Return all images normalized, with mirrored borders, and down-sampled, ready to be cropped to `size`.

    Returns
    -------
    Tensor of shape (N, C, size + 2 m, size + 2 m)
        `m` pixels on each side stand for about `crop` pixels of the original.
    """
    pixels = image_set.shape[-1]
    matrix = shrink_matrix(pixels, size, round(crop * size / pixels)).to(device, dtype)
    mean, std = (torch.tensor(values, device=device).reshape(-1, 1, 1) for values in scale)
    shape = (*image_set.images.shape[:2], len(matrix), len(matrix))
    images = torch.empty(shape, dtype=dtype, device=device, memory_format=torch.channels_last)
    parts = zip(torch.split(torch.as_tensor(image_set.images), 5000), torch.split(images, 5000), strict=True)
    for part, place in parts:  # in parts, so that memory never holds all of them twice
        small = matrix @ part.to(device, dtype) @ matrix.T  # (5000, C, size + 2 m, size + 2 m)
        place.copy_((small / 255 - mean).div_(std))
    return images


def shrink_matrix(size: int, new_size: int, margin: int = 0) -> torch.Tensor:
    """Return the matrix (new_size + 2 margin, size) that down-samples with a triangle as wide as the step.

    Beyond the border are mirrored pixels. All of it is linear: one matrix does it for rows and for columns.
    """
    step = size / new_size
    reach = math.ceil((margin + 1) * step) if margin else 0
    framed = F.pad(torch.eye(size)[None], (reach, reach), mode="reflect")[0].T  # (size + 2 reach, size)
    middle = (torch.arange(-margin, new_size + margin) + 0.5) * step - 0.5
    weights = (1 - (torch.arange(-reach, size + reach) - middle[:, None]).abs() / step).clamp(min=0)
    return weights / weights.sum(dim=1, keepdim=True) @ framed
