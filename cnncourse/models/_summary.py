"""A network as a table: each layer with its output shape, parameters and multiply-adds.

The walk through the network is torchinfo's and the multiply-adds are counted by torch. Nothing is
computed meanwhile: the network runs on shapes alone (torch's meta device), whatever its size.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import functional_call

from cnncourse._checks import check_count, check_counts
from cnncourse._modules import blank, check_module, evaluating

__all__ = ["Row", "Summary", "summary"]


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
            (r.name, r.type, _sizes(r.output_shape), _number(r.parameters), _number(r.multiply_adds))
            for r in self.rows
        ]
        total = (self.network, "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        first = ("image", "", _sizes(self.image_shape), "", "")
        widths = [max(map(len, column)) for column in zip(head, first, *body, total, strict=True)]
        rule = "─" * (sum(widths) + 2 * len(widths) - 2)
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
        Any network that takes a batch of images. It may stand on any device, the meta device too.
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
        If an image of this shape does not pass through the network; the message names the layer.

    Examples
    --------
    >>> table = summary(nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.MaxPool2d(2)), (3, 32, 32))
    >>> table.rows[0]
    Row(name='0', type='Conv2d', output_shape=(64, 30, 30), parameters=1792, multiply_adds=1555200)
    >>> print(table)
    layer       type       output        parameters  multiply-adds
    ──────────────────────────────────────────────────────────────
    image                  3 x 32 x 32
    0           Conv2d     64 x 30 x 30       1,792      1,555,200
    1           ReLU       64 x 30 x 30           -              -
    2           MaxPool2d  64 x 15 x 15           -              -
    ──────────────────────────────────────────────────────────────
    Sequential                                1,792      1,555,200
    """
    shape = check_counts("image_shape", image_shape, "(C, H, W)", length=3)
    if depth is not None:
        check_count("depth", depth)
    with evaluating(check_module(model)):
        layers = _walk(model, shape)
        counts = _multiply_adds(model, shape)
    names = {id(module): name for name, module in model.named_modules()}
    calls = Counter(names[id(layer.module)] for layer in layers)
    rows = tuple(
        _row(layer, names[id(layer.module)], counts, calls, depth)
        for layer in layers
        if _is_shown(layer, names[id(layer.module)], counts, depth)
    )
    every = sum(parameter.numel() for parameter in model.parameters())
    return Summary(type(model).__name__, shape, rows, every, counts.get("", 0))


def _level(name: str) -> int:
    return name.count(".") + 1 if name else 0


def _is_shown(layer: Any, name: str, counts: Mapping[str, int], depth: int | None) -> bool:
    """Tell whether a module has a row: one at `depth`; above it, one without parts or with own work."""
    level = _level(name)
    if depth is not None and level >= depth:
        return level == depth
    return bool(layer.is_leaf_layer or layer.leftover_params() or _own_adds(layer, name, counts))


def _own_adds(layer: Any, name: str, counts: Mapping[str, int]) -> int:
    """Return the multiply-adds that a module makes beside its parts, such as attention's products."""
    parts = (f"{name}.{child}".lstrip(".") for child, _ in layer.module.named_children())
    return counts.get(name, 0) - sum(counts.get(part, 0) for part in parts)


def _row(
    layer: Any, name: str, counts: Mapping[str, int], calls: Mapping[str, int], depth: int | None
) -> Row:
    """Return the row of one call of a module: all in it at `depth`, else what its parts do not hold."""
    kind = type(layer.module).__name__
    parameters, adds = layer.num_params, counts.get(name, 0)
    if not layer.is_leaf_layer and _level(name) != depth:
        parameters, adds = layer.leftover_params(), _own_adds(layer, name, counts)
    return Row(
        name or kind,
        kind,
        tuple(layer.output_size[1:]),
        0 if layer.is_recursive else parameters,
        adds // calls[name],
    )


class _ShapesOnly(nn.Module):
    """Run a network with its weights replaced by bare shapes, so that nothing is computed."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> Any:
        state = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        return functional_call(self.model, {name: value.to("meta") for name, value in state.items()}, x)


def _walk(model: nn.Module, shape: tuple[int, ...]) -> list[Any]:
    """Return torchinfo's account of each module that ran, in that order."""
    import torchinfo

    entered: list[tuple[str, Any]] = []
    hooks = [
        module.register_forward_pre_hook(lambda _, x, name=name: entered.append((name, x)))
        for name, module in model.named_modules()
        if not list(module.children())
    ]
    image = blank(model, (1, *shape), "meta")
    try:
        found = torchinfo.summary(_ShapesOnly(model), input_data=image, depth=100, verbose=0)
    except RuntimeError as error:
        raise ValueError(_where(model, shape, entered, error.__cause__ or error)) from error
    finally:
        for hook in hooks:
            hook.remove()
    return [layer for layer in found.summary_list[1:] if layer.executed]


def _where(
    model: nn.Module, shape: Sequence[int], entered: list[tuple[str, Any]], error: BaseException
) -> str:
    """Say which layer an image does not pass."""
    text = f"an image {_sizes(shape)} does not pass through {type(model).__name__}"
    if entered:
        name, inputs = entered[-1]
        kind = type(model.get_submodule(name)).__name__
        given = [_sizes(x.shape[1:]) for x in inputs if isinstance(x, torch.Tensor)]
        text += f": the last layer reached was {name} ({kind}), which was given {' and '.join(given)}"
    return f"{text}; {str(error).splitlines()[0]}"


def _multiply_adds(model: nn.Module, shape: tuple[int, ...]) -> dict[str, int]:
    """Return the multiply-adds of each module by name; those of the whole network under ''."""
    from torch.utils.flop_counter import FlopCounterMode

    runner = _ShapesOnly(model).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        runner(blank(model, (1, *shape), "meta"))
    start = f"{type(runner).__name__}.model"
    flops = {name: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    return {
        name.removeprefix(start).removeprefix("."): int(count // 2)
        for name, count in flops.items()
        if name.startswith(start)
    }


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if column > 2 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
