"""Drawings of networks: what is written, what is joined, that nothing overlaps and everything can be read."""

import itertools

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pytest
import torch
import torchvision
from torch import nn

from cnncourse import plots
from cnncourse.models import create_model
from cnncourse.plots import _diagrams as diagrams
from cnncourse.plots import _flow, _labels


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def on_meta(name, **options):
    with torch.device("meta"):
        return torchvision.models.get_model(name, **options)


def overlapping(ax):
    """Return pairs of texts that lie on one another when drawn."""
    ax.figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in ax.texts]
    return [(a[0], b[0]) for a, b in itertools.combinations(boxes, 2) if a[1].overlaps(b[1])]


NETWORKS = {
    "lenet5": lambda: (create_model("lenet5", in_channels=1), (1, 32, 32)),
    "alexnet": lambda: (on_meta("alexnet"), (3, 224, 224)),
    "vgg16_bn": lambda: (on_meta("vgg16_bn"), (3, 224, 224)),
    "googlenet": lambda: (on_meta("googlenet", init_weights=False), (3, 224, 224)),
    "resnet50": lambda: (on_meta("resnet50"), (3, 224, 224)),
    "preact_resnet20": lambda: (create_model("preact_resnet20"), (3, 32, 32)),
    "densenet121": lambda: (on_meta("densenet121"), (3, 224, 224)),
    "efficientnet_b0": lambda: (on_meta("efficientnet_b0"), (3, 224, 224)),
    "convnext_tiny": lambda: (on_meta("convnext_tiny"), (3, 224, 224)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_drawn_and_read(name):
    ax = plots.architecture(*NETWORKS[name]())
    assert ax.figure.get_figwidth() <= 6.4
    assert all(10 <= text.get_fontsize() <= 12 for text in ax.texts)
    assert overlapping(ax) == []
    box = ax.figure.get_window_extent()
    assert all(box.contains(*corner) for t in ax.texts for corner in t.get_window_extent().get_points())


def test_rows_say_layer_size_and_parameters():
    written = texts(plots.architecture(on_meta("vgg16"), (3, 224, 224)))
    assert written[3:5] == ["image", "3 × 224 × 224"]
    assert written[5:8] == ["conv 3×3, ReLU", "64 × 224 × 224", "1.8 k"]
    assert "25088" in written and "4.1 M" in written
    plain = texts(plots.architecture(on_meta("vgg16"), (3, 224, 224), collapse=False, parameters=False))
    assert plain.count("conv 3×3, ReLU") == 13 and "1.8 k" not in plain


def test_layers_are_one_row_only_if_their_parameters_are_equal_too():
    written = texts(plots.architecture(on_meta("vgg16"), (3, 224, 224)))
    dense = ["dense", "ReLU, dropout", "4096", "103 M", "dense", "ReLU, dropout", "4096", "16.8 M"]
    assert written[-11:-3] == dense
    assert [written.count(many) for many in ("conv 3×3, ReLU", "× 2", "× 3")] == [9, 2, 1]
    two = nn.Sequential(nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU())
    rows = texts(plots.architecture(two, (9,)))
    assert rows[5:] == ["dense, ReLU", "4", "40", "× 2", "dense, ReLU", "4", "40"]


def test_plates_shrink_with_the_maps_and_thicken_with_the_channels():
    rows = [
        diagrams._Row("", (), shape, 0, False, "layer") for shape in ((3, 32, 32), (48, 16, 16), (9,), (3,))
    ]
    image, maps, long, short = (diagrams._plate(row, rows) for row in rows)
    assert image[0] > maps[0] and image[1] > maps[1] and image[2] < maps[2]
    assert long[0] > short[0] and long[1] == 0


def test_blocks_are_one_row_unless_expanded():
    resnet = create_model("resnet20")
    written = texts(plots.architecture(resnet, (3, 32, 32)))
    assert [written.count(many) for many in ("BasicBlock", "× 3", "× 2")] == [5, 1, 2]
    expanded = texts(plots.architecture(resnet, (3, 32, 32), expand=["BasicBlock"]))
    assert "add, ReLU" in expanded and "BasicBlock" not in expanded
    three = create_model("three_conv")
    hidden = texts(plots.architecture(nn.Sequential(three), (3, 32, 32), whole=["ThreeConv"]))
    assert hidden[3:] == ["image", "3 × 32 × 32", "ThreeConv", "10", "1.4 M"]


def test_blocks_whose_channels_grow_by_equal_steps_are_one_row():
    written = texts(plots.architecture(create_model("densenet_cifar"), (3, 32, 32)))
    assert "× 5" in written and written.count("DenseLayer") == 3
    written = texts(plots.architecture(on_meta("googlenet", init_weights=False), (3, 224, 224)))
    assert written.count("Inception") == 9  # 4a to 4c have equal sizes, and parameters that differ


def test_counts_have_three_digits():
    assert [diagrams.short(n) for n in (850, 9_408, 99_960, 999_600, 102_764_544)] == [
        "850", "9.4 k", "100 k", "1.0 M", "103 M",
    ]  # fmt: skip


def inception():
    return on_meta("googlenet", init_weights=False).inception3a, (192, 28, 28)


BLOCKS = {
    "inception": inception,
    "basic": lambda: (create_model("resnet20").layer1[0], (16, 32, 32)),
    "basic, shortcut A": lambda: (create_model("resnet20").layer2[0], (16, 32, 32)),
    "bottleneck": lambda: (on_meta("resnet50").layer1[0], (64, 56, 56)),
    "pre-activation": lambda: (create_model("preact_resnet20").layer1[1], (16, 32, 32)),
    "squeeze and excite": lambda: (on_meta("efficientnet_b0").features[2][0], (16, 56, 56)),
    "convnext": lambda: (on_meta("convnext_tiny").features[1][0], (96, 56, 56)),
    "attention": lambda: (on_meta("vit_b_16").encoder.layers[0], (197, 768)),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_can_be_drawn_and_read(name):
    ax = plots.block_diagram(*BLOCKS[name](), title=name)
    assert ax.figure.get_figwidth() <= 6.4
    assert all(10 <= text.get_fontsize() <= 12 for text in ax.texts)
    assert overlapping(ax) == []
    wide = [patch for patch in ax.patches if isinstance(patch, mpl.patches.FancyBboxPatch)]
    extents = [patch.get_window_extent() for patch in wide]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(extents, 2))
    for text in ax.texts:
        if text.get_text() not in (name, "+", "×"):  # words stay in their boxes
            box = text.get_window_extent()
            assert any(
                e.x0 <= box.x0 and box.x1 <= e.x1 and e.y0 <= box.y0 and box.y1 <= e.y1 for e in extents
            )


def test_a_residual_block_has_its_shortcut():
    nodes = diagrams.trace(create_model("resnet20").layer1[0], (16, 32, 32))
    boxes = _labels.boxes_of(nodes)
    assert [box.lines[0] for box in boxes] == ["input", "conv 3×3", "conv 3×3", "+", "ReLU", "output"]
    assert [box.sources for box in boxes] == [(), (0,), (1,), (2, 0), (3,), (4,)]
    assert boxes[1].lines == ("conv 3×3", "16 channels", "BN, ReLU")
    assert [box.face for box in boxes] == ["input", "learned", "learned", "join", "plain", "output"]


def test_shortcut_a_and_pre_activation_are_seen():
    a = texts(plots.block_diagram(*BLOCKS["basic, shortcut A"]()))
    assert "every 2nd pixel" in a and "pad with zeros" in a
    pre = texts(plots.block_diagram(*BLOCKS["pre-activation"]()))
    assert pre.index("BN, ReLU") < pre.index("conv 3×3")


def test_a_main_line_is_straight_and_nothing_shares_a_place():
    layout = _flow.lay_out(_labels.boxes_of(diagrams.trace(*BLOCKS["bottleneck"]())))
    x, y = layout.places.T
    straight = [0, 1, 2, 3, 5, 6, 7]  # all but the convolution of the shortcut
    assert max(x[straight]) - min(x[straight]) < 1e-6 and x[4] > x[0]
    assert len(layout.arrows) == 8 and all(a[0][1] < a[-1][1] for a in layout.arrows)
    assert (sorted(y[straight]) == y[straight]).all()


def test_branches_stand_side_by_side_in_their_order():
    layout = _flow.lay_out(_labels.boxes_of(diagrams.trace(*inception())))
    first = layout.places[[1, 2, 4, 6], 0]
    assert (first[1:] - first[:-1] > 0.5).all()
    assert layout.width < 6.2


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (nn.Conv2d(4, 4, (1, 7), stride=2), (4, 9, 9), "conv 1×7 / 2"),
        (nn.Conv2d(4, 4, 3, groups=4), (4, 9, 9), "depthwise 3×3"),
        (nn.Conv2d(4, 4, 3, groups=2, dilation=2), (4, 9, 9), "conv 3×3, 2 groups, dilation 2"),
        (nn.ConvTranspose2d(4, 4, 2, stride=2), (4, 9, 9), "transposed 2×2 / 2"),
        (nn.MaxPool2d(3, stride=2), (4, 9, 9), "max-pool 3×3 / 2"),
        (nn.AvgPool2d(3, stride=1), (4, 9, 9), "average-pool 3×3 / 1"),
        (nn.AvgPool2d(2, divisor_override=1), (4, 9, 9), "sum-pool 2×2"),
        (nn.AdaptiveAvgPool2d(1), (4, 9, 9), "global average"),
        (nn.AdaptiveAvgPool2d(3), (4, 9, 9), "average to 3×3"),
        (nn.Linear(4, 2), (4,), "dense"),
        (nn.Flatten(), (4, 9, 9), "flatten"),
    ],
)
def test_layers_in_words(module, shape, words):
    assert _labels.label(diagrams.trace(module, shape)[-1]).text == words


