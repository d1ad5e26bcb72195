"""Exercises of the chapter on receptive fields: how much a value sees, which pixels, in how many ways."""

from collections.abc import Callable, Iterator

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Numbers = tuple[int, int, int, float]


def _three_layers(rng: np.random.Generator) -> dict[str, int]:
    kernel, last = int(rng.choice([3, 5, 7])), int(rng.choice([3, 5]))
    dilation = int(rng.integers(2, 4))
    return {
        "kernel": kernel,
        "stride": int(rng.integers(2, 4)),
        "padding": int(rng.integers(1, kernel // 2 + 1)),
        "window": int(rng.integers(2, 4)),
        "last": last,
        "dilation": dilation,
        "last_padding": int(rng.integers(1, dilation * (last // 2) + 1)),
        "index": int(rng.integers(2, 7)),
    }


def _numbers(size: int, jump: int, start: int, index: int) -> Numbers:
    """Return size, jump, start, and the middle of what an output sees."""
    return size, jump, start, start + jump * index + (size - 1) / 2


def _by_hand(**layers: int) -> Numbers:
    stride, jump = layers["stride"], layers["stride"] * layers["window"]
    size = layers["kernel"] + (layers["window"] - 1) * stride
    size += (layers["last"] - 1) * layers["dilation"] * jump
    return _numbers(size, jump, -layers["padding"] - layers["last_padding"] * jump, layers["index"])


def _kernels_added(**layers: int) -> Numbers:
    _, jump, start, _ = _by_hand(**layers)
    size = layers["kernel"] + layers["window"] - 1 + (layers["last"] - 1) * layers["dilation"]
    return _numbers(size, jump, start, layers["index"])


def _jump_first(**layers: int) -> Numbers:
    _, jump, _, _ = _by_hand(**layers)
    stride = layers["stride"]
    size = 1 + (layers["kernel"] - 1) * stride
    size += (layers["window"] - 1 + (layers["last"] - 1) * layers["dilation"]) * jump
    start = -layers["padding"] * stride - layers["last_padding"] * jump
    return _numbers(size, jump, start, layers["index"])


def _whole_kernel_stretched(**layers: int) -> Numbers:
    size, jump, start, _ = _by_hand(**layers)
    more = layers["dilation"] - 1  # cells: K D - 1 where (K - 1) D is right
    return _numbers(size + more * jump, jump, start, layers["index"])


def _strides_added(**layers: int) -> Numbers:
    jump = layers["stride"] + layers["window"]
    size = layers["kernel"] + (layers["window"] - 1) * layers["stride"]
    size += (layers["last"] - 1) * layers["dilation"] * jump
    return _numbers(size, jump, -layers["padding"] - layers["last_padding"] * jump, layers["index"])


def _other_start(change: Callable[..., int]) -> Callable[..., Numbers]:
    """Return the wrong way that has another start, and the middle that follows."""

    def way(**layers: int) -> Numbers:
        size, jump, start, _ = _by_hand(**layers)
        return _numbers(size, jump, change(start, **layers), layers["index"])

    return way


def _other_middle(change: Callable[..., float]) -> Callable[..., Numbers]:
    """Return the wrong way that has another middle."""

    def way(**layers: int) -> Numbers:
        size, jump, start, middle = _by_hand(**layers)
        return size, jump, start, change(size, jump, start, middle, layers["index"])

    return way


check_field_by_hand = Pencil(
    "field_by_hand",
    "size, jump, start, middle",
    _three_layers,
    _by_hand,
    (
        Mistake(
            "kernels added",
            "You add up what the kernels span. After the first stride, a step is more than a pixel.",
            _kernels_added,
            ("How far apart, in pixels, do two neighbors of the first layer look?",),
        ),
        Mistake(
            "jump first",
            "You update the jump first; size and start need the jump before the layer.",
            _jump_first,
            ("How many pixels does a single 3x3 with stride 2 see?", "Which of the three lines comes last?"),
        ),
        Mistake(
            "no dilation",
            "The dilation is missing.",
            lambda **layers: _by_hand(**{**layers, "dilation": 1}),
            ("How many cells does a kernel of 3 with dilation 2 span?",),
        ),
        Mistake(
            "kernel times dilation",
            "You stretch the kernel's size; it's the gaps between its weights that stretch, one fewer.",
            _whole_kernel_stretched,
            ("How many cells does a kernel of 3 with dilation 2 span? Draw it.",),
        ),
        Mistake(
            "strides added",
            "You add the strides; they multiply.",
            _strides_added,
            ("After strides of 2 and 3, how far apart do neighbors look?",),
        ),
        Mistake(
            "padding unscaled",
            "Your start counts every padding in pixels; after a stride, a cell of padding is wider.",
            _other_start(lambda start, padding, last_padding, **_: -padding - last_padding),
            ("How wide, in pixels, is one cell of the last layer's padding?",),
        ),
        Mistake(
            "start inward",
            "Your start is positive: padding moves it to the left, before pixel 0.",
            _other_start(lambda start, **_: -start),
            ("Where does the first window of a layer with padding 1 begin?",),
        ),
        Mistake(
            "middle of output 0",
            "Your middle is that of output 0.",
            _other_middle(lambda size, jump, start, middle, index: start + (size - 1) / 2),
            ("How far do you move from one output to the next?",),
        ),
        Mistake(
            "index in pixels",
            "For the middle, you move by a pixel for each output; it's a jump.",
            _other_middle(lambda size, jump, start, middle, index: start + index + (size - 1) / 2),
            ("How far apart do two neighbors of the last layer look?",),
        ),
        Mistake(
            "half a pixel off",
            "Your middle is half a pixel too far: a field of 3 has its middle 1 pixel after its first.",
            _other_middle(lambda size, jump, start, middle, index: middle + 0.5),
            ("What is the middle of pixels 0, 1 and 2?",),
        ),
    ),
)


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


def _places(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [3], [1], [0], 0
    yield [3], [1], [1], 0
    yield [3, 3], [2, 1], [1, 1], 2
    yield [2, 3], [2, 2], [0, 1], 1
    for _ in range(8):
        depth = int(rng.integers(2, 6))
        kernels, strides = rng.integers(2, 8, size=depth), rng.integers(1, 4, size=depth)
        paddings = rng.integers(0, kernels // 2 + 1)
        yield (
            [int(k) for k in kernels],
            [int(s) for s in strides],
            [int(p) for p in paddings],
            int(rng.integers(1, 9)),
        )


def _seen_pixels(kernels: list[int], strides: list[int], paddings: list[int], index: int) -> tuple[int, int]:
    first = last = index
    for kernel, stride, padding in reversed(list(zip(kernels, strides, paddings, strict=True))):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def _first_to_last(
    kernels: list[int], strides: list[int], paddings: list[int], index: int
) -> tuple[int, int]:
    return _seen_pixels(kernels[::-1], strides[::-1], paddings[::-1], index)


def _padding_unscaled(
    kernels: list[int], strides: list[int], paddings: list[int], index: int
) -> tuple[int, int]:
    first, last = _seen_pixels(kernels, strides, [0] * len(paddings), index)
    return first - sum(paddings), last - sum(paddings)


def _moved(first: int, last: int) -> Callable[..., tuple[int, int]]:
    """Return `_seen_pixels` with both ends moved."""

    def function(kernels: list[int], strides: list[int], paddings: list[int], index: int) -> tuple[int, int]:
        a, b = _seen_pixels(kernels, strides, paddings, index)
        return a + first, b + last

    return function


check_seen_pixels = Task(
    "seen_pixels",
    "Given the kernels' sides, strides and paddings of layers along one axis, from the first to the last, "
    "as three lists, and the index of a value of the last layer, from 0. Pixels count from 0 too; those in "
    "the padding are below 0. Return first, last, the first and the last pixel that this value depends on.",
    _seen_pixels,
    _places,
    (
        Mistake(
            "no padding",
            "You leave out the paddings, which move everything to the left.",
            lambda kernels, strides, paddings, index: _seen_pixels(
                kernels, strides, [0] * len(paddings), index
            ),
            ("Where does the first window of a layer with padding 1 begin?",),
        ),
        Mistake(
            "padding unscaled",
            "You count every padding in pixels; a padding of 1 after a stride of 2 is 2 pixels wide.",
            _padding_unscaled,
            ("How far apart, in pixels, are two neighbors of the second layer's input?",),
        ),
        Mistake(
            "one past the last",
            "last: that's one past the last pixel, as in a range.",
            _moved(0, 1),
            ("Which pixels does one 3x3 at index 0 see? 0, 1 and 2.",),
        ),
        Mistake(
            "counted from one",
            "You count pixels from 1.",
            _moved(1, 1),
            ("Which pixels does one 3x3 at index 0 see? 0, 1 and 2.",),
        ),
        Mistake(
            "from the first layer",
            "You go through the layers from the first to the last; the way from a value to its pixels "
            "begins at the last.",
            _first_to_last,
            ("Which layer made the value?",),
        ),
        Mistake(
            "index alone",
            "The value's index isn't multiplied by the strides.",
            lambda kernels, strides, paddings, index: tuple(
                end + index for end in _seen_pixels(kernels, strides, paddings, 0)
            ),
            ("How far apart, in pixels, do two neighbors of the last layer begin?",),
        ),
        Mistake(
            "first value",
            "Your answer doesn't depend on the index.",
            lambda kernels, strides, paddings, index: _seen_pixels(kernels, strides, paddings, 0),
            ("Where is `index` in your function?",),
        ),
        Mistake(
            "padding inward",
            "You add the paddings; they move the windows to the left.",
            lambda kernels, strides, paddings, index: _seen_pixels(
                kernels, strides, [-padding for padding in paddings], index
            ),
            ("Where does the first window of a layer with padding 1 begin?",),
        ),
        Mistake(
            "cut at the border",
            "What is below 0 is cut off; the padding counts as pixels below 0.",
            lambda kernels, strides, paddings, index: tuple(
                max(end, 0) for end in _seen_pixels(kernels, strides, paddings, index)
            ),
            ("Where does the first window of a layer with padding 1 begin?",),
        ),
    ),
    by_hand=False,
)


def _dilated(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [], []
    yield [3], [2]
    yield [3, 3], [1, 2]
    yield [3, 3, 3], [1, 2, 4]
    for _ in range(8):
        depth = int(rng.integers(2, 6))
        yield (
            [int(k) for k in rng.integers(2, 6, size=depth)],
            [int(d) for d in rng.integers(1, 6, size=depth)],
        )


def _dilated_field(kernels: list[int], dilations: list[int]) -> int:
    return 1 + sum((k - 1) * d for k, d in zip(kernels, dilations, strict=True))


def _multiplied(kernels: list[int], dilations: list[int]) -> int:
    return _field(kernels, dilations)


check_dilated_field = Task(
    "dilated_field",
    "Given the kernels' sides and the dilations of layers with stride 1, from the first to the last, as two "
    "lists. A kernel with dilation d takes every d-th of its inputs. Return the side of the receptive "
    "field of one value of the last layer, in pixels.",
    _dilated_field,
    _dilated,
    (
        Mistake(
            "no dilations",
            "Your answer doesn't depend on the dilations.",
            lambda kernels, dilations: _field(kernels, [1] * len(kernels)),
            ("How wide is a kernel of 3 with dilation 2?",),
        ),
        Mistake(
            "kernel times dilation",
            "You stretch the kernel's side; it's the gaps between its weights that stretch, one fewer.",
            lambda kernels, dilations: 1 + sum(k * d - 1 for k, d in zip(kernels, dilations, strict=True)),
            ("How wide is a kernel of 3 with dilation 2? Draw it.",),
        ),
        Mistake(
            "as strides",
            "The dilations multiply from layer to layer in yours, as strides do; a dilation is its layer's "
            "alone.",
            _multiplied,
            ("How far apart are neighbors of a layer whose strides are all 1?",),
        ),
        Mistake(
            "whole kernels",
            "Each layer adds its whole width; one pixel of it is there already.",
            lambda kernels, dilations: (
                1 + sum((k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True))
            ),
            ("Two 3x3 see 5 pixels, not 7.",),
        ),
        Mistake(
            "begins at zero",
            "One too few: without a layer, a pixel sees itself.",
            lambda kernels, dilations: _dilated_field(kernels, dilations) - 1,
            ("What does an empty list of layers see?",),
        ),
        Mistake(
            "last layer alone",
            "Only the last layer counts in yours.",
            lambda kernels, dilations: _dilated_field(kernels[-1:], dilations[-1:]),
            ("What does a value of the layer before see?",),
        ),
        Mistake(
            "dilation of the layer before",
            "You stretch each kernel by the dilation of the layer before.",
            lambda kernels, dilations: _dilated_field(kernels, [1, *dilations[:-1]][: len(kernels)]),
            ("Whose weights does a dilation move apart?",),
        ),
        Mistake(
            "product",
            "You multiply the widths; each layer adds its part.",
            lambda kernels, dilations: int(
                np.prod([(k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True)])
            ),
            ("Two 3x3 see 5 pixels, not 9.",),
        ),
    ),
    by_hand=False,
)


def _stretched(rng: np.random.Generator) -> Iterator[Inputs]:
    yield [], []
    yield [3], [1]
    yield [3], [2]
    yield [3, 3], [1, 1]
    yield [2, 3], [1, 2]
    for _ in range(6):
        depth = int(rng.integers(2, 5))
        yield (
            [int(k) for k in rng.integers(2, 5, size=depth)],
            [int(d) for d in rng.integers(1, 5, size=depth)],
        )


check_count_ways = Task.broken(
    "count_ways",
    "Given the kernels' sides and the dilations of layers with stride 1 along one axis, from the first to "
    "the last, as two lists. Return how many ways lead from one value of the last layer to each pixel of its "
    "field, from the first pixel to the last, as an array of whole numbers.",
    '''
def count_ways(kernels, dilations):
    """Count the ways from one value down to each pixel of its field."""
    counts = np.ones(1, int)
    for kernel, dilation in zip(kernels, dilations):
        wide = np.zeros(len(counts) + (kernel - 1) * dilation, int)
        for k in range(kernel):
            start = k * dilation
            wide[start : start + len(counts)] += counts
        counts = wide
    return counts
''',
    _stretched,
    (
        Bug(
            "overwritten",
            "len(counts)] += counts",
            "len(counts)] = counts",
            "Two layers of 3 never reach a pixel in more than one way.",
            (
                "In how many ways do two layers of 3 reach the middle pixel?",
                "What happens where two windows overlap?",
            ),
        ),
        Bug(
            "steps of one",
            "start = k * dilation",
            "start = k",
            "With a dilation, the ways crowd at the left end of the field, and none leads to the right end.",
            ("Which pixels does one kernel of 3 with dilation 2 see?",),
        ),
        Bug(
            "whole kernel",
            "(kernel - 1) * dilation",
            "kernel * dilation",
            "The field is too long, and no way leads to its right end.",
            ("How long is the field of a single layer of 3?",),
        ),
        Bug(
            "dilations left out",
            "zip(kernels, dilations)",
            "zip(kernels, [1] * len(kernels))",
            "There are no holes where there should be some, and the field is too short.",
            ("Which pixels does one kernel of 3 with dilation 2 see?",),
        ),
        Bug(
            "last weight left out",
            "range(kernel)",
            "range(kernel - 1)",
            "There are too few ways, and none leads to the right end.",
            ("How many ways are there in all, with one layer of 3?", "Which weights of a kernel are used?"),
        ),
        Bug(
            "weights of the ways",
            "+= counts",
            "+= (k + 1) * counts",
            "There are more ways on the right than on the left.",
            ("How many ways are there in all, with one layer of 3?",),
        ),
        Bug(
            "none to begin with",
            "np.ones(1, int)",
            "np.zeros(1, int)",
            "No way leads anywhere.",
            ("Without a layer, in how many ways does a pixel see itself?",),
        ),
        Bug(
            "shares",
            "return counts\n",
            "return counts / counts.sum()\n",
            "The numbers sum to 1, and ways are whole.",
            ("How many ways are there in all, with one layer of 3?",),
        ),
    ),
)
