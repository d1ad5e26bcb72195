"""What a network says when it is given images that it was not made for."""

from functools import partial
from typing import Any

import torch
from torch import nn


def expect_images(
    model: nn.Module, in_channels: int, smallest: int, layer: str, exact: bool = False, hint: str = ""
) -> None:
    """Let `model` refuse whole numbers, other channels, and images too small for its layer `layer`, in words.

    Parameters
    ----------
    model : nn.Module
        Checked each time before it runs, by a hook, so that `forward` holds nothing but the layers.
    in_channels : int
        Channels that it takes.
    smallest : int
        Height and width that it needs at least.
    layer : str
        The layer that would fail, and why.
    exact : bool
        Larger images are refused too.
    hint : str
        The way out, where there is one besides resizing.

    Examples
    --------
    >>> model = nn.Conv2d(1, 6, kernel_size=5)
    >>> expect_images(model, 1, 5, "the kernel does not fit")
    >>> model(torch.zeros(1, 1, 4, 8))
    Traceback (most recent call last):
    ...
    ValueError: Conv2d takes images (N, 1, H, W) of at least 5x5, got (1, 1, 4, 8): the kernel does not fit
    """
    model.register_forward_pre_hook(
        partial(_check, in_channels=in_channels, smallest=smallest, layer=layer, exact=exact, hint=hint)
    )


def _check(
    model: nn.Module,
    inputs: tuple[Any, ...],
    in_channels: int,
    smallest: int,
    layer: str,
    exact: bool,
    hint: str,
) -> None:
    images = inputs[0]
    if not isinstance(images, torch.Tensor):  # a tracer's stand-in
        return
    shape, name = tuple(images.shape), type(model).__name__
    size = f"{'' if exact else 'at least '}{smallest}x{smallest}"
    takes = f"{name} takes images (N, {in_channels}, H, W) of {size}, got {shape}"
    if not images.is_floating_point():
        raise ValueError(f"{name} takes floating-point numbers, got {images.dtype}; scale: images / 255")
    if len(shape) != 4:
        raise ValueError(f"{takes}; one image needs an axis in front: images[None]")
    if shape[1] != in_channels:
        raise ValueError(f"{takes}: {shape[1]} channels; make the network with in_channels={shape[1]}")
    if any(side != smallest if exact else side < smallest for side in shape[2:]):
        raise ValueError(f"{takes}: {layer}{'; ' + hint if hint else ''}")
