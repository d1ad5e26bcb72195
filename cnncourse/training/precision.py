"""The number format of a step: 16 bits where they are faster, float32 where not."""

import copy
import statistics
import time
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.training.support import device_of, memory_format, seeded, wait_for


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[None]:
    """Return a context in which convolutions and matrix products are computed in `dtype`."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def choose_dtype(
    name: str, model: nn.Module, batch_shape: tuple[int, int, int, int], channels_last: bool = False
) -> torch.dtype:
    """Return the format `name`; for ``"auto"`` that in which a step of `model` takes the least time.

    Parameters
    ----------
    name : {"float32", "bfloat16", "float16", "auto"}
        As in `Recipe`.
    model : nn.Module
        A copy of it takes a few steps; it stays as it was.
    batch_shape : tuple of int
        (N, C, H, W) of a batch.
    channels_last : bool
        The memory layout of the images.

    Returns
    -------
    torch.dtype
        Of two formats within five per cent of each other, the one with more digits.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
    device = device_of(model)
    sixteen = [torch.bfloat16, torch.float16] if device.type == "cuda" else [torch.bfloat16]
    best, best_seconds = torch.float32, _seconds_a_step(model, batch_shape, torch.float32, channels_last)
    for dtype in sixteen:
        seconds = _seconds_a_step(model, batch_shape, dtype, channels_last)
        if seconds < 0.95 * best_seconds:
            best, best_seconds = dtype, seconds
    return best


def _seconds_a_step(
    model: nn.Module, batch_shape: tuple[int, int, int, int], dtype: torch.dtype, channels_last: bool
) -> float:
    """Return the median time of a forward and backward pass; infinite if the device cannot do it."""
    device, model = device_of(model), copy.deepcopy(model).train()
    times = []
    with seeded(0):
        images = torch.randn(batch_shape, device=device)
        images = images.contiguous(memory_format=memory_format(channels_last))
        labels = torch.zeros(len(images), dtype=torch.long, device=device)
        for _ in range(4):
            wait_for(device)
            start = time.perf_counter()
            try:
                with autocast(device, dtype):
                    loss = F.cross_entropy(model(images), labels)
                loss.backward()  # type: ignore[no-untyped-call]
            except RuntimeError:
                return float("inf")
            wait_for(device)
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:])  # the first one also sets up
