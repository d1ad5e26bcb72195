"""LeNet-5: as it was published in 1998, and as it is usually written today.

References
----------
LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
IEEE 86 (1998), section II-B, https://doi.org/10.1109/5.726791.
"""

import torch
from torch import nn

from cnncourse._checks import check_choice, check_count
from cnncourse.models._digits import digit_bitmaps
from cnncourse.models._inputs import ImageRule

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLINGS: dict[str, type[nn.Module]] = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}

# Table I of the paper: which of the six maps of S2 each of the sixteen maps of C3 looks at.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class LeNet5(nn.Module):
    """LeNet-5 as it is usually written: two convolutions, three dense layers; 61,706 parameters.

    The number holds for gray images; each further channel adds 150.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images, 32x32.
    padding : int
        Zeros around the images: 2 for images of 28x28.
    activation : {"relu", "tanh", "sigmoid"}
        What follows each layer but the last.
    pooling : {"max", "average"}
        How each 2x2 cells become one.

    Examples
    --------
    >>> LeNet5()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    >>> sum(parameter.numel() for parameter in LeNet5().parameters())
    61706
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        padding: int = 0,
        activation: str = "relu",
        pooling: str = "max",
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)]
        pool = POOLINGS[check_choice("pooling", pooling, POOLINGS)]
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=padding),  # (N, 6, 28, 28)
            act(),
            pool(2),  # (N, 6, 14, 14)
            nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
            act(),
            pool(2),  # (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(16 * 5 * 5, 120),
            act(),
            nn.Linear(120, 84),
            act(),
            nn.Linear(84, num_classes),
        )
        layer = "the first dense layer needs maps of 5x5, and this is the size for it"
        hint = f"for images of {'32x32 use padding=0' if padding else '28x28 use padding=2'}"
        size = 32 - 2 * check_count("padding", padding, minimum=0)
        self.register_forward_pre_hook(ImageRule(in_channels, size, layer, exact=True, hint=hint))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


class LeNet1998(nn.Module):
    """LeNet-5 as published: trainable sub-sampling, C3's table, RBF outputs; 60,000 parameters.

    The layers have the paper's names. The number holds for gray images and ten classes; the codes of the
    output layer are fixed and not counted.

    Parameters
    ----------
    num_classes : int
        Classes, each with a code of 84 numbers in the output layer.
    in_channels : int
        Channels of the images, 32x32.
    codes : {"digits", "random"}
        Drawn digits of 7x12 pixels (at most ten classes), or random ones and minus ones.

    Examples
    --------
    >>> LeNet1998()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    >>> sum(parameter.numel() for parameter in LeNet1998().parameters())
    60000
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, codes: str = "digits") -> None:
        super().__init__()
        self.c1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.s2 = SubSampling(6)
        self.c3 = PartialConv2d(C3_TABLE, kernel_size=5)
        self.s4 = SubSampling(16)
        self.c5 = nn.Conv2d(16, 120, kernel_size=5)
        self.f6 = nn.Linear(120, 84)
        self.output = RBF(_codes(codes, num_classes))
        self.squash = ScaledTanh()
        layer = "layer C5 must turn maps of 5x5 into single numbers for F6"
        hint = "pad images of 28x28 by 2 on each side"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True, hint=hint))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes): minus the squared distances to the codes."""
        return -self.output(self.draw(x))  # type: ignore[no-any-return]

    def draw(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to F6's numbers (N, 84), which training brings near the right code."""
        x = self.squash(self.c1(x))  # (N, 6, 28, 28)
        x = self.squash(self.s2(x))  # (N, 6, 14, 14)
        x = self.squash(self.c3(x))  # (N, 16, 10, 10)
        x = self.squash(self.s4(x))  # (N, 16, 5, 5)
        x = self.squash(self.c5(x))  # (N, 120, 1, 1)
        return self.squash(self.f6(x.flatten(1)))  # type: ignore[no-any-return]


