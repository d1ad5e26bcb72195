"""Receptive fields: cases on paper, the recursion against gradients, branches, known networks, messages."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnncourse.models import create_model
from cnncourse.receptive_field import (
    Field,
    FieldRow,
    effective_receptive_field,
    field_spread,
    receptive_field,
    receptive_field_by_gradient,
)


def sizes(model, shape=(3, 32, 32), **options):
    return [row.size for row in receptive_field(model, shape, **options)]


def last_maps(model, shape):
    return [row for row in receptive_field(model, shape) if row.outputs > 1][-1]


def extent(mask, axis):
    """Return the first pixel seen along `axis`, and the first beyond."""
    seen = np.flatnonzero(mask.any(axis=1 - axis))
    return int(seen[0]), int(seen[-1]) + 1


def test_three_conv_on_paper():
    rows = receptive_field(create_model("three_conv"), (3, 32, 32))
    assert [(row.size, row.jump, row.start) for row in rows[:6]] == [
        (5, 1, -2),
        (6, 2, -2),
        (10, 2, -4),
        (12, 4, -4),
        (20, 4, -8),
        (24, 8, -8),
    ]
    assert rows[5].layer == "features.8" and rows[5].outputs == 4
    assert rows[5].window(1) == (0, 24) and rows[5].window(0, pixels=32) == (0, 16)
    assert (rows[6].operation, rows[6].size, rows[6].outputs) == ("Flatten", 48, 1)


def test_five_convolutions_with_pooling_after_every_second_see_24():
    field = Field()
    for kernel, stride in [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2), (3, 1)]:
        field = field.through(kernel, stride)
    assert (field.size, field.jump) == (24, 4)


def test_several_small_kernels_see_as_far_as_a_large_one():
    assert Field().through(3).through(3).size == Field().through(5).size == 5
    assert Field().through(3).through(3).through(3).size == Field().through(7).size == 7
    assert Field().through(3, dilation=4).size == Field().through(9).size


@st.composite
def layer(draw):
    options = {
        "kernel_size": (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        "stride": (draw(st.integers(1, 2)), draw(st.integers(1, 3))),
    }
    kind = draw(st.sampled_from(["conv", "max", "average"]))
    if kind == "conv":
        padding = (draw(st.integers(0, 3)), draw(st.integers(0, 3)))
        dilation = draw(st.integers(1, 2))
        return nn.Conv2d(2, 2, **options, padding=padding, dilation=dilation)
    padding = tuple(draw(st.integers(0, k // 2)) for k in options["kernel_size"])
    if kind == "max":
        return nn.MaxPool2d(**options, padding=padding, dilation=draw(st.integers(1, 2)))
    return nn.AvgPool2d(**options, padding=padding, ceil_mode=draw(st.booleans()))


@settings(max_examples=60)
@given(layers=st.lists(layer(), min_size=1, max_size=4), data=st.data())
def test_recursion_and_gradient_agree_on_chains(layers, data):
    model = nn.Sequential(*[part for item in layers for part in (item, nn.ReLU())])
    shape = (2, 24, 20)
    try:
        rows = [receptive_field(model, shape, axis, every=True)[-1] for axis in ("height", "width")]
    except ValueError:  # the image is too small
        assume(False)
    position = tuple(data.draw(st.integers(0, row.outputs - 1)) for row in rows)
    mask = receptive_field_by_gradient(model, shape, layer=str(len(model) - 1), position=position)
    assume(mask.any())  # a window may lie in the padding alone
    for axis, row in enumerate(rows):
        first, end = row.window(position[axis], shape[axis + 1])
        seen_first, seen_end = extent(mask, axis)
        assert first <= seen_first and seen_end <= end  # never more than the recursion says
        dilated = any(getattr(item, "dilation", 1) not in (1, (1, 1)) for item in layers)
        gaps = any(item.stride[axis] > item.kernel_size[axis] for item in layers)
        inner = row.window(position[axis])
        if not dilated and not gaps and inner == (first, end):
            assert (seen_first, seen_end) == (first, end)


class Branches(nn.Module):
    """A module with branches, a shortcut that skips pixels and a gate that sees everything."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.left = nn.Conv2d(4, 4, 5, padding=2)
        self.right = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.last = nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.first(x))
        if self.kind == "cat":
            return self.last(torch.cat([self.left(x), self.right(x)], dim=1))
        if self.kind == "skip":
            shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4))
            return self.last(self.down(x) + shortcut)
        if self.kind == "gate":
            gate = torch.sigmoid(F.adaptive_avg_pool2d(x, 1))
            return self.left(x * gate)
        x = F.pad(x, (2, 0, 1, 1))[..., 1:, 2:]
        return F.max_pool2d(x, 3, stride=2)


