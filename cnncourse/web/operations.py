"""Which of torch's layers and functions the engine knows, and how it is told of them: one table."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from cnncourse._trace import Node, names_of, option
from cnncourse.web.graph import Step

Shape = tuple[int, ...]
Told = Callable[
    [Node, list[Shape]], Step | None
]  # a node and the shapes that it takes; None: it does nothing


class UnknownLayerError(ValueError):
    """A layer cannot be expressed; the text says what of it."""


def step_of(node: Node, shapes: list[Shape]) -> Step | None:
    """Return an operation of a network as the engine has it, with the node's inputs; None if it does nothing.

    Raises
    ------
    UnknownLayerError
        If the engine has none for it.
    """
    for name in names_of(node):
        told = KNOWN.get(name.replace("_", ""))
        if told is not None:
            step = told(node, shapes)
            if step is not None and len(step.shape) not in (1, 3):
                raise UnknownLayerError(f"gives the shape {step.shape}")
            return step
    raise UnknownLayerError("is no operation of the engine")


def _step(node: Node, op: str, **numbers: Any) -> Step:
    return Step(node.name, op, node.inputs, node.shape, numbers)


def _pair(value: Any) -> tuple[int, int]:
    """Return a layer's option for height and width."""
    both = (value, value) if isinstance(value, int) else tuple(value)
    return (int(both[0]), int(both[-1]))


def _array(tensor: torch.Tensor | None, otherwise: np.ndarray) -> np.ndarray:
    """Return a weight as float32, or what stands for one that a layer does not have."""
    return otherwise if tensor is None else tensor.detach().float().cpu().numpy()


def _on_maps(shapes: list[Shape]) -> None:
    if any(len(shape) != 3 for shape in shapes):
        raise UnknownLayerError(f"takes the shape {shapes[0]}, which is no stack of maps")


def _needs(module: Any) -> Any:
    if module is None:
        raise UnknownLayerError("takes weights that belong to no layer")
    return module


