"""What the chapter on convolution draws: a step, blocks of channels, stops, frames."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from cnncourse._checks import check_count, check_filled
from cnncourse.convolution import conv2d, output_size, pad2d
from cnncourse.convolution.shapes import AxisPadding, Pair, axis_sides, check_pair
from cnncourse.plots._arrays import Format, to_array, to_plane
from cnncourse.plots._grids import pixel_grid
from cnncourse.plots._panels import axes_of, card
from cnncourse.plots._style import (
    INK,
    INPUT,
    KERNEL,
    MUTED,
    OUTPUT,
    SMALL,
    WIDTH,
    bare,
    figure,
    style,
)

__all__ = ["conv_blocks", "conv_step", "padding_frames", "stops"]


def conv_step(
    image: Any,
    kernel: Any,
    row: int,
    column: int,
    stride: Pair = 1,
    format: Format = None,  # noqa: A002
) -> np.ndarray:
    """Draw one stop of a kernel: the window in the input, the kernel, and the output that it gives.

    Parameters
    ----------
    image : array_like of shape (H, W)
        A small plane, padded already if it is to be padded.
    kernel : array_like of shape (K_h, K_w)
    row, column : int
        Which output.
    stride : int or (vertical, horizontal)
    format : str or callable, optional
        How numbers are written.

    Returns
    -------
    ndarray of Axes of shape (3,)
        Input, kernel, output; the sum of products stands below, written out.

    Raises
    ------
    ValueError
        If there is no such output.

    Examples
    --------
    >>> axes = conv_step([[1, 2], [3, 4]], [[1, 10]], row=1, column=0)
    >>> axes[0].figure.texts[-1].get_text()
    '1·3 + 10·4 = 43'
    """
    plane, weights = to_plane("image", image), to_plane("kernel", kernel)
    S_h, S_w = check_pair("stride", stride)
    output = conv2d(plane[None, None], weights[None, None], stride=(S_h, S_w))[0, 0]
    if not (0 <= row < output.shape[0] and 0 <= column < output.shape[1]):
        raise ValueError(f"row and column must name an output of {output.shape}, got ({row}, {column})")
    K_h, K_w = weights.shape
    window = plane[row * S_h : row * S_h + K_h, column * S_w : column * S_w + K_w]
    shapes = [plane.shape, weights.shape, output.shape]
    cell = min(0.62, (WIDTH - 1.0) / sum(shape[1] for shape in shapes))
    with style():
        fig, axes = figure(1, 3, height=cell * plane.shape[0] + 1.0)
        axes[0].get_gridspec().set_width_ratios([max(shape[1], 2) for shape in shapes])
        fig.canvas.draw()
        box = (row * S_h, column * S_w, K_h, K_w)
        pixel_grid(plane, axes[0], "input", format, highlight=box)
        pixel_grid(weights, axes[1], "kernel", format, color="signed")
        pixel_grid(output, axes[2], "output", format, highlight=(row, column), highlight_color=OUTPUT)
        terms = [f"{w:g}·{v:g}" for w, v in zip(weights.ravel(), window.ravel(), strict=True)]
        text = " + ".join(terms).replace("-", "−") + f" = {output[row, column]:g}".replace("-", "−")
        fig.supxlabel(text, fontsize=SMALL + 1, color=INK)
    return np.asarray(axes)


def conv_blocks(
    in_channels: int, out_channels: int, kernel_size: Pair = 3, size: Pair = 32, output: Pair = 30
) -> Axes:
    """Draw a layer as blocks: the stack of input planes, one block of kernels a filter, a map from each.

    Parameters
    ----------
    in_channels, out_channels : int
        At most 6 of each are drawn; the labels tell how many there are.
    kernel_size, size, output : int or (vertical, horizontal)
        Sizes of kernel, input and output, for the labels.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = conv_blocks(3, 2)
    >>> [text.get_text().splitlines()[0] for text in ax.texts][:3]
    ['input', '2 filters', '2 feature maps']
    """
    check_count("in_channels", in_channels)
    check_count("out_channels", out_channels)
    K, S, R = (
        check_pair(n, v) for n, v in (("kernel_size", kernel_size), ("size", size), ("output", output))
    )
    shown_in, shown_out = min(in_channels, 6), min(out_channels, 6)
    pitch = max(1.15, 0.35 + 0.16 * shown_in + 0.55)
    height = pitch * shown_out
    with style():
        ax: Axes = figure(height=max(2.6, 0.68 * height + 1.2))[1]
        bare(ax)
        _stack(ax, 0.0, height / 2, 1.7, shown_in, INPUT, 0.2)
        for o in range(shown_out):
            middle = height - pitch * (o + 0.5)
            _stack(ax, 3.5, middle, 0.6, shown_in, KERNEL, 0.13)
            corner = 6.1 + 0.25 * o, height / 2 - 0.8 + 0.25 * (shown_out / 2 - o)
            ax.add_patch(Rectangle(corner, 1.5, 1.5, facecolor="#cdebe1", edgecolor=OUTPUT, zorder=3 + o))
            start, end = (4.2 + 0.13 * shown_in, middle), (corner[0] - 0.04, corner[1] + (0.12 if o else 1.3))
            _arrow(ax, (2.0 + 0.2 * shown_in, height / 2), (3.4, middle))
            _arrow(ax, start, end)
        floor = min(0.0, height / 2 - 1.4) - 0.15
        labels = (
            (0.95, f"input\n{in_channels} × {S[0]} × {S[1]}"),
            (3.95, f"{_count(out_channels, 'filter')}\neach {in_channels} × {K[0]} × {K[1]}"),
            (6.9, f"{_count(out_channels, 'feature map')}\n{out_channels} × {R[0]} × {R[1]}"),
        )
        for x, text in labels:
            ax.text(x, floor, text, ha="center", va="top", linespacing=1.35)
        ax.set_xlim(-0.1, 8.4)
        ax.set_ylim(floor - 0.9, max(height, height / 2 + 1.4) + 0.05)
        ax.set_aspect("auto")
    return ax


def stops(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: AxisPadding = 0,
    dilation: int = 1,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw one row of pixels and, below it, each stop of a kernel that walks along it.

    Parameters
    ----------
    size, kernel_size, stride, dilation : int
    padding : int, (before, after), 'same' or 'valid'
        Padded pixels are drawn hatched.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Written above; by default what is drawn and how many outputs there are.

    Returns
    -------
    Axes
        Pixels that no stop sees are crossed out. Pixel 0 begins at x = 0, so that rows with different
        padding can be laid one above the other.

    Examples
    --------
    >>> stops(8, 3, stride=2).get_title()
    '8 pixels, kernel 3, stride 2: 3 outputs'
    """
    before, after = axis_sides(padding, size, kernel_size, stride, dilation)
    count = output_size(size, kernel_size, stride, (before, after), dilation)
    seen = {s * stride + d * dilation - before for s in range(count) for d in range(kernel_size)}
    total = before + size + after
    with style():
        if ax is None:
            cell = min(0.5, (WIDTH - 0.2) / total)
            ax = figure(height=cell * (1.3 + 0.6 * count) + 0.45)[1]
        assert ax is not None
        bare(ax)
        for place in range(-before, size + after):
            _draw_pixel(ax, place, inside=0 <= place < size, seen=place in seen)
        for stop in range(count):
            y, start = -0.35 - 0.6 * stop, stop * stride - before
            last = start + dilation * (kernel_size - 1) + 1
            ax.plot([start + 0.5, last - 0.5], [y - 0.19, y - 0.19], color=KERNEL, linewidth=1.2, zorder=1)
            for d in range(kernel_size):
                corner = (start + d * dilation + 0.06, y - 0.4)
                ax.add_patch(Rectangle(corner, 0.88, 0.42, facecolor="#f9dfae", edgecolor=KERNEL, zorder=2))
        ax.set_xlim(-before - 0.1, size + after + 0.1)
        ax.set_ylim(-0.35 - 0.6 * count, 1.15)
        ax.set_aspect("equal")
        ax.set_title(title or _stops_title(size, kernel_size, stride, (before, after), dilation, count))
    return ax


