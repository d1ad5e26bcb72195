"""What a network says when it is given images that it was not made for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class ImageRule:
    """The images that a network takes: a hook that runs before it, so that `forward` holds the layers alone.

    Parameters
    ----------
    in_channels : int
        Channels that it takes.
    smallest : int
        Height and width that it needs at least.
    layer : str
        The layer that would fail with fewer pixels, and why.
    exact : bool
        Larger images are refused too.
    hint : str
        The way out.

    Examples
    --------
    >>> model = nn.Conv2d(1, 6, kernel_size=5)
    >>> hook = model.register_forward_pre_hook(ImageRule(1, 5, "its kernel does not fit"))
    >>> model(torch.zeros(1, 1, 4, 8))
    Traceback (most recent call last):
    ...
    ValueError: Conv2d takes images (N, 1, H, W) of at least 5x5, got (1, 1, 4, 8): its kernel...
    """

    in_channels: int
    smallest: int = 1
    layer: str = ""
    exact: bool = False
    hint: str = "resize them"

    def __call__(self, model: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Refuse what `model` was not made for.

        Raises
        ------
        TypeError
            If the images are no torch tensor, or hold whole numbers.
        ValueError
            If they have other axes or channels, or too few or too many pixels.
        """
        images, name, channels = inputs[0] if inputs else None, type(model).__name__, self.in_channels
        if isinstance(images, np.ndarray):
            raise TypeError(
                f"{name} takes a torch tensor, got a NumPy array; use torch.tensor(images).float()"
            )
        if not isinstance(images, torch.Tensor):  # a tracer's stand-in
            return
        if not images.is_floating_point():
            raise TypeError(f"{name} takes floating-point numbers, got {images.dtype}; scale: images / 255")
        least = "" if self.exact else "at least "
        size = f" of {least}{self.smallest}x{self.smallest}" if self.smallest > 1 else ""
        shape = tuple(images.shape)
        takes = f"{name} takes images (N, {channels}, H, W){size}, got {shape}"
        if len(shape) != 4:
            way = "; one image needs an axis in front: images[None]" if len(shape) == 3 else ""
            raise ValueError(f"{takes}{way}")
        if shape[1] != channels == shape[3]:
            raise ValueError(f"{takes}; put the channels second: images.permute(0, 3, 1, 2)")
        if shape[1] != channels:
            raise ValueError(f"{takes}; make the network with in_channels={shape[1]}")
        if min(shape[2:]) < self.smallest or (self.exact and max(shape[2:]) > self.smallest):
            raise ValueError(f"{takes}: {self.layer}; {self.hint}")
