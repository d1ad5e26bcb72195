"""Networks by name: one file an architecture, one door to all of them.

Examples
--------
>>> from cnncourse import models
>>> model = models.create_model("three_conv", num_classes=10, seed=0)
>>> f"{models.count_parameters(model):,}"
'1,395,178'
"""

from cnncourse.models._memory import Kept, kept_for_backward
from cnncourse.models._summary import Summary, count_multiply_adds, count_parameters, summary
from cnncourse.models.alexnet import AlexNet, AlexNet2012, AlexNetCIFAR
from cnncourse.models.convnext import ConvNeXt
from cnncourse.models.create import MODELS, create_model
from cnncourse.models.densenet import DenseNet
from cnncourse.models.efficientnet import EfficientNet
from cnncourse.models.efficientnet_lite import EfficientNetLite0
from cnncourse.models.four_conv import FourConv
from cnncourse.models.googlenet import GoogLeNet, Inception, SmallGoogLeNet, Widths
from cnncourse.models.lenet import LeNet5, LeNet1998
from cnncourse.models.load import load_trained, trained_names
from cnncourse.models.mobilenet import MobileNet
from cnncourse.models.resnet import CifarResNet, ResNet
from cnncourse.models.speednet import SpeedNet
from cnncourse.models.trained import Trained
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
    "EfficientNetLite0",
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
    "SpeedNet",
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
