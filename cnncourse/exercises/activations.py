"""Exercises of the chapter on activations: a corner, ReLU's way back, GELU, random weights, dead units."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse import activations
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Numbers = tuple[float, ...]


def _two_layers(rng: np.random.Generator) -> dict[str, Any]:
    """Return two small layers and an input at which one hidden unit is on and the other off."""
    digits = np.array([-3, -2, -1, 1, 2, 3])
    while True:
        W1, b1, W2, x = (rng.choice(digits, shape) for shape in ((2, 2), (2, 1), (1, 2), (2, 1)))
        sums = W1 @ x + b1
        if sums.min() < 0 < sums.max():
            b2 = int(rng.integers(1, 6))
            return {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "x": x, "sums": sums[:, 0].tolist()}


def _corner(W1: Array, b1: Array, W2: Array, b2: int, x: Array, sums: list[int]) -> Numbers:
    """Return weights and bias of the one layer, then output and slopes of the two with ReLU between."""
    on = np.array(sums) > 0
    output = W2[0] @ np.where(on, sums, 0) + b2
    return (*(W2 @ W1)[0], (W2 @ b1).item() + b2, output, *((W2[0] * on) @ W1))


def _other_layer(change: Callable[..., Numbers]) -> Callable[..., Numbers]:
    """Return the wrong way that has another weights and bias of the one layer."""
    return lambda **numbers: (*change(*_corner(**numbers)[:3], **numbers), *_corner(**numbers)[3:])


def _other_answer(change: Callable[..., Numbers]) -> Callable[..., Numbers]:
    """Return the wrong way that has another output and slopes, made from the one layer's."""

    def way(**numbers: Any) -> Numbers:
        first, second, bias, output, *_ = _corner(**numbers)
        line = float(np.array([first, second]) @ numbers["x"][:, 0] + bias)
        return (first, second, bias, *change(output, line, np.array([first, second]), **numbers))

    return way


