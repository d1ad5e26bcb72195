"""The four-layer network of the ReLU experiment."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.models.four_conv import ACTIVATIONS, FourConv


def test_parameters_and_multiply_adds_worked_on_paper():
    model = create_model("four_conv")
    weights = 32 * 3 * 9 + 48 * 32 * 9 + 64 * 48 * 9 + 10 * 1024
    assert count_parameters(model) == weights + 32 + 48 + 64 + 10 == 52_730
    places = 32**2 * 32 * 27 + 16**2 * 48 * 288 + 8**2 * 64 * 432 + 10 * 1024
    assert count_multiply_adds(model, (3, 32, 32)) == places < 8e6


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_stands_after_each_convolution(activation):
    model = FourConv(activation=activation)
    kinds = [type(layer) for layer in model.features]
    assert kinds == 3 * [nn.Conv2d, type(ACTIVATIONS[activation]()), nn.MaxPool2d]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_start(activation):
    model = create_model("four_conv", seed=0, options={"activation": activation})
    second = model.features[3]
    halving = activation in ("relu", "leaky_relu", "gelu", "silu")
    expected = math.sqrt(2 / (32 * 9)) if halving else math.sqrt(2 / ((32 + 48) * 9))
    assert second.weight.std().item() == pytest.approx(expected, rel=0.03)
    assert not any(layer.bias.any() for layer in (*model.features[::3], model.classifier[1]))
    images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    loss = F.cross_entropy(model(images), torch.arange(64) % 10).item()
    assert loss == pytest.approx(math.log(10), abs=0.2)


def test_messages():
    with pytest.raises(ValueError, match=r"activation is unknown: 'rellu'. Did you mean 'relu'\?"):
        create_model("four_conv", options={"activation": "rellu"})
    with pytest.raises(ValueError, match=r"of 32x32, got \(1, 3, 28, 28\): the first dense layer"):
        FourConv()(torch.zeros(1, 3, 28, 28))