def convolution(node: Node, shapes: list[Shape]) -> Step:
    """Tell of a convolution; of "same" padding it needs where the first window begins."""
    module = _needs(node.module)
    _on_maps(shapes)
    if module.padding_mode != "zeros":
        raise UnknownLayerError(f"pads with {module.padding_mode}")
    kernel, dilation = _pair(module.kernel_size), _pair(module.dilation)
    if module.padding == "same":
        padding = tuple((k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        padding = _pair(0 if module.padding == "valid" else module.padding)
    step = _step(
        node, "conv", kernel=kernel, stride=_pair(module.stride), padding=padding, dilation=dilation,
        groups=module.groups,
    )  # fmt: skip
    return _with(step, module, np.zeros(node.shape[0], np.float32))


def dense(node: Node, shapes: list[Shape]) -> Step:
    """Tell of a dense layer on one row of numbers."""
    module = _needs(node.module)
    if len(shapes[0]) != 1:
        raise UnknownLayerError(f"takes the shape {shapes[0]}, which is no row of numbers")
    return _with(_step(node, "dense"), module, np.zeros(node.shape[0], np.float32))


def _with(step: Step, module: Any, no_bias: np.ndarray) -> Step:
    weights = {"weight": _array(module.weight, no_bias), "bias": _array(module.bias, no_bias)}
    return Step(step.name, step.op, step.inputs, step.shape, step.numbers, weights)


def batch_norm(node: Node, shapes: list[Shape]) -> Step:
    """Tell of batch normalization by its running statistics: a scale and a shift for each map."""
    module = _needs(node.module)
    if module.running_mean is None:
        raise UnknownLayerError("normalizes by its batch, and a page has one image")
    ones = np.ones(shapes[0][0], np.float32)
    mean, variance, scale, shift = (
        _array(tensor, other).astype(np.float64)
        for tensor, other in (
            (module.running_mean, 0 * ones),
            (module.running_var, ones),
            (module.weight, ones),
            (module.bias, 0 * ones),
        )
    )
    scale = scale / np.sqrt(variance + module.eps)
    return _affine(node, scale, shift - mean * scale)


def _affine(node: Node, scale: Any, shift: Any) -> Step:
    weights = {"weight": np.atleast_1d(np.float32(scale)), "bias": np.atleast_1d(np.float32(shift))}
    return Step(node.name, "affine", node.inputs, node.shape, {}, weights)


def pool(op: str) -> Told:
    """Return how to tell of a pooling with windows, ``max_pool`` or ``average_pool``."""

    def told(node: Node, shapes: list[Shape]) -> Step:
        _on_maps(shapes)
        size = _pair(option(node, "kernel_size", 1))
        stride = option(node, "stride", 2)
        padding = _pair(option(node, "padding", 3, 0))
        numbers: dict[str, Any] = {}
        if op == "max_pool":
            dilation = _pair(option(node, "dilation", 4, 1))
            if option(node, "return_indices", 6, False):
                raise UnknownLayerError("returns the places of the largest values")
        else:
            dilation = (1, 1)
            divisor = option(node, "divisor_override", 6)
            if any(padding) and option(node, "count_include_pad", 5, True):
                if option(node, "ceil_mode", 4, False):
                    raise UnknownLayerError("averages over padding and beyond it (ceil_mode)")
                divisor = divisor or math.prod(size)
            numbers = {"divisor": int(divisor or 0)}  # 0: the cells of a window that lie inside the image
        return _step(
            node, op, kernel=size, stride=_pair(stride) if stride else size, padding=padding,
            dilation=dilation, **numbers,
        )  # fmt: skip

    return told


def adaptive(whole: str, windows: str) -> Told:
    """Return how to tell of a pooling to a given size: over the whole map, or by equal windows."""

    def told(node: Node, shapes: list[Shape]) -> Step:
        _on_maps(shapes)
        before, after = shapes[0][1:], node.shape[1:]
        if tuple(after) == (1, 1):
            return _step(node, whole)
        if any(b % a for b, a in zip(before, after, strict=True)):
            raise UnknownLayerError(
                f"pools {before[0]}x{before[1]} by unequal windows to {after[0]}x{after[1]}"
            )
        kernel = tuple(b // a for b, a in zip(before, after, strict=True))
        numbers = {"divisor": 0} if windows == "average_pool" else {}
        return _step(node, windows, kernel=kernel, stride=kernel, padding=(0, 0), dilation=(1, 1), **numbers)

    return told


def over_map(op: str) -> Told:
    """Return how to tell of a function over all places of each map: ``x.mean(dim=(2, 3))``."""

    def told(node: Node, shapes: list[Shape]) -> Step:
        dims = option(node, "dim", 1)
        if len(shapes[0]) != 3 or not isinstance(dims, tuple | list) or {d % 4 for d in dims} != {2, 3}:
            raise UnknownLayerError("does not go over the places of each map")
        return _step(node, op)

    return told


def plain(op: str) -> Told:
    """Return how to tell of an operation on each number alone."""
    return lambda node, shapes: _step(node, op)


def gelu(node: Node, shapes: list[Shape]) -> Step:
    """Tell of GELU, exact or by its approximation."""
    return _step(node, "gelu_tanh" if option(node, "approximate", 1, "none") == "tanh" else "gelu")


def leaky_relu(node: Node, shapes: list[Shape]) -> Step:
    """Tell of a ReLU with a slope for negative numbers."""
    return _step(node, "leaky_relu", slope=float(option(node, "negative_slope", 1, 0.01)))


def joining(op: str) -> Told:
    """Return how to tell of a sum or product of two, of which one may have a number for each map."""

    def told(node: Node, shapes: list[Shape]) -> Step:
        if len(shapes) == 2 and all(_covers(node.shape, shape) for shape in shapes):
            if dict(node.keywords).get("alpha", 1) != 1:
                raise UnknownLayerError("weighs what it adds")
            return _step(node, op)
        number = _number(node)
        return _affine(node, 1, number) if op == "add" else _affine(node, number, 0)

    return told


def divided(node: Node, shapes: list[Shape]) -> Step:
    """Tell of a division by a number."""
    if len(shapes) != 1 or not node.arguments or node.arguments[0] is not None:
        raise UnknownLayerError("divides by what comes from the image")
    return _affine(node, 1 / _number(node), 0)


def _covers(whole: Shape, shape: Shape) -> bool:
    return shape == whole or (len(whole) == 3 and shape == (whole[0], 1, 1))


def _number(node: Node) -> float:
    """Return the one number beside what comes from the image."""
    others = [value for value in node.arguments if value is not None]
    plain_number = len(others) == 1 and isinstance(others[0], int | float) and not isinstance(others[0], bool)
    if not plain_number or len(node.inputs) != 1 or node.keywords:
        raise UnknownLayerError(
            "joins what the engine cannot: other shapes, or weights that belong to no layer"
        )
    return float(others[0])


def concatenate(node: Node, shapes: list[Shape]) -> Step:
    """Tell of maps that are laid behind each other."""
    dim = option(node, "dim", 1, 0)
    if not isinstance(dim, int) or dim % (len(node.shape) + 1) != 1:
        raise UnknownLayerError("lays side by side what is no map")
    return _step(node, "concatenate")


def padded(node: Node, shapes: list[Shape]) -> Step:
    """Tell of zeros around the maps, or of maps of zeros."""
    sides = option(node, "padding" if node.module is not None else "pad", 1)
    sides = [*((sides,) * 4 if isinstance(sides, int) else sides), 0, 0, 0, 0][:6]
    value = option(node, "value", 3) or 0
    mode = "constant" if node.module is not None else option(node, "mode", 2, "constant")
    if len(shapes[0]) != 3 or mode != "constant" or value != 0:
        raise UnknownLayerError("pads with something else than zeros")
    left, _, top, _, front, back = (int(side) for side in sides)
    if min(front, back) < 0:
        raise UnknownLayerError("takes maps away")
    return _step(node, "pad", padding=(front, top, left), maps=front + back)


def sliced(node: Node, shapes: list[Shape]) -> Step:
    """Tell of every so many-th row and column, ``x[:, :, ::2, ::2]``: a pooling with windows of one."""
    given = node.arguments[1] if isinstance(node.arguments[1], tuple) else ()
    whole = [part == slice(None) for part in given[:2]]
    steps = [
        part.step or 1
        for part in given[2:]
        if isinstance(part, slice) and part.start is None and part.stop is None
    ]
    if len(shapes[0]) != 3 or len(given) != 4 or not all(whole) or len(steps) != 2:
        raise UnknownLayerError("takes a part of its input")
    return _step(node, "max_pool", kernel=(1, 1), stride=tuple(steps), padding=(0, 0), dilation=(1, 1))


def reshaped(node: Node, shapes: list[Shape]) -> Step | None:
    """Tell of the same numbers in another shape."""
    if math.prod(node.shape) != math.prod(shapes[0]):
        raise UnknownLayerError("mixes images of a batch")
    return None if node.shape == shapes[0] else _step(node, "flatten")


def softmax(node: Node, shapes: list[Shape]) -> Step:
    """Tell of a softmax over one row of numbers."""
    if len(shapes[0]) != 1 or option(node, "dim", 1) not in (1, -1):
        raise UnknownLayerError("is no softmax over the classes")
    return _step(node, "softmax")


def nothing(node: Node, shapes: Sequence[Shape]) -> None:
    """Tell of what does nothing once a network is trained."""
    return


# By the name of the function, of the class or of one that it is made from: small, without underscores.
KNOWN: dict[str, Told] = {
    **dict.fromkeys(("conv2d",), convolution),
    "linear": dense,
    **dict.fromkeys(("batchnorm2d", "batchnorm1d"), batch_norm),
    "maxpool2d": pool("max_pool"),
    "avgpool2d": pool("average_pool"),
    "adaptiveavgpool2d": adaptive("mean", "average_pool"),
    "adaptivemaxpool2d": adaptive("max", "max_pool"),
    "mean": over_map("mean"),
    "amax": over_map("max"),
    **{name: plain(name) for name in ("relu", "relu6", "silu", "sigmoid", "tanh")},
    "leakyrelu": leaky_relu,
    "gelu": gelu,
    "add": joining("add"),
    **dict.fromkeys(("mul", "multiply"), joining("multiply")),
    **dict.fromkeys(("div", "truedivide", "divide"), divided),
    **dict.fromkeys(("cat", "concat", "concatenate"), concatenate),
    **dict.fromkeys(("pad", "zeropad2d"), padded),
    "getitem": sliced,
    **dict.fromkeys(("flatten", "unflatten", "reshape", "view", "squeeze", "unsqueeze"), reshaped),
    "softmax": softmax,
    **dict.fromkeys(("identity", "dropout", "dropout1d", "dropout2d", "alphadropout"), nothing),
}
