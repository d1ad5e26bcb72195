"""Convolution by hand: the operation, four ways to compute it, its backward pass, its matrix, its costs.

``weight`` has the shape (C_out, C_in / groups, K_h, K_w): one *filter* for each output channel, and in
each filter one *kernel* for each input channel it looks at. What networks call convolution does not
flip the kernel, so it is a cross-correlation; flip the weights to get the other.
"""

from cnncourse.convolution.backward import conv2d_backward
from cnncourse.convolution.costs import conv_multiply_adds, conv_parameters
from cnncourse.convolution.fast import im2col
from cnncourse.convolution.forward import conv1d, conv2d
from cnncourse.convolution.kernels import KERNELS, gabor
from cnncourse.convolution.matrix import convolution_matrix
from cnncourse.convolution.shapes import padding_sides
from cnncourse.convolution.windows import (
    coverage,
    output_size,
    pad2d,
    pad2d_backward,
    sliding_windows,
    sliding_windows_backward,
)

__all__ = [
    "KERNELS",
    "conv1d",
    "conv2d",
    "conv2d_backward",
    "conv_multiply_adds",
    "conv_parameters",
    "convolution_matrix",
    "coverage",
    "gabor",
    "im2col",
    "output_size",
    "pad2d",
    "pad2d_backward",
    "padding_sides",
    "sliding_windows",
    "sliding_windows_backward",
]
