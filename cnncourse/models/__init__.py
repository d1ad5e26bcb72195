"""Networks by name: one file an architecture, one door to all of them.

Examples
--------
>>> from cnncourse import models
>>> model = models.create_model("three_conv", num_classes=10, seed=0)
>>> f"{models.count_parameters(model):,}"
'1,395,178'
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from cnncourse._checks import check_choice, check_count, check_counts, suggest
from cnncourse._modules import blank, check_module, evaluating
from cnncourse.models._memory import Kept, kept_for_backward
from cnncourse.models._summary import Summary, summary
from cnncourse.models.alexnet import AlexNet, AlexNet2012, AlexNetCIFAR
from cnncourse.models.convnext import ConvNeXt
from cnncourse.models.densenet import DenseNet
from cnncourse.models.efficientnet import EfficientNet
from cnncourse.models.four_conv import FourConv
from cnncourse.models.googlenet import GOOGLENETS, GoogLeNet, Inception, SmallGoogLeNet, Widths
from cnncourse.models.lenet import LeNet5, LeNet1998
from cnncourse.models.mobilenet import MobileNet
from cnncourse.models.resnet import RESNETS, CifarResNet, ResNet
from cnncourse.models.tutorials import ConvBNGAP, DoubleConvGAP, FiveConv, SmallConv, ThreeConv
from cnncourse.models.unet import UNet
from cnncourse.models.vgg import VGG, VGGS, SmallVGG
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
    "UNet",
    "VisionTransformer",
    "Widths",
    "count_multiply_adds",
    "count_parameters",
    "create_model",
    "kept_for_backward",
    "summary",
]

MODELS: dict[str, Callable[..., nn.Module]] = {
    "three_conv": ThreeConv,
    "five_conv": FiveConv,
    "double_conv_gap": DoubleConvGAP,
    "small_conv": SmallConv,
    "conv_bn_gap": ConvBNGAP,
    "four_conv": FourConv,
    "lenet5": LeNet5,
    "lenet1998": LeNet1998,
    "alexnet": AlexNet,
    "alexnet2012": AlexNet2012,
    "alexnet_cifar": AlexNetCIFAR,
    **RESNETS,
    **VGGS,
    **GOOGLENETS,
    "densenet_cifar": DenseNet,
    "efficientnet_cifar": EfficientNet,
    "mobilenet_cifar": MobileNet,
    "convnext_cifar": ConvNeXt,
    "vit_cifar": VisionTransformer,
}


def create_model(
    name: str,
    num_classes: int = 10,
    in_channels: int = 3,
    seed: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Return the network `name` with new, random weights.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    num_classes : int
        How many classes it tells apart.
    in_channels : int
        Channels of its images: 3 for color, 1 for gray.
    seed : int, optional
        Decides the weights and leaves torch's global generator as it was; without it, the weights
        are drawn from that generator.
    options : dict, optional
        Further arguments of the network, by name, such as ``{"dropout": 0.0}``.

    Returns
    -------
    nn.Module
        Maps images (N, in_channels, H, W) to logits (N, num_classes).

    Raises
    ------
    ValueError
        If the name or an option is unknown (the message suggests the nearest one), or a number is below 1.
    TypeError
        If a number is no whole number, or `options` is no dict.

    Examples
    --------
    >>> create_model("tree_conv")
    Traceback (most recent call last):
    ...
    ValueError: model is unknown: 'tree_conv'. Did you mean 'three_conv'? Known: three_conv, five_conv, ...
    """
    make = MODELS[check_choice("model", name, MODELS)]
    arguments: dict[str, Any] = {
        "num_classes": check_count("num_classes", num_classes),
        "in_channels": check_count("in_channels", in_channels),
        **_check_options(name, make, options or {}),
    }
    if seed is None:
        return make(**arguments)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_count("seed", seed, minimum=0))
        return make(**arguments)


def _check_options(
    name: str, make: Callable[..., nn.Module], options: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return `options` if `make` takes each of them."""
    if not isinstance(options, Mapping):
        raise TypeError(f"options must be a dict such as {{'dropout': 0.0}}, got {options!r}")
    fixed = {"num_classes", "in_channels", *getattr(make, "keywords", {})}  # what a partial has decided
    known = [key for key in inspect.signature(make).parameters if key not in fixed]
    for key in options:
        if key not in known:
            hint = suggest(key, known) if known else "It has none."
            raise ValueError(f"option of {name} is unknown: {key!r}. {hint}")
    return options


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
