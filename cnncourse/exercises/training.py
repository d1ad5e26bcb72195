"""Exercises of the chapter on training: two modes, batch normalization, forward and backward, dropout."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from cnncourse import normalization
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
CHANNELS = (0, 2, 3)  # the axes over which a channel's statistics are taken


def _wide(values: Array) -> Array:
    return values[:, None, None]


PATTERNS = (  # four deviations from a mean, their root mean square, and gammas that make short fractions
    ((5, -1, -1, -3), 3, (6, 9)),
    ((-5, 1, 1, 3), 3, (6, 9)),
    ((7, 1, -1, -7), 5, (2, 4)),
    ((10, -2, -2, -6), 6, (3, 9)),
)


def _channel(rng: np.random.Generator) -> dict[str, Any]:
    steps, deviation, gammas = PATTERNS[int(rng.integers(len(PATTERNS)))]
    mean = int(rng.integers(21, 40))
    return {
        "batch": [mean + int(step) for step in rng.permutation(steps)],
        "mean": mean,
        "deviation": deviation,
        "gamma": int(rng.choice(gammas)),
        "beta": int(rng.integers(1, 6)),
        "running_mean": mean + 10 * int(rng.choice([-2, -1, 1, 2])),
        "running_var": int(rng.choice([4, 16])),
    }


def _two_modes(
    batch: list[int],
    mean: float,
    deviation: float,
    gamma: float,
    beta: float,
    running_mean: float,
    running_var: float,
    *,
    tenths: int = 1,
) -> tuple[float, float, float]:
    """Return a value in training, the running mean afterwards, and the value in evaluation."""
    after = ((10 - tenths) * running_mean + tenths * mean) / 10
    in_training = gamma * (batch[0] - mean) / deviation + beta
    return in_training, after, gamma * (batch[0] - after) / running_var**0.5 + beta


def _other_numbers(change: Callable[..., dict[str, float]]) -> Callable[..., tuple[float, ...]]:
    """Return the wrong way that reckons with other numbers."""
    return lambda **numbers: _two_modes(**{**numbers, **change(**numbers)})


_other_results = from_right(_two_modes)


check_two_modes = Pencil(
    "two_modes",
    "its value in training, the new running mean, its value in evaluation",
    _channel,
    _two_modes,
    (
        Mistake(
            "running statistics in training",
            "Your first number is that of evaluation; in training, the batch's own statistics count.",
            _other_results(lambda first, after, last, **_: (last, after, last)),
            ("What are the mean and the deviation of the four images?",),
        ),
        Mistake(
            "the batch's statistics in evaluation",
            "Your last number is that of training; in evaluation, the running statistics count.",
            _other_results(lambda first, after, last, **_: (first, after, first)),
            ("One image comes alone. What would its deviation be?",),
        ),
        Mistake(
            "modes swapped",
            "Your first and last numbers are swapped.",
            _other_results(lambda first, after, last, **_: (last, after, first)),
            ("In which mode do the other images of the batch count?",),
        ),
        Mistake(
            "momentum turned round",
            "Your running mean goes nearly all the way to the batch's mean; PyTorch's momentum is the share "
            "of the new.",
            partial(_two_modes, tenths=9),
            ("After how many batches should one odd batch be forgotten?",),
        ),
        Mistake(
            "running mean as it was",
            "The running mean has moved: each batch in training pulls it a little.",
            partial(_two_modes, tenths=0),
            ("Which mode keeps the averages up to date?",),
        ),
        Mistake(
            "old mean in evaluation",
            "Your last number goes by the running mean from before the batch.",
            _other_results(
                lambda first, after, last, **numbers: (first, after, _two_modes(**numbers, tenths=0)[2])
            ),
            ("Where is the running mean when evaluation begins?",),
        ),
        Mistake(
            "by the variance",
            "You divide by the variance; its root is missing.",
            _other_numbers(
                lambda deviation, running_var, **_: {
                    "deviation": deviation**2,
                    "running_var": running_var**2,
                }
            ),
            ("In which unit is a variance?",),
        ),
        Mistake(
            "n minus one",
            "You divide by n - 1 in the batch's variance; batch norm divides by n in training.",
            _other_numbers(lambda deviation, **_: {"deviation": deviation * (4 / 3) ** 0.5}),
            ("Take the mean of the four squares.",),
        ),
        Mistake(
            "no gamma and beta",
            "gamma and beta are missing.",
            _other_numbers(lambda **_: {"gamma": 1, "beta": 0}),
            ("Mean 0 and deviation 1 are where it begins; what is learned comes after.",),
        ),
        Mistake(
            "gamma times beta",
            "beta is added last; you multiply it by gamma.",
            _other_numbers(lambda gamma, beta, **_: {"beta": gamma * beta}),
            ("y = gamma * x_hat + beta",),
        ),
    ),
)


def _batches(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.ones(1), np.zeros(1), 0.0
    yield np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.array([2.0]), np.array([5.0]), 0.0
    yield np.full((2, 1, 2, 2), 7.0), np.ones(1), np.zeros(1), 1e-5
    for shape in ((3, 2, 2, 2), (4, 3, 3, 2), (4, 3, 3, 2)):
        C = shape[1]
        yield rng.normal(2, 3, size=shape), rng.normal(size=C), rng.normal(size=C), 0.1


def _batch_norm(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    return normalization.batch_norm(x, weight=gamma, bias=beta, training=True, eps=eps)


def _normalized(axes: tuple[int, ...] | None, ddof: int = 0) -> Callable[..., Array]:
    """Return a normalization with statistics over other axes."""

    def function(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
        return np.asarray(_wide(gamma) * (x - mean) / np.sqrt(var + eps) + _wide(beta))

    return function


def _eps_outside(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    mean, std = x.mean(axis=CHANNELS, keepdims=True), x.std(axis=CHANNELS, keepdims=True)
    return np.asarray(_wide(gamma) * (x - mean) / (std + eps) + _wide(beta))


def _by_variance(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    mean, var = x.mean(axis=CHANNELS, keepdims=True), x.var(axis=CHANNELS, keepdims=True)
    return np.asarray(_wide(gamma) * (x - mean) / (var + eps) + _wide(beta))


def _no_eps(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    with np.errstate(all="ignore"):
        return _batch_norm(x, gamma, beta, 0.0) if x.std() else np.full(x.shape, np.nan)


check_batch_norm = Task(
    "batch_norm",
    "Given a batch x (N, C, H, W) in training, gamma (C,), beta (C,) and eps, which is added to the "
    "variance. "
    "Return the normalized batch (N, C, H, W).",
    _batch_norm,
    _batches,
    (
        Mistake(
            "over the batch alone",
            "Each place has its own mean and variance; a channel has one of each, over images and places.",
            _normalized((0,)),
            ("How many means are there for 3 channels?", "axis=(0, 2, 3)"),
        ),
        Mistake(
            "over each image",
            "Each image is normalized by itself: that's instance normalization.",
            _normalized((2, 3)),
            ("How many means are there for 3 channels?",),
        ),
        Mistake(
            "over the channels",
            "Each image is normalized over its channels too: that's layer normalization.",
            _normalized((1, 2, 3)),
            ("How many means are there for 3 channels?",),
        ),
        Mistake(
            "over everything",
            "You use one mean and one variance for all channels.",
            _normalized(None),
            ("How many means are there for 3 channels?",),
        ),
        Mistake(
            "n minus one",
            "You divide by n - 1 in the variance; batch norm divides by n in training.",
            _normalized(CHANNELS, ddof=1),
            ("ddof",),
        ),
        Mistake(
            "eps outside",
            "eps is added to the deviation; it belongs under the root, to the variance.",
            _eps_outside,
            ("Where is eps in the formula?",),
        ),
        Mistake(
            "by the variance", "You divide by the variance; its root is missing.", _by_variance, ("np.sqrt",)
        ),
        Mistake(
            "no gamma and beta",
            "gamma and beta are missing.",
            lambda x, gamma, beta, eps: _batch_norm(x, np.ones(len(gamma)), np.zeros(len(beta)), eps),
            ("Mean 0 and deviation 1 are where it begins; what is learned comes after.",),
        ),
        Mistake(
            "no eps", "A channel that is the same everywhere is divided by 0.", _no_eps, ("What is eps for?",)
        ),
        Mistake(
            "eps by heart",
            "You add 1e-5 whatever eps is.",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, 1e-5),
            ("Where is `eps` in your function?",),
        ),
        Mistake(
            "mean left",
            "The mean isn't subtracted.",
            lambda x, gamma, beta, eps: (
                _batch_norm(x, gamma, beta, eps)
                + _wide(gamma)
                * x.mean(axis=CHANNELS, keepdims=True)
                / np.sqrt(x.var(axis=CHANNELS, keepdims=True) + eps)
            ),
            ("What is the mean of your answer for gamma 1 and beta 0?",),
        ),
    ),
)


def _backward_batches(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 0.0]).reshape(2, 1, 1, 1), np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.ones(1), 1.0
    for shape in ((2, 1, 1, 2), (3, 2, 2, 2), (4, 3, 3, 2)):
        yield rng.normal(size=shape), rng.normal(2, 3, size=shape), rng.normal(size=shape[1]), 0.1


def _batch_norm_backward(grad: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array]:
    return normalization.batch_norm_backward(grad, x, weight=gamma, training=True, eps=eps)


def _parts(grad: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array, Array, Array]:
    """Return gamma over the deviation, the normalized x, and both means of the formula."""
    deviation = np.sqrt(x.var(axis=CHANNELS, keepdims=True) + eps)
    hat = (x - x.mean(axis=CHANNELS, keepdims=True)) / deviation
    mean, slope = grad.mean(axis=CHANNELS, keepdims=True), (grad * hat).mean(axis=CHANNELS, keepdims=True)
    return _wide(gamma) / deviation, hat, deviation, mean, slope


def _with(part: int, change: Callable[..., Any]) -> Callable[..., tuple[Array, ...]]:
    """Return `_batch_norm_backward` with one of its results changed."""

    def function(grad: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, ...]:
        results = list(_batch_norm_backward(grad, x, gamma, eps))
        results[part] = change(grad, x, *_parts(grad, x, gamma, eps))
        return tuple(results)

    return function


check_batch_norm_backward = Task(
    "batch_norm_backward",
    "Given the gradient grad (N, C, H, W) with respect to the outputs of batch norm in training, its "
    "inputs x "
    "(N, C, H, W), gamma (C,) and eps. Return grad_x, grad_gamma, grad_beta.",
    _batch_norm_backward,
    _backward_batches,
    (
        Mistake(
            "statistics held fixed",
            "grad_x: you treat mean and variance as constants, as in evaluation. In training each x moves "
            "them.",
            _with(0, lambda grad, x, scale, hat, deviation, mean, slope: scale * grad),
            ("Add up your grad_x over a channel: shifting all x changes nothing, so it should be 0.",),
        ),
        Mistake(
            "variance held fixed",
            "grad_x: the path through the mean is there, that through the variance is missing.",
            _with(0, lambda grad, x, scale, hat, deviation, mean, slope: scale * (grad - mean)),
            ("What happens to the output if all x of a channel are doubled?",),
        ),
        Mistake(
            "mean held fixed",
            "grad_x: the path through the variance is there, that through the mean is missing.",
            _with(0, lambda grad, x, scale, hat, deviation, mean, slope: scale * (grad - hat * slope)),
            ("Add up your grad_x over a channel: shifting all x changes nothing, so it should be 0.",),
        ),
        Mistake(
            "gamma missing",
            "grad_x: gamma is missing.",
            _with(
                0, lambda grad, x, scale, hat, deviation, mean, slope: (grad - mean - hat * slope) / deviation
            ),
            ("What does the gradient meet first on its way back?",),
        ),
        Mistake(
            "raw x",
            "grad_gamma: gamma multiplied the normalized x, not x.",
            _with(1, lambda grad, x, *rest: (grad * x).sum(axis=CHANNELS)),
            ("y = gamma * x_hat + beta",),
        ),
        Mistake(
            "not divided",
            "grad_x: the division by the deviation is missing.",
            _with(
                0,
                lambda grad, x, scale, hat, deviation, mean, slope: (
                    scale * deviation * (grad - mean - hat * slope)
                ),
            ),
            ("x_hat = (x - mean) / deviation. If x is twice as large, how much do its nudges count?",),
        ),
        Mistake(
            "by the variance",
            "grad_x: you divide by the variance; its root is missing.",
            _with(
                0,
                lambda grad, x, scale, hat, deviation, mean, slope: (
                    scale / deviation * (grad - mean - hat * slope)
                ),
            ),
            ("x_hat = (x - mean) / deviation",),
        ),
        Mistake(
            "gamma in beta's",
            "grad_beta: there's gamma in it; beta is added behind gamma.",
            _with(
                2,
                lambda grad, x, scale, hat, deviation, mean, slope: (scale * deviation * grad).sum(
                    axis=CHANNELS
                ),
            ),
            ("y = gamma * x_hat + beta",),
        ),
        Mistake(
            "means",
            "grad_gamma is a mean; it's a sum over images and places.",
            _with(1, lambda grad, x, scale, hat, deviation, mean, slope: slope[0, :, 0, 0]),
            ("What was used n times gets n gradients.",),
        ),
        Mistake(
            "beta's mean",
            "grad_beta is a mean; it's a sum over images and places.",
            _with(2, lambda grad, x, scale, hat, deviation, mean, slope: mean[0, :, 0, 0]),
            ("What was used n times gets n gradients.",),
        ),
        Mistake(
            "order",
            "grad_gamma and grad_beta have changed places.",
            lambda grad, x, gamma, eps: (
                _batch_norm_backward(grad, x, gamma, eps)[0],
                *_batch_norm_backward(grad, x, gamma, eps)[:0:-1],
            ),
            ("Look at the order of what you return.",),
        ),
    ),
)


def _masks(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]), 0.25, True
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]), 0.25, False
    yield np.array([1.0, 2.0]), np.array([True, True]), 0.0, True
    for shape in ((2, 3), (4, 5), (4, 5)):
        p = float(rng.uniform(0.1, 0.4))
        for training in (True, False):
            yield rng.normal(size=shape), rng.random(shape) >= p, p, training


def _dropout(x: Array, keep: Array, p: float, training: bool) -> Array:
    return np.where(keep, x / (1 - p), 0.0) if training else x


check_dropout = Task(
    "dropout",
    "Given x, a mask keep of its shape (true where a value stays), the probability p with which values "
    "were dropped, "
    "and whether the network is training. In training, what stays is scaled so that its mean is that of "
    "evaluation, "
    "in which nothing is dropped or scaled. Return the values.",
    _dropout,
    _masks,
    (
        Mistake(
            "not scaled",
            "What stays isn't scaled: in training the next layer would see less than in evaluation.",
            lambda x, keep, p, training: x * keep if training else x,
            ("With p = 0.5, half of the sum is gone. By what do you multiply the rest?",),
        ),
        Mistake(
            "divided by p",
            "You divide by p, the share that is dropped; what counts is the share that stays.",
            lambda x, keep, p, training: x * keep / np.float64(p) if training else x,
            ("With p = 0.1, nearly all stay. Should they grow tenfold?",),
        ),
        Mistake(
            "drops in evaluation",
            "You drop in evaluation too.",
            lambda x, keep, p, training: _dropout(x, keep, p, True),
            ("Look at `training`.",),
        ),
        Mistake(
            "scaled in evaluation",
            "You scale in evaluation: that's dropout's first form. Here training scales, evaluation does "
            "nothing.",
            lambda x, keep, p, training: x * keep if training else x * (1 - p),
            ("Where is the scaling done so that evaluation is free?",),
        ),
        Mistake(
            "mask turned round",
            "You keep what should be dropped.",
            lambda x, keep, p, training: _dropout(x, ~keep, p, training),
            ("keep is true where a value stays.",),
        ),
        Mistake(
            "training and evaluation swapped",
            "It drops in evaluation and not in training.",
            lambda x, keep, p, training: _dropout(x, keep, p, not training),
            ("Look at `training`.",),
        ),
        Mistake(
            "multiplied",
            "You multiply by 1 - p in training; divide by it.",
            lambda x, keep, p, training: x * keep * (1 - p) if training else x,
            ("With p = 0.5, half of the sum is gone. By what do you multiply the rest?",),
        ),
        Mistake(
            "scaled twice",
            "You scale in training and in evaluation; once is enough, in training.",
            lambda x, keep, p, training: x * keep / (1 - p) if training else x * (1 - p),
            ("In training, what is the mean of an output over many masks?",),
        ),
        Mistake(
            "the share of this mask",
            "You divide by the share that this mask happens to keep; divide by the probability of keeping.",
            lambda x, keep, p, training: x * keep / keep.mean() if training else x,
            ("Where is `p` in your function?",),
        ),
    ),
)
