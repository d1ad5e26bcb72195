"""Every operation of the table in a small network: its field by recursion is its field by gradients."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnncourse.receptive_field import receptive_field, receptive_field_by_gradient
from cnncourse.receptive_field.operations import ALONE, KNOWN, key

SHAPE = (2, 9, 8)


class Between(nn.Module):
    """An operation between a convolution and a mean over 2x2; what is no map any more becomes channels."""

    def __init__(self, operation):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.end = nn.Identity()
        self.operation = operation

    def forward(self, x):
        x = self.operation(self.first(x))
        x = F.avg_pool2d(x, 2, 1) if x.ndim == 4 and x.shape[-1] > 1 else x.flatten(1)[:, :, None, None]
        return self.end(x)


def check(operation, shape=SHAPE):
    model = Between(operation)
    rows = [receptive_field(model, shape, axis, every=True)[-1] for axis in ("height", "width")]
    assert rows[0].layer == "end"
    for share in (0, 0.5, 1):
        position = tuple(int(share * (row.outputs - 1)) for row in rows)
        mask = receptive_field_by_gradient(model, shape, "end", position)
        (top, bottom), (left, right) = (
            row.window(place, pixels) for row, place, pixels in zip(rows, position, shape[1:], strict=True)
        )
        expected = np.zeros(shape[1:], dtype=bool)
        expected[top:bottom, left:right] = True
        np.testing.assert_array_equal(mask, expected)
        assert mask.any()


OPTIONS = {
    **dict.fromkeys(("clamp", "clip"), (0, 0.1)),
    **dict.fromkeys(("clampmin", "clampmax"), (0.1,)),
    "threshold": (0.5, 0.0),
    "to": (torch.float32,),
}


def forms(name):
    """Yield each way of torch's to write an operation: as a layer, a function, a method, in place."""
    options = OPTIONS.get(name, ())
    for space in (nn, F, torch, torch.Tensor):
        for written in dir(space):
            found = getattr(space, written)
            if key(written) != name or written.startswith("__") or not callable(found):
                continue
            if isinstance(found, type):
                yield f"nn.{written}", found(*(options if name == "threshold" else ()))
            else:
                yield f"{space.__name__}.{written}", lambda x, f=found: f(x, *options)


WRITTEN = {
    "prelu": lambda x: F.prelu(x, x.new_ones(4)),
    "typeas": lambda x: x.type_as(x.new_ones(1, dtype=torch.float32)),
    **{f"{name}, training": lambda x, f=f: f(x, 0.5, True) for name, f in (("F.dropout", F.dropout),)},
}
UNLIKE = {  # forms that need more than the image, or that no forward writes
    *(
        "nn.Dropout2d",
        "torch.dropout",
        "torch.feature_alpha_dropout",
        "torch.alpha_dropout",
        "torch.dropout_",
    ),
    *("torch.alpha_dropout_", "torch.feature_alpha_dropout_", "torch.threshold", "torch.threshold_"),
    *("torch.prelu", "Tensor.prelu", "torch.nn.functional.prelu", "Tensor.type_as"),
}
CLAMPS = ("clamp", "clip", "clampmin", "clampmax")  # between numbers
EACH = [(label, form) for name in (*ALONE, *CLAMPS) for label, form in forms(name) if label not in UNLIKE]


@pytest.mark.parametrize(
    ("label", "form"), [*EACH, *WRITTEN.items()], ids=lambda x: x if isinstance(x, str) else ""
)
def test_what_looks_at_each_value_alone_changes_no_field(label, form):
    check(form)


def around(x):
    return F.avg_pool2d(x, 3, 1, 1)


JOINS = {
    "add": lambda x: x + around(x),
    "sub": lambda x: x - around(x),
    "mul": lambda x: x * around(x),
    "div": lambda x: x / around(x),
    "pow": lambda x: x ** around(x),
    "maximum": lambda x: torch.maximum(x, around(x)),
    "minimum": lambda x: torch.minimum(x, around(x)),
    "multiply": lambda x: x.multiply(around(x)),
    "subtract": lambda x: torch.subtract(x, around(x)),
    "divide": lambda x: torch.divide(x, around(x)),
    "truedivide": lambda x: torch.true_divide(x, around(x)),
    "cat": lambda x: torch.cat([x, around(x)], dim=1),
    "concat": lambda x: torch.concat([x, around(x)], 1),
    "concatenate": lambda x: torch.concatenate([x, x], -3),
    "stack": lambda x: torch.stack([x, around(x)], dim=1).sum(1),
    "stack, before the grid": lambda x: torch.stack([x, around(x)], dim=2).sum(2),
    "clamp": lambda x: x.clamp(max=around(x)),
    "clip": lambda x: torch.clip(x, around(x)),
    "clampmin": lambda x: x.clamp_min(around(x)),
    "clampmax": lambda x: torch.clamp_max(x, around(x)),
    "stack behind": lambda x: torch.stack([x, around(x)], dim=-1).mean(dim=-1),
    "a number first": lambda x: 1 - 2 / (1 + 2**x),
    "a number": lambda x: (x - 1) * 2 / 3 + x**2,
    "with itself": lambda x: x - x,
    "gate": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
}


