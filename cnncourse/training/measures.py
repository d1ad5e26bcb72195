"""What is measured in a network without training it."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["gradient_norms", "loss_surface", "random_direction"]


def gradient_norms(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> list[dict[str, str | float]]:
    """Return how long the gradient of each convolution's weights is, on one batch.

    The loss is the cross-entropy in training mode (batch normalization uses the batch's own statistics).
    The work is done in a copy: weights, gradients and running statistics of `model` stay as they are.

    Parameters
    ----------
    model : nn.Module
        Takes images and returns logits (N, classes).
    images : Tensor of shape (N, C, H, W)
        The batch, scaled as for training, on the device of `model`.
    labels : Tensor of shape (N,)
        Its classes.

    Returns
    -------
    list of dict
        ``layer`` (the convolution's name) and ``norm`` (the square root of the sum of its weights' squared
        derivatives), in the order in which the network defines its layers: first to last.

    Raises
    ------
    ValueError
        If `model` has no convolution that is trained.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 1, kernel_size=1, bias=False), nn.Flatten())
    >>> _ = nn.init.ones_(model[0].weight)
    >>> images = torch.tensor([[[[1.0, 0.0]]]])  # the logits are (1, 0), the gradient is p_0 - 1
    >>> [(row["layer"], round(row["norm"], 3)) for row in gradient_norms(model, images, torch.tensor([0]))]
    [('0', 0.269)]
    """
    twin = copy.deepcopy(model).train()
    twin.zero_grad()
    convolutions = {
        name: module
        for name, module in twin.named_modules()
        if isinstance(module, nn.modules.conv._ConvNd) and module.weight.requires_grad
    }
    if not convolutions:
        raise ValueError("the model has no convolution with weights to train; nothing to measure")
    with torch.enable_grad():
        F.cross_entropy(twin(images), labels).backward()  # type: ignore[no-untyped-call]
    return [
        {"layer": name, "norm": 0.0 if conv.weight.grad is None else conv.weight.grad.norm().item()}
        for name, conv in convolutions.items()
    ]


def random_direction(model: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Return a random direction in which every filter moves by as much as it is long.

    Two networks whose weights differ in scale can then be compared: a step of 1 changes each filter by its
    own norm (Li et al., 2018, section 4). Biases and the scales of normalization stay.

    Parameters
    ----------
    model : nn.Module
        The network whose parameters are the starting point.
    seed : int
        Decides the direction.

    Returns
    -------
    dict from str to Tensor
        One tensor for each parameter, by its name and of its shape.

    Examples
    --------
    >>> direction = random_direction(nn.Conv2d(3, 2, kernel_size=3), seed=0)
    >>> {name: tuple(step.shape) for name, step in direction.items()}
    {'weight': (2, 3, 3, 3), 'bias': (2,)}
    """
    generator = torch.Generator().manual_seed(seed)
    direction = {}
    for name, parameter in model.named_parameters():
        step = torch.zeros_like(parameter.detach())
        if parameter.ndim > 1:  # filters (C_out, C_in, K, K) and rows of dense layers (C_out, C_in)
            step = torch.randn(parameter.shape, generator=generator).to(parameter)
            start = parameter.detach()
            lengths = [values.flatten(1).norm(dim=1) for values in (start, step)]  # (C_out,) each
            step *= (lengths[0] / lengths[1]).reshape(-1, *[1] * (parameter.ndim - 1))
        direction[name] = step
    return direction


def loss_surface(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    directions: Sequence[Mapping[str, torch.Tensor]],
    steps: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """Return the loss on a grid of points in the plane of two directions around the model's parameters.

    Batch normalization uses the statistics of `images`, since the running ones belong to the middle alone.
    The model stays as it is.

    Parameters
    ----------
    model : nn.Module
        Takes images and returns logits (N, classes).
    images : Tensor of shape (N, C, H, W)
        The batch on which the loss is measured.
    labels : Tensor of shape (N,)
        Its classes.
    directions : two mappings from str to Tensor
        Such as from `random_direction`: across, then up.
    steps : sequence of n float
        How far to go in each direction; 0 is the model itself.

    Returns
    -------
    ndarray of shape (n, n)
        The cross-entropy; entry ``[i, j]`` belongs to ``steps[j]`` across and ``steps[i]`` up.

    Raises
    ------
    ValueError
        If there are not two directions, or one is not a direction for this model.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> directions = [random_direction(model, seed) for seed in (0, 1)]
    >>> loss_surface(model, torch.ones(3, 1, 2, 2), torch.tensor([0, 0, 1]), directions, [-1, 0, 1]).shape
    (3, 3)
    """
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    if isinstance(directions, Mapping) or len(directions) != 2:
        raise ValueError(f"directions must be two mappings, (across, up), got {len(directions)} entries")
    if any({name: step.shape for name, step in way.items()} != shapes for way in directions):
        raise ValueError("directions must have one tensor for each parameter of the model, of its shape")
    across, up = directions
    twin = copy.deepcopy(model).train()
    surface = np.zeros((len(steps), len(steps)))
    with torch.no_grad():
        for (i, j), _ in np.ndenumerate(surface):
            for (name, start), moved in zip(model.named_parameters(), twin.parameters(), strict=True):
                moved.copy_(start + float(steps[j]) * across[name] + float(steps[i]) * up[name])
            surface[i, j] = F.cross_entropy(twin(images), labels).item()
    return surface