@pytest.mark.parametrize(
    ("kind", "expected"), [("cat", 3 + 4 + 2), ("skip", 3 + 2 + 4), ("gate", 34), ("pad", 3 + 2)]
)
def test_branches_reach_from_the_first_pixel_to_the_last(kind, expected):
    model, shape = Branches(kind), (3, 32, 32)
    row = receptive_field(model, shape)[-1]
    assert row.size == expected
    if kind != "pad":  # the last module's output is the network's
        mask = receptive_field_by_gradient(model, shape, "left" if kind == "gate" else "last")
        assert extent(mask, 1) == row.window(row.outputs // 2, 32)


def test_padding_and_slicing_move_the_field():
    row = receptive_field(Branches("pad"), (3, 32, 32))[-1]
    assert row.start == -1 - 2 + 2
    row = receptive_field(Branches("pad"), (3, 32, 32), "height")[-1]
    assert row.start == -1 - 1 + 1


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("three_conv", (3, 32, 32)),
        ("five_conv", (3, 32, 32)),
        ("lenet5", (3, 32, 32)),
        ("resnet20", (3, 96, 96)),
    ],
)
def test_networks_of_the_book_agree_with_their_gradients(name, shape):
    model = create_model(name)
    row = last_maps(model, shape)
    mask = receptive_field_by_gradient(model, shape)
    assert extent(mask, 0) == extent(mask, 1) == row.window(row.outputs // 2, shape[2])
    corner = receptive_field_by_gradient(model, shape, position=(0, row.outputs - 1))
    assert extent(corner, 0) == row.window(0, shape[1])
    assert extent(corner, 1) == row.window(row.outputs - 1, shape[2])


SMALL = [  # on 32x32, and quickly
    *("three_conv", "five_conv", "double_conv_gap", "small_conv", "conv_bn_gap", "four_conv"),
    *("lenet5", "lenet1998", "alexnet_cifar", "vgg16_cifar", "small_vgg", "small_googlenet"),
    *("resnet20", "resnet56", "plain20", "preact_resnet20"),
    *("densenet_cifar", "efficientnet_cifar", "mobilenet_cifar", "convnext_cifar"),
]


@pytest.mark.parametrize("name", SMALL)
def test_every_network_is_followed_and_agrees_with_its_gradients(name):
    model, shape = create_model(name), (3, 32, 32)
    row = last_maps(model, shape)
    for place in (0, row.outputs - 1):
        mask = receptive_field_by_gradient(model, shape, position=(place, place))
        assert extent(mask, 0) == extent(mask, 1) == row.window(place, 32)


def test_the_alexnet_of_2012_is_followed_through_its_own_layers():
    with torch.device("meta"):
        model = create_model("alexnet2012", num_classes=1000)
    assert last_maps(model, (3, 224, 224)).size == 195


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4)])
def test_normalization_over_places_lets_every_output_see_everything(norm):
    model, shape = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Conv2d(4, 2, 3)), (3, 9, 9)
    row = receptive_field(model, shape, every=True)[-1]
    assert row.window(0, 9) == (0, 9)
    assert receptive_field_by_gradient(model, shape).all()


@pytest.mark.parametrize(
    ("name", "size"),
    [("alexnet", 195), ("vgg16", 212), ("resnet18", 435), ("resnet50", 427), ("densenet121", 2071)],
)
def test_large_networks_see_what_is_published(name, size):
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    assert last_maps(model, (3, 224, 224)).size == size


def test_a_gate_lets_every_output_see_everything():
    with torch.device("meta"):
        model = torchvision.models.efficientnet_b0()
    row = last_maps(model, (3, 224, 224))
    assert row.jump == 0 and row.window(0, pixels=224) == (0, 224)


def test_axes_differ_where_kernels_do():
    model = nn.Sequential(nn.Conv2d(3, 4, (1, 7)), nn.Conv2d(4, 4, (3, 1)))
    assert sizes(model, axis="width") == [7] and sizes(model, axis="height") == [3]
    assert sizes(model, every=True) == [7, 7]


def test_channels_last_layers_are_followed_through_a_permutation():
    with torch.device("meta"):
        block = torchvision.models.convnext_tiny().features[1][0]
    assert receptive_field(block, (96, 28, 28))[-1].size == 7


