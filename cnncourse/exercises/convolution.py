"""Exercises of the chapter on convolution: numbers, by hand, forward, backward, a broken program."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from cnncourse import convolution
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _layer(rng: np.random.Generator) -> dict[str, int]:
    return {
        "size": int(rng.integers(20, 65)),
        "c_in": int(rng.choice([3, 8, 16])),
        "c_out": int(rng.choice([10, 24, 32])),
        "kernel": int(rng.choice([3, 5, 7])),
        "stride": int(rng.integers(2, 4)),
        "padding": int(rng.integers(1, 4)),
    }


def _layer_in_numbers(
    size: int, c_in: int, c_out: int, kernel: int, stride: int, padding: int
) -> tuple[int, int, int]:
    rows = convolution.output_size(size, kernel, stride, padding)
    weights = c_out * c_in * kernel**2
    return weights + c_out, rows, weights * rows**2


def _other_rows(rows: Any) -> Any:
    """Return the wrong way that counts the rows of the output otherwise, and goes on with them."""

    def way(size: int, c_in: int, c_out: int, kernel: int, stride: int, padding: int) -> tuple[int, int, int]:
        found = rows(size, kernel, stride, padding)
        weights = c_out * c_in * kernel**2
        return weights + c_out, found, weights * found**2

    return way


_other_parts = from_right(_layer_in_numbers)


check_layer_in_numbers = Pencil(
    "layer_in_numbers",
    "the parameters, the rows of the output, the multiply-adds",
    _layer,
    _layer_in_numbers,
    (
        Mistake(
            "no bias",
            "The biases are missing from the parameters: there is one for each output channel.",
            _other_parts(lambda p, rows, work, c_out, **_: (p - c_out, rows, work)),
            ("What is added to a whole output channel?",),
        ),
        Mistake(
            "a bias for each kernel",
            "You count a bias for each kernel; there is one for each filter.",
            _other_parts(lambda p, rows, work, c_in, c_out, **_: (p + c_out * (c_in - 1), rows, work)),
            ("How many numbers does a filter add to its sum of products?",),
        ),
        Mistake(
            "one kernel a filter",
            "Your filters have one kernel each; a filter has one for each input channel.",
            _other_parts(
                lambda p, rows, work, c_in, c_out, kernel, **_: (c_out * (kernel**2 + 1), rows, work // c_in)
            ),
            ("Which four axes has the layer's weight?",),
        ),
        Mistake(
            "padding once",
            "You add the padding once; it's on both sides.",
            _other_rows(lambda n, k, s, p: (n + p - k) // s + 1),
            ("How many rows has an image of 5 with one row of padding above and below?",),
        ),
        Mistake(
            "no plus one",
            "You count the steps between the stops; the stops are one more.",
            _other_rows(lambda n, k, s, p: (n + 2 * p - k) // s),
            ("How many stops has a window of 3 on an image of 3?",),
        ),
        Mistake(
            "no stride",
            "Your rows are those of stride 1.",
            _other_rows(lambda n, k, s, p: n + 2 * p - k + 1),
            ("Which of the stops does the window visit?",),
        ),
        Mistake(
            "work at every pixel",
            "Your multiply-adds are counted at each pixel of the input; the window stops less often.",
            _other_parts(lambda p, rows, work, size, **_: (p, rows, work // rows**2 * size**2)),
            ("How many numbers come out, and how many products does each of them need?",),
        ),
        Mistake(
            "one row of work",
            "Your multiply-adds are those of one row of the output; it has as many rows as columns.",
            _other_parts(lambda p, rows, work, **_: (p, rows, work // rows)),
            ("How many places has an output channel?",),
        ),
    ),
)


def _small_image(rng: np.random.Generator) -> dict[str, Array]:
    return {"image": rng.integers(0, 10, size=(3, 4)), "kernel": rng.integers(-2, 4, size=(2, 2))}


def _slide(image: Array, kernel: Array) -> Array:
    return np.asarray(convolution.conv2d(1.0 * image[None, None], 1.0 * kernel[None, None])[0, 0])


check_slide = Pencil(
    "slide",
    "the rows of the output, each in brackets",
    _small_image,
    lambda image, kernel: _slide(image, kernel).astype(int),
    (
        Mistake(
            "flipped kernel",
            "You flipped the kernel top to bottom and left to right: that's a true convolution.",
            lambda image, kernel: _slide(image, kernel[::-1, ::-1]),
            ("Which weight meets the pixel at the upper left?",),
        ),
        Mistake(
            "flipped left to right",
            "The two columns of your kernel have changed places.",
            lambda image, kernel: _slide(image, kernel[:, ::-1]),
            ("Lay the kernel onto the image as it is.",),
        ),
        Mistake(
            "flipped top to bottom",
            "The two rows of your kernel have changed places.",
            lambda image, kernel: _slide(image, kernel[::-1]),
            ("Lay the kernel onto the image as it is.",),
        ),
        Mistake(
            "swapped axes",
            "Rows and columns of your kernel are swapped.",
            lambda image, kernel: _slide(image, kernel.T),
            ("Read both, image and kernel, row by row.",),
        ),
        Mistake(
            "no weights",
            "You add the pixels of each window; each is multiplied by its weight first.",
            lambda image, kernel: _slide(image, np.ones((2, 2))),
            ("How often does a pixel count under a weight of 0?",),
        ),
        Mistake(
            "mean",
            "You divide by four. A convolution is the sum of the products, not their mean.",
            lambda image, kernel: _slide(image, kernel) / 4,
            ("Which formula divides?",),
        ),
        Mistake(
            "stride of two",
            "Your window moves by its own size; here it moves by one.",
            lambda image, kernel: _slide(image, kernel)[::2, ::2],
            ("How many places are there for a window of 2 in a row of 4?",),
        ),
        Mistake(
            "columns for rows",
            "Your output is on its side: what you wrote as rows are its columns.",
            lambda image, kernel: _slide(image, kernel).T,
            ("The image has more columns than rows. And the output?",),
        ),
    ),
)


def _sizes(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 3, 3, 1, 0
    yield 4, 2, 2, 0
    yield 5, 2, 2, 0
    yield 5, 3, 1, 1
    yield 6, 3, 2, 1
    yield 224, 7, 2, 3
    for _ in range(20):
        kernel = int(rng.integers(1, 8))
        yield int(rng.integers(kernel, 64)), kernel, int(rng.integers(1, 5)), int(rng.integers(0, 4))


def _output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    return convolution.output_size(size, kernel, stride, padding)


check_output_size = Task(
    "output_size",
    "Given the side of an image, of a kernel, a stride and the padding on each side. Return the side of "
    "the output.",
    _output_size,
    _sizes,
    (
        Mistake(
            "no plus one",
            "You count the steps between the window's stops; the stops are one more.",
            lambda n, k, s, p: (n + 2 * p - k) // s,
            ("How many stops has a window of 3 on an image of 3?", "Fence posts and fence rails."),
        ),
        Mistake(
            "padding once",
            "You add the padding once; it's put on both sides.",
            lambda n, k, s, p: (n + p - k) // s + 1,
            ("How wide is an image of 5 with one pixel of padding?",),
        ),
        Mistake(
            "rounded up",
            "You round up. A window that doesn't fit any more is left out.",
            lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1,
            ("Draw an image of 5 and a kernel of 2 with stride 2. What becomes of the last pixel?",),
        ),
        Mistake(
            "no stride",
            "Your answer doesn't depend on the stride.",
            lambda n, k, s, p: n + 2 * p - k + 1,
            ("With stride 2, the window visits every second place.",),
        ),
        Mistake(
            "padding inward",
            "You take the padding away; it makes the image larger.",
            lambda n, k, s, p: (n - 2 * p - k) // s + 1,
            ("On which side of the border is padding?",),
        ),
        Mistake(
            "a fraction",
            "Your answer has a fraction where the steps don't come out even.",
            lambda n, k, s, p: (n + 2 * p - k) / s + 1,
            ("Is there half a stop?", "// divides and rounds down."),
        ),
        Mistake(
            "plus one inside",
            "You add the one before you divide by the stride.",
            lambda n, k, s, p: (n + 2 * p - k + 1) // s,
            ("Count the steps first, then add the first stop.",),
        ),
    ),
    by_hand=False,
)


def _images(rng: np.random.Generator) -> Iterator[Inputs]:
    count = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    yield count, np.array([[[[1.0, 2.0], [0.0, 3.0]]]]), np.zeros(1), 1, 0
    yield count, np.array([[[[1.0, 2.0], [0.0, 3.0]]]]), np.array([5.0]), 1, 0
    yield count, np.array([[[[1.0, 2.0], [0.0, 3.0]]]]), np.zeros(1), 2, 1
    yield rng.normal(size=(1, 2, 3, 4)), rng.normal(size=(1, 2, 2, 3)), rng.normal(size=1), 1, 0
    for N, C_in, C_out, H, W, K_h, K_w, S, P in (
        (2, 3, 4, 5, 6, 3, 2, 1, 1),
        (1, 1, 2, 4, 4, 1, 1, 1, 0),
        (2, 2, 1, 6, 5, 3, 3, 2, 1),
        (1, 2, 2, 7, 6, 2, 3, 3, 2),
        (1, 2, 2, 7, 6, 2, 3, 3, 2),
    ):
        x, weight = rng.normal(size=(N, C_in, H, W)), rng.normal(size=(C_out, C_in, K_h, K_w))
        yield x, weight, rng.normal(size=C_out), S, P


def _conv2d(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    return convolution.conv2d(x, weight, bias, stride, padding)


def _padded_at_the_end(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    return _conv2d(np.pad(x, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))), weight, bias, stride, 0)


check_conv2d = Task(
    "conv2d",
    "Given images x (N, C_in, H, W), filters weight (C_out, C_in, K_h, K_w), bias (C_out,), a stride and "
    "the zeros "
    "laid around each image. Return the outputs (N, C_out, H_out, W_out) of a cross-correlation, as "
    "networks compute it.",
    _conv2d,
    _images,
    (
        Mistake(
            "flipped kernel",
            "Your kernel is flipped top to bottom and left to right: that's a true convolution. Networks "
            "don't flip "
            "it; here we want the cross-correlation.",
            lambda x, w, b, s, p: _conv2d(x, w[:, :, ::-1, ::-1], b, s, p),
            (
                "Which weight meets the pixel at the upper left of the window?",
                "Look at the order of your indices.",
            ),
        ),
        Mistake(
            "swapped axes",
            "Rows and columns of the kernel are swapped.",
            lambda x, w, b, s, p: _conv2d(x, w.swapaxes(2, 3), b, s, p),
            ("The first index of a kernel goes down, the second to the right.",),
        ),
        Mistake(
            "no padding",
            "You leave out the padding: the output is smaller than it should be.",
            lambda x, w, b, s, p: _conv2d(x, w, b, s, 0),
            ("Lay zeros around each image before you begin: np.pad.",),
        ),
        Mistake(
            "padding at one end",
            "All padding is at the bottom and right; half of it belongs at the top and left.",
            _padded_at_the_end,
            ("np.pad wants (before, after) for each axis.",),
        ),
        Mistake(
            "no bias",
            "The bias is missing.",
            lambda x, w, b, s, p: _conv2d(x, w, 0 * b, s, p),
            ("One number is added to every place of an output channel.",),
        ),
        Mistake(
            "no stride",
            "You visit every place, whatever the stride.",
            lambda x, w, b, s, p: _conv2d(x, w, b, 1, p),
            ("Output row i belongs to the window that begins at row i times the stride.",),
        ),
        Mistake(
            "one channel",
            "Only the first input channel counts in your sum.",
            lambda x, w, b, s, p: _conv2d(x[:, :1], w[:, :1], b, s, p),
            ("A filter has one kernel for each input channel. What becomes of their results?",),
        ),
        Mistake(
            "mean over channels",
            "You average over the input channels; they are summed.",
            lambda x, w, b, s, p: _conv2d(x, w / x.shape[1], b, s, p),
            ("Write the sum for two channels on paper.",),
        ),
        Mistake(
            "bias in every product",
            "The bias is added once for each input channel; it's added once.",
            lambda x, w, b, s, p: _conv2d(x, w, b * x.shape[1], s, p),
            ("At which place of your loops is the bias added?",),
        ),
        Mistake(
            "last place left out",
            "Your output lacks its last row and column.",
            lambda x, w, b, s, p: _conv2d(x, w, b, s, p)[:, :, :-1, :-1],
            ("How many stops has the window? Fence posts, not rails.", "range ends one before its end."),
        ),
    ),
)


def _gradients(rng: np.random.Generator) -> Iterator[Inputs]:
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    yield np.ones((1, 1, 2, 2)), x, np.array([[[[1.0, 2.0], [0.0, 3.0]]]])
    yield np.array([[[[1.0, 0.0], [0.0, 0.0]]]]), x, np.array([[[[1.0, 2.0], [0.0, 3.0]]]])
    for N, C_in, C_out, H, W, K_h, K_w in (
        (1, 2, 1, 3, 4, 2, 3),
        (2, 3, 4, 5, 6, 3, 2),
        (3, 1, 2, 4, 4, 1, 1),
    ):
        grad = rng.normal(size=(N, C_out, H - K_h + 1, W - K_w + 1))
        yield grad, rng.normal(size=(N, C_in, H, W)), rng.normal(size=(C_out, C_in, K_h, K_w))


def _conv2d_backward(grad: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    return convolution.conv2d_backward(grad, x, weight)


def _unflipped(grad: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    _, of_weight, of_bias = _conv2d_backward(grad, x, weight)
    of_x, _, _ = _conv2d_backward(grad, x, weight[:, :, ::-1, ::-1])
    return of_x, of_weight, of_bias


def _overwritten(grad: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    _, of_weight, of_bias = _conv2d_backward(grad, x, weight)
    of_x = np.zeros(x.shape)
    (_, _, K_h, K_w), (_, _, H_out, W_out) = weight.shape, grad.shape
    for i, j in product(range(H_out), range(W_out)):
        of_x[:, :, i : i + K_h, j : j + K_w] = np.tensordot(grad[:, :, i, j], weight, axes=1)
    return of_x, of_weight, of_bias


def _first_image(grad: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    of_x, _, of_bias = _conv2d_backward(grad, x, weight)
    return of_x, _conv2d_backward(grad[:1], x[:1], weight)[1], of_bias


def _changed(part: int, change: Any) -> Any:
    """Return `_conv2d_backward` with one of its three results changed."""

    def function(grad: Array, x: Array, weight: Array) -> tuple[Array, ...]:
        results = list(_conv2d_backward(grad, x, weight))
        results[part] = change(results[part], grad, x)
        return tuple(results)

    return function


check_conv2d_backward = Task(
    "conv2d_backward",
    "Given the gradient of the loss with respect to the outputs, grad (N, C_out, H_out, W_out), the images x "
    "(N, C_in, H, W) and the filters weight (C_out, C_in, K_h, K_w) of a convolution with stride 1 and no "
    "padding. "
    "Return grad_x, grad_weight, grad_bias.",
    _conv2d_backward,
    _gradients,
    (
        Mistake(
            "kernel not turned",
            "grad_x: the kernel is the wrong way round. What went in by w[p, q] comes back by w[p, q].",
            _unflipped,
            ("To which pixels does one output pass its gradient, and by which weights?",),
        ),
        Mistake(
            "overwritten",
            "grad_x: where windows overlap you keep the last one's share; the shares add up.",
            _overwritten,
            ("A pixel that was used four times gets four gradients.", "= or +=?"),
        ),
        Mistake(
            "mean over the batch",
            "grad_weight: you divide by the number of images. Where the loss is a mean, grad has the "
            "division in it.",
            _changed(1, lambda result, grad, x: result / len(x)),
            ("Each image used the weight once.",),
        ),
        Mistake(
            "weight's gradient flipped",
            "grad_weight is flipped top to bottom and left to right.",
            _changed(1, lambda result, grad, x: result[:, :, ::-1, ::-1]),
            ("Weight (p, q) met the pixels (i + p, j + q).",),
        ),
        Mistake(
            "bias over the batch alone",
            "grad_bias: the bias was added at every place, so sum over places too.",
            _changed(2, lambda result, grad, x: grad.sum(axis=0)[:, 0, 0]),
            ("Which of the four axes of grad does the bias have?",),
        ),
        Mistake(
            "bias averaged",
            "grad_bias is a mean; it's a sum.",
            _changed(2, lambda result, grad, x: grad.mean(axis=(0, 2, 3))),
            ("What was added n times gets n gradients.",),
        ),
        Mistake(
            "gradient of one image",
            "grad_weight counts the first image alone.",
            _first_image,
            ("Over which axes do you sum?",),
        ),
    ),
)


def _outlines(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (np.full((3, 3), 255.0),)
    yield (np.array([[0.0, 0, 255], [0, 0, 255], [0, 0, 255]]),)
    yield (np.array([[0.0, 0, 0], [0, 0, 0], [255, 255, 255]]),)
    yield (np.array([[0.0, 0, 0, 51], [0, 255, 0, 102], [0, 0, 0, 153]]),)
    for shape in ((4, 4), (5, 3), (3, 6)):
        yield (rng.integers(0, 256, size=shape).astype(float),)


check_outline = Task.broken(
    "outline",
    "Given a gray image (H, W) with values from 0 to 255; beyond its border, the last row and column go on. "
    "Return how strongly it changes at each pixel, by the two Sobel kernels, on values from 0 to 1, (H, W).",
    '''
def outline(image):
    """Return how strongly a gray image (H, W), 0 to 255, changes, (H, W)."""
    kernel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    wide = np.pad(image / 255, 1, mode="edge")
    across, down = np.zeros(image.shape), np.zeros(image.shape)
    for i, j in np.ndindex(*image.shape):
        window = wide[i : i + 3, j : j + 3]
        across[i, j] = (window * kernel).sum()
        down[i, j] = (window * kernel.T).sum()
    return np.sqrt(across**2 + down**2)
''',
    _outlines,
    (
        Bug(
            "a frame",
            'mode="edge"',
            'mode="constant"',
            "A flat white image has a bright frame; nothing changes in it.",
            ("What does the window see beyond the border?", "Which values does np.pad put there?"),
        ),
        Bug(
            "one direction",
            "kernel.T",
            "kernel",
            "Level edges are missing, and upright ones are too strong.",
            ("How does one get the second Sobel kernel from the first?",),
        ),
        Bug(
            "signs cancel",
            "np.sqrt(across**2 + down**2)",
            "across + down",
            "Some values are negative, and some edges vanish.",
            ("Can a strength be negative?", "What is the length of a vector?"),
        ),
        Bug(
            "no root",
            "np.sqrt(across**2 + down**2)",
            "across**2 + down**2",
            "Weak edges are too weak and strong ones too strong.",
            ("What if the image is twice as bright?", "What is the length of a vector?"),
        ),
        Bug(
            "too large",
            "image / 255",
            "image",
            "All of it is 255 times too large.",
            ("In which range are the pixels, and in which do we want them?",),
        ),
        Bug(
            "weights that don't cancel",
            "[-2, 0, 2]",
            "[-2, 0, 1]",
            "A flat white image isn't black; nothing changes in it.",
            ("What does the sum of a kernel say?", "Add up the nine weights."),
        ),
        Bug(
            "padded at one end",
            "np.pad(image / 255, 1,",
            "np.pad(image / 255, (0, 2),",
            "Each edge is marked one pixel too far up and to the left.",
            ("Follow one white pixel in a black image.", "On which sides does np.pad put its rows?"),
        ),
    ),
)