check_corner = Pencil(
    "corner",
    "the one layer's two weights and bias, the output with ReLU, its two slopes",
    _two_layers,
    _corner,
    (
        Mistake(
            "other order",
            "You multiply the matrices in the other order; the input meets the first layer first.",
            _other_layer(lambda first, second, bias, W1, W2, **_: (*(W1 @ W2[0]), bias)),
            ("How many columns has W2 W1, and how many numbers has x?",),
        ),
        Mistake(
            "first bias as it is",
            "The first layer's biases go through the second layer too: they are multiplied by W2.",
            _other_layer(lambda first, second, bias, b1, b2, **_: (first, second, int(b1.sum()) + b2)),
            ("Put x = 0 into both layers.",),
        ),
        Mistake(
            "second bias alone",
            "The first layer's biases are missing.",
            _other_layer(lambda first, second, bias, b2, **_: (first, second, b2)),
            ("Put x = 0 into both layers.",),
        ),
        Mistake(
            "no ReLU",
            "That's right for the one layer. With ReLU between, one of the two units is closed.",
            _other_answer(lambda output, line, slopes, **_: (line, *slopes)),
            ("What are the two sums of the first layer?",),
        ),
        Mistake(
            "ReLU at the end",
            "Your ReLU comes after the second layer; it's between the two.",
            _other_answer(lambda output, line, slopes, **_: (max(line, 0.0), *(slopes * (line > 0)))),
            ("What are the two sums of the first layer?",),
        ),
        Mistake(
            "slopes of the one layer",
            "Your slopes are those without ReLU; a closed unit passes nothing on.",
            _other_answer(lambda output, line, slopes, **_: (output, *slopes)),
            ("What is a ReLU's slope where its sum is negative?",),
        ),
        Mistake(
            "through the closed unit",
            "Your slopes come through the closed unit; they should come through the open one.",
            _other_answer(
                lambda output, line, slopes, W1, W2, sums, **_: (
                    output,
                    *((W2[0] * (np.array(sums) < 0)) @ W1),
                )
            ),
            ("What is a ReLU's slope where its sum is negative?",),
        ),
        Mistake(
            "second layer left out",
            "Your slopes are those of the open unit; its weight in the second layer is missing.",
            _other_answer(
                lambda output, line, slopes, W1, sums, **_: (output, *(1.0 * (np.array(sums) > 0) @ W1))
            ),
            ("By how much does the output change if the unit's changes by 1?",),
        ),
    ),
)


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
            "outputs alone",
            "You count the outputs; count what one output adds up.",
            _deviation(lambda shape: shape[0]),
            ("Which number of the shape is that of the inputs?",),
        ),
        Mistake(
            "square kernels",
            "You take the kernel for a square; its height and its width count.",
            _deviation(lambda shape: shape[1] * shape[-1] ** 2 if len(shape) > 2 else shape[1]),
            ("How many numbers are in a 1x7 kernel?",),
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


def _small_stacks(rng: np.random.Generator) -> Iterator[Inputs]:
    same, other = np.eye(2), np.array([[-1.0, 0.0], [0.0, 1.0]])
    yield np.array([[1.0, -1.0]]), np.array([same]), np.zeros((1, 2))
    yield np.array([[1.0, -1.0], [-1.0, -1.0]]), np.array([same]), np.zeros((1, 2))
    yield np.array([[1.0, 2.0]]), np.array([same, other]), np.array([[0.0, -3.0], [0.0, 0.0]])
    for N, D, depth in ((3, 6, 1), (2, 8, 2), (4, 6, 3), (3, 8, 2)):
        biases = rng.normal(-0.5, 0.5, size=(depth, D))
        yield rng.normal(size=(N, D)), rng.normal(0, (2 / D) ** 0.5, size=(depth, D, D)), biases


def _below_zero(x: Array, weights: Array, biases: Array) -> Any:
    shares, h = [], x
    for weight, bias in zip(weights, biases, strict=True):
        z = h @ weight.T + bias
        h = np.maximum(z, 0)
        shares.append((z < 0).all(axis=0).mean())
    return shares


check_dead_units = Task.broken(
    "dead_units",
    "Given images x (N, D), and the weights (L, D, D) and biases (L, D) of a stack of dense layers with a "
    "ReLU after each. A unit is dead if it's off, at 0, for every image. Return the share of dead units of "
    "each layer, L numbers.",
    '''
def dead_units(x, weights, biases):
    """Return the share of units of each layer that are off for all images."""
    shares, h = [], x
    for weight, bias in zip(weights, biases):
        z = h @ weight.T + bias
        h = np.maximum(z, 0)
        off = (h == 0).all(axis=0)
        shares.append(off.mean())
    return shares
''',
    _small_stacks,
    (
        Bug(
            "off once",
            ".all(axis=0)",
            ".any(axis=0)",
            "A unit that's on for some images and off for others counts as dead.",
            ("Give it two images, and a unit that's on for one of them.",),
        ),
        Bug(
            "shares of images",
            ".all(axis=0)",
            ".all(axis=1)",
            "With one image, half of whose units are off, none is dead.",
            ("Which axis is that of the images, and which one should be left?",),
        ),
        Bug(
            "share of zeros",
            "(h == 0).all(axis=0)",
            "(h == 0)",
            "A unit that's off for half of the images counts as half a dead one.",
            ("Give it two images, and a unit that's on for one of them.",),
        ),
        Bug(
            "no biases",
            "h @ weight.T + bias",
            "h @ weight.T",
            "However far below zero the biases are, no unit dies of it.",
            ("Give it biases of -100.",),
        ),
        Bug(
            "always on",
            "(h == 0)",
            "(h > 0)",
            "With weights that are all positive and one bright image, all units are dead.",
            ("Give it one image, and a unit that's on.",),
        ),
        Bug(
            "no ReLU",
            "h = np.maximum(z, 0)",
            "h = z",
            "Hardly any unit is ever dead.",
            ("Give it biases of -100.", "Which values does a unit have that's off?"),
        ),
        Bug(
            "each gets the images",
            "z = h @",
            "z = x @",
            "What the first layer does makes no difference to the second.",
            ("Give it a first layer in which all units are dead, and a second without biases.",),
        ),
        Bug(
            "a number",
            "off.mean()",
            "off.sum()",
            "There is more than one whole layer dead, it says.",
            ("How large can a share be?",),
        ),
    ),
    (
        Mistake(
            "below zero",
            "A unit whose sum is exactly 0 gives 0, and so it's off too.",
            _below_zero,
            ("Let the first layer be dead, and the second have no biases.",),
        ),
    ),
)
