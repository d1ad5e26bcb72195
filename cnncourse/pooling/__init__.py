"""Pooling by hand: max, average, Lp, adaptive, global and blur pooling, forward and backward, in NumPy.

Images are batches of shape (N, C, H, W). Every function pools each channel apart from the others.
Argument names and order are those of ``torch.nn.functional`` where the thing is the same.

The output of a window of `K` cells, `D` apart, that moves by `S` over `H` cells with `P` more on
either side has ``floor((H + 2 P - D (K - 1) - 1) / S) + 1`` cells. With ``ceil_mode=True`` the floor becomes
a ceiling, except that the last window is left out if it would start beyond the last cell of the input, in
the padding after it.
"""

from cnncourse.pooling.adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_bins,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
)
from cnncourse.pooling.average import avg_pool2d, avg_pool2d_backward
from cnncourse.pooling.blur import binomial_kernel, blur_pool2d, blur_pool2d_backward
from cnncourse.pooling.lp import lp_pool2d, lp_pool2d_backward
from cnncourse.pooling.max import max_pool2d, max_pool2d_backward
from cnncourse.pooling.shifts import shift_change

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_bins",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "binomial_kernel",
    "blur_pool2d",
    "blur_pool2d_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "shift_change",
]
