"""Receptive fields by recursion, layer by layer."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from cnncourse._checks import check_count, check_counts
from cnncourse._trace import Node, is_own, trace
from cnncourse.receptive_field.layer_rules import Field, pads_with_pixels, unknown
from cnncourse.receptive_field.operations import operation_of

AXES = {"height": 2, "width": 3}


class FieldRow(NamedTuple):
    """The receptive field of one layer's outputs, along one axis."""

    layer: str
    operation: str
    size: int  # pixels that one output sees, those in the padding included
    jump: int  # pixels between the fields of two neighbors; 0 if all see the same
    start: int  # first pixel that output 0 sees; below zero in the padding
    outputs: int  # how many outputs there are along the axis
    known: tuple[int, int] | None = None  # pixels, beyond which a layer has padded with copies of pixels

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._asdict().items() if value is not None}
        return f"FieldRow({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def window(self, index: int, pixels: int | None = None) -> tuple[int, int]:
        """Return the first pixel that output `index` sees, and the first beyond it.

        Parameters
        ----------
        index : int
            Position of the output along the axis.
        pixels : int, optional
            The image's size along the axis; what lies outside it is cut off. Padding inside it, where an
            earlier layer has left pixels out, counts as seen.

        Raises
        ------
        ValueError
            If there is no such output; or, where `pixels` are given, if it sees padding that was made from
            pixels (reflect, replicate or circular): then these are seen too, wherever they lie.

        Examples
        --------
        >>> FieldRow("conv", "Conv2d", size=3, jump=1, start=-1, outputs=8).window(0, pixels=8)
        (0, 2)
        """
        if check_count("index", index, minimum=0) >= self.outputs:
            raise ValueError(f"index must be from 0 to {self.outputs - 1}, got {index}")
        first, end = Field(self.size, self.jump, self.start).window(index)
        if pixels is None:
            return first, end
        beyond = self.known is not None and (first < self.known[0] or end > self.known[1])
        if beyond and (first > 0 or end < pixels):
            raise ValueError(
                f"output {index} of {self.layer} sees padding made from pixels of the image, from {first} to "
                f"{end}: which pixels these are, receptive_field_by_gradient measures"
            )
        return max(first, 0), min(end, pixels)


def receptive_field(
    model: nn.Module, image_shape: Sequence[int], axis: str = "width", every: bool = False
) -> list[FieldRow]:
    """Return the receptive field after each layer of a network.

    The network is run on shapes alone, and its operations are followed in the order in which they run:
    modules and functions, branches and shortcuts.

    Parameters
    ----------
    model : nn.Module
        A network of convolutions, pooling, dense layers and what works on each value alone. It is not
        changed, and may stand on torch's meta device.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    axis : {"width", "height"}
        Along which axis; they differ where kernels are not square.
    every : bool
        Return a row for each operation, also where nothing changes (ReLU, batch normalization).

    Returns
    -------
    list of FieldRow
        Rows (layer, operation, size, jump, start, outputs), in the order in which the layers run.

    Raises
    ------
    ValueError
        If the image does not pass through the network, or an operation has no field that the recursion
        can follow.

    Examples
    --------
    >>> two = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1))
    >>> for row in receptive_field(two, (3, 32, 32)):
    ...     print(row.layer, row.operation, row.size, row.jump, row.start)
    0 Conv2d 3 1 -1
    1 MaxPool2d 4 2 -1
    2 Conv2d 8 2 -3
    """
    if axis not in AXES:
        raise ValueError(f"axis must be 'width' or 'height', got {axis!r}")
    nodes = trace(model, check_counts("image_shape", image_shape, "(C, H, W)", length=3), is_own)
    fields = fields_of(nodes, AXES[axis])
    rows = []
    for node, field, known in list(zip(nodes, fields, _known(nodes, fields), strict=True))[1:]:
        outputs = field.outputs(node.shape)
        row = FieldRow(node.name, node.operation, field.size, field.jump, field.start, outputs, known)
        same = [fields[i] for i in node.inputs]
        if every or len(same) > 1 or field != same[0]:
            rows.append(row)
    return rows


def fields_of(nodes: Sequence[Node], axis: int) -> list[Field]:
    """Return the field of each node along `axis` of its tensor (2 is the height, 3 the width)."""
    fields = [Field(axis=axis)]
    for node in nodes[1:]:
        operation = operation_of(node)
        given = [fields[i] for i in dict.fromkeys(node.inputs)]
        shapes = [nodes[i].shape for i in dict.fromkeys(node.inputs)]
        if len(given) > 1 and not operation.joins:
            raise unknown(node)
        field = _joined(given, shapes) if len(given) > 1 else given[0]
        fields.append(operation.step(node, field, shapes[0]))
    return fields


def _joined(fields: Sequence[Field], shapes: Sequence[tuple[int, ...]]) -> Field:
    """Return the field where branches meet: from the first pixel that one of them sees to the last.

    Branches with one common jump stay in step. Otherwise, as where a gate saw the whole picture, all outputs
    are taken to see what all of them see together; that is exact if one branch sees everything.
    """
    grids = [field for field in fields if field.axis is not None]
    outputs = [field.outputs(shape) for field, shape in zip(fields, shapes, strict=True)]
    in_step = len({(field.jump, count) for field, count in zip(fields, outputs, strict=True)}) == 1
    if not in_step:
        fields = [field.together(count) for field, count in zip(fields, outputs, strict=True)]
    first = min(field.start for field in fields)
    end = max(field.start + field.size for field in fields)
    return Field(end - first, fields[0].jump, first, grids[0].axis if grids else None)


def _known(nodes: Sequence[Node], fields: Sequence[Field]) -> list[tuple[int, int] | None]:
    """Return for each node between which pixels its windows hold no padding that was made from pixels."""
    known: list[tuple[int, int] | None] = [None]
    for node in nodes[1:]:
        bounds = [bound for i in node.inputs if (bound := known[i]) is not None]
        if pads_with_pixels(node):
            source, shape = fields[node.inputs[0]], nodes[node.inputs[0]].shape
            bounds.append((source.window(0)[0], source.window(source.outputs(shape) - 1)[1]))
        known.append((max(a for a, _ in bounds), min(b for _, b in bounds)) if bounds else None)
    return known
