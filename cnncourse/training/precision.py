"""The number format of a step: 16 bits where they are faster and right, float32 where not."""

import copy
import time
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._modules import device_of
from cnncourse.training.support import memory_format, seeded, wait_for


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[None]:
    """Return a context in which convolutions and matrix products are computed in `dtype`."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def choose_dtype(
    name: str,
    model: nn.Module,
    batch_shape: tuple[int, int, int, int],
    channels_last: bool = False,
    formats: Sequence[torch.dtype] | None = None,
) -> torch.dtype:
    """Return the format `name`; for ``"auto"`` that in which a step of `model` takes the least time.

    A format of 16 bits is taken only where a convolution agrees with float32, forward and backward.

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
    formats : sequence of torch.dtype, optional
        Those of 16 bits that ``"auto"`` tries; by default bfloat16 and, on CUDA, float16.

    Returns
    -------
    torch.dtype
        Of two formats within five per cent of each other, the one with more digits.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
    device = device_of(model)
    usual = [torch.bfloat16, torch.float16] if device.type == "cuda" else [torch.bfloat16]
    best, best_seconds = torch.float32, _seconds_a_step(model, batch_shape, torch.float32, channels_last)
    for dtype in usual if formats is None else formats:
        if not convolution_agrees(device, dtype, channels_last):
            continue
        seconds = _seconds_a_step(model, batch_shape, dtype, channels_last)
        if seconds < 0.95 * best_seconds:
            best, best_seconds = dtype, seconds
    return best


def convolution_agrees(device: torch.device, dtype: torch.dtype, channels_last: bool = False) -> bool:
    """Return whether a convolution in `dtype` gives what it gives in float32: outputs and both gradients.

    Some builds of torch compute it wrong in 16 bits, some not at all. Rounding alone changes the results by
    less than half a percent of their length; two percent are allowed.
    """
    generator = torch.Generator().manual_seed(0)
    shapes = (8, 24, 16, 16), (32, 24, 3, 3)
    x, weight = (torch.randn(shape, generator=generator) for shape in shapes)
    try:
        with warnings.catch_warnings(action="ignore"):  # a format that the device has not, and does without
            results = [
                _convolve(x.to(device), weight.to(device), each, channels_last)
                for each in (torch.float32, dtype)
            ]
    except RuntimeError:
        return False
    return all(
        bool((other - exact).norm() < 0.02 * exact.norm()) for exact, other in zip(*results, strict=True)
    )


def _convolve(
    x: torch.Tensor, weight: torch.Tensor, dtype: torch.dtype, channels_last: bool
) -> list[torch.Tensor]:
    """Return a convolution's output and the gradients of its square for input and filters, in float32."""
    layout = memory_format(channels_last)
    x, weight = (each.contiguous(memory_format=layout).requires_grad_() for each in (x, weight))
    with autocast(x.device, dtype):
        output = F.conv2d(x, weight, padding=1)
    output.float().square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and weight.grad is not None
    return [each.detach().float() for each in (output, x.grad, weight.grad)]


def _seconds_a_step(
    model: nn.Module, batch_shape: tuple[int, int, int, int], dtype: torch.dtype, channels_last: bool
) -> float:
    """Return the shortest time of a forward and backward pass: other programs only make it longer.

    Infinite if the device cannot do it.
    """
    device, model = device_of(model), copy.deepcopy(model).train()
    times = []
    with seeded(0):
        images = torch.randn(batch_shape, device=device)
        images = images.contiguous(memory_format=memory_format(channels_last))
        labels = torch.zeros(len(images), dtype=torch.long, device=device)
        for _ in range(6):
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
    return min(times)
