"""Exercises of the chapter on fast convolution: Winograd's products, windows as columns, waves."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _two_stops(rng: np.random.Generator) -> dict[str, list[int]]:
    w = [int(n) for n in rng.choice(np.arange(1, 10), 3, replace=False)]
    w[2] += sum(w) % 2  # sums of weights are halved
    return {"d": [int(n) for n in rng.choice(np.arange(10), 4, replace=False)], "w": w}


def _four_products(d: list[int], w: list[int]) -> tuple[float, ...]:
    """Return Winograd's four products, and the two sums that they give."""
    first, last = (d[0] - d[2]) * w[0], (d[1] - d[3]) * w[2]
    plus = (d[1] + d[2]) * (w[0] + w[1] + w[2]) / 2
    minus = (d[2] - d[1]) * (w[0] - w[1] + w[2]) / 2
    return first, plus, minus, last, first + plus + minus, plus - minus - last


def _other_products(change: Any) -> Any:
    """Return the wrong way that changes the four products, and adds them up as one should."""

    def way(d: list[int], w: list[int]) -> tuple[float, ...]:
        m1, m2, m3, m4 = change(*_four_products(d, w)[:4], d, w)
        return m1, m2, m3, m4, m1 + m2 + m3, m2 - m3 - m4

    return way


def _other_sums(change: Any) -> Any:
    """Return the wrong way that adds up the right products in another way."""
    return lambda d, w: (*_four_products(d, w)[:4], *change(*_four_products(d, w)[:4]))


check_four_products = Pencil(
    "four_products",
    "m1, m2, m3, m4, the first sum, the second sum",
    _two_stops,
    _four_products,
    (
        Mistake(
            "not halved",
            "The sums of weights in your middle products aren't halved.",
            _other_products(lambda m1, m2, m3, m4, d, w: (m1, 2 * m2, 2 * m3, m4)),
            ("Slide the kernel over the first three samples, and compare.",),
        ),
        Mistake(
            "third turned round",
            "Your third product has the wrong sign.",
            _other_products(lambda m1, m2, m3, m4, d, w: (m1, m2, -m3, m4)),
            ("Which of the two samples in the middle is taken away?",),
        ),
        Mistake(
            "fourth turned round",
            "Your fourth product has the wrong sign.",
            _other_products(lambda m1, m2, m3, m4, d, w: (m1, m2, m3, -m4)),
            ("In the second sum, does the last sample count with a plus or a minus?",),
        ),
        Mistake(
            "weights added in the third",
            "In the third product, the middle weight is taken away.",
            _other_products(lambda m1, m2, m3, m4, d, w: (m1, m2, (d[2] - d[1]) * sum(w) / 2, m4)),
            ("In which of the products do both middle samples and all three weights meet?",),
        ),
        Mistake(
            "neighbors",
            "Your outer products take neighbors' differences; they take those of samples two apart.",
            _other_products(
                lambda m1, m2, m3, m4, d, w: ((d[0] - d[1]) * w[0], m2, m3, (d[2] - d[3]) * w[2])
            ),
            ("Which weight meets the third sample in the first sum?",),
        ),
        Mistake(
            "kernel flipped",
            "Your products are those of the kernel back to front. Networks slide it as it is.",
            lambda d, w: _four_products(d, w[::-1]),
            ("Which weight meets the first sample?",),
        ),
        Mistake(
            "all added",
            "Your second sum adds where it should take away.",
            _other_sums(lambda m1, m2, m3, m4: (m1 + m2 + m3, m2 + m3 + m4)),
            ("Slide the kernel over the last three samples, and compare.",),
        ),
        Mistake(
            "fourth added",
            "Your second sum adds the fourth product; it's taken away.",
            _other_sums(lambda m1, m2, m3, m4: (m1 + m2 + m3, m2 - m3 + m4)),
            ("Slide the kernel over the last three samples, and compare.",),
        ),
        Mistake(
            "sums swapped",
            "Your two sums are swapped.",
            _other_sums(lambda m1, m2, m3, m4: (m2 - m3 - m4, m1 + m2 + m3)),
            ("Which of the two sums knows nothing of the last sample?",),
        ),
    ),
)


def _maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(9.0).reshape(1, 3, 3), 2, 1
    yield np.arange(8.0).reshape(2, 2, 2), 2, 1
    for shape, size, stride in (((2, 3, 4), 2, 1), ((3, 5, 6), 3, 2), ((2, 5, 4), 2, 2), ((2, 4, 5), 1, 2)):
        yield rng.normal(size=shape), size, stride


def _windows(x: Array, size: int, stride: int) -> Array:
    """Return windows (C, H_out, W_out, size, size)."""
    windows: Array = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride]


def _im2col(x: Array, size: int, stride: int) -> Array:
    return _columns(x, size, stride, (0, 3, 4, 1, 2))


