"""The resolution at which a network sees its images."""

import torch
import torch.nn.functional as F
from torch import nn

ENLARGED, SHRUNK = "bicubic", "bilinear"  # features of images scaled otherwise are others


def scale_to(images: torch.Tensor, resolution: tuple[int, int], mode: str | None = None) -> torch.Tensor:
    """Return images (N, C, H, W) scaled to `resolution` with antialiasing, or as they are if they have it.

    They are enlarged bicubically, and shrunk bilinearly, as the speed recipe shrinks what it learns from: a
    network that sees other small images in the test than in training is some points worse.
    """
    height, width = images.shape[2:]
    if (height, width) == resolution:
        return images
    mode = mode or (ENLARGED if resolution[0] >= height and resolution[1] >= width else SHRUNK)
    return F.interpolate(images, resolution, mode=mode, antialias=True)


class AtResolution(nn.Module):
    """A network behind the scaling of its images.

    Parameters
    ----------
    model : nn.Module
        Takes images of the `resolution`.
    resolution : (int, int)
        Height and width.
    """

    def __init__(self, model: nn.Module, resolution: tuple[int, int]) -> None:
        super().__init__()
        self.model, self.resolution = model, resolution

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) of any size to logits."""
        return self.model(scale_to(x, self.resolution))  # type: ignore[no-any-return]
