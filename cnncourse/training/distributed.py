"""Several processes as one training: what ``torchrun`` starts, and what they tell each other."""

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

    Raises
    ------
    ValueError
        If the environment is neither that of one process nor that of several.
    """
    if _running() or _launched(device) < 2:
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


def _launched(device: torch.device) -> int:
    """Return how many processes the environment announces.

    Raises
    ------
    ValueError
        If it says only a part of what ``torchrun`` sets, as a variable that stayed behind does.
    """
    needed = ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"] + ["LOCAL_RANK"] * (device.type == "cuda")
    found = {name: os.environ[name] for name in needed if os.environ.get(name)}
    count, number = (found.get(name, default) for name, default in (("WORLD_SIZE", "1"), ("RANK", "0")))
    missing = [name for name in needed if name not in found]
    if not (count.isdecimal() and number.isdecimal() and int(number) < int(count)):
        rule = "RANK must be a whole number below WORLD_SIZE"
    elif int(count) > 1 and missing:
        rule = "several processes need all of these"
    else:
        return int(count)
    said = ", ".join(f"{name}={value}" for name, value in found.items())
    lacks = f" without {', '.join(missing)}" if missing else ""
    raise ValueError(
        f"the environment has {said}{lacks}; {rule}: unset {', '.join(found)} to train in one process, "
        "or start several with torchrun"
    )


def distribute(model: nn.Module) -> nn.Module:
    """Return `model`, wrapped so that gradients are averaged over all processes, if there are several."""
    return DistributedDataParallel(model) if processes() > 1 else model


def all_reduce(values: Sequence[float], device: torch.device) -> list[float]:
    """Return each value summed over all processes."""
    if processes() == 1:
        return list(values)
    dtype = torch.float32 if device.type == "mps" else torch.float64
    tensor = torch.tensor(values, dtype=dtype, device=device)
    dist.all_reduce(tensor)
    return [float(value) for value in tensor]


def broadcast(value: Any) -> Any:
    """Return the `value` that process 0 has."""
    if processes() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]
