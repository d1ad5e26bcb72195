"""Networks by name: one file an architecture, one door to all of them.

Examples
--------
>>> from cnncourse import models
>>> model = models.create_model("three_conv", num_classes=10, seed=0)
>>> f"{models.count_parameters(model):,}"
'1,395,178'
"""

import torch
from torch import nn

from cnncourse._checks import check_counts
from cnncourse._modules import blank, check_module, evaluating
from cnncourse.models._memory import Kept, kept_for_backward
from cnncourse.models._summary import Summary, summary
from cnncourse.models.alexnet import AlexNet, AlexNet2012, AlexNetCIFAR
from cnncourse.models.convnext import ConvNeXt
from cnncourse.models.create import MODELS, create_model
from cnncourse.models.densenet import DenseNet
from cnncourse.models.efficientnet import EfficientNet
from cnncourse.models.four_conv import FourConv
from cnncourse.models.googlenet import GoogLeNet, Inception, SmallGoogLeNet, Widths
from cnncourse.models.lenet import LeNet5, LeNet1998
from cnncourse.models.mobilenet import MobileNet
from cnncourse.models.resnet import CifarResNet, ResNet
from cnncourse.models.trained import Trained, load_trained, trained_names
from cnncourse.models.tutorials import ConvBNGAP, DoubleConvGAP, FiveConv, SmallConv, ThreeConv
from cnncourse.models.unet import UNet
from cnncourse.models.vgg import VGG, SmallVGG
from cnncourse.models.vit import VisionTransformer

__all__ = [
    "MODELS",
    "VGG",
    "AlexNet",
    "AlexNet2012",
    "AlexNetCIFAR",
    "CifarResNet",
    "ConvBNGAP",
    "ConvNeXt",
    "DenseNet",
    "DoubleConvGAP",
    "EfficientNet",
    "FiveConv",
    "FourConv",
    "GoogLeNet",
    "Inception",
    "Kept",
    "LeNet5",
    "LeNet1998",
    "MobileNet",
    "ResNet",
    "SmallConv",
    "SmallGoogLeNet",
    "SmallVGG",
    "Summary",
    "ThreeConv",
    "Trained",
    "UNet",
    "VisionTransformer",
    "Widths",
    "count_multiply_adds",
    "count_parameters",
    "create_model",
    "kept_for_backward",
    "load_trained",
    "summary",
    "trained_names",
]


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers training can change.

    Examples
    --------
    >>> count_parameters(nn.Conv2d(3, 64, kernel_size=3))
    1792
    """
    return sum(p.numel() for p in check_module(model).parameters() if p.requires_grad)


def count_multiply_adds(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Return the multiply-adds of convolutions and matrix products for one image (C, H, W).

    Counted by torch while the model classifies one image.

    Examples
    --------
    >>> count_multiply_adds(nn.Conv2d(3, 64, kernel_size=3, padding=1), (3, 32, 32))
    1769472
    """
    from torch.utils.flop_counter import FlopCounterMode

    shape = check_counts("image_shape", image_shape, "(C, H, W)", length=3)
    with evaluating(check_module(model)), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(blank(model, (1, *shape)))
    return int(counter.get_total_flops() // 2)
