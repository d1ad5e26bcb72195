"""Shapes, strides and paddings as people write them, checked, and the size of what comes out."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from cnncourse._checks import check_array, check_choice, check_count

AxisPadding = int | str | tuple[int, int]
Padding = int | str | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Pair = int | tuple[int, int]
Sides = tuple[tuple[int, int], tuple[int, int]]

PADDING_MODES: dict[str, Literal["constant", "reflect", "edge", "wrap"]] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
"""The four padding modes, and what `numpy.pad` calls them."""


def output_size(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: AxisPadding = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    r"""Count the positions at which a window stops along one axis.

    .. math:: \left\lfloor \frac{\text{size} + \text{before} + \text{after}
              - \text{dilation} (\text{kernel\_size} - 1) - 1}{\text{stride}} \right\rfloor + 1

    Parameters
    ----------
    size : int
        Pixels along the axis, without padding.
    kernel_size : int
        Pixels of the window along the axis.
    stride : int
        Distance between two stops.
    padding : int, (before, after), 'same' or 'valid'
        Pixels added on each side. ``'valid'`` adds none; ``'same'`` adds what
        ``ceil(size / stride)`` stops need, an odd surplus after the picture.
    dilation : int
        Distance between two neighboring elements of the window.
    ceil_mode : bool
        Round up instead of down: the last window, even if it is the only one, may hang over the end by
        less than a stride, as long as it starts inside the picture or the padding before it (pooling
        alone uses this).

    Returns
    -------
    int
        The number of stops, at least 1.

    Raises
    ------
    ValueError
        If the window is larger than the padded axis, with `ceil_mode` by a stride or more.

    Examples
    --------
    >>> output_size(32, 3), output_size(32, 3, padding=1), output_size(224, 7, stride=2, padding=3)
    (30, 32, 112)
    >>> output_size(32, 3, stride=2, padding="same"), output_size(8, 3, stride=2, ceil_mode=True)
    (16, 4)
    """
    size, kernel_size = check_count("size", size), check_count("kernel_size", kernel_size)
    stride, dilation = check_count("stride", stride), check_count("dilation", dilation)
    before, after = axis_sides(padding, size, kernel_size, stride, dilation)
    room = size + before + after - dilation * (kernel_size - 1) - 1  # how far the window can travel
    if not ceil_mode or room <= -stride:  # a window that is less than a stride too large hangs over
        check_fits((kernel_size,), (dilation,), (size + before + after,))
        return room // stride + 1
    stops = math.ceil(room / stride) + 1
    return stops - 1 if (stops - 1) * stride >= size + before else stops


def padding_sides(
    padding: Padding, size: Sequence[int], kernel_size: Pair, stride: Pair = 1, dilation: Pair = 1
) -> Sides:
    """Spell any form of padding out as pixels on each of the four sides.

    Parameters
    ----------
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), 'same' or 'valid'
    size : (H, W)
        The picture's size, which ``'same'`` needs.
    kernel_size, stride, dilation : int or (vertical, horizontal)

    Returns
    -------
    ((top, bottom), (left, right))

    Examples
    --------
    >>> padding_sides((1, 2), (8, 8), 3)
    ((1, 1), (2, 2))
    >>> padding_sides("same", (8, 8), (3, 4))
    ((1, 1), (1, 2))
    """
    vertical, horizontal = _per_axis(padding)
    K_h, K_w = check_pair("kernel_size", kernel_size)
    S_h, S_w = check_pair("stride", stride)
    D_h, D_w = check_pair("dilation", dilation)
    return (
        axis_sides(vertical, size[0], K_h, S_h, D_h),
        axis_sides(horizontal, size[1], K_w, S_w, D_w),
    )


def check_pair(argument: str, value: Any, minimum: int = 1) -> tuple[int, int]:
    """Return `value` as (vertical, horizontal), a single number standing for both.

    Examples
    --------
    >>> check_pair("stride", 2)
    (2, 2)
    """
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{argument} must be a number or (vertical, horizontal), got {value!r}")
        return check_count(argument, value[0], minimum), check_count(argument, value[1], minimum)
    count = check_count(argument, value, minimum)
    return count, count


def _per_axis(padding: Any) -> tuple[Any, Any]:
    """Split the padding of a picture into that of its rows and that of its columns."""
    if isinstance(padding, (tuple, list)):
        if len(padding) != 2:
            raise ValueError(
                "padding must be a number, (vertical, horizontal), ((top, bottom), (left, right)), "
                f"'same' or 'valid', got {padding!r}"
            )
        return padding[0], padding[1]
    return padding, padding


def axis_sides(padding: Any, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the pixels added before and after one axis."""
    if isinstance(padding, str):
        check_choice("padding", padding, ("same", "valid"))
        if padding == "valid":
            return 0, 0
        stops = math.ceil(size / stride)
        total = max((stops - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        return total // 2, total - total // 2
    return check_pair("padding", padding, minimum=0)


def frame_sides(padding: Any, size: Sequence[int], mode: str) -> Sides:
    """Return the frame around a picture, and check that `mode` can fill it."""
    check_choice("padding_mode", mode, PADDING_MODES)
    if isinstance(padding, str):
        raise ValueError(f"padding {padding!r} depends on a kernel; give pad2d pixels, or use conv2d")
    vertical, horizontal = _per_axis(padding)
    sides = check_pair("padding", vertical, minimum=0), check_pair("padding", horizontal, minimum=0)
    shortest = {"reflect": 1, "circular": 0, "replicate": None, "zeros": None}[mode]
    for pixels, side in zip(size, sides, strict=True):
        if shortest is not None and max(side) > pixels - shortest:
            raise ValueError(
                f"padding {max(side)} is too wide for padding_mode {mode!r}: a picture of "
                f"{size[0]}x{size[1]} has {pixels - shortest} pixels to take it from on that axis; "
                "use less padding, or 'zeros' or 'replicate'"
            )
    return sides


def check_fits(kernel: Sequence[int], dilation: Sequence[int], size: Sequence[int]) -> None:
    """Refuse a window that is larger than the (padded) input."""
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    missing = max(s - pixels for s, pixels in zip(span, size, strict=True))
    if missing <= 0:
        return
    spread = f" with dilation {_by(dilation)} spans {_by(span)} pixels and" if max(dilation) > 1 else ""
    raise ValueError(
        f"kernel_size {_by(kernel)}{spread} is larger than the padded input {_by(size)}; "
        f"add padding of {math.ceil(missing / 2)} on each side or use a smaller kernel"
    )


def _by(sizes: Sequence[int]) -> str:
    """Write sizes as people do: 3x5."""
    return "x".join(str(size) for size in sizes)


def check_shapes(x: Any, weight: Any, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float arrays that fit each other."""
    x = check_array("x", x, "(N, C_in, H, W)")
    weight = check_array("weight", weight, "(C_out, C_in / groups, K_h, K_w)")
    check_groups(x.shape[1], weight.shape[0], groups)
    C = x.shape[1] // groups
    if weight.shape[1] != C:
        raise ValueError(
            f"weight must have shape (C_out, {C}, K_h, K_w) for x with {x.shape[1]} channels in "
            f"{groups} group{'s' if groups > 1 else ''}, got {weight.shape}"
        )
    return x, weight


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Refuse groups that leave channels over."""
    if in_channels % check_count("groups", groups) or out_channels % groups:
        raise ValueError(
            f"groups must divide the input and the output channels, got groups {groups} "
            f"for {in_channels} input and {out_channels} output channels"
        )


def check_bias(bias: Any, out_channels: int) -> np.ndarray:
    """Return one bias for each output channel."""
    values: np.ndarray = check_array("bias", bias, "(C_out,)")
    if values.shape != (out_channels,):
        raise ValueError(f"bias must have shape ({out_channels},), one number an output, got {values.shape}")
    return values


def stops(
    x: np.ndarray, weight: np.ndarray, stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int]:
    """Count the stops of the kernel down and across the padded pictures."""
    sizes = zip(x.shape[2:], weight.shape[2:], stride, dilation, strict=True)
    H_out, W_out = (output_size(size, k, s, 0, d) for size, k, s, d in sizes)
    return H_out, W_out


def split_groups(array: np.ndarray, axis: int, groups: int) -> np.ndarray:
    """Cut an axis of channels into (groups, channels of one group)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def join_groups(array: np.ndarray, axis: int) -> np.ndarray:
    """Undo `split_groups`."""
    shape = array.shape
    return array.reshape(*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])
