"""Networks as they are handled everywhere: checked, put into a mode, given zeros, watched while they run."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import functional_call

Enter = Callable[[str, nn.Module], None]  # a module by its name ("" for the network itself), before it runs
Leave = Callable[
    [str, nn.Module, list[torch.Tensor], Any], Any
]  # what it was given and gave -> what it gives


def blank(model: nn.Module, shape: Sequence[int], device: torch.device | str | None = None) -> torch.Tensor:
    """Return zeros in the number format of the model's weights, and on their device if no other is given."""
    like = next(model.parameters(), torch.empty(0))
    return torch.zeros(*shape, dtype=like.dtype, device=device or like.device)


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's parameters; the CPU if it has none."""
    return next(model.parameters(), torch.empty(0)).device


def check_module(model: Any) -> nn.Module:
    """Return `model` if it is a network."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"a network must be an nn.Module, got {type(model).__name__}")
    return model


def evaluating(model: nn.Module) -> AbstractContextManager[None]:
    """Put the model in evaluation mode inside the block, each module back in its own mode after it."""
    return in_mode(model, training=False)


@contextmanager
def in_mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Put the model in training or evaluation mode inside the block, each module back in its own after it."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in modes:  # each its own: a frozen batch norm stays frozen
            module.training = mode


class Run(NamedTuple):
    """One run of a module, as it is known before it ends."""

    name: str
    module: nn.Module
    given: list[torch.Tensor]


class Watch:
    """What runs while a network runs: the modules that are running now, and the last one that was left."""

    def __init__(self) -> None:
        self.running: list[Run] = []  # the innermost last
        self.passed = ""  # the last one left, and what it gave; empty where nothing ran inside the innermost

    def where(self) -> str:
        """Say in words how far the network came; nothing if it ran no module inside itself."""
        name, module, given = self.running[-1] if self.running else ("", None, [])
        if self.passed:
            return f"the last layer it passed was {self.passed}"
        kind = type(module).__name__
        shapes = " and ".join(sizes(tensor.shape[1:]) for tensor in given)
        return f"the last layer reached was {name} ({kind}), which was given {shapes}" if name else ""


@contextmanager
def watched(model: nn.Module, enter: Enter | None = None, leave: Leave | None = None) -> Iterator[Watch]:
    """Call `enter` and `leave` for each module that runs inside the block, in the order in which they run.

    An error leaves the modules that were running in the watch, so that the place of the fault is known.
    A module that has several names is called by the first.
    """
    watch = Watch()

    def before(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, keywords: Any) -> None:
            watch.running.append(Run(name, module, tensors_in((args, keywords))))
            watch.passed = ""
            if enter is not None:
                enter(name, module)

        return hook

    def after(module: nn.Module, args: Any, keywords: Any, output: Any) -> Any:
        run = watch.running.pop()
        given = sizes(next((tensor.shape[1:] for tensor in tensors_in(output)), ()))
        watch.passed = f"{run.name} ({type(module).__name__}), which gave {given}"
        return output if leave is None else leave(run.name, module, run.given, output)

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            hooks.callback(module.register_forward_pre_hook(before(name), with_kwargs=True).remove)
            hooks.callback(module.register_forward_hook(after, with_kwargs=True).remove)
        yield watch


@contextmanager
def passing(
    model: nn.Module, image_shape: Sequence[int], enter: Enter | None = None, leave: Leave | None = None
) -> Iterator[None]:
    """Watch `model` while an image runs through it inside the block; say where if it does not pass."""
    with watched(model, enter, leave) as watch:
        try:
            yield
        except (RuntimeError, ValueError) as error:
            where, told = watch.where(), str(error).partition("\n")[0]
            kind = type(model).__name__
            if re.search(r"\bmeta\b", told):
                raise ValueError(
                    f"{kind} cannot be run on shapes alone (torch's meta device): {_why(model)}; {told}"
                ) from error
            raise ValueError(
                f"an image {sizes(image_shape)} does not pass through {kind}: {where and where + '; '}{told}"
            ) from error


def _why(model: nn.Module) -> str:
    """Say what keeps a network from another device: a tensor that torch does not know of, or its forward."""
    known = ("_parameters", "_buffers", "_modules")
    for name, module in model.named_modules():
        for key, value in vars(module).items():
            if key not in known and any(not tensor.is_meta for tensor in tensors_in(value)):
                place = f"{name}.{key}".lstrip(".")
                return (
                    f"{place} is a plain tensor, which stays where it is; use register_buffer({key!r}, ...)"
                )
    return "its forward makes tensors without device=x.device, or asks what the numbers are"


def run_on_shapes(model: nn.Module, image: torch.Tensor) -> Any:
    """Return what `model` gives for an image on the meta device, its weights replaced by bare shapes."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return functional_call(model, {name: value.to("meta") for name, value in state.items()}, (image,))


def tensors_in(values: Any) -> list[torch.Tensor]:
    """Return all tensors in nested lists, tuples and mappings."""
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return (
        [tensor for value in values for tensor in tensors_in(value)]
        if isinstance(values, list | tuple)
        else []
    )


def sizes(shape: Sequence[int]) -> str:
    """Return a shape in words: 3 x 32 x 32."""
    return " x ".join(map(str, shape))