def test_a_difference_is_drawn_as_one_and_a_sign_as_what_it_does_to_each_value():
    class Difference(nn.Module):
        def forward(self, x):
            return ((-x).relu() - x) / x / 2

    written = texts(plots.block_diagram(Difference(), (1, 4, 4)))
    assert {"−", "÷", "divide"} < set(written)
    assert not any("neg" in words or "sub" in words for words in written)


def test_a_drawing_without_room_says_what_to_do():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(9))

        def forward(self, x):
            return torch.cat([branch(x) for branch in self.branches], dim=1)

    with pytest.raises(ValueError, match=r"Wide is \d+\.\d inches wide.*whole"):
        plots.block_diagram(Wide(), (3, 8, 8))
    with pytest.raises(ValueError, match="does not pass through"):
        plots.architecture(create_model("three_conv"), (3, 30, 30))
    with pytest.raises(
        ValueError, match=r"a class in ThreeConv is unknown: 'ThreeCon'. Did you mean 'ThreeConv'"
    ):
        plots.architecture(create_model("three_conv"), (3, 32, 32), whole=["ThreeCon"])
    with pytest.raises(TypeError, match=r"expand must be a list of names, .* write \['BasicBlock'\]"):
        plots.architecture(create_model("resnet20"), (3, 32, 32), expand="BasicBlock")
    with pytest.raises(TypeError, match=r"a network must be an nn\.Module, got list"):
        plots.block_diagram([create_model("three_conv")], (3, 32, 32))


def test_an_axes_of_yours_is_drawn_on():
    ax = plt.figure().subplots()
    assert plots.architecture(nn.Sequential(nn.ReLU()), (3, 8, 8), ax=ax) is ax
    other = plt.figure().subplots()
    assert plots.block_diagram(nn.Sequential(nn.ReLU()), (3, 8, 8), ax=other) is other
