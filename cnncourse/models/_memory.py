"""What a training step has to keep in memory: the numbers that the backward pass will ask for."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from cnncourse._checks import check_counts
from cnncourse._modules import blank, check_module, in_mode, passing

__all__ = ["Kept", "kept_for_backward"]


class Kept(NamedTuple):
    """One tensor that is kept from the forward to the backward pass, for one image."""

    shape: tuple[int, ...]  # without the batch's axis
    bytes: int


def kept_for_backward(model: nn.Module, image_shape: Sequence[int]) -> list[Kept]:
    """Return what torch keeps of one image's forward pass until the backward pass, largest first.

    A tensor that several layers need is listed once; parameters are not listed, since they are there anyway.
    Nothing is computed: the network runs on shapes alone, in training mode.

    Parameters
    ----------
    model : nn.Module
        On torch's meta device (make it under ``with torch.device("meta"):``).
    image_shape : sequence of int
        Shape (C, H, W) of one image.

    Returns
    -------
    list of Kept
        Named tuples (shape, bytes).

    Raises
    ------
    ValueError
        If the network is not on the meta device, or the image does not pass through it.

    Examples
    --------
    A convolution keeps its input, ReLU its output, and a 2x2 pooling where the maxima were (8 bytes each).

    >>> with torch.device("meta"):
    ...     model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    >>> for kept in kept_for_backward(model, (3, 32, 32)):
    ...     print(kept)
    Kept(shape=(64, 32, 32), bytes=262144)
    Kept(shape=(64, 16, 16), bytes=131072)
    Kept(shape=(3, 32, 32), bytes=12288)
    """
    shape = check_counts("image_shape", image_shape, "(C, H, W)", length=3)
    if any(not parameter.is_meta for parameter in check_module(model).parameters()):
        raise ValueError("model must be on the meta device: make it under `with torch.device('meta'):`")
    # Two images, since some layers want more than one; each is half of what is kept.
    images = blank(model, (2, *shape))
    held: dict[int, torch.Tensor] = {}  # by storage; held, so that no storage's number is used again

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage()._cdata] = tensor
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with in_mode(model, training=True), passing(model, shape), hooks:
        model(images)
    ours = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    kept = [
        Kept(tuple(tensor.shape[1:]), tensor.untyped_storage().nbytes() // 2)
        for number, tensor in held.items()
        if number not in ours and tensor.ndim > 1
    ]
    return sorted(kept, key=lambda one: -one.bytes)