def _columns(x: Array, size: int, stride: int, axes: tuple[int, ...]) -> Array:
    """Return the columns with other axes first; C is 0, the places are 1 and 2, the kernel's axes 3 and 4."""
    return _windows(x, size, stride).transpose(axes).reshape(len(x) * size**2, -1)


check_im2col = Task(
    "im2col",
    "Given maps x (C, H, W), the side of a kernel and a stride. Each place of the kernel becomes a column: "
    "its window, channel by channel, each row by row. The places come row by row too. Return the columns (C "
    "* size * size, H_out * W_out).",
    _im2col,
    _maps,
    (
        Mistake(
            "transposed",
            "Your windows are rows; they should be columns.",
            lambda x, size, stride: _im2col(x, size, stride).T,
            ("What is the shape of the product of weights (C_out, C * K * K) with yours?",),
        ),
        Mistake(
            "channels last",
            "Within a column the channels come last; they come first, as in the weight (C_out, C, K_h, K_w).",
            lambda x, size, stride: _columns(x, size, stride, (3, 4, 0, 1, 2)),
            ("In which order does weight.reshape(C_out, -1) have its numbers?",),
        ),
        Mistake(
            "windows column by column",
            "Each window is read column by column; it should be row by row.",
            lambda x, size, stride: _columns(x, size, stride, (0, 4, 3, 1, 2)),
            ("In which order does weight.reshape(C_out, -1) have its numbers?",),
        ),
        Mistake(
            "places column by column",
            "The places come column by column; they should come row by row.",
            lambda x, size, stride: _columns(x, size, stride, (0, 3, 4, 2, 1)),
            ("Which window is next to the first?",),
        ),
        Mistake(
            "no stride",
            "The kernel stops at every pixel, whatever the stride.",
            lambda x, size, stride: _im2col(x, size, 1),
            ("Where does the second window begin with a stride of 2?",),
        ),
        Mistake(
            "stride is the size",
            "The kernel moves by its own size; the stride is a number of its own.",
            lambda x, size, stride: _im2col(x, size, size),
            ("Windows may overlap: that is why im2col needs more memory than x.",),
        ),
        Mistake(
            "cut anew",
            "You reshape where axes should be moved: numbers of different windows end up in one column.",
            lambda x, size, stride: _windows(x, size, stride).reshape(len(x) * size**2, -1),
            ("Look at the first column: is it the first window?", "First transpose, then reshape."),
        ),
        Mistake(
            "flipped windows",
            "Each window is read backward.",
            lambda x, size, stride: (
                _windows(x, size, stride)[..., ::-1, ::-1]
                .transpose(0, 3, 4, 1, 2)
                .reshape(len(x) * size**2, -1)
            ),
            ("Is a cross-correlation wanted or a convolution?",),
        ),
        Mistake(
            "last place left out",
            "The last row and column of places is missing.",
            lambda x, size, stride: _im2col(x[:, :-stride, :-stride], size, stride),
            ("How many stops has a kernel of 2 on 3 pixels?",),
        ),
    ),
)


