"""Batches: an image set in memory, augmented and scaled a whole batch at a time."""

import copy
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from cnncourse import augmentation
from cnncourse._checks import check_count
from cnncourse._modules import device_of
from cnncourse.training.support import memory_format, seeded, start_training

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


class Batches:
    """Go through an image set in shuffled batches of floating-point images and labels.

    Nothing is done image by image: the images are padded once, every crop is a window of the padded
    array, and one indexing operation takes a batch of windows. The same seed gives the same batches.

    Parameters
    ----------
    image_set : ImageSet
        uint8 images (N, C, H, W) and labels (N,).
    batch_size : int
        Images in a batch; the last batch of an epoch may be smaller.
    crop : int
        Move each image by -crop to +crop pixels along each axis, drawn at random; zeros come in.
    flip : bool
        Mirror each image with probability one half.
    seed : int
        Order and augmentation of epoch `e` depend on `seed` and `e` alone.
    shuffle : bool
        False keeps the order of the image set.
    mean, std : sequence of float
        Pixels on the scale 0 to 1 become ``(pixel - mean) / std``: one number, or one for each channel.
    device : torch.device or str
        Where the batches go.
    channels_last : bool
        Whether the batches lie in memory with their channels innermost.
    part : tuple of int
        ``(k, n)`` yields of each batch the images number k, k + n, k + 2n and so on: the share of process k
        where n processes train together.
    augment : sequence of Transform
        Further transforms, after crop and flip, from `cnncourse.augmentation`. Where one of them mixes
        images, the labels are shares of classes, (B, classes) in float32.

    Attributes
    ----------
    epoch : int
        The epoch that the next iteration yields; each iteration adds one.

    Raises
    ------
    ValueError
        If `mean` or `std` does not fit the channels, `crop` the size of the images, or a batch has fewer
        images than there are parts.

    Examples
    --------
    >>> from cnncourse.data import ImageSet
    >>> ones = np.full((10, 3, 8, 8), 255, np.uint8)
    >>> image_set = ImageSet(ones, np.arange(10), tuple("abcdefghij"), "white", "train")
    >>> batches = Batches(image_set, batch_size=4, flip=True)
    >>> [tuple(images.shape) for images, labels in batches]
    [(4, 3, 8, 8), (4, 3, 8, 8), (2, 3, 8, 8)]
    """

    def __init__(
        self,
        image_set: "ImageSet",
        batch_size: int,
        crop: int = 0,
        flip: bool = False,
        seed: int = 0,
        shuffle: bool = True,
        mean: Sequence[float] = (0.5,),
        std: Sequence[float] = (0.5,),
        device: torch.device | str = "cpu",
        channels_last: bool = False,
        part: tuple[int, int] = (0, 1),
        augment: Sequence[augmentation.Transform] = (),
    ) -> None:
        images = image_set.images  # (N, C, H, W)
        self.batch_size = check_count("batch_size", batch_size)
        self.crop = check_count("crop", crop, minimum=0)
        self.flip, self.seed, self.shuffle = flip, seed, shuffle
        self.device = torch.device(device)
        self.layout = memory_format(channels_last)
        self.part, self.augment = part, tuple(augment)
        self.epoch = 0
        channels, *size = images.shape[1:]
        for name, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise ValueError(f"{name} has {len(values)} numbers for images of {channels} channels")
        if not min(std) > 0:
            raise ValueError(f"std must be above 0, got {tuple(std)}")
        if crop and crop >= min(size):
            raise ValueError(
                f"crop {crop} could move images of {size[0]}x{size[1]} out of sight; use a smaller one"
            )
        # (pixel / 255 - mean) / std = pixel * scale + shift
        self._scale = (1 / (255 * np.asarray(std, dtype=np.float64))).astype(np.float32).reshape(-1, 1, 1)
        self._shift = (-np.asarray(mean, dtype=np.float64) / std).astype(np.float32).reshape(-1, 1, 1)
        self.image_set, self._labels = image_set, np.asarray(image_set.labels)
        if len(self) and (smallest := self.count(len(self) - 1)) < part[1]:
            raise ValueError(
                f"the last batch has {smallest} images for {part[1]} processes; choose another batch_size"
            )
        sides = ((0, 0), (0, 0), (crop, crop), (crop, crop))
        padded = np.pad(images, sides) if crop else images  # (N, C, H + 2 crop, W + 2 crop)
        # a view: [n, :, i, j] is image n shifted by (crop - i, crop - j)
        self._windows = sliding_window_view(padded, size, axis=(2, 3))

    def __len__(self) -> int:
        return math.ceil(len(self._labels) / self.batch_size)

    def count(self, index: int) -> int:
        """Return how many images batch number `index` of an epoch has, all parts together."""
        return min(self.batch_size, len(self._labels) - index * self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        random = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        count = len(self._labels)
        order = random.permutation(count) if self.shuffle else np.arange(count)
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]
            i, j = random.integers(0, 2 * self.crop + 1, (2, len(chosen)))
            mirrored = random.random(len(chosen)) < 0.5 if self.flip else np.zeros(len(chosen), bool)
            mine = slice(self.part[0], None, self.part[1])  # drawn for all, so that the parts do not matter
            taken = slice(None) if self.augment else mine  # others' images may be mixed into these
            if self.crop:
                images = self._windows[chosen[taken], :, i[taken], j[taken]]  # (B, C, H, W), a window each
            else:
                images = self._windows[:, :, 0, 0][chosen[taken]]  # the same in a third of the time
            labels = self._labels[chosen[taken]]
            if self.flip:
                images[mirrored[taken]] = images[mirrored[taken]][..., ::-1]
            if self.augment:
                pixels = images.astype(np.float32) / 255
                images, labels = augmentation.apply(
                    self.augment, pixels, labels, len(self.image_set.classes), random
                )
                images, labels = 255 * images[mine], labels[mine]
            # NumPy, not torch: its one thread does not wait for others where programs share the cores
            scaled = np.multiply(images, self._scale, dtype=np.float32)
            scaled += self._shift
            x, y = torch.from_numpy(scaled), torch.from_numpy(labels)
            yield x.to(self.device, memory_format=self.layout), y.to(self.device)


def check_smallest_batch(model: nn.Module, batches: Batches) -> None:
    """Raise if an epoch has a batch of one image that `model` cannot be trained on.

    Batch normalization over maps of one pixel is such a case: the deviation of one value is none.
    """
    images, parts = len(batches.image_set), batches.part[1]
    if not len(batches) or batches.count(len(batches) - 1) // parts != 1:
        return
    twin = copy.deepcopy(model)
    start_training(twin)
    try:
        with torch.no_grad(), seeded(0):
            twin(torch.zeros(1, *batches.image_set.shape, device=device_of(model)))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"batch_size {batches.batch_size} leaves a last batch of one image"
            f"{' a process' if parts > 1 else ''} of the {images} training images, on which "
            f"this network cannot be trained ({error}); choose another batch_size"
        ) from error
