"""Weights to start from, for networks with ReLU after every layer but those that return logits."""

from torch import nn


def start_weights(model: nn.Module, *last: nn.Linear) -> None:
    """Draw weights with He's deviation, those of the `last` layers with 0.01; set biases to zero.

    He's deviation, root of 2 / inputs, keeps the size of the numbers from layer to layer (He et al. 2015,
    https://doi.org/10.1109/ICCV.2015.123). Small weights in the last layer favor no class at the start.

    Examples
    --------
    >>> layers = nn.Sequential(nn.Conv2d(3, 64, kernel_size=3), nn.Flatten(), nn.Linear(64, 10))
    >>> start_weights(layers, layers[2])
    >>> f"{layers[0].weight.std():.1f} {layers[2].weight.std():.2f}"
    '0.3 0.01'
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if layer.weight.is_meta:  # nothing to draw; torch would import 900 modules to draw nothing
                continue
            if any(layer is one for one in last):
                nn.init.normal_(layer.weight, std=0.01)
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