def padding_frames(
    image: Any, padding: int, modes: Sequence[str] = ("zeros", "reflect", "replicate", "circular")
) -> Any:
    """Draw a picture in each padding mode's frame, with the picture's own border outlined.

    Parameters
    ----------
    image : array_like of shape (H, W) or (3, H, W)
        Values from 0 to 1.
    padding : int
        Width of the frame in pixels.
    modes : sequence of str
        Names of padding modes.

    Returns
    -------
    Axes or ndarray of Axes

    Examples
    --------
    >>> axes = padding_frames(np.eye(4), padding=2)
    >>> [ax.get_title() for ax in axes]
    ['zeros', 'reflect', 'replicate', 'circular']
    """
    check_filled("modes", modes, "at least one, such as 'zeros'")
    array = to_array("image", image).astype(float)
    planes = array[None] if array.ndim == 2 else array
    H, W = planes.shape[1:]
    with style():
        _, axes = card(len(modes), 2 if len(modes) > 2 else len(modes), (H, W), titles=True)
        for ax, mode in zip(axes, modes, strict=True):
            padded = pad2d(planes[None], padding, mode)[0]
            shown = padded.transpose(1, 2, 0) if len(padded) == 3 else padded[0]
            ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            corner = (padding - 0.5, padding - 0.5)
            for color, width in (("white", 3.5), (KERNEL, 1.8)):
                ax.add_patch(Rectangle(corner, W, H, fill=False, edgecolor=color, linewidth=width))
            bare(ax)
            for spine in ax.spines.values():
                spine.set(visible=True, color=MUTED, linewidth=0.6)
            ax.set_title(mode)
    return axes_of(axes)


