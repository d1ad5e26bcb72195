"""What a network does to an image, written down while one runs through it: a graph of its operations.

A run is watched rather than the source traced symbolically: a ``forward`` that asks for sizes or
chooses a branch is followed as it runs, and additions, ``F.relu`` or ``torch.cat`` are seen beside modules.
The run is on shapes alone (torch's meta device), so that it costs nothing, whatever the network's size.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from cnncourse._checks import check_counts
from cnncourse._modules import blank, check_module, evaluating

IGNORED = ("detach", "contiguous", "clone", "to", "type_as", "requires_grad_")


class Node(NamedTuple):
    """One operation of a network."""

    name: str  # the module's path in the network, or the function's name
    operation: str  # the class of the module, such as "Conv2d", or the function's name, such as "add"
    inputs: tuple[int, ...]  # which earlier nodes it takes, as indices
    shape: tuple[int, ...]  # of the output for one image, without the batch's axis
    module: nn.Module | None = None
    arguments: tuple[Any, ...] = ()  # of a function, in order; None stands for the nodes that it takes
    keywords: tuple[tuple[str, Any], ...] = ()


def names_of(node: Node) -> list[str]:
    """Return the name of an operation and of the classes that it comes from, in small letters."""
    kinds = type(node.module).__mro__ if node.module is not None else ()
    return [kind.__name__.lower() for kind in kinds] or [node.operation.lower()]


def is_layer(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's layers, or has parameters and no parts."""
    if isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict):
        return False
    return is_own(module) or (not list(module.children()) and bool(list(module.parameters())))


def is_own(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's layers, or a subclass of one."""
    classes = [kind for kind in type(module).__mro__ if kind not in (nn.Module, object)]
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return not isinstance(module, containers) and any(
        kind.__module__.startswith("torch.nn.modules.") for kind in classes
    )


def trace(
    model: nn.Module, image_shape: Sequence[int], whole: Callable[[nn.Module], bool] = is_layer
) -> list[Node]:
    """Return the operations of `model` on one image, in order; the first node is the image.

    Parameters
    ----------
    model : nn.Module
        A network, or a part of one.
    image_shape : sequence of int
        Shape of one input, without the batch's axis.
    whole : callable
        Which modules are one operation; what happens inside them is left out.

    Examples
    --------
    >>> [node.operation for node in trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 9, 9))]
    ['input', 'Conv2d', 'ReLU']
    """
    check_module(model)
    shape = check_counts("image_shape", image_shape, "the sizes of one input")
    image = blank(model, (1, *shape), "meta")
    watch = _Watch(image)
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shapes = {name: value.to("meta") for name, value in state.items()}
    with evaluating(model), ExitStack() as hooks, torch.no_grad():
        for name, module in model.named_modules():
            if whole(module) and (name or is_layer(module)):
                hooks.callback(module.register_forward_pre_hook(watch.enter, with_kwargs=True).remove)
                leave = watch.leave(name or type(module).__name__)
                hooks.callback(module.register_forward_hook(leave, with_kwargs=True).remove)
        try:
            with watch:
                result = functional_call(model, shapes, (image,))
        except (RuntimeError, ValueError) as error:
            last = watch.nodes[-1]
            where = f"; the last layer it passed was {last.name}, which gave {_sizes(last.shape)}"
            raise ValueError(
                f"an image {_sizes(shape)} does not pass through {type(model).__name__}"
                f"{where if last.inputs else ''}: {str(error).splitlines()[0]}"
            ) from error
    return _reachable(watch.nodes, watch.sources(_tensors(result)))


class _Watch(TorchFunctionMode):
    """Keep a node for each operation, and which node each tensor comes from."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.nodes = [Node("image", "input", (), tuple(image.shape[1:]))]
        self.origin = {id(image): 0}
        self.kept = [image]  # so that no identity is used twice
        self.depth = 0  # how many whole modules we are in

    def sources(self, tensors: Iterable[torch.Tensor]) -> tuple[int, ...]:
        return tuple(self.origin[id(tensor)] for tensor in tensors if id(tensor) in self.origin)

    def enter(self, module: nn.Module, args: Any, keywords: Any) -> None:
        self.depth += 1

    def leave(self, name: str) -> Callable[..., Any]:
        def hook(module: nn.Module, args: Any, keywords: Any, output: Any) -> Any:
            self.depth -= 1
            if self.depth:
                return output
            given = _tensors((args, keywords))
            if not getattr(module, "inplace", False):
                output = _renewed(output, given)
            return self.add(Node(name, type(module).__name__, self.sources(given), (), module), output)

        return hook

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = str(getattr(func, "__name__", ""))
        given = _tensors((args, kwargs))
        known = self.sources(given)
        if self.depth or not known or not _tensors(result):
            return result
        if name in IGNORED:
            for tensor in _tensors(result):
                self.origin[id(tensor)] = known[0]
                self.kept.append(tensor)
            return result
        in_place = name.endswith("_") or name.startswith("__i") or kwargs.get("inplace", False)
        if not in_place:
            result = _renewed(result, given)
        rest = tuple(self._plain(item) for item in args)
        named = tuple((key, self._plain(value)) for key, value in kwargs.items())
        plain = name.strip("_").removeprefix("i" if name in ("__iadd__", "__imul__", "__isub__") else "")
        return self.add(Node(plain, plain, known, (), None, rest, named), result)

    def _plain(self, item: Any) -> Any:
        """Return an argument as it is kept: None for what comes from the image, a shape for a weight."""
        tensors = _tensors(item)
        if self.sources(tensors):
            return None
        return tuple(tensors[0].shape) if tensors else item

    def add(self, node: Node, output: Any) -> Any:
        """Keep `node`, and that `output` comes from it."""
        tensors = _tensors(output)
        self.nodes.append(node._replace(shape=tuple(tensors[0].shape[1:]) if tensors else ()))
        for tensor in tensors:
            self.origin[id(tensor)] = len(self.nodes) - 1
            self.kept.append(tensor)
        return output


def _tensors(values: Any) -> list[torch.Tensor]:
    """Return all tensors in nested lists, tuples and mappings."""
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return (
        [tensor for value in values for tensor in _tensors(value)] if isinstance(values, list | tuple) else []
    )


def _renewed(output: Any, given: list[torch.Tensor]) -> Any:
    """Return a new tensor in place of one that was handed through, such as by nn.Identity.

    Otherwise all later uses of the input would seem to come from the identity.
    """
    through = any(output is tensor for tensor in given)
    return output.view_as(output) if through and isinstance(output, torch.Tensor) else output


def _reachable(nodes: list[Node], ends: tuple[int, ...]) -> list[Node]:
    """Return the nodes that the result depends on, renumbered."""
    needed, todo = {0}, list(ends)
    while todo:
        index = todo.pop()
        if index not in needed:
            needed.add(index)
            todo.extend(nodes[index].inputs)
    place = {old: new for new, old in enumerate(sorted(needed))}
    return [
        nodes[old]._replace(inputs=tuple(place[i] for i in nodes[old].inputs if i in place)) for old in place
    ]


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
