"""The graph of a network's operations: modules and functions, branches, what is handed through, messages."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnncourse._modules import watched
from cnncourse._trace import trace
from cnncourse.models import count_multiply_adds, summary
from cnncourse.receptive_field import receptive_field_by_gradient


def operations(nodes):
    return [(node.operation, node.inputs) for node in nodes]


class Block(nn.Module):
    """Everything at once: functions, in-place work, a shortcut that changes nothing, a choice by size."""

    def __init__(self, identity=True):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.shortcut = nn.Identity() if identity else nn.Conv2d(4, 4, 1)

    def forward(self, x):
        if x.shape[-1] < 3:
            raise ValueError(f"images must be at least 3 wide, got {x.shape[-1]}")
        shortcut = self.shortcut(x)
        out = F.relu(self.norm(self.conv(x)), inplace=True)
        unused = out.mean()  # no part of the result
        del unused
        out = torch.cat([out, F.max_pool2d(x, 3, 1, 1)], dim=1)[:, ::2]
        out += shortcut
        return out.relu_()


def test_functions_and_modules_are_nodes_and_join_what_they_take():
    nodes = trace(Block(identity=False), (4, 6, 6))
    assert operations(nodes) == [
        ("input", ()),
        ("Conv2d", (0,)),
        ("Conv2d", (0,)),
        ("BatchNorm2d", (2,)),
        ("relu", (3,)),
        ("max_pool2d", (0,)),
        ("cat", (4, 5)),
        ("getitem", (6,)),
        ("add", (7, 1)),
        ("relu", (8,)),
    ]
    assert nodes[1].name == "shortcut" and nodes[6].shape == (8, 6, 6) and nodes[7].shape == (4, 6, 6)
    assert nodes[7].arguments == (None, (slice(None), slice(None, None, 2)))


def test_a_tensor_handed_through_keeps_its_own_origin():
    nodes = trace(Block(), (4, 6, 6))
    assert ("Identity", (0,)) in operations(nodes)
    assert ("Conv2d", (0,)) in operations(nodes)
    assert ("max_pool2d", (0,)) in operations(nodes)


def test_weights_of_a_function_are_kept_as_shapes():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, 3, 5, 5))

        def forward(self, x):
            return F.conv2d(x, self.weight, stride=2)

    node = trace(Functional(), (3, 9, 9), whole=lambda module: False)[-1]
    assert node.arguments == (None, (2, 3, 5, 5)) and dict(node.keywords) == {"stride": 2}


def test_whole_modules_hide_what_is_in_them():
    model = nn.Sequential(Block(), nn.ReLU())
    nodes = trace(model, (4, 6, 6), whole=lambda module: isinstance(module, Block | nn.ReLU))
    assert operations(nodes) == [("input", ()), ("Block", (0,)), ("ReLU", (1,))]


def test_the_network_stays_as_it_was():
    model = Block()
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace(model, (4, 6, 6))
    assert model.training and not model.norm.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_whole_network_is_one_chain_of_shapes():
    with torch.device("meta"):
        model = torchvision.models.densenet121()
    nodes = trace(model, (3, 224, 224))
    assert nodes[-1].operation == "Linear" and nodes[-1].shape == (1000,)
    assert all(source < index for index, node in enumerate(nodes) for source in node.inputs)


def test_an_image_that_does_not_pass_is_told_where():
    with pytest.raises(
        ValueError, match=r"4 x 2 x 2 does not pass through Block: images must be at least 3 wide"
    ):
        trace(Block(), (4, 2, 2))
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))
    with pytest.raises(ValueError, match=r"layer reached was 2 \(Conv2d\), which was given 4 x 1 x 1; Calc"):
        trace(model, (3, 4, 4))
    with pytest.raises(TypeError, match=r"a network must be an nn\.Module, got list"):
        trace([model], (3, 4, 4))
    with pytest.raises(ValueError, match="image_shape must be the sizes of one input, whole numbers"):
        trace(model, (3, 0, 4))


class Adds(nn.Module):
    """A function fails between layers, or after the last one."""

    def __init__(self, kernel_size):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size)

    def forward(self, x):
        return self.conv(x) + torch.zeros(4, 9, 9, device=x.device)


def test_a_function_that_fails_is_told_by_the_layer_before_it():
    for watching in (trace, summary, receptive_field_by_gradient):
        with pytest.raises(
            ValueError,
            match=r"3 x 8 x 8 .*Sequential: the last layer it passed was 0.conv \(Conv2d\), which gave",
        ):
            watching(nn.Sequential(Adds(3)), (3, 8, 8))
        with pytest.raises(
            ValueError, match=r"Adds: the last layer reached was conv \(Conv2d\), which was given"
        ):
            watching(Adds(9), (3, 8, 8))


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.ReLU(), nn.Identity()])

    def forward(self, x, other=None):
        return self.parts[1](self.parts[0](x))


def test_modules_are_entered_and_left_by_name_in_order_with_what_they_were_given():
    model, seen = nn.Sequential(Inner()), []

    def enter(name, module):
        seen.append(("in", name))

    def leave(name, module, given, output):
        seen.append(("out", name, len(given), output is given[0]))
        return output + 1 if name == "0.parts.0" else output

    with watched(model, enter, leave) as watch:
        result = model(torch.zeros(1, 2))
        assert torch.equal(result, torch.ones(1, 2)) and not watch.running
        model[0](torch.zeros(1, 2), other=torch.zeros(1))
    assert seen[:8] == [
        ("in", ""),
        ("in", "0"),
        ("in", "0.parts.0"),
        ("out", "0.parts.0", 1, False),
        ("in", "0.parts.1"),
        ("out", "0.parts.1", 1, True),
        ("out", "0", 1, False),
        ("out", "", 1, False),
    ]
    assert seen[-1] == ("out", "0", 2, False)  # by name counts too
    before = len(seen)
    model(torch.zeros(1, 2))
    assert len(seen) == before  # nothing stays behind


class Plain(nn.Module):
    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def forward(self, x):
        if self.offset is None:
            return x if x.sum() > 0 else -x
        return x + (self.offset if isinstance(self.offset, torch.Tensor) else self.offset[0])


@pytest.mark.parametrize("watching", [trace, summary, count_multiply_adds])
def test_what_keeps_a_network_from_shapes_alone_is_said(watching):
    for offset in (torch.ones(3, 1, 1), [torch.ones(3, 1, 1)]):
        model = nn.Sequential(nn.Conv2d(3, 3, 1), Plain(offset))
        with pytest.raises(
            ValueError,
            match=r"^Sequential cannot be run on shapes alone .*: 1\.offset is a plain.*_buffer\('offset'",
        ):
            watching(model, (3, 4, 4))
    with pytest.raises(ValueError, match=r"Plain cannot be run on shapes alone .*asks what the numbers are"):
        watching(Plain(None), (3, 4, 4))
    watching(Plain(torch.ones(3, 1, 1, device="meta")), (3, 4, 4))


class Reflected(nn.Module):
    def forward(self, x):
        y = 1 - x
        y /= 2
        y = 2 / (y + 1)
        y.mul_(x)
        y = 2**y
        return sum([x, y])


def test_operators_have_one_name_whatever_way_they_are_written():
    names = [node.operation for node in trace(Reflected(), (1, 4, 4))]
    assert names == ["input", "sub", "div", "add", "div", "mul", "pow", "add", "add"]


class Written(nn.Module):
    def forward(self, x):
        out = torch.zeros(1, 6, 4, 4, device=x.device)
        out[:, :3] = x
        return out


def test_what_is_written_into_a_tensor_is_followed():
    assert operations(trace(Written(), (3, 4, 4))) == [("input", ()), ("setitem", (0,))]


def test_an_output_that_comes_from_elsewhere_is_refused():
    class Elsewhere(nn.Module):
        def forward(self, x):
            return torch.zeros_like(x.shape and torch.empty(1, device="meta"))

    with pytest.raises(ValueError, match="output of Elsewhere does not come from its image by operations"):
        trace(Elsewhere(), (3, 4, 4))


class Raises(nn.Module):
    def forward(self, x):
        raise RuntimeError("the first line\nand a second")


def test_of_an_error_the_first_line_is_told():
    with pytest.raises(ValueError, match=r"does not pass through Raises: the first line$"):
        trace(Raises(), (3, 4, 4))


class Stated(nn.Module):
    """What is changed in place is used under its old name."""

    def __init__(self):
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        y = torch.zeros_like(x) + x
        self.act(y)
        F.elu(y, inplace=True)
        return y


def test_what_is_changed_in_place_comes_from_what_changed_it():
    assert operations(trace(Stated(), (3, 4, 4))) == [
        ("input", ()),
        ("add", (0,)),
        ("ReLU", (1,)),
        ("elu", (2,)),
    ]


def test_a_whole_module_takes_what_it_was_given_though_it_changes_it():
    block = nn.Sequential(nn.ReLU(inplace=True), nn.Identity())
    model = nn.Sequential(nn.Conv2d(3, 3, 1), block)
    nodes = trace(model, (3, 4, 4), whole=lambda module: module is not model)
    assert operations(nodes) == [("input", ()), ("Conv2d", (0,)), ("Sequential", (1,))]


def test_the_network_itself_is_one_operation_if_it_is_a_layer_alone():
    assert operations(trace(nn.Sequential(nn.ReLU()), (3, 4, 4), whole=lambda module: True))[1][0] == "ReLU"
    assert operations(trace(nn.ReLU(), (3, 4, 4), whole=lambda module: True))[1][0] == "ReLU"
