"""LeNet-5: counts of the paper's text, C3's table, sub-sampling, outputs, messages."""

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse.models import count_parameters, create_model
from cnncourse.models._digits import digit_bitmaps
from cnncourse.models.lenet import C3_TABLE, RBF, LeNet5, LeNet1998, PartialConv2d, ScaledTanh, SubSampling


def connections(model: nn.Module) -> dict[str, int]:
    """Count each layer's connections, biases included, as the paper does."""
    maps = {"c1": 28**2, "s2": 14**2, "c3": 10**2, "s4": 5**2, "c5": 1, "f6": 1}
    counted = {}
    for name, places in maps.items():
        layer = getattr(model, name)
        # a unit of S2 or S4 adds four inputs and a bias: five connections
        weights = 5 * len(layer.bias) if isinstance(layer, SubSampling) else count_parameters(layer)
        counted[name] = places * weights
    return counted


def test_usual_form_has_61706_parameters_and_150_more_a_channel():
    assert count_parameters(create_model("lenet5", in_channels=1)) == 61_706
    assert count_parameters(create_model("lenet5", in_channels=3)) == 61_706 + 2 * 150


def test_1998_form_has_the_parameters_of_the_paper():
    model = create_model("lenet1998", in_channels=1)
    layers = {name: count_parameters(getattr(model, name)) for name in ("c1", "s2", "c3", "s4", "c5", "f6")}
    assert layers == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert count_parameters(model) == 60_000


def test_1998_form_has_the_connections_of_the_paper():
    layers = connections(LeNet1998())
    assert layers == {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164}
    assert sum(layers.values()) + 840 == 340_908  # the paper counts the RBFs' 84 x 10 too


def test_table_of_c3():
    assert [len(row) for row in C3_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert len(set(C3_TABLE)) == 16
    # each map of S2 is looked at by ten maps of C3: no map is privileged
    assert [sum(channel in row for row in C3_TABLE) for channel in range(6)] == [10] * 6


def test_partial_convolution_sees_its_channels_and_no_others():
    torch.manual_seed(0)
    layer = PartialConv2d(C3_TABLE, kernel_size=5)
    x = torch.randn(1, 6, 14, 14)
    base = layer(x)
    for channel in range(6):
        changed = x.clone()
        changed[:, channel] += 1
        moved = (layer(changed) - base).abs().amax(dim=(0, 2, 3)) > 0
        assert moved.tolist() == [channel in row for row in C3_TABLE]


def test_partial_convolution_is_a_convolution_with_zeros():
    layer = PartialConv2d([(0, 1), (2,)], kernel_size=3).double()
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    expected = torch.zeros(2, 2, 4, 5, dtype=torch.float64)
    for channel, kernel in zip((0, 1), layer.weight[:2], strict=True):
        expected[:, 0] += torch.conv2d(x[:, [channel]], kernel[None, None])[:, 0]
    expected[:, 1] += torch.conv2d(x[:, [2]], layer.weight[2][None, None])[:, 0]
    assert torch.allclose(layer(x), expected + layer.bias[:, None, None])
    with_weight = lambda weight: torch.func.functional_call(layer, {"weight": weight}, x)
    assert torch.autograd.gradcheck(with_weight, layer.weight)


def test_subsampling_worked_on_paper():
    layer = SubSampling(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.5, -1.0])[:, None, None])
        layer.bias.copy_(torch.tensor([1.0, 0.0])[:, None, None])
    x = torch.tensor([[1.0, 2, 0, 0], [3, 4, 0, 8]]).expand(1, 2, 2, 4)
    assert layer(x).tolist() == [[[[6.0, 5.0]], [[-10.0, -8.0]]]]


def test_squashing_function():
    x = torch.tensor([-100.0, -1, 0, 1, 100])
    expected = torch.tensor([-1.7159, -1, 0, 1, 1.7159])
    assert torch.allclose(ScaledTanh()(x), expected, atol=1e-4)


def test_logits_are_minus_the_distances_to_the_codes():
    layer = RBF(torch.tensor([[1.0, -1, 1], [-1, -1, -1]]))
    assert layer(torch.tensor([[1.0, 0, 1]])).tolist() == [[1.0, 9.0]]
    model, x = LeNet1998(), torch.rand(3, 1, 32, 32)
    seen: list[torch.Tensor] = []
    model.f6.register_forward_hook(lambda module, inputs, output: seen.append(ScaledTanh()(output)))
    logits = model(x)
    drawn = model.draw(x).detach()
    assert torch.equal(drawn, seen[0])
    by_hand = ((drawn.numpy()[:, None] - model.output.codes.numpy()) ** 2).sum(axis=2)
    assert np.allclose(logits.detach().numpy(), -by_hand, atol=1e-4)


def test_codes_are_fixed_and_ten_different_digits():
    model = LeNet1998()
    before = model.output.codes.clone()
    model(torch.rand(4, 1, 32, 32)).logsumexp(dim=1).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert torch.equal(model.output.codes, before)
    codes = digit_bitmaps().flatten(1)
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    differing = (codes[:, None] != codes).sum(dim=2) + 84 * torch.eye(10, dtype=torch.long)
    assert differing.min() >= 7


def test_random_codes_are_the_same_in_every_network():
    options = {"codes": "random"}
    one = create_model("lenet1998", 100, 1, seed=0, options=options)
    other = create_model("lenet1998", 100, 1, seed=1, options=options)
    assert torch.equal(one.output.codes, other.output.codes)
    assert one.eval()(torch.zeros(1, 1, 32, 32)).shape == (1, 100)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_parts_of_the_usual_form_can_be_exchanged(activation, pooling):
    model = create_model("lenet5", 10, 1, options={"activation": activation, "pooling": pooling})
    assert count_parameters(model) == 61_706
    kinds = [type(layer).__name__.lower() for layer in model.features]
    assert kinds[1] == activation
    assert kinds[2] == {"max": "maxpool2d", "average": "avgpool2d"}[pooling]


def test_padding_makes_it_for_28x28():
    small, padded = LeNet5(padding=2), torch.rand(2, 1, 28, 28)
    whole = LeNet5()
    whole.load_state_dict(small.state_dict())
    assert torch.allclose(small(padded), whole(nn.functional.pad(padded, (2, 2, 2, 2))), atol=1e-6)


def test_messages():
    with pytest.raises(ValueError, match=r"\(N, 1, H, W\) of 32x32, got \(2, 1, 28, 28\): .*padding=2"):
        LeNet5()(torch.zeros(2, 1, 28, 28))
    with pytest.raises(ValueError, match=r"of 28x28, .*padding=0"):
        LeNet5(padding=2)(torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match=r"32\); make the network with in_channels=3"):
        LeNet1998()(torch.zeros(2, 3, 32, 32))
    with pytest.raises(ValueError, match=r"one image needs an axis in front: images\[None\]"):
        LeNet5()(torch.zeros(1, 32, 32))
    with pytest.raises(ValueError, match="layer C5 must turn maps of 5x5"):
        LeNet1998()(torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="holds ten digits, got num_classes 11; use codes='random'"):
        LeNet1998(num_classes=11)
    with pytest.raises(ValueError, match=r"activation is unknown: 'rlu'. Did you mean 'relu'\?"):
        LeNet5(activation="rlu")
    with pytest.raises(ValueError, match="padding must be at least 0, got -1"):
        LeNet5(padding=-1)
    with pytest.raises(ValueError, match="pooling is unknown: 'mean'"):
        LeNet5(pooling="mean")
