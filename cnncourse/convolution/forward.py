"""Convolution forward: loops and windows here, what is faster in `fast`."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_choice
from cnncourse.convolution.fast import by_fft, by_im2col
from cnncourse.convolution.shapes import (
    AxisPadding,
    Padding,
    Pair,
    check_bias,
    check_fits,
    check_pair,
    check_shapes,
    join_groups,
    padding_sides,
    split_groups,
    stops,
)
from cnncourse.convolution.windows import pad2d, sliding_windows

Steps = tuple[int, int]


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    method: str = "windows",
) -> np.ndarray:
    r"""Slide filters over pictures: each output is a sum of products under a window.

    With S the stride, D the dilation and C the channels of one group,

    .. math:: y_{n,o,i,j} = b_o + \sum_{c,p,q} w_{o,c,p,q} \; x_{n,\,c,\,iS+pD,\,jS+qD}

    where x is padded and c runs over the C channels of o's group.

    Parameters
    ----------
    x : array_like of shape (N, C_in, H, W)
        A batch of pictures or feature maps. float32 is kept; anything else is computed in float64.
    weight : array_like of shape (C_out, C_in / groups, K_h, K_w)
        The filters.
    bias : array_like of shape (C_out,), optional
        One number added to each output channel.
    stride : int or (vertical, horizontal)
        Distance between two stops of the window.
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), 'same' or 'valid'
        Pixels laid around the picture first. ``'same'`` gives ``ceil(H / stride)`` rows, an odd
        surplus at the bottom and right, at every stride (torch allows it at stride 1 alone).
    dilation : int or (vertical, horizontal)
        Distance between the pixels that neighboring weights meet.
    groups : int
        Channels are cut into this many groups; outputs of a group see its inputs only.
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What the padding holds; see `pad2d`.
    method : {'windows', 'loops', 'im2col', 'fft'}
        How to compute it; the result is the same up to rounding.

    Returns
    -------
    ndarray of shape (N, C_out, H_out, W_out)
        ``H_out`` and ``W_out`` as `output_size` counts them.

    Raises
    ------
    ValueError
        If shapes do not fit, or the kernel is larger than the padded input.

    References
    ----------
    V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning, 2016.
    https://doi.org/10.48550/arXiv.1603.07285

    Examples
    --------
    >>> image = [[[[123, 210, 0], [0, 113, 196], [34, 0, 255]]]]
    >>> conv2d(image, [[[[2, 1], [0, 0.5]]]])
    array([[[[512.5, 518. ],
             [113. , 549.5]]]])
    """
    compute = METHODS[check_choice("method", method, METHODS)]
    x, weight = check_shapes(x, weight, groups)
    strides, dilations = check_pair("stride", stride), check_pair("dilation", dilation)
    padded = _pad(x, weight, strides, padding, dilations, padding_mode)
    y = compute(padded, weight, strides, dilations, groups)
    if bias is not None:
        y = y + check_bias(bias, weight.shape[0]).astype(y.dtype)[:, None, None]
    return np.asarray(y)


def _by_loops(x: np.ndarray, weight: np.ndarray, stride: Steps, dilation: Steps, groups: int) -> np.ndarray:
    """Compute each sum of products as the definition writes it."""
    (S_h, S_w), (D_h, D_w) = stride, dilation
    C_out, C, K_h, K_w = weight.shape  # C channels in one group
    N, H_out, W_out = x.shape[0], *stops(x, weight, stride, dilation)
    y = np.zeros((N, C_out, H_out, W_out), dtype=np.result_type(x, weight))
    for n, o, i, j in product(range(N), range(C_out), range(H_out), range(W_out)):
        first = o // (C_out // groups) * C  # the first input channel of o's group
        total = 0.0
        for c, p, q in product(range(C), range(K_h), range(K_w)):
            total += weight[o, c, p, q] * x[n, first + c, i * S_h + p * D_h, j * S_w + q * D_w]
        y[n, o, i, j] = total
    return y


def _by_windows(x: np.ndarray, weight: np.ndarray, stride: Steps, dilation: Steps, groups: int) -> np.ndarray:
    """Multiply a view of all windows by the filters and sum, without copying a pixel."""
    windows = sliding_windows(x, weight.shape[2:], stride, dilation)  # (N, C_in, H_out, W_out, K_h, K_w)
    filters = split_groups(weight, 0, groups)  # (G, C_out / G, C, K_h, K_w)
    y = np.einsum("ngcijpq,gocpq->ngoij", split_groups(windows, 1, groups), filters)
    return join_groups(y, 1)  # (N, C_out, H_out, W_out)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, Steps, Steps, int], np.ndarray]] = {
    "windows": _by_windows,
    "loops": _by_loops,
    "im2col": by_im2col,
    "fft": by_fft,
}


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int = 1,
    padding: AxisPadding = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> np.ndarray:
    """Slide filters along signals: `conv2d` on pictures that are one pixel high.

    Parameters
    ----------
    x : array_like of shape (N, C_in, L)
        Signals, such as sound.
    weight : array_like of shape (C_out, C_in / groups, K)
    bias : array_like of shape (C_out,), optional
    stride, dilation, groups : int
    padding : int, (before, after), 'same' or 'valid'
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}

    Returns
    -------
    ndarray of shape (N, C_out, L_out)

    Examples
    --------
    >>> conv1d([[[0, 0, 1, 0, 0]]], [[[1, 2, 3]]])
    array([[[3., 2., 1.]]])
    """
    x = check_array("x", x, "(N, C, L)")
    weight = check_array("weight", weight, "(C_out, C_in / groups, K)")
    if not isinstance(padding, str):
        padding = check_pair("padding", padding, minimum=0)
    sides = padding_sides((0, padding), (1, x.shape[2]), (1, weight.shape[2]), (1, stride), (1, dilation))  # type: ignore[arg-type]
    y = conv2d(
        x[:, :, None],
        weight[:, :, None],
        bias,
        stride=(1, stride),
        padding=sides,
        dilation=(1, dilation),
        groups=groups,
        padding_mode=padding_mode,
    )
    return y[:, :, 0]


def _pad(
    x: np.ndarray, weight: np.ndarray, stride: Steps, padding: Padding, dilation: Steps, mode: str
) -> np.ndarray:
    """Return the padded pictures, and check that the kernel fits into them."""
    kernel = weight.shape[2], weight.shape[3]
    padded = pad2d(x, padding_sides(padding, x.shape[2:], kernel, stride, dilation), mode)
    check_fits(kernel, dilation, padded.shape[2:])
    return padded