def in_place(x):
    y = around(x)
    y += x
    y.mul_(x)
    y.clamp_(0, 0.1)
    y /= 2
    return y


def stated(x):
    y = torch.relu(x)
    y.add_(around(x))
    F.relu(y, inplace=True)
    return y


class Stated(nn.Module):
    """A layer that changes what it is given, and gives nothing that is taken."""

    def __init__(self):
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        self.act(x)
        return x + around(x)


def kept(x):
    """The activation is a copy: what is added to it is not added to x."""
    y = torch.relu(x)
    y += around(x)
    return x


STRUCTURE = {
    "conv2d": lambda x: F.conv2d(x, x.new_ones(4, 4, 3, 2), None, (1, 2), (1, 0), 1),
    "conv2d, same": lambda x: F.conv2d(x, x.new_ones(4, 4, 4, 2), padding="same"),
    "conv2d, layer": nn.Conv2d(4, 4, (3, 1), stride=(2, 1), padding="valid"),
    "avgpool2d": nn.AvgPool2d((2, 3), (1, 2), ceil_mode=True),
    "avgpool2d, by place": lambda x: F.avg_pool2d(x, 2, 1, 0, False),
    "maxpool2d, ceil mode": nn.MaxPool2d(2, ceil_mode=True),
    "adaptiveavgpool2d, copies": lambda x: F.adaptive_avg_pool2d(x.mean((2, 3), keepdim=True), 3),
    "getitem, after strides": lambda x: F.avg_pool2d(x, 2)[..., 1:],
    "getitem, the last column": lambda x: x[:, :, :, -1],
    "flatten, as many channels": lambda x: torch.cat([x, x], 1).flatten(2),
    "avgpool2d, function": lambda x: F.avg_pool2d(x, 2),
    "maxpool2d": nn.MaxPool2d(3, 2, 1),
    "maxpool2d, function": lambda x: F.max_pool2d(x, (2, 1)),
    "maxpool2d, torch's": lambda x: torch.max_pool2d(x, 3, 1, 1),
    "maxpool2d, method": lambda x: F.max_pool2d(input=x, kernel_size=2, stride=1, ceil_mode=True),
    "lppool2d": nn.LPPool2d(2, 3, 2),
    "lppool2d, function": lambda x: F.lp_pool2d(x, 2.0, (2, 3)),
    "adaptiveavgpool2d": nn.AdaptiveAvgPool2d((3, 4)),
    "adaptiveavgpool2d, one": nn.AdaptiveAvgPool2d(1),
    "adaptivemaxpool2d": nn.AdaptiveMaxPool2d((3, 4)),
    "adaptivemaxpool2d, function": lambda x: F.adaptive_max_pool2d(x, (9, 2)),
    "chunk": lambda x: x.chunk(2, dim=1)[1],
    "split": lambda x: torch.split(x, 2, 1)[0],
    "glu": nn.GLU(dim=1),
    "glu, function": lambda x: F.glu(x, 1),
    "channelshuffle": nn.ChannelShuffle(2),
    "channelshuffle, function": lambda x: F.channel_shuffle(x, 2),
    "getitem": lambda x: x[:, 1:, 2:, ::2],
    "getitem, dots": lambda x: x[..., -5:],
    "getitem, new axis": lambda x: x[:, None].sum(1),
    "getitem, one channel": lambda x: x[:, 0][:, None],
    "getitem, one row": lambda x: x[:, :, 2],
    "pad": lambda x: F.pad(x, (1, 0, 1, 1)),
    "pad, crop": lambda x: F.pad(x, (-1, 0)),
    "pad, channels": lambda x: F.pad(x.permute(0, 2, 3, 1), (1, 1)).permute(0, 3, 1, 2),
    "zeropad2d": nn.ZeroPad2d((1, 0, 0, 1)),
    "constantpad2d": nn.ConstantPad2d(1, 2.0),
    "permute": lambda x: around(x.permute(0, 1, 3, 2)).permute((0, 1, 3, 2)),
    "transpose": lambda x: around(x.transpose(2, 3)).transpose(-1, -2),
    "swapaxes": lambda x: F.conv2d(x.swapaxes(-1, 2), x.new_ones(4, 4, 3, 1)).swapaxes(3, 2),
    "flatten": nn.Flatten(),
    "flatten, places": lambda x: x.flatten(2),
    "unflatten": lambda x: x.unflatten(1, (2, 2)).sum(1),
    "reshape": lambda x: x.reshape(1, 2, 2, *x.shape[2:]).transpose(1, 2).reshape(x.shape),
    "reshape, channels last": lambda x: (
        x.permute(0, 2, 3, 1).reshape(1, *x.shape[2:], 2, 2).sum(-1).permute(0, 3, 1, 2)
    ),
    "view": lambda x: x.view(1, -1),
    "view, cut": lambda x: x.view(1, 4, 3, 3, 8).sum((2, 3)),
    "squeeze": lambda x: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1),
    "unsqueeze": lambda x: x.unsqueeze(1).squeeze(1),
    "linear": nn.Sequential(nn.Linear(8, 5), nn.Flatten()),
    "linear, channels": lambda x: F.linear(x.permute(0, 2, 3, 1), x.new_ones(3, 4)).permute(0, 3, 1, 2),
    "mean": lambda x: x.mean((2, 3)),
    "mean, one axis": lambda x: x.mean(-1, keepdim=True) + x,
    "sum": lambda x: x.sum(dim=1, keepdim=True),
    "sum, all": lambda x: x.sum().reshape(1, 1),
    "amax": lambda x: x.amax((2, 3), keepdim=True) * x,
    "amin": lambda x: x.amin(1, True),
    "logsumexp": lambda x: torch.logsumexp(x, (2,), keepdim=True) + x,
    "var": lambda x: x.var((2, 3), False, True) + x,
    "var, all": lambda x: torch.var(x, False).reshape(1, 1),
    "std": lambda x: torch.std(x, dim=3, keepdim=True) + x,
    "batchnorm2d": nn.BatchNorm2d(4),
    "batchnorm2d, of the maps": nn.BatchNorm2d(4, track_running_stats=False),
    "batchnorm": lambda x: F.batch_norm(x, x.new_ones(4), x.new_ones(4)),
    "batchnorm, training": lambda x: F.batch_norm(x, x.new_ones(4), x.new_ones(4), training=True),
    "instancenorm2d": nn.InstanceNorm2d(4),
    "instancenorm2d, its own": nn.InstanceNorm2d(4, track_running_stats=True),
    "instancenorm": F.instance_norm,
    "instancenorm, its own": lambda x: F.instance_norm(
        x, x.new_ones(4), x.new_ones(4), use_input_stats=False
    ),
    "groupnorm": nn.GroupNorm(2, 4),
    "groupnorm, function": lambda x: F.group_norm(x, 2),
    "layernorm": nn.LayerNorm([4, 9, 8]),
    "layernorm, rows": nn.LayerNorm(8),
    "layernorm, function": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2),
    "layernorm2d": torchvision.models.convnext.LayerNorm2d(4),
    "localresponsenorm": nn.LocalResponseNorm(3),
    "softmax": nn.Softmax(dim=3),
    "softmax, channels": lambda x: x.softmax(1),
    "logsoftmax": nn.LogSoftmax(dim=-2),
    "softmin": nn.Softmin(dim=2),
    "softmax2d": nn.Softmax2d(),
    "normalize": F.normalize,
    "normalize, rows": lambda x: F.normalize(x, dim=-1),
    "in place": in_place,
    "in place, a statement": stated,
    "in place, layers": Stated(),
    "a copy": kept,
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", [*JOINS, *STRUCTURE])
def test_the_field_by_recursion_is_that_by_gradients(name):
    check({**JOINS, **STRUCTURE}[name])


