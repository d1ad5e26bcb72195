"""VGG: counts, torchvision's numbers, the small form's equal cost, messages."""

import itertools
import math

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from cnncourse.models import MODELS, count_multiply_adds, count_parameters, create_model
from cnncourse.models.vgg import LAYOUTS, VGG, SmallVGG

# Parameters with 1,000 classes, plain and with batch normalization.
PARAMETERS = {
    11: (132_863_336, 132_868_840),
    13: (133_047_848, 133_053_736),
    16: (138_357_544, 138_365_992),
    19: (143_667_240, 143_678_248),
}


@pytest.mark.parametrize("depth", LAYOUTS)
def test_parameters_and_layers_of_the_paper(depth):
    for batch_norm in (False, True):
        with torch.device("meta"):
            model = create_model(f"vgg{depth}{'_bn' * batch_norm}", num_classes=1000)
        assert count_parameters(model) == PARAMETERS[depth][batch_norm]
        weighted = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        assert len(weighted) == depth


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("depth", LAYOUTS)
def test_agrees_with_torchvision(depth, batch_norm):
    name = f"vgg{depth}{'_bn' * batch_norm}"
    torch.manual_seed(0)
    # the dense layers are narrow here, or each network would take a gigabyte in float64
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)(weights=None)
    column = {11: "A", 13: "B", 16: "D", 19: "E"}[depth]
    theirs.features = make_layers(cfgs[column], batch_norm)
    theirs.avgpool = nn.AdaptiveAvgPool2d(1)
    for index, (inputs, outputs) in {0: (512, 256), 3: (256, 256), 6: (256, 10)}.items():
        theirs.classifier[index] = nn.Linear(inputs, outputs)
    theirs = theirs.double()
    ours = create_model(name, options={"grid": 1, "hidden": 256}).double()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    for model in (theirs, ours):
        model.train()
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        with torch.no_grad():
            model(images)
        model.eval()
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-6, atol=0)


def test_the_whole_vgg16_loads_torchvisions_weights():
    with torch.device("meta"):
        theirs = torchvision.models.vgg16(weights=None)
        ours = create_model("vgg16", num_classes=1000)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    shapes = [{name: tensor.shape for name, tensor in model.state_dict().items()} for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


def test_multiply_adds_of_vgg16_worked_on_paper():
    total, side, channels = 0, 224, 3
    for block in LAYOUTS[16]:
        for width in block:
            total += side * side * width * channels * 9
            channels = width
        side //= 2
    total += 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000
    with torch.device("meta"):
        model = VGG()
        assert count_multiply_adds(model, (3, 224, 224)) == total == 15_470_264_320


def test_cifar_form():
    for name, extra in (("vgg16_cifar", 0), ("vgg16_cifar_bn", 2 * 4224)):
        model = create_model(name, seed=0)
        assert count_parameters(model) == 15_245_130 + extra
        assert model.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_small_forms_cost_the_same():
    costs = {}
    for kernels, head in itertools.product(("3x3", "5x5"), ("dense", "average")):
        model = SmallVGG(kernels=kernels, head=head)
        costs[kernels, head] = (count_parameters(model), count_multiply_adds(model, (3, 32, 32)))
        assert costs[kernels, head][1] < 10.2e6
    for head in ("dense", "average"):
        for small, large in zip(costs["3x3", head], costs["5x5", head], strict=True):
            assert large == pytest.approx(small, rel=0.02)


def test_small_forms_see_as_far():
    for kernels in ("3x3", "5x5"):
        model = SmallVGG(kernels=kernels).double()
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.ones_(layer.weight)
        image = torch.full((1, 3, 96, 96), 1.0, dtype=torch.float64, requires_grad=True)
        # averages, not maxima: a gradient then reaches every pixel that a value depends on
        layers = [nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer for layer in model.features]
        nn.Sequential(*layers)(image)[0, :, 6, 6].sum().backward()
        seen = image.grad[0].abs().sum(dim=(0, 1)) > 0
        assert int(seen.sum()) == 36


def test_the_5x5_form_of_equal_widths_has_one_layer_a_block():
    layers = [layer for layer in SmallVGG(kernels="5x5-same-widths").features if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [16, 32, 64]
    assert {layer.kernel_size for layer in layers} == {(5, 5)}


@pytest.mark.parametrize("batch_norm", [False, True])
def test_without_relu_between_a_block_is_one_linear_map(batch_norm):
    options = {"batch_norm": batch_norm}
    whole = create_model("small_vgg", seed=0, options=options).double().eval()
    linear = create_model("small_vgg", seed=0, options=options | {"relu_between": False}).double().eval()
    same = zip(whole.parameters(), linear.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    kinds = [type(layer).__name__ for layer in linear.features]
    conv = ["Conv2d", "BatchNorm2d"] if batch_norm else ["Conv2d"]
    assert kinds == ([*conv, *conv, "ReLU", "MaxPool2d"]) * 3
    block = linear.features[: 2 * len(conv)]  # biases start at zero
    image = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(block(-image), -block(image))
    assert not torch.allclose(whole(image), linear(image))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("head", ["dense", "average"])
@pytest.mark.parametrize("kernels", ["3x3", "5x5", "5x5-same-widths"])
def test_small_forms_learn_one_batch(kernels, head, batch_norm):
    options = {"kernels": kernels, "head": head, "batch_norm": batch_norm}
    model = create_model("small_vgg", num_classes=4, in_channels=1, seed=0, options=options)
    labels = torch.arange(8) % 4
    noise = torch.randn(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    images = noise + labels[:, None, None, None] - 1.5
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(25):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        assert all(parameter.grad is not None for parameter in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(4), abs=0.3)
    assert min(losses) < 0.7 * losses[0]


def test_batch_normalization_follows_each_convolution():
    kinds = [type(layer).__name__ for layer in SmallVGG(batch_norm=True).features]
    assert kinds == (["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["MaxPool2d"]) * 3


def test_every_name_is_known():
    names = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")]
    assert {*names, "vgg16_cifar", "vgg16_cifar_bn", "small_vgg"} <= set(MODELS)


def test_messages():
    with pytest.raises(ValueError, match="depth must be one of 11, 13, 16, 19, got 12"):
        VGG(depth=12)
    with pytest.raises(ValueError, match=r"kernels is unknown: '7x7'"):
        SmallVGG(kernels="7x7")
    with pytest.raises(ValueError, match=r"head is unknown: 'mean'"):
        SmallVGG(head="mean")
    small = SmallVGG()
    with pytest.raises(ValueError, match=r"of 32x32, got \(1, 3, 28, 28\): the first dense .*; resize them"):
        small(torch.zeros(1, 3, 28, 28))
    with pytest.raises(ValueError, match=r"at least 8x8, got \(1, 3, 7, 9\): the last pooling"):
        SmallVGG(head="average")(torch.zeros(1, 3, 7, 9))
    cifar = create_model("vgg16_cifar")
    with pytest.raises(ValueError, match=r"at least 32x32, got \(1, 3, 32, 31\): each of the 5 poolings"):
        cifar(torch.zeros(1, 3, 32, 31))
