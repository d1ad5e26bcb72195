"""Exercises of the chapter on LeNet: what a layer's weights number, what is left to flatten, subsampling."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse import convolution
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Layers = list[tuple[int, int, int, int]]


def _convolutions(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 1, 1, 1, True
    yield 1, 6, 5, True
    yield 6, 16, 5, True
    yield 6, 16, 5, False
    for bias in (True, False, True, True):
        widths = rng.choice(np.arange(2, 40), size=2, replace=False)
        yield int(widths[0]), int(widths[1]), int(rng.integers(2, 8)), bias


def _count_parameters(in_channels: int, out_channels: int, kernel_size: int, bias: bool) -> int:
    return in_channels * out_channels * kernel_size**2 + bias * out_channels


check_count_parameters = Task(
    "count_parameters",
    "Given the in_channels and out_channels of a convolution, the side kernel_size of its square kernels, "
    "and whether it has a bias. Return the number of its parameters.",
    _count_parameters,
    _convolutions,
    (
        Mistake(
            "no biases",
            "The biases are missing.",
            lambda C_in, C_out, K, bias: C_in * C_out * K**2,
            ("What is added to every place of an output channel?",),
        ),
        Mistake(
            "one bias",
            "You count one bias for the layer; each output channel has its own.",
            lambda C_in, C_out, K, bias: C_in * C_out * K**2 + bias,
            ("What is the shape of the bias of nn.Conv2d(1, 6, 5)?",),
        ),
        Mistake(
            "bias for each kernel",
            "You count a bias for each kernel; a filter has one kernel for each input channel, and one bias.",
            lambda C_in, C_out, K, bias: C_in * C_out * (K**2 + bias),
            ("What is the shape of the bias of nn.Conv2d(6, 16, 5)?",),
        ),
        Mistake(
            "biases of the inputs",
            "You count a bias for each input channel; each output channel has one.",
            lambda C_in, C_out, K, bias: C_in * C_out * K**2 + bias * C_in,
            ("To what is a bias added?",),
        ),
        Mistake(
            "always a bias",
            "You count biases where there are none.",
            lambda C_in, C_out, K, bias: _count_parameters(C_in, C_out, K, True),
            ("Where is `bias` in your function?",),
        ),
        Mistake(
            "one input channel",
            "A filter has a kernel for each input channel; you count one.",
            lambda C_in, C_out, K, bias: C_out * (K**2 + bias),
            ("What is the shape of the weight of nn.Conv2d(6, 16, 5)?",),
        ),
        Mistake(
            "a row of a kernel",
            "A kernel has side times side weights; you count its side.",
            lambda C_in, C_out, K, bias: C_in * C_out * K + bias * C_out,
            ("How many numbers are in a 5x5 kernel?",),
        ),
        Mistake(
            "one filter",
            "You count one filter; there is one for each output channel.",
            lambda C_in, C_out, K, bias: C_in * K**2 + bias,
            ("What is the shape of the weight of nn.Conv2d(6, 16, 5)?",),
        ),
    ),
    by_hand=False,
)


def _networks(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 3, [(2, 3, 1, 0)]
    yield 8, [(1, 3, 1, 1)]
    yield 32, [(6, 5, 1, 0), (6, 2, 2, 0), (16, 5, 1, 0), (16, 2, 2, 0)]
    for _ in range(6):
        layers = []
        for _ in range(int(rng.integers(2, 4))):
            kernel = int(rng.integers(2, 5))
            stride, padding = int(rng.integers(1, 4)), int(rng.integers(0, kernel // 2 + 1))
            layers.append((int(rng.integers(2, 9)), kernel, stride, padding))
        yield int(rng.integers(50, 90)), layers


def _count_features(size: int, layers: Layers) -> int:
    return _last(layers) * _side(size, layers) ** 2


def _last(layers: Layers) -> int:
    return layers[-1][0]


def _side(size: int, layers: Layers) -> int:
    for _, kernel, stride, padding in layers:
        size = convolution.output_size(size, kernel, stride, padding)
    return size


def _other_side(size: int, layers: Layers, step: Any) -> int:
    """Return the number of features if a layer makes `step(size, kernel, stride, padding)` of a side."""
    for _, *layer in layers:
        size = step(size, *layer)
    return _last(layers) * size**2


check_count_features = Task(
    "count_features",
    "Given the side of a square image, and a network's convolutions and poolings from the first to the "
    "last, as a list of (out_channels, kernel, stride, padding). After the last comes nn.Flatten. Return "
    "the number of inputs that the first dense layer has.",
    _count_features,
    _networks,
    (
        Mistake(
            "channels alone",
            "That's the number of channels; each is a map with many places.",
            lambda size, layers: _last(layers),
            ("What is the shape of the maps before nn.Flatten?",),
        ),
        Mistake(
            "one map",
            "That's the number of places of one map; there's one map for each channel.",
            lambda size, layers: _side(size, layers) ** 2,
            ("What is the shape of the maps before nn.Flatten?",),
        ),
        Mistake(
            "one row",
            "A map has rows and columns: its side counts twice.",
            lambda size, layers: _last(layers) * _side(size, layers),
            ("What is the shape of the maps before nn.Flatten?",),
        ),
        Mistake(
            "no plus one",
            "Your maps are too small: you count the steps between the window's stops, which are one more.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: (n + 2 * p - k) // s),
            ("How many stops has a window of 3 on an image of 3?",),
        ),
        Mistake(
            "padding once",
            "You add the padding once; it's put on both sides.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: (n + p - k) // s + 1),
            ("How wide is an image of 5 with one pixel of padding?",),
        ),
        Mistake(
            "no padding",
            "You leave out the padding.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: (n - k) // s + 1),
            ("How wide is an image of 5 with one pixel of padding?",),
        ),
        Mistake(
            "divided by the strides",
            "You divide the side by the strides alone; kernels without padding take something off too.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: n // s),
            ("How large is a map of 5 after a 3x3 convolution without padding?",),
        ),
        Mistake(
            "no strides",
            "You leave out the strides.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: n + 2 * p - k + 1),
            ("A stride of 2 halves the side, nearly.",),
        ),
        Mistake(
            "rounded up",
            "You round up. A window that doesn't fit any more is left out.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1),
            ("How many whole windows of 2 fit into 5 pixels?",),
        ),
        Mistake(
            "last layer left out",
            "The last layer's kernel and stride are left out.",
            lambda size, layers: _last(layers) * _side(size, layers[:-1]) ** 2,
            ("After which layer comes nn.Flatten?",),
        ),
    ),
    by_hand=False,
)


def _maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.array([1.0]), np.array([0.0])
    yield np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.array([0.5]), np.array([7.0])
    for shape in ((2, 3, 4, 4), (1, 2, 4, 6), (2, 4, 6, 8)):
        yield rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])


def _subsample(x: Array, weight: Array, bias: Array) -> Array:
    return np.asarray(_sums(x) * weight[:, None, None] + bias[:, None, None])


def _sums(x: Array) -> Array:
    N, C, H, W = x.shape
    return np.asarray(x.reshape(N, C, H // 2, 2, W // 2, 2).sum(axis=(3, 5)))


def _largest(x: Array) -> Array:
    N, C, H, W = x.shape
    return np.asarray(x.reshape(N, C, H // 2, 2, W // 2, 2).max(axis=(3, 5)))


def _overlapping(x: Array) -> Array:
    return np.asarray(x[:, :, :-1, :-1] + x[:, :, 1:, :-1] + x[:, :, :-1, 1:] + x[:, :, 1:, 1:])


check_subsample = Task(
    "subsample",
    "Given maps x (N, C, H, W) of even sides, a weight (C,) and a bias (C,). LeNet-5 of 1998 shrank its "
    "maps so: the four values of each 2x2 window, side by side, are added, the sum is multiplied by its "
    "channel's weight, and the channel's bias is added. Return the smaller maps (N, C, H / 2, W / 2), "
    "before the sigmoid.",
    _subsample,
    _maps,
    (
        Mistake(
            "mean",
            "You average the four values; they are added.",
            lambda x, weight, bias: _subsample(x, weight / 4, bias),
            ("What comes out where all values are 1, the weight is 1 and the bias 0?",),
        ),
        Mistake(
            "maximum",
            "You take the largest value; here all four are added.",
            lambda x, weight, bias: _largest(x) * weight[:, None, None] + bias[:, None, None],
            ("Max pooling came later.",),
        ),
        Mistake(
            "bias first",
            "You add the bias before you multiply by the weight.",
            lambda x, weight, bias: (_sums(x) + bias[:, None, None]) * weight[:, None, None],
            ("Brackets.",),
        ),
        Mistake(
            "bias for each value",
            "The bias is added to each of the four values; it's added once.",
            lambda x, weight, bias: _subsample(x, weight, 4 * bias),
            ("What comes out where all values are 0?",),
        ),
        Mistake(
            "no bias",
            "The bias is missing.",
            lambda x, weight, bias: _subsample(x, weight, 0 * bias),
            ("What comes out where all values are 0?",),
        ),
        Mistake(
            "no weight",
            "The weight is missing.",
            lambda x, weight, bias: _subsample(x, np.ones(len(weight)), bias),
            ("Where is `weight` in your function?",),
        ),
        Mistake(
            "windows overlap",
            "Your windows overlap; they lie side by side.",
            lambda x, weight, bias: _overlapping(x) * weight[:, None, None] + bias[:, None, None],
            ("How many windows fit side by side into a map of 4x4?",),
        ),
        Mistake(
            "first value",
            "You keep the first value of each window and drop the others.",
            lambda x, weight, bias: x[:, :, ::2, ::2] * weight[:, None, None] + bias[:, None, None],
            ("On how many values does an output depend?",),
        ),
    ),
)