def _gradients(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.ones((4, 4)), 1, 3, 3, 2
    yield np.arange(16.0).reshape(4, 4), 1, 3, 3, 2
    for C, H, W, size in ((2, 3, 4, 2), (3, 5, 4, 3), (2, 4, 4, 3), (2, 3, 3, 1)):
        yield rng.normal(size=(C * size**2, (H - size + 1) * (W - size + 1))), C, H, W, size


def _col2im(columns: Array, C: int, H: int, W: int, size: int) -> Array:
    return _gathered(columns, C, H, W, size)


def _gathered(
    columns: Array, C: int, H: int, W: int, size: int, *, order: Any = None, how: str = "sum"
) -> Array:
    parts = columns.reshape(C, size, size, H - size + 1, W - size + 1)
    parts = order(parts) if order else parts
    x, count = np.zeros((C, H, W)), np.zeros((C, H, W))
    for i, j in np.ndindex(size, size):
        place = np.s_[:, i : i + H - size + 1, j : j + W - size + 1]
        x[place] = parts[:, i, j] + (x[place] if how != "last" else 0)
        count[place] += 1
    return x / count if how == "mean" else x


def _last_window(columns: Array, C: int, H: int, W: int, size: int) -> Array:
    x, windows = np.zeros((C, H, W)), columns.T.reshape(-1, C, size, size)
    for window, (i, j) in zip(windows, np.ndindex(H - size + 1, W - size + 1), strict=True):
        x[:, i : i + size, j : j + size] = window
    return x


check_col2im = Task(
    "col2im",
    "Given columns (C * size * size, H_out * W_out), in im2col's order with stride 1, the shape C, H, W of "
    "the maps and the side of the kernel. It's im2col's way back: every number goes to the pixel that it "
    "came from, and numbers of one pixel add up. Return the maps (C, H, W).",
    _col2im,
    _gradients,
    (
        Mistake(
            "overwritten",
            "Where windows overlap you keep the last number; they add up.",
            lambda columns, C, H, W, size: _gathered(columns, C, H, W, size, how="last"),
            ("A pixel that was copied four times gets four gradients.", "= or +=?"),
        ),
        Mistake(
            "overwritten by the next window",
            "Where windows overlap, the last window's number is left; they add up.",
            _last_window,
            ("A pixel that was copied four times gets four gradients.", "= or +=?"),
        ),
        Mistake(
            "mean",
            "You average what comes to a pixel; it adds up.",
            lambda columns, C, H, W, size: _gathered(columns, C, H, W, size, how="mean"),
            ("What is the gradient of a number that was copied four times?",),
        ),
        Mistake(
            "windows turned over",
            "Rows and columns within a window are swapped.",
            lambda columns, C, H, W, size: _gathered(
                columns, C, H, W, size, order=lambda parts: parts.swapaxes(1, 2)
            ),
            ("The first number of a kernel's index goes down.",),
        ),
        Mistake(
            "windows backward",
            "Each window is laid down backward.",
            lambda columns, C, H, W, size: _gathered(
                columns, C, H, W, size, order=lambda parts: parts[:, ::-1, ::-1]
            ),
            ("Where did the first number of a column come from?",),
        ),
        Mistake(
            "places in another order",
            "The places are read column by column; im2col lists them row by row.",
            lambda columns, C, H, W, size: _gathered(
                columns,
                C,
                H,
                W,
                size,
                order=lambda parts: parts.reshape(C, size, size, W - size + 1, H - size + 1).swapaxes(3, 4),
            ),
            ("Which window is the second column?",),
        ),
        Mistake(
            "channels last",
            "The channels are read as if they came last within a column; they come first.",
            lambda columns, C, H, W, size: _gathered(
                np.moveaxis(columns.reshape(size**2, C, -1), 1, 0).reshape(columns.shape), C, H, W, size
            ),
            ("In which order does im2col list the numbers of a window?",),
        ),
        Mistake(
            "one channel for all",
            "All channels get the same: their numbers are added up.",
            lambda columns, C, H, W, size: np.repeat(
                _col2im(columns, C, H, W, size).sum(axis=0, keepdims=True), C, axis=0
            ),
            ("Which rows of the columns belong to the second channel?",),
        ),
    ),
)


def _signals(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0])
    yield np.array([1.0, 0.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0])
    for n, k in ((5, 2), (6, 3), (6, 2), (8, 5), (7, 4), (5, 5)):
        yield rng.normal(size=n), rng.normal(size=k)


def _fft_convolve(x: Array, kernel: Array) -> Array:
    return _by_fft(x, kernel, len(x) + len(kernel) - 1)


def _by_fft(x: Array, kernel: Array, size: int) -> Array:
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(kernel, size), size)


def _irfft_of_even(x: Array, kernel: Array) -> Array:
    size = len(x) + len(kernel) - 1
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(kernel, size))


check_fft_convolve = Task(
    "fft_convolve",
    "Given a row x (n,) and a kernel (k,). Take the Fourier transforms of both, multiply, and transform "
    "back. Return the full convolution (n + k - 1,), with the kernel flipped, as mathematics has it.",
    _fft_convolve,
    _signals,
    (
        Mistake(
            "around the end",
            "What goes over the end comes back at the front: the transforms are too short.",
            lambda x, kernel: _by_fft(x, kernel, len(x)),
            ("How long is the answer?", "Lay zeros behind both before the transform."),
        ),
        Mistake(
            "one zero too few",
            "The transforms are one too short: the last number comes back at the front.",
            lambda x, kernel: _by_fft(x, kernel, len(x) + len(kernel) - 2),
            ("How long is the answer?",),
        ),
        Mistake(
            "a length for the way back",
            "Where the answer has an odd length, the last number is missing, and the others are off.",
            lambda x, kernel: _irfft_of_even(x, kernel),
            ("How many numbers does irfft give if you don't say so?", "irfft(product, n)"),
        ),
        Mistake(
            "one zero too many",
            "The answer is one too long.",
            lambda x, kernel: _by_fft(x, kernel, len(x) + len(kernel)),
            ("In how many places do a row of 3 and a kernel of 2 meet?",),
        ),
        Mistake(
            "not flipped",
            "That's the cross-correlation: the kernel isn't flipped.",
            lambda x, kernel: _fft_convolve(x, kernel[::-1]),
            ("What does a conjugate do to a transform?", "Where does the kernel's first number go?"),
        ),
        Mistake(
            "whole windows alone",
            "Those are the places at which the kernel fits as a whole; all at which it overlaps are wanted.",
            lambda x, kernel: _fft_convolve(x, kernel)[len(kernel) - 1 : len(x)],
            ("How long is the answer?",),
        ),
        Mistake(
            "as long as the row",
            "The answer is cut to the row's length.",
            lambda x, kernel: _fft_convolve(x, kernel)[: len(x)],
            ("How long is the answer?",),
        ),
        Mistake(
            "added",
            "You add the transforms; a convolution becomes a product.",
            lambda x, kernel: np.pad(x, (0, len(kernel) - 1)) + np.pad(kernel, (0, len(x) - 1)),
            ("What becomes of a convolution in the Fourier transform?",),
        ),
        Mistake(
            "not transformed back",
            "Those are the products of the transforms; the way back is missing.",
            lambda x, kernel: (
                np.fft.fft(x, len(x) + len(kernel) - 1) * np.fft.fft(kernel, len(x) + len(kernel) - 1)
            ),
            ("Is the answer complex?", "np.fft.ifft"),
        ),
        Mistake(
            "backward",
            "The answer is backward.",
            lambda x, kernel: _fft_convolve(x, kernel)[::-1],
            ("Which of the two transforms is the inverse?",),
        ),
    ),
)