PADS = {  # by recursion, only windows that see no copies of pixels have an end
    "reflectionpad2d": nn.ReflectionPad2d(2),
    "replicationpad2d": nn.ReplicationPad2d((1, 0, 0, 1)),
    "circularpad2d": nn.CircularPad2d(1),
    "pad": lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"),
    "pad, by place": lambda x: F.pad(x, (1, 1, 1, 1), "replicate"),
    "conv2d": nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    "conv2d, strides": nn.Conv2d(4, 4, 3, stride=2, padding=1, padding_mode="reflect"),
}


@pytest.mark.parametrize("name", PADS)
def test_padding_made_from_pixels_is_followed_inside_and_refused_at_the_border(name):
    model, shape = Between(PADS[name]), (2, 16, 16)
    row = receptive_field(model, shape, every=True)[-1]
    middle = row.outputs // 2
    seen = np.flatnonzero(receptive_field_by_gradient(model, shape, "end").any(axis=0))
    assert (seen[0], seen[-1] + 1) == row.window(middle, 16) == row.window(middle)
    edge = 0 if row.start < 0 else row.outputs - 1
    with pytest.raises(
        ValueError, match=rf"output {edge} of end sees padding made from pixels .*by_gradient"
    ):
        row.window(edge, 16)
    assert row.window(edge)[0] == row.start + edge * row.jump


