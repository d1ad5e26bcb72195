"""AlexNet: in torchvision's form, in that of the 2012 paper, and for images of 32x32.

References
----------
Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
NeurIPS 2012, reprinted in Communications of the ACM 60 (2017), https://doi.org/10.1145/3065386.
Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014,
https://arxiv.org/abs/1404.5997 (the single tower that torchvision's follows).
"""

import torch
from torch import nn

from cnncourse.models._inputs import ImageRule


class AlexNet(nn.Module):
    """AlexNet in one tower, as torchvision has it: 61,100,840 parameters with 1,000 classes.

    torchvision's weights load into it unchanged.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images, 224x224 in ImageNet's training; at least 63x63.
    dropout : float
        Probability that a number is set to zero before each of the first two dense layers.

    Examples
    --------
    >>> with torch.device("meta"):  # shapes and counts without the numbers
    ...     model = AlexNet()
    >>> f"{sum(parameter.numel() for parameter in model.parameters()):,}"
    '61,100,840'
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (N, C, 224, 224)
            nn.Conv2d(in_channels, 64, kernel_size=11, stride=4, padding=2),  # (N, 64, 55, 55)
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 64, 27, 27)
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 192, 13, 13)
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))  # for images of other sizes
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )
        layer = "the third pooling would get maps smaller than its 3x3 window"
        hint = "enlarge them, or take alexnet_cifar"
        self.register_forward_pre_hook(ImageRule(in_channels, 63, layer, hint=hint))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        x = self.avgpool(self.features(x))  # (N, 256, 6, 6)
        return self.classifier(x.flatten(1))  # type: ignore[no-any-return]


class AlexNet2012(nn.Module):
    """AlexNet of the paper: two groups, one a GPU, and response normalization; 60,965,224 parameters.

    The number holds for 1,000 classes. Weights start as in the paper: normal with deviation 0.01; biases at 1
    in the second, fourth and fifth convolution and in the hidden dense layers, else at 0.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images, 224x224.
    dropout : float
        Probability that an output of each of the first two dense layers is set to zero.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     model = AlexNet2012()
    >>> f"{sum(parameter.numel() for parameter in model.parameters()):,}"
    '60,965,224'
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (N, C, 224, 224)
            nn.Conv2d(in_channels, 96, kernel_size=11, stride=4, padding=2),  # (N, 96, 55, 55)
            nn.ReLU(inplace=True),
            ResponseNorm(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 96, 27, 27)
            nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=2),
            nn.ReLU(inplace=True),
            ResponseNorm(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 256, 13, 13)
            nn.Conv2d(256, 384, kernel_size=3, padding=1),  # the one that sees both groups
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (N, 256, 6, 6)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 9216)
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        self._initialize()
        layer = "the first dense layer needs maps of 6x6, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 224, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 224, 224) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]

    def _initialize(self) -> None:
        """Draw the weights as section 5 of the paper says."""
        layers = [module for module in self.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        for layer, bias in zip(layers, (0, 1, 0, 1, 1, 1, 1, 0), strict=True):
            assert layer.bias is not None
            if layer.weight.is_meta:  # nothing to draw
                continue
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, bias)


class AlexNetCIFAR(nn.Module):
    """AlexNet's plan at the size of CIFAR-10: five convolutions, three dense layers with dropout.

    Nine tenths of its 2.3 million parameters stand in the dense layers; 23 million multiply-adds an image.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images, 32x32.
    dropout : float
        Probability that a number is set to zero before each of the first two dense layers.
    overlapping : bool
        Pool windows of 3x3, two cells apart; else windows of 2x2, which give maps of the same size.
    response_norm : bool
        Normalize the responses after the first two convolutions, as in the paper.

    Examples
    --------
    >>> AlexNetCIFAR(dropout=0.0)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        dropout: float = 0.5,
        overlapping: bool = True,
        response_norm: bool = False,
    ) -> None:
        super().__init__()
        norm = ResponseNorm if response_norm else nn.Identity
        window, padding = (3, 1) if overlapping else (2, 0)
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 24, kernel_size=5, padding=2),
            nn.ReLU(),
            norm(),
            nn.MaxPool2d(window, stride=2, padding=padding),  # (N, 24, 16, 16)
            nn.Conv2d(24, 64, kernel_size=5, padding=2),
            nn.ReLU(),
            norm(),
            nn.MaxPool2d(window, stride=2, padding=padding),  # (N, 64, 8, 8)
            nn.Conv2d(64, 96, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(96, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(window, stride=2, padding=padding),  # (N, 64, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 1024)
            nn.Dropout(p=dropout),
            nn.Linear(64 * 4 * 4, 1024),
            nn.ReLU(),
            nn.Dropout(p=dropout),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Linear(1024, num_classes),
        )
        layer = "the first dense layer needs maps of 4x4, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


class ResponseNorm(nn.LocalResponseNorm):
    """The paper's response normalization: each number divided by ``(2 + 1e-4 * sum of squares) ** 0.75``.

    The sum goes over the same position in five neighboring channels. torch divides its `alpha` by `size`,
    here 5, so that the paper's 1e-4 is written 5e-4.

    Examples
    --------
    >>> responses = torch.tensor([0.0, 100, 20, 0, 0, 0, 20])[None, :, None, None]
    >>> ResponseNorm()(responses).flatten().round(decimals=1)  # the 20 beside the 100 is held down
    tensor([ 0.0000, 43.4000,  8.7000,  0.0000,  0.0000,  0.0000, 11.7000])
    """

    def __init__(self) -> None:
        super().__init__(size=5, alpha=5e-4, beta=0.75, k=2.0)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Normalize feature maps (N, C, H, W); the shape stays."""
        if isinstance(input, torch.Tensor) and input.ndim != 4:  # of (C, H, W), torch would sum over rows
            way = "; channels alone need three axes: x[None, :, None, None]" if input.ndim == 1 else ""
            raise ValueError(f"ResponseNorm takes feature maps (N, C, H, W), got {tuple(input.shape)}{way}")
        return super().forward(input)