def _long_signals(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0, 3.0]), np.array([1.0]), 2
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 10.0]), 3
    yield np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 10.0, 100.0]), 4
    for n, k, size in ((7, 3, 5), (9, 4, 8), (5, 2, 4), (12, 5, 8), (6, 3, 3), (4, 2, 16)):
        yield rng.normal(size=n), rng.normal(size=k), size


check_overlap_add = Task.broken(
    "overlap_add",
    "Given a signal (n,), a kernel (k,) and a size, k or more. The signal is cut into pieces, each is "
    "convolved with the kernel by Fourier transforms of that size, and what comes out is put together. "
    "Return the full convolution (n + k - 1,), with the kernel flipped, as mathematics has it.",
    '''
def overlap_add(signal, kernel, size):
    """Convolve piece by piece, with transforms of length `size`."""
    step = size - len(kernel) + 1
    spectrum = np.fft.fft(kernel, size)
    y = np.zeros(len(signal) + len(kernel) - 1)
    for start in range(0, len(signal), step):
        piece = signal[start : start + step]
        part = np.fft.ifft(np.fft.fft(piece, size) * spectrum).real
        stop = min(start + size, len(y))
        y[start:stop] += part[: stop - start]
    return y
''',
    _long_signals,
    (
        Bug(
            "pieces too long",
            "step = size - len(kernel) + 1",
            "step = size",
            "What a piece should pass on to the next one comes back at its own front.",
            (
                "What comes out for 1, 2, 3, 4, 5, kernel 1, 10 and size 4?",
                "How long is the convolution of a piece, and how long is the transform?",
            ),
        ),
        Bug(
            "overwritten",
            "+= part",
            "= part",
            "At the beginning of each piece but the first, something is missing.",
            ("What comes out for five ones, kernel 1, 1 and size 3?", "Who else has written there?"),
        ),
        Bug(
            "back to front",
            "fft(kernel, size)",
            "fft(kernel[::-1], size)",
            "A lone 1 should leave the kernel behind; it leaves it back to front.",
            ("What comes out for the signal 1, 0, 0 and kernel 1, 10, 100?",),
        ),
        Bug(
            "conjugate",
            "fft(kernel, size)\n",
            "fft(kernel, size).conj()\n",
            "A lone 1 leaves the kernel's first number where it should; the others are before it, and some "
            "have gone round to the far end.",
            (
                "What comes out for the signal 1, 0, 0, kernel 1, 10, 100 and size 8?",
                "Is a correlation wanted, or a convolution?",
            ),
        ),
        Bug(
            "samples left out",
            "range(0, len(signal), step)",
            "range(0, len(signal), size)",
            "There are samples that make no difference, in the middle of the signal.",
            ("Which samples does the second piece have?",),
        ),
        Bug(
            "last piece left out",
            "range(0, len(signal), step)",
            "range(0, len(signal) - step, step)",
            "The last samples make no difference. A short signal gives nothing but zeros.",
            ("How many pieces does a signal have that is as long as one piece?",),
        ),
        Bug(
            "strengths alone",
            "* spectrum",
            "* abs(spectrum)",
            "The kernel 0, 1 should only delay the signal by one; nothing is delayed.",
            ("What does a delay do to a wave's strength, and what to its phase?",),
        ),
        Bug(
            "around the end",
            "stop = min(start + size, len(y))",
            "stop = min(start + step, len(y))",
            "What a piece should pass on to the next one is lost.",
            ("What comes out for five ones, kernel 1, 1 and size 3?", "How long is `part`?"),
        ),
    ),
)
