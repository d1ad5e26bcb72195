"""Receptive fields measured: the gradient of one output with respect to each pixel."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from cnncourse._checks import check_choice, check_counts, check_image
from cnncourse._modules import blank, check_module, evaluating, passing, tensors_in
from cnncourse._trace import function_name
from cnncourse.convolution.shapes import check_pair
from cnncourse.receptive_field.operations import KNOWN, Operation, key


def receptive_field_by_gradient(
    model: nn.Module,
    image_shape: Sequence[int],
    layer: str | None = None,
    position: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return which pixels one output depends on, from its gradient with respect to the image.

    So that no path is hidden by chance, every path is opened first: all weights are made equal and
    positive, maxima become means, products sums, and what works on each value alone (activations, batch
    normalization) is left out. On its way back, each gradient is replaced by 1 where it is not zero, so that
    it gets lost in no network, however deep. Then it is zero only where no path leads.

    Parameters
    ----------
    model : nn.Module
        Any network; it is not changed, and may stand on torch's meta device.
    image_shape : sequence of int
        Shape (C, H, W) of one image.
    layer : str, optional
        The module whose output is asked; by default the last one that gives feature maps larger than 1x1.
    position : (int, int), optional
        Row and column of the output; by default the middle.

    Returns
    -------
    ndarray of shape (H, W)
        Booleans; nowhere true if the output sees padding alone.

    Raises
    ------
    ValueError
        If there is no such layer, its output is no feature map or has no gradient, or `position` lies
        outside it; or if the image does not pass through the network.

    Examples
    --------
    >>> two = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    >>> seen = receptive_field_by_gradient(two, (1, 9, 9))
    >>> seen.any(axis=0).astype(int)
    array([0, 0, 1, 1, 1, 1, 1, 0, 0])
    """
    weights = {name: _even(value) for name, value in check_module(model).named_parameters()}
    state = {**weights, **{name: _with_numbers(value) for name, value in model.named_buffers()}}
    shape = check_counts("image_shape", image_shape, "(C, H, W)", length=3)
    image = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    with evaluating(model), torch.enable_grad(), _Open():
        maps = _output_of(model, layer, image.clone(), state)  # a copy, since a leaf cannot change in place
        asked = _at(maps, position).sum()
    if not asked.requires_grad:
        raise ValueError(
            f"no gradient leads from {'layer ' + repr(layer) if layer else 'the last feature maps'} to the "
            "image: its forward cuts it (torch.no_grad, whole numbers); ask a layer before it"
        )
    (grad,) = torch.autograd.grad(asked, image, allow_unused=True)
    seen = torch.zeros(shape[1:], dtype=torch.bool) if grad is None else (grad[0] != 0).any(dim=0)
    return seen.numpy()


