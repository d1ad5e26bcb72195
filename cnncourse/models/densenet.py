"""DenseNet: every layer of a block reads the outputs of all layers before it.

A residual block adds its input to its output; a dense layer lays the two side by side. Features once
found stay in reach of all later layers, so each layer needs to add only a few new ones.

Source: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR 2017,
section 3 (the form DenseNet-BC: bottleneck layers and compressing transitions).
https://doi.org/10.1109/CVPR.2017.243
"""

from collections.abc import Sequence

import torch
from torch import nn

from cnncourse._checks import check_count, check_counts
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import he_convolutions


class DenseLayer(nn.Module):
    """Add `growth_rate` new feature maps to those that came in.

    Parameters
    ----------
    in_channels : int
        Maps that come in: all those made in the block so far.
    growth_rate : int
        Maps that are made anew.
    bottleneck : int
        The 1x1 convolution leaves `bottleneck` x `growth_rate` maps for the 3x3 convolution to read.

    Examples
    --------
    >>> DenseLayer(16, growth_rate=12)(torch.zeros(2, 16, 8, 8)).shape
    torch.Size([2, 28, 8, 8])
    """

    def __init__(self, in_channels: int, growth_rate: int, bottleneck: int = 4) -> None:
        super().__init__()
        width = bottleneck * growth_rate
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C + growth_rate, H, W)."""
        new = self.conv1(self.relu(self.norm1(x)))  # (N, bottleneck * growth_rate, H, W)
        new = self.conv2(self.relu(self.norm2(new)))  # (N, growth_rate, H, W)
        return torch.cat([x, new], dim=1)


class DenseNet(nn.Module):
    """DenseNet-BC for small images: dense blocks, each after a halving of the maps' size.

    The paper's form for 32x32 pixels starts without pooling; this one pools after the first convolution,
    as the paper's form for ImageNet does, which saves three quarters of the work.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    blocks : sequence of int
        Layers of each dense block.
    growth_rate : int
        Maps that each layer adds.
    bottleneck : int
        Width of the 1x1 convolution in a layer, in growth rates.
    compression : float
        Share of the maps that a transition keeps, above 0 and at most 1.

    Raises
    ------
    ValueError
        If `blocks` is empty, `compression` is not above 0 and at most 1, or images are smaller than
        2 ** (number of blocks) or have other channels.

    Examples
    --------
    >>> DenseNet(blocks=(2, 2), growth_rate=8)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        blocks: Sequence[int] = (5, 7, 8),
        growth_rate: int = 16,
        bottleneck: int = 4,
        compression: float = 0.5,
    ) -> None:
        super().__init__()
        blocks = check_counts("blocks", blocks, "the layers of each dense block, such as (5, 7, 8)")
        if not 0 < compression <= 1:
            raise ValueError(f"compression must be above 0 and at most 1, got {compression}")
        channels = 2 * check_count("growth_rate", growth_rate)
        self.features = nn.Sequential()  # (N, in_channels, H, W)
        self.features.add_module("conv0", nn.Conv2d(in_channels, channels, 3, padding=1, bias=False))
        self.features.add_module("pool0", nn.MaxPool2d(2))  # (N, 2 * growth_rate, H/2, W/2)
        for number, layers in enumerate(blocks, start=1):
            if number > 1:
                kept = int(channels * compression)
                self.features.add_module(f"transition{number - 1}", _transition(channels, kept))
                channels = kept
            block = nn.Sequential()
            for _ in range(layers):
                block.append(DenseLayer(channels, growth_rate, bottleneck))
                channels += growth_rate
            self.features.add_module(f"block{number}", block)
        self.features.add_module("norm", nn.BatchNorm2d(channels))
        self.features.add_module("relu", nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, C, 1, 1)
        self.classifier = nn.Linear(channels, num_classes)
        he_convolutions(self)  # section 4.2
        nn.init.zeros_(self.classifier.bias)
        layer = f"each of the {len(blocks)} dense blocks has a halving before it"
        self.register_forward_pre_hook(ImageRule(in_channels, 2 ** len(blocks), layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        return self.classifier(self.pool(self.features(x)).flatten(1))  # type: ignore[no-any-return]


def _transition(in_channels: int, out_channels: int) -> nn.Sequential:
    """Mix the maps into fewer by a 1x1 convolution and halve their size."""
    return nn.Sequential(
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
        nn.AvgPool2d(2),
    )
