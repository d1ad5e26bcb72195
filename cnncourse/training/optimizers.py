"""Optimizers by name, and the learning rate at every step."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from cnncourse.training.muon import Muon
from cnncourse.training.recipe import Recipe

# How much of the learning rate there is when the share `t` of the steps after the warm-up is done.
_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1.0 - t,
    "cosine": lambda t: (1.0 + math.cos(math.pi * t)) / 2,
    "one_cycle": lambda t: _between(0.04, 1.0, t / 0.3) if t < 0.3 else _between(1.0, 0.0, (t - 0.3) / 0.7),
}


def create_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of the recipe's name over the parameters that can be trained."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("the model has no parameter to train")
    lr, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr, recipe.momentum, weight_decay=decay, nesterov=recipe.nesterov)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr, weight_decay=decay)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr, weight_decay=decay)
    last = max((index for index, p in enumerate(parameters) if p.ndim > 1), default=-1)
    inner = [p for index, p in enumerate(parameters) if p.ndim > 1 and index != last]
    if not inner:
        raise ValueError("optimizer 'muon' needs filters or matrices before the last layer; use 'adamw'")
    chosen = {id(p) for p in inner}
    others = [p for p in parameters if id(p) not in chosen]
    return Together(
        Muon(inner, lr, recipe.momentum, recipe.nesterov, decay),
        torch.optim.AdamW(others, lr, weight_decay=decay),
    )


class Together(torch.optim.Optimizer):
    """Two or more optimizers, each with its own parameters, that step as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers
        self.param_groups = [group for optimizer in optimizers for group in optimizer.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none)

    def step(self, closure: Any = None) -> Any:
        """Take a step with each."""
        for optimizer in self.optimizers:
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the states, one after the other."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the states that `state_dict` returned."""
        for optimizer, state in zip(self.optimizers, state_dict["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.param_groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]


def learning_rate_at(recipe: Recipe, step: int, total_steps: int) -> float:
    """Return the learning rate of step number `step` (from 0) of `total_steps`.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=1.0, schedule="linear", warmup=0.5)
    >>> [learning_rate_at(recipe, step, 8) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    >>> recipe = Recipe(learning_rate=1.0, schedule="step", milestones=[0.5, 0.75])
    >>> [learning_rate_at(recipe, step, 4) for step in range(4)]
    [1.0, 1.0, 0.1, 0.01]
    """
    warmup_steps = round(recipe.warmup * total_steps)
    if step < warmup_steps:
        return recipe.learning_rate * (step + 1) / warmup_steps
    if recipe.schedule == "step":
        passed = sum(step >= milestone * total_steps for milestone in recipe.milestones)
        return recipe.learning_rate / float(10**passed)
    t = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return recipe.learning_rate * _SCHEDULES[recipe.schedule](t)


def _between(start: float, end: float, t: float) -> float:
    """Return the value at the share `t` of half a cosine from `start` to `end`."""
    return end + (start - end) * (1.0 + math.cos(math.pi * t)) / 2