def test_every_operation_of_the_table_is_tried():
    tried = {key(name.partition(",")[0]) for name in (*STRUCTURE, *PADS, *JOINS)} | set(ALONE)
    assert set(KNOWN) == tried & set(KNOWN)
    assert all(list(forms(name)) or name in WRITTEN for name in ALONE)


def test_circular_padding_wraps():
    conv = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"))
    (row,) = receptive_field(conv, (1, 8, 8))
    assert (row.size, row.jump, row.start, row.known) == (3, 1, -1, (0, 8))
    assert row.window(0) == (-1, 2) and row.window(1, 8) == (0, 3) and row.window(6, 8) == (5, 8)
    for index in (0, 7):
        with pytest.raises(
            ValueError, match=rf"output {index} of 0 sees padding made from pixels of the image"
        ):
            row.window(index, 8)
    seen = receptive_field_by_gradient(conv, (1, 8, 8), position=(4, 0))
    assert np.flatnonzero(seen.any(axis=0)).tolist() == [0, 1, 7]
    whole = receptive_field(nn.Sequential(conv, nn.AdaptiveAvgPool2d(1)), (1, 8, 8))[-1]
    assert whole.window(0, 8) == (0, 8)  # what sees everything sees it, wherever its copies lie
    assert "known" in repr(row) and "known" not in repr(receptive_field(nn.Conv2d(1, 1, 3), (1, 8, 8))[0])


def test_of_two_paddings_made_from_pixels_both_bounds_hold():
    model = nn.Sequential(PADS["conv2d"], nn.ZeroPad2d((-2, 0, 0, 0)), PADS["conv2d"])
    row = receptive_field(model, (4, 16, 16))[-1]
    assert row.known == (
        1,
        16,
    )  # the second one's input begins at output 2 of the first, which sees from 1 on


def test_a_value_laid_over_all_places_joins_them():
    """Taken together: more than each place sees, and never less."""
    model = Between(lambda x: x + x[..., 3:4])
    row = receptive_field(model, SHAPE, every=True)[-1]
    assert row.jump == 0 and row.window(0, 8) == (0, 8)


REFUSED = {
    "conv2d, weights from the image": lambda x: F.conv2d(x, x.reshape(9, 4, 4, 2)[:4]),
    "prelu, weights from the image": lambda x: F.prelu(x, x[0, :, 0, 0]),
    "cat": lambda x: torch.cat([x, x], dim=3),
    "cat, height": lambda x: torch.cat([x, around(x)], dim=-2),
    "chunk": lambda x: x.chunk(2, 3)[0],
    "glu": F.glu,
    "getitem": lambda x: x[:, :, :, [0, 3]],
    "conv2d": lambda x: F.conv2d(x.permute(0, 3, 2, 1), x.new_ones(2, 8, 3, 1)),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 5),
    "reshape": lambda x: x.permute(0, 2, 3, 1).reshape(9, 8, 4),
    "mean": lambda x: x.mean(0),
    "setitem": lambda x: torch.zeros_like(x).__setitem__(slice(None), x) or x.roll(1, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_recursion_cannot_follow_is_refused(name):
    with pytest.raises(ValueError, match=r"has no receptive field that the recursion can follow; measure"):
        for axis in ("width", "height"):
            receptive_field(Between(REFUSED[name]), SHAPE, axis)
