"""What a network does to an image, written down while one runs through it: a graph of its operations.

A run is watched rather than the source traced symbolically: a ``forward`` that asks for sizes or
chooses a branch is followed as it runs, and additions, ``F.relu`` or ``torch.cat`` are seen beside modules.
The run is on shapes alone (torch's meta device), so that it costs nothing, whatever the network's size.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from cnncourse._checks import check_counts
from cnncourse._modules import blank, check_module, evaluating, passing, run_on_shapes, tensors_in

IGNORED = ("detach", "contiguous", "clone", "to", "type_as", "requires_grad")


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


def option(node: Node, name: str, place: int, default: Any = None) -> Any:
    """Return an option of an operation: the module's attribute, or the function's argument at its `place`."""
    if node.module is not None:
        return getattr(node.module, name, default)
    named = dict(node.keywords)
    return named.get(name, node.arguments[place] if len(node.arguments) > place else default)


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


def is_convolution(module: nn.Module) -> bool:
    """Tell whether a module is a convolution of images: torch's, or one that is called so."""
    names = [kind.__name__.lower() for kind in type(module).__mro__]
    return any("conv" in name and "2d" in name for name in names)


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
    parts = model.named_modules()
    watch = _Watch(image, {id(part) for name, part in parts if whole(part) and (name or is_layer(part))})
    with evaluating(model), torch.no_grad(), passing(model, shape, watch.enter, watch.leave), watch:
        result = run_on_shapes(model, image)
    ends = watch.sources(tensors_in(result))
    if not ends:
        raise ValueError(
            f"the output of {type(model).__name__} does not come from its image "
            "by operations that can be followed"
        )
    return _reachable(watch.nodes, ends)


def function_name(function: Any) -> str:
    """Return the name of one of torch's functions, the same for ``x + y``, ``x += y`` and ``x.add_(y)``."""
    name = str(getattr(function, "__name__", "")).strip("_")
    return {"rsub": "sub", "rdiv": "div", "rpow": "pow"}.get(name, name)


def is_in_place(function: Any, keywords: Mapping[str, Any]) -> bool:
    """Tell whether one of torch's functions changes its first argument, as ``x.add_(y)`` does."""
    name = str(getattr(function, "__name__", ""))
    return bool(keywords.get("inplace", False)) or (name.endswith("_") and not name.endswith("__"))


class _Watch(TorchFunctionMode):
    """Keep a node for each operation, and which node each tensor comes from."""

    def __init__(self, image: torch.Tensor, whole: Collection[int]) -> None:
        super().__init__()
        self.whole = whole  # modules by identity; asked before the run, in which weights are bare shapes
        self.nodes = [Node("image", "input", (), tuple(image.shape[1:]))]
        self.origin = {id(image): 0}
        self.kept = [image]  # so that no identity is used twice
        self.depth = 0  # how many whole modules we are in

    def sources(self, tensors: Iterable[torch.Tensor]) -> tuple[int, ...]:
        return tuple(self.origin[id(tensor)] for tensor in tensors if id(tensor) in self.origin)

    def enter(self, name: str, module: nn.Module) -> None:
        self.depth += id(module) in self.whole

    def leave(self, name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        if id(module) not in self.whole:
            return output
        self.depth -= 1
        if self.depth:
            return output
        if not getattr(module, "inplace", False):
            output = _renewed(output, given)
        kind = type(module).__name__
        return self.add(Node(name or kind, kind, self.sources(given), (), module), output)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = function_name(func)
        given = tensors_in((args, kwargs))
        known = self.sources(given)
        written = [args[0]] if name == "setitem" else []  # it gives nothing, and changes what it is given
        if self.depth or not known or not (written or tensors_in(result)):
            return result
        if name.startswith("new_") or name.endswith("_like"):  # of the image it takes the shape alone
            return result
        if name in IGNORED:
            for tensor in tensors_in(result):
                self.origin[id(tensor)] = known[0]
                self.kept.append(tensor)
            return result
        if not written and not is_in_place(func, kwargs):
            result = _renewed(result, given)
        rest = tuple(self._plain(item) for item in args)
        named = tuple((key, self._plain(value)) for key, value in kwargs.items())
        self.add(Node(name, name, known, (), None, rest, named), written or result)
        return result

    def _plain(self, item: Any) -> Any:
        """Return an argument as it is kept: None for what comes from the image, a shape for a weight."""
        tensors = tensors_in(item)
        if self.sources(tensors):
            return None
        return tuple(tensors[0].shape) if tensors else item

    def add(self, node: Node, output: Any) -> Any:
        """Keep `node`, and that `output` comes from it."""
        tensors = tensors_in(output)
        self.nodes.append(node._replace(shape=tuple(tensors[0].shape[1:]) if tensors else ()))
        for tensor in tensors:
            self.origin[id(tensor)] = len(self.nodes) - 1
            self.kept.append(tensor)
        return output


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
