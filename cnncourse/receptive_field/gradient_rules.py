"""What stands in the place of an operation while paths are followed by gradients.

An opened operation hands a gradient to every value that it depends on: a maximum becomes a mean, a product
a sum, and what works on each value alone hands it on. So no path is shut by the numbers that are there.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F

from cnncourse._modules import tensors_in
from cnncourse._trace import is_in_place
from cnncourse.receptive_field.layer_rules import reduced

Opening = Callable[[Any, Sequence[Any], Mapping[str, Any]], torch.Tensor]  # as the function would be called


def first(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Hand the input on."""
    given = _input(args, kwargs)
    if not given.is_floating_point():  # places, not values
        return cast(torch.Tensor, func(*args, **kwargs))
    return given if is_in_place(func, kwargs) else given.clone()


def added(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Add up all that an operation takes."""
    given = [tensor for tensor in tensors_in((args, kwargs)) if tensor.is_floating_point()]
    if not given:
        return cast(torch.Tensor, func(*args, **kwargs))
    total = first(func, given, kwargs)
    for tensor in given[1:]:
        total = total.add_(tensor) if is_in_place(func, kwargs) else total + tensor
    return total


def spread(given: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """Let each value depend on all that lie along `dims`."""
    return given + given.mean(dim=dims, keepdim=True)


def over_places(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Let each value depend on all places of its map: group normalization."""
    return spread(_input(args, kwargs), (-2, -1))


def over_channels(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Let each value depend on all channels at its place."""
    return spread(_input(args, kwargs), (1,))


def over_last(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Let each value depend on all along the last axes: layer normalization."""
    axes = len(_argument(args, kwargs, 1, "normalized_shape"))
    return spread(_input(args, kwargs), tuple(range(-axes, 0)))


def over_batch(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Let each value depend on its map if batch normalization has no statistics of its own."""
    own = _argument(args, kwargs, 1, "running_mean") is not None
    own = own and not _argument(args, kwargs, 5, "training", False)
    return first(func, args, kwargs) if own else over_places(func, args, kwargs)


def over_instance(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Let each value depend on its map if instance normalization has no statistics of its own."""
    own = not _argument(args, kwargs, 5, "use_input_stats", True)
    return first(func, args, kwargs) if own else over_places(func, args, kwargs)


def over_one(place: int, default: int | None) -> Opening:
    """Return the opening of what works along one axis: softmax."""

    def opened(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
        return spread(_input(args, kwargs), (_argument(args, kwargs, place, "dim", default),))

    return opened


def mean(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Take the mean where a network takes a maximum, a variance or the like over some axes."""
    given = _input(args, kwargs)
    keepdim = func(*args, **kwargs).ndim == given.ndim
    return given.mean(dim=reduced(args, kwargs, given.ndim), keepdim=keepdim)


def halves(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Add both halves where a network multiplies them."""
    one, other = _input(args, kwargs).chunk(2, dim=_argument(args, kwargs, 1, "dim", -1))
    return one + other


def mean_pool(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Pool by the mean where a network pools by the largest value."""
    given, size = _input(args, kwargs), _argument(args, kwargs, 1, "kernel_size")
    stride = _argument(args, kwargs, 2, "stride") or size
    padding = _argument(args, kwargs, 3, "padding", 0)
    dilation = _argument(args, kwargs, 4, "dilation", 1)
    if dilation in (1, (1, 1), [1, 1]):
        return F.avg_pool2d(given, size, stride, padding, _argument(args, kwargs, 5, "ceil_mode", False))
    high, wide = (size, size) if isinstance(size, int) else size
    channels = given.shape[1]
    ones = torch.full((channels, 1, high, wide), 1 / math.prod((high, wide)), dtype=given.dtype)
    return F.conv2d(given, ones, None, stride, padding, dilation, channels)


def mean_lp_pool(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Pool by the mean where a network pools by a power."""
    size = _argument(args, kwargs, 2, "kernel_size")
    stride, ceil_mode = _argument(args, kwargs, 3, "stride"), _argument(args, kwargs, 4, "ceil_mode", False)
    return F.avg_pool2d(_input(args, kwargs), size, stride or size, 0, ceil_mode)


def mean_adaptive_pool(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """Pool by the mean where a network pools by the largest value, to a given size."""
    return F.adaptive_avg_pool2d(_input(args, kwargs), _argument(args, kwargs, 1, "output_size"))


def _input(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    given: torch.Tensor = _argument(args, kwargs, 0, "input")
    return given


def _argument(
    args: Sequence[Any], kwargs: Mapping[str, Any], place: int, name: str, default: Any = None
) -> Any:
    return kwargs.get(name, args[place] if len(args) > place else default)
