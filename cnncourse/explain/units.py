"""What a network sees: the features of an image at a layer, and the image that excites a channel."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._checks import check_choice, check_count, check_counts, check_filled, check_number
from cnncourse._modules import check_module, device_of, evaluating, watched
from cnncourse.models import Trained

Forward = Callable[[torch.Tensor], Any]
RATE = 0.05  # Adam's: in 200 steps a pixel can go from gray to black or white


def features(trained: Trained, images: Any, layer: str | None = None, batch_size: int = 1000) -> np.ndarray:
    """Return what the network makes of each image at a layer: one vector an image.

    Parameters
    ----------
    trained : Trained
        The network.
    images : ndarray or Tensor of shape (N, C, H, W), or ImageSet
        As for `Trained.predict`.
    layer : str, optional
        The module whose output is taken, by its name in ``model.named_modules()``; of feature maps, the mean
        of each. By default what the last dense layer is given.
    batch_size : int
        Images at a time; it changes the speed, not the result.

    Returns
    -------
    ndarray of float32 of shape (N, D)

    Raises
    ------
    TypeError, ValueError
        If there is no such layer, it gives neither vectors nor feature maps, or the images do not fit.

    Examples
    --------
    >>> from cnncourse import models
    >>> network = models.create_model("conv_bn_gap", num_classes=2, in_channels=1, seed=0)
    >>> trained = models.Trained(network, "conv_bn_gap", ("no", "yes"), 1, (8, 8), mean=0.5, std=0.5)
    >>> features(trained, np.zeros((5, 1, 8, 8), np.uint8)).shape
    (5, 128)
    """
    if not isinstance(trained, Trained):
        raise TypeError(f"trained must be a models.Trained, got {type(trained).__name__}")
    check_count("batch_size", batch_size)
    array = getattr(images, "images", images)
    parts = []
    with evaluating(trained.model), torch.inference_mode():
        for start in range(0, len(array), batch_size):
            batch = trained.prepare(array[start : start + batch_size])
            output = _output(trained.model, trained.model, batch, layer)
            if output.ndim not in (2, 4):
                raise ValueError(
                    f"layer {layer!r} gives shape {tuple(output.shape)}, neither vectors (N, D) nor feature "
                    "maps (N, C, H, W); choose another"
                )
            vectors = output.mean(dim=(2, 3)) if output.ndim == 4 else output  # (B, D)
            parts.append(vectors.float().cpu().numpy())
    if not parts:
        raise ValueError("images holds no image; give at least one")
    return np.concatenate(parts)


def activation_maximization(
    network: nn.Module | Trained,
    layer: str,
    channels: int | Sequence[int],
    generator: torch.Generator,
    image_shape: Sequence[int] | None = None,
    steps: int = 200,
    jitter: int = 2,
    total_variation: float = 0.2,
) -> np.ndarray:
    r"""Find an image that excites a channel, by climbing its gradient from noise.

    One image is made for each channel. With :math:`a(x)` how strongly the channel reacts, divided by its size
    for the first image, each step raises

    .. math:: a(x) - \lambda \, \mathrm{TV}(x)

    by Adam, at a rate of 0.05. TV, the total variation, is the mean size of the difference between
    neighboring pixels, and keeps down fine noise. Jitter does even more against it: before each step the
    image is shifted at random, around its borders, so that nothing depends on where the network's strides
    fall. Pixels are the sigmoid of what is learned, and so stay between 0 and 1.

    How strongly a feature map reacts is its mean, of which negative values count a tenth, as they would
    behind a leaky ReLU: the plain mean over a convolution's output depends on the image's mean color alone.
    A number of a dense layer counts as it is.

    What is found excites the unit, which does not mean that it is what the unit is for: a photograph that
    excites it as much may look quite different.

    Parameters
    ----------
    network : nn.Module or Trained
        A `Trained` scales images as it was trained; a bare module is given pixels from 0 to 1. Its weights
        stay as they are.
    layer : str
        The module whose output is raised, by its name in ``model.named_modules()``.
    channels : int or sequence of int
        Channels of that output: feature maps, or numbers of a dense layer.
    generator : torch.Generator
        For the noise and the shifts; on the CPU.
    image_shape : (C, H, W), optional
        Of the images; needed for a bare module.
    steps : int
        How many.
    jitter : int
        The largest shift to each side; 0 for none.
    total_variation : float
        The weight :math:`\lambda`; 0 for none.

    Returns
    -------
    ndarray of float32 of shape (K, C, H, W)
        Pixels from 0 to 1, one image for each channel.

    Raises
    ------
    TypeError, ValueError
        If there is no such layer or channel, or the channel does not depend on the image.

    References
    ----------
    Erhan, Bengio, Courville and Vincent, "Visualizing higher-layer features of a deep network", 2009;
    Mahendran and Vedaldi, "Understanding deep image representations by inverting them", CVPR 2015,
    https://arxiv.org/abs/1412.0035; Olah, Mordvintsev and Schubert, "Feature visualization", Distill 2017,
    https://doi.org/10.23915/distill.00007.

    Examples
    --------
    >>> bright = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False))
    >>> _ = nn.init.ones_(bright[0].weight)  # the sum of nine pixels: white excites it most
    >>> found = activation_maximization(bright, "0", 0, torch.Generator().manual_seed(0), (1, 8, 8))
    >>> found.shape, bool(found.min() > 0.9)
    ((1, 1, 8, 8), True)
    """
    chosen = [channels] if isinstance(channels, int) else list(channels)
    chosen = [check_count("channels", channel, minimum=0) for channel in chosen]
    check_filled("channels", chosen, "at least one channel")
    check_count("steps", steps)
    check_count("jitter", jitter, minimum=0)
    check_number("total_variation", total_variation, 0, math.inf)
    model, given, shape = _parts(network, image_shape)
    noise = 0.1 * torch.randn(len(chosen), *shape, generator=generator)
    z = noise.to(device_of(model)).requires_grad_()  # (K, C, H, W): pixels before the sigmoid
    optimizer, size = torch.optim.Adam([z], lr=RATE), None
    with evaluating(model):
        for _ in range(steps):
            x = z.sigmoid()
            shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
            output = _output(model, given, x.roll(shift, dims=(2, 3)), layer)
            excitement = _of_channels(output, chosen, layer)  # (K,)
            if size is None:
                _check_depends(excitement, z, chosen, layer)
                size = excitement.detach().abs().clamp(min=1e-3)
            loss = (total_variation * _total_variation(x) - excitement / size).sum()
            (z.grad,) = torch.autograd.grad(loss, [z])  # the weights get no gradient
            optimizer.step()
    return z.detach().sigmoid().cpu().numpy()


def _parts(network: Any, image_shape: Any) -> tuple[nn.Module, Forward, tuple[int, ...]]:
    """Return the module whose layers have names, what takes pixels from 0 to 1, and the shape of an image."""
    if isinstance(network, Trained):
        if image_shape is not None:
            raise TypeError("a Trained knows the shape of its images; leave out image_shape")
        scaled, device = network.network, device_of(network.model)
        mean, std = (torch.tensor(each, device=device).view(-1, 1, 1) for each in (network.mean, network.std))
        return network.model, lambda x: scaled((x - mean) / std), (network.channels, *network.size)
    if image_shape is None:
        raise TypeError("a bare module needs image_shape, (C, H, W); a models.Trained has its own")
    model = check_module(network)
    return model, model, check_counts("image_shape", image_shape, "(C, H, W)", length=3)


def _output(model: nn.Module, run: Forward, x: torch.Tensor, layer: str | None) -> torch.Tensor:
    """Return what a layer of `model` gives while `run` is given x; what its last dense layer gets if None."""
    taken: list[Any] = []

    def leave(name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        if layer is None and isinstance(module, nn.Linear):
            taken.append(given[0])
        elif name == layer:
            taken.append(output)
        return output

    if layer is not None:
        check_choice("layer", layer, [name for name, _ in model.named_modules()])
    with watched(model, leave=leave):
        run(x)
    if not taken or not isinstance(taken[-1], torch.Tensor):
        missing = "the network has no dense layer" if layer is None else f"layer {layer!r} gives no tensor"
        raise ValueError(f"{missing} when an image passes; name another of model.named_modules() as layer")
    return taken[-1]


def _of_channels(output: torch.Tensor, channels: Sequence[int], layer: str) -> torch.Tensor:
    """Return how strongly each image's own channel reacts, (K,), from what the layer gave for K images."""
    if output.ndim not in (2, 4):
        raise ValueError(
            f"layer {layer!r} gives shape {tuple(output.shape)}, neither numbers (N, D) nor feature maps "
            "(N, C, H, W); choose another"
        )
    if max(channels) >= output.shape[1]:
        raise ValueError(
            f"channels must be below {output.shape[1]}, which layer {layer!r} has, got {max(channels)}"
        )
    own = output[range(len(channels)), channels]  # (K,) or (K, H, W)
    return F.leaky_relu(own, 0.1).mean(dim=(1, 2)) if own.ndim > 1 else own


def _check_depends(excitement: torch.Tensor, z: torch.Tensor, channels: Sequence[int], layer: str) -> None:
    """Raise unless each channel has a gradient for its image."""
    (slope,) = torch.autograd.grad(excitement.sum(), [z], retain_graph=True)
    flat = [channel for channel, each in zip(channels, slope, strict=True) if not each.any()]
    if flat:
        raise ValueError(
            f"channels {flat} of layer {layer!r} have no gradient on noise, so there is nothing to climb; "
            "take the layer before its ReLU, or another seed"
        )


def _total_variation(x: torch.Tensor) -> torch.Tensor:
    """Return the mean size of the difference between neighboring pixels of each image: (K,)."""
    return x.diff(dim=2).abs().mean(dim=(1, 2, 3)) + x.diff(dim=3).abs().mean(dim=(1, 2, 3))