def _draw_pixel(ax: Axes, place: int, inside: bool, seen: bool) -> None:
    """Draw one pixel of a row with its number; padding is hatched, what no stop sees is crossed out."""
    face = "#cfe3f2"
    box = Rectangle((place, 0), 1, 1, facecolor=face if inside else "white", edgecolor=INPUT)
    box.set_hatch("" if inside else "////")
    ax.add_patch(box)
    if not inside:
        return
    if not seen:
        for ends in ((0.1, 0.9), (0.9, 0.1)):
            ax.plot([place + 0.1, place + 0.9], ends, color=INK, linewidth=1.5)
    ground = {"boxstyle": "circle,pad=0.25", "facecolor": face, "edgecolor": "none"}
    ax.text(place + 0.5, 0.5, str(place), ha="center", va="center", fontsize=SMALL, bbox=ground)


def _stack(ax: Axes, left: float, middle: float, side: float, planes: int, color: str, shift: float) -> None:
    """Draw so many planes one behind the other, the first in front, centered at a height."""
    depth = shift * (planes - 1)
    for plane in reversed(range(planes)):
        corner = (left + plane * shift, middle - (side + depth) / 2 + plane * shift)
        ax.add_patch(
            Rectangle(corner, side, side, facecolor="white", edgecolor=color, linewidth=1.3, zorder=3)
        )
        ax.add_patch(Rectangle(corner, side, side, facecolor=color, alpha=0.22, linewidth=0, zorder=3))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a thin gray arrow."""
    style = {"arrowstyle": "-|>", "mutation_scale": 10, "color": MUTED, "linewidth": 1.0}
    ax.add_patch(FancyArrowPatch(start, end, zorder=2, **style))  # type: ignore[arg-type]


def _count(number: int, what: str) -> str:
    """Return "1 filter", "2 filters"."""
    return f"{number} {what}{'s' if number > 1 else ''}"


def _stops_title(
    size: int, kernel: int, stride: int, sides: tuple[int, int], dilation: int, count: int
) -> str:
    """Say what a drawing of stops shows."""
    parts = [f"{size} pixels", f"kernel {kernel}"]
    if stride > 1:
        parts.append(f"stride {stride}")
    if max(sides):
        parts.append(f"padding {sides[0]}" if sides[0] == sides[1] else f"padding {sides[0]} and {sides[1]}")
    if dilation > 1:
        parts.append(f"dilation {dilation}")
    return f"{', '.join(parts)}: {_count(count, 'output')}"
