"""Pictures as arrays: range of values, color, layout, size, statistics.

A picture is ``(H, W)`` in gray or ``(C, H, W)`` in color, a batch is ``(N, C, H, W)``.
Stored values are uint8, 0 to 255; everything is computed in floats, 0 to 1.
"""

from cnncourse.images.color import LUMA, linear_to_srgb, srgb_to_linear, to_gray
from cnncourse.images.oriented_gradients import hog
from cnncourse.images.pixels import shuffle_pixels, to_channels_first, to_channels_last, to_float, to_uint8
from cnncourse.images.resizing import gaussian_kernel, low_pass, resize, resize_matrix
from cnncourse.images.statistics import (
    channel_statistics,
    denormalize,
    histogram,
    neighbor_correlation,
    normalize,
)

__all__ = [
    "LUMA",
    "channel_statistics",
    "denormalize",
    "gaussian_kernel",
    "histogram",
    "hog",
    "linear_to_srgb",
    "low_pass",
    "neighbor_correlation",
    "normalize",
    "resize",
    "resize_matrix",
    "shuffle_pixels",
    "srgb_to_linear",
    "to_channels_first",
    "to_channels_last",
    "to_float",
    "to_gray",
    "to_uint8",
]
