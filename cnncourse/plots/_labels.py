"""Operations of a network in words short enough for a diagram, and in boxes."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import nn

from cnncourse._trace import Node, names_of
from cnncourse.plots._flow import Box

ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "leakyrelu": "leaky ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU",
    "silu": "SiLU", "tanh": "tanh", "sigmoid": "sigmoid", "hardswish": "hard swish",
    "hardsigmoid": "hard sigmoid", "elu": "ELU", "prelu": "PReLU", "softmax": "softmax",
    "log_softmax": "log-softmax",
}  # fmt: skip
NORMS = {
    "batchnorm2d": "BN", "batchnorm1d": "BN", "batch_norm": "BN", "layernorm": "LN", "layernorm2d": "LN",
    "layer_norm": "LN", "groupnorm": "GN", "localresponsenorm": "LRN", "local_response_norm": "LRN",
}  # fmt: skip
JOINS = {"add": "+", "mul": "×", "sub": "−", "div": "÷", "truediv": "÷"}
ALONE = {  # with no second feature map
    "add": "shift", "mul": "scale", "sub": "subtract", "div": "divide", "truediv": "divide", "neg": "minus"
}  # fmt: skip
RESHAPES = ("flatten", "reshape", "view", "squeeze", "unsqueeze")


class Label(NamedTuple):
    """What a diagram writes about one operation."""

    text: str
    kind: str  # layer, pool, rider (works on each value alone), join, block, reshape, nothing or other
    learned: bool  # has weights that training changes
    parameters: int


def label(node: Node) -> Label:
    """Return what a diagram writes about `node`."""
    module, name = node.module, node.operation.lower()
    parameters = sum(p.numel() for p in module.parameters()) if module is not None else 0

    def made(text: str, kind: str) -> Label:
        return Label(text, kind, parameters > 0, parameters)

    for known in names_of(node):
        if known in ACTIVATIONS or known in NORMS:
            return made((ACTIVATIONS | NORMS)[known], "rider")
    if name == "identity":
        return made("identity", "nothing")
    if "dropout" in name or name in ("stochasticdepth", "stochastic_depth"):
        return made("stochastic depth" if "stochastic" in name else "dropout", "rider")
    if isinstance(module, nn.modules.conv._ConvNd):
        return made(_convolution(module), "layer")
    if isinstance(module, nn.Linear):
        return made("dense", "layer")
    if name in ("conv2d", "linear"):
        size = next((item for item in node.arguments[1:2] if item), ())
        return made(f"conv {window(size[2:])}" if name == "conv2d" and size else name, "layer")
    if "pool" in name or name == "mean":
        return made(_pool(node), "pool")
    if name in JOINS and len(node.inputs) > 1:
        return made(JOINS[name], "join")
    if name in ALONE:
        return made(ALONE[name], "rider")
    if name in ("cat", "concat"):
        return made("concatenate", "join")
    if name in RESHAPES:
        return made("flatten" if len(node.shape) == 1 else "reshape", "reshape")
    return _others(node, made)


def _others(node: Node, made: Callable[[str, str], Label]) -> Label:
    """Return the words for what is neither a common layer nor a common function."""
    if node.operation == "getitem":
        steps = [item.step for item in _slices(node) if item.step not in (None, 1)]
        return made(f"every {_ordinal(steps[0])}" if steps else "slice", "other")
    if node.operation == "pad":
        return made("pad with zeros", "other")
    if node.operation == "MultiheadAttention":
        return made("self-attention", "layer")
    if node.module is not None:
        words = {"Permute": "permute"}.get(node.operation, node.operation.strip("_"))
        kind = (
            "block"
            if list(node.module.children())
            else "layer"
            if list(node.module.parameters())
            else "other"
        )
        return made(words, kind)
    return made(node.operation.replace("_", " "), "other")


def _slices(node: Node) -> list[slice]:
    index = node.arguments[1] if len(node.arguments) > 1 else ()
    return [item for item in (index if isinstance(index, tuple) else (index,)) if isinstance(item, slice)]


def _ordinal(number: int) -> str:
    return {2: "2nd pixel", 3: "3rd pixel"}.get(number, f"{number}th pixel")


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value) if len(value) > 1 else (value[0], 1)


def window(size: Any) -> str:
    """Return a window's size in words.

    Examples
    --------
    >>> window(3), window((1, 7))
    ('3×3', '1×7')
    """
    return "×".join(map(str, _pair(size)))


def _stride(stride: Any) -> str:
    high, wide = _pair(stride)
    return "" if high == wide == 1 else f" / {high}" if high == wide else f" / {high}×{wide}"


def _convolution(module: Any) -> str:
    depthwise = module.groups > 1 and module.groups == module.in_channels
    dims = len(module.kernel_size)
    text = window(module.kernel_size) if dims == 2 else "×".join(map(str, module.kernel_size))
    kind = "depthwise" if depthwise else "transposed" if module.transposed else "conv"
    words = f"{kind} {text}{_stride(module.stride)}"
    if module.groups > 1 and not depthwise:
        words += f", {module.groups} groups"
    if max(module.dilation) > 1:
        words += f", dilation {max(module.dilation)}"
    return words


def _pool(node: Node) -> str:
    """Return the words for a module or a function that pools."""
    name = node.operation.lower()
    how = "max" if "max" in name else "average"
    if getattr(node.module, "divisor_override", None) == 1:
        how = "sum"
    keywords = dict(node.keywords)
    if "adaptive" in name or name == "mean":
        if math.prod(node.shape[1:]) == 1:
            return f"global {how}"
        return f"{how} to {window(node.shape[1:])}"
    if node.module is not None:
        size, stride = getattr(node.module, "kernel_size", None), getattr(node.module, "stride", None)
    else:
        given = [*node.arguments[1:], None, None]
        size, stride = keywords.get("kernel_size", given[0]), keywords.get("stride", given[1])
    if size is None:
        return node.operation
    stride = size if stride is None else stride
    return f"{how}-pool {window(size)}" + ("" if _pair(stride) == _pair(size) else _stride(stride) or " / 1")


def boxes_of(nodes: Sequence[Node]) -> list[Box]:
    """Return the boxes of a diagram: a rider goes into the box before it if no other arrow leaves that."""
    uses = Counter(source for node in nodes for source in set(node.inputs))
    boxes, place = [Box(("input", size_text(nodes[0].shape)), "input", ())], {0: 0}
    for index, node in enumerate(nodes[1:], 1):
        words = label(node)
        if words.kind == "nothing":
            place[index] = place[node.inputs[0]]
            continue
        sources = tuple(place[source] for source in node.inputs)
        before = boxes[sources[0]]
        if words.kind == "rider" and before.face in ("learned", "plain") and uses[node.inputs[0]] == 1:
            boxes[sources[0]] = _with_rider(before, words.text)
            place[index] = sources[0]
            continue
        face = "join" if words.kind == "join" else "learned" if words.learned else "plain"
        lines: tuple[str, ...] = (words.text,)
        if words.kind == "layer" and node.shape:
            lines = (words.text, _width(node))
        elif words.kind == "rider" and words.learned:
            face = "plain"
        boxes.append(Box(lines, face, sources))
        place[index] = len(boxes) - 1
    boxes.append(Box(("output", size_text(nodes[-1].shape)), "output", (place[len(nodes) - 1],)))
    return boxes


def _width(node: Node) -> str:
    """Return how many numbers a layer gives at each place: channels, or a dense layer's outputs."""
    if len(node.shape) == 3 and not isinstance(node.module, nn.Linear):
        return f"{node.shape[0]} channel{'s' if node.shape[0] > 1 else ''}"
    return str(node.shape[-1])


def _with_rider(box: Box, word: str) -> Box:
    """Return `box` with one more word: in a line of its own, beside those that already follow the layer."""
    if len(box.lines) > 2 or (box.face == "plain" and len(box.lines) > 1):
        return box._replace(lines=(*box.lines[:-1], f"{box.lines[-1]}, {word}"))
    if box.face == "plain" and len(box.lines[0]) + len(word) < 12:
        return box._replace(lines=(f"{box.lines[0]}, {word}",))
    return box._replace(lines=(*box.lines, word))


def size_text(shape: Sequence[int]) -> str:
    """Return sizes in words.

    Examples
    --------
    >>> size_text((3, 32, 32))
    '3 × 32 × 32'
    """
    return " × ".join(map(str, shape))
