# ruff: noqa: A002 - `format` is the word for how a number is written
"""Arrays as pictures: grids of numbers, photographs, channels, kernels, feature maps, matrices."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from cnncourse._checks import check_choice
from cnncourse.plots._style import (
    GRID,
    KERNEL,
    LEAST,
    MUTED,
    SMALL,
    TEXT,
    WIDTH,
    bare,
    color_map,
    figure,
    style,
    text_on,
    tidy,
)

MOST_PICTURES = 100
CELL = 0.46  # inches: the least width of a cell that holds a number of four characters

Format = str | Callable[[float], str] | None
Limits = tuple[float, float] | None


def to_array(argument: str, values: Any) -> np.ndarray:
    """Return values, which may be a torch tensor with a gradient or on another device, as a real array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":
            values = values.float()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{argument} must hold real numbers, got dtype {array.dtype}")
    if array.size == 0:
        raise ValueError(f"{argument} is empty, got shape {array.shape}")
    return array


def to_plane(argument: str, values: Any) -> np.ndarray:
    """Return values as (H, W); leading axes of length 1 are dropped."""
    array = to_array(argument, values)
    plane = array.reshape(array.shape[-2:]) if array.ndim > 2 and array[..., 0, 0].size == 1 else array
    if plane.ndim != 2:
        raise ValueError(f"{argument} must be one plane (H, W), got shape {array.shape}")
    return plane


def to_text(values: np.ndarray, format: Format) -> Callable[[float], str]:
    """Return how to write one value: as asked, or in as few digits as tell the values apart."""
    if callable(format):
        return format
    if format is not None:
        spec = format
        return lambda value: f"{value:{spec}}"
    finite = values[np.isfinite(values)].astype(float)
    for digits in (0, 1):
        if np.allclose(finite, np.round(finite, digits), atol=1e-9):
            return lambda value: f"{value:.{digits}f}".replace("-", "−")
    return lambda value: f"{value:.2f}".replace("-", "−")


def limits_of(values: np.ndarray, color: str) -> tuple[float, float]:
    """Return the values drawn as the color map's two ends."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if color == "signed":
        most = max(abs(low), abs(high)) or 1.0
        return -most, most
    if color == "gray" and values.dtype.kind in "ui" and low >= 0 and high <= 255:
        return 0.0, 255.0 if high > 1 else 1.0
    if low >= 0 and high <= 1 and color == "gray":
        return 0.0, 1.0
    low = min(low, 0.0) if color == "amount" else low
    return (low, high) if high > low else (low, low + 1.0)


def _draw_cells(
    ax: Axes, plane: np.ndarray, color: str, limits: tuple[float, float], write: Any, size: float
) -> None:
    """Draw one plane as cells with thin borders; `write` turns a value into text, or is None."""
    rows, columns = plane.shape
    shades = color_map(color)
    norm = Normalize(*limits, clip=True)
    ax.imshow(plane, cmap=shades, norm=norm, interpolation="nearest", aspect="equal")
    if max(rows, columns) <= 40:
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color=MUTED, linewidth=0.5)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, color=MUTED, linewidth=0.5)
    ax.set_xlim(-0.55, columns - 0.45)
    ax.set_ylim(rows - 0.45, -0.55)
    bare(ax)
    if write is None:
        return
    for (row, column), value in np.ndenumerate(plane):
        ink = text_on(shades(norm(value))) if np.isfinite(value) else "black"
        text = write(value) if np.isfinite(value) else str(value)
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)


def _boxes(highlight: Any, shape: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return the boxes (row, column, height, width) that `highlight` names."""
    if highlight is None:
        return []
    array = np.asarray(highlight)
    if array.dtype == bool:
        if array.shape != shape:
            raise ValueError(f"highlight as a mask must have the values' shape {shape}, got {array.shape}")
        return [(int(row), int(column), 1, 1) for row, column in np.argwhere(array)]
    boxes = np.atleast_2d(array)
    if boxes.ndim != 2 or boxes.shape[1] not in (2, 4):
        raise ValueError(
            "highlight must be (row, column), (row, column, height, width), a list of these, "
            f"or a mask of shape {shape}; got shape {array.shape}"
        )
    if boxes.shape[1] == 2:
        boxes = np.hstack([boxes, np.ones_like(boxes)])
    return [(int(r), int(c), int(h), int(w)) for r, c, h, w in boxes]


