"""What exercises with torch are called with: small networks made of plain numbers, and plain numbers back.

Each function here calls the learner's function, its first argument. This file is also in the jail of an
assignment, where there is no more of cnncourse: it imports nothing of ours.
"""

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Array = np.ndarray
Module = TypeVar("Module", bound=nn.Module)


class Unwanted(Exception):  # noqa: N818 (not an error of the program: it says what came back instead)
    """What came back isn't what was asked for; the text tells the learner."""


@cache
def warm_up() -> None:
    """Build an optimizer: the first of a process takes seconds, which are not the learner's."""
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)


def small_body(seed: int) -> nn.Sequential:
    """Return a convolution, batch normalization, ReLU and Flatten: (N, 1, 3, 3) -> (N, 18)."""
    body = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten())
    return _filled(body, seed)


def small_head(seed: int) -> nn.Linear:
    """Return a dense layer: (N, 18) -> (N, 3)."""
    return _filled(nn.Linear(18, 3), seed)


def small_network(seed: int) -> nn.Sequential:
    """Return `small_body` and `small_head` in a row, for images (N, 1, 3, 3) of three classes."""
    return nn.Sequential(*small_body(seed), small_head(seed))


def train_epoch(
    function: Callable[..., Any],
    seed: int,
    images: Array,
    labels: Array,
    rate: float,
    batch_size: int,
    order: Array,
) -> tuple[float, int, Array, Array, bool]:
    """Return the loss, the number of steps, weights and statistics afterwards, whether there's a graph."""
    model = small_network(seed).eval()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    steps = []
    optimizer.register_step_post_hook(lambda *given: steps.append(given))
    loss = function(model, _tensor(images), _tensor(labels), optimizer, batch_size, _tensor(order))
    graph = isinstance(loss, Tensor) and loss.requires_grad
    weights, statistics = _vector(model.parameters()), _vector(_statistics(model))
    return _number(loss), len(steps), weights, statistics, graph


def accuracy(
    function: Callable[..., Any], seed: int, images: Array, labels: Array, batch_size: int
) -> tuple[float, bool, bool, bool, Array]:
    """Return the accuracy, three answers on how it was found, and the running statistics afterwards."""
    model = small_network(seed).train()
    sizes, recorded = [0], []

    def watch(module: nn.Module, inputs: tuple[Tensor]) -> None:
        sizes.append(len(inputs[0]))
        recorded.append(torch.is_grad_enabled())

    model.register_forward_pre_hook(watch)
    share = function(model, _tensor(images), _tensor(labels), batch_size)
    few = max(sizes) <= batch_size
    return _number(share), any(recorded), few, model.training, _vector(_statistics(model))


def fit_head(
    function: Callable[..., Any],
    seed: int,
    images: Array,
    labels: Array,
    rate: float,
    decay: float,
    steps: int,
) -> tuple[float, Array, Array, Array, Array, bool]:
    """Return the loss, the head's weight and bias, the body's weights and statistics, if it has gradients."""
    body, head = small_body(seed), small_head(seed)
    loss = function(body, head, _tensor(images), _tensor(labels), rate, decay, steps)
    learned = any(parameter.grad is not None for parameter in body.parameters())
    return (
        _number(loss),
        head.weight.detach().numpy(),
        head.bias.detach().numpy(),
        _vector(body.parameters()),
        _vector(_statistics(body)),
        learned,
    )


def residual_block(
    function: Callable[..., Any],
    in_channels: int,
    out_channels: int,
    stride: int,
    x: Array,
    seed: int,
    training: bool,
) -> tuple[Array, int]:
    """Return the output of a block, its weights filled with random numbers, and how many weights it has."""
    block = function(in_channels, out_channels, stride)
    if not isinstance(block, nn.Module):
        raise Unwanted(f"It returned {_a(block)}; an nn.Module is wanted.")
    wanted = ["conv1.weight", "bn1.weight", "conv2.weight", "bn2.weight"]
    if stride > 1 or in_channels != out_channels:
        wanted += ["shortcut.0.weight", "shortcut.1.weight"]
    names = list(block.state_dict())
    if missing := [name for name in wanted if name not in names]:
        there = ", ".join(sorted(name for name in names if name.endswith("weight"))) or "no weight"
        raise Unwanted(f"Your block has no {' and no '.join(missing)}; it has {there}.")
    y = _filled(block, seed).train(training)(_tensor(x))
    if not isinstance(y, Tensor):
        raise Unwanted(f"Your block returned {_a(y)}; a tensor is wanted.")
    return y.detach().numpy(), sum(parameter.numel() for parameter in block.parameters())


def _filled(module: Module, seed: int) -> Module:
    """Return a module with numbers that depend on the seed and on each tensor's name and shape alone."""
    with torch.no_grad():
        for name, tensor in module.double().state_dict().items():
            if tensor.is_floating_point():
                rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
                values = rng.normal(size=tuple(tensor.shape)) / 2
                tensor.copy_(torch.from_numpy(np.abs(values) + 0.5 if "var" in name else values))
    return module


def _tensor(array: Array) -> Tensor:
    """Return a tensor over the same numbers, so that changes in place are seen."""
    return torch.from_numpy(array)


def _statistics(model: nn.Module) -> list[Tensor]:
    return [tensor for name, tensor in model.named_buffers() if name.endswith(("mean", "var"))]


def _vector(tensors: Any) -> Array:
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def _number(value: Any) -> float:
    if value is None:
        raise Unwanted("It returned nothing. Is there a `return`?")
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value.detach())
    if isinstance(value, bool | int | float | np.number):
        return float(value)
    raise Unwanted(f"It returned {_a(value)}; a number is wanted.")


def _a(value: Any) -> str:
    shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
    return f"a {type(value).__name__}{shape}" if value is not None else "nothing"
