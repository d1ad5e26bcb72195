"""Exercises of the chapter on pooling: sizes, the largest and the mean, the way back, a broken program."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from cnncourse import pooling
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _map_and_window(rng: np.random.Generator) -> dict[str, int]:
    window = int(rng.integers(3, 6))
    return {"size": int(rng.integers(15, 60)), "window": window, "stride": int(rng.integers(2, window))}


def _sizes(size: int, window: int, stride: int) -> tuple[int, int, int]:
    steps, left = divmod(size - window, stride)
    return steps + 1, steps + 1 + (left > 0), left


_other_sizes = from_right(_sizes)


check_pooled_sizes = Pencil(
    "pooled_sizes",
    "rows of the output, rows in ceil mode, rows that no window sees without it",
    _map_and_window,
    _sizes,
    (
        Mistake(
            "no plus one",
            "You count the steps between the windows; the windows are one more.",
            _other_sizes(lambda rows, ceil, unseen, **_: (rows - 1, ceil - 1, unseen)),
            ("How many windows of 3 are there in 3 rows?",),
        ),
        Mistake(
            "the window as stride",
            "You move the window by its own size; the stride is smaller, and windows overlap.",
            lambda size, window, stride: (size // window, -(-size // window), size % window),
            ("Where does the second window begin?",),
        ),
        Mistake(
            "always rounded up",
            "You round up in both; without ceil mode, a window that doesn't fit is left out.",
            _other_sizes(lambda rows, ceil, unseen, **_: (ceil, ceil, unseen)),
            ("Draw the last window that fits.",),
        ),
        Mistake(
            "always rounded down",
            "You round down in both; in ceil mode, one more window hangs over the end.",
            _other_sizes(lambda rows, ceil, unseen, **_: (rows, rows, unseen)),
            ("What is left behind the last window that fits?",),
        ),
        Mistake(
            "swapped",
            "Your two numbers of rows are swapped: ceil mode has more.",
            _other_sizes(lambda rows, ceil, unseen, **_: (ceil, rows, unseen)),
            ("ceil is the ceiling.",),
        ),
        Mistake(
            "what hangs over",
            "Your third number says by how much the last window of ceil mode hangs over the end.",
            _other_sizes(
                lambda rows, ceil, unseen, size, window, stride: (
                    rows,
                    ceil,
                    (ceil - 1) * stride + window - size,
                )
            ),
            ("With which row does the last window end that fits?",),
        ),
        Mistake(
            "nothing unseen",
            "Some rows at the end are in no window.",
            _other_sizes(lambda rows, ceil, unseen, **_: (rows, ceil, 0)),
            ("With which row does the last window end that fits?",),
        ),
        Mistake(
            "stride of one",
            "You count the windows of stride 1.",
            lambda size, window, stride: (size - window + 1, size - window + 1, 0),
            ("Where does the second window begin?",),
        ),
    ),
)


def _map_and_gradient(rng: np.random.Generator) -> dict[str, Array]:
    values = rng.choice(np.arange(2, 40), 16, replace=False).reshape(4, 4)
    return {"map": values, "gradient": rng.choice(np.r_[-9:-1, 2:10], 4, replace=False).reshape(2, 2)}


def _back(values: Array, gradient: Array) -> Array:
    wide = pooling.max_pool2d_backward(1.0 * gradient[None, None], 1.0 * values[None, None], 2)
    return np.asarray(wide[0, 0])


def _each(gradient: Array) -> Array:
    """Return the gradient of each window, at all four of its pixels."""
    return np.kron(gradient, np.ones((2, 2)))


check_way_back = Pencil(
    "way_back",
    "four rows of four numbers, each row in brackets",
    _map_and_gradient,
    lambda map, gradient: _back(map, gradient).astype(int),  # noqa: A006 (the name in the sheet)
    (
        Mistake(
            "average's gradient",
            "You spread each gradient evenly over its window: that's average pooling.",
            lambda map, gradient: _each(gradient) / 4,  # noqa: A006
            ("If a smaller pixel changes a little, does the output change?",),
        ),
        Mistake(
            "every pixel",
            "Every pixel of a window gets the gradient; only one made the output.",
            lambda map, gradient: _each(gradient),  # noqa: A006
            ("If a smaller pixel changes a little, does the output change?",),
        ),
        Mistake(
            "times the value",
            "You multiply by the pixel's value; the output *is* that pixel, so its slope is 1.",
            lambda map, gradient: _back(map, gradient) * map,  # noqa: A006
            ("What is the derivative of y = x?",),
        ),
        Mistake(
            "marks alone",
            "You mark where the largest values are; the gradient is missing.",
            lambda map, gradient: _back(map, np.ones((2, 2))),  # noqa: A006
            ("What comes from the layer behind?",),
        ),
        Mistake(
            "the values themselves",
            "You wrote the largest values themselves; the way back carries gradients.",
            lambda map, gradient: _back(map, np.ones((2, 2))) * map,  # noqa: A006
            ("What comes from the layer behind?",),
        ),
        Mistake(
            "the smallest",
            "The smallest pixel of each window gets the gradient in your answer.",
            lambda map, gradient: _back(-map, gradient),  # noqa: A006
            ("Which pixel made the output?",),
        ),
        Mistake(
            "upper left",
            "The upper left pixel of each window gets the gradient, whatever the values are.",
            lambda map, gradient: np.kron(gradient, [[1, 0], [0, 0]]),  # noqa: A006
            ("Which pixel made the output?",),
        ),
        Mistake(
            "other window's gradient",
            "Rows and columns of the gradient are swapped: windows get each other's.",
            lambda map, gradient: _back(map, gradient.T),  # noqa: A006
            ("Which window belongs to the gradient at the upper right?",),
        ),
        Mistake(
            "one for all",
            "The largest pixel of the whole map gets everything; each window has its own largest.",
            lambda map, gradient: gradient.sum() * (map == map.max()),  # noqa: A006
            ("How many outputs are there?",),
        ),
    ),
)


def _maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[1.0, 2.0], [4.0, 3.0]]]]), 2, 2
    yield np.arange(16.0).reshape(1, 1, 4, 4)[:, :, ::-1], 2, 2
    yield -np.arange(1.0, 10.0).reshape(1, 1, 3, 3), 2, 1
    yield np.arange(25.0).reshape(1, 1, 5, 5), 2, 2
    for shape, size, stride in (
        ((2, 3, 6, 4), 2, 2),
        ((1, 2, 7, 5), 3, 2),
        ((2, 1, 5, 8), 3, 1),
        ((1, 2, 7, 5), 3, 2),
    ):
        yield rng.normal(size=shape), size, stride


def _max_pool2d(x: Array, size: int, stride: int) -> Array:
    return pooling.max_pool2d(x, size, stride)


check_max_pool2d = Task(
    "max_pool2d",
    "Given feature maps x (N, C, H, W), the side of a square window and its stride. "
    "Return the largest value of each window, (N, C, H_out, W_out); windows that don't fit are left out.",
    _max_pool2d,
    _maps,
    (
        Mistake(
            "average",
            "That's the mean of each window; here we want the largest value.",
            lambda x, size, stride: pooling.avg_pool2d(x, size, stride),
            ("Max pooling keeps one number and forgets the others.",),
        ),
        Mistake(
            "begins at zero",
            "Negative values become 0: you compare with a 0 that is in no window.",
            lambda x, size, stride: np.maximum(_max_pool2d(x, size, stride), 0),
            (
                "What does your running maximum begin with?",
                "Begin with the window's first value, or -np.inf.",
            ),
        ),
        Mistake(
            "stride one",
            "The window moves by one pixel, whatever the stride.",
            lambda x, size, stride: _max_pool2d(x, size, 1),
            ("Output row i belongs to the window that begins at row i times the stride.",),
        ),
        Mistake(
            "stride is the size",
            "The window moves by its own size; the stride is a number of its own.",
            lambda x, size, stride: _max_pool2d(x, size, size),
            ("Windows may overlap.",),
        ),
        Mistake(
            "over channels",
            "You take the maximum over the channels too; each map is pooled by itself.",
            lambda x, size, stride: np.broadcast_to(
                _max_pool2d(x, size, stride).max(axis=1, keepdims=True), _max_pool2d(x, size, stride).shape
            ),
            ("Which axes belong to one window?",),
        ),
        Mistake(
            "largest amount",
            "You take what is farthest from zero; -5 is smaller than 1.",
            lambda x, size, stride: np.where(
                _max_pool2d(x, size, stride) >= _max_pool2d(-x, size, stride),
                _max_pool2d(x, size, stride),
                -_max_pool2d(-x, size, stride),
            ),
            ("Is there an abs too many?",),
        ),
        Mistake(
            "partial windows",
            "You pool windows that stick out over the border too; they are left out.",
            lambda x, size, stride: pooling.max_pool2d(x, size, stride, ceil_mode=True),
            ("How many whole windows of 2 fit into 5 pixels?",),
        ),
        Mistake(
            "smallest",
            "That's the smallest value of each window.",
            lambda x, size, stride: -_max_pool2d(-x, size, stride),
            ("min or max?",),
        ),
    ),
)


check_avg_pool2d = Task(
    "avg_pool2d",
    "Given feature maps x (N, C, H, W), the side of a square window and its stride. "
    "Return the mean of each window, (N, C, H_out, W_out); windows that don't fit are left out.",
    lambda x, size, stride: pooling.avg_pool2d(x, size, stride),
    _maps,
    (
        Mistake(
            "maximum",
            "That's the largest value of each window; here we want the mean.",
            _max_pool2d,
            ("Average pooling weighs all values of a window alike.",),
        ),
        Mistake(
            "sum",
            "That's the sum of each window; its mean is wanted.",
            lambda x, size, stride: size**2 * pooling.avg_pool2d(x, size, stride),
            ("What comes out where all pixels are 1?",),
        ),
        Mistake(
            "divided by the side",
            "You divide by the window's side; it has side times side values.",
            lambda x, size, stride: size * pooling.avg_pool2d(x, size, stride),
            ("How many values does a window of 3 have?",),
        ),
        Mistake(
            "stride one",
            "The window moves by one pixel, whatever the stride.",
            lambda x, size, stride: pooling.avg_pool2d(x, size, 1),
            ("Output row i belongs to the window that begins at row i times the stride.",),
        ),
        Mistake(
            "stride is the size",
            "The window moves by its own size; the stride is a number of its own.",
            lambda x, size, stride: pooling.avg_pool2d(x, size, size),
            ("Windows may overlap.",),
        ),
        Mistake(
            "over channels",
            "You average over the channels too; each map is pooled by itself.",
            lambda x, size, stride: np.repeat(
                pooling.avg_pool2d(x, size, stride).mean(axis=1, keepdims=True), x.shape[1], axis=1
            ),
            ("Which axes belong to one window?",),
        ),
        Mistake(
            "a sample",
            "You keep the first value of each window and drop the others.",
            lambda x, size, stride: x[
                :, :, : x.shape[2] - size + 1 : stride, : x.shape[3] - size + 1 : stride
            ],
            ("On how many values does your answer depend?",),
        ),
        Mistake(
            "partial windows",
            "You pool windows that stick out over the border too; they are left out.",
            lambda x, size, stride: pooling.avg_pool2d(x, size, stride, ceil_mode=True),
            ("How many whole windows of 2 fit into 5 pixels?",),
        ),
        Mistake(
            "last place left out",
            "Your output lacks its last row and column.",
            lambda x, size, stride: pooling.avg_pool2d(x, size, stride)[:, :, :-1, :-1],
            ("How many stops has the window? Fence posts, not rails.",),
        ),
    ),
)


def _pooled(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[[[5.0]]]]), np.array([[[[1.0, 2.0], [4.0, 3.0]]]]), 2
    yield np.array([[[[6.0]]]]), np.array([[[[1.0, 7.0], [7.0, 7.0]]]]), 2
    for shape, size in (((2, 3, 6, 4), 2), ((1, 2, 7, 5), 2), ((1, 1, 6, 9), 3)):
        N, C, H, W = shape
        x = rng.integers(-4, 4, size=shape).astype(float)  # with ties
        yield rng.normal(size=(N, C, H // size, W // size)), x, size


def _max_pool2d_backward(grad: Array, x: Array, size: int) -> Array:
    return pooling.max_pool2d_backward(grad, x, size)


def _by_window(grad: Array, x: Array, size: int, share: str) -> Array:
    """Return what each pixel gets if the maxima of a window get shares of another kind."""
    result = np.zeros(x.shape)
    N, C, H_out, W_out = grad.shape
    for n, c, i, j in product(range(N), range(C), range(H_out), range(W_out)):
        place = (n, c, slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size))
        window = x[place]
        best = window == window.max()
        g = grad[n, c, i, j]
        if share == "last":
            rows, columns = np.nonzero(best)
            result[place][rows[-1], columns[-1]] = g
        else:
            by = {
                "ties": best,
                "split": best / best.sum(),
                "all": np.ones((size, size)),
                "mean": 1 / size**2,
            }[share]
            result[place] = g * by
    return result


check_max_pool2d_backward = Task(
    "max_pool2d_backward",
    "Given the gradient grad (N, C, H_out, W_out) of the loss with respect to the outputs of max pooling, "
    "its inputs x "
    "(N, C, H, W) and the side of the window, which is its stride. Where a window has its largest value "
    "twice, the "
    "first in reading order counts. Return grad_x (N, C, H, W).",
    _max_pool2d_backward,
    _pooled,
    (
        Mistake(
            "every tie",
            "Where the largest value is there twice, both get the whole gradient: it's counted twice.",
            lambda grad, x, size: _by_window(grad, x, size, "ties"),
            ("How many pixels gave the output its value?", "np.argmax returns the first."),
        ),
        Mistake(
            "ties share",
            "Where the largest value is there twice, they share the gradient. That's a convention too; "
            "here the first "
            "gets it all.",
            lambda grad, x, size: _by_window(grad, x, size, "split"),
            ("np.argmax returns the first.",),
        ),
        Mistake(
            "last tie",
            "Where the largest value is there twice, the last gets the gradient; here it's the first.",
            lambda grad, x, size: _by_window(grad, x, size, "last"),
            ("> or >= ?",),
        ),
        Mistake(
            "every pixel",
            "Every pixel of the window gets the gradient; only one made the output.",
            lambda grad, x, size: _by_window(grad, x, size, "all"),
            ("If a smaller pixel changes a little, does the output change?",),
        ),
        Mistake(
            "average's gradient",
            "The gradient is spread evenly over the window: that's average pooling.",
            lambda grad, x, size: _by_window(grad, x, size, "mean"),
            ("If a smaller pixel changes a little, does the output change?",),
        ),
        Mistake(
            "times the value",
            "The gradient is multiplied by the pixel's value; the output *is* that pixel, so its slope is 1.",
            lambda grad, x, size: _max_pool2d_backward(grad, x, size) * x,
            ("What is the derivative of y = x?",),
        ),
        Mistake(
            "marks alone",
            "You mark where the largest values are; the gradient is missing.",
            lambda grad, x, size: _max_pool2d_backward(np.ones(grad.shape), x, size),
            ("What comes from the layer behind?",),
        ),
    ),
)


def _padded_maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.ones((1, 1, 2, 2)), 2, 1, 1
    yield np.arange(1.0, 10.0).reshape(1, 1, 3, 3), 3, 1, 1
    yield np.arange(16.0).reshape(1, 1, 4, 4), 2, 2, 0
    for shape, size, stride, padding in (
        ((2, 3, 5, 4), 3, 2, 1),
        ((1, 2, 6, 7), 2, 3, 1),
        ((2, 1, 4, 4), 3, 1, 1),
        ((2, 2, 5, 7), 4, 3, 2),
    ):
        yield rng.normal(size=shape), size, stride, padding


check_mean_pool2d = Task.broken(
    "mean_pool2d",
    "Given maps x (N, C, H, W), the side of a window, its stride, and the padding around each map. Windows "
    "that don't fit are left out. Return the mean of each window over those pixels that are no padding.",
    '''
def mean_pool2d(x, size, stride, padding):
    """Return the mean of each window of x (N, C, H, W), padding left out."""
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    wide, there = np.pad(x, sides), np.pad(np.ones(x.shape), sides)
    H = (wide.shape[2] - size) // stride + 1
    W = (wide.shape[3] - size) // stride + 1
    y = np.zeros((*x.shape[:2], H, W))
    for i, j in np.ndindex(H, W):
        rows = slice(i * stride, i * stride + size)
        columns = slice(j * stride, j * stride + size)
        total = wide[:, :, rows, columns].sum(axis=(2, 3))
        y[:, :, i, j] = total / there[:, :, rows, columns].sum(axis=(2, 3))
    return y
''',
    _padded_maps,
    (
        Bug(
            "padding counted",
            "there[:, :, rows, columns].sum(axis=(2, 3))",
            "size**2",
            "A map of ones gets a dark border.",
            ("Pool a map of ones.", "By how many pixels is a window in the corner divided?"),
        ),
        Bug(
            "the border goes on",
            "np.pad(x, sides)",
            'np.pad(x, sides, mode="edge")',
            "A map of ones gets a bright border.",
            ("Pool a map of ones.", "What is in the padding?"),
        ),
        Bug(
            "the window as stride",
            "rows = slice(i * stride, i * stride + size)",
            "rows = slice(i * size, i * size + size)",
            "It's right where window and stride are equal; otherwise lower rows are wrong, or not there.",
            ("Pool a map in which each row has its own value.", "Where does the second window begin?"),
        ),
        Bug(
            "stride of one",
            "columns = slice(j * stride, j * stride + size)",
            "columns = slice(j, j + size)",
            "Going right, the result changes too slowly.",
            ("Pool a map in which each column has its own value.", "Where does the second window begin?"),
        ),
        Bug(
            "a row missing",
            "H = (wide.shape[2] - size) // stride + 1",
            "H = (wide.shape[2] - size) // stride",
            "The result has one row too few.",
            ("How many rows has the result for a window as large as the map?",),
        ),
        Bug(
            "not divided",
            "total / there[:, :, rows, columns].sum(axis=(2, 3))",
            "total",
            "A map of ones gets values as large as the window has pixels.",
            ("Pool a map of ones.", "What is a mean?"),
        ),
        Bug(
            "the means run on",
            "y[:, :, i, j] = total",
            "y[:, :, i, j] = y[:, :, i, j - 1] + total",
            "Going right, a map of ones gets brighter and brighter.",
            ("Pool a map of ones.", "What does each output depend on?"),
        ),
        Bug(
            "padded on one side",
            "sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))",
            "sides = ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))",
            "The result is the right one, moved up and to the left.",
            ("Pool a map with one white pixel.", "On which sides is the padding?"),
        ),
    ),
)
