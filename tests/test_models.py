"""The networks: parameters as their tutorials state them, shapes, seeds, messages."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse.models import MODELS, count_multiply_adds, count_parameters, create_model

PARAMETERS = {
    "three_conv": 1_395_178,
    "five_conv": 2_997_642,
    "double_conv_gap": 1_149_770,
    "small_conv": 320_938,
    "conv_bn_gap": 94_986,
}

SIZES = dict.fromkeys(
    (
        "alexnet",
        "alexnet2012",
        "googlenet",
        "googlenet2014",
        *(f"vgg{depth}{end}" for depth in (11, 13, 16, 19) for end in ("", "_bn")),
    ),
    (224, 224),
)


def test_the_tutorials_networks_have_their_stated_parameters():
    assert {name: count_parameters(create_model(name)) for name in PARAMETERS} == PARAMETERS


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("num_classes", "in_channels"), [(10, 3), (7, 1)])
def test_images_become_logits(name, num_classes, in_channels):
    with torch.device("meta"):  # shapes without numbers
        model = create_model(name, num_classes, in_channels).eval()
        logits = model(torch.zeros(2, in_channels, *SIZES.get(name, (32, 32))))
    assert logits.shape == (2, num_classes)


@pytest.mark.parametrize("name", PARAMETERS)
def test_gradients_reach_every_parameter(name):
    model = create_model(name, seed=0)
    model(torch.randn(4, 3, 32, 32)).logsumexp(dim=1).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_options_reach_the_network_and_unknown_ones_are_named():
    assert create_model("alexnet_cifar", options={"dropout": 0.0}).classifier is not None
    with pytest.raises(
        ValueError, match=r"option of alexnet_cifar is unknown: 'drop'. Did you mean 'dropout'"
    ):
        create_model("alexnet_cifar", options={"drop": 0.0})
    with pytest.raises(ValueError, match=r"option of three_conv is unknown: 'depth'\. It has none"):
        create_model("three_conv", options={"depth": 3})


def test_what_makes_a_named_form_is_no_option():
    with pytest.raises(ValueError, match="option of resnet20 is unknown"):
        create_model("resnet20", options={"depth": 56})


def test_networks_that_end_in_a_mean_take_other_sizes():
    for name in ("double_conv_gap", "conv_bn_gap"):
        assert create_model(name).eval()(torch.zeros(1, 3, 40, 24)).shape == (1, 10)


def test_seed_decides_the_weights_and_leaves_the_global_generator():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (create_model("conv_bn_gap", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.classifier[1].weight, same.classifier[1].weight)
    assert not torch.equal(one.classifier[1].weight, other.classifier[1].weight)


def test_without_seed_the_global_generator_decides():
    torch.manual_seed(3)
    one = create_model("conv_bn_gap")
    torch.manual_seed(3)
    assert torch.equal(one.classifier[1].weight, create_model("conv_bn_gap").classifier[1].weight)


def test_multiply_adds_of_three_conv_worked_on_paper():
    convolutions = 32 * 32 * 48 * 3 * 25 + 16 * 16 * 96 * 48 * 9 + 8 * 8 * 192 * 96 * 9
    dense = 3072 * 384 + 384 * 10
    model = create_model("three_conv")
    assert count_multiply_adds(model, (3, 32, 32)) == convolutions + dense
    assert model.training


def test_frozen_parameters_do_not_count():
    layer = nn.Linear(4, 2)
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 8


def test_messages():
    with pytest.raises(ValueError, match=r"model is unknown: 'three_cnv'. Did you mean 'three_conv'\?"):
        create_model("three_cnv")
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        create_model("three_conv", num_classes=0)
    with pytest.raises(TypeError, match=r"in_channels must be a whole number, got 1\.5"):
        create_model("three_conv", in_channels=1.5)
    with pytest.raises(TypeError, match="seed must be a whole number, got 'a'"):
        create_model("three_conv", seed="a")
    with pytest.raises(TypeError, match=r"options must be a dict such as .* got \['dropout'\]"):
        create_model("three_conv", options=["dropout"])


SMALL = [name for name in MODELS if name not in SIZES]


@pytest.mark.parametrize("name", SMALL)
def test_what_no_network_takes_is_refused_in_words(name):
    with torch.device("meta"):
        model = create_model(name).eval()
        with pytest.raises(ValueError, match=r"\(1, 1, 32, 32\); make the network with in_channels=1"):
            model(torch.zeros(1, 1, 32, 32))
        with pytest.raises(ValueError, match=r"channels second: images\.permute\(0, 3, 1, 2\)"):
            model(torch.zeros(1, 32, 32, 3))
        with pytest.raises(ValueError, match=r"got \(3, 32, 32\); one image needs an axis in front"):
            model(torch.zeros(3, 32, 32))
        with pytest.raises(TypeError, match=r"floating-point numbers, got torch.uint8; scale: images / 255"):
            model(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
        with pytest.raises(TypeError, match=r"takes a torch tensor, got a NumPy array"):
            model(np.zeros((1, 3, 32, 32)))


LAYERS = {  # the smallest images, and what the next smaller ones would fail in
    "three_conv": (32, "dense layer needs maps of 4x4"),
    "five_conv": (32, "dense layer needs maps of 2x2"),
    "double_conv_gap": (8, "third pooling"),
    "small_conv": (32, "dense layer needs maps of 4x4"),
    "conv_bn_gap": (4, "second pooling"),
    "four_conv": (32, "dense layer needs maps of 4x4"),
    "vgg16_cifar": (32, "5 poolings"),
    "small_vgg": (32, "dense layer needs maps of 4x4"),
    "small_googlenet": (4, "second pooling"),
    "densenet_cifar": (8, "3 dense blocks"),
    "convnext_cifar": (8, "patches are 4x4"),
    "speednet": (9, "three poolings by two"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_images_that_are_too_small_are_refused_with_size_and_layer(name):
    least, layer = LAYERS[name]
    with torch.device("meta"):
        model = create_model(name).eval()
        assert model(torch.zeros(1, 3, least, least)).shape == (1, 10)
        with pytest.raises(
            ValueError, match=rf"{least}x{least}, got \(1, 3, {least - 1}, {least}\): .*{layer}"
        ):
            model(torch.zeros(1, 3, least - 1, least))
        model._forward_pre_hooks.clear()  # the rule is not ours: without it, a layer fails
        with pytest.raises(RuntimeError):
            model(torch.zeros(1, 3, least // 2, least // 2))


def test_a_network_that_was_copied_still_says_what_it_takes():
    model = pickle.loads(pickle.dumps(copy.deepcopy(create_model("three_conv"))))
    with pytest.raises(ValueError, match="ThreeConv takes images"):
        model(torch.zeros(1, 3, 28, 28))


def test_images_by_name_pass():
    model = create_model("conv_bn_gap").eval()
    assert model(x=torch.zeros(1, 3, 32, 32)).shape == (1, 10)
