"""Residual networks: torchvision's weights and logits, the paper's counts, shortcuts, identity at start."""

import pytest
import torch
import torchvision
from torch import nn

from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.models.resnet import (
    BasicBlock,
    Bottleneck,
    CifarResNet,
    PreActivationBlock,
    ResNet,
    ZeroPadShortcut,
)

PARAMETERS = {  # torchvision's documentation, for 1,000 classes
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}
DEPTHS = (20, 32, 44, 56, 110)


@pytest.mark.parametrize("name", PARAMETERS)
def test_torchvisions_weights_give_torchvisions_logits(name):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(weights=None).double()
    ours = create_model(name, num_classes=1000, seed=1).double()
    assert count_parameters(ours) == PARAMETERS[name]
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        for model in (ours, theirs):
            model.train()(images)
            model.eval()
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-6, atol=1e-12)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_multiply_adds_of_resnet50_are_torchvisions():
    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V1
    with torch.device("meta"):
        model = create_model("resnet50", num_classes=1000)
    assert count_multiply_adds(model, (3, 224, 224)) / 1e9 == pytest.approx(weights.meta["_ops"], abs=5e-4)


@pytest.mark.parametrize("depth", DEPTHS)
def test_cifar_networks_have_as_many_layers_as_their_name_says(depth):
    residual, plain = create_model(f"resnet{depth}"), create_model(f"plain{depth}")
    for model in (residual, plain, create_model(f"preact_resnet{depth}")):
        layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        assert len(layers) == depth
    assert count_parameters(residual) == count_parameters(plain)


def test_parameters_of_cifar_networks():
    counts = [count_parameters(create_model(f"resnet{depth}")) for depth in DEPTHS]
    # the paper's table 6: 0.27, 0.46, 0.66, 0.85, 1.7 million
    assert counts == [269_722, 464_154, 658_586, 853_018, 1_727_962]
    projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert count_parameters(create_model("resnet20", options={"shortcut": "B"})) == 269_722 + projections


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preact_resnet20", "resnet18", "resnet50"])
def test_images_become_logits_and_gradients_reach_all(name):
    model = create_model(name, num_classes=7, in_channels=1, seed=0)
    logits = model(torch.randn(2, 1, 32, 32))
    logits.logsumexp(dim=1).sum().backward()
    assert logits.shape == (2, 7)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_sizes_of_the_stages():
    model = create_model("resnet20").eval()
    x = model.conv1(torch.zeros(1, 3, 32, 32))
    shapes = []
    for layer in (model.layer1, model.layer2, model.layer3):
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


def test_shortcut_a_keeps_every_second_pixel_and_adds_zeros():
    x = torch.randn(2, 3, 5, 6)
    y = ZeroPadShortcut(extra_channels=2, stride=2)(x)
    assert y.shape == (2, 5, 3, 3)
    assert torch.equal(y[:, :3], x[:, :, [0, 2, 4]][..., [0, 2, 4]])
    assert not y[:, 3:].any()


def test_same_shape_needs_no_projection():
    assert BasicBlock(16, 16).downsample is None
    assert Bottleneck(256, 64).downsample is None
    assert Bottleneck(64, 64).downsample is not None


@pytest.mark.parametrize("block", [BasicBlock(16, 16), Bottleneck(64, 16)])
def test_block_is_its_branch_plus_its_input(block):
    x = torch.randn(2, 64 if isinstance(block, Bottleneck) else 16, 8, 8)
    with torch.no_grad():
        whole = block(x)
        block.shortcut = "none"
        alone = block(x)  # relu(F(x))
    assert not torch.allclose(whole, alone)
    shown = alone > 0  # there F(x) is known
    torch.testing.assert_close(whole[shown], torch.relu(alone + x)[shown])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", [BasicBlock, Bottleneck])
