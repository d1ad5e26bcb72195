"""EfficientNet-Lite0: EfficientNet-B0 without what phones compute badly, and with weights that come along.

Two things are left out of EfficientNet so that 8-bit chips can run it: the squeeze and excitation (few
chips have it) and SiLU, whose place ReLU6 takes (its numbers stay between 0 and 6, which 8 bits cover
evenly). Its padding is TensorFlow's, where it was trained, and its weights mean nothing with another.

Its layout is that of torchvision's EfficientNet: `features` of nine parts (stem, seven stages, the last 1x1
convolution), then the mean of each map, dropout and one dense layer, the `classifier`.

Sources: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
table 1, https://proceedings.mlr.press/v97/tan19a.html; R. Liu, "Higher accuracy on vision models with
EfficientNet-Lite", 2020, https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html
"""

import torch
from torch import nn

from cnncourse._checks import check_number
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import he_convolutions
from cnncourse.models.efficientnet import MBConv, Stage, conv_norm

# Table 1 of the paper; the sizes are those of the maps for images of 224x224.
LITE0_STAGES = (
    Stage(expansion=1, channels=16, layers=1, stride=1, kernel_size=3),  # 112x112
    Stage(expansion=6, channels=24, layers=2, stride=2, kernel_size=3),  # 56x56
    Stage(expansion=6, channels=40, layers=2, stride=2, kernel_size=5),  # 28x28
    Stage(expansion=6, channels=80, layers=3, stride=2, kernel_size=3),  # 14x14
    Stage(expansion=6, channels=112, layers=3, stride=1, kernel_size=5),  # 14x14
    Stage(expansion=6, channels=192, layers=4, stride=2, kernel_size=5),  # 7x7
    Stage(expansion=6, channels=320, layers=1, stride=1, kernel_size=3),  # 7x7
)


class EfficientNetLite0(nn.Module):
    """Stem, seven stages of `MBConv`, a 1x1 convolution, the mean of each map, dropout and one dense layer.

    `load_trained` gives it with the weights that it learned on ImageNet.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    dropout : float
        Share of the 1,280 means that are set to zero while it is trained.

    Raises
    ------
    ValueError
        If `dropout` is not from 0 to below 1.

    Examples
    --------
    >>> network = EfficientNetLite0(num_classes=1000)
    >>> f"{sum(parameter.numel() for parameter in network.parameters()):,}"
    '4,652,008'
    >>> network.features(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1280, 2, 2])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.2) -> None:
        super().__init__()
        channels = 32
        stem = [*conv_norm(in_channels, channels, 3, stride=2, lite=True), nn.ReLU6()]
        parts = [nn.Sequential(*stem)]  # (N, 32, H/2, W/2)
        for stage in LITE0_STAGES:
            blocks = []
            for number in range(stage.layers):
                stride = stage.stride if number == 0 else 1
                blocks.append(
                    MBConv(channels, stage.channels, stage.expansion, stage.kernel_size, stride, lite=True)
                )
                channels = stage.channels
            parts.append(nn.Sequential(*blocks))
        last = [*conv_norm(channels, 1280, 1, lite=True), nn.ReLU6()]
        self.features = nn.Sequential(*parts, nn.Sequential(*last))  # (N, 1280, H/32, W/32)
        self.pool = nn.AdaptiveAvgPool2d(1)  # (N, 1280, 1, 1)
        self.dropout = nn.Dropout(check_number("dropout", dropout, 0, 1))
        self.classifier = nn.Linear(1280, num_classes)
        he_convolutions(self, mode="fan_out")
        self.register_forward_pre_hook(ImageRule(in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.pool(self.features(x)).flatten(1)  # (N, 1280)
        return self.classifier(self.dropout(x))  # type: ignore[no-any-return]
