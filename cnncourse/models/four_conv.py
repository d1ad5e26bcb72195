"""Four layers with weights and one activation to choose: the experiment of the AlexNet paper's figure 1.

That figure (Krizhevsky, Sutskever and Hinton 2012, section 3.1) compares ReLU with tanh on "a particular
four-layer convolutional network" without giving its layers. Ours has three convolutions and one dense
layer, small enough that an epoch of CIFAR-10 is cheap on a CPU.
"""

from collections.abc import Callable

import torch
from torch import nn

from cnncourse._checks import check_choice
from cnncourse.models._inputs import ImageRule
from cnncourse.models._weights import he_normal, start_weights

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}
HALVING = ("relu", "leaky_relu", "gelu", "silu")  # about half of their inputs come out as nearly nothing


class FourConv(nn.Module):
    """Three convolutions with an activation and pooling each, and one dense layer: 52,730 parameters.

    The kernels start normal with the deviation that fits the activation (He for ReLU and its relatives,
    Glorot for the others), the dense layer with 0.01, biases at zero. There is no regularization of any kind.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    activation : str
        What stands after each convolution: a key of `ACTIVATIONS`. "identity" leaves it out.

    Raises
    ------
    ValueError
        If the activation is unknown, or an image is not 32x32.

    References
    ----------
    Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
    NeurIPS 2012, section 3.1.

    Examples
    --------
    >>> FourConv(activation="tanh")(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3, activation: str = "relu") -> None:
        super().__init__()
        make = ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)]
        self.features = nn.Sequential(  # (N, C, 32, 32)
            nn.Conv2d(in_channels, 32, kernel_size=3, padding=1),
            make(),
            nn.MaxPool2d(2),  # (N, 32, 16, 16)
            nn.Conv2d(32, 48, kernel_size=3, padding=1),
            make(),
            nn.MaxPool2d(2),  # (N, 48, 8, 8)
            nn.Conv2d(48, 64, kernel_size=3, padding=1),
            make(),
            nn.MaxPool2d(2),  # (N, 64, 4, 4)
        )
        last = nn.Linear(64 * 4 * 4, num_classes)
        self.classifier = nn.Sequential(nn.Flatten(), last)  # (N, 1024) between them
        start_weights(self, last, draw=he_normal if activation in HALVING else nn.init.xavier_normal_)
        layer = "the first dense layer needs maps of 4x4, and this is the size for it"
        self.register_forward_pre_hook(ImageRule(in_channels, 32, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, 32, 32) to logits (N, num_classes)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]
