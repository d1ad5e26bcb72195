"""Convolution by hand: the operation, four ways to compute it, its backward pass, its costs."""

from cnncourse.windows import (
    coverage,
    im2col,
    output_size,
    pad2d,
    pad2d_backward,
    padding_sides,
    sliding_windows,
)

__all__ = ["coverage", "im2col", "output_size", "pad2d", "pad2d_backward", "padding_sides", "sliding_windows"]
