"""The graph of a network's operations: modules and functions, branches, what is handed through, messages."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnncourse._trace import trace


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
    with pytest.raises(ValueError, match=r"the last layer it passed was 1, which gave 4 x 1 x 1"):
        trace(model, (3, 4, 4))
    with pytest.raises(TypeError, match=r"a network must be an nn\.Module, got list"):
        trace([model], (3, 4, 4))
    with pytest.raises(ValueError, match="image_shape must be the sizes of one input, whole numbers"):
        trace(model, (3, 0, 4))
