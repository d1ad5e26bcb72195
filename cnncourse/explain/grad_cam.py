"""Grad-CAM: which places of the last feature maps speak for a class."""

from typing import Any

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_choice, check_count
from cnncourse._modules import blank, evaluating, passing, run_on_shapes, watched
from cnncourse._trace import is_convolution
from cnncourse.explain.scoring import check_target, scored, targets_of
from cnncourse.models import Trained
from cnncourse.models.resolution import scale_to


def grad_cam(
    network: nn.Module | Trained,
    images: Any,
    target: Any = None,
    layer: str | None = None,
    batch_size: int = 100,
) -> np.ndarray:
    r"""Return where each image has what speaks for a class.

    How much the score :math:`y` of a class rises with a feature map :math:`A^k` is the mean of its gradient
    over all :math:`Z` places; the maps are added up with these weights, and only what speaks *for* the class
    is kept:

    .. math:: \alpha_k = \frac{1}{Z} \sum_{i, j} \frac{\partial y}{\partial A^k_{ij}} \qquad
              L_{ij} = \max\Bigl(0, \sum_k \alpha_k \, A^k_{ij}\Bigr)

    The result has the few places of the feature maps and is scaled up to the image, so its edges are soft. It
    says where the network found something, not that it was right to look there.

    Parameters
    ----------
    network : nn.Module or Trained
        A `Trained` scales images as it was trained; a bare module is given them as they are. It is evaluated,
        and its weights get no gradient.
    images : ndarray or Tensor of shape (N, C, H, W), or ImageSet
        For a `Trained` as for `Trained.predict`, for a bare module floating-point numbers.
    target : int or sequence of N int, optional
        The class that is asked about, one for all images or one for each; by default the one that the
        network chooses.
    layer : str, optional
        The module whose feature maps are weighed, by its name in ``model.named_modules()``. By default
        `last_feature_maps`.
    batch_size : int
        Images at a time; it changes the speed, not the result.

    Returns
    -------
    ndarray of float32 of shape (N, H, W)
        From 0 to 1, the size of the images; the largest value of each is 1, or all are 0 where nothing in the
        layer speaks for the class.

    Raises
    ------
    TypeError, ValueError
        If the images do not fit, there is no such class or layer, the layer gives no feature maps, or the
        scores do not depend on it.

    References
    ----------
    Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization",
    ICCV 2017, https://doi.org/10.1109/ICCV.2017.74, section 3.

    Examples
    --------
    >>> bright = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> _ = nn.init.ones_(bright[0].weight)  # the score of its only class is the mean brightness
    >>> image = np.zeros((1, 1, 2, 2), np.float32)
    >>> image[0, 0, 0, 1] = 0.5
    >>> grad_cam(bright, image)[0]
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    given = scored(network, images)
    target = check_target(target, len(given.images))
    check_count("batch_size", batch_size)
    size = given.images.shape[2:]
    if layer is None:
        layer = last_feature_maps(given.model, given.prepare(given.images[:1]).shape[1:])
    maps = np.empty((len(given.images), *size), np.float32)
    with evaluating(given.model), torch.enable_grad():
        for chosen, part in given.parts(batch_size):
            features, scores = _run(given.model, given.prepare(part), layer)
            asked = targets_of(scores, None if target is None else target[chosen])  # (B,)
            slope = _slope(scores.gather(1, asked[:, None]), features, layer)  # (B, K, h, w)
            weight = slope.mean(dim=(2, 3), keepdim=True)  # (B, K, 1, 1), the paper's alpha
            heat = (weight * features).sum(dim=1, keepdim=True).relu()  # (B, 1, h, w)
            maps[chosen] = scale_to(heat.detach().float(), size, "bilinear")[:, 0].cpu().numpy()
    return _to_one(maps)


def last_feature_maps(model: nn.Module, image_shape: Any) -> str:
    """Return the name of the module that gives the last feature maps before a network gives up their places.

    That is the last module whose maps are as large as those of the last convolution: behind its activation,
    its block's branches and the addition of a shortcut. Convolutions that give one number a map, such as
    those that weigh channels, do not count.

    Parameters
    ----------
    model : nn.Module
        The network.
    image_shape : sequence of int
        (C, H, W) of an image.

    Returns
    -------
    str
        A name in ``model.named_modules()``.

    Raises
    ------
    ValueError
        If no convolution gives feature maps of more than one place, or no such image passes.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    >>> last_feature_maps(network, (3, 8, 8))  # the ReLU
    '1'
    """
    last: Any = None  # the size of the last convolution's maps
    sizes: dict[str, Any] = {}  # of what each module gave when it last ran, in this order

    def leave(name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        nonlocal last
        sizes.pop(name, None)
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2:].numel() > 1:
            sizes[name] = output.shape[2:]
            last = output.shape[2:] if is_convolution(module) else last
        return output

    shape = tuple(image_shape)
    with evaluating(model), torch.no_grad(), passing(model, shape, leave=leave):
        run_on_shapes(model, blank(model, (1, *shape), "meta"))
    names = [name for name, size in sizes.items() if size == last]
    if not names:
        raise ValueError(
            f"{type(model).__name__} has no convolution that gives feature maps of more than one place; "
            "name a layer that gives (N, C, H, W)"
        )
    return names[-1]


def _run(model: nn.Module, x: torch.Tensor, layer: str) -> tuple[torch.Tensor, Any]:
    """Return what `layer` gives for x, such that a gradient can be taken for it, and the scores."""
    check_choice("layer", layer, [name for name, _ in model.named_modules()])
    taken: list[Any] = []

    def leave(name: str, module: nn.Module, given: list[torch.Tensor], output: Any) -> Any:
        if name != layer:
            return output
        maps = isinstance(output, torch.Tensor) and output.ndim == 4
        # the gradient ends here, so that frozen layers have one; what follows may change its copy in place
        taken.append(output.detach().requires_grad_() if maps else output)
        return taken[-1].clone() if maps else output

    with watched(model, leave=leave):
        scores = model(x)
    if not taken:
        raise ValueError(f"layer {layer!r} does not run when an image passes; choose another")
    features = taken[-1]  # of a layer that runs several times, its last run
    if not isinstance(features, torch.Tensor) or features.ndim != 4:
        what = f"shape {tuple(features.shape)}" if isinstance(features, torch.Tensor) else "no tensor"
        raise ValueError(
            f"layer {layer!r} gives {what}, no feature maps (N, C, H, W); choose a convolution or a block"
        )
    return features, scores


def _slope(scores: torch.Tensor, features: torch.Tensor, layer: str) -> torch.Tensor:
    """Return the gradient of each image's score (B, 1) for its feature maps."""
    slope = None
    if scores.requires_grad:
        (slope,) = torch.autograd.grad(scores.sum(), [features], allow_unused=True)
    if slope is None:
        raise ValueError(f"no score depends on layer {layer!r}; choose one between image and scores")
    return slope


def _to_one(maps: np.ndarray) -> np.ndarray:
    """Return maps (N, H, W), at least 0, each divided by its largest value; those of zeros as they are."""
    most = maps.max(axis=(1, 2), keepdims=True)  # (N, 1, 1)
    divided: np.ndarray = np.divide(maps, most, out=np.zeros_like(maps), where=most > 0)
    return divided
