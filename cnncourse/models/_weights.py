"""Weights to start from."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

Draw = Callable[..., Any]
he_normal: Draw = partial(nn.init.kaiming_normal_, nonlinearity="relu")


def start_weights(model: nn.Module, *last: nn.Linear, draw: Draw = he_normal) -> None:
    """Draw weights with He's deviation, those of the `last` layers with 0.01; set biases to zero.

    He's deviation, root of 2 / inputs, keeps the size of the numbers from layer to layer (He et al. 2015,
    https://doi.org/10.1109/ICCV.2015.123). Small weights in the last layer favor no class at the start.

    Parameters
    ----------
    model : nn.Module
        Its convolutions and dense layers are changed in place.
    last : nn.Linear
        The layers that return logits.
    draw : callable
        Another function of ``nn.init`` for all other layers.

    Examples
    --------
    >>> layers = nn.Sequential(nn.Conv2d(3, 64, kernel_size=3), nn.Flatten(), nn.Linear(64, 10))
    >>> start_weights(layers, layers[2])
    >>> f"{layers[0].weight.std():.1f} {layers[2].weight.std():.2f}"
    '0.3 0.01'
    """
    small = partial(nn.init.normal_, std=0.01)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _start(layer, small if layer in last else draw)


def he_convolutions(model: nn.Module, mode: str = "fan_in") -> None:
    """Draw the convolutions' weights with He's deviation and set their biases to zero; leave the rest.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    mode : {"fan_in", "fan_out"}
        Whether the numbers keep their size on the way forward, or the gradients on the way back.

    Examples
    --------
    >>> layers = nn.Sequential(nn.Conv2d(32, 64, kernel_size=3), nn.Conv2d(64, 8, kernel_size=3))
    >>> he_convolutions(layers, mode="fan_out")
    >>> f"{layers[0].weight.std():.1g} {layers[1].weight.std():.1g}"
    '0.06 0.2'
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            _start(layer, partial(he_normal, mode=mode))


def _start(layer: nn.Conv2d | nn.Linear, draw: Draw) -> None:
    if layer.weight.is_meta:  # nothing to draw; torch would import 900 modules to draw nothing
        return
    draw(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
