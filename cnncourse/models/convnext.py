"""ConvNeXt: a residual network with the habits of a transformer, one at a time.

The block looks around with a large depthwise kernel, then mixes the maps at each pixel by two dense layers
with four times as many maps between them; layer normalization and GELU are used once each.

Source: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", CVPR 2022, sections 2.2 to
2.6. https://doi.org/10.1109/CVPR52688.2022.01167
"""

from collections.abc import Sequence

import torch
from torch import nn

from cnncourse._checks import check_counts, check_odd
from cnncourse.models._inputs import ImageRule


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the maps at each pixel of (N, C, H, W).

    Examples
    --------
    >>> LayerNorm2d(8)(torch.zeros(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Map (N, C, H, W) to (N, C, H, W)."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, layer normalization, 1x1 up, GELU, 1x1 down, scale, plus the input.

    Parameters
    ----------
    channels : int
        Maps that come in and go out.
    kernel_size : int
        Size of the depthwise kernel, odd.
    scale : float
        What each map of the branch is multiplied by at the start; learned.

    Examples
    --------
    >>> ConvNeXtBlock(32)(torch.zeros(2, 32, 8, 8)).shape
    torch.Size([2, 32, 8, 8])
    """

    def __init__(self, channels: int, kernel_size: int = 7, scale: float = 1.0) -> None:
        super().__init__()
        padding = check_odd("kernel_size", kernel_size) // 2
        self.depthwise = nn.Conv2d(channels, channels, kernel_size, padding=padding, groups=channels)
        self.norm = LayerNorm2d(channels, eps=1e-6)
        self.expand = nn.Conv2d(channels, 4 * channels, kernel_size=1)
        self.activation = nn.GELU()
        self.reduce = nn.Conv2d(4 * channels, channels, kernel_size=1)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H, W)."""
        y = self.norm(self.depthwise(x))
        y = self.reduce(self.activation(self.expand(y)))
        return x + self.scale * y  # type: ignore[no-any-return]


class ConvNeXt(nn.Module):
    """ConvNeXt for small images: patches, stages of blocks, the mean of each map and one dense layer.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    channels : sequence of int
        Maps of each stage; between two stages the size is halved.
    blocks : sequence of int
        Blocks of each stage.
    kernel_size : int
        Size of the depthwise kernels.
    patch_size : int
        Size and stride of the first convolution.

    Raises
    ------
    ValueError
        If `channels` and `blocks` differ in length, `kernel_size` is even, or images are too small for the
        patches and halvings or have other channels.

    Examples
    --------
    >>> ConvNeXt()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128),
        blocks: Sequence[int] = (2, 2),
        kernel_size: int = 7,
        patch_size: int = 4,
    ) -> None:
        super().__init__()
        channels = check_counts("channels", channels, "the maps of each stage, such as (64, 128)")
        blocks = check_counts("blocks", blocks, "the blocks of each stage, such as (2, 2)")
        if len(channels) != len(blocks):
            raise ValueError(f"channels has {len(channels)} stages, but blocks has {len(blocks)}")
        layers: list[nn.Module] = []
        before, step = in_channels, patch_size
        for width, count in zip(channels, blocks, strict=True):
            first = not layers
            if not first:
                layers.append(LayerNorm2d(before, eps=1e-6))
            layers.append(nn.Conv2d(before, width, kernel_size=step, stride=step))  # windows side by side
            if first:
                layers.append(LayerNorm2d(width, eps=1e-6))
            layers += [ConvNeXtBlock(width, kernel_size) for _ in range(count)]
            before, step = width, 2
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, C, 1, 1)
        self.norm = nn.LayerNorm(before, eps=1e-6)
        self.classifier = nn.Linear(before, num_classes)
        layer = f"patches are {patch_size}x{patch_size}, and each later stage halves the maps"
        self.register_forward_pre_hook(ImageRule(in_channels, patch_size * 2 ** (len(blocks) - 1), layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        return self.classifier(self.norm(self.pool(self.features(x)).flatten(1)))  # type: ignore[no-any-return]
