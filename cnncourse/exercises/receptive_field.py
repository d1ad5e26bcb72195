"""The exercise of the chapter on receptive fields: how much one value of the last layer sees."""

from collections.abc import Iterator

import numpy as np

from cnncourse.exercises.task import Inputs, Mistake, Task


def _layers(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [], []
    yield [3], [1]
    yield [3, 3], [1, 1]
    yield [3, 3], [2, 1]
    yield [2, 3], [2, 2]
    yield [7, 3, 3, 3], [2, 2, 1, 2]
    for _ in range(10):
        depth = int(rng.integers(2, 7))
        yield (
            [int(k) for k in rng.integers(1, 8, size=depth)],
            [int(s) for s in rng.integers(1, 4, size=depth)],
        )


def _field(kernels: list[int], strides: list[int]) -> int:
    size, jump = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size += (kernel - 1) * jump
        jump *= stride
    return size


def _own_stride(kernels: list[int], strides: list[int]) -> int:
    size, jump = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        jump *= stride
        size += (kernel - 1) * jump
    return size


def _last_stride(kernels: list[int], strides: list[int]) -> int:
    size = 1
    for kernel, before in zip(kernels, [1, *strides], strict=False):
        size += (kernel - 1) * before
    return size


def _whole_kernels(kernels: list[int], strides: list[int]) -> int:
    size, jump = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size += kernel * jump
        jump *= stride
    return size


def _begins_at_zero(kernels: list[int], strides: list[int]) -> int:
    return _field(kernels, strides) - 1


check_receptive_field = Task(
    "receptive_field",
    "Given the kernels' sides and the strides of layers, from the first to the last, as two lists. "
    "Return the side of the receptive field of one value of the last layer, in pixels.",
    _field,
    _layers,
    (
        Mistake(
            "no strides",
            "Your answer doesn't depend on the strides: after a stride of 2, neighbors are 2 pixels apart.",
            lambda kernels, strides: _field(kernels, [1] * len(strides)),
            ("How far apart, in pixels, are the middles of two neighbors after the first layer?",),
        ),
        Mistake(
            "own stride first",
            "You count a layer's stride for its own kernel; it moves the next layer's.",
            _own_stride,
            (
                "One 3x3 with stride 2 sees how many pixels?",
                "Which of the two lines of the loop comes first?",
            ),
        ),
        Mistake(
            "last stride only",
            "You multiply by the stride of the layer before; the strides of all layers before multiply.",
            _last_stride,
            ("After strides 2 and 2, neighbors are how far apart?",),
        ),
        Mistake(
            "whole kernels",
            "Each layer adds its whole kernel; one pixel of it is there already.",
            _whole_kernels,
            ("Two 3x3 see 5 pixels, not 7.",),
        ),
        Mistake(
            "begins at zero",
            "One too few: without a layer, a pixel sees itself.",
            _begins_at_zero,
            ("What does an empty list of layers see?",),
        ),
        Mistake(
            "wrong order",
            "You go through the layers from the last to the first, but with the formula for the other way.",
            lambda kernels, strides: _field(kernels[::-1], strides[::-1]),
            ("Which layer's neighbors are one pixel apart?",),
        ),
        Mistake(
            "product",
            "You multiply the kernels; each adds its part.",
            lambda kernels, strides: int(np.prod(kernels)) if kernels else 1,
            ("Two 3x3 see 5 pixels, not 9.",),
        ),
    ),
    by_hand=False,
)
