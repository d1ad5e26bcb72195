"""Exercises of the chapter on modern networks: norms of groups, depthwise layers, gates, attention."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
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
    yield np.array([1.0, 3.0]).reshape(1, 2, 1, 1), 1, np.ones(2), np.zeros(2), 3.0
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


def _divided_by(deviation: Callable[[Array, float], Array]) -> Callable[..., Array]:
    """Return a group normalization with another divisor, made of the groups' numbers and eps."""

    def function(x: Array, groups: int, gamma: Array, beta: Array, eps: float) -> Array:
        parts = x.reshape(len(x), groups, -1)
        hat = (parts - parts.mean(axis=2, keepdims=True)) / deviation(parts, eps)
        return np.asarray(_wide(gamma) * hat.reshape(x.shape) + _wide(beta))

    return function


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
            "eps beside the root",
            "You add eps to the deviation; it belongs to the variance, under the root.",
            _divided_by(lambda parts, eps: parts.std(axis=2, keepdims=True) + eps),
            ("With a variance of 1 and an eps of 3, by what do you divide?",),
        ),
        Mistake(
            "variance of a sample",
            "Your variance is over n - 1; here it's the plain mean of the squares.",
            _divided_by(lambda parts, eps: np.sqrt(parts.var(axis=2, ddof=1, keepdims=True) + eps)),
            ("ddof", "Has your answer, with gamma 1 and eps 0, a variance of 1?"),
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


def _four_tokens(rng: np.random.Generator) -> dict[str, Array]:
    """Return a query, in units of log 2, such that the weights are a half, a quarter and two eighths."""
    while True:
        query, keys = rng.integers(-2, 3, size=4), rng.integers(0, 4, size=(4, 4))
        scores = keys @ query
        if sorted(scores - scores.min()) == [0, 0, 2, 4] and not (scores % 2).any() and scores.sum():
            return {"query": query, "keys": keys, "values": 4 * rng.integers(0, 6, size=(4, 2))}


def _attention_by_hand(query: Array, keys: Array, values: Array) -> Array:
    return _taken(query, keys, values)


def _powers(scores: Array) -> Array:
    return np.asarray(2.0 ** (scores / 2))  # the root of 4 numbers


def _taken(query: Array, keys: Array, values: Array, weigh: Callable[[Array], Array] = _powers) -> Array:
    """Return the shares of what `weigh` makes of the products, and the mean of the values by them."""
    weights = weigh(keys @ query)
    weights = weights / weights.sum()
    return np.concatenate([weights, weights @ values])


def _not_divided(query: Array, keys: Array, values: Array) -> Array:
    weights = _powers(keys @ query)
    return np.concatenate([weights, weights @ values])


def _all_to_the_best(scores: Array) -> Array:
    return np.asarray(scores == scores.max(), float)


check_attention_by_hand = Pencil(
    "attention_by_hand",
    "the four weights, and the two numbers that the token takes home",
    _four_tokens,
    _attention_by_hand,
    (
        Mistake(
            "no root",
            "Your products aren't divided by the root of how many numbers a key has.",
            partial(_taken, weigh=lambda scores: 2.0**scores),
            ("How many numbers has a key, and what is the root of that?",),
        ),
        Mistake(
            "no root taken",
            "You divide the products by how many numbers a key has; its root is wanted.",
            partial(_taken, weigh=lambda scores: 2.0 ** (scores / 4)),
            ("How many numbers has a key, and what is the root of that?",),
        ),
        Mistake(
            "log 2 forgotten",
            "You take e to whole numbers; each of them is to be multiplied by log 2 first, which makes it 2.",
            partial(_taken, weigh=lambda scores: np.exp(scores / 2)),
            ("What is e to the power of 3 log 2?",),
        ),
        Mistake(
            "not divided by the sum",
            "Your weights don't add up to 1.",
            _not_divided,
            ("What comes after the exponentials in a softmax?",),
        ),
        Mistake(
            "no exponentials",
            "Your weights are shares of the products; a softmax takes shares of their exponentials.",
            partial(_taken, weigh=lambda scores: scores / 2),
            ("May a weight be below 0?",),
        ),
        Mistake(
            "best token alone",
            "You give all of the weight to the best key; a softmax gives some to each.",
            partial(_taken, weigh=_all_to_the_best),
            ("What is a softmax, and what is an argmax?",),
        ),
        Mistake(
            "plain mean",
            "All of your tokens weigh the same.",
            partial(_taken, weigh=lambda scores: np.ones(len(scores))),
            ("Which key fits the query best?",),
        ),
    ),
)


def _tokens(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[2.0]]), *(np.full((1, 1), n) for n in (1.0, 1.0, 3.0)), 1
    for heads in (1, 2):
        key, value = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[4.0, 0.0], [0.0, 8.0]])
        yield np.eye(2), np.eye(2), key, value, heads
    for T, C, heads in ((3, 4, 1), (2, 4, 2), (3, 4, 2), (4, 6, 3), (3, 6, 2)):
        yield rng.normal(size=(T, C)), *rng.normal(size=(3, C, C)), heads


