"""Exercises of the chapter on AlexNet: dropout, response normalization, top-k accuracy, groups, windows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Sums = tuple[float, float, float, float]


def _dropped(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "p": float(rng.choice([0.2, 0.6, 0.75, 0.8])),
        "h": rng.integers(1, 6, size=4),
        "w": rng.choice([-2, -1, 1, 2, 3], size=4),
        "kept": rng.permutation([0, 1, 1, int(rng.integers(2))]),
    }


def _two_dropouts(p: float, h: Array, w: Array, kept: Array) -> Sums:
    """Return the sum in training and at test time, with today's dropout and with that of 2012."""
    some, whole = float((w * h * kept).sum()), float((w * h).sum())
    return round(some / (1 - p), 6), whole, some, round((1 - p) * whole, 6)


def _other_sums(change: Callable[[float, float, float], Sums]) -> Callable[..., Sums]:
    """Return the wrong way that makes the four from the sum of those kept, the whole sum, and p."""

    def way(p: float, h: Array, w: Array, kept: Array) -> Sums:
        return change(float((w * h * kept).sum()), float((w * h).sum()), p)

    return way


check_two_dropouts = Pencil(
    "two_dropouts",
    "today in training, today at test time, 2012 in training, 2012 at test time",
    _dropped,
    _two_dropouts,
    (
        Mistake(
            "never scaled in training",
            "Today's training and that of 2012 give the same in yours; today, what is kept is scaled.",
            _other_sums(lambda some, whole, p: (some, whole, some, (1 - p) * whole)),
            ("How often is a unit kept? By what must it be divided, so that its mean stays?",),
        ),
        Mistake(
            "divided by p",
            "In today's training, you divide by the share that's dropped; it's the share that's kept.",
            _other_sums(lambda some, whole, p: (some / p, whole, some, (1 - p) * whole)),
            ("With p = 0.1, hardly anything is dropped. By how much should the rest grow?",),
        ),
        Mistake(
            "the dropped ones",
            "You sum those that are dropped.",
            _other_sums(
                lambda some, whole, p: (
                    (whole - some) / (1 - p),
                    whole,
                    whole - some,
                    (1 - p) * whole,
                )
            ),
            ("What does a 1 in the draw say?",),
        ),
        Mistake(
            "years swapped",
            "You've swapped the years: which of the two scales in training?",
            _other_sums(lambda some, whole, p: (some, (1 - p) * whole, some / (1 - p), whole)),
            ("Today's form has another name, inverted dropout. What is inverted?",),
        ),
        Mistake(
            "2012 never scaled",
            "In 2012, test time isn't scaled in yours: all units are there, more than in training.",
            _other_sums(lambda some, whole, p: (some / (1 - p), whole, some, whole)),
            ("What's the mean of the sum over all draws, in 2012's training?",),
        ),
        Mistake(
            "2012 times p",
            "At 2012's test time, you multiply by the share that's dropped; it's the share that's kept.",
            _other_sums(lambda some, whole, p: (some / (1 - p), whole, some, p * whole)),
            ("With p = 0.1, how much of the sum is there in training, on average?",),
        ),
        Mistake(
            "dropped at test time",
            "You drop at test time, too; there, all units are kept.",
            _other_sums(lambda some, whole, p: (some / (1 - p), some, some, (1 - p) * some)),
            ("What does `eval()` do to dropout?",),
        ),
        Mistake(
            "scaled twice",
            "Today's form scales at both times in yours; it has done its work in training.",
            _other_sums(lambda some, whole, p: (some / (1 - p), (1 - p) * whole, some, (1 - p) * whole)),
            ("What does `eval()` do to dropout?",),
        ),
    ),
)


def _responses(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1), 3, 1.0, 0.5, 0.0
    yield np.array([0.0, 100, 20, 0, 0, 20]).reshape(1, 6, 1, 1), 5, 1e-4, 0.75, 2.0
    for shape, size in (((1, 4, 2, 2), 3), ((2, 6, 3, 2), 5), ((2, 8, 2, 3), 5)):
        x = 3 * rng.normal(size=shape)
        yield x, size, float(rng.uniform(0.1, 1)), float(rng.uniform(0.6, 0.9)), float(rng.uniform(1, 2))


