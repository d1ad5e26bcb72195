"""Exercises of the chapter on VGG: two kernels in one, work of a layer, weights of a plan, memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse.convolution import output_size
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Layout = list[int | str]


def _two_kernels(rng: np.random.Generator) -> dict[str, Array]:
    ends, middles = [-3, -2, -1, 1, 2, 3], [-2, -1, 0, 1, 2]
    return {name: np.array([rng.choice(ends), rng.choice(middles), rng.choice(ends)]) for name in ("a", "b")}


check_multiply_out = Pencil(
    "multiply_out",
    "the five weights, from left to right",
    _two_kernels,
    lambda a, b: np.convolve(a, b),
    (
        Mistake(
            "second turned round",
            "That's right if you turn b round; both kernels slide as they are.",
            lambda a, b: np.convolve(a, b[::-1]),
            ("Write z_0 with y_0, y_1 and y_2, and then each of them with x.",),
        ),
        Mistake(
            "first turned round",
            "That's right if you turn a round; both kernels slide as they are.",
            lambda a, b: np.convolve(a[::-1], b),
            ("Write z_0 with y_0, y_1 and y_2, and then each of them with x.",),
        ),
        Mistake(
            "from right to left",
            "You have the weights from right to left.",
            lambda a, b: np.convolve(a, b)[::-1],
            ("Which weight does x_0 get?",),
        ),
        Mistake(
            "added",
            "You add the kernels, one of them moved by two; they multiply.",
            lambda a, b: np.append(a, [0, 0]) + np.append([0, 0], b),
            ("What is z_0, if all of x is 0 but x_0?",),
        ),
        Mistake(
            "equal places alone",
            "Only products of equal places are in yours; each weight of a meets each weight of b.",
            lambda a, b: np.array([a[0] * b[0], 0, a[1] * b[1], 0, a[2] * b[2]]),
            ("How many products are there in all?",),
        ),
        Mistake(
            "three weights",
            "You have the middle three; the stack sees five numbers.",
            lambda a, b: np.convolve(a, b)[1:4],
            ("Which numbers of the row does z_0 depend on?",),
        ),
        Mistake(
            "three products",
            "Only three products are in yours; each weight of a meets each weight of b.",
            lambda a, b: a * b,
            ("How many products are there in all?",),
        ),
    ),
)


def _layers(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 1, 1, 1, 2, 1, 0
    yield 1, 2, 3, 4, 1, 1
    yield 3, 64, 3, 224, 1, 1
    yield 3, 64, 7, 224, 2, 3
    for _ in range(6):
        kernel = int(rng.integers(2, 6))
        channels = rng.integers(2, 30, size=2)
        stride, padding = int(rng.integers(1, 4)), int(rng.integers(0, 2))
        yield int(channels[0]), int(channels[1]), kernel, int(rng.integers(10, 60)), stride, padding


def _count_multiply_adds(
    in_channels: int, out_channels: int, kernel_size: int, size: int, stride: int, padding: int
) -> int:
    places = output_size(size, kernel_size, stride, padding) ** 2
    return in_channels * out_channels * kernel_size**2 * places


def _work(count: Any) -> Any:
    """Return a count of weights, the output's side and the input's, output channels and the kernel's side."""

    def function(
        in_channels: int, out_channels: int, kernel_size: int, size: int, stride: int, padding: int
    ) -> Any:
        side = output_size(size, kernel_size, stride, padding)
        return count(in_channels * out_channels * kernel_size**2, side, size, out_channels, kernel_size)

    return function