def pixel_grid(
    values: Any,
    ax: Axes | None = None,
    title: str | None = None,
    format: Format = None,
    color: str = "gray",
    highlight: Any = None,
    limits: Limits = None,
    highlight_color: str = KERNEL,
) -> Axes:
    """Draw a plane of numbers as cells, each with its number written into it.

    Numbers are left out where a cell would be too small for text that can be read.

    Parameters
    ----------
    values : array_like of shape (H, W)
        Any real numbers; leading axes of length 1 are dropped.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Written above.
    format : str or callable, optional
        How a number is written, such as ``".1f"``; by default up to two decimals.
    color : {"gray", "signed", "amount"}
        Gray from black to white (0-255 for whole numbers, 0-1 for floats between these, else
        the values' range); signed is blue below zero and orange above; amount is white to blue.
    highlight : box, list of boxes or mask, optional
        Boxes (row, column) or (row, column, height, width), or a boolean array (H, W).
    limits : (float, float), optional
        The values drawn as the two ends of the color map.
    highlight_color : color
        The color of the boxes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `values` is not one plane, or `color` or `highlight` cannot be understood.

    Examples
    --------
    >>> ax = pixel_grid([[0, 128], [255, 64]], title="four pixels")
    >>> [text.get_text() for text in ax.texts]
    ['0', '128', '255', '64']
    """
    check_choice("color", color, ["gray", "signed", "amount"])
    plane = to_plane("values", values)
    boxes = _boxes(highlight, plane.shape)
    rows, columns = plane.shape
    write = to_text(plane, format)
    longest = max(len(write(value)) for value in plane.ravel())
    with style():
        if ax is None:
            cell = min(0.62, (WIDTH - 0.2) / columns)
            ax = figure(height=rows * cell + (0.5 if title else 0.2))[1]
            assert ax is not None
        else:
            box = ax.get_window_extent()
            cell = min(box.width / columns, box.height / rows) / ax.figure.dpi
        # A digit of DejaVu Sans is 0.64 of its size wide; leave a tenth of the cell free.
        size = min(TEXT, 0.9 * cell * 72 / (0.64 * longest))
        if size < LEAST - 1.5:
            write = None  # type: ignore[assignment]
        _draw_cells(tidy(ax), plane, color, limits or limits_of(plane, color), write, max(size, LEAST))
        for row, column, height, width in boxes:
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="white", linewidth=4.5))
            ax.add_patch(
                Rectangle(corner, width, height, fill=False, edgecolor=highlight_color, linewidth=2.5)
            )
        if title:
            ax.set_title(title)
    return ax


