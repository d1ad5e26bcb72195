"""MobileNet: a convolution taken apart into one that looks around and one that mixes.

An ordinary 3x3 convolution does both at once: each output map reads a 3x3 window of every input map.
Here a depthwise convolution looks around in each map by itself, and a 1x1 convolution mixes the maps.

Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
2017, section 3.1 and table 1. https://doi.org/10.48550/arXiv.1704.04861
"""

from collections.abc import Sequence

import torch
from torch import nn

from cnncourse.models._inputs import ImageRule

CIFAR_LAYOUT = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # (maps, stride) of each block


class DepthwiseSeparable(nn.Module):
    """Depthwise 3x3 convolution, then 1x1 convolution, each with batch normalization and ReLU.

    Parameters
    ----------
    in_channels, out_channels : int
        Maps that come in and go out.
    stride : int
        Stride of the depthwise convolution.

    Examples
    --------
    >>> DepthwiseSeparable(32, 64, stride=2)(torch.zeros(2, 32, 16, 16)).shape
    torch.Size([2, 64, 8, 8])
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.pointwise = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, ceil(H / stride), ceil(W / stride))."""
        x = self.relu(self.norm1(self.depthwise(x)))  # (N, C_in, H', W')
        return self.relu(self.norm2(self.pointwise(x)))  # type: ignore[no-any-return]


class MobileNet(nn.Module):
    """MobileNet for small images: a stem, blocks, the mean of each map and one dense layer.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    layout : sequence of (int, int)
        Maps and stride of each block.

    Examples
    --------
    >>> MobileNet()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        layout: Sequence[tuple[int, int]] = CIFAR_LAYOUT,
    ) -> None:
        super().__init__()
        channels = 32
        stem = nn.Conv2d(in_channels, channels, kernel_size=3, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(channels), nn.ReLU()]  # (N, 32, H/2, W/2)
        for out_channels, stride in layout:
            layers.append(DepthwiseSeparable(channels, out_channels, stride))
            channels = out_channels
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, C, 1, 1)
        self.classifier = nn.Linear(channels, num_classes)
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        return self.classifier(self.pool(self.features(x)).flatten(1))  # type: ignore[no-any-return]
