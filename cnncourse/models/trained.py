"""Trained: a network with its weights and all that is needed to use them, in memory and in one file.

Examples
--------
>>> import numpy as np
>>> from cnncourse import models
>>> network = models.create_model("conv_bn_gap", num_classes=2, in_channels=1, seed=0)
>>> trained = models.Trained(
...     network, "conv_bn_gap", classes=("no", "yes"), channels=1, size=(8, 8), mean=0.5, std=0.5
... )
>>> trained.predict(np.zeros((5, 1, 8, 8), np.uint8)).shape
(5, 2)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_count, check_counts, check_number, check_unit_range
from cnncourse._modules import blank, check_module, device_of, evaluating
from cnncourse.models._trained_file import KEYS, as_half, check_weights, write_file
from cnncourse.models.create import create_model
from cnncourse.models.resolution import AtResolution, scale_to


class HasImages(Protocol):
    """What has images, such as an `cnncourse.data.ImageSet`."""

    @property
    def images(self) -> np.ndarray:
        """uint8 images (N, C, H, W)."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network: the module, and what its numbers mean.

    Parameters
    ----------
    model : nn.Module
        Takes images (N, C, H, W) and returns logits (N, classes).
    architecture : str
        A key of `MODELS`, from which `load_trained` makes the network again.
    classes : tuple of str
        What each output stands for.
    channels : int
        Channels of its images: 3 for color, 1 for gray.
    size : (int, int)
        Height and width of its images.
    mean, std : float or tuple of float
        Pixels on the scale 0 to 1 become ``(pixel - mean) / std``: one number, or one for each channel.
    options : mapping
        Further arguments of the architecture, as `create_model` takes them.
    resolution : (int, int), optional
        Height and width to which images are scaled before the network sees them; by default `size`.
    license : str
        Under which the weights may be used; empty if nothing is said.
    record : mapping
        What made it: ``dataset`` (with its ``fingerprint``), ``recipe``, ``result`` and the rest of its run's
        record; empty if it was made otherwise.
    temperature : float
        By which `predict` divides the logits, so that it is as sure as it may be
        (`cnncourse.explain.temperature`); 1 leaves them as they are.

    Raises
    ------
    TypeError, ValueError
        If something is of the wrong kind, or the network does not take such images or has another number of
        outputs than there are classes.

    Examples
    --------
    >>> network = create_model("conv_bn_gap", num_classes=10, seed=0)
    >>> Trained(network, "conv_bn_gap", ("cat", "dog"), channels=3, size=(32, 32), mean=0.5, std=0.5)
    Traceback (most recent call last):
    ...
    ValueError: the network has 10 outputs for 2 classes; give a name for each output, in their order
    """

    model: nn.Module
    architecture: str
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    resolution: tuple[int, int] | None = None
    license: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_module(self.model)
        size = check_counts("size", self.size, "(H, W)", length=2)
        resolution = check_counts("resolution", self.resolution or size, "(H, W)", length=2)
        check_count("channels", self.channels)
        for name, kind in (("options", Mapping), ("record", Mapping), ("license", str)):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} must be a {kind.__name__.lower()}, got {getattr(self, name)!r}")
        values = {"classes": check_classes(self.classes), "size": size, "resolution": resolution}
        values |= {name: self._check_numbers(name) for name in ("mean", "std")}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {self.std}")
        check_number("temperature", self.temperature, 0, math.inf, above=True)
        self._check_outputs()

    def _check_numbers(self, name: str) -> tuple[float, ...]:
        """Return mean or std as a tuple: one number, or one for each channel."""
        value = getattr(self, name)
        numbers = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,)
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float | np.number):
                raise TypeError(f"{name} must be a number, or one for each channel, got {value!r}")
            if not math.isfinite(number):
                raise ValueError(f"{name} must be finite, got {value!r}")
        if len(numbers) not in (1, self.channels):
            raise ValueError(f"{name} has {len(numbers)} numbers for images of {self.channels} channels")
        return tuple(map(float, numbers))

    def _check_outputs(self) -> None:
        """Raise unless the network takes such images and has an output for each class."""
        shape = (1, self.channels, *self._resolution)
        try:
            with evaluating(self.model), torch.inference_mode():
                logits = self.model(blank(self.model, shape))
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"the network does not take images of shape {shape[1:]}: {error}") from None
        if logits.ndim != 2 or logits.shape[1] != len(self.classes):
            outputs = logits.shape[1] if logits.ndim == 2 else f"the shape {tuple(logits.shape)} of"
            raise ValueError(
                f"the network has {outputs} outputs for {len(self.classes)} classes; "
                "give a name for each output, in their order"
            )

    @property
    def _resolution(self) -> tuple[int, int]:
        return self.resolution or self.size

    @property
    def network(self) -> nn.Module:
        """The model with the scaling to its resolution before it: it takes normalized images of `size`."""
        same = self._resolution == self.size
        return self.model if same else AtResolution(self.model, self._resolution)

    def __repr__(self) -> str:
        shape = "x".join(map(str, (self.channels, *self.size)))
        return f"Trained({self.architecture}: images {shape}, {len(self.classes)} classes)"

    def predict(self, images: np.ndarray | torch.Tensor | HasImages, batch_size: int = 1000) -> np.ndarray:
        """Return the probability of each class for each image, at the network's `temperature`.

        Dropout is off and batch normalization uses its running statistics; each module is back in its own
        mode afterwards.

        Parameters
        ----------
        images : ndarray or Tensor of shape (N, C, H, W), or ImageSet
            uint8, or floating-point numbers from 0 to 1; of the channels and size of this network.
        batch_size : int
            Images at a time; it changes the speed, not the result.

        Returns
        -------
        ndarray of shape (N, classes), float32
            Rows that sum to 1, in the order of `classes`.

        Raises
        ------
        TypeError, ValueError
            If the images are of another kind, range, number of axes or size.
        """
        array = self._check_images(images)
        check_count("batch_size", batch_size)
        parts = [np.empty((0, len(self.classes)), np.float32)]
        with evaluating(self.model), torch.inference_mode():
            for start in range(0, len(array), batch_size):
                logits = self.model(self._scale(array[start : start + batch_size]))  # (B, classes)
                parts.append((logits.float() / self.temperature).softmax(dim=1).cpu().numpy())
        probabilities = np.concatenate(parts)
        if not np.isfinite(probabilities).all():
            raise ValueError("the network returns numbers that are none: its training diverged")
        return probabilities

    def prepare(self, images: np.ndarray | torch.Tensor | HasImages) -> torch.Tensor:
        """Return images as the network takes them: checked, normalized, at its resolution, on its device.

        Parameters
        ----------
        images : ndarray or Tensor of shape (N, C, H, W), or ImageSet
            As for `predict`.

        Returns
        -------
        Tensor of shape (N, C, H, W), float32

        Examples
        --------
        >>> network = create_model("conv_bn_gap", num_classes=2, in_channels=1, seed=0)
        >>> half = Trained(network, "conv_bn_gap", ("a", "b"), 1, (8, 8), mean=0.5, std=0.25)
        >>> half.prepare(np.ones((1, 1, 8, 8))).unique()
        tensor([2.])
        """
        return self._scale(self._check_images(images))

    def _scale(self, array: np.ndarray) -> torch.Tensor:
        """Return checked images as the network takes them."""
        # (pixel / 255 - mean) / std = pixel * scale + shift, in the arithmetic of `Batches`
        largest = 255 if array.dtype == np.uint8 else 1
        scale = (1 / (largest * np.asarray(self.std))).astype(np.float32).reshape(-1, 1, 1)
        shift = (-np.asarray(self.mean) / self.std).astype(np.float32).reshape(-1, 1, 1)
        scaled = np.multiply(array, scale, dtype=np.float32)  # (N, C, H, W)
        scaled += shift
        return scale_to(torch.from_numpy(scaled).to(device_of(self.model)), self._resolution)

    def _check_images(self, images: np.ndarray | torch.Tensor | HasImages) -> np.ndarray:
        """Return the images as uint8, or as float32 from 0 to 1."""
        if isinstance(images, torch.Tensor):
            images = images.detach().cpu().numpy()
        array = np.asarray(getattr(images, "images", images))
        if array.dtype != np.uint8:
            if array.dtype.kind != "f":
                raise TypeError(f"images must be uint8, or floats from 0 to 1, got {array.dtype}")
            check_unit_range("images", array)
        takes = f"{self.architecture} was trained on images (N, {self.channels}, H, W)"
        if array.ndim == 3:
            raise ValueError(
                f"{takes}, got shape {array.shape}; one image needs an axis in front: images[None]"
            )
        if array.ndim != 4 or array.shape[1] != self.channels:
            last = array.ndim == 4 and array.shape[3] == self.channels
            way = "; put the channels second: images.transpose(0, 3, 1, 2)" if last else ""
            raise ValueError(f"{takes}, got shape {array.shape}{way}")
        if array.shape[2:] != self.size:
            height, width = self.size
            raise ValueError(
                f"{takes} of {height}x{width}, got shape {array.shape}; "
                f"resize them: read_image and load take size=({height}, {width})"
            )
        return array

    def save(self, path: str | Path, half: bool = False) -> None:
        """Write the network to `path`, ``NAME.safetensors``, whole or not at all.

        Parameters
        ----------
        path : str or Path
            The file.
        half : bool
            Whether floating-point weights are stored as float16, in half the space; they are float32 again
            when they are read.

        Raises
        ------
        ValueError
            If `architecture` and `options` do not make this network, a weight is too large for float16, or
            the name has another ending.
        OSError
            If the file cannot be written; what was there before is kept.
        """
        twin = create_model(self.architecture, len(self.classes), self.channels, 0, self.options)
        weights = self.model.state_dict()
        check_weights(weights, twin, self.architecture)
        about = {key: getattr(self, key) for key in KEYS}
        about |= {key: dict(about[key]) for key in ("options", "record")}
        if self.temperature != 1:
            about["temperature"] = float(self.temperature)
        write_file(path, as_half(weights) if half else weights, about)


def check_classes(value: Any) -> tuple[str, ...]:
    """Return the classes as a tuple of different names."""
    names = tuple(value) if isinstance(value, list | tuple) else ()
    fine = all(isinstance(name, str) and name for name in names)
    if not names or not fine or len(set(names)) < len(names):
        raise ValueError(f"classes must be different names, one for each output, got {value!r}")
    return names
