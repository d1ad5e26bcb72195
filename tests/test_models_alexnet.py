"""AlexNet: counts, torchvision's logits, the paper's groups, normalization and start, messages."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.models.alexnet import AlexNet, AlexNet2012, AlexNetCIFAR, ResponseNorm


def on_meta(make, **arguments) -> nn.Module:
    with torch.device("meta"):
        return make(**arguments)


def test_parameters():
    assert count_parameters(on_meta(AlexNet)) == 61_100_840
    assert count_parameters(on_meta(AlexNet2012)) == 60_965_224


def test_torchvisions_weights_give_torchvisions_logits():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(weights=None)
    ours = on_meta(AlexNet)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    theirs, ours = theirs.double().eval(), ours.double().eval()
    x = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-6, atol=0)
        other_size = torch.randn(1, 3, 288, 256, dtype=torch.float64)  # maps of 8x7, averaged to 6x6
        torch.testing.assert_close(ours(other_size), theirs(other_size), rtol=1e-6, atol=0)


def test_names_agree_with_torchvision_for_other_classes():
    theirs = on_meta(torchvision.models.alexnet, num_classes=10).state_dict()
    ours = on_meta(AlexNet, num_classes=10).state_dict()
    shapes = [{key: value.shape for key, value in state.items()} for state in (ours, theirs)]
    assert shapes[0] == shapes[1]


def test_layers_of_2012_on_paper():
    model = on_meta(AlexNet2012)
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    # weights and biases; with two groups a filter sees half of the channels
    assert [count_parameters(layer) for layer in layers] == [
        96 * 3 * 121 + 96, 256 * 48 * 25 + 256, 384 * 256 * 9 + 384, 384 * 192 * 9 + 384, 256 * 192 * 9 + 256,
        9216 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000,
    ]  # fmt: skip


def test_units_of_2012_are_those_that_the_paper_counts():
    """The paper's figure 2: 253,440, 186,624, 64,896, 64,896, 43,264, 4096, 4096 and 1000 numbers.

    The first is the paper's slip: 96 maps of 55x55 have 290,400.
    """
    sizes: list[int] = []
    model = on_meta(AlexNet2012).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda module, inputs, output: sizes.append(output[0].numel()))
    model(torch.zeros(1, 3, 224, 224, device="meta"))
    assert sizes == [290_400, 186_624, 64_896, 64_896, 43_264, 4_096, 4_096, 1_000]


def test_groups_meet_in_the_third_convolution_only():
    torch.manual_seed(0)
    convolutions = [layer for layer in on_meta(AlexNet2012).features if isinstance(layer, nn.Conv2d)]
    assert [layer.groups for layer in convolutions] == [1, 2, 1, 2, 2]


def test_start_of_2012():
    torch.manual_seed(0)
    model = AlexNet2012(num_classes=10)
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert [float(layer.bias.detach().unique()) for layer in layers] == [0, 1, 0, 1, 1, 1, 1, 0]
    for layer in layers[:-1]:
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.02)


def test_response_norm_is_the_formula_of_the_paper():
    a = np.random.default_rng(0).normal(scale=40, size=(2, 9, 3, 4))
    expected = np.empty_like(a)
    for i in range(9):
        near = a[:, max(0, i - 2) : i + 3]  # channels i-2 to i+2, cut at the ends
        expected[:, i] = a[:, i] / (2 + 1e-4 * (near**2).sum(axis=1)) ** 0.75
    assert np.allclose(ResponseNorm()(torch.tensor(a)).numpy(), expected)


def test_cifar_form_is_small_and_keeps_its_weights_in_the_dense_layers():
    model = create_model("alexnet_cifar")
    assert count_multiply_adds(model, (3, 32, 32)) <= 25e6
    assert count_parameters(model.classifier) > 0.9 * count_parameters(model)
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_options_change_no_parameter():
    plain = create_model("alexnet_cifar", seed=0).state_dict()
    for options in ({"dropout": 0.0}, {"overlapping": False}, {"response_norm": True}):
        state = create_model("alexnet_cifar", seed=0, options=options).state_dict()
        assert list(state) == list(plain)
        assert all(torch.equal(state[name], plain[name]) for name in plain)


def test_overlapping_windows_give_maps_of_the_same_size():
    x = torch.zeros(1, 3, 32, 32)
    sizes = []
    for overlapping in (True, False):
        features = AlexNetCIFAR(overlapping=overlapping).features
        sizes.append([tuple(features[:end](x).shape) for end in range(1, len(features) + 1)])
    assert sizes[0] == sizes[1]


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    model, x = AlexNetCIFAR(), torch.randn(2, 3, 32, 32)
    assert not torch.equal(model(x), model(x))
    without = AlexNetCIFAR(dropout=0.0)
    assert torch.equal(without(x), without(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_messages():
    model = on_meta(AlexNet).eval()
    assert model(torch.zeros(1, 3, 63, 63, device="meta")).shape == (1, 1000)
    with pytest.raises(
        ValueError, match=r"at least 63x63, got \(1, 3, 62, 62\): the third pooling .*alexnet_cifar"
    ):
        model(torch.zeros(1, 3, 62, 62, device="meta"))
    with pytest.raises(ValueError, match=r"of 224x224, .*needs maps of 6x6"):
        on_meta(AlexNet2012)(torch.zeros(1, 3, 64, 64, device="meta"))
    with pytest.raises(ValueError, match=r"32\); make the network with in_channels=1"):
        AlexNetCIFAR()(torch.zeros(1, 1, 32, 32))


def test_response_norm_takes_feature_maps_only():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), got \(7,\); .*x\[None, :, None, None\]"):
        ResponseNorm()(torch.zeros(7))
    with pytest.raises(ValueError, match=r"got \(3, 8, 8\)$"):
        ResponseNorm()(torch.zeros(3, 8, 8))
