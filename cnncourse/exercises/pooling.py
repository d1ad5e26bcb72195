"""Exercises of the chapter on pooling: the largest and the mean of each window, and the way back."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from cnncourse import pooling
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


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
