"""The head of a network: its last dense layer, which turns features into one number for each class."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import overload

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_count
from cnncourse._modules import blank, check_module, evaluating
from cnncourse.models import Trained, create_model


def head_name(model: nn.Module) -> str:
    """Return the name of a network's last dense layer.

    Parameters
    ----------
    model : nn.Module
        Ours or anybody's.

    Raises
    ------
    ValueError
        If it has no dense layer inside.

    Examples
    --------
    >>> head_name(create_model("resnet18")), head_name(create_model("three_conv"))
    ('fc', 'classifier.3')
    """
    names: list[str] = [
        name for name, module in check_module(model).named_modules() if isinstance(module, nn.Linear)
    ]
    if not names or not names[-1]:
        raise ValueError(
            f"{type(model).__name__} has no dense layer inside that could be its head; "
            "give a network that ends in an nn.Linear"
        )
    return names[-1]


@overload
def replace_head(network: Trained, classes: Sequence[str], seed: int = 0) -> Trained: ...
@overload
def replace_head(network: nn.Module, classes: int | Sequence[str], seed: int = 0) -> nn.Module: ...
def replace_head(
    network: Trained | nn.Module, classes: int | Sequence[str], seed: int = 0
) -> Trained | nn.Module:
    """Return a copy of a network that ends in a new dense layer, for other classes.

    Everything before keeps its weights. The new layer has a bias where the old one had, and starts with small
    random weights (of deviation 0.01), which favor no class.

    Parameters
    ----------
    network : Trained or nn.Module
        It stays as it is.
    classes : sequence of str, or int
        What the new outputs stand for; of a bare module their number is enough.
    seed : int
        Decides the new weights.

    Returns
    -------
    Trained or nn.Module
        As was given. A `Trained` has the new classes, a temperature of 1 and no record: nothing was
        trained yet.

    Raises
    ------
    TypeError, ValueError
        If the network has no dense layer, or the classes are none.

    Examples
    --------
    >>> from cnncourse import models
    >>> ten = models.load_trained("speednet")
    >>> two = replace_head(ten, ("cat", "dog"))
    >>> two, two.model.head
    (Trained(speednet: images 3x32x32, 2 classes), Linear(in_features=256, out_features=2, bias=False))
    """
    if isinstance(network, Trained):
        return _with_new_head(network, classes, seed)
    count = classes if isinstance(classes, int) else len(classes)
    twin = copy.deepcopy(check_module(network))
    name = head_name(twin)
    old = twin.get_submodule(name)
    assert isinstance(old, nn.Linear)
    new = nn.Linear(old.in_features, check_count("classes", count), bias=old.bias is not None)
    new.to(old.weight)
    _start(new, seed)
    above, _, last = name.rpartition(".")
    setattr(twin.get_submodule(above), last, new)
    return twin


def _with_new_head(trained: Trained, classes: int | Sequence[str], seed: int) -> Trained:
    """Return the network made anew for `classes`, with all weights that do not depend on their number."""
    if isinstance(classes, int | str):
        raise TypeError(f"a Trained needs the names of its classes, such as ('cat', 'dog'), got {classes!r}")
    names = tuple(classes)
    model = create_model(trained.architecture, max(1, len(names)), trained.channels, seed, trained.options)
    head = head_name(model)
    new = model.state_dict()
    for name, values in trained.model.state_dict().items():
        if name in new and new[name].shape == values.shape:  # else it has an entry for each class
            new[name] = values
    model.load_state_dict(new)
    layer = model.get_submodule(head)
    assert isinstance(layer, nn.Linear)
    _start(layer, seed)
    like = next(trained.model.parameters())
    model.to(like.device)
    model.eval()
    return dataclasses.replace(trained, model=model, classes=names, record={}, temperature=1.0)


def _start(layer: nn.Linear, seed: int) -> None:
    """Draw small weights; a bias starts at zero."""
    generator = torch.Generator().manual_seed(check_count("seed", seed, minimum=0))
    with torch.no_grad():
        layer.weight.copy_(0.01 * torch.randn(layer.weight.shape, generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()


def set_head(trained: Trained, weight: np.ndarray, bias: np.ndarray | None) -> None:
    """Write weights into the head, so that the network's logits are ``features @ weight.T + bias``.

    Parameters
    ----------
    trained : Trained
        Changed in place. What it does to the outputs of its last dense layer, such as SpeedNet's division by
        18, is undone in the weights.
    weight : ndarray of shape (classes, D)
    bias : ndarray of shape (classes,), optional
        None where the layer has none.

    Raises
    ------
    ValueError
        If the last dense layer has other inputs or outputs, or the network makes more of its outputs than a
        multiple.
    """
    layer = trained.model.get_submodule(head_name(trained.model))
    assert isinstance(layer, nn.Linear)
    if tuple(layer.weight.shape) != weight.shape or (layer.bias is None) != (bias is None):
        raise ValueError(
            f"the last dense layer of {trained.architecture} has weights {tuple(layer.weight.shape)} "
            f"{'without' if layer.bias is None else 'and'} bias, got {weight.shape} "
            f"{'without' if bias is None else 'and'} bias"
        )
    factor = _factor_behind(trained, layer)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.asarray(weight)) / factor)
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(np.asarray(bias)) / factor)


def _factor_behind(trained: Trained, layer: nn.Linear) -> float:
    """Return by which number the network multiplies what its last dense layer gives."""
    given: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda module, inputs, output: given.append(output))
    probe = blank(trained.model, (2, trained.channels, *(trained.resolution or trained.size)))
    probe[1] = 1
    try:
        with evaluating(trained.model), torch.inference_mode():
            logits = trained.model(probe)
    finally:
        hook.remove()
    outputs = given[-1]
    largest = outputs.abs().max()
    factor = 1.0 if largest == 0 else float((logits * outputs).sum() / outputs.square().sum())
    if outputs.shape != logits.shape or not torch.allclose(logits, factor * outputs, rtol=1e-3, atol=1e-5):
        raise ValueError(
            f"the logits of {trained.architecture} are no multiple of what its last dense layer gives; "
            "train its head by fine_tune instead"
        )
    return factor