def as_picture(argument: str, values: Any, limits: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
    """Return one picture (H, W), (1, H, W) or (3, H, W) as (H, W) or (H, W, 3) between 0 and 1."""
    array = to_array(argument, values)
    scaled = array / 255.0 if array.dtype == np.uint8 else array.astype(float)
    low, high = (0.0, 1.0) if array.dtype == np.uint8 else limits
    scaled = np.clip((scaled - low) / (high - low), 0.0, 1.0)
    if scaled.ndim == 3 and scaled.shape[0] == 1:
        scaled = scaled[0]
    if scaled.ndim == 2:
        return scaled
    if scaled.ndim == 3 and scaled.shape[0] == 3:
        return np.moveaxis(scaled, 0, -1)
    hint = ""
    if scaled.ndim == 3 and scaled.shape[-1] in (1, 3):
        hint = "; it looks like (H, W, C): use cnncourse.images.to_channels_first"
    elif scaled.ndim == 3:
        hint = "; give a batch of gray pictures as (N, 1, H, W), and feature maps to feature_maps"
    raise ValueError(
        f"{argument} must hold pictures (H, W), (1, H, W) or (3, H, W), got shape {array.shape}{hint}"
    )


def _as_list(batch: Any) -> tuple[list[Any], list[str] | None]:
    """Return pictures and titles from an image set, a batch, one picture or a list of pictures."""
    if hasattr(batch, "images") and hasattr(batch, "labels"):
        classes = getattr(batch, "classes", None)
        names = [classes[int(label)] if classes else str(label) for label in batch.labels]
        return list(batch.images), names
    if isinstance(batch, Mapping):
        return list(batch.values()), [str(name) for name in batch]
    if isinstance(batch, list | tuple) and not np.isscalar(batch[0] if batch else 0):
        ranks = {np.ndim(to_array("images", item)) for item in batch}
        if ranks and ranks != {1}:
            return list(batch), None
    array = to_array("images", batch)
    return (list(array), None) if array.ndim == 4 else ([array], None)


def _check_titles(titles: Sequence[str] | None, count: int, what: str) -> list[str] | None:
    if titles is None:
        return None
    names = [titles] if isinstance(titles, str) else [str(title) for title in titles]
    if len(names) != count:
        raise ValueError(f"titles must name each of the {count} {what}, got {len(names)} titles")
    return names


def _balanced(count: int, most: int) -> int:
    """Return how many belong in a row, at most `most`, so that the rows are about equally full."""
    return math.ceil(count / math.ceil(count / most))


def _panels(count: int, columns: int, shape: tuple[int, ...], titles: bool, extra: float = 0.0) -> Any:
    """Start a card with room for `count` pictures of about the same shape in so many columns."""
    rows = math.ceil(count / columns)
    across = min((WIDTH - 0.1 - extra) / columns - 0.08, 3.6)
    # A picture narrower than high is bounded by the page's height, not by its width.
    high = min(across * shape[0] / shape[1], 3.8)
    fig, axes = figure(rows, columns, height=rows * (high + (0.34 if titles else 0.1)) + 0.1)
    cells = list(np.atleast_1d(axes).flat)
    for ax in cells[count:]:
        ax.set_axis_off()
    return fig, cells[:count]


def _result(axes: list[Axes]) -> Any:
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


def images(
    batch: Any,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    ax: Axes | None = None,
) -> Any:
    """Draw pictures side by side, with fixed limits, so that equal values look equal.

    Parameters
    ----------
    batch : image set, array_like, list or mapping
        A picture (H, W), (1, H, W) or (3, H, W); a batch (N, C, H, W); a list of pictures, which
        may differ in size; a mapping from title to picture; or an image set, which is drawn with
        the names of its classes. uint8 is divided by 255.
    titles : sequence of str, optional
        One title above each picture.
    columns : int, optional
        Pictures in a row, at most 6 if it is not given.
    limits : (float, float)
        The values of floats drawn as black and as white. Others beyond them are clipped.
    ax : Axes, optional
        Where to draw; for a single picture only.

    Returns
    -------
    Axes or ndarray of Axes
        One Axes for one picture, else an array (N,).

    Raises
    ------
    ValueError
        If something is no picture, or titles and pictures differ in number.

    Examples
    --------
    >>> axes = images(np.random.default_rng(0).random((2, 3, 8, 8)), titles=["one", "two"])
    >>> [ax.get_title() for ax in axes]
    ['one', 'two']
    """
    items, names = _as_list(batch)
    if not 1 <= len(items) <= MOST_PICTURES:
        raise ValueError(f"images draws 1 to {MOST_PICTURES} pictures, got {len(items)}; take a few of them")
    if limits[1] <= limits[0]:
        raise ValueError(f"limits must be (low, high) with low < high, got {limits}")
    pictures = [as_picture("images", item, limits) for item in items]
    names = _check_titles(titles, len(pictures), "pictures") or names
    if ax is not None and len(pictures) > 1:
        raise ValueError(f"ax takes one picture, got {len(pictures)}; leave ax out to draw several")
    with style():
        if ax is not None:
            axes = [tidy(ax)]
        else:
            columns = columns or _balanced(len(pictures), 6)
            _, axes = _panels(len(pictures), columns, pictures[0].shape, names is not None)
        for index, (panel, picture) in enumerate(zip(axes, pictures, strict=True)):
            smooth = "nearest" if max(picture.shape[:2]) <= 128 else "antialiased"
            panel.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation=smooth)
            bare(panel)
            if names is not None:
                panel.set_title(names[index], fontsize=TEXT if len(axes) < 5 else SMALL)
    return _result(axes)


def channels(image: Any, columns: int = 4) -> np.ndarray:
    """Draw a color picture and its red, green and blue planes, each plane in gray.

    Parameters
    ----------
    image : array_like of shape (3, H, W)
        uint8, or floats between 0 and 1.
    columns : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes, shape (4,)

    Examples
    --------
    >>> [ax.get_title() for ax in channels(np.zeros((3, 4, 4)))]
    ['picture', 'red', 'green', 'blue']
    """
    picture = to_array("image", image)
    if picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"image must have shape (3, H, W), got {picture.shape}")
    axes: np.ndarray = images(
        [picture, *picture], titles=["picture", "red", "green", "blue"], columns=columns
    )
    for ax, color in zip(axes[1:], ("#c00000", "#007a33", "#0050c8"), strict=True):
        ax.title.set_color(color)
    return axes


