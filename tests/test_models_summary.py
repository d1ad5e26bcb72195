"""The table of layers: counts on paper, sums that agree, blocks, reused layers, messages."""

import pytest
import torch
import torchvision
from torch import nn

from cnncourse.models import count_multiply_adds, count_parameters, create_model, kept_for_backward
from cnncourse.models._summary import Row, summary
from cnncourse.receptive_field import receptive_field


def by_name(table):
    return {row.name: row for row in table.rows}


def test_counts_on_paper():
    rows = by_name(summary(create_model("three_conv"), (3, 32, 32)))
    assert rows["features.0"] == Row(
        "features.0", "Conv2d", (48, 32, 32), 48 * (3 * 25 + 1), 48 * 32 * 32 * 3 * 25
    )
    assert rows["features.2"] == Row("features.2", "MaxPool2d", (48, 16, 16), 0, 0)
    assert rows["classifier.1"] == Row("classifier.1", "Linear", (384,), 3072 * 384 + 384, 3072 * 384)


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "mobilenet_v2", "vit_b_16", "densenet121"])
def test_rows_add_up_to_the_network(name):
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    for depth in (None, 1, 2):
        table = summary(model, (3, 224, 224), depth)
        assert table.parameters == sum(row.parameters for row in table.rows) == count_parameters(model)
        assert table.multiply_adds == sum(row.multiply_adds for row in table.rows)
        assert table.multiply_adds == count_multiply_adds(model, (3, 224, 224))


@pytest.mark.parametrize(
    "name", ["lenet1998", "googlenet", "densenet_cifar", "efficientnet_cifar", "vit_cifar"]
)
def test_rows_of_our_networks_add_up_too(name):
    model = create_model(name)
    for depth in (None, 1, 2):
        table = summary(model, (3, 32, 32), depth)
        assert table.parameters == sum(row.parameters for row in table.rows) == count_parameters(model)
        assert table.multiply_adds == sum(row.multiply_adds for row in table.rows)
        assert table.multiply_adds == count_multiply_adds(model, (3, 32, 32))


def test_speednet_by_hand():
    model = create_model("speednet", options={"widths": (4, 6, 8)})
    table = summary(model, (3, 32, 32))
    rows = by_name(table)
    assert rows["stem"].output_shape == (24, 31, 31)
    assert rows["stem"].parameters == 24 * (3 * 2 * 2 + 1) and rows["groups.2.conv1"].parameters == 8 * 6 * 9
    assert rows["groups.2.conv2"].output_shape == (8, 3, 3) and rows["head"].parameters == 8 * 10
    frozen = 24 * 3 * 2 * 2 + 2 * (4 + 6 + 8)  # the stem's filters, the scales of batch normalization
    assert table.parameters == count_parameters(model) + frozen


def test_products_without_a_layer_stand_in_the_row_of_their_module():
    rows = by_name(summary(create_model("vit_cifar"), (3, 32, 32)))
    assert rows["blocks.0.attention"].multiply_adds == 2 * 64 * 64 * 64  # scores and means, 64 tokens of 64


def test_depth_shows_blocks():
    with torch.device("meta"):
        model = torchvision.models.resnet18()
    rows = by_name(summary(model, (3, 224, 224), depth=2))
    assert rows["layer2.0"].type == "BasicBlock"
    assert rows["layer2.0"].output_shape == (128, 28, 28)
    assert rows["layer2.0"].parameters == count_parameters(model.layer2[0])
    assert "layer2.0.conv1" not in rows


def test_a_layer_that_runs_twice_has_two_rows_and_its_parameters_once():
    conv = nn.Conv2d(4, 4, 3, padding=1)
    table = summary(nn.Sequential(conv, nn.ReLU(), conv), (4, 8, 8))
    assert [row.parameters for row in table.rows] == [148, 0, 0]
    assert [row.multiply_adds for row in table.rows] == [9216, 0, 9216]
    assert table.parameters == 148


def test_the_network_stays_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    summary(model, (3, 8, 8))
    assert [module.training for module in model] == [True, False, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not model[0]._forward_hooks and not model[0]._forward_pre_hooks


def test_printed_it_is_a_table_with_totals():
    lines = str(summary(create_model("three_conv"), (3, 32, 32))).splitlines()
    assert lines[0].split() == ["layer", "type", "output", "parameters", "multiply-adds"]
    assert lines[2].split() == ["image", "3", "x", "32", "x", "32"]
    assert lines[-1].split() == ["ThreeConv", "1,395,178", "26,103,552"]
    assert max(map(len, lines)) < 80
    assert repr(summary(nn.ReLU(), (1, 2, 2))).startswith("layer")


def test_an_image_that_does_not_pass_is_told_where():
    with torch.device("meta"):
        alexnet = torchvision.models.alexnet()
    with pytest.raises(ValueError, match=r"3 x 32 x 32 does not pass through AlexNet.*features\.12 \(M"):
        summary(alexnet, (3, 32, 32))
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))
    with pytest.raises(ValueError, match=r"Sequential: .*was 2 \(Linear\), which was given 256"):
        summary(small, (3, 10, 10))
    for count in (summary, count_multiply_adds, kept_for_backward):
        with pytest.raises(ValueError, match=r"was 0 \(Conv2d\), which was given 1 x 8 x 8"):
            count(small.to("meta"), (1, 8, 8))
    with pytest.raises(ValueError, match=r"3 x 30 x 30 does not pass .* of 32x32, got \(1, 3, 30, 30\)"):
        summary(create_model("three_conv"), (3, 30, 30))


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (32, 32), (3, 0, 32), (3, 32.0, 32), 32, "abc"])
def test_a_wrong_image_shape_is_refused_everywhere(shape):
    with torch.device("meta"):
        model = create_model("three_conv")
    for count in (summary, count_multiply_adds, kept_for_backward, receptive_field):
        with pytest.raises(ValueError, match=r"image_shape must be \(C, H, W\), whole numbers of at least 1"):
            count(model, shape)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_of_another_number_format_count_the_same(dtype):
    with torch.device("meta"):
        model, other = create_model("conv_bn_gap"), create_model("conv_bn_gap").to(dtype)
    for count in (summary, count_multiply_adds, receptive_field):
        assert str(count(other, (3, 32, 32))) == str(count(model, (3, 32, 32)))
    sizes = [sum(kept.bytes for kept in kept_for_backward(each, (3, 32, 32))) for each in (model, other)]
    assert sizes[0] < sizes[1] if dtype == torch.float64 else sizes[0] > sizes[1]


