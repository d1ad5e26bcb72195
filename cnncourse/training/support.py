"""What the loop needs around it: a check of the model, the device, the gradient's length, a seed."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_choice
from cnncourse._modules import device_of, evaluating, watched

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


def check_not_empty(image_set: "ImageSet") -> None:
    """Raise unless the set has images."""
    if not len(image_set):
        raise ValueError(f"the image set {image_set.name!r} ({image_set.split}) is empty")


def check_model(model: nn.Module, image_set: "ImageSet") -> None:
    """Raise unless the set has images, `model` takes them, and has an output for each class in it."""
    check_not_empty(image_set)
    shape = tuple(image_set.images.shape[1:])
    try:
        with evaluating(model), torch.inference_mode(), watched(model) as watch:
            logits = model(torch.zeros(1, *shape, device=device_of(model)))
    except (RuntimeError, ValueError) as error:
        way = "give it images of the size and channels that it was made for"
        told = (watch.where(), str(error), way if watch.running else "")  # a network of ours says it itself
        raise ValueError(
            f"the model does not take the images of {image_set.name!r}, of shape {shape}: "
            + "; ".join(filter(None, told))
        ) from error
    if logits.ndim != 2:
        raise ValueError(f"the model must return logits (N, classes), got shape {tuple(logits.shape)}")
    largest = int(image_set.labels.max(initial=0))
    if logits.shape[1] <= largest:
        raise ValueError(
            f"the model has {logits.shape[1]} outputs, and the labels of {image_set.name!r} "
            f"go up to {largest}; make it with num_classes={len(image_set.classes)}"
        )


def start_training(model: nn.Module) -> None:
    """Put a network that is in evaluation mode into training mode.

    In one that is in training mode already, layers in evaluation mode stay so: they are frozen.
    """
    if not model.training:
        model.train()


def hold_memory() -> None:
    """Let the memory of feature maps stay with the process between steps, where the C library is glibc.

    It gives blocks of megabytes back as soon as they are free and takes them anew, page by page and filled
    with zeros: on a CPU up to a third of a step of a small network. Elsewhere nothing is done.
    """
    trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(mmap_threshold, 2**25)  # the largest that it takes
        library.mallopt(trim_threshold, 2**31 - 1)


@contextmanager
def without_denormals() -> Iterator[None]:
    """Let numbers below 1e-38 be zero for a while.

    A network that has died is full of them, and a processor computes with them a hundred times as slowly.
    """
    before = float(torch.tensor(1e-30) * 1e-10) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def memory_format(channels_last: bool) -> torch.memory_format:
    """Return torch's name of the layout."""
    return torch.channels_last if channels_last else torch.contiguous_format


def gradient_norm(model: nn.Module) -> float:
    """Return the length of the gradient of all parameters that are trained, as one vector."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    norms = [parameter.grad.norm() for parameter in trained if parameter.grad is not None]
    return torch.stack(norms).norm().item() if norms else 0.0


def wait_for(device: torch.device) -> None:
    """Wait until the device has done what it was asked for, so that the clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Seed torch's generators inside the block (dropout draws from them), restore the CPU's after it.

    Examples
    --------
    >>> with seeded(0, 1):
    ...     first = torch.rand(1)
    >>> with seeded(0, 1):
    ...     print(torch.equal(first, torch.rand(1)))
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng(numbers).integers(2**63)))
        yield


def choose_device(name: str = "auto") -> torch.device:
    """Return the device `name`; for ``"auto"`` the fastest kind there is: cuda, mps, then cpu.

    Raises
    ------
    ValueError
        If the device is unknown, or this torch cannot use it here.
    """
    check_choice("device", name.split(":")[0], ("auto", "cpu", "cuda", "mps"))
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in found.items() if there))
    if not found[name.split(":")[0]]:
        raise ValueError(
            f"device {name!r} is not available to this torch; run `cnncourse doctor`, or use 'cpu'"
        )
    return torch.device(name)
