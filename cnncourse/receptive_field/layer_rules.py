"""How each operation of a network changes the receptive field along one axis."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from cnncourse._checks import check_count
from cnncourse._trace import Node, option


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


def same(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow what looks at each value alone, or with the channels at its place."""
    return field


def everywhere(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow what lets each output depend on all places of its map."""
    return field if field.axis is None else field.together(field.outputs(shape))._replace(axis=field.axis)


def unknown(node: Node) -> ValueError:
    """Return the error of an operation that the recursion cannot follow."""
    return ValueError(
        f"{node.name} ({node.operation}) has no receptive field that the recursion can follow; "
        "measure the field with receptive_field_by_gradient"
    )


def _along(node: Node, value: Any, field: Field) -> int:
    """Return the entry of a pair (vertical, horizontal) that belongs to the axis."""
    if field.axis not in (2, 3):  # something before has taken the grid away, or turned it
        raise unknown(node)
    return int(value if isinstance(value, int) else value[-1] if len(value) == 1 else value[field.axis - 2])


def _axis_of(node: Node, dim: Any, dims: int) -> int:
    """Return an operation's axis, counted from the front."""
    if not isinstance(dim, int):
        raise unknown(node)
    return dim % dims


def convolution(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a convolution."""
    size = option(node, "kernel_size", 0) if node.module is not None else tuple(option(node, "weight", 1))[2:]
    stride, dilation = option(node, "stride", 3, 1), option(node, "dilation", 5, 1)
    padding = option(node, "padding", 4, 0)
    kernel, gap = _along(node, size, field), _along(node, dilation, field)
    if isinstance(padding, str):  # torch adds the odd cell of "same" at the end
        before = (kernel - 1) * gap // 2 if padding == "same" else 0
    else:
        before = _along(node, padding, field)
    return field.through(kernel, _along(node, stride, field), before, gap)


def pool(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a pooling with a window."""
    size = option(node, "kernel_size", 1)
    stride = option(node, "stride", 2) or size
    padding = option(node, "padding", 3, 0)
    dilation = option(node, "dilation", 4, 1) if "max" in node.operation.lower() else 1
    options = (_along(node, option, field) for option in (size, stride, padding, dilation))
    return field.through(*options)


def lp_pool(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow power-average pooling."""
    size = option(node, "kernel_size", 2)
    stride = option(node, "stride", 3) or size
    return field.through(_along(node, size, field), _along(node, stride, field))


def adaptive(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a pooling to a given size, where its windows are equal."""
    before, after = field.outputs(shape), field.outputs(node.shape)
    if after == 1:
        return everywhere(node, field, shape)
    if before == 1:  # copies of one value
        return field._replace(jump=0)
    if before % after:
        raise unknown(node)
    return field.through(before // after, before // after)


def index(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow an index: a slice keeps some places, a number one, None adds an axis."""
    given = node.arguments[1] if isinstance(node.arguments[1], tuple) else (node.arguments[1],)
    if node.arguments[1] is None or any(not isinstance(i, int | slice | None | type(...)) for i in given):
        raise unknown(node)  # by values that come from the image, or by a list
    if field.axis is None:
        return field
    missing = len(shape) + 2 - sum(i is not None for i in given)
    if Ellipsis in given:
        place = given.index(Ellipsis)
        given = (*given[:place], *[slice(None)] * missing, *given[place + 1 :])
    old = new = 0  # axes before and after
    for part in given:
        if part is not None and old == field.axis:
            if isinstance(part, int):
                first = field.start + part % field.outputs(shape) * field.jump
                return Field(field.size, 0, first, None)
            first, _, step = part.indices(field.outputs(shape))
            return field._replace(start=field.start + first * field.jump, jump=field.jump * step, axis=new)
        old, new = old + (part is not None), new + (not isinstance(part, int))
    return field._replace(axis=field.axis + new - old)


def pad(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow padding, or cropping."""
    sides = option(node, "padding" if node.module is not None else "pad", 1)
    sides = (sides,) * 4 if isinstance(sides, int) else tuple(sides)
    if field.axis is None or len(sides) <= (place := 2 * (len(shape) - field.axis)):
        return field
    return field._replace(start=field.start - sides[place] * field.jump)


def permute(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a new order of the axes."""
    order = node.arguments[1] if isinstance(node.arguments[1], tuple | list) else node.arguments[1:]
    order = [place % (len(shape) + 1) for place in order]
    return field if field.axis is None else field._replace(axis=order.index(field.axis))


def transpose(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow two axes that change places."""
    one, other = (option(node, name, place) % (len(shape) + 1) for name, place in (("dim0", 1), ("dim1", 2)))
    return field._replace(axis={one: other, other: one}.get(field.axis, field.axis))


def dense(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a dense layer: it works along the last axis, at each place of the others alone."""
    return field.together(field.outputs(shape)) if field.axis == len(shape) else field


def layer_norm(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow layer normalization, over the last axes."""
    over = len(option(node, "normalized_shape", 1))
    return field if field.axis is None or field.axis <= len(shape) - over else everywhere(node, field, shape)


def batch_norm(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow batch normalization; without statistics of its own it takes those of its input."""
    own = option(node, "running_mean", 1) is not None
    own = own and (node.module is not None or not option(node, "training", 5, False))
    return field if own else everywhere(node, field, shape)


def instance_norm(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow instance normalization, which may have statistics of its own."""
    module = node.module
    own = (
        not dict(node.keywords).get("use_input_stats", True)
        if module is None
        else module.running_mean is not None
    )
    return field if own else everywhere(node, field, shape)


def along_one(default: int | None) -> Step:
    """Return the step of what works along one axis, at each place of the others alone: softmax."""

    def step(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
        place = 2 if node.operation == "normalize" else 1
        dim = -3 if isinstance(node.module, nn.Softmax2d) else option(node, "dim", place, default)
        axis = _axis_of(node, dim, len(shape) + 1)
        return everywhere(node, field, shape) if axis == field.axis else field

    return step


def parts(default: int, place: int) -> Step:
    """Return the step of what cuts one axis into parts, or lays parts side by side on it: chunk, cat."""

    def step(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
        if _axis_of(node, option(node, "dim", place, default), len(shape) + 1) == field.axis:
            raise unknown(node)
        return field

    return step


def stack(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a new axis, on which inputs are laid side by side."""
    new = _axis_of(node, option(node, "dim", 1, 0), len(shape) + 2)
    return field if field.axis is None else field._replace(axis=field.axis + (new <= field.axis))


def reshape(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow axes that are cut or joined; if the grid is, one value may see all."""
    if math.prod(node.shape) != math.prod(shape):  # the batch is part of it
        raise unknown(node)
    if field.axis is None:
        return field
    before, places = math.prod(shape[: field.axis - 1]), shape[field.axis - 1]
    for axis, size in enumerate(node.shape):
        if size == places and math.prod(node.shape[:axis]) == before:
            return field._replace(axis=axis + 1)
    return field.together(field.outputs(shape))


def reduce(node: Node, field: Field, shape: tuple[int, ...]) -> Field:
    """Follow a mean, or a sum, over some axes or over all."""
    dims = reduced(node.arguments, dict(node.keywords), len(shape) + 1)
    if 0 in dims and len(dims) <= len(shape):
        raise unknown(node)
    kept = len(node.shape) == len(shape)
    if field.axis is None:
        return field
    if field.axis in dims:
        return field.together(field.outputs(shape))._replace(axis=field.axis if kept else None)
    return field if kept else field._replace(axis=field.axis - sum(dim < field.axis for dim in dims))


def reduced(arguments: Sequence[Any], keywords: Mapping[str, Any], dims: int) -> tuple[int, ...]:
    """Return the axes that a mean or a sum is taken over, counted from the front."""
    given = keywords.get("dim", arguments[1] if len(arguments) > 1 else None)
    if given is None or isinstance(given, bool):  # x.var(False)
        return tuple(range(dims))
    return tuple(dim % dims for dim in ((given,) if isinstance(given, int) else given))


def pads_with_pixels(node: Node) -> bool:
    """Tell whether an operation pads with pixels of its input rather than with a constant."""
    if isinstance(node.module, nn.ReflectionPad2d | nn.ReplicationPad2d | nn.CircularPad2d):
        return True
    if node.module is not None:
        return getattr(node.module, "padding_mode", "zeros") != "zeros"
    return node.operation == "pad" and option(node, "mode", 2, "constant") != "constant"