def _as_kernels(weights: Any) -> tuple[list[np.ndarray], list[str] | None, int | None]:
    """Return kernels (K_h, K_w), their titles, and how many belong in a row."""
    if isinstance(weights, Mapping):
        return [to_plane("weights", w) for w in weights.values()], [str(name) for name in weights], None
    if isinstance(weights, list | tuple) and all(np.ndim(w) >= 2 for w in weights):
        return [to_plane("weights", w) for w in weights], None, None
    array = to_array("weights", weights)
    if array.ndim == 2:
        return [array], None, None
    if array.ndim == 3:
        return list(array), None, None
    if array.ndim == 4:
        across = array.shape[1] if array.shape[1] > 1 else None
        return list(array.reshape(-1, *array.shape[2:])), None, across
    raise ValueError(
        f"weights must have shape (K_h, K_w), (N, K_h, K_w) or (C_out, C_in, K_h, K_w), got {array.shape}"
    )


def kernels(
    weights: Any,
    titles: Sequence[str] | None = None,
    values: bool = True,
    format: Format = None,
    columns: int | None = None,
) -> Any:
    """Draw kernels in a signed color map: blue below zero, white at zero, orange above.

    All kernels share one scale, so that a strong kernel looks strong.

    Parameters
    ----------
    weights : array_like, list or mapping
        One kernel (K_h, K_w), several (N, K_h, K_w), a layer's weight (C_out, C_in, K_h, K_w) with a
        row for each filter, or a mapping from title to kernel.
    titles : sequence of str, optional
        One for each kernel.
    values : bool
        Write the weights into the cells, where there is room.
    format : str or callable, optional
        How a weight is written.
    columns : int, optional
        Kernels in a row.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    ValueError
        If the shape is none of these, or titles and kernels differ in number.

    Examples
    --------
    >>> ax = kernels([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], titles=["Sobel"])
    >>> ax.get_title(), len(ax.texts)
    ('Sobel', 9)
    """
    planes, names, across = _as_kernels(weights)
    if len(planes) > MOST_PICTURES:
        raise ValueError(
            f"kernels draws up to {MOST_PICTURES} kernels, got {len(planes)}; take a few of them"
        )
    names = _check_titles(titles, len(planes), "kernels") or names
    widest = max(plane.shape[1] for plane in planes)
    fits = max(1, int((WIDTH - 0.1) // (widest * CELL + 0.15)))
    per_row = columns or across or _balanced(len(planes), fits if values else 6)
    writers = [to_text(plane, format) for plane in planes]
    longest = max(len(write(v)) for write, plane in zip(writers, planes, strict=True) for v in plane.ravel())
    cell = min(0.62, ((WIDTH - 0.1) / per_row - 0.15) / widest)
    size = min(TEXT, 0.92 * cell * 72 / (0.64 * longest))
    most = max(float(np.abs(plane).max()) for plane in planes) or 1.0
    with style():
        rows = math.ceil(len(planes) / per_row)
        tallest = max(plane.shape[0] for plane in planes)
        height = rows * (tallest * cell + (0.42 if names else 0.12)) + 0.05
        _, axes = figure(rows, per_row, height=height)
        panels = list(np.atleast_1d(axes).flat)
        for ax in panels[len(planes) :]:
            ax.set_axis_off()
        for index, (ax, plane) in enumerate(zip(panels, planes, strict=False)):
            written = writers[index] if values and size >= LEAST - 1.5 else None
            _draw_cells(ax, plane, "signed", (-most, most), written, max(size, LEAST))
            if names is not None:
                ax.set_title(names[index])
    return _result(panels[: len(planes)])


def _as_maps(maps: Any) -> tuple[list[np.ndarray], list[str] | None]:
    if isinstance(maps, Mapping):
        return [to_plane("maps", item) for item in maps.values()], [str(name) for name in maps]
    if isinstance(maps, list | tuple) and all(np.ndim(to_array("maps", item)) >= 2 for item in maps):
        return [to_plane("maps", item) for item in maps], None
    array = to_array("maps", maps)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        return [array], None
    if array.ndim == 3:
        return list(array), None
    raise ValueError(
        f"maps must have shape (H, W), (C, H, W), (1, C, H, W) or be a list of planes, got {array.shape}"
    )


def feature_maps(
    maps: Any,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    limits: Limits = None,
    color: str | None = None,
) -> Any:
    """Draw feature maps on one shared scale, which stands beside them.

    Parameters
    ----------
    maps : array_like, list or mapping
        A map (H, W); the channels (C, H, W) or (1, C, H, W) of one input; a list of maps, which may
        differ in size; or a mapping from title to map.
    titles : sequence of str, optional
        One for each map.
    columns : int, optional
        Maps in a row, at most 4 if it is not given.
    limits : (float, float), optional
        The values at the two ends of the scale; by default those of all maps together.
    color : {"gray", "signed", "amount"}, optional
        Gray without values below zero, signed with them, unless told.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    ValueError
        If the shape is none of these, or titles and maps differ in number.

    Examples
    --------
    >>> axes = feature_maps([np.eye(4), -np.eye(2)], titles=["stride 1", "stride 2"])
    >>> [ax.images[0].get_array().shape for ax in axes]
    [(4, 4), (2, 2)]
    """
    planes, names = _as_maps(maps)
    if len(planes) > MOST_PICTURES:
        raise ValueError(f"feature_maps draws up to {MOST_PICTURES} maps, got {len(planes)}; take a few")
    names = _check_titles(titles, len(planes), "maps") or names
    everything = np.concatenate([plane.ravel() for plane in planes])
    color = color or ("signed" if float(np.nanmin(everything)) < 0 else "gray")
    check_choice("color", color, ["gray", "signed", "amount"])
    norm = Normalize(*(limits or limits_of(everything, color)), clip=True)
    with style():
        per_row = columns or _balanced(len(planes), 4)
        fig, axes = _panels(len(planes), per_row, planes[0].shape, names is not None, extra=0.75)
        for index, (ax, plane) in enumerate(zip(axes, planes, strict=True)):
            ax.imshow(plane, cmap=color_map(color), norm=norm, interpolation="nearest")
            bare(ax)
            for spine in ax.spines.values():
                spine.set(visible=True, color=MUTED, linewidth=0.5)
            if names is not None:
                ax.set_title(names[index])
        scale(fig, axes, color, norm)
    return _result(axes)


def scale(fig: Any, axes: Iterable[Axes], color: str, norm: Normalize, label: str | None = None) -> None:
    """Draw the scale of a color map to the right of `axes`."""
    bar = fig.colorbar(ScalarMappable(norm, color_map(color)), ax=list(axes), shrink=0.9, aspect=22, pad=0.02)
    bar.locator = _few_ticks()
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    tidy(bar.ax)
    if label:
        bar.set_label(label)


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])


