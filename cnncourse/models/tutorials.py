"""Five networks that widely read tutorials train on CIFAR-10, layer by layer as they state them.

All take images (N, C, 32, 32), C being 3 unless `in_channels` says otherwise, and return logits
(N, num_classes). Those that end in the mean of each map take other sizes too; what does not fit is refused
in words.
"""

import torch
from torch import nn

from cnncourse.models._inputs import ImageRule


class ThreeConv(nn.Module):
    """Three convolutions, each with ReLU and pooling, and two dense layers: 1,395,178 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.

    Examples
    --------
    >>> ThreeConv()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 48, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 48, 16, 16)
            nn.Conv2d(48, 96, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 96, 8, 8)
            nn.Conv2d(96, 192, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 192, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 3072)
            nn.Linear(192 * 4 * 4, 384),
            nn.ReLU(),
            nn.Linear(384, num_classes),
        )
        layer = "the first dense layer needs maps of 4x4, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


class FiveConv(nn.Module):
    """Five convolutions with overlapping pooling, and three dense layers with dropout: 2,997,642 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.

    Examples
    --------
    >>> FiveConv()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 64, kernel_size=4, padding=1),  # (N, 64, 31, 31)
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 64, 15, 15)
            nn.Conv2d(64, 192, kernel_size=4, padding=1),  # (N, 192, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 192, 6, 6)
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 256, 2, 2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 1024)
            nn.Dropout(0.5),
            nn.Linear(256 * 2 * 2, 512),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, num_classes),
        )
        layer = "the first dense layer needs maps of 2x2, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


class DoubleConvGAP(nn.Module):
    """Three pairs of convolutions with batch normalization, then the mean of each map: 1,149,770 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.

    Examples
    --------
    >>> DoubleConvGAP()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv_bn_relu(in_channels, 64),
            *_conv_bn_relu(64, 64),
            nn.MaxPool2d(2),  # (N, 64, H/2, W/2)
            *_conv_bn_relu(64, 128),
            *_conv_bn_relu(128, 128),
            nn.MaxPool2d(2),  # (N, 128, H/4, W/4)
            *_conv_bn_relu(128, 256),
            *_conv_bn_relu(256, 256),
            nn.MaxPool2d(2),  # (N, 256, H/8, W/8)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, 256, 1, 1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(256, num_classes))
        layer = "the third pooling would be left without a pixel"
        self.register_forward_pre_hook(ImageRule(in_channels, 8, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        return self.classifier(self.pool(self.features(x)))  # type: ignore[no-any-return]


class SmallConv(nn.Module):
    """The form of `ThreeConv` with a third of the channels and one more dense layer: 320,938 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.

    Examples
    --------
    >>> SmallConv()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 16, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 16, 16)
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, 8, 8)
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 64, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 1024)
            nn.Linear(64 * 4 * 4, 256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, num_classes),
        )
        layer = "the first dense layer needs maps of 4x4, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


class ConvBNGAP(nn.Module):
    """Three convolutions with batch normalization, then the mean of each map: 94,986 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.

    Examples
    --------
    >>> ConvBNGAP()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv_bn_relu(in_channels, 32),
            nn.MaxPool2d(2),  # (N, 32, H/2, W/2)
            *_conv_bn_relu(32, 64),
            nn.MaxPool2d(2),  # (N, 64, H/4, W/4)
            *_conv_bn_relu(64, 128),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, 128, 1, 1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(128, num_classes))
        layer = "the second pooling would be left without a pixel"
        self.register_forward_pre_hook(ImageRule(in_channels, 4, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        return self.classifier(self.pool(self.features(x)))  # type: ignore[no-any-return]


def _conv_bn_relu(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Return a 3x3 convolution that keeps the size, batch normalization and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU()]
