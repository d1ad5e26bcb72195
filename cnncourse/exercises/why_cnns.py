"""Exercises of the chapter on why CNNs: what wirings cost, images moved, a matrix, equivariance measured."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Counts = tuple[int, int, int]


def _layer(rng: np.random.Generator) -> dict[str, int]:
    return {
        "size": int(rng.choice([8, 10, 12, 16, 20])),
        "channels": int(rng.choice([2, 3, 4])),
        "maps": int(rng.choice([5, 6, 8, 10, 12])),
        "kernel": int(rng.choice([3, 5, 7])),
    }


def _wirings(size: int, channels: int, maps: int, kernel: int) -> Counts:
    """Return the parameters of a dense layer, of a local one and of a convolution."""
    inputs, outputs, window = channels * size**2, maps * size**2, channels * kernel**2
    return (inputs + 1) * outputs, (window + 1) * outputs, (window + 1) * maps


_other_counts = from_right(_wirings)


check_three_wirings = Pencil(
    "three_wirings",
    "parameters of the dense layer, of the local one, of the convolution",
    _layer,
    _wirings,
    (
        Mistake(
            "no biases",
            "The biases are missing.",
            _other_counts(
                lambda dense, local, shared, size, maps, **_: (
                    dense - maps * size**2,
                    local - maps * size**2,
                    shared - maps,
                )
            ),
            ("What does each output add to its sum?",),
        ),
        Mistake(
            "biases shared",
            "Your dense and local layers have a bias for each map. Only the convolution shares; without "
            "sharing, each output has its own.",
            _other_counts(
                lambda dense, local, shared, size, maps, **_: (
                    dense - maps * (size**2 - 1),
                    local - maps * (size**2 - 1),
                    shared,
                )
            ),
            ("How many outputs has the layer, all places and maps together?",),
        ),
        Mistake(
            "local bias shared",
            "Your local layer has a bias for each map; without sharing, each output has its own.",
            _other_counts(
                lambda dense, local, shared, size, maps, **_: (dense, local - maps * (size**2 - 1), shared)
            ),
            ("How many outputs has the local layer, all places and maps together?",),
        ),
        Mistake(
            "one channel",
            "Your windows are those of one channel; an output looks at all of them.",
            _other_counts(
                lambda dense, local, shared, size, maps, kernel, **_: (
                    dense,
                    (kernel**2 + 1) * maps * size**2,
                    (kernel**2 + 1) * maps,
                )
            ),
            ("How many pixel values are in one window of a color image?",),
        ),
        Mistake(
            "one map",
            "Your dense and local layers have one map of outputs; there are several.",
            _other_counts(
                lambda dense, local, shared, maps, **_: (dense // maps, local // maps, shared),
            ),
            ("How many outputs has the layer, all places and maps together?",),
        ),
        Mistake(
            "one filter",
            "Your convolution has a single filter; there is one for each map.",
            _other_counts(lambda dense, local, shared, maps, **_: (dense, local, shared // maps)),
            ("Can two maps with the same weights differ?",),
        ),
        Mistake(
            "a row of the window",
            "Your windows have as many pixels as one of their rows; they are square.",
            _other_counts(
                lambda dense, local, shared, size, channels, maps, kernel: (
                    dense,
                    (channels * kernel + 1) * maps * size**2,
                    (channels * kernel + 1) * maps,
                )
            ),
            ("How many pixels are in a 3x3 window?",),
        ),
        Mistake(
            "whole windows alone",
            "Your local layer has windows only where they fit as a whole; with padding, each place has one.",
            _other_counts(
                lambda dense, local, shared, size, channels, maps, kernel: (
                    dense,
                    (channels * kernel**2 + 1) * maps * (size - kernel + 1) ** 2,
                    shared,
                )
            ),
            ("How large are the maps that come out?",),
        ),
    ),
)


def _widths(rng: np.random.Generator) -> Iterator[Inputs]:
    yield ([1, 1],)
    yield ([2, 3],)
    yield ([2, 3, 4],)
    yield ([3072, 100, 10],)
    for depth in (3, 4, 5, 5):
        yield ([int(n) for n in rng.integers(1, 50, size=depth)],)


def _count_dense(widths: list[int]) -> int:
    return sum((before + 1) * after for before, after in pairwise(widths))


check_count_dense = Task(
    "count_dense",
    "Given the widths of a dense network's layers, from the inputs to the outputs, as a list. "
    "Return the number of its weights and biases.",
    _count_dense,
    _widths,
    (
        Mistake(
            "no biases",
            "The biases are missing.",
            lambda widths: sum(a * b for a, b in pairwise(widths)),
            ("What does each unit add to its sum?",),
        ),
        Mistake(
            "biases of the inputs",
            "You count a bias for each input; each output of a layer has one.",
            lambda widths: sum(a * b + a for a, b in pairwise(widths)),
            ("Who has the bias, the sender or the receiver?",),
        ),
        Mistake(
            "biases of all",
            "You count a bias for every width, the inputs' too.",
            lambda widths: sum(a * b for a, b in pairwise(widths)) + sum(widths),
            ("What would an input add a bias to?",),
        ),
        Mistake(
            "one bias for each layer",
            "You count one bias for each layer; each unit has its own.",
            lambda widths: sum(a * b + 1 for a, b in pairwise(widths)),
            ("How many numbers are in the bias of nn.Linear(3, 4)?",),
        ),
        Mistake(
            "weights added",
            "You add the widths of two layers; every input goes to every output, so they multiply.",
            lambda widths: sum(a + 2 * b for a, b in pairwise(widths)),
            ("How many lines join 2 points to 3?",),
        ),
        Mistake(
            "product of all",
            "You multiply all widths; each layer's weights are counted by themselves, and added.",
            lambda widths: int(np.prod(widths)) + sum(widths[1:]),
            ("Is there a line from the first layer to the third?",),
        ),
        Mistake(
            "first layer alone",
            "Only the first layer is counted.",
            lambda widths: _count_dense(widths[:2]),
            ("How many layers of weights has a network of three widths?",),
        ),
        Mistake(
            "last layer left out",
            "The last layer isn't counted.",
            lambda widths: _count_dense(widths[:-1]),
            ("How many layers of weights has a network of two widths?", "Where does your loop end?"),
        ),
    ),
)


def _moves(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(1.0, 10.0).reshape(3, 3), 1, 0
    yield np.arange(1.0, 10.0).reshape(3, 3), 0, -1
    yield np.arange(1.0, 10.0).reshape(3, 3), 0, 0
    for shape, rows, columns in (((4, 3), -1, 2), ((5, 6), 2, -3), ((3, 4), -2, -1), ((4, 5), 3, 1)):
        yield rng.normal(size=shape), rows, columns


def _shift(image: Array, rows: int, columns: int) -> Array:
    (H, W), frame = image.shape, ((abs(rows),) * 2, (abs(columns),) * 2)
    top, left = abs(rows) - rows, abs(columns) - columns
    return np.pad(image, frame)[top : top + H, left : left + W]


def _edges(image: Array, rows: int, columns: int) -> Array:
    H, W = image.shape
    i, j = np.clip(np.arange(H) - rows, 0, H - 1), np.clip(np.arange(W) - columns, 0, W - 1)
    return image[i][:, j]


def _zeros_from_the_start(image: Array, rows: int, columns: int) -> Array:
    moved = np.roll(image, (rows, columns), axis=(0, 1))
    moved[:rows], moved[:, :columns] = 0, 0
    return moved


check_shift = Task(
    "shift",
    "Given an image (H, W), and by how many rows it's moved down and how many columns to the right; below "
    "0, up and to the left. Zeros come in, and what goes over the border is lost. Return the moved image "
    "(H, W).",
    _shift,
    _moves,
    (
        Mistake(
            "comes back",
            "What goes over the border comes back on the other side; zeros should come in.",
            lambda image, rows, columns: np.roll(image, (rows, columns), axis=(0, 1)),
            ("What does np.roll do with the last row?",),
        ),
        Mistake(
            "the other way",
            "The image moves the other way.",
            lambda image, rows, columns: _shift(image, -rows, -columns),
            ("Where should the pixel (0, 0) be, moved down by one?",),
        ),
        Mistake(
            "rows and columns swapped",
            "Rows and columns are swapped.",
            lambda image, rows, columns: _shift(image, columns, rows),
            ("The first index goes down.",),
        ),
        Mistake(
            "border repeated",
            "The border's pixels are repeated; zeros should come in.",
            _edges,
            ("What is known of the pixels beyond the border?",),
        ),
        Mistake(
            "the wrong part set to zero",
            "Moved down and to the right, it's right. Up or to the left, zeros cover what should be seen.",
            _zeros_from_the_start,
            ("What does image[:, :-1] = 0 change?", "A move up brings zeros in at the bottom."),
        ),
        Mistake(
            "never up or left",
            "Numbers below 0 move the image down and to the right too.",
            lambda image, rows, columns: _shift(image, abs(rows), abs(columns)),
            ("What should -1 do?",),
        ),
        Mistake(
            "rows alone",
            "The image moves down or up, and not sideways.",
            lambda image, rows, columns: _shift(image, rows, 0),
            ("Where is `columns` in your function?",),
        ),
        Mistake(
            "stays",
            "The image doesn't move to where it should; what should be lost is set to zero where it is.",
            lambda image, rows, columns: _shift(_shift(image, rows, columns), -rows, -columns),
            ("Where should the pixel (0, 0) be, moved down by one?",),
        ),
        Mistake(
            "grows",
            "The image grows by what it moves; it should keep its shape.",
            lambda image, rows, columns: np.pad(
                image, ((max(rows, 0), max(-rows, 0)), (max(columns, 0), max(-columns, 0)))
            ),
            ("What should be lost?",),
        ),
    ),
)


def _kernels(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0]), 3
    yield np.array([1.0, 2.0, 3.0]), 5
    yield np.array([4.0]), 2
    for K, size in ((2, 6), (3, 7), (4, 6), (5, 9)):
        yield rng.normal(size=K), size


def _conv_matrix(kernel: Array, size: int) -> Array:
    matrix = np.zeros((size - len(kernel) + 1, size))
    for row in range(len(matrix)):
        matrix[row, row : row + len(kernel)] = kernel
    return matrix


def _circular(kernel: Array, size: int) -> Array:
    row = np.pad(kernel, (0, size - len(kernel)))
    return np.array([np.roll(row, n) for n in range(size)])


def _by_width(kernel: Array, size: int) -> Array:
    matrix = np.zeros((size - len(kernel) + 1, size))
    for row in range(len(matrix)):
        start = row * len(kernel)
        if start + len(kernel) <= size:
            matrix[row, start : start + len(kernel)] = kernel
    return matrix


check_conv_matrix = Task(
    "conv_matrix",
    "Given a kernel (K,) and the size of a row of pixels. There is a matrix whose product with the row is "
    "the cross-correlation of both, without padding: a dense layer with shared weights and zeros. Return "
    "that matrix (size - K + 1, size).",
    _conv_matrix,
    _kernels,
    (
        Mistake(
            "flipped kernel",
            "The kernel is flipped in every row: that's a true convolution.",
            lambda kernel, size: _conv_matrix(kernel[::-1], size),
            ("Which weight meets the first pixel?",),
        ),
        Mistake(
            "transposed",
            "The matrix is transposed: an output has a column; it should have a row.",
            lambda kernel, size: _conv_matrix(kernel, size).T,
            ("How many rows does a matrix have that turns 5 numbers into 3?",),
        ),
        Mistake(
            "around the end",
            "The kernel goes over the end and begins again at the front.",
            _circular,
            ("How many places does the kernel fit into, as a whole?",),
        ),
        Mistake(
            "does not move",
            "The kernel stays at the first pixels; in each row it's one further to the right.",
            lambda kernel, size: np.tile(_conv_matrix(kernel, size)[:1], (size - len(kernel) + 1, 1)),
            ("On which pixels does the second output depend?",),
        ),
        Mistake(
            "moves by its own width",
            "The kernel moves by its own width; it moves by one.",
            _by_width,
            ("On which pixels does the second output depend?",),
        ),
        Mistake(
            "last place left out",
            "The last row is missing.",
            lambda kernel, size: _conv_matrix(kernel, size)[:-1],
            ("How many stops has a kernel of 3 on 5 pixels?",),
        ),
        Mistake(
            "padded",
            "There is a row for every pixel: that's with padding.",
            lambda kernel, size: _conv_matrix(kernel, size + len(kernel) - 1)[
                :, (len(kernel) - 1) // 2 : (len(kernel) - 1) // 2 + size
            ],
            ("How many stops has a kernel of 3 on 5 pixels?",),
        ),
        Mistake(
            "dense",
            "All weights of a row are the kernel's, over and over; most of them should be 0.",
            lambda kernel, size: np.resize(kernel, (size - len(kernel) + 1, size)),
            ("On how many pixels does an output depend?",),
        ),
    ),
)


def _rings(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.eye(3), np.array([1.0, 2.0, 4.0])
    yield np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 3.0])
    yield np.diag([1.0, 0.0, 2.0]), np.array([0.0, 0.0, 1.0])
    yield _circular(np.array([1.0, -2.0, 3.0]), 5), np.array([1.0, 0.0, 0.0, 2.0, -1.0])
    for size in (3, 4, 5, 6):
        yield rng.normal(size=(size, size)), rng.normal(size=size)


check_equivariance_gap = Task.broken(
    "equivariance_gap",
    "Given a matrix (n, n), which is a layer, and a row x (n,) that goes around at its ends. Shift the input "
    "and see whether the output shifts with it: at each place, the difference is how far the two are apart. "
    "Return the largest difference of all places and all shifts, from 1 to n - 1.",
    '''
def equivariance_gap(matrix, x):
    """Return how far a layer is from equivariance, for the row x."""
    largest = 0.0
    for steps in range(1, len(x)):
        shifted_first = matrix @ np.roll(x, steps)
        shifted_last = np.roll(matrix @ x, steps)
        gap = np.abs(shifted_first - shifted_last).max()
        largest = max(largest, gap)
    return largest
''',
    _rings,
    (
        Bug(
            "invariance",
            "np.roll(matrix @ x, steps)",
            "matrix @ x",
            "The matrix that changes nothing should have a gap of 0, and it has one.",
            ("Which of the two is measured, equivariance or invariance?",),
        ),
        Bug(
            "the other way",
            "np.roll(matrix @ x, steps)",
            "np.roll(matrix @ x, -steps)",
            "The matrix that changes nothing should have a gap of 0; on rows of three places, it has not.",
            ("Which way does the output go if the input goes to the right?",),
        ),
        Bug(
            "the layer moves along",
            "matrix @ np.roll(x, steps)",
            "np.roll(matrix, steps, axis=0) @ x",
            "Every layer has a gap of 0, even one with weights of its own at each place.",
            ("What is moved, the image or the layer?",),
        ),
        Bug(
            "one step",
            "range(1, len(x))",
            "range(1, 2)",
            "Shifts by two and more make no difference.",
            ("Which layers are equivariant to some shifts and not to others?",),
        ),
        Bug(
            "signs",
            "np.abs(shifted_first - shifted_last)",
            "(shifted_first - shifted_last)",
            "Differences below zero go unnoticed.",
            ("Put a minus before all weights: does the gap change?",),
        ),
        Bug(
            "mean",
            "np.abs(shifted_first - shifted_last).max()",
            "np.abs(shifted_first - shifted_last).mean()",
            "A difference at one place alone looks small, and the smaller, the longer the row is.",
            ("Is the largest difference wanted, or the usual one?",),
        ),
        Bug(
            "added up",
            "max(largest, gap)",
            "largest + gap",
            "The more shifts there are, the larger it gets.",
            ("Print the gap of each shift, and what becomes of it.",),
        ),
        Bug(
            "last shift",
            "max(largest, gap)",
            "gap",
            "Only the shift by n - 1 counts.",
            ("Print the gap of each shift, and what becomes of it.",),
        ),
    ),
)