class ScaledTanh(nn.Tanh):
    """The paper's squashing function 1.7159 tanh(2x/3), which maps 1 to 1 and -1 to -1.

    Examples
    --------
    >>> ScaledTanh()(torch.tensor([-1.0, 0, 1])).round(decimals=3)
    tensor([-1.,  0.,  1.])
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map any shape to values between -1.7159 and 1.7159."""
        return 1.7159 * super().forward(2 / 3 * x)


class SubSampling(nn.Module):
    """Trainable sub-sampling: the sum of each 2x2 cells, times one weight a map, plus one bias a map.

    The weights start at 1/4, which makes it average pooling.

    Parameters
    ----------
    channels : int
        Maps.

    Examples
    --------
    >>> y = SubSampling(1)(torch.tensor([[[[1.0, 2], [3, 6]]]]))
    >>> y.tolist()
    [[[[3.0]]]]
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.sum = nn.AvgPool2d(kernel_size=2, divisor_override=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H/2, W/2)."""
        return self.weight * self.sum(x) + self.bias  # type: ignore[no-any-return]


class PartialConv2d(nn.Module):
    """A convolution in which each filter looks at some of the channels only.

    Parameters
    ----------
    table : sequence of sequence of int
        For each output channel, the input channels that it looks at.
    kernel_size : int
        Side of the kernels.

    Examples
    --------
    >>> layer = PartialConv2d([(0, 1), (1, 2)], kernel_size=3)
    >>> layer(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 2, 6, 6])
    >>> sum(parameter.numel() for parameter in layer.parameters())  # 4 kernels and 2 biases
    38
    """

    connected: torch.Tensor

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel_size: int) -> None:
        super().__init__()
        channels = range(1 + max(map(max, table)))
        connected = torch.tensor([[channel in row for channel in channels] for row in table])  # (C_out, C_in)
        self.register_buffer("connected", connected, persistent=False)
        # one kernel a connection, in the order of the table
        bounds = [(len(row) * kernel_size**2) ** -0.5 for row in table for _ in row]
        kernels = torch.empty(len(bounds), kernel_size, kernel_size).uniform_(-1, 1)
        self.weight = nn.Parameter(torch.tensor(bounds)[:, None, None] * kernels)
        self.bias = nn.Parameter(torch.zeros(len(table)))

    def full_weight(self) -> torch.Tensor:
        """Return the same convolution's weights (C_out, C_in, K, K), zero where nothing is connected."""
        weight = self.weight.new_zeros(*self.connected.shape, *self.weight.shape[1:])
        weight[self.connected] = self.weight
        return weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H - K + 1, W - K + 1)."""
        return nn.functional.conv2d(x, self.full_weight(), self.bias)


class RBF(nn.Module):
    """Squared distances from the input to fixed codes, one for each class: the smaller, the nearer.

    Parameters
    ----------
    codes : Tensor of shape (num_classes, features)
        They are not trained.

    Examples
    --------
    >>> RBF(torch.tensor([[1.0, -1], [1, 1]]))(torch.tensor([[1.0, 1]]))
    tensor([[4., 0.]])
    """

    codes: torch.Tensor

    def __init__(self, codes: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes.float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, features) to distances (N, num_classes)."""
        return (x[:, None] - self.codes).square().sum(dim=2)


def _codes(kind: str, num_classes: int) -> torch.Tensor:
    """Return the codes (num_classes, 84) of the output layer, of ones and minus ones."""
    if check_choice("codes", kind, ("digits", "random")) == "digits":
        if num_classes > 10:
            raise ValueError(
                f"codes 'digits' holds ten digits, got num_classes {num_classes}; use codes='random'"
            )
        return digit_bitmaps()[:num_classes].flatten(1)
    generator = torch.Generator().manual_seed(1998)  # one code for one class in every network
    return torch.randint(2, (num_classes, 84), generator=generator).float() * 2 - 1
