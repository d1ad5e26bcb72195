"""GoogLeNet: counts of both forms, torchvision's numbers, modules, heads, messages."""

import warnings

import pytest
import torch
import torchvision
from torch import nn

from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.models._inputs import ImageRule
from cnncourse.models.googlenet import (
    WIDTHS,
    AuxiliaryHead,
    ConvReLU,
    GoogLeNet,
    Inception,
    SmallGoogLeNet,
    Widths,
)


def torchvisions(**options):
    """Return torchvision's network with new weights; it warns where they are not mentioned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return torchvision.models.googlenet(weights=None, init_weights=False, **options)


@pytest.mark.parametrize(
    ("name", "heads", "parameters"),
    [
        ("googlenet", False, 6_624_904),
        ("googlenet", True, 13_004_888),
        ("googlenet2014", False, 6_998_552),
        ("googlenet2014", True, 13_378_280),
    ],
)
def test_parameters(name, heads, parameters):
    with torch.device("meta"):
        model = create_model(name, num_classes=1000, options={"aux_logits": heads})
    assert count_parameters(model) == parameters


def test_agrees_with_torchvision_with_heads_and_without():
    torch.manual_seed(0)
    theirs = torchvisions(num_classes=10).double()
    ours = create_model("googlenet", options={"aux_logits": True}).double()
    plain = create_model("googlenet").double()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(4, 3, 96, 96, dtype=torch.float64)
    their_heads = {}  # from the modules: torchvision 0.20 exchanges the two names in what it returns
    for head in (theirs.aux1, theirs.aux2):
        head.register_forward_hook(lambda head, _, logits: their_heads.__setitem__(head, logits))
    for model in (theirs, ours):
        model.train()
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    with torch.no_grad():
        expected = (theirs(images).logits, their_heads[theirs.aux1], their_heads[theirs.aux2])
        for found, logits in zip(ours.all_logits(images), expected, strict=True):
            torch.testing.assert_close(found, logits, rtol=1e-6, atol=1e-12)
        theirs.eval()
        torch.testing.assert_close(ours.eval()(images), theirs(images), rtol=1e-6, atol=0)
        without = {key: value for key, value in theirs.state_dict().items() if "aux" not in key}
        plain.load_state_dict(without)
        torch.testing.assert_close(plain.eval()(images), theirs(images), rtol=1e-6, atol=0)


def test_the_paper_counts_22_layers():
    with torch.device("meta"):
        model = create_model("googlenet2014", num_classes=1000)
    modules = [layer for layer in model.modules() if isinstance(layer, Inception)]
    # conv1, conv2, conv3, two in a row in each module, and the last dense layer
    assert 3 + 2 * len(modules) + 1 == 22
    assert all(isinstance(module.branch3[1].conv, nn.Conv2d) for module in modules)
    assert {module.branch3[1].conv.kernel_size for module in modules} == {(5, 5)}
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())


@pytest.mark.parametrize("paper", [False, True])
def test_shapes_inside_are_those_of_table_1(paper):
    with torch.device("meta"):
        model = GoogLeNet(paper=paper)
        found = {}
        for name, layer in model.named_children():
            layer.register_forward_hook(lambda _, __, y, name=name: found.__setitem__(name, y.shape[1:]))
        model(torch.zeros(1, 3, 224, 224))
    expected = {
        "conv1": (64, 112, 112),
        "maxpool1": (64, 56, 56),
        "conv3": (192, 56, 56),
        "maxpool2": (192, 28, 28),
        "inception3a": (256, 28, 28),
        "inception3b": (480, 28, 28),
        "maxpool3": (480, 14, 14),
        "inception4a": (512, 14, 14),
        "inception4b": (512, 14, 14),
        "inception4c": (512, 14, 14),
        "inception4d": (528, 14, 14),
        "inception4e": (832, 14, 14),
        "maxpool4": (832, 7, 7),
        "inception5a": (832, 7, 7),
        "inception5b": (1024, 7, 7),
        "avgpool": (1024, 1, 1),
        "fc": (1000,),
    }
    assert expected.items() <= found.items()


def test_multiply_adds_of_module_3a_worked_on_paper():
    # 28x28 places; 5x5 in the third branch
    reduced = 192 * 64 + 192 * 96 + 9 * 96 * 128 + 192 * 16 + 25 * 16 * 32 + 192 * 32
    naive = 192 * 64 + 9 * 192 * 128 + 25 * 192 * 32
    for reduce, expected in ((True, reduced), (False, naive)):
        module = Inception(192, WIDTHS["3a"], large=5, batch_norm=False, reduce=reduce)
        assert count_multiply_adds(module, (192, 28, 28)) == 784 * expected
    assert reduced == 163_328


def test_a_module_joins_its_branches_in_order():
    torch.manual_seed(0)
    module = Inception(8, Widths(2, 3, 4, 3, 5, 6), large=5).eval()
    x = torch.randn(2, 8, 7, 9)
    with torch.no_grad():
        y = module(x)
        parts = torch.split(y, [2, 4, 5, 6], dim=1)
        for part, branch in zip(
            parts, (module.branch1, module.branch2, module.branch3, module.branch4), strict=True
        ):
            assert torch.equal(part, branch(x))
    assert module.out_channels == y.shape[1] == 17
    naive = Inception(8, Widths(2, 3, 4, 3, 5, 6), reduce=False)
    assert naive(x).shape[1] == naive.out_channels == 2 + 4 + 5 + 8


def test_a_1x1_convolution_is_a_matrix_product_at_each_pixel():
    layer = ConvReLU(5, 3, kernel_size=1, batch_norm=False).double()
    x = torch.randn(2, 5, 4, 6, dtype=torch.float64)
    products = torch.einsum("oc,nchw->nohw", layer.conv.weight[:, :, 0, 0], x)
    products += layer.conv.bias[:, None, None]
    torch.testing.assert_close(layer(x), products.relu())


def test_forward_returns_logits_in_training_too_and_heads_take_no_part():
    model = create_model("googlenet", num_classes=7, seed=0, options={"aux_logits": True})
    assert model.training
    logits = model(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 7)
    logits.sum().backward()
    assert model.aux1.fc2.weight.grad is None
    assert model.conv1.conv.weight.grad is not None


def test_paper_form_with_heads():
    model = create_model("googlenet2014", num_classes=5, seed=0, options={"aux_logits": True}).eval()
    with torch.no_grad():
        assert [logits.shape for logits in model.all_logits(torch.randn(1, 3, 224, 224))] == [(1, 5)] * 3
        with pytest.raises(ValueError, match="auxiliary head needs maps of 14x14, got 6x6; give the network"):
            model.all_logits(torch.zeros(1, 3, 96, 96))


@pytest.mark.parametrize(
    ("name", "least", "pool"), [("googlenet", 15, "maxpool3"), ("googlenet2014", 31, "maxpool4")]
)
def test_the_least_size_is_the_least(name, least, pool):
    model = create_model(name).eval()
    assert model(torch.zeros(1, 3, least, least)).shape == (1, 10)
    with pytest.raises(
        ValueError, match=rf"at least {least}x{least}, got \(1, 3, {least - 1}, 40\): {pool} "
    ):
        model(torch.zeros(1, 3, least - 1, 40))
    # the rule is not ours: without it, the layer that it names fails
    model.image_rule = ImageRule(in_channels=3)
    reached = []
    getattr(model, pool).register_forward_pre_hook(lambda *_: reached.append(pool))
    with pytest.raises(RuntimeError, match="too small"):
        model(torch.zeros(1, 3, least - 1, least - 1))
    assert reached


BLOCKS = ("module", "naive", "detour", "row", "deep_row")


@pytest.mark.parametrize("block", BLOCKS)
def test_small_form(block):
    model = create_model("small_googlenet", num_classes=4, in_channels=1, seed=0, options={"block": block})
    model(torch.randn(2, 1, 32, 32)).logsumexp(dim=1).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    maps = model.features(torch.zeros(1, 1, 32, 32))
    assert maps.shape[2:] == (8, 8)  # poolings are in the same places
    assert maps.shape[1] == {"naive": 312, "row": 64, "deep_row": 40}.get(block, 128)


def test_blocks_of_equal_cost():
    """Multiply-adds of the four places worked on paper; whole networks agree in work and in parameters."""
    modules = 256 * (2_400 + 7_168) + 64 * (17_760 + 31_488)
    rows = 256 * 9 * (16 * 24 + 24 * 28) + 64 * 9 * (28 * 60 + 60 * 64)
    work = {block: count_multiply_adds(SmallGoogLeNet(block=block), (3, 32, 32)) for block in BLOCKS}
    assert work["module"] == 27 * 16 * 1024 + modules + 1_280
    assert work["row"] == 27 * 16 * 1024 + rows + 640
    assert work["naive"] > 1.5 * work["module"]
    for block in ("detour", "row", "deep_row"):
        assert work[block] == pytest.approx(work["module"], rel=0.02)
        parameters = [count_parameters(SmallGoogLeNet(block=one)) for one in (block, "module")]
        assert parameters[0] == pytest.approx(parameters[1], rel=0.02)


def test_messages():
    with pytest.raises(ValueError, match=r"got \(1, 1, 64, 64\); make the network with in_channels=1"):
        create_model("googlenet")(torch.zeros(1, 1, 64, 64))
    with pytest.raises(ValueError, match=r"kernel_size must be odd, .* got 4; use 3 or 5"):
        Inception(192, WIDTHS["3a"], large=4)
    with pytest.raises(ValueError, match="no auxiliary heads; make it with aux_logits=True"):
        create_model("googlenet").all_logits(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match=r"at least 4x4, got \(1, 3, 3, 8\): the second pooling"):
        create_model("small_googlenet")(torch.zeros(1, 3, 3, 8))
    with pytest.raises(ValueError, match="needs maps of 14x14, got 4x4"):
        AuxiliaryHead(8, 10, paper=True)(torch.zeros(1, 8, 4, 4))
    with pytest.raises(ValueError, match=r"block is unknown: 'rows'\. Did you mean 'row'"):
        SmallGoogLeNet(block="rows")
    with pytest.raises(TypeError, match=r"widths must be Widths\(\.\.\.\), .* got \(64, 96\)"):
        Inception(192, (64, 96))
