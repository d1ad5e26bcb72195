"""SpeedNet: a small network for CIFAR-10 that is made to be trained fast.

Six 3x3 convolutions in three groups, behind a stem that is computed rather than trained: 2x2 filters that
make neighboring pixels and colors uncorrelated. All filters start as the identity, the scales of batch
normalization stay at one, and the head looks at the largest value of each feature map.

References
----------
K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._checks import check_counts
from cnncourse.models._inputs import ImageRule
from cnncourse.models._small_maps import Conv3x3


class SpeedNet(nn.Module):
    """A whitening stem, three groups of two 3x3 convolutions, global max pooling and a linear head.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    widths : sequence of three int
        Feature maps of each group.
    identity : bool
        Whether the first filters of each convolution start as the identity; else all start at random.

    Examples
    --------
    >>> SpeedNet()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        widths: Sequence[int] = (64, 128, 256),
        identity: bool = True,
    ) -> None:
        super().__init__()
        widths = check_counts("widths", widths, "the feature maps of each group", length=3)
        patch = in_channels * 2 * 2
        self.stem = nn.Conv2d(in_channels, 2 * patch, kernel_size=2)  # (N, C, H, W) -> (N, 8 C, H-1, W-1)
        self.stem.weight.requires_grad = False
        nn.init.zeros_(self.stem.bias)  # type: ignore[arg-type]
        inputs = (2 * patch, *widths[:2])
        groups = (SpeedGroup(i, o, identity) for i, o in zip(inputs, widths, strict=True))
        self.groups = nn.Sequential(*groups)  # each halves height and width
        self.head = nn.Linear(widths[2], num_classes, bias=False)
        with torch.no_grad():
            self.head.weight /= self.head.weight.std()
        layer = "three poolings by two need at least 9 pixels"
        self.register_forward_pre_hook(ImageRule(in_channels, 9, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        x = self.groups(F.silu(self.stem(x)))  # (N, C_3, H // 8, W // 8), about
        return self.head(x.amax(dim=(2, 3))) / 18  # type: ignore[no-any-return]

    @torch.no_grad()
    def whiten(self, images: torch.Tensor) -> None:
        """Set the stem's filters so that its outputs are uncorrelated on `images`, with equal variances.

        The filters are the principal components of all 2x2 patches, each divided by its standard deviation,
        and their negatives, since the activation keeps positive values and loses most of the negative ones.

        Parameters
        ----------
        images : Tensor of shape (N, C, H, W)
            A few thousand training images, normalized.
        """
        patches = F.unfold(images.float(), kernel_size=2)  # (N, 4 C, places)
        patches = patches.transpose(1, 2).reshape(-1, patches.shape[1])
        variances, components = torch.linalg.eigh(patches.T.cov())  # in rising order
        filters = (components / torch.sqrt(variances + 5e-4)).T.flip(0)  # (4 C, 4 C), the largest first
        filters = filters.reshape(-1, *self.stem.weight.shape[1:])
        self.stem.weight.copy_(torch.cat([filters, -filters]))


class SpeedGroup(nn.Module):
    """Convolution, pooling, batch normalization, activation; convolution, batch normalization, activation."""

    def __init__(self, in_channels: int, out_channels: int, identity: bool = True) -> None:
        super().__init__()
        self.conv1 = Conv3x3(in_channels, out_channels)
        self.norm1 = _norm(out_channels)
        self.conv2 = Conv3x3(out_channels, out_channels)
        self.norm2 = _norm(out_channels)
        if identity:  # the first filters hand their input through
            for conv in (self.conv1, self.conv2):
                nn.init.dirac_(conv.weight[: conv.in_channels])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H // 2, W // 2)."""
        x = F.silu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.silu(self.norm2(self.conv2(x)))


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return batch normalization whose scales stay at one, with statistics that follow quickly."""
    norm = nn.BatchNorm2d(channels, momentum=0.4)
    norm.weight.requires_grad = False
    return norm
