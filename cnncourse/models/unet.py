"""U-Net: down to see far, up to say where, and bridges across for the edges.

Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
MICCAI 2015, figure 1. https://doi.org/10.1007/978-3-319-24574-4_28
"""

import torch
from torch import nn

from cnncourse._checks import check_count
from cnncourse.models._inputs import ImageRule


class UNet(nn.Module):
    """A small U-Net of two halvings: an answer for every pixel.

    Parameters
    ----------
    num_classes : int
        Answers at each pixel: 1 for a mask.
    in_channels : int
        Channels of the images.
    width : int
        Maps at full size; doubled with each halving.
    bridges : bool
        Whether the maps on the way down are laid beside those on the way up.

    Raises
    ------
    ValueError
        If the height or width of the images is not a multiple of 4, or they have other channels.

    Examples
    --------
    >>> UNet(num_classes=1)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 1, 32, 32])
    """

    def __init__(
        self, num_classes: int = 1, in_channels: int = 3, width: int = 16, bridges: bool = True
    ) -> None:
        super().__init__()
        check_count("width", width)
        beside = 2 if bridges else 1
        self.bridges = bridges
        self.down1 = _conv_norm_relu(in_channels, width)
        self.down2 = _conv_norm_relu(width, 2 * width)
        self.bottom = nn.Sequential(
            _conv_norm_relu(2 * width, 4 * width), _conv_norm_relu(4 * width, 4 * width)
        )
        self.rise2 = nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=2, stride=2)
        self.up2 = _conv_norm_relu(beside * 2 * width, 2 * width)
        self.rise1 = nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2)
        self.up1 = _conv_norm_relu(beside * width, width)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes, H, W)."""
        if x.shape[-2] % 4 or x.shape[-1] % 4:
            raise ValueError(
                f"images must be a multiple of 4 high and wide, got {x.shape[-2]}x{x.shape[-1]}; pad them"
            )
        fine = self.down1(x)  # (N, width, H, W)
        middle = self.down2(self.pool(fine))  # (N, 2 width, H/2, W/2)
        y = self.rise2(self.bottom(self.pool(middle)))  # (N, 2 width, H/2, W/2)
        y = self.rise1(self.up2(self._beside(middle, y)))  # (N, width, H, W)
        return self.head(self.up1(self._beside(fine, y)))  # type: ignore[no-any-return]

    def _beside(self, down: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        return torch.cat([down, up], dim=1) if self.bridges else up


def _conv_norm_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 3x3 convolution that keeps the size, batch normalization and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())
