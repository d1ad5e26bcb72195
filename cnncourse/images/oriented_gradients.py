"""Histograms of oriented gradients: what pictures were described by before networks learned it."""

import math
from typing import Any

import numpy as np

from cnncourse._checks import check_count, check_image


def hog(images: Any, cell_size: int = 8, orientations: int = 9, block_size: int = 2) -> np.ndarray:
    """Describe pictures by histograms of oriented gradients, made by hand and not learned.

    In each square cell, every pixel votes for the direction in which brightness changes there, with the
    strength of the change; neighboring cells are then scaled together so that contrast drops out.

    Parameters
    ----------
    images : array_like of uint8 or float of shape (N, C, H, W)
        Of the channels, the one with the strongest change counts at each pixel.
    cell_size : int
        Side of a cell, in pixels; rows and columns that fill no cell are left out.
    orientations : int
        Directions told apart between 0 and 180 degrees (light-to-dark and dark-to-light are the same).
    block_size : int
        Cells along the side of a block that is scaled together.

    Returns
    -------
    ndarray of float of shape (N, blocks_h · blocks_w · block_size² · orientations)
        ``blocks_h = H // cell_size - block_size + 1``, the same for the width.

    References
    ----------
    N. Dalal and B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005, section 6,
    without gamma compression, the Gaussian weights in a block, and the sharing of votes between cells.
    doi:10.1109/CVPR.2005.177

    Examples
    --------
    >>> hog(np.zeros((5, 3, 32, 32))).shape
    (5, 324)
    """
    x = np.asarray(images)
    x = check_image("images", x / 255 if x.dtype == np.uint8 else x, (4,), empty_batch=True)
    cell_size, orientations = check_count("cell_size", cell_size), check_count("orientations", orientations)
    block_size = check_count("block_size", block_size)
    rows, columns = x.shape[2] // cell_size, x.shape[3] // cell_size
    if min(rows, columns) < block_size:
        raise ValueError(
            f"a block of {block_size}x{block_size} cells of {cell_size} pixels is larger than the "
            f"{x.shape[2]}x{x.shape[3]} images; use a smaller cell_size or block_size"
        )
    strength, angle = _gradients(x[:, :, : rows * cell_size, : columns * cell_size])  # (N, H, W) each

    # Each vote is shared between the two nearest directions; direction k has its middle at k + 1/2.
    position = angle / np.pi * orientations - 0.5
    lower = np.floor(position)
    upper_share = position - lower
    votes = np.zeros((len(x), rows, columns, orientations), dtype=x.dtype)
    for direction in range(orientations):
        vote = np.where(lower % orientations == direction, 1 - upper_share, 0.0)
        vote += np.where((lower + 1) % orientations == direction, upper_share, 0.0)
        cells = (vote * strength).reshape(len(x), rows, cell_size, columns, cell_size)
        votes[..., direction] = cells.mean(axis=(2, 4))

    blocks = np.lib.stride_tricks.sliding_window_view(votes, (block_size, block_size), axis=(1, 2))
    features = blocks.reshape(len(x), math.prod(blocks.shape[1:3]), math.prod(blocks.shape[3:]))
    features = _unit_length(np.minimum(_unit_length(features), 0.2))  # cut what sticks out ("L2-hys")
    return features.reshape(len(x), math.prod(features.shape[1:]))


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    """Scale the vectors on the last axis to length 1; those near zero stay there."""
    scaled: np.ndarray = vectors / np.sqrt((vectors**2).sum(axis=-1, keepdims=True) + 1e-10)
    return scaled


def _gradients(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return strength and angle (0 to pi) of the change at each pixel, of the channel that changes most."""
    dy, dx = np.zeros_like(x), np.zeros_like(x)
    dy[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    dx[:, :, :, 1:-1] = x[..., 2:] - x[..., :-2]
    strength = np.hypot(dy, dx)
    strongest = strength.argmax(axis=1)[:, None]  # (N, 1, H, W)
    dy, dx, strength = (np.take_along_axis(a, strongest, axis=1)[:, 0] for a in (dy, dx, strength))
    return strength, np.arctan2(dy, dx) % np.pi
