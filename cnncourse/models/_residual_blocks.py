"""The blocks of residual networks: basic, bottleneck and pre-activation, and their shortcuts."""

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._checks import check_choice

__all__ = ["SHORTCUTS", "BasicBlock", "Block", "Bottleneck", "PreActivationBlock", "ZeroPadShortcut"]

SHORTCUTS = ("A", "B", "none", "forward", "backward")


class ZeroPadShortcut(nn.Module):
    """Shortcut A: every `stride`-th pixel, and channels of zeros for those that are missing; no parameters.

    Parameters
    ----------
    extra_channels : int
        How many channels of zeros are appended.
    stride : int
        Distance between two pixels that are kept.

    Raises
    ------
    ValueError
        If channels would have to be taken away.

    Examples
    --------
    >>> x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    >>> ZeroPadShortcut(extra_channels=1, stride=2)(x)[0].tolist()
    [[[1.0, 3.0], [9.0, 11.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """

    def __init__(self, extra_channels: int, stride: int) -> None:
        super().__init__()
        if extra_channels < 0:
            raise ValueError(
                f"shortcut A appends channels, extra_channels must be >= 0, got {extra_channels}; "
                "use shortcut B where channels become fewer"
            )
        self.extra_channels = extra_channels
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C + extra_channels, ceil(H / stride), ceil(W / stride))."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.extra_channels))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: ``relu(F(x) + x)``.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    channels : int
        Channels of both convolutions and, since `expansion` is 1, of the output.
    stride : int
        Of the first convolution.
    shortcut : {"A", "B", "none", "forward", "backward"}
        What the shortcut does where the shape changes: zeros for new channels (A) or a 1x1 convolution (B).
        Where it does not change, both are the identity. Without a shortcut, the block is a plain one. Two
        are halves of A, for experiments: "forward" adds the input but passes no gradient back, "backward"
        adds nothing but passes the gradient back.

    Examples
    --------
    >>> block = BasicBlock(16, 32, stride=2)
    >>> block(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 32, 4, 4])
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1, shortcut: str = "B") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.shortcut = shortcut
        self.downsample = _downsample(in_channels, channels, stride, shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, in_channels, H, W) to (N, channels, H / stride, W / stride)."""
        out = self.relu1(self.bn1(self.conv1(x)))  # (N, channels, H / stride, W / stride)
        out = self.bn2(self.conv2(out))  # F(x), of the same shape
        return self.relu2(_add_shortcut(self, out, x))  # type: ignore[no-any-return]

    def zero_last(self) -> None:
        """Set the last scale to zero, so that F(x) = 0 until training changes it."""
        nn.init.zeros_(self.bn2.weight)


class Bottleneck(nn.Module):
    """A 3x3 convolution between a 1x1 that takes channels away and a 1x1 that gives them back.

    As in torchvision, the 3x3 has the stride (the paper put it on the first 1x1, which skips three quarters
    of its input).

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    channels : int
        Channels of the 3x3 convolution; the output has four times as many (`expansion`).
    stride : int
        Of the 3x3 convolution.
    shortcut : {"A", "B", "none", "forward", "backward"}
        As in `BasicBlock`.

    Examples
    --------
    >>> Bottleneck(256, 64)(torch.zeros(1, 256, 8, 8)).shape
    torch.Size([1, 256, 8, 8])
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int = 1, shortcut: str = "B") -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(channels, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu3 = nn.ReLU()
        self.shortcut = shortcut
        self.downsample = _downsample(in_channels, out_channels, stride, shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, in_channels, H, W) to (N, 4 channels, H / stride, W / stride)."""
        out = self.relu1(self.bn1(self.conv1(x)))  # (N, channels, H, W)
        out = self.relu2(self.bn2(self.conv2(out)))  # (N, channels, H / stride, W / stride)
        out = self.bn3(self.conv3(out))  # (N, 4 channels, H / stride, W / stride)
        return self.relu3(_add_shortcut(self, out, x))  # type: ignore[no-any-return]

    def zero_last(self) -> None:
        """Set the last scale to zero, so that F(x) = 0 until training changes it."""
        nn.init.zeros_(self.bn3.weight)


class PreActivationBlock(nn.Module):
    """A basic block with normalization and ReLU before each convolution: nothing follows the addition.

    Where the shape changes, the shortcut starts after the first ReLU, as the convolutions do.

    Parameters
    ----------
    in_channels, channels, stride, shortcut
        As in `BasicBlock`; `shortcut` "A" or "B".

    Raises
    ------
    ValueError
        If the shortcut is neither.

    Examples
    --------
    >>> block = PreActivationBlock(16, 16)
    >>> block.zero_last()
    >>> x = torch.linspace(-1, 1, 1024).reshape(1, 16, 8, 8)
    >>> torch.equal(block(x), x)  # negative values pass too
    True
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1, shortcut: str = "B") -> None:
        super().__init__()
        check_choice("shortcut", shortcut, SHORTCUTS[:2])
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        downsample = _downsample(in_channels, channels, stride, shortcut)
        # the next block normalizes: of a projection only the convolution is needed
        self.downsample = downsample[0] if isinstance(downsample, nn.Sequential) else downsample

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, in_channels, H, W) to (N, channels, H / stride, W / stride)."""
        active = self.relu1(self.bn1(x))
        identity = x if self.downsample is None else self.downsample(active)
        out = self.conv1(active)  # (N, channels, H / stride, W / stride)
        out = self.conv2(self.relu2(self.bn2(out)))  # F(x), of the same shape
        return out + identity  # type: ignore[no-any-return]

    def zero_last(self) -> None:
        """Set the last weights to zero, so that F(x) = 0 until training changes it.

        Not the last scale: a ReLU follows it, whose derivative at 0 is 0, so that it would stay zero.
        """
        nn.init.zeros_(self.conv2.weight)


Block = BasicBlock | Bottleneck | PreActivationBlock


def _add_shortcut(block: BasicBlock | Bottleneck, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return F(x), which is `out`, with what the block's shortcut adds to it."""
    if block.shortcut == "none":
        return out
    way = x if block.downsample is None else block.downsample(x)
    if block.shortcut == "forward":
        way = way.detach()  # its value, without its gradient
    if block.shortcut == "backward":
        way = way - way.detach()  # zero, with its gradient
    return out + way


def _downsample(in_channels: int, out_channels: int, stride: int, shortcut: str) -> nn.Module | None:
    """Return what a shortcut does where the shape changes; None for the identity, and for no shortcut."""
    check_choice("shortcut", shortcut, SHORTCUTS)
    if shortcut == "none" or (stride == 1 and in_channels == out_channels):
        return None
    if shortcut != "B":
        return ZeroPadShortcut(out_channels - in_channels, stride)
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))
