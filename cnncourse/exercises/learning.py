"""Exercises of the chapter on learning: a graph, the loss and its gradient, momentum, a broken program."""

from collections.abc import Callable, Iterator

import numpy as np

from cnncourse import learning
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Four = tuple[int, int, int, int]


def _graph(rng: np.random.Generator) -> dict[str, int]:
    x, w, h, v = (int(number) for number in rng.integers(2, 6, size=4))
    return {
        "x": x,
        "w": w,
        "b": h - w * x,
        "v": v,
        "t": v * h + h - int(rng.choice([-5, -4, -3, 2, 3, 4, 5])),
    }


def _gradients(
    of_y: Callable[[int, int], int] = lambda y, t: 2 * (y - t),
    of_h: Callable[[int, int], int] = lambda grad_y, v: grad_y * v + grad_y,
    of_a: Callable[[int, int], int] = lambda grad_h, h: grad_h,
) -> Callable[..., Four]:
    """Return the backward pass for w, b, v and x, with the rules of three circles given."""

    def backward(x: int, w: int, b: int, v: int, t: int) -> Four:
        h = w * x + b  # positive: the ReLU is open
        grad_y = of_y(v * h + h, t)
        grad_a = of_a(of_h(grad_y, v), h)
        return grad_a * x, grad_a, grad_y * h, grad_a * w

    return backward


def _own_input(x: int, w: int, b: int, v: int, t: int) -> Four:
    _, grad_a, _, _ = _gradients()(x, w, b, v, t)
    return grad_a * w, grad_a, 2 * (v * (w * x + b) + w * x + b - t) * v, grad_a * x


check_graph_gradients = Pencil(
    "graph_gradients",
    "the gradients for w, b, v and x",
    _graph,
    _gradients(),
    (
        Mistake(
            "shortcut forgotten",
            "A second arrow leaves the ReLU, the shortcut, and it brings a gradient home, too.",
            _gradients(of_h=lambda grad_y, v: grad_y * v),
            ("By how many ways does h act on y?",),
        ),
        Mistake(
            "shortcut alone",
            "You take the shortcut's gradient alone; the way through times brings one, too.",
            _gradients(of_h=lambda grad_y, v: grad_y),
            ("By how many ways does h act on y?",),
        ),
        Mistake(
            "multiplied where two meet",
            "Where a value was used twice, you multiply the two gradients; they add up.",
            _gradients(of_h=lambda grad_y, v: grad_y * v * grad_y),
            ("What is the derivative of v h + h for h?",),
        ),
        Mistake(
            "the square's 2",
            "The square's slope is 2 times the difference; the 2 is missing.",
            _gradients(of_y=lambda y, t: y - t),
            ("How much does 3 squared grow if the 3 grows by 0.001?",),
        ),
        Mistake(
            "sign",
            "All signs are turned round: minus hands the gradient to its first input as it is.",
            _gradients(of_y=lambda y, t: 2 * (t - y)),
            ("Does the loss grow or fall if y grows a little?",),
        ),
        Mistake(
            "its own input",
            "Times hands each input the gradient times that input; it should be times the other one.",
            _own_input,
            ("How much does 2 times 5 grow if the 2 grows by 1?",),
        ),
        Mistake(
            "begun with the loss",
            "You begin with the loss; at the end of the graph, the gradient is 1.",
            _gradients(of_y=lambda y, t: 2 * (y - t) ** 3),
            ("If the loss grows a little, how many times as much does the loss grow?",),
        ),
        Mistake(
            "the ReLU's value",
            "The ReLU multiplies by its value; where it is open, its slope is 1.",
            _gradients(of_a=lambda grad_h, h: grad_h * h),
            ("Draw the ReLU. How steep is it right of zero?",),
        ),
    ),
)


