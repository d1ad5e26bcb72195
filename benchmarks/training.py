"""Training: the engine against tutorials' pipeline and loop, one change at a time; what the engine costs."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.timing import ROUNDS, against, ratio
from cnncourse import data, models, training
from cnncourse.data import ImageSet
from cnncourse.training import Batches, Recipe
from cnncourse.training.optimizers import create_optimizer, learning_rate_at
from cnncourse.training.precision import autocast, choose_dtype
from cnncourse.training.support import memory_format

AIM, MOST_OVERHEAD = 2.5, 0.05
IMAGES, EPOCHS, TESTED = 10_000, 3, 5_000
IMAGES_OF_OVERHEAD = 5_000
STAGES = (
    "plain loop, torchvision's pipeline", "+ resident batches", "+ channels_last", "+ dtype",
    "+ engine's loop",
)  # fmt: skip


class OneByOne(Dataset):
    """The image set as torchvision's data sets give it: a PIL image at a time, transformed on its own."""

    def __init__(self, image_set: ImageSet, recipe: Recipe) -> None:
        self.images, self.labels = image_set.images.transpose(0, 2, 3, 1), image_set.labels
        crop = [transforms.RandomCrop(image_set.shape[1:], padding=recipe.crop)] if recipe.crop else []
        flip = [transforms.RandomHorizontalFlip()] if recipe.flip else []
        scale = [transforms.ToTensor(), transforms.Normalize(recipe.mean, recipe.std)]
        self.transform = transforms.Compose([*crop, *flip, *scale])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def plain_loop(model: nn.Module, batches: Iterable, recipe: Recipe, dtype: torch.dtype) -> None:
    """Train as tutorials do: nothing but the steps and a running loss."""
    optimizer = create_optimizer(model, recipe)
    total, step, running_loss = recipe.epochs * len(batches), 0, 0.0
    model.train()
    for _ in range(recipe.epochs):
        for images, labels in batches:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(recipe, step, total)
            optimizer.zero_grad()
            with autocast(images.device, dtype):
                loss = F.cross_entropy(model(images).float(), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            step += 1


def resident(image_set: ImageSet, recipe: Recipe, channels_last: bool) -> Batches:
    return Batches(
        image_set, recipe.batch_size, recipe.crop, recipe.flip, recipe.seed, mean=recipe.mean, std=recipe.std,
        channels_last=channels_last,
    )  # fmt: skip


def measure() -> bool:
    """Print both comparisons; return whether all aims are met."""
    name = data.default_name()
    if name != "cifar10":
        print("  (CIFAR-10 is not on this machine: measured on its stand-in)")
    whole = data.load(name)
    return all([against_tutorials(whole), overhead(whole)])


def against_tutorials(whole: ImageSet) -> bool:
    """Train three_conv in the ways of `STAGES`, `ROUNDS` times in turn; print times and accuracies."""
    image_set, test_set = whole.take(min(IMAGES, len(whole))), data.load(whole.name, "test")
    test_set = test_set.take(min(TESTED, len(test_set)))
    recipe = Recipe.for_model("three_conv").replace(epochs=EPOCHS)
    model = models.create_model("three_conv", len(whole.classes), whole.shape[0], seed=0)
    dtype = choose_dtype("auto", model, (recipe.batch_size, *whole.shape), recipe.channels_last)
    dtype_name = str(dtype).removeprefix("torch.")
    print(
        f"three_conv, {len(image_set):,} images of {whole.name}, {EPOCHS} epochs, "
        f"batches of {recipe.batch_size}, {dtype_name}",
        flush=True,
    )
    seconds, accuracies = time_stages(image_set, test_set, recipe, dtype)
    print(f"  {'':<36} {'s an epoch':>10} {'images/s':>9} {'accuracy':>9}  change")
    for stage, before in zip(STAGES, (None, *STAGES), strict=False):
        middle = statistics.median(seconds[stage])
        change = ratio(seconds[before], seconds[stage])[1] if before else ""
        mean = 100 * statistics.mean(accuracies[stage])
        print(f"  {stage:<36} {middle:>10.2f} {len(image_set) / middle:>9,.0f} {mean:>7.1f}%  {change}")
    value, text = ratio(seconds[STAGES[0]], seconds[STAGES[-1]])
    print(f"  the engine is quicker by {text}; {against(value, AIM)}")
    return equal_accuracy(accuracies[STAGES[-1]], accuracies[STAGES[0]], len(test_set)) and value >= AIM


def time_stages(
    image_set: ImageSet, test_set: ImageSet, recipe: Recipe, dtype: torch.dtype
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the seconds an epoch and the accuracies of each stage, one for each seed."""
    loader = DataLoader(
        OneByOne(image_set, recipe), recipe.batch_size, shuffle=True, num_workers=2, persistent_workers=True
    )
    next(iter(loader))  # the workers start here, and are not timed
    named = str(dtype).removeprefix("torch.")

    def engine(model: nn.Module, seed: int) -> None:
        training.fit(model, image_set, recipe.replace(dtype=named, seed=seed), progress=False)

    def from_memory(model: nn.Module, seed: int, channels_last: bool, dtype: torch.dtype) -> None:
        model.to(memory_format=memory_format(channels_last))
        plain_loop(model, resident(image_set, recipe.replace(seed=seed), channels_last), recipe, dtype)

    ways: tuple[Callable[[nn.Module, int], None], ...] = (
        lambda model, _: plain_loop(model, loader, recipe, torch.float32),
        partial(from_memory, channels_last=False, dtype=torch.float32),
        partial(from_memory, channels_last=True, dtype=torch.float32),
        partial(from_memory, channels_last=True, dtype=dtype),
        engine,
    )
    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    accuracies: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for seed, (stage, way) in itertools.product(range(ROUNDS), zip(STAGES, ways, strict=True)):
        model = models.create_model("three_conv", len(image_set.classes), image_set.shape[0], seed=seed)
        torch.manual_seed(seed)
        start = time.perf_counter()
        way(model, seed)
        seconds[stage].append((time.perf_counter() - start) / recipe.epochs)
        found = training.evaluate(model, test_set, mean=recipe.mean, std=recipe.std)
        accuracies[stage].append(found["accuracy"])
    return seconds, accuracies


def equal_accuracy(ours: list[float], theirs: list[float], tested: int) -> bool:
    """Say whether the mean accuracies differ by less than twice the standard error of their difference."""
    difference = statistics.mean(ours) - statistics.mean(theirs)
    of_seeds = (statistics.variance(ours) + statistics.variance(theirs)) / len(ours)
    share = statistics.mean(ours)
    error = (of_seeds + 2 * share * (1 - share) / tested) ** 0.5
    met = abs(difference) <= 2 * error
    print(
        f"  its accuracy differs by {100 * difference:+.1f} points, standard error {100 * error:.1f}; "
        f"within two: {'met' if met else 'MISSED'}"
    )
    return met


@contextmanager
def stopwatch(model: nn.Module) -> Iterator[dict[str, float]]:
    """Add up the seconds within the model's forward pass, `backward` and the optimizer's step."""
    spent = {"forward": 0.0, "backward": 0.0, "step": 0.0}

    def timed(part: str, function: Callable) -> Callable:
        def call(*args, **options):
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                spent[part] += time.perf_counter() - start

        return call

    backward = timed("backward", torch.Tensor.backward)
    step = timed("step", torch.optim.AdamW.step)
    with (
        mock.patch.object(model, "forward", timed("forward", model.forward)),
        mock.patch.object(torch.Tensor, "backward", backward),
        mock.patch.object(torch.optim.AdamW, "step", step),
    ):
        yield spent


def overhead(whole: ImageSet) -> bool:
    """Print which share of an epoch of ResNet-20 is not forward, backward or step, with crop and flip."""
    image_set = whole.take(min(IMAGES_OF_OVERHEAD, len(whole)))
    recipe = Recipe(epochs=1, batch_size=128, optimizer="adamw", crop=4, flip=True)
    model = models.create_model("resnet20", len(whole.classes), whole.shape[0], seed=0)
    start = time.perf_counter()
    dtype = choose_dtype("auto", model, (recipe.batch_size, *whole.shape))
    choosing = time.perf_counter() - start
    recipe = recipe.replace(dtype=str(dtype).removeprefix("torch."))
    print(f"resnet20, {len(image_set):,} images of {whole.name}, {recipe.dtype}, crop and flip", flush=True)
    shares = []
    for _ in range(ROUNDS):
        with stopwatch(model) as spent:
            row = training.fit(model, image_set, recipe, progress=False)[0]
        shares.append(1 - sum(spent.values()) / row["seconds"])
    middle = statistics.median(shares)
    print(
        f"  the engine's own share of an epoch: {middle:.2%} (from {min(shares):.2%} to {max(shares):.2%}); "
        f"{against(middle, MOST_OVERHEAD, most=True)}"
    )
    print(f"  choosing the number format, once a training, takes {choosing:.1f} s more")
    return middle <= MOST_OVERHEAD
