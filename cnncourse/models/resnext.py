"""ResNeXt: a bottleneck whose 3x3 convolution works in groups, and so may be wider for the same work.

Source: Xie, Girshick, Dollár, Tu and He, "Aggregated Residual Transformations for Deep Neural Networks", CVPR
2017, section 3.3 and figure 3. https://doi.org/10.1109/CVPR.2017.634
"""

import torch
from torch import nn


class GroupedBottleneck(nn.Module):
    """1x1 down, 3x3 in groups, 1x1 up, plus the input.

    A sum of as many small bottlenecks as there are groups, each with maps of its own between the two 1x1
    convolutions, would compute the same; the paper calls their number the cardinality.

    Parameters
    ----------
    channels : int
        Maps that come in and go out.
    width : int
        Maps of the 3x3 convolution, a multiple of `groups`.
    groups : int
        In how many groups it works.

    Examples
    --------
    >>> GroupedBottleneck(256, width=128, groups=32)(torch.zeros(2, 256, 8, 8)).shape
    torch.Size([2, 256, 8, 8])
    """

    def __init__(self, channels: int, width: int, groups: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, width, kernel_size=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.grouped = nn.Conv2d(width, width, kernel_size=3, padding=1, groups=groups, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, channels, kernel_size=1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, channels, H, W) to (N, channels, H, W)."""
        y = self.relu(self.norm1(self.reduce(x)))  # (N, width, H, W)
        y = self.relu(self.norm2(self.grouped(y)))  # (N, width, H, W)
        return self.relu(x + self.norm3(self.expand(y)))  # type: ignore[no-any-return]
