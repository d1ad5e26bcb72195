"""Arrays as pictures: photographs, color channels, feature maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from cnncourse._checks import check_choice, check_filled
from cnncourse.plots._arrays import MOST_PICTURES, Limits, check_titles, limits_of, to_array, to_plane
from cnncourse.plots._panels import axes_of, balanced, card, scale
from cnncourse.plots._style import MUTED, SMALL, TEXT, bare, color_map, style, tidy


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


def as_list(batch: Any) -> tuple[list[Any], list[str] | None]:
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


def image_grid(
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
    >>> axes = image_grid(np.random.default_rng(0).random((2, 3, 8, 8)), titles=["one", "two"])
    >>> [ax.get_title() for ax in axes]
    ['one', 'two']
    """
    items, names = as_list(batch)
    if not 1 <= len(items) <= MOST_PICTURES:
        raise ValueError(
            f"image_grid draws 1 to {MOST_PICTURES} pictures, got {len(items)}; take a few of them"
        )
    if limits[1] <= limits[0]:
        raise ValueError(f"limits must be (low, high) with low < high, got {limits}")
    pictures = [as_picture("images", item, limits) for item in items]
    names = check_titles(titles, len(pictures), "pictures") or names
    if ax is not None and len(pictures) > 1:
        raise ValueError(f"ax takes one picture, got {len(pictures)}; leave ax out to draw several")
    with style():
        if ax is not None:
            axes = [tidy(ax)]
        else:
            columns = columns or balanced(len(pictures), 6)
            _, axes = card(len(pictures), columns, pictures[0].shape, names is not None)
        for index, (panel, picture) in enumerate(zip(axes, pictures, strict=True)):
            smooth = "nearest" if max(picture.shape[:2]) <= 128 else "antialiased"
            panel.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation=smooth)
            bare(panel)
            if names is not None:
                panel.set_title(names[index], fontsize=TEXT if len(axes) < 5 else SMALL)
    return axes_of(axes)


def channels(image: Any, columns: int = 4) -> np.ndarray:
    """Draw a color image and its red, green and blue planes, each plane in gray.

    Parameters
    ----------
    image : array_like of shape (3, H, W)
        uint8, or floats between 0 and 1.
    columns : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes of shape (4,)

    Examples
    --------
    >>> [ax.get_title() for ax in channels(np.zeros((3, 4, 4)))]
    ['image', 'red', 'green', 'blue']
    """
    picture = to_array("image", image)
    if picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"image must have shape (3, H, W), got {picture.shape}")
    axes: np.ndarray = image_grid(
        [picture, *picture], titles=["image", "red", "green", "blue"], columns=columns
    )
    for ax, color in zip(axes[1:], ("#c00000", "#007a33", "#0050c8"), strict=True):
        ax.title.set_color(color)
    return axes


def as_maps(maps: Any) -> tuple[list[np.ndarray], list[str] | None]:
    """Return planes (H, W) and titles from a map, several channels, a list of maps or a mapping."""
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
    planes, names = as_maps(maps)
    check_filled("maps", planes, "at least one feature map")
    if len(planes) > MOST_PICTURES:
        raise ValueError(f"feature_maps draws up to {MOST_PICTURES} maps, got {len(planes)}; take a few")
    names = check_titles(titles, len(planes), "maps") or names
    everything = np.concatenate([plane.ravel() for plane in planes])
    color = color or ("signed" if float(np.nanmin(everything)) < 0 else "gray")
    check_choice("color", color, ["gray", "signed", "amount"])
    norm = Normalize(*(limits or limits_of(everything, color)), clip=True)
    with style():
        per_row = columns or balanced(len(planes), 4)
        fig, axes = card(len(planes), per_row, planes[0].shape, names is not None, extra=0.75)
        for index, (ax, plane) in enumerate(zip(axes, planes, strict=True)):
            ax.imshow(plane, cmap=color_map(color), norm=norm, interpolation="nearest")
            bare(ax)
            for spine in ax.spines.values():
                spine.set(visible=True, color=MUTED, linewidth=0.5)
            if names is not None:
                ax.set_title(names[index])
        scale(fig, axes, color, norm)
    return axes_of(axes)
