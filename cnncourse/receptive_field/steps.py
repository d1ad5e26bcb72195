"""How each operation of a network changes the receptive field along one axis."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import nn

from cnncourse._checks import check_count
from cnncourse._trace import Node, names_of


class Field(NamedTuple):
    """What the outputs of a layer see along one axis: output i sees `size` pixels from ``start + jump i`` on.

    Examples
    --------
    >>> pixel = Field()  # a pixel sees itself
    >>> pixel.through(3).through(3)  # two 3x3 convolutions see as far as one of 5x5
    Field(size=5, jump=1, start=0, axis=3)
    """

    size: int = 1
    jump: int = 1
    start: int = 0
    axis: int | None = 3  # which axis of the tensor it is; None once the grid is gone

    def through(self, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """Return the field after a layer with this kernel.

        Examples
        --------
        >>> Field().through(2, stride=2).through(3, padding=1)
        Field(size=6, jump=2, start=-2, axis=3)
        """
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
            check_count(name, value)
        return self._replace(
            size=self.size + (kernel_size - 1) * dilation * self.jump,
            jump=self.jump * stride,
            start=self.start - padding * self.jump,
        )

    def window(self, index: int) -> tuple[int, int]:
        """Return the first pixel that output `index` sees, and the first one beyond.

        Examples
        --------
        >>> Field(size=8, jump=2, start=-3).window(4)
        (5, 13)
        """
        first = self.start + self.jump * index
        return first, first + self.size

    def outputs(self, shape: Sequence[int]) -> int:
        """Return how many outputs a layer of this `shape` (without the batch's axis) has along the axis."""
        return 1 if self.axis is None else int(shape[self.axis - 1])

    def together(self, outputs: int) -> "Field":
        """Return what all `outputs` together see: the field of one value that depends on all."""
        return Field(self.size + (outputs - 1) * self.jump, 0, self.start, None)


Step = Callable[[Node, Field, tuple[int, ...]], Field]  # the input's field and shape -> the output's field

SAME = {
    "identity", "relu", "relu6", "leaky_relu", "leakyrelu", "gelu", "silu", "tanh", "sigmoid", "hardswish",
    "hardsigmoid", "elu", "selu", "celu", "mish", "hardtanh", "prelu", "softplus", "clamp", "dropout",
    "dropout2d", "batchnorm2d", "batch_norm", "localresponsenorm", "local_response_norm", "add", "mul", "sub",
    "truediv", "div", "neg", "pow", "square", "exp", "abs", "float", "chunk", "split",
    "channel_shuffle", "channelshuffle",
}  # fmt: skip
JOINS = {"add", "mul", "sub", "truediv", "div", "cat", "concat", "maximum", "minimum", "stack"}


def fields_of(nodes: Sequence[Node], axis: int) -> list[Field]:
    """Return the field of each node along `axis` of its tensor (2 is the height, 3 the width)."""
    fields = [Field(axis=axis)]
    for node in nodes[1:]:
        given = [fields[i] for i in dict.fromkeys(node.inputs)]
        shapes = [nodes[i].shape for i in dict.fromkeys(node.inputs)]
        if len(given) > 1:
            fields.append(_joined(node, given, shapes))
        else:
            fields.append(_step_of(node)(node, given[0], shapes[0]))
    return fields


def _joined(node: Node, fields: Sequence[Field], shapes: Sequence[tuple[int, ...]]) -> Field:
    """Return the field where branches meet: from the first pixel that one of them sees to the last.

    Branches with one common jump stay in step. Otherwise, as where a gate saw the whole picture, all outputs
    are taken to see what all of them see together; that is exact if one branch sees everything.
    """
    if node.operation not in JOINS:
        raise _unknown(node)
    grids = [field for field in fields if field.axis is not None]
    outputs = [field.outputs(shape) for field, shape in zip(fields, shapes, strict=True)]
    in_step = len({(field.jump, count) for field, count in zip(fields, outputs, strict=True)}) == 1
    if not in_step:
        fields = [field.together(count) for field, count in zip(fields, outputs, strict=True)]
    first = min(field.start for field in fields)
    end = max(field.start + field.size for field in fields)
    return Field(end - first, fields[0].jump, first, grids[0].axis if grids else None)


def _step_of(node: Node) -> Step:
    """Return what an operation with one input does to its field."""
    for name in names_of(node):
        if name in STEPS:
            return STEPS[name]
        if name in SAME or name in JOINS:
            return lambda node, field, shape: field
    raise _unknown(node)


def _unknown(node: Node) -> ValueError:
    return ValueError(
        f"{node.name} ({node.operation}) has no receptive field that the recursion can follow; "
        "measure the field with receptive_field_by_gradient"
    )


def _option(node: Node, name: str, place: int, default: Any = None) -> Any:
    """Return an option of a layer: the module's attribute, or the function's argument."""
    if node.module is not None:
        return getattr(node.module, name, default)
    named = dict(node.keywords)
    return named.get(name, node.arguments[place] if len(node.arguments) > place else default)


def _along(node: Node, value: Any, field: Field) -> int:
    """Return the entry of a pair (vertical, horizontal) that belongs to the axis."""
    if field.axis is None:  # something before has taken the grid away
        raise _unknown(node)
    return int(value if isinstance(value, int) else value[-1] if len(value) == 1 else value[field.axis - 2])


def _convolution(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    size = (
        _option(node, "kernel_size", 0) if node.module is not None else tuple(_option(node, "weight", 1))[2:]
    )
    stride, dilation = _option(node, "stride", 3, 1), _option(node, "dilation", 5, 1)
    padding = _option(node, "padding", 4, 0)
    kernel, gap = _along(node, size, field), _along(node, dilation, field)
    if isinstance(padding, str):  # torch adds the odd cell of "same" at the end
        before = (kernel - 1) * gap // 2 if padding == "same" else 0
    else:
        before = _along(node, padding, field)
    return field.through(kernel, _along(node, stride, field), before, gap)


def _pool(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    size = _option(node, "kernel_size", 1)
    stride = _option(node, "stride", 2) or size
    padding = _option(node, "padding", 3, 0)
    dilation = _option(node, "dilation", 4, 1) if "max" in node.operation.lower() else 1
    options = (_along(node, option, field) for option in (size, stride, padding, dilation))
    return field.through(*options)


def _adaptive(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    before, after = field.outputs(shape), field.outputs(node.shape)
    if after == 1:
        return field.together(before)._replace(axis=field.axis)
    if before == 1:  # copies of one value
        return field._replace(jump=0)
    if before % after:
        raise _unknown(node)
    return field.through(before // after, before // after)


def _slice(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    index = node.arguments[1] if isinstance(node.arguments[1], tuple) else (node.arguments[1],)
    if Ellipsis in index:
        missing = len(shape) + 2 - len(index)
        place = index.index(Ellipsis)
        index = (*index[:place], *[slice(None)] * missing, *index[place + 1 :])
    if field.axis is None or len(index) <= field.axis:
        return field
    part = index[field.axis]
    if not isinstance(part, slice):
        raise _unknown(node)
    first, _, step = part.indices(field.outputs(shape))
    return field._replace(start=field.start + first * field.jump, jump=field.jump * step)


def _pad(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    sides = _option(node, "padding" if node.module is not None else "pad", 1)
    sides = (sides,) * 4 if isinstance(sides, int) else tuple(sides)
    if field.axis is None or len(sides) <= (place := 2 * (3 - field.axis)):
        return field
    return field._replace(start=field.start - sides[place] * field.jump)


def _permute(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    order = node.arguments[1] if isinstance(node.arguments[1], tuple | list) else node.arguments[1:]
    order = [place % (len(shape) + 1) for place in order]
    return field if field.axis is None else field._replace(axis=order.index(field.axis))


def _transpose(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    one, other = (_option(node, name, place) % (len(shape) + 1) for name, place in (("dim0", 1), ("dim1", 2)))
    return field._replace(axis={one: other, other: one}.get(field.axis, field.axis))


def _norm_of_last(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Layer normalization or a dense layer: works along the last axis, at each place of the others alone."""
    module, axis = node.module, field.axis
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) > 1:
        raise _unknown(node)
    if axis is None or axis < len(shape):
        return field
    return field.together(field.outputs(shape))


def _channel_norm(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Tell normalization over channels alone (torchvision's LayerNorm2d) from one over all places."""
    if type(node.module).__name__ == "LayerNorm2d" or field.axis is None:
        return field
    return field.together(field.outputs(shape))._replace(axis=field.axis)


def _reshape(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Return the field after other axes are cut or joined; if the grid is, one value may see all."""
    if field.axis is None:
        return field
    if node.shape[-2:] == shape[-2:]:
        return field._replace(axis=field.axis + len(node.shape) - len(shape))
    return field.together(field.outputs(shape))


def _mean(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    if field.axis is None:
        return field
    kept = len(node.shape) == len(shape)
    if kept and node.shape[field.axis - 1] == shape[field.axis - 1] > 1:
        return field
    seen = field.together(field.outputs(shape))
    return seen._replace(axis=field.axis) if kept else seen


STEPS: dict[str, Step] = {
    "conv2d": _convolution,
    **dict.fromkeys(("maxpool2d", "avgpool2d", "max_pool2d", "avg_pool2d", "lppool2d"), _pool),
    **dict.fromkeys(("adaptiveavgpool2d", "adaptivemaxpool2d", "adaptive_avg_pool2d"), _adaptive),
    "adaptive_max_pool2d": _adaptive,
    "getitem": _slice,
    **dict.fromkeys(("pad", "zeropad2d", "reflectionpad2d", "replicationpad2d", "circularpad2d"), _pad),
    "permute": _permute,
    "transpose": _transpose,
    **dict.fromkeys(("layernorm2d", "groupnorm", "instancenorm2d"), _channel_norm),
    **dict.fromkeys(("layernorm", "layer_norm", "linear"), _norm_of_last),
    **dict.fromkeys(("flatten", "unflatten", "reshape", "view", "squeeze"), _reshape),
    **dict.fromkeys(("mean", "sum", "amax"), _mean),
}