def matrix(
    array: Any,
    ax: Axes | None = None,
    title: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    names: Sequence[str] | None = None,
    format: Format = None,
    color: str | None = None,
    limits: Limits = None,
) -> Axes:
    """Draw a matrix as colored cells, with its numbers where there is room and a scale beside it.

    Parameters
    ----------
    array : array_like of shape (rows, columns)
        Any real numbers.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title, xlabel, ylabel : str, optional
        Written above, below and to the left.
    names : sequence of str, optional
        Names of the rows, and of the columns where the matrix is square (a confusion matrix).
    format : str or callable, optional
        How a number is written.
    color : {"gray", "signed", "amount"}, optional
        Amount (white to blue) without values below zero, signed with them, unless told.
    limits : (float, float), optional
        The values at the two ends of the scale.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = matrix([[9, 1], [2, 8]], names=["cat", "dog"], xlabel="predicted", ylabel="true")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['cat', 'dog']
    """
    plane = to_plane("array", array)
    color = color or ("signed" if float(np.nanmin(plane)) < 0 else "amount")
    check_choice("color", color, ["gray", "signed", "amount"])
    rows, columns = plane.shape
    if names is not None:
        _check_titles(names, rows, "rows")
    write = to_text(plane, format)
    longest = max(len(write(value)) for value in plane.ravel())
    norm = Normalize(*(limits or limits_of(plane, color)), clip=True)
    with style():
        across = 4.6 if names is None else 4.0
        cell = min(0.6, across / columns)
        if ax is None:
            ax = figure(height=min(cell * rows, 6.0) + (0.9 if xlabel or names is not None else 0.5))[1]
        assert ax is not None
        tidy(ax)
        ax.imshow(plane, cmap=color_map(color), norm=norm, interpolation="nearest")
        size = min(TEXT, 0.9 * cell * 72 / (0.64 * longest))
        if size >= LEAST - 1.5:
            for (row, column), value in np.ndenumerate(plane):
                ink = text_on(color_map(color)(norm(value)))
                ax.text(
                    column, row, write(value), ha="center", va="center", color=ink, fontsize=max(size, LEAST)
                )
        for spine in ax.spines.values():
            spine.set(visible=True, color=GRID)
        if names is not None:
            ax.set_yticks(range(rows), list(names))
            if rows == columns:
                ax.set_xticks(range(columns), list(names), rotation=45, ha="right", rotation_mode="anchor")
        ax.set(xlabel=xlabel or "", ylabel=ylabel or "", title=title or "")
        scale(ax.get_figure(), [ax], color, norm)
    return ax