check_count_multiply_adds = Task(
    "count_multiply_adds",
    "Given in_channels and out_channels of a convolution, its kernel_size, the side of its square input, "
    "its stride and padding. A multiplication with its addition counts once, and biases don't count. Return "
    "the number of multiply-adds for one image.",
    _count_multiply_adds,
    _layers,
    (
        Mistake(
            "weights alone",
            "That's the number of weights; each is used at every place of the output.",
            _work(lambda weights, side, size, C, K: weights),
            ("How often is one weight used?",),
        ),
        Mistake(
            "places of the input",
            "You count the places of the input; the kernel stops at those of the output.",
            _work(lambda weights, side, size, C, K: weights * size**2),
            ("How many numbers does the layer compute?",),
        ),
        Mistake(
            "one row of places",
            "The output has rows and columns: its side counts twice.",
            _work(lambda weights, side, size, C, K: weights * side),
            ("How many places has a map of 4x4?",),
        ),
        Mistake(
            "no stride",
            "You count as if the kernel stopped at every pixel.",
            lambda C_in, C_out, K, size, stride, padding: _count_multiply_adds(
                C_in, C_out, K, size, 1, padding
            ),
            ("How many places are left with a stride of 2?",),
        ),
        Mistake(
            "no padding",
            "You leave out the padding, which makes the output larger.",
            lambda C_in, C_out, K, size, stride, padding: _count_multiply_adds(
                C_in, C_out, K, size, stride, 0
            ),
            ("How large is the output with padding?",),
        ),
        Mistake(
            "counted twice",
            "You count multiplications and additions by themselves; here a pair counts once.",
            _work(lambda weights, side, size, C, K: 2 * weights * side**2),
            ("Multiply-adds, or operations?",),
        ),
        Mistake(
            "biases counted",
            "You count the biases; they aren't multiplied with anything.",
            _work(lambda weights, side, size, C, K: (weights + C) * side**2),
            ("How many products are in one output?",),
        ),
        Mistake(
            "a row of a kernel",
            "A kernel has side times side weights; you count its side.",
            _work(lambda weights, side, size, C, K: weights // K * side**2),
            ("How many numbers are in a 3x3 kernel?",),
        ),
        Mistake(
            "no plus one",
            "Your output is too small: you count the steps between the kernel's stops, which are one more.",
            lambda C_in, C_out, K, size, stride, padding: (
                C_in * C_out * K**2 * ((size + 2 * padding - K) // stride) ** 2
            ),
            ("How many stops has a kernel of 3 on an image of 3?",),
        ),
        Mistake(
            "padding once",
            "You add the padding once; it's put on both sides.",
            lambda C_in, C_out, K, size, stride, padding: (
                C_in * C_out * K**2 * ((size + padding - K) // stride + 1) ** 2
            ),
            ("How wide is an image of 5 with one pixel of padding?",),
        ),
        Mistake(
            "fractions",
            "Your output's side may be a fraction. A kernel that doesn't fit any more doesn't stop.",
            lambda C_in, C_out, K, size, stride, padding: (
                C_in * C_out * K**2 * ((size + 2 * padding - K) / stride + 1) ** 2
            ),
            ("How many whole kernels of 2, side by side, fit into 5 pixels?", "/ or //?"),
        ),
        Mistake(
            "one input channel",
            "A filter has a kernel for each input channel; you count one.",
            lambda C_in, C_out, K, size, stride, padding: _count_multiply_adds(
                1, C_out, K, size, stride, padding
            ),
            ("What is the shape of the weight of nn.Conv2d(64, 128, 3)?",),
        ),
    ),
    by_hand=False,
)


def _layouts(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [2, "M"], 1
    yield [2, 3], 1
    yield [4, "M", 8, 8, "M"], 3
    for _ in range(5):
        layout: Layout = []
        for width in rng.choice(np.arange(2, 30), size=int(rng.integers(2, 5)), replace=False):
            layout += [int(width)] * int(rng.integers(1, 4)) + ["M"]
        yield layout, int(rng.integers(1, 5))


def _widths(layout: Layout) -> list[int]:
    return [width for width in layout if isinstance(width, int)]


def _count_layout(layout: Layout, in_channels: int) -> int:
    return _plan(layout, in_channels, lambda a, b: (9 * a + 1) * b)


def _plan(layout: Layout, in_channels: int, count: Any) -> int:
    """Return the sum of `count(inputs, outputs)` over all convolutions."""
    widths = _widths(layout)
    return sum(count(a, b) for a, b in zip([in_channels, *widths], widths, strict=False))


def _with_poolings(layout: Layout, in_channels: int) -> int:
    total, before = 0, in_channels
    for entry in layout:
        now = before if isinstance(entry, str) else entry
        total += (9 * before + 1) * now
        before = now
    return total


def _reset(layout: Layout, in_channels: int) -> int:
    total, before = 0, in_channels
    for entry in layout:
        if isinstance(entry, str):
            before = in_channels
        else:
            total += (9 * before + 1) * entry
            before = entry
    return total


check_count_layout = Task(
    "count_layout",
    "Given the layout of VGG's convolutions as a list, in which a number is a 3x3 convolution with that many "
    "output channels, with a bias, and 'M' is a pooling; and the image's in_channels. "
    "Return the number of weights and biases.",
    _count_layout,
    _layouts,
    (
        Mistake(
            "no biases",
            "The biases are missing.",
            lambda layout, C: _plan(layout, C, lambda a, b: 9 * a * b),
            ("What is added to every place of an output channel?",),
        ),
        Mistake(
            "kernels of one row",
            "A kernel has 9 weights; you count 3.",
            lambda layout, C: _plan(layout, C, lambda a, b: (3 * a + 1) * b),
            ("How many numbers are in a 3x3 kernel?",),
        ),
        Mistake(
            "image's channels everywhere",
            "Every layer sees the image's channels in yours; a layer sees those of the layer before.",
            lambda layout, C: sum((9 * C + 1) * width for width in _widths(layout)),
            ("What is the input of the second convolution?",),
        ),
        Mistake(
            "own channels",
            "Every layer has as many input channels as output channels in yours.",
            lambda layout, C: sum((9 * width + 1) * width for width in _widths(layout)),
            ("What is the input of the first convolution?",),
        ),
        Mistake(
            "poolings counted",
            "You count a convolution for each pooling, which has no weights.",
            _with_poolings,
            ("What does max pooling learn?",),
        ),
        Mistake(
            "channels lost at the poolings",
            "After a pooling you begin with the image's channels again; pooling keeps the channels.",
            _reset,
            ("What is the shape of the maps after a pooling?",),
        ),
        Mistake(
            "one bias for each layer",
            "You count one bias for each layer; each output channel has its own.",
            lambda layout, C: _plan(layout, C, lambda a, b: 9 * a * b + 1),
            ("What is the shape of the bias of nn.Conv2d(3, 64, 3)?",),
        ),
        Mistake(
            "one channel",
            "A filter has a kernel for each input channel; you count one.",
            lambda layout, C: _plan(layout, C, lambda a, b: 10 * b),
            ("What is the shape of the weight of nn.Conv2d(64, 128, 3)?",),
        ),
    ),
    by_hand=False,
)


def _kept(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [2, "M"], 4
    yield [2, "M", 3, "M"], 4
    for layout, _ in _layouts(rng):
        yield layout, int(rng.choice([16, 32, 48, 64]))


def _count_activations(layout: Layout, size: int) -> int:
    return _numbers(layout, size)


def _numbers(layout: Layout, size: int, *, halves: bool = True, pools: bool = False, power: int = 2) -> int:
    total, channels = 0, 0
    for entry in layout:
        if isinstance(entry, str):
            size = size // 2 if halves else size
            total += pools * channels * size**power
        else:
            channels = entry
            total += channels * size**power
    return total


def _last_of_a_block(layout: Layout, size: int) -> int:
    total = 0
    for entry, after in zip(layout, [*layout[1:], "M"], strict=True):
        if isinstance(entry, str):
            size //= 2
        elif isinstance(after, str):
            total += entry * size**2
    return total


def _halved_first(layout: Layout, size: int) -> int:
    return _numbers(layout, size // 2)


check_count_activations = Task(
    "count_activations",
    "Given the layout of VGG's convolutions as a list, in which a number is a 3x3 convolution with that many "
    "output channels and padding 1, and 'M' is a pooling that halves both sides; and the side of a square "
    "image. For the backward pass, the outputs of all convolutions are kept. "
    "Return how many numbers these are, for one image.",
    _count_activations,
    _kept,
    (
        Mistake(
            "never halved",
            "All maps have the image's size in yours; a pooling halves both sides.",
            lambda layout, size: _numbers(layout, size, halves=False),
            ("How large are the maps after the first pooling?",),
        ),
        Mistake(
            "poolings counted",
            "You count the outputs of poolings too; those of convolutions are asked for.",
            lambda layout, size: _numbers(layout, size, pools=True),
            ("Which layers are to be counted?",),
        ),
        Mistake(
            "one row",
            "A map has rows and columns: its side counts twice.",
            lambda layout, size: _numbers(layout, size, power=1),
            ("How many numbers are in a map of 4x4?",),
        ),
        Mistake(
            "halved too early",
            "Your maps are halved once before the first pooling.",
            _halved_first,
            ("How large are the maps of the first convolution?",),
        ),
        Mistake(
            "channels left out",
            "You count one map for each layer; there's one for each output channel.",
            lambda layout, size: _numbers([entry if isinstance(entry, str) else 1 for entry in layout], size),
            ("What is the shape of a layer's output?",),
        ),
        Mistake(
            "image counted",
            "You count the image too.",
            lambda layout, size: _numbers(layout, size) + 3 * size**2,
            ("Is the image the output of a convolution?",),
        ),
        Mistake(
            "area halved",
            "You halve the number of places; halving both sides leaves a quarter.",
            lambda layout, size: sum(
                entry * size**2 // 2 ** layout[:place].count("M")
                for place, entry in enumerate(layout)
                if isinstance(entry, int)
            ),
            ("How many places has a map of 4x4, and of 2x2?",),
        ),
        Mistake(
            "last of each block",
            "You count the last convolution before each pooling alone; all of them are kept.",
            _last_of_a_block,
            ("Which inputs does the backward pass of the first convolution's neighbor need?",),
        ),
    ),
    by_hand=False,
)


def _in_a_row(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[2.0]]]]), np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    yield np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    yield np.array([[[[1.0]]], [[[10.0]]]]), np.array([[[[1.0]], [[2.0]]]])
    for M, C_in, C_out, K, L in ((2, 1, 3, 3, 3), (3, 2, 1, 3, 2), (2, 3, 4, 2, 3)):
        yield rng.normal(size=(M, C_in, K, K)), rng.normal(size=(C_out, M, L, L))


check_merge_layers = Task.broken(
    "merge_layers",
    "Given the weights of two convolutions in a row: first (M, C, K, K) and second (O, M, L, L), both with "
    "stride 1, without padding, biases or a ReLU. Return the weight (O, C, K + L - 1, K + L - 1) of the one "
    "convolution that gives the same.",
    '''
def merge_layers(first, second):
    """Return the weight of one layer that does what two do in a row."""
    M, C, K = first.shape[:3]
    O, L = len(second), second.shape[2]
    S = K + L - 1
    whole = np.zeros((O, C, S, S))
    for i, j in np.ndindex(L, L):
        part = np.einsum("om,mcpq->ocpq", second[:, :, i, j], first)
        whole[:, :, i : i + K, j : j + K] += part
    return whole
''',
    _in_a_row,
    (
        Bug(
            "overwritten",
            "+= part",
            "= part",
            "Two kernels full of ones give a kernel full of ones; more ways should lead to its middle.",
            ("In how many ways does a number in the middle come into the result?",),
        ),
        Bug(
            "turned round",
            "second[:, :, i, j]",
            "second[:, :, L - 1 - i, L - 1 - j]",
            "It's right if the second layer's kernels look the same after half a turn, and else it isn't.",
            ("Let the first layer be a single 1. What should the merged kernel look like?",),
        ),
        Bug(
            "turned over",
            "second[:, :, i, j]",
            "second[:, :, j, i]",
            "It's right if the second layer's kernels look the same with rows and columns swapped, and else "
            "it isn't.",
            ("Let the first layer be a single 1. What should the merged kernel look like?",),
        ),
        Bug(
            "too large",
            "S = K + L - 1",
            "S = K + L",
            "The kernels are too large: their last row and column are zeros.",
            ("What do two layers of 3x3 see?",),
        ),
        Bug(
            "last weights left out",
            "np.ndindex(L, L)",
            "np.ndindex(L - 1, L - 1)",
            "The last row and the last column of the merged kernels are zeros.",
            ("How many weights of the second layer's kernel are used?",),
        ),
        Bug(
            "a mean",
            "second[:, :, i, j], first)",
            "second[:, :, i, j] / M, first)",
            "With two channels between the layers, all of it is half of what it should be.",
            ("Does a convolution sum over its input channels, or average?",),
        ),
        Bug(
            "one channel between",
            "second[:, :, i, j], first)",
            "second[:, :1, i, j], first[:1])",
            "Only one of the channels between the layers counts.",
            ("Two layers of 1x1, with two channels between: do it with a pencil.",),
        ),
        Bug(
            "all in a corner",
            "whole[:, :, i : i + K, j : j + K]",
            "whole[:, :, :K, :K]",
            "Everything is in the upper left corner, and the rest is zeros.",
            ("Let the first layer be a single 1. What should the merged kernel look like?",),
        ),
        Bug(
            "channels swapped",
            "->ocpq",
            "->copq",
            "If input and output channels differ in number, it raises an error or has another shape.",
            ("Which axis of a weight is that of the output channels?",),
        ),
    ),
)
