"""A network at work: the strip's maps are the network's own, in their order, with what stands around them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from cnncourse import models, plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(27, 3),
    )  # fmt: skip


def an_image(seed=0):
    return np.random.default_rng(seed).random((1, 8, 8)).astype(np.float32)


def pictures(ax):
    return [np.asarray(picture.get_array()) for picture in ax.images]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_maps_are_what_the_layers_give():
    net, x = small(), an_image()
    drawn = pictures(plots.network_strip(net, x))
    with torch.inference_mode():
        rectified = net.eval()[:3](torch.tensor(x)[None])[0]
        pooled = net[3](rectified[None])[0]
    assert len(drawn) == 1 + 3 + 3
    np.testing.assert_allclose(drawn[0], (x[0] - x.min()) / (x.max() - x.min()), atol=1e-6)
    np.testing.assert_allclose(drawn[1:4], rectified, atol=1e-6)
    np.testing.assert_allclose(drawn[4:], pooled, atol=1e-6)


def test_titles_sizes_and_parameters_stand_around_them():
    seen = texts(plots.network_strip(small(), an_image(), names=["a", "b", "c"]))
    assert seen == [
        "image", "1 channel\n8×8", "parameters:", "conv 3×3\nReLU", "3 maps\n6×6", "33",
        "max\npool", "3 maps\n3×3", "0", "a", "b", "c", "dense\nsoftmax", "3\nnumbers", "84",
    ]  # fmt: skip


def test_bars_are_the_probabilities_of_the_names():
    net, x = small(), an_image()
    ax = plots.network_strip(net, x, names=["a", "b", "c"])
    bars = [patch for patch in ax.patches if patch.get_fill()]
    lengths = np.array([bar.get_width() for bar in bars])
    with torch.inference_mode():
        expected = net.eval()(torch.tensor(x)[None]).softmax(dim=1)[0].numpy()
    np.testing.assert_allclose(lengths / lengths.sum(), expected, atol=1e-6)
    (bold,) = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == "abc"[int(expected.argmax())]


def test_channels_that_vary_most_are_chosen_and_pooling_keeps_the_choice():
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d(2))
    with torch.no_grad():
        net[0].weight[:, :, 0, 0] = torch.tensor([[0.5, 0.0], [0.0, 3.0], [1.0, 0.0]])
        net[0].bias.zero_()
    ramp = np.tile(np.linspace(0, 1, 8), (8, 1))
    checkers = np.indices((8, 8)).sum(axis=0) % 2  # varies most, and not at all once it is averaged
    drawn = pictures(plots.network_strip(net, np.stack([ramp, checkers]).astype(np.float32), maps=2))
    np.testing.assert_allclose(drawn[1:3], [3 * checkers, ramp], atol=1e-6)
    np.testing.assert_allclose(drawn[3], np.full((4, 4), 1.5), atol=1e-6)
    np.testing.assert_allclose(drawn[4], ramp.reshape(4, 2, 4, 2).mean(axis=(1, 3)), atol=1e-6)


def test_maps_with_negative_values_are_blue_and_orange():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1), nn.ReLU())
    torch.manual_seed(0)
    first, *_, last = plots.network_strip(net, an_image()).images[1:]
    assert first.get_cmap().name == "signed"
    assert first.get_clim()[0] == -first.get_clim()[1]
    assert last.get_cmap().name == "gray"
    assert last.get_clim()[0] == 0


def test_a_given_image_is_drawn_in_place_of_the_input():
    photo = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    first = pictures(plots.network_strip(small(), an_image(), image=photo))[0]
    np.testing.assert_allclose(first, photo.transpose(1, 2, 0) / 255)


def test_a_network_too_long_for_one_line_goes_on_below():
    model = models.create_model("double_conv_gap", num_classes=10, seed=0)
    ax = plots.network_strip(model, np.zeros((3, 32, 32), np.float32), maps=2)
    corners = {(round(p.get_extent()[0], 2), round(p.get_extent()[3], 2)) for p in ax.images}
    assert len({y for _, y in corners}) >= 4
    left, right = min(p.get_extent()[0] for p in ax.images), max(p.get_extent()[1] for p in ax.images)
    assert left >= 0
    assert right <= ax.get_xlim()[1]
    assert texts(ax).count("conv 3×3\nReLU") == 6


def test_vectors_between_are_columns_and_many_classes_are_the_ten_most_probable():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 30))
    with torch.no_grad():
        net[3].bias += torch.arange(30.0)
    ax = plots.network_strip(net, an_image(), names=[f"class {i}" for i in range(30)])
    assert pictures(ax)[-1].shape == (2, 1)
    assert [text for text in texts(ax) if text.startswith("class")] == [f"class {i}" for i in range(20, 30)]


def test_the_network_is_left_as_it_was():
    net = small().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plots.network_strip(net, an_image())
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_a_block_with_a_forward_of_its_own_is_one_column():
    seen = texts(
        plots.network_strip(
            models.create_model("resnet20", num_classes=10, seed=0), np.ones((3, 32, 32), np.float32)
        )
    )
    assert seen.count("Basic\nBlock") == 9


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"x must be one image \(C, H, W\), got shape \(8, 8\)"):
        plots.network_strip(small(), an_image()[0])
    with pytest.raises(ValueError, match="names has 2 names, but the network gives 3 outputs"):
        plots.network_strip(small(), an_image(), names=["a", "b"])
    with pytest.raises(ValueError, match="names has 1 names, but the network gives no vector"):
        plots.network_strip(nn.Sequential(nn.Conv2d(1, 2, 3)), an_image(), names=["a"])
    with pytest.raises(ValueError, match="an image 3 x 8 x 8 does not pass through Sequential"):
        plots.network_strip(small(), np.ones((3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="maps must be at least 1, got 0"):
        plots.network_strip(small(), an_image(), maps=0)


def test_what_is_drawn_at_the_end_is_what_the_network_returns():
    class Tempered(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1, bias=False)
            self.dense = nn.Linear(4, 2, bias=False)
            nn.init.ones_(self.conv.weight)
            nn.init.constant_(self.dense.weight[0], 0.0)
            nn.init.constant_(self.dense.weight[1], 5.0)

        def forward(self, x):
            return self.dense(self.conv(x).flatten(1)) / 20

    ax = plots.network_strip(Tempered(), np.ones((1, 2, 2), np.float32), names=["no", "yes"])
    right = max(patch.get_x() for patch in ax.patches)
    no, yes = (patch.get_width() for patch in ax.patches if patch.get_x() == right)
    assert np.isclose(yes / no, np.e, rtol=0.01)  # scores 0 and 20 / 20
