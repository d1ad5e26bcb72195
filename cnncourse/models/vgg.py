"""VGG: nothing but 3x3 convolutions, in blocks that end in a pooling, and three dense layers.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015, table 1, https://doi.org/10.48550/arXiv.1409.1556. Batch normalization came after the paper.
The names of the layers are torchvision's, so that its weights load here.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from cnncourse._checks import check_choice
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import start_weights

# Channels of the convolutions, block by block: columns A, B, D and E of the paper's table 1.
LAYOUTS: dict[int, tuple[tuple[int, ...], ...]] = {
    11: ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    13: ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    16: ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    19: ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512)),
}


class VGG(nn.Module):
    """Five blocks of 3x3 convolutions and three dense layers; VGG-16 has 138,357,544 parameters.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    depth : {16, 11, 13, 19}
        Layers with weights: the convolutions and three dense layers.
    batch_norm : bool
        Batch normalization after each convolution.
    grid : int
        Side of the maps that the dense layers see; other sizes are averaged to it.
    hidden : int
        Outputs of the first two dense layers.
    dropout : float
        After each of these two.

    Raises
    ------
    ValueError
        If the depth is unknown, or images are smaller than 32x32 or have other channels.

    Examples
    --------
    >>> with torch.device("meta"):  # shapes only: nothing is stored or computed
    ...     model = VGG()
    >>> f"{sum(parameter.numel() for parameter in model.parameters()):,}"
    '138,357,544'
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        depth: int = 16,
        batch_norm: bool = False,
        grid: int = 7,
        hidden: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if depth not in LAYOUTS:
            raise ValueError(f"depth must be one of {', '.join(map(str, LAYOUTS))}, got {depth!r}")
        # (N, C, H, W) -> (N, 512, H/32, W/32)
        self.features = make_blocks(in_channels, LAYOUTS[depth], batch_norm=batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d(grid)  # (N, 512, grid, grid)
        last = nn.Linear(hidden, num_classes)
        self.classifier = nn.Sequential(  # (N, 512 * grid * grid)
            nn.Linear(512 * grid * grid, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            last,
        )
        start_weights(self, last)
        layer = "each of the 5 poolings halves the size, and the last would be left without a pixel"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        x = self.avgpool(self.features(x))  # (N, 512, grid, grid)
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]


# Channels of `SmallVGG`, block by block. The 5x5 forms have one convolution a block. The first has the
# multiply-adds and the parameters of the 3x3 form to within 2%, the second its widths.
SMALL_LAYOUTS = {
    "3x3": ((16, 16), (32, 32), (64, 64)),
    "5x5": ((24,), (32,), (64,)),
    "5x5-same-widths": ((16,), (32,), (64,)),
}


class SmallVGG(nn.Module):
    """A network of VGG's form for 32x32 pixels: three blocks, about 10 million multiply-adds an image.

    Its options isolate one decision at a time: small kernels, batch normalization, dense layers at the end.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    kernels : {"3x3", "5x5", "5x5-same-widths"}
        Two 3x3 convolutions a block, or one 5x5 that sees as far, at equal cost or at equal widths.
    batch_norm : bool
        Batch normalization after each convolution.
    head : {"dense", "average"}
        Two dense layers on the flattened maps, or one on the mean of each map.
    relu_between : bool
        ReLU after each convolution; else only after the last of a block, so that the two 3x3 convolutions
        of a block are one linear map.

    Raises
    ------
    ValueError
        If an option is unknown, or images are not 32x32 (smaller than 8x8 for the average) or have
        other channels.

    Examples
    --------
    >>> SmallVGG(head="average")(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        kernels: str = "3x3",
        batch_norm: bool = False,
        head: str = "dense",
        relu_between: bool = True,
    ) -> None:
        super().__init__()
        layout = SMALL_LAYOUTS[check_choice("kernels", kernels, SMALL_LAYOUTS)]
        self.features = make_blocks(  # (N, C, H, W) -> (N, 64, H/8, W/8)
            in_channels, layout, int(kernels[0]), batch_norm, relu_between
        )
        if check_choice("head", head, ("dense", "average")) == "dense":
            last = nn.Linear(128, num_classes)
            self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(64 * 4 * 4, 128), nn.ReLU(), last)
            layer = "the first dense layer needs maps of 4x4, and this is the size for it"
            rule = ImageRule(in_channels, 32, layer, exact=True)
        else:
            last = nn.Linear(64, num_classes)
            self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
            rule = ImageRule(in_channels, 8, "the last pooling would be left without a pixel")
        self.register_forward_pre_hook(rule)
        start_weights(self, last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


VGGS: dict[str, Callable[..., nn.Module]] = {
    "vgg11": partial(VGG, depth=11),
    "vgg13": partial(VGG, depth=13),
    "vgg16": partial(VGG, depth=16),
    "vgg19": partial(VGG, depth=19),
    "vgg11_bn": partial(VGG, depth=11, batch_norm=True),
    "vgg13_bn": partial(VGG, depth=13, batch_norm=True),
    "vgg16_bn": partial(VGG, depth=16, batch_norm=True),
    "vgg19_bn": partial(VGG, depth=19, batch_norm=True),
    # for 32x32 pixels: the blocks leave 512 numbers, and the dense layers are 512 wide
    "vgg16_cifar": partial(VGG, depth=16, grid=1, hidden=512),
    "vgg16_cifar_bn": partial(VGG, depth=16, grid=1, hidden=512, batch_norm=True),
    "small_vgg": SmallVGG,
}


def make_blocks(
    in_channels: int,
    layout: Sequence[Sequence[int]],
    kernel_size: int = 3,
    batch_norm: bool = False,
    relu_between: bool = True,
) -> nn.Sequential:
    """Return convolutions that keep the size, each with ReLU, and a pooling that halves it after each block.

    Without `relu_between`, the last convolution of each block alone has a ReLU.

    Examples
    --------
    >>> make_blocks(3, ((8, 8), (16,)))(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 16, 8, 8])
    """
    layers: list[nn.Module] = []
    for block in layout:
        for index, out_channels in enumerate(block, start=1):
            layers.append(nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2))
            layers += [nn.BatchNorm2d(out_channels)] if batch_norm else []
            layers += [nn.ReLU()] if relu_between or index == len(block) else []
            in_channels = out_channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
