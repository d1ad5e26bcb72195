"""The form in which a network goes to a page: a list of steps, the same in Python and in JavaScript."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Step:
    """One operation on an image's maps.

    Parameters
    ----------
    name : str
        The layer's path in the network, or the function's name; no two steps of a network share one.
    op : str
        One of the engine's operations: ``conv``, ``dense``, ``relu``, ...
    inputs : tuple of int
        The steps that it takes, by their places in the list.
    shape : tuple of int
        (C, H, W) or (C,) of what it gives.
    numbers : mapping
        What it is told besides: ``kernel``, ``stride``, ``padding``, ``dilation``, ``groups``, ...
        Where a kernel's first window begins is told by ``padding``, how many there are by ``shape``.
    weights : mapping of ndarray
        ``weight`` and ``bias``, float32.
    folded : tuple of str
        Names of the layers that were worked into it: padding, batch normalization.
    """

    name: str
    op: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    folded: tuple[str, ...] = ()


def simplify(steps: list[Step]) -> list[Step]:
    """Work zero padding into the convolution behind it, and scales and shifts into the one before them.

    Batch normalization of a trained network is a scale and a shift for each map. It stays a step of its own
    where no convolution or dense layer stands before it, or that one's output is used elsewhere too.

    Parameters
    ----------
    steps : list of Step
        Of which each takes earlier ones alone; the last is the result.

    Returns
    -------
    list of Step
    """
    users = [0] * len(steps)
    for each in steps:
        for place in each.inputs:
            users[place] += 1
    done: list[Step] = []
    place_of: list[int] = []  # where each step is now
    for each in steps:
        before = done[place_of[each.inputs[0]]] if each.inputs else None
        only = before is not None and place_of[each.inputs[0]] == len(done) - 1 and users[each.inputs[0]] == 1
        each = replace(each, inputs=tuple(place_of[place] for place in each.inputs))
        joined = _join(before, each) if before is not None and only else None
        if joined is None:
            done.append(each)
        else:
            done[-1] = joined
        place_of.append(len(done) - 1)
    return done


def _join(before: Step, each: Step) -> Step | None:
    """Return two steps as one, or None if they stay two."""
    if before.op == "pad" and each.op == "conv" and before.shape[0] == each.numbers["groups"] * _depth(each):
        front, top, left = before.numbers["padding"]
        if front == 0 and not before.numbers["maps"]:
            own_top, own_left = each.numbers["padding"]
            numbers = {**each.numbers, "padding": (top + own_top, left + own_left)}
            return replace(each, inputs=before.inputs, numbers=numbers, folded=(before.name, *each.folded))
    if before.op in ("conv", "dense") and each.op == "affine":
        scale, shift = (each.weights[key].astype(np.float64) for key in ("weight", "bias"))
        weight, bias = (before.weights[key].astype(np.float64) for key in ("weight", "bias"))
        weights = {
            "weight": (weight * scale.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32),
            "bias": (bias * scale + shift).astype(np.float32),
        }
        return replace(before, weights=weights, folded=(*before.folded, each.name))
    return None


def _depth(step: Step) -> int:
    return int(step.weights["weight"].shape[1])


def named_apart(names: Iterable[str]) -> list[str]:
    """Return the names, with a number behind each that has come before.

    Examples
    --------
    >>> named_apart(["relu", "add", "relu", "relu"])
    ['relu', 'add', 'relu 2', 'relu 3']
    """
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result
