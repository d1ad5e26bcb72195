"""Our recipes, timed: a speedrun, its accuracy, and how much of the machine's arithmetic it used."""

import statistics
import time
from typing import Any

import torch

from cnncourse.data import ImageSet
from cnncourse.models import SpeedNet, count_multiply_adds
from cnncourse.training.evaluation import evaluate
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.speedrun import as_trained, choose_format, speedrun
from cnncourse.training.support import wait_for

PRODUCT = 2048  # rows and columns of the matrices whose product is timed
ENOUGH = 2.0  # seconds after which the product is not timed again


def run_fast(
    recipe: SpeedRecipe, train_set: ImageSet, test_set: ImageSet, device: torch.device
) -> dict[str, Any]:
    """Train a SpeedNet by `recipe` and measure it.

    Returns
    -------
    dict
        ``seconds`` from the uint8 images in memory to the last step, ``accuracy`` without and
        ``accuracy_tta`` with averaging over the recipe's views, ``evaluation_seconds`` of both,
        ``dtype`` and the ``probe_seconds`` in which it was chosen before the clock started, and the
        ``multiply_adds`` of all steps.
    """
    start = time.perf_counter()
    new = SpeedNet(len(train_set.classes), train_set.shape[0], **recipe.options).to(device)
    dtype = choose_format(new, recipe)  # this also sets the machine going
    probe_seconds = time.perf_counter() - start
    model, seconds = speedrun(train_set, recipe, dtype, device)
    start = time.perf_counter()
    trained = as_trained(model, train_set, recipe)
    found = [evaluate(trained, test_set, views=views) for views in (1, recipe.views)]
    return {
        "seconds": seconds,
        "accuracy": found[0]["accuracy"],
        "accuracy_tta": found[1]["accuracy"],
        "evaluation_seconds": time.perf_counter() - start,
        "dtype": str(dtype).removeprefix("torch."),
        "probe_seconds": probe_seconds,
        "multiply_adds": count_work(recipe, len(train_set)),
    }


def count_work(recipe: SpeedRecipe, images: int) -> int:
    """Return the multiply-adds of all steps: for each image one forward pass, and twice that backward.

    What the optimizer does beside is not counted.

    Examples
    --------
    >>> recipe = SpeedRecipe(epochs=1, batch_size=100, sizes=((0.5, 16), (1.0, 32)))
    >>> small, large = (count_multiply_adds(SpeedNet(), (3, side, side)) for side in (16, 32))
    >>> count_work(recipe, 1000) == 3 * 100 * 5 * (small + large)
    True
    """
    steps = round(recipe.epochs * (images // recipe.batch_size))
    sides = [recipe.size_at(step / steps) for step in range(steps)]
    model = SpeedNet(**recipe.options)
    each = {side: count_multiply_adds(model, (3, side, side)) for side in set(sides)}
    return 3 * recipe.batch_size * sum(each[side] for side in sides)


def product_rate(dtype: torch.dtype, device: torch.device, size: int = PRODUCT) -> float:
    """Return the multiply-adds a second of a product of two matrices of `size` rows and columns.

    The median of up to ten products after the first.
    """
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, size, generator=generator).to(device, dtype) for _ in range(2))
    times: list[float] = []
    while len(times) < 11 and (len(times) < 2 or sum(times) < ENOUGH):
        start = time.perf_counter()
        a @ b
        wait_for(device)
        times.append(time.perf_counter() - start)
    return size**3 / statistics.median(times[1:])
