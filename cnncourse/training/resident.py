"""All images of a set in memory, normalized, at the size of the moment, ready to be cropped."""

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from cnncourse.data import ImageSet

Scale = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation of each channel
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's training images


def normalization(image_set: "ImageSet") -> Scale:
    """Return mean and deviation of each channel: CIFAR-10's are constants, counting takes a second."""
    if image_set.name == "cifar10" and image_set.shape[0] == len(MEAN):
        return MEAN, STD
    mean, std = image_set.statistics()
    return tuple(mean.tolist()), tuple(std.clip(1e-3).tolist())  # a channel may be the same everywhere


def resident(
    image_set: "ImageSet",
    size: int,
    crop: int,
    dtype: torch.dtype,
    device: torch.device,
    scale: Scale = (MEAN, STD),
) -> torch.Tensor:
    """Return all images normalized, with mirrored borders, and down-sampled, ready to be cropped to `size`.

    Returns
    -------
    Tensor of shape (N, C, size + 2 m, size + 2 m)
        `m` pixels on each side stand for about `crop` pixels of the original.
    """
    pixels = image_set.shape[-1]
    matrix = shrink_matrix(pixels, size, round(crop * size / pixels)).to(device, dtype)
    mean, std = (torch.tensor(values, device=device).reshape(-1, 1, 1) for values in scale)
    shape = (*image_set.images.shape[:2], len(matrix), len(matrix))
    images = torch.empty(shape, dtype=dtype, device=device, memory_format=torch.channels_last)
    parts = zip(torch.split(torch.as_tensor(image_set.images), 5000), torch.split(images, 5000), strict=True)
    for part, place in parts:  # in parts, so that memory never holds all of them twice
        small = matrix @ part.to(device, dtype) @ matrix.T  # (5000, C, size + 2 m, size + 2 m)
        place.copy_((small / 255 - mean).div_(std))
    return images


def shrink_matrix(size: int, new_size: int, margin: int = 0) -> torch.Tensor:
    """Return the matrix (new_size + 2 margin, size) that down-samples with a triangle as wide as the step.

    Beyond the border are mirrored pixels. All of it is linear: one matrix does it for rows and for columns.
    """
    step = size / new_size
    reach = math.ceil((margin + 1) * step) if margin else 0
    framed = F.pad(torch.eye(size)[None], (reach, reach), mode="reflect")[0].T  # (size + 2 reach, size)
    middle = (torch.arange(-margin, new_size + margin) + 0.5) * step - 0.5
    weights = (1 - (torch.arange(-reach, size + reach) - middle[:, None]).abs() / step).clamp(min=0)
    return weights / weights.sum(dim=1, keepdim=True) @ framed
