"""Networks by name: `create_model` and the table that it looks in."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from cnncourse._checks import check_choice, check_count, suggest
from cnncourse.models.alexnet import AlexNet, AlexNet2012, AlexNetCIFAR
from cnncourse.models.convnext import ConvNeXt
from cnncourse.models.densenet import DenseNet
from cnncourse.models.efficientnet import EfficientNet
from cnncourse.models.efficientnet_lite import EfficientNetLite0
from cnncourse.models.four_conv import FourConv
from cnncourse.models.googlenet import GOOGLENETS
from cnncourse.models.lenet import LeNet5, LeNet1998
from cnncourse.models.mobilenet import MobileNet
from cnncourse.models.resnet import RESNETS
from cnncourse.models.speednet import SpeedNet
from cnncourse.models.tutorials import ConvBNGAP, DoubleConvGAP, FiveConv, SmallConv, ThreeConv
from cnncourse.models.vgg import VGGS
from cnncourse.models.vit import VisionTransformer

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
    "efficientnet_lite0": EfficientNetLite0,
    "mobilenet_cifar": MobileNet,
    "convnext_cifar": ConvNeXt,
    "vit_cifar": VisionTransformer,
    "speednet": SpeedNet,
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
