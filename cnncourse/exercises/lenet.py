"""Exercises of the chapter on LeNet: its sizes on paper, parameters, what is left, subsampling, refusing."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnncourse import convolution
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Layers = list[tuple[int, int, int, int]]


def _plan(rng: np.random.Generator) -> dict[str, int]:
    return {
        "size": 4 * int(rng.integers(6, 12)),
        "channels": int(rng.choice([2, 3, 4])),
        "first": int(rng.choice([4, 6, 8, 10])),
        "second": int(rng.choice([12, 16, 20, 24])),
        "units": int(rng.choice([50, 60, 100, 120])),
    }


def _on_paper(size: int, channels: int, first: int, second: int, units: int) -> tuple[int, ...]:
    """Return the last maps' side, parameters and multiply-adds of the second convolution, and the units'."""
    side = size // 4 - 3
    weights = second * first * 25
    return side, weights + second, weights * (2 * side) ** 2, units * (second * side**2 + 1)


def _with_side(change: Any) -> Any:
    """Return the wrong way that has another side, and goes on from it."""

    def way(size: int, channels: int, first: int, second: int, units: int) -> tuple[int, ...]:
        side, before = change(size)
        weights = second * first * 25
        return side, weights + second, weights * before**2, units * (second * side**2 + 1)

    return way


_with_numbers = from_right(_on_paper)


check_lenet_on_paper = Pencil(
    "lenet_on_paper",
    "side, parameters and multiply-adds of conv 2, parameters of the dense layer",
    _plan,
    _on_paper,
    (
        Mistake(
            "padded",
            "Your maps keep their size in the convolutions, and there is no padding.",
            _with_side(lambda size: (size // 4, size // 2)),
            ("How many stops has a 5x5 kernel on a row of 5 pixels?",),
        ),
        Mistake(
            "five pixels lost",
            "Your convolutions take away five rows; a 5x5 kernel takes four.",
            _with_side(lambda size: (((size - 5) // 2 - 5) // 2, (size - 5) // 2 - 5)),
            ("How many stops has a 5x5 kernel on a row of 5 pixels?",),
        ),
        Mistake(
            "one convolution",
            "Four rows are lost in each of the two convolutions; you take them away once.",
            _with_side(lambda size: ((size // 2 - 4) // 2, size // 2 - 4)),
            ("Write the four sizes down, one after the other.",),
        ),
        Mistake(
            "not pooled at the end",
            "There is a second pooling, before the dense layer.",
            _with_side(lambda size: (size // 2 - 6, size // 2 - 6)),
            ("Which layer does nn.Flatten come after?",),
        ),
        Mistake(
            "one input map",
            "Your second convolution looks at one map; each of its filters looks at all of them.",
            _with_numbers(
                lambda side, parameters, work, dense, second, **_: (
                    side,
                    second * 26,
                    second * 25 * (2 * side) ** 2,
                    dense,
                )
            ),
            ("What is the shape of the weight of nn.Conv2d(6, 16, 5)?",),
        ),
        Mistake(
            "image's channels",
            "Your second convolution looks at the image's channels; it looks at the maps of the first.",
            _with_numbers(
                lambda side, parameters, work, dense, channels, second, **_: (
                    side,
                    second * (channels * 25 + 1),
                    channels * second * 25 * (2 * side) ** 2,
                    dense,
                )
            ),
            ("What does the second convolution get to see?",),
        ),
        Mistake(
            "no biases",
            "The biases are missing among your parameters.",
            _with_numbers(
                lambda side, parameters, work, dense, second, units, **_: (
                    side,
                    parameters - second,
                    work,
                    dense - units,
                )
            ),
            ("What is added to each output, after all products?",),
        ),
        Mistake(
            "bias for each kernel",
            "You count a bias for each kernel; a filter has one for all of its kernels together.",
            _with_numbers(
                lambda side, parameters, work, dense, first, second, **_: (
                    side,
                    second * first * 26,
                    work,
                    dense,
                )
            ),
            ("What is the shape of the bias of nn.Conv2d(6, 16, 5)?",),
        ),
        Mistake(
            "one map before",
            "You count one kernel for each filter of the second convolution; it has one for each map before.",
            _with_numbers(
                lambda side, parameters, work, dense, second, **_: (side, second * 26, work, dense)
            ),
            ("What is the shape of the weight of nn.Conv2d(6, 16, 5)?",),
        ),
        Mistake(
            "work of one place",
            "Your multiply-adds are those of one place; each weight is used at every place.",
            _with_numbers(
                lambda side, parameters, work, dense, **_: (side, parameters, work // (2 * side) ** 2, dense)
            ),
            ("How many times does the window stop?",),
        ),
        Mistake(
            "work after pooling",
            "Your multiply-adds are those of the pooled maps; the convolution works before the pooling.",
            _with_numbers(lambda side, parameters, work, dense, **_: (side, parameters, work // 4, dense)),
            ("How many times does the window stop?",),
        ),
        Mistake(
            "one row",
            "Your dense layer gets one row of each map; it gets all places.",
            _with_numbers(
                lambda side, parameters, work, dense, second, units, **_: (
                    side,
                    parameters,
                    work,
                    units * (second * side + 1),
                )
            ),
            ("What is the shape of the maps before nn.Flatten?",),
        ),
    ),
)


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
            "fractions",
            "Your sides may be fractions. A window that doesn't fit any more is left out.",
            lambda size, layers: _other_side(size, layers, lambda n, k, s, p: (n + 2 * p - k) / s + 1),
            ("How many whole windows of 2 fit into 5 pixels?", "/ or //?"),
        ),
        Mistake(
            "channels multiplied",
            "You multiply the channels of all layers; a layer has as many maps as its own out_channels.",
            lambda size, layers: math.prod(layer[0] for layer in layers) * _side(size, layers) ** 2,
            ("How many maps are left after the last layer?",),
        ),
        Mistake(
            "all layers",
            "You add up the numbers of all layers; only the last layer's maps reach nn.Flatten.",
            lambda size, layers: sum(
                _count_features(size, layers[:end]) for end in range(1, len(layers) + 1)
            ),
            ("What is the shape of the maps before nn.Flatten?",),
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
        Mistake(
            "cut anew",
            "You reshape so that four values in a row come together; a window has two of one row and two of "
            "the next.",
            lambda x, weight, bias: (
                x.reshape(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2, 4).sum(axis=-1)
                * weight[:, None, None]
                + bias[:, None, None]
            ),
            ("In which order do the numbers of a map lie in memory?",),
        ),
    ),
)


def _rows_and_codes(rng: np.random.Generator) -> Iterator[Inputs]:
    codes = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    yield np.array([[-1.0, -1.0], [1.0, 1.0]]), codes, 1.0
    yield np.array([[1.0, 3.0], [1.0, 4.0], [-2.0, -2.0]]), codes, 4.0
    for N, length, K, J in ((3, 4, 5, 4.0), (6, 4, 3, 6.0), (8, 3, 4, 2.0), (8, 5, 4, 5.0)):
        codes = rng.choice([-1.0, 1.0], size=(K, length))
        near = codes[rng.integers(K, size=N)] + rng.normal(
            scale=rng.uniform(0.3, 2.0, (N, 1)), size=(N, length)
        )
        yield near, codes, J


def _named(x: Array, codes: Array, J: float, *, least: bool = False, refused: int | None = None) -> Array:
    distances = ((x[:, None] - codes) ** 2).sum(axis=2)
    nearest = distances.min(axis=1)
    far = nearest >= J if least else nearest > J
    return np.where(far, len(codes) if refused is None else refused, distances.argmin(axis=1))


check_name_or_refuse = Task.broken(
    "name_or_refuse",
    "Given rows x (N, D), what a network drew; codes (K, D), one for each class; and a limit J. A row is "
    "named after the code with the smallest squared distance, unless that is more than J: then it's refused, "
    "and its number is K. Return the N answers.",
    '''
def name_or_refuse(x, codes, J):
    """Return the class of the nearest code for each row, or len(codes)."""
    answers = np.zeros(len(x), int)
    for n, row in enumerate(x):
        distances = ((row - codes) ** 2).sum(axis=1)
        answers[n] = distances.argmin()
        if distances.min() > J:
            answers[n] = len(codes)
    return answers
''',
    _rows_and_codes,
    (
        Bug(
            "farthest",
            "distances.argmin()",
            "distances.argmax()",
            "A row that is a code gets the number of another code.",
            ("Which answer does the second code get, if it's given as a row?",),
        ),
        Bug(
            "mean",
            ".sum(axis=1)",
            ".mean(axis=1)",
            "It hardly ever refuses, and the longer the codes are, the less.",
            ("What is the distance of two codes of 84 numbers that differ in one?",),
        ),
        Bug(
            "not squared",
            "((row - codes) ** 2)",
            "abs(row - codes)",
            "To be off by three in one number counts no more than to be off by one in three.",
            ("How far is (4, 1) from the code (1, 1)?",),
        ),
        Bug(
            "wrong way round",
            "distances.min() > J",
            "distances.min() < J",
            "It refuses what is a code, and names what is like none of them.",
            ("Which answer does the second code get, if it's given as a row?",),
        ),
        Bug(
            "a class for the rest",
            "answers[n] = len(codes)\n",
            "answers[n] = len(codes) - 1\n",
            "What is like no code gets the number of a class.",
            ("With three codes, which numbers are taken?",),
        ),
        Bug(
            "root",
            "distances.min() > J",
            "distances.min() ** 0.5 > J",
            "With J = 4, a row that is off by three in one number is named.",
            ("In which units is J?",),
        ),
        Bug(
            "first row",
            "(row - codes)",
            "(x[0] - codes)",
            "All rows get the same answer.",
            ("Give it two codes as rows.",),
        ),
        Bug(
            "mean over the codes",
            "distances.min() > J",
            "distances.mean() > J",
            "A row that is a code is refused if the other codes are far away.",
            ("Whose distance decides?",),
        ),
    ),
    (
        Mistake(
            "J itself",
            "It refuses a row whose distance is J itself, which isn't more than J.",
            partial(_named, least=True),
            ("> or >=?",),
        ),
        Mistake(
            "refused as -1",
            "What is refused gets -1; its number is the number of codes.",
            partial(_named, refused=-1),
            ("Which number follows those of the classes?",),
        ),
    ),
)
