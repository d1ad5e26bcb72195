"""The drawings of the convolution chapter: what stands on the axes."""

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from cnncourse import plots
from cnncourse.convolution import coverage, output_size
from cnncourse.plots._style import KERNEL, OUTPUT


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def boxes(ax, color):
    """Return (x, y, width, height) of the outlines in a color."""
    wanted = mpl.colors.to_rgba(color)
    found = [p for p in ax.patches if mpl.colors.same_color(p.get_edgecolor(), wanted)]
    return [(*p.get_xy(), p.get_width(), p.get_height()) for p in found]


def test_a_step_frames_the_window_and_writes_the_sum():
    image = np.arange(25).reshape(5, 5)
    axes = plots.convolution.conv_step(image, [[1, 0], [0, -2]], row=1, column=0, stride=(2, 1))
    assert boxes(axes[0], KERNEL) == [(-0.5, 1.5, 2, 2)]
    assert boxes(axes[2], OUTPUT) == [(-0.5, 0.5, 1, 1)]
    assert axes[0].figure.texts[-1].get_text() == "1·10 + 0·11 + 0·15 + −2·16 = −22"
    assert texts(axes[2])[4] == "−22"
    with pytest.raises(ValueError, match=r"row and column must name an output of \(4, 4\), got \(4, 0\)"):
        plots.convolution.conv_step(image, [[1, 0], [0, -2]], row=4, column=0)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation"),
    [(8, 3, 2, 0, 1), (6, 3, 2, "same", 1), (9, 3, 1, 1, 2), (7, 2, 3, (0, 2), 1)],
)
def test_stops_are_as_many_as_outputs(size, kernel, stride, padding, dilation):
    ax = plots.convolution.stops(size, kernel, stride, padding, dilation)
    count = output_size(size, kernel, stride, padding, dilation)
    assert len(boxes(ax, KERNEL)) == count * kernel
    assert texts(ax) == [str(pixel) for pixel in range(size)]
    crossed = sum(len(line.get_xdata()) == 2 and line.get_linewidth() == 1.5 for line in ax.lines) // 2
    seen = coverage((1, size), (1, kernel), (1, stride), ((0, 0), pad(padding, ax, size)), (1, dilation))
    assert crossed == int((seen == 0).sum())


def pad(padding, ax, size):
    """Return how many pixels the drawing shows on each side."""
    if not isinstance(padding, str):
        return padding
    hatched = [p.get_x() for p in ax.patches if p.get_hatch()]
    return sum(x < size / 2 for x in hatched), sum(x >= size / 2 for x in hatched)


def test_stops_count_x_from_the_first_pixel_whatever_the_padding():
    for before in (0, 1, 2):
        ax = plots.convolution.stops(6, 3, stride=2, padding=(before, 1))
        first = next(text for text in ax.texts if text.get_text() == "0")
        assert first.get_position()[0] == 0.5
        assert min(x for x, *_ in boxes(ax, KERNEL)) == pytest.approx(0.06 - before)


def test_stops_say_what_they_show():
    title = plots.convolution.stops(6, 3, stride=2, padding=(0, 1)).get_title()
    assert title == "6 pixels, kernel 3, stride 2, padding 0 and 1: 3 outputs"
    assert plots.convolution.stops(5, 3, dilation=2).get_title() == "5 pixels, kernel 3, dilation 2: 1 output"
    axes = plots.figure(2, 1)[1]
    assert plots.convolution.stops(5, 3, ax=axes[1], title="mine") is axes[1]
    assert axes[1].get_title() == "mine"


def test_blocks_draw_a_kernel_for_each_input_in_each_filter():
    ax = plots.convolution.conv_blocks(3, 2, kernel_size=5, size=(8, 9), output=(4, 5))
    assert len(boxes(ax, KERNEL)) == 2 * 3
    assert len(boxes(ax, OUTPUT)) == 2
    assert texts(ax) == ["input\n3 × 8 × 9", "2 filters\neach 3 × 5 × 5", "2 feature maps\n2 × 4 × 5"]
    many = plots.convolution.conv_blocks(64, 128)
    assert len(boxes(many, OUTPUT)) == 6
    assert texts(many)[1].startswith("128 filters\neach 64")


def test_padding_frames_hold_the_padded_picture():
    image = np.random.default_rng(0).random((3, 5, 6))
    axes = plots.convolution.padding_frames(image, 2)
    for ax in axes:
        assert ax.images[0].get_array().shape == (9, 10, 3)
        np.testing.assert_array_equal(ax.images[0].get_array()[2:-2, 2:-2], image.transpose(1, 2, 0))
        assert (1.5, 1.5, 6, 5) in boxes(ax, KERNEL)
    gray = plots.convolution.padding_frames(image[0], 1, modes=("zeros",))
    assert gray.images[0].get_array().shape == (7, 8)


def test_signals_have_one_scale_and_one_time_axis():
    time = np.linspace(0, 1, 50)
    axes = plots.signals(time, {"in": np.sin(time), "out": 3 * time}, xlabel="s")
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert [ax.get_title(loc="left") for ax in axes] == ["in", "out"]
    assert axes[-1].get_xlabel() == "s"