check_attention = Task.broken(
    "attention",
    "Given tokens x (T, C), the matrices w_q, w_k and w_v (C, C) that make queries, keys and values of "
    "them, and the number of heads. Each head has its own C / heads columns of the three. In each, a token "
    "gets the mean of all values, weighed by the softmax of its query's products with all keys, divided by "
    "the root of how many numbers a key of this head has. Return what all heads found, side by side, (T, C).",
    '''
def attention(x, w_q, w_k, w_v, heads):
    """Let each token take a weighted mean of all values, in each head."""
    width = x.shape[1] // heads            # how many numbers a head has
    seen = []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        query, key = x @ w_q[:, part], x @ w_k[:, part]
        value = x @ w_v[:, part]
        scores = query @ key.T / np.sqrt(width)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights = weights / weights.sum(axis=1, keepdims=True)
        seen.append(weights @ value)
    return np.concatenate(seen, axis=1)
''',
    _tokens,
    (
        Bug(
            "softmax along the wrong axis",
            "weights.sum(axis=1, keepdims=True)",
            "weights.sum(axis=0, keepdims=True)",
            "Where all values are 1, the answers aren't.",
            (
                "Let all values be 1: give x a column of ones, and let `w_v` use it alone.",
                "Whose weights add up to 1?",
            ),
        ),
        Bug(
            "one sum for all",
            "weights.sum(axis=1, keepdims=True)",
            "weights.sum()",
            "The more tokens there are, the smaller the answers.",
            (
                "Let all values be 1: give x a column of ones, and let `w_v` use it alone.",
                "Whose weights add up to 1?",
            ),
        ),
        Bug(
            "no root",
            "/ np.sqrt(width)",
            "/ width",
            "One number to a head, and all is right; with four, the weights are too even.",
            ("By what are products divided, and why?",),
        ),
        Bug(
            "root of all",
            "/ np.sqrt(width)",
            "/ np.sqrt(len(w_k))",
            "With one head all is right; with several, the weights are too even.",
            ("How many numbers are multiplied and added in one product?",),
        ),
        Bug(
            "keys ask",
            "query @ key.T",
            "key @ query.T",
            "Let `w_q` and `w_k` change places, and all is right.",
            ("Whose query is in a row of the scores, and whose key in a column?",),
        ),
        Bug(
            "handed out",
            "weights @ value",
            "weights.T @ value",
            "Where all values are 1, the answers aren't: a token hands out shares of its own instead of "
            "collecting them.",
            (
                "Let all values be 1: give x a column of ones, and let `w_v` use it alone.",
                "Write the shapes, and who is who.",
            ),
        ),
        Bug(
            "keys for values",
            "x @ w_v[:, part]",
            "x @ w_k[:, part]",
            "Change `w_v`, and nothing happens.",
            ("Which of the three matrices has no effect?",),
        ),
        Bug(
            "one head for all",
            "slice(h * width, (h + 1) * width)",
            "slice(0, width)",
            "All heads find the same.",
            ("Take two heads. Which columns does the second one use?",),
        ),
        Bug(
            "last head first",
            "np.concatenate(seen, axis=1)",
            "np.concatenate(seen[::-1], axis=1)",
            "With one head all is right; with two, the halves of the answer have changed places.",
            ("Take two heads, and let `w_v` make the values of one of them 0.",),
        ),
    ),
)