def test_half_a_shortcut_adds_the_input_or_passes_its_gradient(kind, stride):
    torch.manual_seed(0)
    blocks = {
        name: kind(16, 16 * stride // kind.expansion, stride, name)
        for name in ("none", "A", "forward", "backward")
    }
    x = torch.rand(3, 16, 6, 6, requires_grad=True)
    sums, grads = {}, {}
    for name, block in blocks.items():
        block.load_state_dict(blocks["A"].state_dict())
        last = block.relu2 if kind is BasicBlock else block.relu3
        last.register_forward_pre_hook(lambda _, given, name=name: sums.update({name: given[0]}))
        block(x)  # what comes before the last ReLU is kept in sums
        direction = torch.linspace(-1, 1, sums[name].numel()).reshape(sums[name].shape)
        (grads[name],) = torch.autograd.grad(sums[name], x, direction)
    assert torch.equal(sums["forward"], sums["A"])
    assert torch.equal(sums["backward"], sums["none"])
    assert torch.equal(grads["forward"], grads["none"])
    torch.testing.assert_close(grads["backward"], grads["A"])
    assert not torch.allclose(sums["A"], sums["none"])
    assert not torch.allclose(grads["A"], grads["none"])


@pytest.mark.parametrize("name", ["resnet20", "preact_resnet20", "resnet18", "resnet50"])
def test_zero_last_makes_every_same_shape_block_the_identity(name):
    model = create_model(name, seed=0, options={"zero_last": True})
    blocks = [module for module in model.modules() if hasattr(module, "zero_last")]
    identities = [block for block in blocks if block.downsample is None]
    assert len(identities) >= 4
    for block in identities:
        x = torch.rand(2, block.conv1.in_channels, 8, 8)
        assert torch.equal(block(x), x)  # x >= 0, as after a ReLU


@pytest.mark.parametrize("preactivation", [False, True])
def test_what_starts_at_zero_is_trained(preactivation):
    torch.manual_seed(0)
    model = CifarResNet(depth=8, zero_last=True, preactivation=preactivation)
    torch.nn.functional.cross_entropy(model(torch.randn(8, 3, 16, 16)), torch.arange(8)).backward()
    for block in (model.layer1[0], model.layer3[0]):
        last = block.conv2 if preactivation else block.bn2
        assert not last.weight.any()
        assert last.weight.grad.any()


def test_preactivation_adds_without_a_relu():
    torch.manual_seed(0)
    block = PreActivationBlock(16, 16).eval()
    x = torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        branch = block.conv2(torch.relu(block.bn2(block.conv1(torch.relu(block.bn1(x))))))
        torch.testing.assert_close(block(x), x + branch)


def test_weights_keep_the_scale_of_gradients():
    conv = create_model("resnet56", seed=0).layer3[0].conv1  # from 32 to 64 channels: fan-out, not fan-in
    assert conv.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_messages():
    with pytest.raises(ValueError, match=r"depth must be 6 n \+ 2, such as 20, 32 or 56, got 21"):
        CifarResNet(depth=21)
    with pytest.raises(TypeError, match="depth must be a whole number, got '20'"):
        CifarResNet(depth="20")
    with pytest.raises(
        ValueError, match=r"layers must be the blocks of each of the four stages, .* \(2, 2\)"
    ):
        ResNet(layers=(2, 2))
    with pytest.raises(ValueError, match=r"shortcut is unknown: 'C'\. Known: A, B, none, forward, back"):
        create_model("resnet20", options={"shortcut": "C"})
    with pytest.raises(ValueError, match="zero_last needs a shortcut"):
        create_model("plain20", options={"zero_last": True})
    with pytest.raises(ValueError, match="zero_last needs a shortcut"):
        create_model("resnet20", options={"shortcut": "backward", "zero_last": True})
    with pytest.raises(ValueError, match="preactivation needs a shortcut, got shortcut='none'"):
        create_model("plain20", options={"preactivation": True})
    with pytest.raises(ValueError, match=r"option of resnet20 is unknown: 'zero_lst'. Did you mean"):
        create_model("resnet20", options={"zero_lst": True})
    with pytest.raises(ValueError, match=r"extra_channels must be >= 0, got -16; use shortcut B"):
        BasicBlock(32, 16, shortcut="A")
    with pytest.raises(ValueError, match=r"shortcut is unknown: 'none'\. Known: A, B\."):
        PreActivationBlock(16, 16, shortcut="none")


def test_width_scales_the_channels():
    model = CifarResNet(depth=8, width=4)
    assert [model.layer1[0].conv2.out_channels, model.fc.in_features] == [4, 16]
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        CifarResNet(width=0)
