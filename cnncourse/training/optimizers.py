"""Optimizers by name, and the learning rate at every step."""

import math
from collections.abc import Callable

import torch
from torch import nn

from cnncourse.training.recipe import Recipe

# How much of the learning rate is left when the share `t` of the steps after the warm-up is done.
_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1.0 - t,
    "cosine": lambda t: (1.0 + math.cos(math.pi * t)) / 2,
}


def create_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return torch's optimizer of the recipe's name over the parameters that can be trained."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("the model has no parameter to train")
    lr, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr, momentum=recipe.momentum, weight_decay=decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr, weight_decay=decay)
    return torch.optim.Adam(parameters, lr, weight_decay=decay)


def learning_rate_at(recipe: Recipe, step: int, total_steps: int) -> float:
    """Return the learning rate of step number `step` (from 0) of `total_steps`.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=1.0, schedule="linear", warmup=0.5)
    >>> [learning_rate_at(recipe, step, 8) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    warmup_steps = round(recipe.warmup * total_steps)
    if step < warmup_steps:
        return recipe.learning_rate * (step + 1) / warmup_steps
    t = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return recipe.learning_rate * _SCHEDULES[recipe.schedule](t)
