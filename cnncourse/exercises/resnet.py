"""Exercises of the chapter on ResNet: a block on paper, with torch, its way back, and a stage that begins."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _blocks(rng: np.random.Generator) -> Iterator[Inputs]:
    for widths, stride, shape, training in (
        ((1, 1), 1, (1, 1, 3, 3), False),
        ((1, 2), 1, (2, 1, 3, 3), False),
        ((2, 2), 2, (1, 2, 2, 2), False),
        ((2, 4), 2, (2, 2, 5, 4), False),
        ((3, 3), 1, (2, 3, 4, 3), True),
        ((2, 4), 2, (2, 2, 5, 4), True),
    ):
        x = rng.integers(-3, 4, size=shape).astype(float)
        yield *widths, stride, x, int(rng.integers(1000)), training


def _residual_block(in_channels: int, out_channels: int, stride: int) -> Any:
    return _block(in_channels, out_channels, stride)


def _block(
    in_channels: int,
    out_channels: int,
    stride: int,
    *,
    strides: str = "first",
    padding: int = 1,
    biased: bool = False,
    ending: str = "add, relu",
    middle: bool = True,
    norms: int = 2,
    shortcut: str = "where shapes change",
) -> Any:
    """Return a block, right or with a bug in one place."""
    import torch.nn.functional as F
    from torch import nn

    changes = stride > 1 or in_channels != out_channels or shortcut == "always"
    first, second = {"first": (stride, 1), "second": (1, stride), "both": (stride, stride)}[strides]

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, first, padding, bias=biased)
            self.bn1 = nn.BatchNorm2d(out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, second, padding, bias=biased)
            self.bn2 = nn.BatchNorm2d(out_channels)
            self.shortcut = nn.Sequential()
            if changes and shortcut != "never":
                own = 1 if shortcut == "not strided" else stride
                self.shortcut.append(nn.Conv2d(in_channels, out_channels, 1, own, bias=biased))
                if shortcut != "no norm":
                    self.shortcut.append(nn.BatchNorm2d(out_channels))

        def forward(self, x: Any) -> Any:
            out = self.bn1(self.conv1(x))
            out = F.relu(out) if middle else out
            out = (self.bn2 if norms == 2 else self.bn1)(self.conv2(out))
            if ending == "relu, add":
                return F.relu(out) + self.shortcut(x)
            out = out if ending == "relu" else out + self.shortcut(x)
            return out if ending == "add" else F.relu(out)

    return Block()


check_residual_block = Task(
    "residual_block",
    "Given in_channels, out_channels and a stride. Return ResNet's basic block, an nn.Module: two 3x3 "
    "convolutions without biases, conv1 and conv2, the first with the stride, each followed by batch "
    "normalization, bn1 and bn2; a ReLU between them; the addition of the shortcut; a last ReLU. Where the "
    "shape changes, shortcut is an nn.Sequential of a 1x1 convolution without biases and batch "
    "normalization; elsewhere it's the identity. The names are those of the block's attributes.",
    _residual_block,
    _blocks,
    (
        Mistake(
            "ReLU before the addition",
            "The last ReLU comes before the addition, so that the branch could only add and never take away.",
            partial(_block, ending="relu, add"),
            ("Which signs can the branch have?", "The addition comes first."),
        ),
        Mistake(
            "no last ReLU",
            "The last ReLU is missing.",
            partial(_block, ending="add"),
            ("Can your output be negative?",),
        ),
        Mistake(
            "no addition",
            "The shortcut isn't added: that's a plain block.",
            partial(_block, ending="relu"),
            ("What does a block return if all of its weights are 0?",),
        ),
        Mistake(
            "no ReLU between",
            "The ReLU between the convolutions is missing; without it, the two are one linear map.",
            partial(_block, middle=False),
            ("What are two linear layers in a row?",),
        ),
        Mistake(
            "stride in the second convolution",
            "The second convolution has the stride; it's the first that has it.",
            partial(_block, strides="second"),
            ("Where does the map get smaller?",),
        ),
        Mistake(
            "stride twice",
            "Both convolutions have the stride: the branch ends up smaller than the shortcut.",
            partial(_block, strides="both"),
            ("How large is a map of 8x8 after two strides of 2?",),
        ),
        Mistake(
            "shortcut without stride",
            "The shortcut has no stride: it's larger than the branch to which it's added.",
            partial(_block, shortcut="not strided"),
            ("Write both shapes beside the plus sign.",),
        ),
        Mistake(
            "no projection",
            "The shortcut stays the identity where the shape changes.",
            partial(_block, shortcut="never"),
            ("Can (N, 16, 32, 32) be added to (N, 32, 16, 16)?", "A 1x1 convolution changes channels."),
        ),
        Mistake(
            "projection without batch norm",
            "The shortcut's 1x1 convolution has no batch normalization behind it.",
            partial(_block, shortcut="no norm"),
            ("Every convolution of this network is followed by one.",),
        ),
        Mistake(
            "projection everywhere",
            "The shortcut has a convolution where the shape stays too; there it should change nothing.",
            partial(_block, shortcut="always"),
            ("What makes a deep network easy to train: a free road, or one more layer?",),
        ),
        Mistake(
            "one batch norm for two",
            "Both convolutions share bn1; each has its own scale, shift and statistics.",
            partial(_block, norms=1),
            ("Whose running mean does bn2 hold?",),
        ),
        Mistake(
            "biases",
            "Your convolutions have biases, which batch normalization takes away again.",
            partial(_block, biased=True),
            ("What does subtracting the mean do to a constant?", "bias=False"),
        ),
        Mistake(
            "no padding",
            "The 3x3 convolutions have no padding, so the branch loses its border.",
            partial(_block, padding=0),
            ("How large is a map of 8x8 after a 3x3 convolution?",),
        ),
    ),
    by_hand=False,
    adapter="residual_block",
    parts=("the output", "the number of weights"),
    setting="filled with random weights; with training=False in evaluation mode",
)


def _flows(rng: np.random.Generator) -> Iterator[Inputs]:
    one = np.ones((1, 1))
    yield one, 2 * one, one, one
    yield one, 2 * one, one, -3 * one
    for N, D in ((2, 2), (3, 4), (3, 4)):
        yield rng.normal(size=(N, D)), rng.normal(size=(N, D)), *rng.normal(size=(2, D, D))


def _residual_backward(grad: Array, x: Array, w1: Array, w2: Array) -> tuple[Array, Array, Array]:
    return _back(grad, x, w1, w2)


def _back(
    grad: Array,
    x: Array,
    w1: Array,
    w2: Array,
    *,
    shortcut: float = 1,
    branch: float = 1,
    last: bool = True,
    middle: str = "z",
    turned: bool = True,
    masked: bool = True,
    mean: bool = False,
    past: bool = False,
    added: bool = True,
) -> tuple[Array, Array, Array]:
    """Return the gradients, right or with a bug in one place."""
    z = x @ w1
    h = np.maximum(z, 0)
    of_sum = grad * (h @ w2 + (x if added else 0) > 0) if last else grad
    of_h = of_sum @ (w2.T if turned else w2)
    of_z = {"z": of_h * (z > 0), "none": of_h, "own sign": of_h * (of_h > 0)}[middle]
    of_x = shortcut * (grad if past else of_sum) + branch * (of_z @ (w1.T if turned else w1))
    count = len(x) if mean else 1
    return of_x, x.T @ of_z / count, (h if masked else z).T @ of_sum / count


check_residual_backward = Task(
    "residual_backward",
    "Given the gradient grad (N, D) with respect to y = relu(relu(x @ w1) @ w2 + x), a block with a "
    "shortcut, and x (N, D), w1 (D, D), w2 (D, D). Return grad_x, grad_w1, grad_w2.",
    _residual_backward,
    _flows,
    (
        Mistake(
            "shortcut forgotten",
            "grad_x: the gradient that comes back by the shortcut is missing.",
            partial(_back, shortcut=0),
            ("On how many roads did x get to y?", "The addition passes its gradient to both sides."),
        ),
        Mistake(
            "shortcut alone",
            "grad_x: the gradient that comes back through the branch is missing.",
            partial(_back, branch=0),
            ("On how many roads did x get to y?",),
        ),
        Mistake(
            "shortcut's sign",
            "grad_x: the two roads' gradients are subtracted; they add up.",
            partial(_back, shortcut=-1),
            ("x was added. Which sign has the derivative?",),
        ),
        Mistake(
            "last ReLU forgotten",
            "The last ReLU lets a gradient through only where its input was above 0.",
            partial(_back, last=False),
            ("Which is the first thing that the gradient meets on its way back?",),
        ),
        Mistake(
            "past the last ReLU",
            "grad_x: the shortcut's part goes past the last ReLU, which comes after the addition and stops "
            "both parts.",
            partial(_back, past=True),
            ("Which is the first thing that the gradient meets on its way back?",),
        ),
        Mistake(
            "the branch's sign",
            "The last ReLU goes by the sign of the sum, x included; yours goes by the branch alone.",
            partial(_back, added=False),
            ("What did the last ReLU compare with 0 on the way forward?",),
        ),
        Mistake(
            "inner ReLU forgotten",
            "The inner ReLU lets a gradient through only where x @ w1 was above 0.",
            partial(_back, middle="none"),
            ("What's the slope of a ReLU at -1?",),
        ),
        Mistake(
            "sign of the gradient",
            "The inner ReLU keeps what is positive in the gradient; what counts is the sign of its input.",
            partial(_back, middle="own sign"),
            ("What did the ReLU compare with 0 on the way forward?",),
        ),
        Mistake(
            "not transposed",
            "On the way back the weights are transposed.",
            partial(_back, turned=False),
            ("y[j] got x[i] times w[i, j]. Which w bring y[j]'s gradient back to x[i]?",),
        ),
        Mistake(
            "before the ReLU",
            "grad_w2: w2 was multiplied with the values after the inner ReLU.",
            partial(_back, masked=False),
            ("What stood to the left of w2?",),
        ),
        Mistake(
            "mean over the batch",
            "grad_w1 and grad_w2: you divide by N; where the loss is a mean, grad has the division in it.",
            partial(_back, mean=True),
            ("Each image used the weight once.",),
        ),
        Mistake(
            "order",
            "grad_w1 and grad_w2 have changed places.",
            lambda *inputs: (_back(*inputs)[0], *_back(*inputs)[:0:-1]),
            ("Look at the order of what you return.",),
        ),
    ),
)


def _layers(rng: np.random.Generator) -> Iterator[Inputs]:
    yield (
        np.full((1, 1, 1, 1), 3.0), np.array([1.0]), np.array([2.0]), np.array([1.0]), np.array([0.0]),
        np.array([4.0]), 0.0,
    )  # fmt: skip
    for C_out, C_in, K in ((2, 2, 1), (3, 3, 2), (2, 3, 3)):
        weight, rows = rng.normal(size=(C_out, C_in, K, K)), rng.normal(size=(4, C_out))
        yield weight, *rows, rng.uniform(0.5, 3, size=C_out), 0.1


def _fold_batch_norm(
    weight: Array, bias: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float
) -> tuple[Array, Array]:
    scale = gamma / np.sqrt(var + eps)
    return weight * scale[:, None, None, None], (bias - mean) * scale + beta


def _folded(change: Any) -> Any:
    """Return `_fold_batch_norm` with its results as `change` makes them."""

    def function(
        weight: Array, bias: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float
    ) -> Any:
        scale = (gamma / np.sqrt(var + eps))[:, None, None, None]
        return change(weight, bias, gamma, beta, mean, var + eps, scale)

    return function


check_fold_batch_norm = Task(
    "fold_batch_norm",
    "Given a convolution's weight (C_out, C_in, K_h, K_w) and bias (C_out,), and gamma, beta, running mean, "
    "running var (C_out,) and eps of the batch normalization behind it, in evaluation. One convolution "
    "does the same as both. Return its weight, bias.",
    _fold_batch_norm,
    _layers,
    (
        Mistake(
            "old bias dropped",
            "bias: the convolution's own bias goes through batch norm too.",
            _folded(lambda w, b, g, be, m, v, s: (w * s, be - m * s.ravel())),
            ("What comes out where all inputs are 0?",),
        ),
        Mistake(
            "bias not scaled",
            "bias: the old bias is scaled like everything else that the convolution adds up.",
            _folded(lambda w, b, g, be, m, v, s: (w * s, b - m * s.ravel() + be)),
            ("What comes out where all inputs are 0?",),
        ),
        Mistake(
            "mean not scaled",
            "bias: the mean is subtracted before the division by the deviation, so it's scaled too.",
            _folded(lambda w, b, g, be, m, v, s: (w * s, b * s.ravel() - m + be)),
            ("Write gamma * (z - mean) / deviation + beta as a factor times z, and a shift.",),
        ),
        Mistake(
            "mean added",
            "bias: the mean is subtracted, not added.",
            _folded(lambda w, b, g, be, m, v, s: (w * s, (b + m) * s.ravel() + be)),
            ("Write gamma * (z - mean) / deviation + beta as a factor times z, and a shift.",),
        ),
        Mistake(
            "by the variance",
            "You divide by the variance; its root is missing.",
            _folded(
                lambda w, b, g, be, m, v, s: (
                    w * (g / v)[:, None, None, None],
                    (b - m) * g / v + be,
                )
            ),
            ("np.sqrt",),
        ),
        Mistake(
            "no eps",
            "eps is missing under the root.",
            lambda w, b, g, be, m, v, eps: _fold_batch_norm(w, b, g, be, m, v, 0.0),
            ("Where is eps in the formula?",),
        ),
        Mistake(
            "eps outside",
            "eps is added to the deviation; it belongs under the root, to the variance.",
            lambda w, b, g, be, m, v, eps: _fold_batch_norm(w, b, g, be, m, (np.sqrt(v) + eps) ** 2, 0.0),
            ("Where is eps in the formula?",),
        ),
        Mistake(
            "no gamma",
            "gamma is missing.",
            _folded(
                lambda w, b, g, be, m, v, s: (
                    w / np.sqrt(v)[:, None, None, None],
                    (b - m) / np.sqrt(v) + be,
                )
            ),
            ("Write gamma * (z - mean) / deviation + beta as a factor times z, and a shift.",),
        ),
        Mistake(
            "no beta",
            "bias: beta is missing.",
            _folded(lambda w, b, g, be, m, v, s: (w * s, (b - m) * s.ravel())),
            ("What comes out where all inputs are 0?",),
        ),
        Mistake(
            "input channels scaled",
            "weight: you scale along the input channels; batch norm acts on the output channels.",
            _folded(lambda w, b, g, be, m, v, s: (w * s.reshape(-1, 1, 1), (b - m) * s.ravel() + be)),
            ("Shapes meet from the right: to which axis does your factor go?",),
        ),
    ),
)


def _small_block(rng: np.random.Generator) -> dict[str, Array]:
    """Return a block each of whose ReLUs stops one number of two."""
    while True:
        x, g = rng.integers(1, 5, size=(2, 2, 1))
        w1, w2 = rng.integers(-2, 3, size=(2, 2, 2))
        inner = w1 @ x
        total = w2 @ np.maximum(inner, 0) + x
        if inner.min() < 0 < inner.max() and total.min() < 0 < total.max():
            return {"x": x, "w1": w1, "w2": w2, "g": g}


def _block_by_hand(x: Array, w1: Array, w2: Array, g: Array) -> Array:
    return _on_paper(x, w1, w2, g)


def _on_paper(
    x: Array,
    w1: Array,
    w2: Array,
    g: Array,
    *,
    shortcut: int = 1,
    branch: int = 1,
    last: bool = True,
    inner: bool = True,
    turned: bool = True,
    forward: str = "add, relu",
) -> Array:
    """Return y and the gradient for x, right or with a mistake in one place."""
    z = w1 @ x
    f = w2 @ np.maximum(z, 0)
    y = {
        "add, relu": np.maximum(f + x, 0),
        "add": f + x,
        "relu, add": np.maximum(f, 0) + x,
        "relu": np.maximum(f, 0),
    }[forward]
    of_sum = g * (f + x > 0) if last else g
    of_z = (w2.T if turned else w2) @ of_sum
    of_z = of_z * (z > 0) if inner else of_z
    of_x = shortcut * of_sum + branch * ((w1.T if turned else w1) @ of_z)
    return np.concatenate([y, of_x], axis=1).T


check_block_by_hand = Pencil(
    "block_by_hand",
    "the two numbers of y, and those of the gradient for x, each pair in brackets",
    _small_block,
    _block_by_hand,
    (
        Mistake(
            "shortcut's gradient forgotten",
            "Your gradient came back through the branch alone; the shortcut brings its part.",
            partial(_on_paper, shortcut=0),
            ("On how many roads did x get to y?", "The addition passes its gradient to both sides."),
        ),
        Mistake(
            "branch's gradient forgotten",
            "Your gradient came back by the shortcut alone; the branch brings its part.",
            partial(_on_paper, branch=0),
            ("On how many roads did x get to y?",),
        ),
        Mistake(
            "last ReLU on the way back",
            "On the way back, the last ReLU stops what belongs to a sum below 0.",
            partial(_on_paper, last=False),
            ("Which is the first thing that the gradient meets on its way back?",),
        ),
        Mistake(
            "inner ReLU on the way back",
            "On the way back, the inner ReLU stops what belongs to a number below 0.",
            partial(_on_paper, inner=False),
            ("What's the slope of a ReLU at -1?",),
        ),
        Mistake(
            "not transposed",
            "On the way back the matrices are transposed.",
            partial(_on_paper, turned=False),
            ("Where does the first column of W1 lead from?",),
        ),
        Mistake(
            "ReLU before the addition",
            "Your y has its last ReLU before the addition.",
            partial(_on_paper, forward="relu, add"),
            ("May the branch take something away?",),
        ),
        Mistake(
            "no last ReLU",
            "Your y may be below 0: the last ReLU is missing.",
            partial(_on_paper, forward="add"),
            ("What comes after the addition?",),
        ),
        Mistake(
            "x not added",
            "Your y is that of a plain block; x isn't added.",
            partial(_on_paper, forward="relu"),
            ("What does the block return if all its weights are 0?",),
        ),
    ),
)


def _beginnings(rng: np.random.Generator) -> Iterator[Inputs]:
    for shape, channels in (((1, 1, 2, 2), 2), ((1, 2, 2, 4), 4), ((1, 2, 4, 2), 3)):
        x = rng.integers(1, 6, size=shape).astype(float)
        sizes = ((channels, shape[1]), (channels, channels))
        yield x, *(rng.integers(-2, 3, size=size).astype(float) for size in sizes)
    for shape, channels in (((2, 2, 4, 4), 4), ((2, 3, 4, 6), 6), ((3, 2, 6, 2), 4)):
        w1, w2 = rng.normal(size=(channels, shape[1])), rng.normal(size=(channels, channels))
        yield rng.uniform(0, 2, size=shape), w1, w2


check_first_block = Task.broken(
    "first_block",
    "Given maps x (N, C_in, H, W), H and W even, w1 (C_out, C_in) and w2 (C_out, C_out), the weights of two "
    "1x1 convolutions, the first with stride 2 and a ReLU behind it. Shortcut A keeps every second pixel, "
    "from the first on, and appends channels of zeros. Return the ReLU of branch and shortcut together, "
    "(N, C_out, H / 2, W / 2).",
    '''
def first_block(x, w1, w2):
    """Send maps through the first block of a stage, with shortcut A."""
    z = np.einsum("oc,nchw->nohw", w1, x[:, :, ::2, ::2])   # stride 2
    branch = np.einsum("oc,nchw->nohw", w2, np.maximum(z, 0))
    extra = branch.shape[1] - x.shape[1]                    # channels
    way = np.pad(x[..., ::2, ::2], [(0, 0), (0, extra), (0, 0), (0, 0)])
    return np.maximum(branch + way, 0)
''',
    _beginnings,
    (
        Bug(
            "other pixels",
            "x[..., ::2, ::2]",
            "x[..., 1::2, 1::2]",
            "With all weights at 0, a lone bright pixel in the upper left corner is lost.",
            ("Set all weights to 0. What is left of the block?", "Which pixel is the first to be kept?"),
        ),
        Bug(
            "zeros in front",
            "(0, extra)",
            "(extra, 0)",
            "With all weights at 0, what was in the first channel comes out in another one.",
            ("Set all weights to 0. What is left of the block?", "Where are the new channels?"),
        ),
        Bug(
            "channels repeated",
            "(0, 0), (0, 0)])",
            '(0, 0), (0, 0)], "edge")',
            "With all weights at 0, the new channels aren't empty.",
            ("Set all weights to 0. What is left of the block?", "What do the new channels begin with?"),
        ),
        Bug(
            "ReLU before the addition",
            "branch + way, 0)",
            "branch, 0) + way",
            "However negative the weights, no output falls below what the shortcut brings.",
            ("May the branch take something away?",),
        ),
        Bug(
            "no last ReLU",
            "np.maximum(branch + way, 0)",
            "branch + way",
            "Some outputs are below 0.",
            ("Try strongly negative weights.",),
        ),
        Bug(
            "no ReLU between",
            "np.maximum(z, 0)",
            "z",
            "Change both signs, that of `w1` and that of `w2`, and nothing changes.",
            ("What are two linear layers in a row?",),
        ),
        Bug(
            "shortcut not added",
            "branch + way",
            "branch",
            "With all weights at 0, nothing comes out.",
            ("Set all weights to 0. What is left of the block?",),
        ),
        Bug(
            "rows and columns",
            '"oc,nchw->nohw", w2',
            '"co,nchw->nohw", w2',
            "A weight that should lead from the first channel between to the second output leads from the "
            "second to the first.",
            ("Set all of `w2` to 0, but for one weight beside the diagonal.",),
        ),
    ),
)
