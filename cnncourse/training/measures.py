"""What is measured in a network without training it."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["gradient_norms"]


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
