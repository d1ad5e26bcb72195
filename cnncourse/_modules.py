"""Networks as they are handled everywhere: checked, put into a mode, given zeros of their kind."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn


def blank(model: nn.Module, shape: Sequence[int], device: torch.device | str | None = None) -> torch.Tensor:
    """Return zeros in the number format of the model's weights, and on their device if no other is given."""
    like = next(model.parameters(), torch.empty(0))
    return torch.zeros(*shape, dtype=like.dtype, device=device or like.device)


def check_module(model: Any) -> nn.Module:
    """Return `model` if it is a network."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"a network must be an nn.Module, got {type(model).__name__}")
    return model


def evaluating(model: nn.Module) -> AbstractContextManager[None]:
    """Put the model in evaluation mode inside the block, each module back in its own mode after it."""
    return in_mode(model, training=False)


@contextmanager
def in_mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Put the model in training or evaluation mode inside the block, each module back in its own after it."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in modes:  # each its own: a frozen batch norm stays frozen
            module.training = mode
