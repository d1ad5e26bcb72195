"""GoogLeNet: nine inception modules, each with four branches side by side, and no dense layer but the last.

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, table 1 and figures 2 and 3,
https://doi.org/10.1109/CVPR.2015.7298594. There are two forms: torchvision's, whose weights load here, has
batch normalization and a 3x3 kernel in the third branch; the paper's has neither, but 5x5 kernels.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from cnncourse._checks import check_choice, check_odd
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import start_weights


class Widths(NamedTuple):
    """Output channels of a module's six convolutions: a row of the paper's table 1."""

    one: int  # first branch: 1x1
    reduce3: int  # second branch: 1x1, then
    three: int  # 3x3
    reduce5: int  # third branch: 1x1, then
    five: int  # 5x5
    pool: int  # fourth branch: 1x1 after the pooling

    @property
    def total(self) -> int:
        """Channels that the module returns."""
        return self.one + self.three + self.five + self.pool


WIDTHS = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}


class ConvReLU(nn.Module):
    """A convolution and ReLU, with batch normalization between them (and then without bias) or without.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride
        As in ``nn.Conv2d``. At stride 1 the size is kept.
    batch_norm : bool
        Whether to normalize.

    Examples
    --------
    >>> ConvReLU(3, 8, kernel_size=5)(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 8, 16, 16])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, batch_norm: bool = True
    ) -> None:
        super().__init__()
        padding = check_odd("kernel_size", kernel_size) // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=padding, bias=not batch_norm
        )
        if batch_norm:
            self.bn = nn.BatchNorm2d(out_channels, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H / stride, W / stride), rounded up."""
        x = self.conv(x)
        if hasattr(self, "bn"):
            x = self.bn(x)
        return self.relu(x)  # type: ignore[no-any-return]


class Inception(nn.Module):
    """Four branches that look at the same maps in different ways; their outputs are joined as channels.

    Parameters
    ----------
    in_channels : int
        Maps that come in.
    widths : Widths
        Output channels of the six convolutions.
    large : {3, 5}
        Kernel size of the third branch: 5 in the paper, 3 in torchvision.
    batch_norm : bool
        Batch normalization after each convolution.
    reduce : bool
        Whether the second and third branch first reduce the channels by a 1x1 convolution, and the
        pooling is followed by one. Without it the module is the paper's "naive version" (figure 2a).

    Examples
    --------
    >>> Inception(192, WIDTHS["3a"])(torch.zeros(1, 192, 28, 28)).shape
    torch.Size([1, 256, 28, 28])
    """

    def __init__(
        self, in_channels: int, widths: Widths, large: int = 3, batch_norm: bool = True, reduce: bool = True
    ) -> None:
        super().__init__()
        if not isinstance(widths, Widths):
            raise TypeError(
                f"widths must be Widths(...), or one of WIDTHS such as WIDTHS['3a'], got {widths!r}"
            )

        def conv(inward: int, outward: int, kernel_size: int) -> nn.Module:
            return ConvReLU(inward, outward, kernel_size, batch_norm=batch_norm)

        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.branch1 = conv(in_channels, widths.one, 1)
        if reduce:
            self.branch2 = nn.Sequential(
                conv(in_channels, widths.reduce3, 1), conv(widths.reduce3, widths.three, 3)
            )
            self.branch3 = nn.Sequential(
                conv(in_channels, widths.reduce5, 1), conv(widths.reduce5, widths.five, large)
            )
            self.branch4 = nn.Sequential(pool, conv(in_channels, widths.pool, 1))
        else:
            self.branch2 = nn.Sequential(conv(in_channels, widths.three, 3))
            self.branch3 = nn.Sequential(conv(in_channels, widths.five, large))
            self.branch4 = nn.Sequential(pool)
        self.out_channels = widths.total if reduce else widths.total - widths.pool + in_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, out_channels, H, W)."""
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(branches, dim=1)


