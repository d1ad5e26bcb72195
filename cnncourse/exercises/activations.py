"""Exercises of the chapter on activations: ReLU's way back, GELU, and how large random weights should be."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse import activations
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _slopes(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([5.0, 5.0, 5.0]), np.array([-1.0, 0.0, 2.0])
    yield np.array([-3.0, 3.0]), np.array([2.0, -2.0])
    for shape in ((4,), (2, 3), (2, 3, 4), (2, 3)):
        yield rng.normal(size=shape), np.round(rng.normal(size=shape), 1)


def _relu_backward(grad: Array, x: Array) -> Array:
    return grad * (x > 0)


check_relu_backward = Task(
    "relu_backward",
    "Given the gradient grad with respect to the outputs of a ReLU, and its inputs x, of the same shape. "
    "The slope at 0 is taken as 0. Return grad_x.",
    _relu_backward,
    _slopes,
    (
        Mistake(
            "sign of the gradient",
            "You keep what is positive in the gradient; what counts is the sign of x.",
            lambda grad, x: np.maximum(grad, 0),
            ("What did the ReLU compare with 0 on the way forward?",),
        ),
        Mistake(
            "slope alone",
            "That's the ReLU's slope; the gradient that comes in is missing (chain rule).",
            lambda grad, x: 1.0 * (x > 0),
            ("Where is `grad` in your function?",),
        ),
        Mistake(
            "passed through",
            "The gradient passes everywhere; where x was below 0, nothing gets through.",
            lambda grad, x: 1.0 * grad,
            ("What's the slope of a ReLU at -1?",),
        ),
        Mistake(
            "times the output",
            "You multiply by ReLU's output; multiply by its slope.",
            lambda grad, x: grad * np.maximum(x, 0),
            ("What's the slope of a ReLU at 2?",),
        ),
        Mistake(
            "open at zero",
            "At 0 you let the gradient through; there we take the slope as 0.",
            lambda grad, x: grad * (x >= 0),
            ("> or >=?",),
        ),
        Mistake(
            "wrong side",
            "The gradient passes where x was below 0; it should pass where it was above.",
            lambda grad, x: grad * (x < 0),
            ("What's the slope of a ReLU at 2?",),
        ),
        Mistake(
            "sign",
            "Where x is below 0 the gradient is turned round; there it's 0.",
            lambda grad, x: grad * np.sign(x),
            ("Of which function is the sign the slope?",),
        ),
        Mistake(
            "both positive",
            "You let through only gradients above 0; a gradient may be negative.",
            lambda grad, x: np.maximum(grad, 0) * (x > 0),
            ("May a loss fall when an output grows?",),
        ),
    ),
)


def _values(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (np.array([0.0, 1.0, -1.0]),)
    yield (np.array([10.0, -10.0]),)
    for shape in ((3,), (2, 3), (2, 2, 2)):
        yield (2 * rng.normal(size=shape),)


def _normal(x: Array) -> Array:
    """Return the share of a normal distribution that is below x."""
    return np.vectorize(lambda each: (1 + math.erf(each / math.sqrt(2))) / 2)(x)  # type: ignore[no-any-return]


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf)(x)  # type: ignore[no-any-return]


check_gelu = Task(
    "gelu",
    "Given numbers x of any shape. GELU multiplies each number by the share of a standard normal "
    "distribution that is below it, (1 + erf(x / sqrt(2))) / 2, and math.erf knows erf. Return GELU, not an "
    "approximation of it.",
    lambda x: activations.gelu(x),
    _values,
    (
        Mistake(
            "approximation by tanh",
            "That's the approximation by tanh, which is off by up to 0.0005.",
            lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
            ("Where is erf in your function?",),
        ),
        Mistake(
            "approximation by a sigmoid",
            "That's the approximation x * sigmoid(1.702 x).",
            lambda x: x / (1 + np.exp(-1.702 * x)),
            ("Where is erf in your function?",),
        ),
        Mistake(
            "SiLU",
            "That's SiLU, x * sigmoid(x).",
            lambda x: x / (1 + np.exp(-x)),
            ("Where is erf in your function?",),
        ),
        Mistake("ReLU", "That's ReLU.", lambda x: np.maximum(x, 0), ("GELU(-1) is about -0.16.",)),
        Mistake(
            "share alone",
            "That's the share below x; x itself is missing.",
            _normal,
            ("How large is GELU(10)?",),
        ),
        Mistake(
            "no root of two",
            "x isn't divided by the root of 2: erf is made for another width.",
            lambda x: x * (1 + _erf(x)) / 2,
            ("How much of a standard normal distribution is below 1? 84%.",),
        ),
        Mistake(
            "not halved",
            "The share isn't halved: it would grow to 2.",
            lambda x: 2 * x * _normal(x),
            ("How large is GELU(10)?",),
        ),
        Mistake(
            "no one",
            "The 1 is missing: below 0, erf is negative, and a share can't be.",
            lambda x: x * _erf(x / math.sqrt(2)) / 2,
            ("What share is below 0?",),
        ),
        Mistake(
            "density",
            "You multiply by the normal distribution's density, not by the share below x.",
            lambda x: x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
            ("How large is GELU(10)?",),
        ),
    ),
)


def _shapes(rng: np.random.Generator) -> Iterator[Inputs]:
    yield ([1, 2],)
    yield ([3, 8],)
    yield ([4, 2, 3, 3],)
    for _ in range(4):
        C_out, C_in, K_h, K_w = (int(n) for n in rng.integers(1, 9, size=4))
        yield ([C_out + 1, C_in + C_out + 2, K_h, K_w + 1],)
    yield ([int(n) for n in rng.integers(9, 99, size=2)],)


def _deviation(count: Callable[[list[int]], Any], power: float = 0.5, factor: float = 2) -> Any:
    return lambda shape: (factor / count(shape)) ** power


def _fan_in(shape: list[int]) -> int:
    return math.prod(shape[1:])


check_he_deviation = Task(
    "he_deviation",
    "Given the shape of a layer's weight as a list, [outputs, inputs] of a dense layer or [C_out, C_in, "
    "K_h, K_w] of a convolution, which a ReLU follows. Return the standard deviation of He's "
    "initialization, which keeps the signal's size on the way forward.",
    lambda shape: math.sqrt(2 / math.prod(shape[1:])),
    _shapes,
    (
        Mistake(
            "fan out",
            "You count where an input goes to; count what an output adds up.",
            _deviation(lambda shape: shape[0] * math.prod(shape[2:])),
            ("How many products does one output add up?",),
        ),
        Mistake(
            "kernel forgotten",
            "You count the input channels alone; an output adds up a kernel of each.",
            _deviation(lambda shape: shape[1]),
            ("How many products does one output of a 3x3 convolution add up?",),
        ),
        Mistake(
            "variance",
            "That's the variance; its root is wanted.",
            _deviation(_fan_in, power=1),
            ("Which of the two is in the units of the weights?",),
        ),
        Mistake(
            "no factor 2",
            "The 2 is missing. ReLU takes away half of the signal's square, which the weights make up for.",
            _deviation(_fan_in, factor=1),
            ("What share of a signal's values does a ReLU set to 0?",),
        ),
        Mistake(
            "Glorot",
            "That's Glorot's, which takes the middle between both directions, and no ReLU into account.",
            _deviation(lambda shape: (shape[0] + shape[1]) * math.prod(shape[2:])),
            ("In which direction should the signal keep its size?",),
        ),
        Mistake(
            "all weights",
            "You count all weights of the layer; count what one output adds up.",
            _deviation(math.prod),
            ("Should weights be smaller because there are more outputs?",),
        ),
        Mistake(
            "uniform",
            "That's the bound of a uniform distribution; its standard deviation is wanted.",
            _deviation(_fan_in, factor=6),
            ("How much smaller is a uniform distribution's deviation than its bound?",),
        ),
        Mistake(
            "root of 2 missing",
            "The root goes over the 2 as well.",
            lambda shape: 2 / math.sqrt(_fan_in(shape)),
            ("sqrt(2 / n) or 2 / sqrt(n)?",),
        ),
    ),
)