def effective_receptive_field(
    model: nn.Module,
    images: Any,
    layer: str | None = None,
    position: tuple[int, int] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return how much each pixel matters for one output: its share of the squared gradient.

    If all pixels jitter a little, each by itself and all as strongly, the output jitters too; a pixel's share
    is how much of the output's variance comes from it. Averaged over images and over random mixtures
    of the layer's channels.

    Parameters
    ----------
    model : nn.Module
        Any network, with the weights that it has; it is not changed. Asked in evaluation mode.
    images : array_like of shape (N, C, H, W)
        Images as the network expects them.
    layer : str, optional
        The module whose output is asked; by default the last one that gives feature maps larger than 1x1.
    position : (int, int), optional
        Row and column of the output; by default the middle.
    seed : int
        Decides the mixtures of channels.

    Returns
    -------
    ndarray of shape (H, W)
        Shares, which add up to 1.

    Raises
    ------
    ValueError
        If the model has no weights, there is no such layer or position, or no path is open for these images.

    References
    ----------
    Luo, Li, Urtasun, Zemel, "Understanding the effective receptive field in deep convolutional neural
    networks", NeurIPS 2016, https://arxiv.org/abs/1701.04128.

    Examples
    --------
    >>> three = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    >>> _ = nn.init.constant_(three.weight, 0.5)
    >>> effective_receptive_field(three, np.zeros((1, 1, 5, 5)))[2].round(2)
    array([0.  , 0.11, 0.11, 0.11, 0.  ])
    """
    pictures = torch.as_tensor(np.array(check_image("images", images, axes=(4,))))
    like = blank(check_module(model), (0,))
    if like.is_meta:
        raise ValueError("model is on the meta device and has no weights to ask; make it on another device")
    leaf = pictures.to(like.device, like.dtype).requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    with evaluating(model), torch.enable_grad():
        values = _at(_output_of(model, layer, leaf, None), position)  # (N, C_out)
        mixture = torch.randn(values.shape, generator=generator).to(values)
        (grad,) = torch.autograd.grad((values * mixture).sum(), leaf)
    energy = grad.double().square().sum(dim=(0, 1)).cpu().numpy()
    total = energy.sum()
    if not total > 0:
        raise ValueError("the gradient is zero at every pixel: no path is open for these images")
    share: np.ndarray = energy / total
    return share


def field_spread(share: Any) -> float:
    """Return the standard deviation of a field in pixels, the mean over both axes.

    Parameters
    ----------
    share : array_like of shape (H, W)
        How much each pixel counts, as from `effective_receptive_field`; in a mask all count alike.

    Examples
    --------
    >>> round(field_spread(np.ones((3, 3))), 3)  # a third each on -1, 0 and 1
    0.816
    """
    weights = check_image("share", share, axes=(2,))
    if weights.min() < 0 or not weights.sum() > 0:
        raise ValueError("share must not be negative, and not be zero everywhere")
    variances = []
    for axis in (0, 1):
        mass = weights.sum(axis=1 - axis) / weights.sum()
        place = np.arange(mass.size)
        variances.append(float(mass @ (place - mass @ place) ** 2))
    return math.sqrt(sum(variances) / 2)


def _even(weight: torch.Tensor) -> torch.Tensor:
    """Return weights with which a layer takes the mean of what it sees."""
    return torch.full(weight.shape, 1 / max(1, math.prod(weight.shape[1:])), dtype=torch.float64)


def _with_numbers(buffer: torch.Tensor) -> torch.Tensor:
    """Return a buffer on the CPU, floats in double precision; ones if it has no numbers."""
    value = torch.ones_like(buffer, device="cpu") if buffer.is_meta else buffer.detach().cpu()
    return value.double() if value.is_floating_point() else value


class _Open(TorchFunctionMode):
    """Open all paths: activations and normalization do nothing, and pooling takes the mean."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        opening = KNOWN.get(key(function_name(func)), Operation()).opening
        result = opening(func, args, kwargs) if opening else func(*args, **kwargs)
        for tensor in tensors_in(result):
            if tensor.requires_grad and tensor.grad_fn is not None:
                tensor.register_hook(_to_ones)  # type: ignore[no-untyped-call] # torch's has no types
        return result


def _to_ones(gradient: torch.Tensor | None) -> torch.Tensor | None:
    """Return 1 for each gradient that is not zero, so that products neither vanish nor explode.

    None stands for a part that nobody takes, such as one half of a tensor that was split.
    """
    return None if gradient is None else (gradient != 0).to(gradient.dtype)


def _output_of(
    model: nn.Module, layer: str | None, image: torch.Tensor, state: dict[str, torch.Tensor] | None
) -> torch.Tensor:
    """Return the feature maps (N, C, H, W) of one module."""
    if layer is not None:
        check_choice("layer", layer, filter(None, dict(model.named_modules())))
    found: dict[str, Any] = {}

    def leave(name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        """Keep a copy of the last output, since what follows may change it in place."""
        grid = isinstance(output, torch.Tensor) and output.ndim == 4 and max(output.shape[2:]) > 1
        if name == layer or (layer is None and grid):
            found.clear()
            found[name] = output.clone() if isinstance(output, torch.Tensor) else output
        return output

    with passing(model, image.shape[1:], leave=leave):
        functional_call(model, state, (image,)) if state is not None else model(image)
    if not found:
        raise ValueError(f"no feature maps larger than 1x1 in {type(model).__name__}; name a layer")
    name, maps = list(found.items())[-1]
    if not isinstance(maps, torch.Tensor) or maps.ndim != 4:
        raise ValueError(f"layer {name!r} gives no feature maps (N, C, H, W)")
    return maps


def _at(maps: torch.Tensor, position: tuple[int, int] | None) -> torch.Tensor:
    """Return the values (N, C) at one place of the maps."""
    high, wide = maps.shape[2:]
    row, column = (high // 2, wide // 2) if position is None else check_pair("position", position, minimum=0)
    if not (0 <= row < high and 0 <= column < wide):
        raise ValueError(f"position {(row, column)} lies outside the feature maps of {high}x{wide}")
    return maps[:, :, row, column]
