"""Occlusion: how much less sure a network is where a part of the image is covered."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from cnncourse._checks import check_count
from cnncourse._modules import evaluating
from cnncourse.explain.scoring import check_target, scored, targets_of
from cnncourse.models import Trained


def occlusion(
    network: nn.Module | Trained,
    images: Any,
    target: Any = None,
    patch: int = 8,
    stride: int = 4,
    batch_size: int = 100,
) -> np.ndarray:
    """Return how much the probability of a class falls where a part of each image is covered.

    A square patch of the image's mean color is laid over one place after the other, and the network answers
    anew each time. A pixel's value is the mean over all patches that covered it. Nothing is asked of the
    network but its answers, so that this is a check of what gradients say; a covered image is none that it
    was trained on, though, and what is hidden at two places at once is not seen.

    Parameters
    ----------
    network : nn.Module or Trained
        As for `grad_cam`.
    images : ndarray or Tensor of shape (N, C, H, W), or ImageSet
        As for `grad_cam`.
    target : int or sequence of N int, optional
        The class that is asked about, one for all images or one for each; by default the one that the
        network chooses for the whole image.
    patch : int
        Height and width of the patch, in pixels of the images.
    stride : int
        How far it moves; at most `patch`, so that no pixel is left out.
    batch_size : int
        Covered images at a time; it changes the speed, not the result.

    Returns
    -------
    ndarray of float32 of shape (N, H, W)
        The probability with nothing covered, less that with the pixel covered: from -1 to 1, above 0 where
        the image speaks for the class.

    Raises
    ------
    TypeError, ValueError
        If the images do not fit, there is no such class, or the patch is larger than the image or its stride
        larger than the patch.

    References
    ----------
    Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
    https://doi.org/10.1007/978-3-319-10590-1_53, section 4.2.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> _ = network[1].weight.data.copy_(torch.tensor([[0, 9.0, 0, 0], [0, 0, 0, 0]]))  # one pixel decides
    >>> image = np.zeros((1, 1, 2, 2), np.float32)
    >>> image[0, 0, 0, 1] = 1
    >>> occlusion(network, image, patch=1, stride=1)[0].round(2)
    array([[0. , 0.1],
           [0. , 0. ]], dtype=float32)
    """
    given = scored(network, images)
    target = check_target(target, len(given.images))
    height, width = given.images.shape[2:]
    if check_count("patch", patch) > min(height, width):
        raise ValueError(f"patch {patch} is larger than the images of {height}x{width}; use a smaller one")
    if check_count("stride", stride) > patch:
        raise ValueError(f"stride {stride} leaves out pixels between patches of {patch}; use at most {patch}")
    check_count("batch_size", batch_size)
    places = [(y, x) for y in _starts(height, patch, stride) for x in _starts(width, patch, stride)]
    falls = np.zeros((len(given.images), height, width), np.float64)
    covers = np.zeros((height, width), np.int64)
    for y, x in places:
        covers[y : y + patch, x : x + patch] += 1

    def probabilities(batch: np.ndarray) -> torch.Tensor:
        scores = given.model(given.prepare(batch))
        targets_of(scores, None)  # they are scores of classes
        shares: torch.Tensor = (scores.float() / given.temperature).softmax(dim=1)  # (B, classes)
        return shares.cpu()

    with evaluating(given.model), torch.inference_mode():
        for index, image in enumerate(given.images):
            whole = probabilities(image[None])  # (1, classes)
            asked = int(targets_of(whole, None if target is None else target[index : index + 1]))
            for some, covered in _covered(image, places, patch, batch_size):
                fall = (whole[0, asked] - probabilities(covered)[:, asked]).tolist()
                for (y, x), value in zip(some, fall, strict=True):
                    falls[index, y : y + patch, x : x + patch] += value
    result: np.ndarray = (falls / covers).astype(np.float32)
    return result


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """Return where patches begin along an axis; the last one ends with the image."""
    return [*range(0, length - patch, stride), length - patch]


def _covered(
    image: np.ndarray, places: list[tuple[int, int]], patch: int, batch_size: int
) -> Iterator[tuple[list[tuple[int, int]], np.ndarray]]:
    """Yield some of the places, and the image (C, H, W) covered at each of them: (B, C, H, W)."""
    color = image.mean(axis=(1, 2), keepdims=True)  # (C, 1, 1)
    color = np.rint(color).astype(image.dtype) if image.dtype == np.uint8 else color.astype(image.dtype)
    for start in range(0, len(places), batch_size):
        some = places[start : start + batch_size]
        covered = np.repeat(image[None], len(some), axis=0)
        for copy, (y, x) in zip(covered, some, strict=True):
            copy[:, y : y + patch, x : x + patch] = color
        yield some, covered
