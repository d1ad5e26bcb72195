"""Convolution written as one matrix."""

from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count
from cnncourse.convolution.forward import conv2d
from cnncourse.convolution.shapes import (
    Padding,
    Pair,
    check_pair,
)


def convolution_matrix(
    weight: Any,
    size: Pair,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> np.ndarray:
    """Write a convolution as the matrix that a dense layer would need to do the same.

    Column k is what the convolution makes of a picture that is zero but for a one at pixel k. With
    one channel, stride 1 and zeros around, the matrix is doubly block Toeplitz: blocks repeat along
    diagonals, and numbers along the diagonals of each block.

    Parameters
    ----------
    weight : array_like of shape (C_out, C_in / groups, K_h, K_w)
    size : int or (H, W)
        The size of the pictures.
    stride, padding, dilation, groups, padding_mode
        As given to `conv2d`.

    Returns
    -------
    ndarray of shape (C_out * H_out * W_out, C_in * H * W)
        ``matrix @ x.ravel()`` is ``conv2d(x[None], weight, ...).ravel()`` for one picture x.

    Examples
    --------
    >>> convolution_matrix([[[[1, 2]]]], (1, 4))
    array([[1., 2., 0., 0.],
           [0., 1., 2., 0.],
           [0., 0., 1., 2.]])
    """
    weight = check_array("weight", weight, "(C_out, C_in / groups, K_h, K_w)")
    H, W = check_pair("size", size)
    C_in = weight.shape[1] * check_count("groups", groups)
    one_hot = np.eye(C_in * H * W, dtype=weight.dtype).reshape(-1, C_in, H, W)
    y = conv2d(one_hot, weight, None, stride, padding, dilation, groups, padding_mode)
    return np.asarray(y.reshape(len(one_hot), -1).T)
