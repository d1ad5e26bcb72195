"""Several processes as one training: what ``torchrun`` starts, and sums over all of them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def processes() -> int:
    """Return how many processes train together: 1 unless ``torchrun`` started more."""
    return dist.get_world_size() if _running() else 1


def rank() -> int:
    """Return this process's number; number 0 evaluates, saves and prints."""
    return dist.get_rank() if _running() else 0


def _running() -> bool:
    return dist.is_available() and dist.is_initialized()


@contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that ``torchrun`` started, if it did, and give this one its device.

    GPUs speak over NCCL, one for each process; everything else over Gloo.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or _running():
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def distribute(model: nn.Module) -> nn.Module:
    """Return `model`, wrapped so that gradients are averaged over all processes, if there are several."""
    return DistributedDataParallel(model) if processes() > 1 else model


def sums(values: Sequence[float], device: torch.device) -> list[float]:
    """Return each value summed over all processes."""
    if processes() == 1:
        return list(values)
    dtype = torch.float32 if device.type == "mps" else torch.float64
    tensor = torch.tensor(values, dtype=dtype, device=device)
    dist.all_reduce(tensor)
    return [float(value) for value in tensor]


def from_first(value: Any) -> Any:
    """Return the `value` that process 0 has."""
    if processes() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]
