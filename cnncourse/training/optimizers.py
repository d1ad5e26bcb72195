"""Optimizers by name, and the learning rate at every step."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from cnncourse._checks import check_number, suggest
from cnncourse.training.muon import Muon
from cnncourse.training.recipe import Recipe
from cnncourse.training.schedules import one_cycle

# How much of the learning rate there is when the share `t` of the steps after the warm-up is done.
_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1.0 - t,
    "cosine": lambda t: (1.0 + math.cos(math.pi * t)) / 2,
}


def create_optimizer(
    model: nn.Module, recipe: Recipe, rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """Return the optimizer of the recipe's name over the parameters that can be trained.

    Parameters
    ----------
    model : nn.Module
        Parameters with ``requires_grad`` False are left out.
    recipe : Recipe
        Names the optimizer and its numbers.
    rates : mapping from str to float, optional
        How many times the recipe's learning rate parts of the model get, by their names in it, as in
        ``{"layer1": 0.1, "fc": 10.0}``. Of a part within a part the longer name counts, and what is not
        named gets the recipe's rate.

    Raises
    ------
    ValueError
        If nothing can be trained, or `rates` names what is not there or is frozen.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not named:
        raise ValueError("the model has no parameter to train")
    own = _own_rates(named, rates or {}, recipe.learning_rate)
    parameters = list(named.values())
    decay = recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            _groups(parameters, own), recipe.learning_rate, recipe.momentum, weight_decay=decay,
            nesterov=recipe.nesterov,
        )  # fmt: skip
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(_groups(parameters, own), recipe.learning_rate, weight_decay=decay)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(_groups(parameters, own), recipe.learning_rate, weight_decay=decay)
    last = max((index for index, p in enumerate(parameters) if p.ndim > 1), default=-1)
    inner = [p for index, p in enumerate(parameters) if p.ndim > 1 and index != last]
    if not inner:
        raise ValueError("optimizer 'muon' needs filters or matrices before the last layer; use 'adamw'")
    chosen = {id(p) for p in inner}
    others = [p for p in parameters if id(p) not in chosen]
    return Together(
        Muon(_groups(inner, own), recipe.learning_rate, recipe.momentum, recipe.nesterov, decay),
        torch.optim.AdamW(_groups(others, own), recipe.learning_rate, weight_decay=decay),
    )


def _own_rates(
    named: Mapping[str, nn.Parameter], rates: Mapping[str, float], usual: float
) -> dict[nn.Parameter, float]:
    """Return the learning rate of each parameter."""
    for part, times in rates.items():
        check_number(f"the rate of {part!r}", times, 0, math.inf, above=True)
        if not any(_is_within(name, part) for name in named):
            parts = dict.fromkeys(".".join(name.split(".")[: n + 1]) for name in named for n in range(9))
            raise ValueError(
                f"rates names {part!r}, where the model has no parameter to train. {suggest(part, parts)}"
            )
    own = {}
    for name, parameter in named.items():
        part = max((part for part in rates if _is_within(name, part)), key=len, default="")
        own[parameter] = usual * rates.get(part, 1.0)
    return own


def _is_within(name: str, part: str) -> bool:
    """Return whether the parameter `name` is, or belongs to, `part`."""
    return f"{name}.".startswith(f"{part}.")


def _groups(parameters: Iterable[nn.Parameter], own: Mapping[nn.Parameter, float]) -> list[dict[str, Any]]:
    """Return groups for an optimizer: parameters of one rate together."""
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(own[parameter], []).append(parameter)
    return [{"params": members, "lr": rate} for rate, members in groups.items()]


class Together(torch.optim.Optimizer):
    """Two or more optimizers, each with its own parameters, that step as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers
        super().__init__([group for part in optimizers for group in part.param_groups], {})
        for part in optimizers:
            self.state.update(part.state)
        self._share()

    def _share(self) -> None:
        """Let each part work on its groups and on the state of the whole."""
        groups = iter(self.param_groups)
        for part in self.optimizers:
            part.param_groups = [next(groups) for _ in part.param_groups]
            part.state = self.state

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take a group of one of the parts; which part would step a new one is not known."""
        if not any(param_group is group for part in self.optimizers for group in part.param_groups):
            raise ValueError("a group must belong to one of the optimizers; add it to that, before they join")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step with each; `closure`, if given, computes the gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.optimizers:
            part.step()
        return loss

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"optimizers": self.optimizers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._share()


def learning_rate_at(recipe: Recipe, step: int, total_steps: int, peak: float | None = None) -> float:
    """Return the learning rate of step number `step` (from 0) of `total_steps`.

    Parameters
    ----------
    recipe : Recipe
        Names the schedule and the warm-up.
    step, total_steps : int
        Over all epochs.
    peak : float, optional
        The largest rate, of a group of parameters with its own; by default the recipe's.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=1.0, schedule="linear", warmup=0.5)
    >>> [learning_rate_at(recipe, step, 8) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    >>> recipe = Recipe(learning_rate=1.0, schedule="step", milestones=[0.5, 0.75])
    >>> [learning_rate_at(recipe, step, 4) for step in range(4)]
    [1.0, 1.0, 0.1, 0.01]
    """
    peak = recipe.learning_rate if peak is None else peak
    if recipe.schedule == "one_cycle":
        return peak * one_cycle(step, max(2, total_steps))  # a single step is taken at the top
    warmup_steps = round(recipe.warmup * total_steps)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if recipe.schedule == "step":
        passed = sum(step >= milestone * total_steps for milestone in recipe.milestones)
        return peak / float(10**passed)
    t = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * _SCHEDULES[recipe.schedule](t)
