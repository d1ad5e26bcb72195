"""Convolution backward: the gradients of input, weight and bias."""

from typing import Any

import numpy as np

from cnncourse._checks import check_gradient
from cnncourse.convolution.forward import _pad
from cnncourse.convolution.shapes import (
    Padding,
    Pair,
    check_pair,
    check_shapes,
    join_groups,
    padding_sides,
    split_groups,
    stops,
)
from cnncourse.convolution.windows import pad2d_backward, sliding_windows, sliding_windows_backward


def conv2d_backward(
    grad_output: Any,
    x: Any,
    weight: Any,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Return the gradients of a loss with respect to `conv2d`'s three inputs.

    With :math:`g = \partial L / \partial y`, every product in the forward sum gives two terms:

    .. math::
        \frac{\partial L}{\partial b_o} &= \sum_{n,i,j} g_{n,o,i,j} \\
        \frac{\partial L}{\partial w_{o,c,p,q}} &= \sum_{n,i,j} g_{n,o,i,j} \; x_{n,c,iS+pD,jS+qD} \\
        \frac{\partial L}{\partial x_{n,c,u,v}} &=
            \sum_{o,p,q} \sum_{i,j:\; iS+pD=u,\; jS+qD=v} w_{o,c,p,q} \; g_{n,o,i,j}

    where x is padded, and with groups o and c run over the channels of one group. The gradient of the
    padded x is handed back to the pixels by `pad2d_backward`.

    Parameters
    ----------
    grad_output : array_like of shape (N, C_out, H_out, W_out)
        Gradient of the loss with respect to what `conv2d` returned.
    x : array_like of shape (N, C_in, H, W)
    weight : array_like of shape (C_out, C_in / groups, K_h, K_w)
    stride, padding, dilation, groups, padding_mode
        As given to `conv2d`.

    Returns
    -------
    grad_x : ndarray of shape (N, C_in, H, W)
    grad_weight : ndarray of shape (C_out, C_in / groups, K_h, K_w)
    grad_bias : ndarray of shape (C_out,)

    Examples
    --------
    >>> grad_x, grad_weight, grad_bias = conv2d_backward([[[[1, 10]]]], [[[[5, 6, 7]]]], [[[[2, 3]]]])
    >>> grad_x[0, 0], grad_weight[0, 0], grad_bias
    (array([[ 2., 23., 30.]]), array([[65., 76.]]), array([11.]))
    """
    x, weight = check_shapes(x, weight, groups)
    strides, dilations = check_pair("stride", stride), check_pair("dilation", dilation)
    K_h, K_w = weight.shape[2:]
    sides = padding_sides(padding, x.shape[2:], (K_h, K_w), strides, dilations)
    padded = _pad(x, weight, strides, sides, dilations, padding_mode)
    H_out, W_out = stops(padded, weight, strides, dilations)
    grad = check_gradient(grad_output, (x.shape[0], weight.shape[0], H_out, W_out))

    grad_bias = grad.sum(axis=(0, 2, 3))

    g = split_groups(grad, 1, groups)  # (N, G, C_out / G, H_out, W_out)
    windows = split_groups(sliding_windows(padded, (K_h, K_w), strides, dilations), 1, groups)
    grad_weight = join_groups(np.einsum("ngoij,ngcijpq->gocpq", g, windows), 0)

    filters = split_groups(weight, 0, groups)  # (G, C_out / G, C, K_h, K_w)
    products = np.einsum("gocpq,ngoij->pqngcij", filters, g)  # each place of the window in one piece
    grad_windows = np.moveaxis(
        join_groups(products, 3), (0, 1), (-2, -1)
    )  # (N, C_in, H_out, W_out, K_h, K_w)
    grad_padded = sliding_windows_backward(grad_windows, padded, (K_h, K_w), strides, dilations)
    return pad2d_backward(grad_padded, x, sides, padding_mode), grad_weight, grad_bias