def _response_norm(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    return _by_sum(x, x**2, size, alpha, beta, k)


def _by_sum(
    x: Array,
    of: Array,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    sides: tuple[int, int] | None = None,
) -> Array:
    total = _neighbors(of, *(sides or (size // 2, size // 2)))
    return np.asarray(x / (k + alpha * total) ** beta)


def _neighbors(of: Array, before: int, after: int) -> Array:
    """Return the sum over channels from `before` a channel to `after` it."""
    wide = np.pad(of, ((0, 0), (before, after), (0, 0), (0, 0)))
    return np.asarray(sum(wide[:, n : n + of.shape[1]] for n in range(before + after + 1)))


def _over_places(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    wide = np.pad(x**2, ((0, 0), (0, 0), (size // 2,) * 2, (size // 2,) * 2))
    total = np.lib.stride_tricks.sliding_window_view(wide, (size, size), axis=(2, 3)).sum(axis=(-2, -1))
    return np.asarray(x / (k + alpha * total) ** beta)


def _from_the_end(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    half, squares = size // 2, x**2
    total = [squares[:, n - half : n + half + 1].sum(axis=1) for n in range(x.shape[1])]
    return np.asarray(x / (k + alpha * np.stack(total, axis=1)) ** beta)


def _around(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    total = sum(np.roll(x**2, step, axis=1) for step in range(-(size // 2), size // 2 + 1))
    return np.asarray(x / (k + alpha * total) ** beta)


check_response_norm = Task(
    "response_norm",
    "Given maps x (N, C, H, W), an odd size, alpha, beta and k. Each number is divided by (k + alpha * s) "
    "** beta, where s is the sum of the squares at the same place in size neighboring channels, its own in "
    "the middle; beyond the first and the last there's nothing. Return the normalized maps (N, C, H, W).",
    _response_norm,
    _responses,
    (
        Mistake(
            "over places",
            "You sum over neighboring places; the sum goes over neighboring channels, at the same place.",
            _over_places,
            ("Which axis is that of the channels?",),
        ),
        Mistake(
            "no squares",
            "You sum the numbers themselves; their squares are wanted.",
            lambda x, size, alpha, beta, k: _by_sum(x, x, size, alpha, beta, k),
            ("May a sum of negative numbers be under a power?",),
        ),
        Mistake(
            "absolute values",
            "You sum absolute values; squares are wanted.",
            lambda x, size, alpha, beta, k: _by_sum(x, np.abs(x), size, alpha, beta, k),
            ("Read the formula's s again.",),
        ),
        Mistake(
            "divided by the size",
            "You divide alpha by the size, as torch does; the paper doesn't.",
            lambda x, size, alpha, beta, k: _response_norm(x, size, alpha / size, beta, k),
            ("Is it a sum or a mean?",),
        ),
        Mistake(
            "all channels",
            "You sum over all channels; only the neighbors count.",
            lambda x, size, alpha, beta, k: x / (k + alpha * (x**2).sum(axis=1, keepdims=True)) ** beta,
            ("How many channels are within a size of 3?",),
        ),
        Mistake(
            "channels behind alone",
            "The sum goes over a channel and those before it; half of them should come after.",
            lambda x, size, alpha, beta, k: _by_sum(x, x**2, size, alpha, beta, k, (size - 1, 0)),
            ("Where in the window is the channel itself?",),
        ),
        Mistake(
            "slices below zero",
            "The first channels miss neighbors in yours: a slice that begins below 0 counts from the end.",
            _from_the_end,
            ("What is [1, 2, 3][-1:2]?", "max(0, ...)"),
        ),
        Mistake(
            "around the end",
            "The first channel and the last are neighbors in yours; beyond them there's nothing.",
            _around,
            ("What does np.roll put into the place that gets free?",),
        ),
        Mistake(
            "a channel short",
            "The window ends a channel too early: its own should be in the middle.",
            lambda x, size, alpha, beta, k: _by_sum(
                x, x**2, size, alpha, beta, k, (size // 2, size // 2 - 1)
            ),
            ("Which numbers are in range(3)?",),
        ),
        Mistake(
            "without itself",
            "A number's own square is missing in the sum.",
            lambda x, size, alpha, beta, k: (
                x / (k + alpha * (_neighbors(x**2, size // 2, size // 2) - x**2)) ** beta
            ),
            ("How many channels are within a size of 3?",),
        ),
        Mistake(
            "size on each side",
            "The window reaches as far as size to each side; all of it is size channels wide.",
            lambda x, size, alpha, beta, k: _by_sum(x, x**2, size, alpha, beta, k, (size, size)),
            ("How many channels are within a size of 3?",),
        ),
        Mistake(
            "no k",
            "k is missing.",
            lambda x, size, alpha, beta, k: _response_norm(x, size, alpha, beta, 0.0),
            ("What becomes of a 0 among zeros?",),
        ),
        Mistake(
            "no power",
            "beta is missing: you divide by the bracket itself.",
            lambda x, size, alpha, beta, k: _response_norm(x, size, alpha, 1.0, k),
            ("Where is `beta` in your function?",),
        ),
        Mistake(
            "k outside the power",
            "beta is the power of the whole bracket; yours leaves k out of it.",
            lambda x, size, alpha, beta, k: (
                x / (k + (alpha * _neighbors(x**2, size // 2, size // 2)) ** beta)
            ),
            ("Brackets.",),
        ),
    ),
)


def _guesses(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[3.0, 1.0, 2.0]]), np.array([2]), 2
    yield np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]]), np.array([1, 0]), 2
    for N, K, k in ((5, 4, 2), (9, 6, 3), (12, 8, 5), (11, 5, 1)):
        yield rng.normal(size=(N, K)), rng.integers(0, K, size=N), k


def _top_k(logits: Array, labels: Array, k: int) -> float:
    return float(_hits(logits, labels, k).mean())


def _hits(logits: Array, labels: Array, k: int) -> Array:
    order = np.argsort(-logits, axis=1)
    return np.asarray((order[:, :k] == labels[:, None]).any(axis=1))


check_top_k_accuracy = Task(
    "top_k_accuracy",
    "Given logits (N, K), labels (N,) and k. An answer counts as right if the label is among its k highest "
    "logits. Return the share of right answers.",
    _top_k,
    _guesses,
    (
        Mistake(
            "top 1",
            "Only the highest logit counts in yours; the k highest should.",
            lambda logits, labels, k: _top_k(logits, labels, 1),
            ("Where is `k` in your function?",),
        ),
        Mistake(
            "lowest",
            "You look among the k lowest logits.",
            lambda logits, labels, k: _top_k(-logits, labels, k),
            ("In which direction does np.argsort sort?",),
        ),
        Mistake(
            "error",
            "That's the share of wrong answers.",
            lambda logits, labels, k: 1 - _top_k(logits, labels, k),
            ("The papers give the top-5 error. What's asked for here?",),
        ),
        Mistake(
            "one too few",
            "You look among k - 1.",
            lambda logits, labels, k: _top_k(logits, labels, k - 1),
            ("How many numbers are in order[1:k]?",),
        ),
        Mistake(
            "one too many",
            "You look among k + 1.",
            lambda logits, labels, k: _top_k(logits, labels, k + 1),
            ("< or <=?",),
        ),
        Mistake(
            "k-th alone",
            "Only the k-th highest logit counts in yours; all from the first to the k-th should.",
            lambda logits, labels, k: (
                _hits(logits, labels, k).astype(float) - _hits(logits, labels, k - 1)
            ).mean(),
            ("Is an answer wrong if the label has the highest logit?",),
        ),
        Mistake(
            "a number of images",
            "That's how many are right; the share is wanted.",
            lambda logits, labels, k: _hits(logits, labels, k).sum(),
            ("Divide by what?",),
        ),
        Mistake(
            "divided by k",
            "You divide by k too; an image is right or wrong, whatever k is.",
            lambda logits, labels, k: _top_k(logits, labels, k) / k,
            ("What's the largest answer that is possible?", "any, not mean."),
        ),
        Mistake(
            "logits for classes",
            "You compare the label with the k highest logits; compare it with their classes.",
            lambda logits, labels, k: (np.sort(logits, axis=1)[:, -k:] == labels[:, None]).any(axis=1).mean(),
            ("Label 2 means the class at place 2. What's at that place?", "np.argsort"),
        ),
        Mistake(
            "percent",
            "That's in percent; a share between 0 and 1 is wanted.",
            lambda logits, labels, k: 100 * _top_k(logits, labels, k),
            ("What's the largest answer that is possible?",),
        ),
    ),
)


def _groups(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 2, 4, 1, 1
    yield 2, 4, 1, 2
    yield 96, 256, 5, 2
    for _ in range(6):
        groups = int(rng.integers(2, 5))
        a, b = rng.choice(np.arange(2, 9), size=2, replace=False)
        yield groups * int(a), groups * int(b), int(rng.integers(2, 6)), groups


def _count_grouped(in_channels: int, out_channels: int, kernel_size: int, groups: int) -> int:
    return out_channels * (in_channels // groups * kernel_size**2 + 1)


def _grouped(count: Any) -> Any:
    return lambda C_in, C_out, K, groups: count(C_in, C_out, K * K, groups)


check_count_grouped = Task(
    "count_grouped",
    "Given in_channels and out_channels of a convolution, its kernel_size and the number of groups, into "
    "which both are divided: an output channel sees the input channels of its group alone. Return the "
    "number of weights and biases.",
    _count_grouped,
    _groups,
    (
        Mistake(
            "no groups",
            "You count as if every output channel saw all input channels.",
            _grouped(lambda a, b, K2, g: b * (a * K2 + 1)),
            ("How many input channels does a filter see?",),
        ),
        Mistake(
            "both divided",
            "You divide input and output channels and forget that there are several groups.",
            _grouped(lambda a, b, K2, g: b // g * (a // g * K2 + 1)),
            ("How many filters are there in all groups together?",),
        ),
        Mistake(
            "weights of one group",
            "You count the weights of one group alone; there are several.",
            _grouped(lambda a, b, K2, g: (b // g) * (a // g) * K2 + b),
            ("How many filters are there in all groups together?",),
        ),
        Mistake(
            "biases divided",
            "You divide the biases too; each output channel has one.",
            _grouped(lambda a, b, K2, g: b * a // g * K2 + b // g),
            ("How many biases has nn.Conv2d(96, 256, 5, groups=2)?",),
        ),
        Mistake(
            "multiplied",
            "Groups make it more in yours; they make it less.",
            _grouped(lambda a, b, K2, g: b * (a * g * K2 + 1)),
            ("How many input channels does a filter see?",),
        ),
        Mistake(
            "no biases",
            "The biases are missing.",
            _grouped(lambda a, b, K2, g: b * a // g * K2),
            ("What is added to every place of an output channel?",),
        ),
        Mistake(
            "biases of the groups",
            "You count a bias for each group; each output channel has one.",
            _grouped(lambda a, b, K2, g: b * a // g * K2 + g),
            ("How many biases has nn.Conv2d(96, 256, 5, groups=2)?",),
        ),
        Mistake(
            "a row of a kernel",
            "A kernel has side times side weights; you count its side.",
            lambda C_in, C_out, K, groups: C_out * (C_in // groups * K + 1),
            ("How many numbers are in a 5x5 kernel?",),
        ),
        Mistake(
            "bias for each kernel",
            "You count a bias for each kernel; a filter has one.",
            _grouped(lambda a, b, K2, g: b * a // g * (K2 + 1)),
            ("What is added to every place of an output channel?",),
        ),
    ),
    by_hand=False,
)


def _views(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(4.0).reshape(1, 1, 2, 2), 1
    yield np.arange(9.0).reshape(1, 1, 3, 3), 1
    yield np.arange(12.0).reshape(1, 1, 3, 4), 2
    for shape, side in (((2, 3, 5, 6), 3), ((2, 2, 7, 4), 2), ((1, 3, 6, 8), 4)):
        yield rng.normal(size=shape), side


def _half_a_turn(images: Array, side: int) -> Array:
    windows: Array = check_ten_windows.solution(images, side).copy()
    windows[:, 1::2] = windows[:, 1::2, :, ::-1]
    return windows


def _mirrors_last(images: Array, side: int) -> Array:
    windows: Array = check_ten_windows.solution(images, side)
    return windows[:, [*range(0, 10, 2), *range(1, 10, 2)]]


check_ten_windows = Task.broken(
    "ten_windows",
    "Given images (N, C, H, W) and the side of a window. The windows are those in the upper left corner, the "
    "upper right, the lower left, the lower right and the middle, each with its mirror image, left to right, "
    "behind it. Return the ten windows of each image (N, 10, C, side, side).",
    '''
def ten_windows(images, side):
    """Return five windows of each image, each with its mirror image behind it."""
    H, W = images.shape[2:]
    down, right = H - side, W - side
    corners = [(0, 0), (0, right), (down, 0), (down, right)]
    views = []
    for top, left in [*corners, (down // 2, right // 2)]:
        view = images[:, :, top : top + side, left : left + side]
        views += [view, view[:, :, :, ::-1]]
    return np.stack(views, axis=1)
''',
    _views,
    (
        Bug(
            "on their heads",
            "view[:, :, :, ::-1]",
            "view[:, :, ::-1, :]",
            "Every other window stands on its head.",
            ("Take an image with numbers from 0 to 8. What does a window's mirror image look like?",),
        ),
        Bug(
            "channels turned round",
            "view[:, :, :, ::-1]",
            "view[:, ::-1]",
            "Every other window isn't mirrored, and its last channel comes first.",
            ("Which of the four axes runs from left to right?",),
        ),
        Bug(
            "not mirrored",
            "[view, view[:, :, :, ::-1]]",
            "[view, view]",
            "Every window is there twice.",
            ("Take an image with numbers from 0 to 8, and look at windows 0 and 1.",),
        ),
        Bug(
            "rows for columns",
            "H - side, W - side",
            "W - side, H - side",
            "If images aren't square, some windows leave them.",
            ("Take an image of 3x4, and print where each window begins.",),
        ),
        Bug(
            "a pixel short",
            "H - side, W - side",
            "H - side - 1, W - side - 1",
            "The image's last row and last column are in no window.",
            ("An image of 3x3 and windows of 1: where does the last corner begin?",),
        ),
        Bug(
            "no middle",
            "(down // 2, right // 2)",
            "(down, right)",
            "The lower right corner comes twice, and the middle never.",
            ("An image of 3x3 and windows of 1: which pixels do you get?",),
        ),
        Bug(
            "another axis",
            "axis=1",
            "axis=2",
            "The ten windows are where the channels should be.",
            ("What is the shape of your answer for two images with three channels?",),
        ),
        Bug(
            "corners swapped",
            "(0, right), (down, 0)",
            "(down, 0), (0, right)",
            "The corners come in another order.",
            ("An image of 3x3 and windows of 1: in which order do you get its pixels?",),
        ),
        Bug(
            "eight windows",
            "[*corners, (down // 2, right // 2)]",
            "corners",
            "There are eight windows.",
            ("How many places does the loop visit?",),
        ),
    ),
    (
        Mistake(
            "half a turn",
            "Every other window is turned by half a turn: it's mirrored, and stands on its head.",
            _half_a_turn,
            ("Take an image with numbers from 0 to 8. What does a window's mirror image look like?",),
        ),
        Mistake(
            "mirror images last",
            "The five mirror images come last; each belongs right behind its window.",
            _mirrors_last,
            ("An image of 3x3 and windows of 1: in which order do you get its pixels?",),
        ),
    ),
)
