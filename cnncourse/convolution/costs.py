"""What a convolution costs: parameters and multiply-adds."""

from cnncourse._checks import check_count
from cnncourse.convolution.shapes import (
    Pair,
    check_groups,
    check_pair,
)


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: Pair, groups: int = 1, bias: bool = True
) -> int:
    """Count the weights of a convolution: C_out x C_in / groups x K_h x K_w, and C_out biases.

    Examples
    --------
    >>> conv_parameters(3, 64, 3)
    1792
    """
    check_groups(check_count("in_channels", in_channels), check_count("out_channels", out_channels), groups)
    K_h, K_w = check_pair("kernel_size", kernel_size)
    return out_channels * (in_channels // groups) * K_h * K_w + (out_channels if bias else 0)


def conv_multiply_adds(
    in_channels: int, out_channels: int, kernel_size: Pair, output_size: Pair, groups: int = 1
) -> int:
    """Count the multiplications of a convolution, each with its addition: every weight once a stop.

    Parameters
    ----------
    in_channels, out_channels, groups : int
    kernel_size : int or (K_h, K_w)
    output_size : int or (H_out, W_out)
        Multiply-adds depend on it; parameters do not.

    Examples
    --------
    >>> conv_multiply_adds(3, 64, 3, 32)
    1769472
    """
    H_out, W_out = check_pair("output_size", output_size)
    return conv_parameters(in_channels, out_channels, kernel_size, groups, bias=False) * H_out * W_out