def _logits(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    yield (np.array([[0.0, 0.0]]),)
    yield (np.log([[1.0, 2.0, 5.0]]),)
    yield (np.array([[1.0, 2.0], [3.0, 3.0], [-1.0, 0.0]]),)
    yield (np.array([[1000.0, 1001.0], [-1000.0, -1001.0]]),)
    for shape in ((2, 3), (3, 3), (5, 10), (3, 3)):
        yield (3 * rng.normal(size=shape),)


def _exp_over(logits: Array, axis: int | None) -> Array:
    e = np.exp(logits - logits.max())
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _naive(logits: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return np.asarray(e / e.sum(axis=1, keepdims=True))


def _by_the_largest_of_all(logits: Array) -> Array:
    with np.errstate(all="ignore"):
        return _exp_over(logits, 1)


check_softmax = Task(
    "softmax",
    "Given logits (N, K), one row for each image. Return the probabilities (N, K).",
    lambda logits: learning.softmax(logits),
    _logits,
    (
        Mistake(
            "wrong axis",
            "Your columns add up to 1; each image's row should.",
            lambda logits: learning.softmax(logits, axis=0),
            ("Which axis holds the classes of one image?",),
        ),
        Mistake(
            "one sum for all",
            "You divide by the sum over all images; each row has its own.",
            lambda logits: _exp_over(logits, None),
            ("Add up one row of your answer.", "axis=..., keepdims=True"),
        ),
        Mistake(
            "too large for exp",
            "Large logits overflow: exp(1000) is infinite, and infinity divided by itself is no number.",
            _naive,
            (
                "What happens to softmax if you add the same number to all logits of a row?",
                "Subtract the row's maximum.",
            ),
        ),
        Mistake(
            "one maximum for all",
            "You subtract the largest of all logits. In a row far below it, everything becomes exp(-2000) "
            "= 0.",
            _by_the_largest_of_all,
            ("Which maximum makes the largest exponent of each row 0?",),
        ),
        Mistake(
            "no exponential",
            "You divide the logits by their sum; the exponential is missing.",
            lambda logits: logits / logits.sum(axis=1, keepdims=True),
            ("Logits may be negative; probabilities may not.",),
        ),
        Mistake(
            "logarithm",
            "Those are log-probabilities.",
            lambda logits: learning.log_softmax(logits),
            ("One np.exp away.",),
        ),
        Mistake(
            "sigmoid",
            "Each number has its own sigmoid: the classes don't compete, and rows don't add up to 1.",
            lambda logits: 1 / (1 + np.exp(-np.clip(logits, -700, 700))),
            ("Add up one row of your answer.",),
        ),
        Mistake(
            "not divided",
            "Rows don't add up to 1: the division is missing.",
            lambda logits: np.exp(logits - logits.max(axis=1, keepdims=True)),
            ("Add up one row of your answer.",),
        ),
    ),
)


def _labelled(rng: np.random.Generator) -> Iterator[Inputs]:
    for (logits,) in _logits(rng):
        yield logits, rng.integers(0, logits.shape[1], size=len(logits))
    yield np.array([[0.0, 800.0], [900.0, 0.0]]), np.array([0, 1])  # probabilities too small to be stored


def _picked(rows: Array, labels: Array) -> Array:
    return np.asarray(rows[np.arange(len(labels)), labels])


def _log_naive(logits: Array, labels: Array) -> float:
    with np.errstate(all="ignore"):
        return float(-np.log(_picked(_naive(logits), labels)).mean())


def _log_of_stored(logits: Array, labels: Array, least: float) -> float:
    with np.errstate(all="ignore"):
        return float(-np.log(_picked(learning.softmax(logits), labels) + least).mean())


check_cross_entropy = Task(
    "cross_entropy",
    "Given logits (N, K) and labels (N,), the numbers of the right classes. Return the mean loss of the "
    "images.",
    lambda logits, labels: learning.cross_entropy(logits, labels),
    _labelled,
    (
        Mistake(
            "sum",
            "That's the sum over the images; we want their mean.",
            lambda logits, labels: len(labels) * learning.cross_entropy(logits, labels),
            ("Should the loss double when the batch does?",),
        ),
        Mistake(
            "sign",
            "The sign is turned round: a loss is small where the network is right.",
            lambda logits, labels: -learning.cross_entropy(logits, labels),
            ("The logarithm of a probability is negative.",),
        ),
        Mistake(
            "mean over classes",
            "You divide by N times K: each image counts once, not once for each class.",
            lambda logits, labels: learning.cross_entropy(logits, labels) / logits.shape[1],
            ("Over how many numbers do you take the mean?",),
        ),
        Mistake(
            "base 2",
            "That's in bits; here we want natural logarithms.",
            lambda logits, labels: learning.cross_entropy(logits, labels) / np.log(2),
            ("np.log, np.log2 or np.log10?",),
        ),
        Mistake(
            "no logarithm",
            "You average the probabilities; their logarithms are missing.",
            lambda logits, labels: 1 - _picked(learning.softmax(logits), labels).mean(),
            ("-log(p), not 1 - p.",),
        ),
        Mistake(
            "softmax twice",
            "Softmax is applied twice.",
            lambda logits, labels: learning.cross_entropy(learning.softmax(logits), labels),
            ("Are your logits probabilities already when you take the second softmax?",),
        ),
        Mistake(
            "overflow",
            "Large logits overflow in exp.",
            _log_naive,
            ("Subtract each row's maximum first.", "log(exp(a) / sum) = a - log(sum)"),
        ),
        Mistake(
            "logarithm of a stored 0",
            "Where the right class's probability is too small to be stored, the loss is infinite.",
            lambda logits, labels: _log_of_stored(logits, labels, 0.0),
            (
                "What is the loss of scores 0 and 800, if class 0 is right?",
                "log(exp(a) / sum) = a - log(sum)",
            ),
        ),
        Mistake(
            "a small number added",
            "No image costs more than 27.6: a small number stands in for smaller probabilities.",
            lambda logits, labels: _log_of_stored(logits, labels, 1e-12),
            (
                "What is the loss of scores 0 and 800, if class 0 is right?",
                "log(exp(a) / sum) = a - log(sum)",
            ),
        ),
        Mistake(
            "predicted class",
            "You look at the probability of the class that the network prefers; the label's counts.",
            lambda logits, labels: -np.log(learning.softmax(logits).max(axis=1)).mean(),
            ("Where are the labels in your function?",),
        ),
    ),
)


def _one_hot(logits: Array, labels: Array) -> Array:
    return np.asarray(np.eye(logits.shape[1])[labels])


def _of_probabilities(logits: Array, labels: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(-_one_hot(logits, labels) / learning.softmax(logits) / len(labels))


def _naive_backward(logits: Array, labels: Array) -> Array:
    return np.asarray((_naive(logits) - _one_hot(logits, labels)) / len(labels))


check_cross_entropy_backward = Task(
    "cross_entropy_backward",
    "Given logits (N, K) and labels (N,) of the mean cross-entropy after a softmax. Return grad_logits (N, "
    "K).",
    lambda logits, labels: learning.cross_entropy_backward(logits, labels),
    _labelled,
    (
        Mistake(
            "not divided by N",
            "The loss is a mean over N images, so each image's gradient is divided by N.",
            lambda logits, labels: len(labels) * learning.cross_entropy_backward(logits, labels),
            ("Give the same image twice: does its gradient double?",),
        ),
        Mistake(
            "sign",
            "The sign is turned round: against this gradient the loss would grow.",
            lambda logits, labels: -learning.cross_entropy_backward(logits, labels),
            ("Should the right class's logit go up or down in a step *against* the gradient?",),
        ),
        Mistake(
            "labels missing",
            "That's softmax alone; the right class's 1 is still to be subtracted.",
            lambda logits, labels: learning.softmax(logits) / len(labels),
            ("Each row of the gradient adds up to 0. Does yours?",),
        ),
        Mistake(
            "of the probabilities",
            "That's the gradient with respect to the probabilities; one more step back, through softmax.",
            _of_probabilities,
            ("Chain rule: multiply by softmax's derivative. Much cancels.",),
        ),
        Mistake(
            "divided by all",
            "You divide by N times K; the mean is over N images.",
            lambda logits, labels: learning.cross_entropy_backward(logits, labels) / logits.shape[1],
            ("np.mean over which axis?",),
        ),
        Mistake(
            "wrong axis",
            "Your softmax runs over the images; it runs over the classes.",
            lambda logits, labels: (
                (learning.softmax(logits, axis=0) - _one_hot(logits, labels)) / len(labels)
            ),
            ("Each row of the gradient adds up to 0. Does yours?",),
        ),
        Mistake(
            "overflow",
            "Large logits overflow in the softmax that you use.",
            _naive_backward,
            ("Does check_softmax pass?", "Subtract each row's maximum first."),
        ),
        Mistake(
            "right class alone",
            "Only the right class's logit gets a gradient; the others pull down too.",
            lambda logits, labels: learning.cross_entropy_backward(logits, labels) * _one_hot(logits, labels),
            ("All logits are in the sum under softmax.",),
        ),
    ),
)


def _steps(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0]), np.array([2.0]), np.array([0.0]), 0.1, 0.9
    yield np.array([1.0]), np.array([2.0]), np.array([3.0]), 0.1, 0.5
    for shape in ((3,), (2, 3), (2, 3)):
        w, grad, velocity = (rng.normal(size=shape) for _ in range(3))
        yield w, grad, velocity, float(rng.uniform(0.01, 0.5)), float(rng.uniform(0.1, 0.9))


def _momentum(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + grad
    return w - rate * velocity, velocity


def _damped(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + (1 - momentum) * grad
    return w - rate * velocity, velocity


def _rate_inside(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity - rate * grad
    return w + velocity, velocity


def _nesterov(w: Array, grad: Array, velocity: Array, rate: float, momentum: float) -> tuple[Array, Array]:
    velocity = momentum * velocity + grad
    return w - rate * (grad + momentum * velocity), velocity


check_momentum_step = Task(
    "momentum_step",
    "Given weights w, their gradient grad and the velocity, of one shape, a rate and a momentum. The "
    "velocity is the "
    "sum of all gradients so far, each step shrinking what is there by the momentum. Return w, velocity.",
    _momentum,
    _steps,
    (
        Mistake(
            "uphill",
            "The weights go along the gradient; they should go against it.",
            lambda w, g, v, r, m: (w + r * (m * v + g), m * v + g),
            ("The gradient points to where the loss grows.",),
        ),
        Mistake(
            "a running mean",
            "You weigh the new gradient by 1 - momentum, as Adam does; here it counts in full.",
            _damped,
            ("velocity = momentum * velocity + ...",),
        ),
        Mistake(
            "rate inside",
            "Your velocity holds the learning rate. That's the older convention; here it's a sum of "
            "gradients, and the "
            "rate is applied at the step.",
            _rate_inside,
            ("What happens to the two forms when the rate changes in between?",),
        ),
        Mistake("nesterov", "That's Nesterov's step, which looks ahead; the plain one is wanted.", _nesterov),
        Mistake(
            "old velocity",
            "You step by the velocity before this gradient was added.",
            lambda w, g, v, r, m: (w - r * v, m * v + g),
            ("Which of the two lines comes first?",),
        ),
        Mistake(
            "velocity forgotten",
            "The weights step by the gradient alone.",
            lambda w, g, v, r, m: (w - r * g, m * v + g),
            ("What is the velocity for?",),
        ),
        Mistake(
            "never shrinks",
            "The old velocity isn't shrunk by the momentum.",
            lambda w, g, v, r, m: (w - r * (v + g), v + g),
            ("Without it, the first gradient would push forever.",),
        ),
    ),
)


def _small_data(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[1.0], [2.0]]), np.array([0, 1]), 2, 1, 1.0
    yield np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]), np.array([0, 1, 1]), 2, 2, 0.5
    for N, D, K, batch_size in ((5, 3, 3, 2), (6, 2, 4, 3), (7, 3, 3, 3), (5, 4, 2, 4)):
        labels = rng.permutation(np.arange(N) % K)
        yield rng.normal(size=(N, D)), labels, K, batch_size, float(rng.uniform(0.2, 1.0))


def _by_batch_size(
    z: Array, labels: Array, classes: int, batch_size: int, rate: float
) -> tuple[Array, Array]:
    weight, bias = np.zeros((classes, z.shape[1])), np.zeros(classes)
    for first in range(0, len(z), batch_size):
        x, t = z[first : first + batch_size], labels[first : first + batch_size]
        grad = learning.cross_entropy_backward(x @ weight.T + bias, t) * len(t) / batch_size
        weight, bias = weight - rate * grad.T @ x, bias - rate * grad.sum(axis=0)
    return weight, bias


check_train_dense = Task.broken(
    "train_dense",
    "Given images z (N, D), labels (N,), the number of classes K, a batch size and a rate. Train a dense "
    "classifier from zeros by one epoch of SGD, batch after batch in order; the last one holds what remains, "
    "and a batch's loss is the mean of its images' cross-entropies. weight is (K, D), "
    "bias (K,). Return weight, bias.",
    '''
def train_dense(z, labels, classes, batch_size, rate):
    """Return weight (K, D) and bias (K,) after one epoch of SGD."""
    weight, bias = np.zeros((classes, z.shape[1])), np.zeros(classes)
    for first in range(0, len(z), batch_size):
        x = z[first : first + batch_size]
        t = labels[first : first + batch_size]
        logits = x @ weight.T + bias
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        p[np.arange(len(t)), t] -= 1
        grad = p / len(t)
        weight = weight - rate * grad.T @ x
        bias = bias - rate * grad.sum(axis=0)
    return weight, bias
''',
    _small_data,
    (
        Bug(
            "not a mean",
            "grad = p / len(t)",
            "grad = p",
            "The larger the batch, the longer its step; a batch of 50 soon blows up.",
            ("Train on one image, and on a batch that holds it twice.", "Is the loss a sum or a mean?"),
        ),
        Bug(
            "divided by all images",
            "grad = p / len(t)",
            "grad = p / len(z)",
            "With one batch all is well. The more batches an epoch has, the shorter each step gets.",
            ("Train on two images, in one batch and in two.", "Over which images is the mean taken?"),
        ),
        Bug(
            "some are left out",
            "range(0, len(z), batch_size)",
            "range(0, len(z) - batch_size + 1, batch_size)",
            "It makes no difference what the last few images are, for some batch sizes.",
            ("Train on three images in batches of two, and change the third.",),
        ),
        Bug(
            "labels moved",
            "t = labels[first",
            "t = np.roll(labels, 1)[first",
            "The loss hardly falls, and the answers are right no more often than by guessing.",
            ("Train on two images of different classes, and classify them.", "Look at a batch: x and t."),
        ),
        Bug(
            "uphill",
            "weight = weight - rate",
            "weight = weight + rate",
            "The loss grows, and the classifier likes each class less, the more it resembles its images.",
            ("Train on one image, and classify it.", "Which way does a step go?"),
        ),
        Bug(
            "scores without bias",
            "logits = x @ weight.T + bias",
            "logits = x @ weight.T",
            "The first step is right. After many, the biases of frequent classes have grown without end.",
            ("Train on images that are all zero: when should the biases stop?",),
        ),
        Bug(
            "softmax over images",
            "p.sum(axis=1, keepdims=True)",
            "p.sum(axis=0, keepdims=True)",
            "In most batches, what the classes gain and lose doesn't sum to zero, as it should.",
            ("Train on one image: what is the sum of the biases?",),
        ),
        Bug(
            "mean of a mean",
            "grad.sum(axis=0)",
            "grad.mean(axis=0)",
            "With one image a batch all is well; with more, the biases learn too slowly.",
            ("Give an additional pixel, always 1: does its weight learn as fast as the bias?",),
        ),
    ),
    (
        Mistake(
            "divided by the batch size",
            "Whole batches are right. A last batch of fewer images takes too short a step.",
            _by_batch_size,
            ("Train on one image, in a batch of one and in a batch of two.", "How many images are in x?"),
        ),
    ),
)
