"""Exercises of the chapter on modern networks: norms of groups, depthwise convolution, squeeze and excite."""

from collections.abc import Callable, Iterator

import numpy as np

from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _wide(values: Array) -> Array:
    return values[:, None, None]


def _maps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 3.0]).reshape(1, 2, 1, 1), 1, np.ones(2), np.zeros(2), 0.0
    yield (
        np.array([1.0, 3.0, 5.0, 9.0]).reshape(1, 2, 1, 2),
        2,
        np.array([1.0, 2.0]),
        np.array([0.0, 5.0]),
        0.0,
    )
    for shape, groups in (((2, 4, 2, 2), 2), ((3, 6, 2, 3), 3), ((2, 6, 3, 2), 2)):
        C = shape[1]
        yield rng.normal(2, 3, size=shape), groups, rng.normal(size=C), rng.normal(size=C), 0.1


def _group_norm(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
    parts = x.reshape(len(x), groups, -1)
    mean, var = parts.mean(axis=2, keepdims=True), parts.var(axis=2, keepdims=True)
    return np.asarray(_wide(gamma) * ((parts - mean) / np.sqrt(var + eps)).reshape(x.shape) + _wide(beta))


def _over(axes: tuple[int, ...]) -> Callable[..., Array]:
    """Return a normalization with statistics over axes, without groups."""

    def function(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        return np.asarray(_wide(gamma) * (x - mean) / np.sqrt(var + eps) + _wide(beta))

    return function


def _interleaved(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
    C = x.shape[1]
    order = np.arange(C).reshape(C // groups, groups).T.ravel()
    back = np.argsort(order)
    return _group_norm(x[:, order], groups, gamma[order], beta[order], eps)[:, back]


def _whole_batch(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
    N, C, H, W = x.shape
    parts = x.reshape(N, groups, C // groups, H, W)
    axes = (0, 2, 3, 4)
    hat = (parts - parts.mean(axis=axes, keepdims=True)) / np.sqrt(parts.var(axis=axes, keepdims=True) + eps)
    return np.asarray(_wide(gamma) * hat.reshape(x.shape) + _wide(beta))


def _by_size(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
    return _group_norm(x, x.shape[1] // groups, gamma, beta, eps)


check_group_norm = Task(
    "group_norm",
    "Given a batch x (N, C, H, W), the number of groups into which neighboring channels are divided, gamma "
    "(C,), beta (C,) and eps, which is added to the variance. Each image's groups are brought to mean 0 and "
    "variance 1; each channel then gets its scale and shift. Return the normalized batch (N, C, H, W).",
    _group_norm,
    _maps,
    (
        Mistake(
            "batch norm",
            "That's batch normalization: mean and variance go over all images.",
            _over((0, 2, 3)),
            ("Should an image's answer depend on its neighbors in the batch?",),
        ),
        Mistake(
            "each channel by itself",
            "Each channel of each image has its own mean and variance: that's instance normalization.",
            _over((2, 3)),
            ("How many means are there for 6 channels in 2 groups?",),
        ),
        Mistake(
            "all channels",
            "Each image has one mean and one variance: that's layer normalization.",
            _over((1, 2, 3)),
            ("How many means are there for 6 channels in 2 groups?",),
        ),
        Mistake(
            "over the batch",
            "A group's statistics go over all images; each image has its own.",
            _whole_batch,
            ("Should an image's answer depend on its neighbors in the batch?",),
        ),
        Mistake(
            "every other channel",
            "Your groups take every so many channels; a group has neighbors.",
            _interleaved,
            ("Which channels are in the first of 2 groups of 6?", "Which axis comes first in your reshape?"),
        ),
        Mistake(
            "size of a group",
            "You take the number of groups for the number of channels in one.",
            _by_size,
            ("How many channels has each of 3 groups of 6?",),
        ),
        Mistake(
            "no gamma and beta",
            "gamma and beta are missing.",
            lambda x, groups, gamma, beta, eps: _group_norm(
                x, groups, np.ones(len(gamma)), np.zeros(len(beta)), eps
            ),
            ("Mean 0 and deviation 1 are where it begins; what is learned comes after.",),
        ),
        Mistake(
            "no eps",
            "eps is missing under the root.",
            lambda x, groups, gamma, beta, eps: _group_norm(x, groups, gamma, beta, 0.0),
            ("Where is eps in the formula?",),
        ),
        Mistake(
            "mean left",
            "The mean isn't subtracted.",
            lambda x, groups, gamma, beta, eps: (
                _group_norm(x, groups, gamma, beta, eps)
                - _group_norm(np.zeros(x.shape), groups, gamma, beta, 1.0)
                + _wide(gamma)
                * (
                    x.reshape(len(x), groups, -1).mean(axis=2, keepdims=True)
                    / np.sqrt(x.reshape(len(x), groups, -1).var(axis=2, keepdims=True) + eps)
                )
                .repeat(x[0].size // groups, axis=2)
                .reshape(x.shape)
                + _wide(beta)
            ),
            ("What is the mean of your answer for gamma 1 and beta 0?",),
        ),
    ),
)


def _kernels(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[1.0, 2.0], [3.0, 4.0]]]), 0
    for shape, size, padding in (
        ((1, 2, 3, 4), 2, 0),
        ((2, 3, 4, 5), 3, 1),
        ((1, 3, 5, 4), 3, 1),
        ((2, 2, 4, 4), 3, 2),
    ):
        yield rng.normal(size=shape), rng.normal(size=(shape[1], size, size)), padding


def _depthwise(x: Array, weight: Array, padding: int) -> Array:
    x, K = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2)), weight.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(2, 3))
    return np.asarray(np.einsum("ncijpq,cpq->ncij", windows, weight))


check_depthwise_conv2d = Task(
    "depthwise_conv2d",
    "Given images x (N, C, H, W), one square kernel for each channel, weight (C, K, K), and the zeros laid "
    "around each image. Each channel is cross-correlated with its own kernel. Return the outputs (N, C, "
    "H_out, W_out).",
    _depthwise,
    _kernels,
    (
        Mistake(
            "summed over channels",
            "You sum over the channels; in a depthwise convolution each stays by itself.",
            lambda x, weight, padding: np.repeat(
                _depthwise(x, weight, padding).sum(axis=1, keepdims=True), len(weight), axis=1
            ),
            ("How many channels does an output see?",),
        ),
        Mistake(
            "one kernel for all",
            "All channels get the first kernel; each has its own.",
            lambda x, weight, padding: _depthwise(x, np.repeat(weight[:1], len(weight), axis=0), padding),
            ("Where does your kernel depend on the channel?",),
        ),
        Mistake(
            "flipped kernels",
            "Your kernels are flipped: that's a true convolution.",
            lambda x, weight, padding: _depthwise(x, weight[:, ::-1, ::-1], padding),
            ("Which weight meets the pixel at the upper left of the window?",),
        ),
        Mistake(
            "swapped axes",
            "Rows and columns of the kernels are swapped.",
            lambda x, weight, padding: _depthwise(x, weight.swapaxes(1, 2), padding),
            ("The first index of a kernel goes down, the second to the right.",),
        ),
        Mistake(
            "no padding",
            "You leave out the padding.",
            lambda x, weight, padding: _depthwise(x, weight, 0),
            ("Lay zeros around each image before you begin: np.pad.",),
        ),
        Mistake(
            "kernels of other channels",
            "The kernels are in reverse: the first channel gets the last.",
            lambda x, weight, padding: _depthwise(x, weight[::-1], padding),
            ("Which kernel does channel 0 get?",),
        ),
        Mistake(
            "all kernels added",
            "Each channel meets the sum of all kernels; it has one of its own.",
            lambda x, weight, padding: _depthwise(
                x, np.repeat(weight.sum(axis=0, keepdims=True), len(weight), axis=0), padding
            ),
            ("Over which axes do you sum?", "That's an ordinary convolution's double loop."),
        ),
        Mistake(
            "last place left out",
            "Your output lacks its last row and column.",
            lambda x, weight, padding: _depthwise(x, weight, padding)[:, :, :-1, :-1],
            ("How many stops has the window? Fence posts, not rails.",),
        ),
    ),
)


def _channels(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.ones((1, 2, 1, 1)), np.array([[1.0, 1.0]]), np.array([[1.0], [-1.0]])
    yield np.array([[[[1.0, 3.0]], [[-1.0, -3.0]]]]), np.array([[1.0, 2.0]]), np.array([[1.0], [-1.0]])
    for N, C, R, H, W in ((2, 4, 2, 2, 3), (1, 3, 3, 3, 2), (3, 4, 3, 2, 2)):
        yield rng.normal(1, 2, size=(N, C, H, W)), rng.normal(size=(R, C)), rng.normal(size=(C, R))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _squeeze_excite(x: Array, w1: Array, w2: Array) -> Array:
    return np.asarray(x * _gate(x, w1, w2))


def _gate(x: Array, w1: Array, w2: Array, squeezed: Array | None = None, relu: bool = True) -> Array:
    hidden = (x.mean(axis=(2, 3)) if squeezed is None else squeezed) @ w1.T
    hidden = np.maximum(hidden, 0) if relu else hidden
    return _sigmoid(hidden @ w2.T)[:, :, None, None]


check_squeeze_excite = Task(
    "squeeze_excite",
    "Given maps x (N, C, H, W), w1 (R, C) and w2 (C, R). Each map's mean goes through a dense layer with "
    "w1, a ReLU, a dense layer with w2 and a sigmoid; the result is a factor for each channel of each "
    "image. Return the maps times their factors (N, C, H, W).",
    _squeeze_excite,
    _channels,
    (
        Mistake(
            "factors alone",
            "Those are the factors; the maps are still to be multiplied by them.",
            lambda x, w1, w2: np.broadcast_to(_gate(x, w1, w2), x.shape),
            ("What should come out if all factors are 1?",),
        ),
        Mistake(
            "added",
            "You add the factors to the maps; multiply.",
            lambda x, w1, w2: x + _gate(x, w1, w2),
            ("What should come out if all factors are 1?",),
        ),
        Mistake(
            "no sigmoid",
            "The sigmoid is missing: a factor is between 0 and 1.",
            lambda x, w1, w2: x * (np.maximum(x.mean(axis=(2, 3)) @ w1.T, 0) @ w2.T)[:, :, None, None],
            ("May a factor be negative?",),
        ),
        Mistake(
            "no ReLU",
            "The ReLU between the two dense layers is missing.",
            lambda x, w1, w2: x * _gate(x, w1, w2, relu=False),
            ("What are two linear layers in a row?",),
        ),
        Mistake(
            "maximum",
            "You squeeze each map to its largest value; its mean is wanted.",
            lambda x, w1, w2: x * _gate(x, w1, w2, x.max(axis=(2, 3))),
            ("Global average pooling, or global max pooling?",),
        ),
        Mistake(
            "sum",
            "You squeeze each map to its sum; its mean is wanted.",
            lambda x, w1, w2: x * _gate(x, w1, w2, x.sum(axis=(2, 3))),
            ("Should the factors change if the image is twice as large?",),
        ),
        Mistake(
            "one for all images",
            "All images share their factors; each has its own.",
            lambda x, w1, w2: x * _gate(x, w1, w2, x.mean(axis=(0, 2, 3))[None]),
            ("Should an image's answer depend on its neighbors in the batch?",),
        ),
        Mistake(
            "softmax",
            "You take a softmax over the channels; each has a sigmoid of its own.",
            lambda x, w1, w2: (
                x
                * (_gate(x, w1, w2) / (1 - _gate(x, w1, w2)))
                / (_gate(x, w1, w2) / (1 - _gate(x, w1, w2))).sum(axis=1, keepdims=True)
            ),
            ("Do the channels compete?",),
        ),
    ),
)