def test_channels_that_are_shuffled_leave_the_grid():
    with torch.device("meta"):
        model = torchvision.models.shufflenet_v2_x0_5()
    row = last_maps(model, (3, 96, 96))
    mask = receptive_field_by_gradient(torchvision.models.shufflenet_v2_x0_5(), (3, 96, 96))
    assert row.window(row.outputs // 2, 96) == extent(mask, 1)


def test_a_grid_that_was_cut_up_sees_all_and_goes_no_further():
    cut = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(2), nn.Unflatten(2, (6, 6)), nn.Conv2d(4, 1, 3))
    assert receptive_field(cut[:2], (1, 8, 8))[-1].size == 8
    flat = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Flatten(2))  # six channels are no six columns
    assert [row.jump for row in receptive_field(flat, (1, 8, 8))] == [1, 0]
    with pytest.raises(
        ValueError, match=r"3 \(Conv2d\) has no receptive field that the recursion can follow"
    ):
        receptive_field(cut, (1, 8, 8))


def test_what_cannot_be_followed_is_named():
    with pytest.raises(ValueError, match=r"0 \(ConvTranspose2d\).*receptive_field_by_gradient"):
        receptive_field(nn.Sequential(nn.ConvTranspose2d(3, 4, 2)), (3, 8, 8))
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        Field().through(3, stride=0)
    with pytest.raises(ValueError, match="axis must be"):
        receptive_field(nn.Sequential(nn.ReLU()), (3, 8, 8), axis="x")
    with pytest.raises(ValueError, match=r"image_shape must be \(C, H, W\)"):
        receptive_field(nn.Sequential(nn.ReLU()), (8, 8))
    with pytest.raises(ValueError, match="index must be from 0 to 7, got 8"):
        FieldRow("conv", "Conv2d", 3, 1, -1, 8).window(8)


@pytest.mark.parametrize("name", ["conv_bn_gap", "alexnet_cifar"])
def test_the_field_of_a_network_without_weights_is_the_same(name):
    model, shape = create_model(name), (3, 32, 32)
    with torch.device("meta"):
        bare = create_model(name)
    expected = receptive_field_by_gradient(model, shape)
    np.testing.assert_array_equal(receptive_field_by_gradient(bare, shape), expected)
    with pytest.raises(ValueError, match="on the meta device and has no weights to ask"):
        effective_receptive_field(bare, np.ones((1, *shape)))


def test_gradients_refuse_what_is_not_there():
    model = create_model("three_conv")
    with pytest.raises(ValueError, match=r"layer is unknown: 'feature.8'. Did you mean 'features.8'"):
        receptive_field_by_gradient(model, (3, 32, 32), "feature.8")
    with pytest.raises(ValueError, match=r"position \(4, 0\) lies outside the feature maps of 4x4"):
        receptive_field_by_gradient(model, (3, 32, 32), "features.8", (4, 0))
    with pytest.raises(TypeError, match=r"position must be a whole number, got 1\.5"):
        receptive_field_by_gradient(model, (3, 32, 32), "features.8", (1.5, 0))
    with pytest.raises(ValueError, match=r"position must be a number or .* got \(1,\)"):
        receptive_field_by_gradient(model, (3, 32, 32), "features.8", (1,))
    with pytest.raises(ValueError, match="gives no feature maps"):
        receptive_field_by_gradient(model, (3, 32, 32), "classifier.1")
    with pytest.raises(ValueError, match="no feature maps larger than 1x1"):
        receptive_field_by_gradient(nn.AdaptiveAvgPool2d(1), (3, 8, 8))
    with pytest.raises(ValueError, match=r"images must be \(N, C, H, W\)"):
        effective_receptive_field(model, np.zeros((3, 32, 32)))
    shut = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Threshold(9, 0))
    with pytest.raises(ValueError, match="gradient is zero"):
        effective_receptive_field(shut, np.ones((1, 1, 8, 8)))


def test_the_gradient_finds_paths_that_normalization_and_activations_shut():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(3, 1), nn.Conv2d(2, 1, 3)
    )
    model[1].running_mean.fill_(1e6)
    mask = receptive_field_by_gradient(model, (1, 9, 9))
    assert mask[1:8, 1:8].all() and mask.sum() == 49


def test_the_effective_field_lies_inside_and_adds_up_to_one():
    model = create_model("three_conv", seed=0)
    images = np.random.default_rng(0).normal(size=(8, 3, 32, 32))
    share = effective_receptive_field(model, images, seed=1)
    mask = receptive_field_by_gradient(model, (3, 32, 32))
    assert share.shape == (32, 32) and share.sum() == pytest.approx(1)
    assert (share[~mask] == 0).all() and (share >= 0).all()
    assert field_spread(share) < field_spread(mask)
    np.testing.assert_array_equal(share, effective_receptive_field(model, images, seed=1))
    assert (share != effective_receptive_field(model, images, seed=2)).any()


