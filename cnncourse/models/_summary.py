"""A network as a table: each layer with its output shape, parameters and multiply-adds.

The multiply-adds are counted by torch while the network runs. Nothing is computed meanwhile: it runs on
shapes alone (torch's meta device), whatever its size.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from cnncourse._checks import check_count, check_counts
from cnncourse._modules import blank, check_module, evaluating, passing, run_on_shapes, sizes, tensors_in

__all__ = ["Row", "Summary", "count_multiply_adds", "count_parameters", "summary"]


class Row(NamedTuple):
    """One layer of a network, for one image."""

    name: str
    type: str
    output_shape: tuple[int, ...]  # without the batch's axis
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, repr=False)
class Summary:
    """What `summary` returns; printed, it is a table.

    Attributes
    ----------
    network : str
        The name of the network's class.
    image_shape : tuple of int
        Shape (C, H, W) of the image.
    rows : tuple
        A named tuple (name, type, output_shape, parameters, multiply_adds) for each layer, in the order
        in which they run.
    parameters : int
        All parameters of the network, each counted once.
    multiply_adds : int
        Multiply-adds of convolutions and matrix products for one image.
    """

    network: str
    image_shape: tuple[int, ...]
    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        """Return the rows as a table in plain text, with the totals below."""
        head = ("layer", "type", "output", "parameters", "multiply-adds")
        body = [
            (r.name, r.type, sizes(r.output_shape), _number(r.parameters), _number(r.multiply_adds))
            for r in self.rows
        ]
        total = (self.network, "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        first = ("image", "", sizes(self.image_shape), "", "")
        widths = [max(map(len, column)) for column in zip(head, first, *body, total, strict=True)]
        rule = "-" * (sum(widths) + 2 * len(widths) - 2)
        lines = [_line(row, widths) for row in (head, first, *body, total)]
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__


def summary(model: nn.Module, image_shape: Sequence[int], depth: int | None = None) -> Summary:
    """Return the layers of `model` with their output shapes, parameters and multiply-adds.

    Layers are modules; what `forward` does by functions (an addition, ``F.relu``, ``torch.cat``) has no row,
    but its multiply-adds, if it has any, stand in that of the module.

    Parameters
    ----------
    model : nn.Module
        Any network that takes a batch of images. It may stand on any device, the meta device too. A layer
        with several names goes by the first.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    depth : int, optional
        How many levels of modules to open: 1 shows the network's own children with all that is in
        them, 2 the children of these. By default all are opened.

    Returns
    -------
    Summary
        `rows` are named tuples (name, type, output_shape, parameters, multiply_adds). A layer that runs
        twice has two rows; its parameters stand in the first.

    Raises
    ------
    ValueError
        If an image of this shape does not pass through the network, where the message names the layer;
        or if the network cannot be run on shapes alone.

    Examples
    --------
    >>> table = summary(nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.MaxPool2d(2)), (3, 32, 32))
    >>> table.rows[0]
    Row(name='0', type='Conv2d', output_shape=(64, 30, 30), parameters=1792, multiply_adds=1555200)
    >>> print(table)
    layer       type       output        parameters  multiply-adds
    --------------------------------------------------------------
    image                  3 x 32 x 32
    0           Conv2d     64 x 30 x 30       1,792      1,555,200
    1           ReLU       64 x 30 x 30           -              -
    2           MaxPool2d  64 x 15 x 15           -              -
    --------------------------------------------------------------
    Sequential                                1,792      1,555,200
    """
    shape = check_counts("image_shape", image_shape, "(C, H, W)", length=3)
    if depth is not None:
        check_count("depth", depth)
    calls, multiply_adds = _calls_of(check_module(model), shape, depth)
    rows = _rows(calls, {id(call.module) for call in calls})
    every = sum(parameter.numel() for parameter in model.parameters())
    return Summary(type(model).__name__, shape, rows, every, multiply_adds)


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers training can change.

    Examples
    --------
    >>> count_parameters(nn.Conv2d(3, 64, kernel_size=3))
    1792
    """
    return sum(p.numel() for p in check_module(model).parameters() if p.requires_grad)


def count_multiply_adds(model: nn.Module, image_shape: Sequence[int]) -> int:
    """Return the multiply-adds of convolutions and matrix products for one image (C, H, W).

    Counted by torch while one image runs through the model, on shapes alone.

    Examples
    --------
    >>> count_multiply_adds(nn.Conv2d(3, 64, kernel_size=3, padding=1), (3, 32, 32))
    1769472
    """
    return summary(model, image_shape).multiply_adds


@dataclass(eq=False)
class _Call:
    """One run of a module: `closed` if the table shows it with all that is in it, as one row."""

    name: str
    module: nn.Module
    closed: bool
    before: int  # multiply-adds of the network before it
    inside: int = 0  # multiply-adds of the modules that ran in it
    is_leaf: bool = True  # no module ran in it
    multiply_adds: int = 0
    output_shape: tuple[int, ...] = ()


def _calls_of(model: nn.Module, shape: tuple[int, ...], depth: int | None) -> tuple[list[_Call], int]:
    """Return each run of a module that the table may show, in order, and all multiply-adds.

    On shapes alone torch counts what it does in one step on numbers, attention or a recurrent
    layer, part by part; a multiply-add is two of its operations.
    """
    from torch.utils.flop_counter import FlopCounterMode

    calls: list[_Call] = []
    running: list[_Call | None] = []  # None for what runs inside a closed one

    def enter(name: str, module: nn.Module) -> None:
        above = running[-1] if running else None
        call = None
        if not running or (above is not None and not above.closed):
            level = name.count(".") + 1 if name else 0
            call = _Call(name, module, depth is not None and level >= depth, counter.get_total_flops() // 2)
            calls.append(call)
        if above is not None:
            above.is_leaf = False
        running.append(call)

    def leave(name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        call = running.pop()
        if call is not None:
            call.multiply_adds = counter.get_total_flops() // 2 - call.before
            call.output_shape = next((tuple(tensor.shape[1:]) for tensor in tensors_in(output)), ())
            if running and running[-1] is not None:
                running[-1].inside += call.multiply_adds
        return output

    with (
        evaluating(model),
        torch.no_grad(),
        FlopCounterMode(display=False) as counter,
        passing(model, shape, enter, leave),
    ):
        run_on_shapes(model, blank(model, (1, *shape), "meta"))
    return calls, counter.get_total_flops() // 2


def _rows(calls: Sequence[_Call], ran: Collection[int]) -> tuple[Row, ...]:
    """Return a row for each call that is closed, ran no module inside, or has work or weights of its own."""
    counted: set[int] = set()  # a parameter is counted once, where it is met first
    rows = []
    for call in calls:
        own = call.module.parameters() if call.closed or call.is_leaf else _left_over(call.module, ran)
        new = {id(parameter): parameter.numel() for parameter in own if id(parameter) not in counted}
        counted.update(new)
        adds = call.multiply_adds - call.inside
        if call.closed or call.is_leaf or new or adds:
            kind = type(call.module).__name__
            rows.append(Row(call.name or kind, kind, call.output_shape, sum(new.values()), adds))
    return tuple(rows)


def _left_over(module: nn.Module, ran: Collection[int]) -> Iterator[nn.Parameter]:
    """Yield the parameters of a module that belong to no part of it that ran."""
    yield from module.parameters(recurse=False)
    for part in module.children():
        if id(part) not in ran:
            yield from _left_over(part, ran)


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if column > 2 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