class AuxiliaryHead(nn.Module):
    """A classifier on maps from the middle of the network, used in training alone.

    Parameters
    ----------
    in_channels : int
        Maps that come in.
    num_classes : int
        Outputs of the last layer.
    paper : bool
        The paper's form: 5x5 windows, 3 apart, make 4x4 of 14x14 maps, and there is no batch
        normalization. Else maps of any size are averaged to 4x4.
    dropout : float
        Before the last layer.

    Raises
    ------
    ValueError
        If the paper's form is given maps that do not become 4x4.

    Examples
    --------
    >>> AuxiliaryHead(512, num_classes=10)(torch.zeros(2, 512, 14, 14)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels: int, num_classes: int, paper: bool = False, dropout: float = 0.7) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3) if paper else nn.AdaptiveAvgPool2d(4)  # (N, C, 4, 4)
        self.conv = ConvReLU(in_channels, 128, kernel_size=1, batch_norm=not paper)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to logits (N, num_classes)."""
        if isinstance(self.pool, nn.AvgPool2d) and not all(14 <= side <= 16 for side in x.shape[-2:]):
            raise ValueError(
                f"the auxiliary head needs maps of 14x14, got {x.shape[-2]}x{x.shape[-1]}; "
                "give the network images of 224x224"
            )
        x = torch.flatten(self.conv(self.pool(x)), 1)  # (N, 2048)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))  # type: ignore[no-any-return]


class GoogLeNet(nn.Module):
    """The whole network: 6,624,904 parameters in torchvision's form, 6,998,552 in the paper's.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    paper : bool
        The paper's form: 5x5 kernels in the third branches, no batch normalization, local response
        normalization before the modules. Else torchvision's.
    aux_logits : bool
        Whether it has the two auxiliary heads, which `all_logits` returns.
    dropout : float
        Before the last layer; 0.4 in the paper.

    Raises
    ------
    ValueError
        If images are too small (15x15 is enough, 31x31 for the paper's form, and 224x224 for its
        auxiliary heads) or have other channels.

    Examples
    --------
    >>> model = GoogLeNet(num_classes=10, aux_logits=True)
    >>> model(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    >>> [logits.shape[1] for logits in model.all_logits(torch.zeros(2, 3, 64, 64))]
    [10, 10, 10]
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        paper: bool = False,
        aux_logits: bool = False,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        norm = not paper

        def lrn() -> nn.Module:
            return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75) if paper else nn.Identity()

        def pool(size: int = 3) -> nn.Module:
            return nn.MaxPool2d(size, stride=2, ceil_mode=True)

        def module(channels: int, name: str) -> Inception:
            return Inception(channels, WIDTHS[name], large=5 if paper else 3, batch_norm=norm)

        # (N, C, 224, 224)
        self.conv1 = ConvReLU(in_channels, 64, 7, stride=2, batch_norm=norm)  # (N, 64, 112, 112)
        self.maxpool1 = pool()  # (N, 64, 56, 56)
        self.norm1 = lrn()
        self.conv2 = ConvReLU(64, 64, 1, batch_norm=norm)
        self.conv3 = ConvReLU(64, 192, 3, batch_norm=norm)  # (N, 192, 56, 56)
        self.norm2 = lrn()
        self.maxpool2 = pool()  # (N, 192, 28, 28)
        self.inception3a = module(192, "3a")
        self.inception3b = module(256, "3b")  # (N, 480, 28, 28)
        self.maxpool3 = pool()  # (N, 480, 14, 14)
        self.inception4a = module(480, "4a")  # (N, 512, 14, 14): the first head starts here
        self.inception4b = module(512, "4b")
        self.inception4c = module(512, "4c")
        self.inception4d = module(512, "4d")  # (N, 528, 14, 14): and the second here
        self.inception4e = module(528, "4e")  # (N, 832, 14, 14)
        self.maxpool4 = pool(3 if paper else 2)  # (N, 832, 7, 7)
        self.inception5a = module(832, "5a")
        self.inception5b = module(832, "5b")  # (N, 1024, 7, 7)
        if aux_logits:
            self.aux1 = AuxiliaryHead(512, num_classes, paper)
            self.aux2 = AuxiliaryHead(528, num_classes, paper)
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # (N, 1024, 1, 1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        heads = [self.aux1.fc2, self.aux2.fc2] if aux_logits else []
        start_weights(self, self.fc, *heads)
        layer = f"maxpool{4 if paper else 3} would be left without a pixel"
        self.image_rule = ImageRule(in_channels, 31 if paper else 15, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes), in training too (torchvision returns three)."""
        return self._finish(self._to_4d(self._to_4a(x)))

    def all_logits(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the logits of the last layer, of the head after module 4a and of that after 4d.

        Raises
        ------
        ValueError
            If the network was made without auxiliary heads.
        """
        if not hasattr(self, "aux1"):
            raise ValueError("this network has no auxiliary heads; make it with aux_logits=True")
        four_a = self._to_4a(x)  # (N, 512, 14, 14)
        four_d = self._to_4d(four_a)  # (N, 528, 14, 14)
        return self._finish(four_d), self.aux1(four_a), self.aux2(four_d)

    def _to_4a(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to the maps of module 4a, (N, 512, H/16, W/16)."""
        self.image_rule(self, (x,))
        x = self.norm1(self.maxpool1(self.conv1(x)))  # (N, 64, H/4, W/4)
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))  # (N, 192, H/8, W/8)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))  # (N, 480, H/16, W/16)
        return self.inception4a(x)  # type: ignore[no-any-return]

    def _to_4d(self, x: torch.Tensor) -> torch.Tensor:
        """Map the maps of module 4a to those of 4d, (N, 528, H/16, W/16)."""
        return self.inception4d(self.inception4c(self.inception4b(x)))  # type: ignore[no-any-return]

    def _finish(self, x: torch.Tensor) -> torch.Tensor:
        """Map the maps of module 4d to logits (N, num_classes)."""
        x = self.maxpool4(self.inception4e(x))  # (N, 832, H/32, W/32)
        x = self.avgpool(self.inception5b(self.inception5a(x)))  # (N, 1024, 1, 1)
        return self.fc(self.dropout(torch.flatten(x, 1)))  # type: ignore[no-any-return]


