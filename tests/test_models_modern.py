"""ResNeXt, DenseNet, MobileNet, EfficientNet, ConvNeXt, ViT: counts, shapes, torchvision's blocks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.convnext import CNBlock
from torchvision.models.densenet import DenseNet as TorchvisionDenseNet
from torchvision.models.efficientnet import MBConv as TorchvisionMBConv
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.resnet import Bottleneck as TorchvisionBottleneck
from torchvision.models.vision_transformer import EncoderBlock as TorchvisionEncoderBlock

from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.models.convnext import ConvNeXt, ConvNeXtBlock
from cnncourse.models.densenet import DenseLayer, DenseNet
from cnncourse.models.efficientnet import EfficientNet, MBConv, SqueezeExcitation
from cnncourse.models.mobilenet import DepthwiseSeparable, MobileNet
from cnncourse.models.resnext import GroupedBottleneck
from cnncourse.models.vit import Attention, EncoderBlock, VisionTransformer

SMALL = {  # parameters, multiply-adds for 3x32x32
    "densenet_cifar": (354_330, 29_872_200),
    "efficientnet_cifar": (455_860, 10_215_584),
    "mobilenet_cifar": (136_778, 4_133_376),
    "convnext_cifar": (387_786, 9_712_896),
    "vit_cifar": (157_962, 11_207_296),
}


@pytest.mark.parametrize("name", SMALL)
def test_counts(name):
    model = create_model(name)
    assert (count_parameters(model), count_multiply_adds(model, (3, 32, 32))) == SMALL[name]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("num_classes", "in_channels"), [(10, 3), (7, 1)])
def test_images_become_logits_and_gradients_reach_everything(name, num_classes, in_channels):
    model = create_model(name, num_classes, in_channels, seed=0)
    logits = model(torch.randn(4, in_channels, 32, 32))
    assert logits.shape == (4, num_classes)
    logits.logsumexp(dim=1).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def copy_in_order(ours: nn.Module, theirs: nn.Module) -> None:
    """Give `ours` the values of `theirs`, one after the other; only names and axes of length 1 may differ."""
    mine, other = ours.state_dict(), list(theirs.state_dict().values())
    assert len(mine) == len(other)
    ours.load_state_dict({key: new.reshape(mine[key].shape) for key, new in zip(mine, other, strict=True)})


def agree(ours: nn.Module, theirs: nn.Module, x: torch.Tensor) -> None:
    ours, theirs, x = ours.double(), theirs.double(), x.double()
    theirs.train()(x)  # batch norm's statistics come from one pass
    copy_in_order(ours, theirs)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("channels", "stride", "expansion"), [(24, 1, 4), (16, 2, 4), (24, 1, 1)])
def test_mbconv_is_torchvisions(channels, stride, expansion):
    config = MBConvConfig(expansion, 3, stride, channels, 24, 1)
    theirs = TorchvisionMBConv(config, stochastic_depth_prob=0.0, norm_layer=nn.BatchNorm2d)
    ours = MBConv(channels, 24, expansion, kernel_size=3, stride=stride)
    agree(ours, theirs, torch.randn(2, channels, 9, 8, generator=torch.Generator().manual_seed(0)))


def test_convnext_block_is_torchvisions():
    theirs = CNBlock(16, layer_scale=0.3, stochastic_depth_prob=0.0).double()
    ours = ConvNeXtBlock(16).double()
    layers = theirs.block
    ours.load_state_dict(
        {
            "scale": theirs.layer_scale.data,
            "depthwise.weight": layers[0].weight,
            "depthwise.bias": layers[0].bias,
            "norm.weight": layers[2].weight,
            "norm.bias": layers[2].bias,
            "expand.weight": layers[3].weight[..., None, None],
            "expand.bias": layers[3].bias,
            "reduce.weight": layers[5].weight[..., None, None],
            "reduce.bias": layers[5].bias,
        }
    )
    x = torch.randn(2, 16, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-6, atol=1e-9)


def test_encoder_block_is_torchvisions():
    theirs = TorchvisionEncoderBlock(4, 32, 128, dropout=0.0, attention_dropout=0.0)
    agree(EncoderBlock(32, heads=4), theirs, torch.randn(2, 9, 32))


def test_grouped_bottleneck_is_torchvisions():
    theirs = TorchvisionBottleneck(
        64, 16, groups=8, base_width=16
    )  # 16 / 64 of 16 planes in each of 8 groups
    x = torch.randn(2, 64, 9, 8, generator=torch.Generator().manual_seed(0))
    agree(GroupedBottleneck(64, width=32, groups=8), theirs, x)


def test_a_grouped_bottleneck_is_a_sum_of_small_ones():
    block = GroupedBottleneck(16, width=8, groups=4).double().eval()
    x = torch.randn(2, 16, 5, 5, dtype=torch.float64)
    total = x
    for maps in torch.arange(8).split(2):
        y = F.conv2d(x, block.reduce.weight[maps]) / (1 + block.norm1.eps) ** 0.5
        y = F.conv2d(y.relu(), block.grouped.weight[maps], padding=1) / (1 + block.norm2.eps) ** 0.5
        total = total + F.conv2d(y.relu(), block.expand.weight[:, maps]) / (1 + block.norm3.eps) ** 0.5
    torch.testing.assert_close(block(x), total.relu())


def test_dense_layers_are_torchvisions():
    theirs = TorchvisionDenseNet(growth_rate=8, block_config=(3, 2), num_init_features=16, bn_size=4)
    block = nn.Sequential(*[DenseLayer(16 + 8 * index, growth_rate=8) for index in range(3)])
    agree(block, theirs.features.denseblock1, torch.randn(2, 16, 9, 8))


def test_dense_layer_keeps_what_came_in():
    x = torch.randn(2, 16, 5, 5)
    assert torch.equal(DenseLayer(16, growth_rate=4)(x)[:, :16], x)


def test_depthwise_separable_costs_what_the_paper_says():
    ordinary = nn.Conv2d(64, 128, kernel_size=3, padding=1, bias=False)
    separable = DepthwiseSeparable(64, 128)
    shape = (64, 16, 16)
    share = count_multiply_adds(separable, shape) / count_multiply_adds(ordinary, shape)
    assert share == pytest.approx(1 / 128 + 1 / 9)


def test_squeeze_and_excitation_scales_whole_maps():
    x = torch.rand(2, 8, 5, 5) + 0.5
    ratio = SqueezeExcitation(8, squeezed=2)(x) / x
    assert torch.allclose(ratio, ratio[..., :1, :1].expand_as(ratio))
    assert ratio.min() > 0 and ratio.max() < 1


def test_attention_does_not_know_places():
    """Tokens in another order give the same answers in that order: places must be told."""
    x, order = torch.randn(2, 9, 32), torch.randperm(9)
    attention = Attention(32, heads=4)
    torch.testing.assert_close(attention(x[:, order]), attention(x)[:, order])


def test_position_decides_whether_patches_may_change_places():
    image = torch.randn(1, 3, 8, 8)
    swapped = image.roll(4, dims=-1)  # two columns of patches change places
    without = VisionTransformer(image_size=8, position=False)
    torch.testing.assert_close(without(swapped), without(image))
    given = VisionTransformer(image_size=8)
    assert not torch.allclose(given(swapped), given(image), rtol=1e-3)


def test_width_and_depth_scale_the_work():
    factors = ({}, {"width": 2}, {"depth": 2})
    base, wide, deep = (count_multiply_adds(EfficientNet(**each), (3, 32, 32)) for each in factors)
    assert 3 < wide / base < 4
    assert 1.5 < deep / base < 2.1


def test_networks_that_end_in_a_mean_take_other_sizes():
    for name in ("densenet_cifar", "efficientnet_cifar", "mobilenet_cifar", "convnext_cifar"):
        assert create_model(name).eval()(torch.zeros(1, 3, 40, 24)).shape == (1, 10)


def test_messages():
    with pytest.raises(ValueError, match=r"at least 8x8, .* each of the 3 dense blocks has a halving"):
        create_model("densenet_cifar")(torch.zeros(1, 3, 4, 4))
    for blocks in ((), 5, (2, 1.5)):
        with pytest.raises(ValueError, match=r"blocks must be the layers of each dense block, .* got"):
            DenseNet(blocks=blocks)
    with pytest.raises(ValueError, match=r"compression must be above 0 and at most 1, got 1\.5"):
        DenseNet(compression=1.5)
    with pytest.raises(ValueError, match="width must be above 0, got 0"):
        EfficientNet(width=0)
    with pytest.raises(ValueError, match="channels has 2 stages, but blocks has 1"):
        ConvNeXt(blocks=(2,))
    with pytest.raises(ValueError, match="channels must be a multiple of heads, got 32 and 5"):
        Attention(32, heads=5)
    with pytest.raises(ValueError, match="heads must be at least 1, got 0"):
        Attention(32, heads=0)
    with pytest.raises(ValueError, match=r"kernel_size must be odd, .* got 4; use 3 or 5"):
        ConvNeXt(kernel_size=4)
    with pytest.raises(ValueError, match=r"at least 8x8, .* patches are 4x4, and each later stage halves"):
        ConvNeXt()(torch.zeros(1, 3, 7, 8))
    with pytest.raises(ValueError, match="image_size 30 is not a multiple of patch_size 4"):
        VisionTransformer(image_size=30)
    for high, wide in ((36, 36), (16, 64), (34, 34)):  # 81 patches; 64 in another order; 64 and a rest
        message = rf"of 32x32, got \(1, 3, {high}, {wide}\): it has places for the 64 patches .*; resize them"
        with pytest.raises(ValueError, match=message):
            VisionTransformer()(torch.zeros(1, 3, high, wide))


def test_convnext_normalizes_once_after_the_patches_whatever_comes_in():
    for in_channels in (3, 64):  # 64 is also the width of the first stage
        layers = ConvNeXt(in_channels=in_channels).features
        kinds = [type(layer).__name__ for layer in layers if not isinstance(layer, ConvNeXtBlock)]
        assert kinds == ["Conv2d", "LayerNorm2d", "LayerNorm2d", "Conv2d"]


def test_mobilenet_layout():
    model = MobileNet(layout=[(16, 2)])
    assert model.features(torch.zeros(1, 3, 32, 32)).shape == (1, 16, 8, 8)
