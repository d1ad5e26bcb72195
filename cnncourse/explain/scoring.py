"""The scores that a network gives images, whether it is a bare module or knows how they were scaled."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_labels
from cnncourse._modules import check_module, device_of
from cnncourse.models import Trained


class Scored(NamedTuple):
    """A network and its images, checked."""

    model: nn.Module  # maps what `prepare` returns to scores (N, classes)
    trained: Trained | None  # None for a bare module
    images: np.ndarray  # (N, C, H, W), uint8 or floats for a `Trained`, floats for a bare module

    def prepare(self, images: np.ndarray) -> torch.Tensor:
        """Return some of the images as the module takes them, (B, C, H, W)."""
        if self.trained is not None:
            return self.trained.prepare(images)
        return torch.from_numpy(images).to(device_of(self.model))

    @property
    def temperature(self) -> float:
        """By which scores are divided before they become probabilities."""
        return 1.0 if self.trained is None else self.trained.temperature

    def parts(self, batch_size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield which images come next, and these."""
        for start in range(0, len(self.images), batch_size):
            chosen = slice(start, start + batch_size)
            yield chosen, self.images[chosen]


def scored(network: nn.Module | Trained, images: Any) -> Scored:
    """Return a network with images for it.

    Raises
    ------
    TypeError, ValueError
        If it is no network, or these are no images (N, C, H, W) for it, or none at all.
    """
    given = getattr(images, "images", images)  # an image set's
    array = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if array.ndim and not len(array):
        raise ValueError("images holds no image; give at least one")
    if isinstance(network, Trained):
        network.prepare(array[:1] if array.ndim == 4 else array)
        return Scored(network.model, network, array)
    model = check_module(network)
    if array.ndim != 4:
        raise ValueError(f"images must be (N, C, H, W), got shape {array.shape}")
    if array.dtype.kind != "f":
        raise TypeError(
            "a bare module takes images as it was trained on, floating-point numbers, got "
            f"{array.dtype}; a models.Trained scales them itself"
        )
    return Scored(model, None, array.astype(np.float32, copy=False))


def check_target(target: Any, count: int) -> np.ndarray | None:
    """Return the class that is asked about for each of `count` images; None for what the network answers."""
    if target is None:
        return None
    chosen: np.ndarray = np.asarray(target)
    if chosen.dtype.kind not in "iu":
        raise TypeError(f"target must be whole numbers, got dtype {chosen.dtype}")
    if chosen.shape not in ((), (count,)):
        raise ValueError(
            f"target must be one class, or one for each of {count} images, got shape {chosen.shape}"
        )
    return np.broadcast_to(chosen, count)


def targets_of(scores: torch.Tensor, target: np.ndarray | None) -> torch.Tensor:
    """Return the class that is asked about for each row of scores (B, classes): (B,).

    Raises
    ------
    ValueError
        If these are no scores of classes, or there is no such class.
    """
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        what = f"shape {tuple(scores.shape)}" if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise ValueError(f"the network must give scores (N, classes), got {what}")
    if target is None:
        return scores.argmax(dim=1)
    chosen = check_labels("target", target, *scores.shape)
    return torch.from_numpy(chosen.astype(np.int64)).to(scores.device)
