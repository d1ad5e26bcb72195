"""EfficientNet: cheap blocks of depthwise convolution, scaled in depth, width and resolution together.

Each block widens the maps by a 1x1 convolution, looks around with one kernel a map (depthwise), weighs
the maps by what the whole image shows (squeeze and excitation), and narrows them again.

Sources: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
table 1 and section 3.3, https://proceedings.mlr.press/v97/tan19a.html; the block is that of Sandler et al.,
"MobileNetV2", CVPR 2018, https://doi.org/10.1109/CVPR.2018.00474, with the squeeze of Hu, Shen and Sun,
"Squeeze-and-Excitation Networks", CVPR 2018, https://doi.org/10.1109/CVPR.2018.00745.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._checks import check_odd
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import he_convolutions


class Stage(NamedTuple):
    """Some blocks of the same width: the rows of the paper's table 1."""

    expansion: int
    channels: int
    layers: int
    stride: int
    kernel_size: int


# For 32x32 pixels: the stem halves the size, as the paper's does, and two stages halve it again.
CIFAR_STAGES = (
    Stage(expansion=1, channels=16, layers=1, stride=1, kernel_size=3),  # 16x16
    Stage(expansion=4, channels=32, layers=2, stride=2, kernel_size=3),  # 8x8
    Stage(expansion=4, channels=64, layers=2, stride=1, kernel_size=3),  # 8x8
    Stage(expansion=4, channels=112, layers=3, stride=2, kernel_size=3),  # 4x4
)


class SamePad2d(nn.Module):
    """Zeros around the maps as TensorFlow's "same" padding puts them: no more than the last window needs.

    A window of 3 with stride 2 over 4 cells needs one more, and the odd one goes to the right and below;
    PyTorch's ``padding=1`` adds one on each side, so that every window lies a cell further left.

    Parameters
    ----------
    kernel_size, stride : int
        Those of the convolution that follows, which has no padding of its own.

    Examples
    --------
    >>> SamePad2d(kernel_size=3, stride=2)(torch.ones(1, 1, 2, 3))
    tensor([[[[0., 1., 1., 1., 0.],
              [0., 1., 1., 1., 0.],
              [0., 0., 0., 0., 0.]]]])
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def sides(self, cells: int) -> tuple[int, int]:
        """Return how many zeros come before and after so many cells."""
        windows = -(-cells // self.stride)  # rounded up: every cell is in one
        missing = max((windows - 1) * self.stride + self.kernel_size - cells, 0)
        return missing // 2, missing - missing // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H', W'), over which the windows fit ceil(H / stride) times."""
        height, width = x.shape[2:]
        return F.pad(x, (*self.sides(width), *self.sides(height)))


class SqueezeExcitation(nn.Module):
    """Weigh each map by a number between 0 and 1 that is computed from the means of all maps.

    Parameters
    ----------
    channels : int
        Maps that come in and go out.
    squeezed : int
        Numbers between the two dense layers.

    Examples
    --------
    >>> SqueezeExcitation(64, squeezed=4)(torch.zeros(2, 64, 8, 8)).shape
    torch.Size([2, 64, 8, 8])
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, squeezed, kernel_size=1)  # a dense layer
        self.activation = nn.SiLU()
        self.excite = nn.Conv2d(squeezed, channels, kernel_size=1)
        self.gate = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H, W)."""
        weight = self.activation(self.squeeze(self.pool(x)))  # (N, squeezed, 1, 1)
        weight = self.gate(self.excite(weight))  # (N, C, 1, 1)
        return x * weight  # type: ignore[no-any-return]


class MBConv(nn.Module):
    """Inverted bottleneck: 1x1 up, depthwise, squeeze and excitation, 1x1 down, plus the input.

    Parameters
    ----------
    in_channels, out_channels : int
        Maps that come in and go out.
    expansion : int
        How many times more maps there are between the 1x1 convolutions; 1 leaves out the first.
    kernel_size : int
        Size of the depthwise kernel, odd.
    stride : int
        Stride of the depthwise convolution. The input is added only where stride is 1 and
        `in_channels` equals `out_channels`.
    lite : bool
        The block of EfficientNet-Lite: ReLU6 in place of SiLU, no squeeze and excitation, and padding as
        TensorFlow pads (`SamePad2d`).

    Examples
    --------
    >>> MBConv(24, 48, stride=2)(torch.zeros(2, 24, 16, 16)).shape
    torch.Size([2, 48, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int = 4,
        kernel_size: int = 3,
        stride: int = 1,
        lite: bool = False,
    ) -> None:
        super().__init__()
        width = in_channels * expansion
        activation = nn.ReLU6 if lite else nn.SiLU
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [*conv_norm(in_channels, width, 1, lite=lite), activation()]
        layers += [*conv_norm(width, width, kernel_size, stride, groups=width, lite=lite), activation()]
        if not lite:
            layers += [SqueezeExcitation(width, squeezed=max(1, in_channels // 4))]
        layers += conv_norm(width, out_channels, 1, lite=lite)
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, ceil(H / stride), ceil(W / stride))."""
        y: torch.Tensor = self.layers(x)
        return x + y if self.shortcut else y


class EfficientNet(nn.Module):
    """Stem, stages of `MBConv`, a 1x1 convolution, the mean of each map and one dense layer.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    width : float
        Factor on the maps of every stage (rounded to multiples of 8).
    depth : float
        Factor on the blocks of every stage (rounded up).
    stages : tuple of Stage
        Blocks of the network at `width` 1 and `depth` 1.

    Raises
    ------
    ValueError
        If `width` or `depth` is not above 0.

    Examples
    --------
    >>> EfficientNet(width=0.5)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        width: float = 1.0,
        depth: float = 1.0,
        stages: tuple[Stage, ...] = CIFAR_STAGES,
    ) -> None:
        super().__init__()
        for name, factor in (("width", width), ("depth", depth)):
            if not factor > 0:
                raise ValueError(f"{name} must be above 0, got {factor}")
        channels = _round_to_8(24 * width)
        layers: list[nn.Module] = [*conv_norm(in_channels, channels, 3, stride=2), nn.SiLU()]
        for stage in stages:
            out_channels = _round_to_8(stage.channels * width)
            for number in range(math.ceil(stage.layers * depth)):
                stride = stage.stride if number == 0 else 1
                block = MBConv(channels, out_channels, stage.expansion, stage.kernel_size, stride)
                layers.append(block)
                channels = out_channels
        layers += [*conv_norm(channels, 4 * channels, 1), nn.SiLU()]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, C, 1, 1)
        self.classifier = nn.Linear(4 * channels, num_classes)
        he_convolutions(self, mode="fan_out")
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        return self.classifier(self.pool(self.features(x)).flatten(1))  # type: ignore[no-any-return]


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    groups: int = 1,
    lite: bool = False,
) -> list[nn.Module]:
    """Return a convolution that keeps the size but for its stride, and batch normalization."""
    padding = check_odd("kernel_size", kernel_size) // 2
    same = lite and stride > 1  # at stride 1, TensorFlow pads all sides alike, too
    conv = nn.Conv2d(
        in_channels, out_channels, kernel_size, stride, 0 if same else padding, groups=groups, bias=False
    )
    norm = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01) if lite else nn.BatchNorm2d(out_channels)
    return [SamePad2d(kernel_size, stride), conv, norm] if same else [conv, norm]


def _round_to_8(channels: float) -> int:
    """Return the multiple of 8 nearest to `channels`, at least 8."""
    return max(8, 8 * round(channels / 8))