def test_a_network_is_asked_for():
    for count in (summary, count_multiply_adds, kept_for_backward, receptive_field):
        with pytest.raises(TypeError, match=r"a network must be an nn\.Module, got str"):
            count("three_conv", (3, 32, 32))
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        summary(create_model("three_conv"), (3, 32, 32), depth=0)


class Parts(nn.Module):
    """Two convolutions in a list, and an activation that others have too."""

    def __init__(self, act):
        super().__init__()
        self.parts = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)])
        self.act = act

    def forward(self, x):
        for part in self.parts:
            x = self.act(part(x))
        return x


def test_a_layer_shared_by_two_blocks_counts_once_in_each():
    act = nn.ReLU()
    model = nn.Sequential(Parts(act), Parts(act))
    table = summary(model, (4, 2, 2))
    assert [row.name for row in table.rows] == [
        *("0.parts.0", "0.act", "0.parts.1", "0.act", "1.parts.0", "0.act", "1.parts.1", "0.act")
    ]
    assert [row.parameters for row in table.rows] == [20, 0] * 4
    assert [row.multiply_adds for row in table.rows] == [64, 0] * 4
    blocks = summary(model, (4, 2, 2), depth=1)
    assert [tuple(row) for row in blocks.rows] == [
        *(("0", "Parts", (4, 2, 2), 40, 128), ("1", "Parts", (4, 2, 2), 40, 128))
    ]
    assert table.parameters == blocks.parameters == 80 and blocks.multiply_adds == 256


def test_weights_shared_by_two_layers_count_once():
    one, other = nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False)
    other.weight = one.weight
    assert [row.parameters for row in summary(nn.Sequential(one, other), (4, 2, 2)).rows] == [16, 0]


def test_parts_that_do_not_run_stand_in_the_row_of_what_holds_them():
    model = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.ReLU())
    model.spare = nn.ModuleList([nn.Linear(3, 3)])
    model.forward = lambda x: model[1](model[0](x))
    for depth in (None, 1, 2):
        rows = by_name(summary(model, (4, 2, 2), depth))
        assert rows["Sequential"].parameters == 12 and rows["0"].parameters == 16


def test_a_list_of_blocks_is_opened_to_its_blocks():
    table = summary(Parts(nn.ReLU()), (4, 2, 2), depth=1)
    assert [row.name for row in table.rows] == ["parts.0", "act", "parts.1", "act"]
    assert sum(row.multiply_adds for row in table.rows) == table.multiply_adds == 128
    nested = Parts(nn.ReLU())
    nested.parts[0] = nn.Sequential(nested.parts[0], nn.Tanh())
    assert [row.type for row in summary(nested, (4, 2, 2), depth=1).rows] == [
        "Sequential",
        "ReLU",
        "Conv2d",
        "ReLU",
    ]


class Tokens(nn.Module):
    """Let a layer work on the places of an image."""

    def __init__(self, layer, **options):
        super().__init__()
        self.layer, self.options = layer, options

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)  # (N, C, H, W) -> (N, H W, C)
        return self.layer(x, x, x, **self.options) if self.options else self.layer(x)


@pytest.mark.parametrize("options", [{"need_weights": True}, {"need_weights": False}])
def test_attention_is_counted_on_paper(options):
    model = Tokens(nn.MultiheadAttention(32, 4, batch_first=True), **options).eval()
    tokens, width = 16, 32
    expected = 4 * tokens * width * width + 2 * tokens * tokens * width
    assert expected == 81_920
    assert count_multiply_adds(model, (32, 4, 4)) == expected
    rows = by_name(summary(model, (32, 4, 4)))
    assert rows["layer"] == Row("layer", "MultiheadAttention", (16, 32), 4 * 32 * 33, expected)


def test_a_transformer_layer_and_a_recurrent_one_are_counted():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    assert count_multiply_adds(Tokens(layer), (32, 4, 4)) == 81_920 + 2 * 16 * 32 * 64
    recurrent = nn.LSTM(32, 8, batch_first=True)
    assert count_multiply_adds(Tokens(recurrent), (32, 4, 4)) == 16 * 4 * 8 * (32 + 8)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_the_table_can_be_printed_in_every_encoding(encoding):
    str(summary(create_model("small_conv"), (3, 32, 32))).encode(encoding)
