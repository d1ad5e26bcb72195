"""Residual networks (He et al., 2015): a block adds what it computes to what it was given.

`ResNet` is the ImageNet form with the names of torchvision's, whose weights it loads; `CifarResNet` the form
of the paper's section 4.2 for 32x32 images, with its plain twin (``shortcut="none"``) and the pre-activation
form of 2016 (``preactivation=True``). `RESNETS` has all of them by name.

He, Zhang, Ren, Sun: Deep residual learning for image recognition, doi:10.1109/CVPR.2016.90;
the same: Identity mappings in deep residual networks, doi:10.1007/978-3-319-46493-0_38.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from cnncourse._checks import check_choice, check_count, check_counts
from cnncourse.models._inputs import ImageRule
from cnncourse.models._residual_blocks import (
    SHORTCUTS,
    BasicBlock,
    Block,
    Bottleneck,
    PreActivationBlock,
    ZeroPadShortcut,
)
from cnncourse.models._weights import he_convolutions

__all__ = [
    "RESNETS",
    "BasicBlock",
    "Bottleneck",
    "CifarResNet",
    "PreActivationBlock",
    "ResNet",
    "ZeroPadShortcut",
]


class ResNet(nn.Module):
    """The ImageNet form: a 7x7 convolution, a pooling, and four stages of residual blocks.

    Its `state_dict` is that of torchvision's network of the same depth.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    block : {BasicBlock, Bottleneck}
        What the stages are made of.
    layers : sequence of 4 int
        Blocks of each stage.
    zero_last : bool
        Whether every block starts as its shortcut alone.

    Raises
    ------
    ValueError
        If `layers` are not four numbers of at least 1, or images have other channels.

    Examples
    --------
    >>> ResNet()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        block: type[BasicBlock] | type[Bottleneck] = BasicBlock,
        layers: Sequence[int] = (2, 2, 2, 2),
        zero_last: bool = False,
    ) -> None:
        super().__init__()
        layers = check_counts("layers", layers, "the blocks of each of the four stages", length=4)
        width = block.expansion
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)  # (N, 64, H/4, W/4)
        self.layer1 = _stage(block, 64, 64, layers[0])  # (N, 64 width, H/4, W/4)
        self.layer2 = _stage(block, 64 * width, 128, layers[1], stride=2)  # (N, 128 width, H/8, W/8)
        self.layer3 = _stage(block, 128 * width, 256, layers[2], stride=2)  # (N, 256 width, H/16, W/16)
        self.layer4 = _stage(block, 256 * width, 512, layers[3], stride=2)  # (N, 512 width, H/32, W/32)
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # (N, 512 width, 1, 1)
        self.fc = nn.Linear(512 * width, num_classes)
        _initialize(self, zero_last)
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))  # type: ignore[no-any-return]


class CifarResNet(nn.Module):
    """The CIFAR form: a 3x3 convolution and three stages of blocks, of 16, 32 and 64 channels.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    depth : int
        Layers with weights: 6 n + 2 for n blocks a stage.
    shortcut : {"A", "B", "none", "forward", "backward"}
        As in `BasicBlock`; the paper's networks for CIFAR have A, and "none" gives their plain twins, which
        have as many parameters.
    zero_last : bool
        Whether every block starts as its shortcut alone.
    preactivation : bool
        Use `PreActivationBlock`, and normalize once more at the end.
    width : int
        Channels of the first stage; the second has twice, the third four times as many.

    Raises
    ------
    ValueError
        If the depth is not 6 n + 2, the shortcut is unknown, an option needs a shortcut and there is none, or
        images have other channels.

    Examples
    --------
    >>> network = CifarResNet(depth=20)
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    >>> f"{sum(parameter.numel() for parameter in network.parameters()):,}"
    '269,722'
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        depth: int = 20,
        shortcut: str = "A",
        zero_last: bool = False,
        preactivation: bool = False,
        width: int = 16,
    ) -> None:
        super().__init__()
        blocks = _check_depth(depth)
        _check_shortcut(shortcut, zero_last, preactivation)
        block = PreActivationBlock if preactivation else BasicBlock
        C = check_count("width", width)
        self.conv1 = nn.Conv2d(in_channels, C, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.Identity() if preactivation else nn.BatchNorm2d(C)
        self.relu = nn.Identity() if preactivation else nn.ReLU()
        self.layer1 = _stage(block, C, C, blocks, shortcut=shortcut)  # (N, C, H, W)
        self.layer2 = _stage(block, C, 2 * C, blocks, stride=2, shortcut=shortcut)  # (N, 2 C, H/2, W/2)
        self.layer3 = _stage(block, 2 * C, 4 * C, blocks, stride=2, shortcut=shortcut)  # (N, 4 C, H/4, W/4)
        self.last = nn.Sequential(nn.BatchNorm2d(4 * C), nn.ReLU()) if preactivation else nn.Identity()
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # (N, 4 C, 1, 1)
        self.fc = nn.Linear(4 * C, num_classes)
        _initialize(self, zero_last)
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.last(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))  # type: ignore[no-any-return]


def _stage(
    block: type[Block], in_channels: int, channels: int, blocks: int, stride: int = 1, shortcut: str = "B"
) -> nn.Sequential:
    """Return blocks of one size; the first has the stride."""
    first = block(in_channels, channels, stride, shortcut)
    out_channels = channels * block.expansion
    return nn.Sequential(first, *(block(out_channels, channels, 1, shortcut) for _ in range(blocks - 1)))


def _initialize(network: nn.Module, zero_last: bool) -> None:
    """Draw weights as He et al. (2015) do, by the variance that keeps gradients in scale."""
    he_convolutions(network, mode="fan_out")
    if zero_last:
        for module in network.modules():
            if isinstance(module, Block):
                module.zero_last()


def _check_depth(depth: int) -> int:
    """Return the blocks of a stage."""
    if check_count("depth", depth) < 8 or (depth - 2) % 6:
        raise ValueError(f"depth must be 6 n + 2, such as 20, 32 or 56, got {depth}")
    return (depth - 2) // 6


def _check_shortcut(shortcut: str, zero_last: bool, preactivation: bool) -> None:
    check_choice("shortcut", shortcut, SHORTCUTS)
    if shortcut not in ("A", "B") and preactivation:
        raise ValueError(f"preactivation needs a shortcut, got shortcut={shortcut!r}; use 'A' or 'B'")
    if shortcut in ("none", "backward") and zero_last:
        raise ValueError("zero_last needs a shortcut: without one, all outputs would be zero; use 'A' or 'B'")


_DEPTHS = (14, 20, 32, 44, 56, 110)
RESNETS: dict[str, Callable[..., nn.Module]] = {
    "resnet18": partial(ResNet, block=BasicBlock, layers=(2, 2, 2, 2)),
    "resnet34": partial(ResNet, block=BasicBlock, layers=(3, 4, 6, 3)),
    "resnet50": partial(ResNet, block=Bottleneck, layers=(3, 4, 6, 3)),
    "resnet101": partial(ResNet, block=Bottleneck, layers=(3, 4, 23, 3)),
    "resnet152": partial(ResNet, block=Bottleneck, layers=(3, 8, 36, 3)),
    **{f"resnet{depth}": partial(CifarResNet, depth=depth) for depth in _DEPTHS},
    **{f"plain{depth}": partial(CifarResNet, depth=depth, shortcut="none") for depth in _DEPTHS},
    **{f"preact_resnet{depth}": partial(CifarResNet, depth=depth, preactivation=True) for depth in _DEPTHS},
}
