"""Exercises of the chapter on GoogLeNet: a detour, convolutions of one pixel, a module, a map per class."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Counts = tuple[int, int, int]


def _detours(rng: np.random.Generator) -> dict[str, int]:
    return {
        "side": int(rng.choice([7, 14, 28])),
        "c_in": int(rng.choice([64, 96, 128, 160, 192])),
        "c_out": int(rng.choice([16, 24, 32, 48])),
        "kernel": int(rng.choice([3, 5, 7])),
        "middle": int(rng.choice([8, 12, 16, 20])),
    }


def _detour(side: int, c_in: int, c_out: int, kernel: int, middle: int) -> Counts:
    return _by_places(side**2, c_in, c_out, kernel**2, middle)


def _by_places(places: int, c_in: int, c_out: int, cells: int, middle: int) -> Counts:
    """Return the work of the direct way and of the detour, and how wide its middle may be."""
    direct, each = cells * c_in * c_out, c_in + cells * c_out
    return direct * places, middle * each * places, (direct - 1) // each


_other_counts = from_right(_detour)


def _kernel_first(side: int, c_in: int, c_out: int, kernel: int, middle: int) -> Counts:
    direct, each = kernel**2 * c_in * c_out, kernel**2 * c_in + c_out
    return direct * side**2, middle * each * side**2, (direct - 1) // each


check_detour = Pencil(
    "detour",
    "the direct way, the detour, the widest middle",
    _detours,
    _detour,
    (
        Mistake(
            "one place",
            "That's the work at one place; the maps have many.",
            lambda side, c_in, c_out, kernel, middle: _by_places(1, c_in, c_out, kernel**2, middle),
            ("How many places has a map?",),
        ),
        Mistake(
            "a row of places",
            "Maps have rows and columns: their side counts twice.",
            lambda side, c_in, c_out, kernel, middle: _by_places(side, c_in, c_out, kernel**2, middle),
            ("How many places has a map of 4x4?",),
        ),
        Mistake(
            "a row of a kernel",
            "A kernel has side times side weights; you count its side.",
            lambda side, c_in, c_out, kernel, middle: _by_places(side**2, c_in, c_out, kernel, middle),
            ("How many numbers are in a 5x5 kernel?",),
        ),
        Mistake(
            "free mixtures",
            "The 1x1 layer costs nothing in yours.",
            _other_counts(
                lambda direct, detour, widest, side, c_in, middle, **_: (
                    direct,
                    detour - c_in * middle * side**2,
                    c_in - 1,
                )
            ),
            ("How many products are in one output of the 1x1 layer?",),
        ),
        Mistake(
            "still all channels",
            "On the detour, the large kernel still reads all input channels in yours.",
            _other_counts(
                lambda direct, detour, widest, side, c_in, middle, **_: (
                    direct,
                    direct + c_in * middle * side**2,
                    widest,
                )
            ),
            ("Which layer's output is the input of the large kernel?",),
        ),
        Mistake(
            "kernel first",
            "Your large kernel comes first and the 1x1 behind it; it's the other way around.",
            _kernel_first,
            ("Which of the two layers sees the many channels?",),
        ),
        Mistake(
            "one too wide",
            "With your widest middle, the detour costs more than the direct way.",
            _other_counts(lambda direct, detour, widest, **_: (direct, detour, widest + 1)),
            ("Round down or up?",),
        ),
        Mistake(
            "order",
            "The direct way and the detour have changed places.",
            _other_counts(lambda direct, detour, widest, **_: (detour, direct, widest)),
            ("Look at the order in which you write them down.",),
        ),
    ),
)


def _pixels(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]]), np.array([[1.0, 10.0]]), np.array([0.0])
    yield np.array([[[[1.0]], [[2.0]]]]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 5.0])
    for N, C_in, C_out, H, W in ((2, 3, 3, 2, 3), (1, 2, 4, 3, 2), (2, 3, 3, 4, 4)):
        x, weight = rng.normal(size=(N, C_in, H, W)), rng.normal(size=(C_out, C_in))
        yield x, weight, rng.normal(size=C_out)


def _conv1x1(x: Array, weight: Array, bias: Array) -> Array:
    return np.asarray(np.einsum("nchw,oc->nohw", x, weight) + bias[:, None, None])


def _cut_anew(x: Array, weight: Array, bias: Array) -> Array:
    N, C, H, W = x.shape
    rows = x.reshape(N * H * W, C) @ weight.T + bias
    return np.asarray(rows.reshape(N, H, W, len(weight)).transpose(0, 3, 1, 2))


def _put_anew(x: Array, weight: Array, bias: Array) -> Array:
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(N * H * W, C) @ weight.T + bias
    return np.asarray(rows.reshape(N, len(weight), H, W))


def _both_anew(x: Array, weight: Array, bias: Array) -> Array:
    N, C, H, W = x.shape
    rows = x.reshape(N * H * W, C) @ weight.T + bias
    return np.asarray(rows.reshape(N, len(weight), H, W))


check_conv1x1 = Task(
    "conv1x1",
    "Given maps x (N, C_in, H, W), a weight (C_out, C_in) and a bias (C_out,). A 1x1 convolution is a dense "
    "layer at each pixel, over its channels. Return the maps (N, C_out, H, W).",
    _conv1x1,
    _pixels,
    (
        Mistake(
            "pixels cut anew",
            "You reshape x so that numbers of different pixels come into one row; move the channels last "
            "first.",
            _cut_anew,
            ("Is a row of your matrix one pixel's channels?", "First transpose, then reshape."),
        ),
        Mistake(
            "maps cut anew",
            "The rows are right, but on the way back you reshape where the channels should be moved.",
            _put_anew,
            ("In which order are the numbers of your product?", "Reshape to (N, H, W, C_out) first."),
        ),
        Mistake(
            "cut anew both times",
            "You reshape where axes should be moved, on the way in and on the way out.",
            _both_anew,
            ("Is a row of your matrix one pixel's channels?", "First transpose, then reshape."),
        ),
        Mistake(
            "no bias",
            "The bias is missing.",
            lambda x, weight, bias: _conv1x1(x, weight, 0 * bias),
            ("What comes out where x is 0?",),
        ),
        Mistake(
            "weight transposed",
            "The weight is transposed: its first axis is that of the outputs.",
            lambda x, weight, bias: np.einsum("nchw,co->nohw", x, weight) + bias[:, None, None],
            ("weight[o, c] joins which two channels?",),
        ),
        Mistake(
            "mean over channels",
            "You average over the input channels; they are summed.",
            lambda x, weight, bias: _conv1x1(x, weight / x.shape[1], bias),
            ("Write the sum for two channels on paper.",),
        ),
        Mistake(
            "first channel",
            "Only the first input channel counts in your sum.",
            lambda x, weight, bias: _conv1x1(x[:, :1], weight[:, :1], bias),
            ("What becomes of the other channels?",),
        ),
        Mistake(
            "summed over places",
            "You sum over all places; each pixel stays by itself.",
            lambda x, weight, bias: np.broadcast_to(
                _conv1x1(x, weight, bias).sum(axis=(2, 3), keepdims=True),
                (len(x), len(weight), *x.shape[2:]),
            ),
            ("On which pixels does an output of a 1x1 convolution depend?",),
        ),
        Mistake(
            "bias for each channel",
            "The bias is added once for each input channel; it's added once.",
            lambda x, weight, bias: _conv1x1(x, weight, bias * x.shape[1]),
            ("At which place of your loops is the bias added?",),
        ),
    ),
)


def _modules(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 1, [1, 1, 1, 1, 1, 1]
    yield 192, [64, 96, 128, 16, 32, 32]
    for _ in range(6):
        yield int(rng.integers(20, 40)), [int(n) for n in rng.choice(np.arange(2, 20), size=6, replace=False)]


def _count_inception(in_channels: int, widths: list[int]) -> int:
    return _branches(in_channels, *widths)


def _branches(C: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> int:
    by_pixel = (C + 1) * (one + reduce3 + reduce5 + pool)
    return by_pixel + (9 * reduce3 + 1) * three + (25 * reduce5 + 1) * five


def _wrong(count: Any) -> Any:
    return lambda C, widths: count(C, *widths)


check_count_inception = Task(
    "count_inception",
    "Given the in_channels of an inception module and its six widths as a list: of the 1x1 convolution; of "
    "the 1x1 before the 3x3, and of the 3x3; of the 1x1 before the 5x5, and of the 5x5; of the 1x1 after "
    "the pooling. All convolutions have biases. Return the number of weights and biases.",
    _count_inception,
    _modules,
    (
        Mistake(
            "no detour",
            "The 3x3 and the 5x5 see the module's input in yours; they see what the 1x1 before them hands "
            "on.",
            _wrong(
                lambda C, a, b, c, d, e, f: (C + 1) * (a + b + d + f) + (9 * C + 1) * c + (25 * C + 1) * e
            ),
            ("Which layer is the input of the 3x3?",),
        ),
        Mistake(
            "reductions left out",
            "The two 1x1 convolutions before the 3x3 and the 5x5 aren't counted.",
            _wrong(lambda C, a, b, c, d, e, f: (C + 1) * (a + f) + (9 * b + 1) * c + (25 * d + 1) * e),
            ("How many convolutions are in the module? Six.",),
        ),
        Mistake(
            "no biases",
            "The biases are missing.",
            lambda C, widths: _count_inception(C, widths) - sum(widths),
            ("What is added to every place of an output channel?",),
        ),
        Mistake(
            "pooling without weights",
            "The 1x1 convolution after the pooling isn't counted.",
            _wrong(lambda C, a, b, c, d, e, f: _branches(C, a, b, c, d, e, 0)),
            ("Max pooling has no weights. What comes after it?",),
        ),
        Mistake(
            "5x5 as 3x3",
            "The 5x5 has the weights of a 3x3.",
            _wrong(lambda C, a, b, c, d, e, f: _branches(C, a, b, c, d, e, f) - 16 * d * e),
            ("How many numbers are in a 5x5 kernel?",),
        ),
        Mistake(
            "sides not squared",
            "Kernels have side times side weights; you count 3 and 5.",
            _wrong(lambda C, a, b, c, d, e, f: _branches(C, a, b, c, d, e, f) - 6 * b * c - 20 * d * e),
            ("How many numbers are in a 5x5 kernel?",),
        ),
        Mistake(
            "branches one behind another",
            "The 1x1 before the 5x5 sees the 3x3's output in yours; all four branches begin at the module's "
            "input.",
            _wrong(lambda C, a, b, c, d, e, f: _branches(C, a, b, c, d, e, f) + (c - C) * d),
            ("Draw the four ways from the input.",),
        ),
        Mistake(
            "one bias for each layer",
            "You count one bias for each layer; each output channel has its own.",
            lambda C, widths: _count_inception(C, widths) - sum(widths) + len(widths),
            ("What is the shape of the bias of nn.Conv2d(192, 64, 1)?",),
        ),
    ),
    by_hand=False,
)


def _maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[1.0, 2.0], [3.0, 6.0]]]]), np.array([[1.0], [10.0]])
    for N, C, K, H, W in ((2, 3, 2, 2, 3), (3, 4, 4, 3, 2), (2, 3, 5, 4, 4)):
        yield rng.normal(size=(N, C, H, W)), rng.normal(size=(K, C))


def _class_maps(maps: Array, weight: Array) -> tuple[Array, Array]:
    evidence = np.einsum("nchw,kc->nkhw", maps, weight)
    return evidence.mean(axis=(2, 3)), evidence


def _changed(change: Any) -> Any:
    """Return `_class_maps` with its results as `change` makes them."""
    return lambda maps, weight: change(*_class_maps(maps, weight), maps, weight)


check_class_maps = Task(
    "class_maps",
    "Given the last maps (N, C, H, W) of a network and the weight (K, C) of its dense layer, which has no "
    "bias and follows global average pooling. The layer may as well be applied to each place first, and "
    "averaged then: that gives a map of evidence for each class. Return scores (N, K), evidence (N, K, H, "
    "W).",
    _class_maps,
    _maps,
    (
        Mistake(
            "scores summed",
            "scores: that's the sum over the places; their mean is wanted.",
            _changed(lambda scores, evidence, maps, weight: (evidence.sum(axis=(2, 3)), evidence)),
            ("What does global average pooling do with a map that is 1 everywhere?",),
        ),
        Mistake(
            "scores of the largest",
            "scores: that's the largest evidence; the mean is wanted.",
            _changed(lambda scores, evidence, maps, weight: (evidence.max(axis=(2, 3)), evidence)),
            ("Global average pooling, or global max pooling?",),
        ),
        Mistake(
            "evidence divided",
            "evidence: it's divided by the number of places; its mean, not its sum, is the score.",
            _changed(lambda scores, evidence, maps, weight: (scores, evidence / evidence[0, 0].size)),
            ("What is the mean of your evidence?",),
        ),
        Mistake(
            "only what speaks for it",
            "evidence: what is below 0 is set to 0; it speaks against the class, and counts in the score.",
            _changed(lambda scores, evidence, maps, weight: (scores, np.maximum(evidence, 0))),
            ("What is the mean of your evidence?",),
        ),
        Mistake(
            "probabilities",
            "evidence: you take the softmax over the classes; the plain numbers are wanted.",
            _changed(
                lambda scores, evidence, maps, weight: (
                    scores,
                    np.exp(evidence) / np.exp(evidence).sum(axis=1, keepdims=True),
                )
            ),
            ("What is the mean of your evidence?",),
        ),
        Mistake(
            "order",
            "scores and evidence have changed places.",
            _changed(lambda scores, evidence, maps, weight: (evidence, scores)),
            ("Look at the order of what you return.",),
        ),
        Mistake(
            "classes last",
            "evidence: the classes are the last axis; they should be the second.",
            _changed(lambda scores, evidence, maps, weight: (scores, np.moveaxis(evidence, 1, -1))),
            ("What is the shape of your evidence?",),
        ),
        Mistake(
            "weights by their size",
            "You use the weights' absolute values; a negative weight speaks against its class.",
            lambda maps, weight: _class_maps(maps, np.abs(weight)),
            ("What does a negative weight say?",),
        ),
    ),
)


def _three_branches(rng: np.random.Generator) -> Iterator[Inputs]:
    one, lone = np.ones((1, 1, 1, 1)), np.zeros((1, 1, 3, 3))
    lone[0, 0, 1, 1] = 1
    kernel = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    yield lone, one, one, kernel, one
    yield -2 - lone, one, -one, kernel, -one
    for N, C, widths, H, W in (
        (1, 2, (2, 3, 1, 2), 3, 4),
        (2, 3, (1, 2, 3, 2), 4, 3),
        (2, 2, (3, 4, 2, 1), 2, 5),
    ):
        a, reduce, b, c = widths
        yield (
            rng.normal(size=(N, C, H, W)) - 1,
            rng.normal(size=(a, C, 1, 1)),
            rng.normal(size=(reduce, C, 1, 1)),
            rng.normal(size=(b, reduce, 3, 3)),
            rng.normal(size=(c, C, 1, 1)),
        )


def _minus_one_wins(x: Array, one: Array, reduce: Array, three: Array, after: Array) -> Array:
    H, W = x.shape[2:]
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1)
    near = np.max([wide[:, :, i : i + H, j : j + W] for i, j in np.ndindex(3, 3)], axis=0)
    third = np.maximum(np.einsum("oc,nchw->nohw", after[:, :, 0, 0], near), 0)
    others = check_inception.solution(x, one, reduce, three, after)[:, : len(one) + len(three)]
    return np.concatenate([others, third], axis=1)


check_inception = Task.broken(
    "inception",
    "Given maps x (N, C, H, W) and four weights (C_out, C_in, K, K) without biases: one, reduce and after "
    "are 1x1, three is 3x3. A module has three branches, which keep H and W: one; reduce, and three "
    "behind it; max pooling over 3x3 with stride 1, and after behind it. Behind each convolution is a ReLU. "
    "The padding of convolutions is 0, and that of the pooling never wins. Return the three outputs, joined "
    "along the channels in this order.",
    '''
def inception(x, one, reduce, three, after):
    """Return the outputs of three branches, joined along the channels."""
    H, W = x.shape[2:]

    def relu(z):
        return np.maximum(z, 0)

    def conv(x, weight):                              # the size stays
        P, y = weight.shape[2] // 2, 0
        wide = np.pad(x, ((0, 0), (0, 0), (P, P), (P, P)))
        for i, j in np.ndindex(weight.shape[2:]):
            part = wide[:, :, i : i + H, j : j + W]
            y = y + np.einsum("oc,nchw->nohw", weight[:, :, i, j], part)
        return y

    def max_pool(x):                                  # 3x3, stride 1
        wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        near = [wide[:, :, i : i + H, j : j + W] for i in range(3) for j in range(3)]
        return np.max(near, axis=0)

    first = relu(conv(x, one))
    second = relu(conv(relu(conv(x, reduce)), three))
    third = relu(conv(max_pool(x), after))
    return np.concatenate([first, second, third], axis=1)
''',
    _three_branches,
    (
        Bug(
            "zeros win",
            "constant_values=-np.inf",
            "constant_values=0",
            "If all of x is below zero, one branch finds something larger near the border.",
            ("Let x be -1 everywhere. What is the largest number around a corner?",),
        ),
        Bug(
            "two layers as one",
            "relu(conv(x, reduce))",
            "conv(x, reduce)",
            "In one branch, two layers act as one would.",
            ("Let x be one pixel, and all weights -1. What should each branch give?",),
        ),
        Bug(
            "nothing pooled",
            "max_pool(x), after",
            "x, after",
            "A lone bright pixel stays a lone pixel in the third branch.",
            ("What does max pooling over 3x3 make of a lone bright pixel?",),
        ),
        Bug(
            "turned over",
            "weight[:, :, i, j]",
            "weight[:, :, j, i]",
            "Kernels for upright edges find level ones.",
            ("What does a convolution make of a lone bright pixel?",),
        ),
        Bug(
            "right neighbors left out",
            "for j in range(3)",
            "for j in range(2)",
            "In one branch, a pixel never hears from its right neighbor.",
            ("What does max pooling over 3x3 make of a lone bright pixel?",),
        ),
        Bug(
            "moved by a pixel",
            "(P, P), (P, P)",
            "(2 * P, 0), (2 * P, 0)",
            "One branch is moved, by a pixel down and a pixel to the right.",
            ("Let x be a lone bright pixel. Where is the middle of each branch's answer?",),
        ),
        Bug(
            "another order",
            "[first, second, third]",
            "[third, second, first]",
            "The channels are all there, in another order.",
            ("Give each branch a number of channels of its own.",),
        ),
        Bug(
            "below zero",
            "relu(conv(x, one))",
            "conv(x, one)",
            "Numbers below zero come out.",
            ("Let x be one pixel, and all weights -1. What should each branch give?",),
        ),
    ),
    (
        Mistake(
            "minus one wins",
            "If all of x is below -1, one branch still finds something larger near the border.",
            _minus_one_wins,
            ("Let x be -2 everywhere. What is the largest number around a corner?",),
        ),
    ),
)
