"""Receptive fields by recursion, layer by layer."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from cnncourse._checks import check_count, check_counts
from cnncourse._trace import is_own, trace
from cnncourse.receptive_field.steps import Field, fields_of

AXES = {"height": 2, "width": 3}


class FieldRow(NamedTuple):
    """The receptive field of one layer's outputs, along one axis."""

    layer: str
    operation: str
    size: int  # pixels that one output sees, those in the padding included
    jump: int  # pixels between the fields of two neighbors; 0 if all see the same
    start: int  # first pixel that output 0 sees; below zero in the padding
    outputs: int  # how many outputs there are along the axis

    def window(self, index: int, pixels: int | None = None) -> tuple[int, int]:
        """Return the first pixel that output `index` sees, and the first beyond it.

        Parameters
        ----------
        index : int
            Position of the output along the axis.
        pixels : int, optional
            The image's size along the axis; what lies outside it is cut off.

        Examples
        --------
        >>> FieldRow("conv", "Conv2d", size=3, jump=1, start=-1, outputs=8).window(0, pixels=8)
        (0, 2)
        """
        if check_count("index", index, minimum=0) >= self.outputs:
            raise ValueError(f"index must be from 0 to {self.outputs - 1}, got {index}")
        first, end = Field(self.size, self.jump, self.start).window(index)
        return (first, end) if pixels is None else (max(first, 0), min(end, pixels))


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
    for node, field in zip(nodes[1:], fields[1:], strict=True):
        row = FieldRow(
            node.name, node.operation, field.size, field.jump, field.start, field.outputs(node.shape)
        )
        same = [fields[i] for i in node.inputs]
        if every or len(same) > 1 or field != same[0]:
            rows.append(row)
    return rows