def test_one_layer_has_the_shares_of_its_squared_weights():
    conv = nn.Conv2d(2, 1, 3, padding=1)
    share = effective_receptive_field(conv, np.zeros((1, 2, 5, 5)))
    energy = conv.weight.detach().double().square().sum(dim=(0, 1)).numpy()
    np.testing.assert_allclose(share[1:4, 1:4], energy / energy.sum(), rtol=1e-6)


def test_gradients_leave_the_network_as_it_was():
    model = create_model("conv_bn_gap", seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    receptive_field_by_gradient(model, (3, 16, 16))
    effective_receptive_field(model, np.zeros((1, 3, 16, 16)) + 0.1)
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_spread_of_a_walk_adds_its_steps():
    """The uniform field of n 3x3 kernels is the sum of n steps, each -1, 0 or 1: variance 2 n / 3."""
    box = np.ones(3) / 3
    row = box
    for depth in range(2, 6):
        row = np.convolve(row, box)
        assert field_spread(np.outer(row, row)) == pytest.approx(np.sqrt(2 * depth / 3))
    with pytest.raises(ValueError, match="share must not be negative"):
        field_spread(-np.ones((3, 3)))


def test_no_network_is_so_deep_that_its_field_vanishes():
    """Products of many gates underflow; a path is a path."""
    with torch.device("meta"):
        model = torchvision.models.efficientnet_b0()
    assert receptive_field_by_gradient(model, (3, 224, 224)).all()
    deep = nn.Sequential(*[nn.Conv2d(1, 1, (1, 2)) for _ in range(1100)])
    seen = receptive_field_by_gradient(
        deep, (1, 1, 1101), "1099"
    )  # the last pixel has one path, of (1/2)^1100
    assert seen.all()


def test_a_field_that_lies_in_padding_alone_is_empty():
    seen = receptive_field_by_gradient(
        nn.Sequential(nn.Conv2d(1, 1, 2, padding=3)), (1, 4, 4), position=(0, 0)
    )
    assert seen.shape == (4, 4) and not seen.any()


class Changed(nn.Module):
    """What a layer gives is changed in place after it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.wide = nn.Conv2d(1, 1, 3, padding=1)
        nn.init.ones_(self.conv.weight)

    def forward(self, x):
        out = self.conv(x)
        out += self.wide(x)
        return out.relu_()


def test_a_layer_is_asked_for_what_it_gave_itself():
    assert receptive_field_by_gradient(Changed(), (1, 5, 5), "conv").sum() == 1
    share = effective_receptive_field(Changed(), -np.ones((1, 1, 5, 5)), "conv")
    assert share[2, 2] == 1


class Cut(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        with torch.no_grad():
            return self.conv(x)


def test_gradients_that_are_cut_are_refused_and_detached_ones_are_not():
    with pytest.raises(
        ValueError, match=r"no gradient leads from the last feature maps to the image: its forward"
    ):
        receptive_field_by_gradient(Cut(), (1, 5, 5))
    with pytest.raises(ValueError, match=r"no gradient leads from layer 'conv' to the image"):
        receptive_field_by_gradient(Cut(), (1, 5, 5), "conv")
    with torch.no_grad():  # around it, it does not matter
        assert receptive_field_by_gradient(nn.Conv2d(1, 1, 3), (1, 5, 5)).sum() == 9


class Tuned(nn.Module):
    """Weights that are made from others, and places that are numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3)
        self.end = nn.Identity()

    def forward(self, x):
        weight = self.conv.weight - self.conv.weight.mean((1, 2, 3), keepdim=True)
        places = -(torch.arange(x.shape[-1]) + 0).to(torch.int64).clamp(0, 3)  # from the end, but for 0
        return self.end(F.conv2d(x.float(), weight)[..., places])


def test_weights_made_from_weights_open_their_paths_too():
    for place, first in ((0, 0), (1, 3), (2, 2), (5, 1)):
        seen = receptive_field_by_gradient(Tuned(), (2, 6, 6), position=(0, place))
        assert seen.sum() == 9 and seen[:3, first : first + 3].all()


def test_an_image_that_does_not_pass_is_told_where_by_both():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 9))
    for measure in (
        lambda: receptive_field(model, (3, 8, 8)),
        lambda: receptive_field_by_gradient(model, (3, 8, 8)),
        lambda: effective_receptive_field(model, np.ones((1, 3, 8, 8))),
    ):
        with pytest.raises(
            ValueError, match=r"3 x 8 x 8 does not pass .* reached was 1 \(Conv2d\), .* 4 x 6 x 6"
        ):
            measure()