# What `SmallGoogLeNet` has in the place of its four modules, if not modules: (channels, kernel size) of the
# convolutions in a row. All forms have the multiply-adds and the parameters of the modules to within 2%.
ROWS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "detour": (((6, 1), (40, 3)), ((12, 1), (64, 3)), ((17, 1), (112, 3)), ((25, 1), (128, 3))),
    "row": (((24, 3),), ((28, 3),), ((60, 3),), ((64, 3),)),
    "deep_row": (((16, 3), (16, 3)), ((16, 3), (18, 3)), ((40, 3), (40, 3)), ((40, 3), (40, 3))),
}


class SmallGoogLeNet(nn.Module):
    """A network of GoogLeNet's form for 32x32 pixels: four inception modules with 5x5 kernels.

    Its option puts something else in the place of each module: "detour", "row" and "deep_row" cost the same.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    block : {"module", "naive", "detour", "row", "deep_row"}
        What is in each of the four places: an inception module; one without the 1x1 convolutions that reduce
        the channels; a 1x1 and a 3x3 convolution, to as many channels as the module has; one 3x3 convolution;
        two of them.

    Raises
    ------
    ValueError
        If the block is unknown, or images are smaller than 4x4 or have other channels.

    Examples
    --------
    >>> SmallGoogLeNet()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    widths = (
        Widths(8, 8, 16, 4, 8, 8),  # (N, 40, 16, 16)
        Widths(16, 16, 32, 4, 8, 8),  # (N, 64, 16, 16)
        Widths(32, 24, 48, 6, 16, 16),  # (N, 112, 8, 8)
        Widths(32, 32, 64, 8, 16, 16),  # (N, 128, 8, 8)
    )

    def __init__(self, num_classes: int = 10, in_channels: int = 3, block: str = "module") -> None:
        super().__init__()
        check_choice("block", block, ("module", "naive", *ROWS))
        layers: list[nn.Module] = [ConvReLU(in_channels, 16, 3), nn.MaxPool2d(2)]  # (N, 16, 16, 16)
        channels = 16
        for index, widths in enumerate(self.widths):
            if index == 2:
                layers.append(nn.MaxPool2d(2))  # (N, channels, 8, 8)
            if block in ROWS:
                layers.append(_in_a_row(channels, ROWS[block][index]))
                channels = ROWS[block][index][-1][0]
            else:
                module = Inception(channels, widths, large=5, reduce=block == "module")
                layers.append(module)
                channels = module.out_channels
        self.features = nn.Sequential(*layers)
        last = nn.Linear(channels, num_classes)
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
        start_weights(self, last)
        layer = "the second pooling would be left without a pixel"
        self.register_forward_pre_hook(ImageRule(in_channels, 4, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


def _in_a_row(in_channels: int, convolutions: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Return convolutions of (channels, kernel size), each with batch normalization and ReLU."""
    layers = []
    for out_channels, kernel_size in convolutions:
        layers.append(ConvReLU(in_channels, out_channels, kernel_size))
        in_channels = out_channels
    return nn.Sequential(*layers)


GOOGLENETS: dict[str, Callable[..., nn.Module]] = {
    "googlenet": GoogLeNet,
    "googlenet2014": partial(GoogLeNet, paper=True, dropout=0.4),
    "small_googlenet": SmallGoogLeNet,
}
