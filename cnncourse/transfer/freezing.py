"""Which parts of a network learn, and how fast: stages, freezing, batch-norm statistics, rates by depth."""

import math
from typing import NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnncourse._checks import check_number, suggest
from cnncourse._modules import check_module
from cnncourse.transfer.heads import head_name

FEW = 5  # a network of fewer parts has its largest container opened


def stages(model: nn.Module) -> tuple[str, ...]:
    """Return the names of a network's parts, from the images to the head.

    They are the parts that hold parameters. Where these are fewer than five, the container that holds most
    parameters is opened: ``features`` of a VGG becomes its layers. Parameters of the network itself, in no
    part, come first, by their own names.

    Parameters
    ----------
    model : nn.Module
        Ours or anybody's.

    Returns
    -------
    tuple of str
        Names for `freeze`, `unfreeze` and `training.State`.

    Examples
    --------
    >>> from cnncourse.models import create_model
    >>> stages(create_model("resnet18"))
    ('conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc')
    >>> stages(create_model("speednet"))
    ('stem', 'groups.0', 'groups.1', 'groups.2', 'head')
    """
    names = _children(check_module(model), "")
    while len(names) < FEW:
        containers = {
            name: _count(model.get_submodule(name))
            for name in names
            if isinstance(model.get_submodule(name), nn.Sequential | nn.ModuleList) or len(names) == 1
        }
        opened = {name: _children(model.get_submodule(name), name) for name in containers}
        opened = {name: parts for name, parts in opened.items() if parts}
        if not opened:
            break
        largest = max(opened, key=lambda name: containers[name])
        place = names.index(largest)
        names[place : place + 1] = opened[largest]
    own = [name for name, _ in model.named_parameters(recurse=False)]
    return (*own, *names)


def _children(module: nn.Module, above: str) -> list[str]:
    """Return the names of a module's parts that have parameters, in order."""
    return [
        f"{above}.{name}".lstrip(".") for name, child in module.named_children() if _has_parameters(child)
    ]


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def freeze(model: nn.Module, *parts: str) -> None:
    """Keep parts of a network as they are while the rest is trained; all but the head if none is named.

    Their parameters get no gradient, and they are in evaluation mode, so that the statistics of their batch
    normalization stay too. The network as a whole is in training mode afterwards, which is how `training.fit`
    knows that parts in evaluation mode are meant to stay so.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    *parts : str
        Names of modules or parameters; `stages` lists some.

    Raises
    ------
    ValueError
        If there is no such part; the message suggests the nearest one.

    Examples
    --------
    >>> from cnncourse.models import create_model
    >>> model = create_model("resnet18", num_classes=5, seed=0)
    >>> freeze(model)
    >>> count_trained(model)
    Counts(trained=2565, frozen=11176512)
    >>> unfreeze(model, "layer4")
    >>> count_trained(model)
    Counts(trained=8396293, frozen=2782784)
    """
    names = [_check_part(model, part) for part in parts]
    if not model.training:
        _set_modes(model)
    if not parts:
        head = head_name(model)
        names = [name for name, _ in model.named_parameters() if not _holds(head, name)]
    for name in names:
        _set(model, name, learns=False)
    for module in model.modules():
        if _has_parameters(module) and not _learns(module):
            module.eval()


def _holds(name: str, inner: str) -> bool:
    """Return whether `name` is `inner`, or that of a module around it."""
    return f"{inner}.".startswith(f"{name}.")


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _set_modes(module: nn.Module) -> None:
    """Put a network into training mode, all but the parts whose parameters are frozen."""
    module.training = True
    for child in module.children():
        if _has_parameters(child) and not _learns(child):
            child.eval()
        else:
            _set_modes(child)


def unfreeze(model: nn.Module, *parts: str) -> None:
    """Let parts of a network be trained again; all of it if none is named.

    Parameters
    ----------
    model : nn.Module
        Changed in place. What a network keeps frozen by itself, such as SpeedNet's stem, is trained too if
        the part that holds it is unfrozen.
    *parts : str
        Names of modules or parameters.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    names = [_check_part(model, part) for part in parts] or [""]
    if not model.training:
        _set_modes(model)
    for name in names:
        _set(model, name, learns=True)


def freeze_statistics(model: nn.Module) -> int:
    """Put all batch normalization into evaluation mode, the rest into training mode as it was.

    A small batch of new photos says little about means and variances; the running ones of a million images
    say a lot. Scales and shifts go on learning.

    Parameters
    ----------
    model : nn.Module
        Changed in place.

    Returns
    -------
    int
        How many layers of batch normalization there are.

    Examples
    --------
    >>> from cnncourse.models import create_model
    >>> model = create_model("resnet18")
    >>> freeze_statistics(model), model.training, model.bn1.training
    (20, True, False)
    """
    if not check_module(model).training:
        _set_modes(model)
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for layer in layers:
        layer.eval()
    return len(layers)


class Counts(NamedTuple):
    """How many parameters of a network are trained, and how many stay as they are."""

    trained: int
    frozen: int


def count_trained(model: nn.Module) -> Counts:
    """Return how many parameters are trained and how many are frozen.

    Parameters
    ----------
    model : nn.Module
        Ours or anybody's.

    Returns
    -------
    Counts
        ``trained`` and ``frozen``.
    """
    counts = {True: 0, False: 0}
    for parameter in check_module(model).parameters():
        counts[parameter.requires_grad] += parameter.numel()
    return Counts(counts[True], counts[False])


def depth_rates(model: nn.Module, decay: float = 0.5, head: float = 10.0) -> dict[str, float]:
    """Return learning rates that fall from stage to stage towards the images.

    Early stages find edges, which every task needs; late ones what ImageNet asked for. So the last stage
    before the head gets the recipe's rate, the one before it `decay` times that, and so on; the head, which
    is new, gets `head` times the rate.

    Parameters
    ----------
    model : nn.Module
        The network; stages that are frozen have no rate.
    decay : float
        Above 0 and at most 1; with 1 all stages before the head have the same rate.
    head : float
        Above 0.

    Returns
    -------
    dict from str to float
        For ``rates`` of `training.State`.

    Examples
    --------
    >>> from cnncourse.models import create_model
    >>> depth_rates(create_model("speednet", seed=0))
    {'stem': 0.125, 'groups.0': 0.25, 'groups.1': 0.5, 'groups.2': 1.0, 'head': 10.0}
    """
    check_number("decay", decay, 0, 1, above=True, below=False)
    check_number("head", head, 0, math.inf, above=True)
    last = head_name(model)
    inside = [name for name in stages(model) if not _holds(name, last)]
    rates = {name: decay**steps for steps, name in enumerate(reversed(inside))}
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    ordered = {name: rates[name] for name in inside} | {last: head}
    return {part: rate for part, rate in ordered.items() if any(_holds(part, name) for name in trained)}


def _check_part(model: nn.Module, part: str) -> str:
    """Return `part` if it is the name of a module or a parameter."""
    known = [name for name, _ in model.named_modules() if name]
    known += [name for name, _ in model.named_parameters()]
    if part not in known:
        raise ValueError(f"the network has no part {part!r}. {suggest(part, stages(model))}")
    return part


def _set(model: nn.Module, part: str, learns: bool) -> None:
    """Freeze or unfreeze one part, by the name of a module or a parameter."""
    modules = dict(model.named_modules())
    if part in modules:
        modules[part].requires_grad_(learns).train(learns)
    else:
        model.get_parameter(part).requires_grad = learns
