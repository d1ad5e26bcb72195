"""One visual language: colors, text sizes, and the card on which every figure is drawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

INPUT = "#0072B2"  # blue: what comes in
KERNEL = "#E69F00"  # orange: what is learned
OUTPUT = "#009E73"  # green: what comes out
INK = "#1a1a1a"
MUTED = "#595959"
GRID = "#dcdcdc"
AS_DRAWN = "as-drawn"  # the gid of what means its color, as images do: a dark page leaves it as it is

# Okabe and Ito's colors without the yellow, which is too pale for a line on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo")

WIDTH = 6.0  # inches; one width for all cards, so that text has one size on the page
MAX_WIDTH = 6.4
DPI = 160
TEXT = 12.0  # points
SMALL = 10.5
LEAST = 10.0

SIGNED = LinearSegmentedColormap.from_list("signed", ["#00436b", "#0072B2", "#ffffff", "#E08214", "#8a3a00"])
# For colors that are laid over an image: the same two, and light enough to see it through.
OPPOSED = LinearSegmentedColormap.from_list("opposed", ["#0072B2", "#ffffff", "#D97706"])
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#D97706"])
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#ffffff", "#9ecae1", "#0072B2", "#00304d"])

_RC: Any = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT,
    "text.color": INK,
    "axes.titlesize": TEXT,
    "axes.titlepad": 6.0,
    "axes.labelsize": TEXT,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.grid": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "hatch.linewidth": 0.7,
    "image.interpolation": "nearest",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the book's style inside the block; settings outside it stay as they were.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> before = mpl.rcParams["font.size"]
    >>> with style():
    ...     inside = mpl.rcParams["font.size"]
    >>> inside, mpl.rcParams["font.size"] == before
    (12.0, True)
    """
    with mpl.rc_context(_RC):
        yield


def figure(
    rows: int = 1, columns: int = 1, width: float = WIDTH, height: float | None = None
) -> tuple[Figure, Any]:
    """Start a white card with `rows` x `columns` axes, styled for good.

    Parameters
    ----------
    rows, columns : int
        How many axes.
    width : float
        Inches, at most 6.4. Leave it alone unless there is a reason: one width gives
        text of one size on the page.
    height : float, optional
        Inches; chosen from the width if it is not given.

    Returns
    -------
    figure : Figure
    axes : Axes or ndarray of Axes
        One Axes for a single panel, else an array as from ``plt.subplots``.

    Raises
    ------
    ValueError
        If the width is not between 1 and 6.4 inches.

    Examples
    --------
    >>> fig, ax = figure()
    >>> float(fig.get_size_inches()[0])
    6.0
    >>> plt.close(fig)
    """
    if not 1 <= width <= MAX_WIDTH:
        raise ValueError(f"width must be between 1 and {MAX_WIDTH} inches, got {width}")
    if height is None:
        height = 0.58 * width if columns == 1 and rows == 1 else 0.85 * rows * width / columns
    with style():
        fig, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained")
        # Notebooks crop a figure to its artists: count the card itself among them, so all keep one width.
        fig.patch.set_in_layout(True)
        for ax in np.atleast_1d(axes).flat:
            tidy(ax)
    return fig, axes


def tidy(ax: Axes) -> Axes:
    """Fix on `ax` what Matplotlib would otherwise read from its settings only when the figure is shown."""
    for name in ("x", "y"):
        ax.tick_params(
            axis=name,
            which="both",
            labelsize=SMALL,
            color=MUTED,
            labelcolor=INK,
            width=0.8,
            length=3,
            labelfontfamily="DejaVu Sans",
        )
    return ax


def grid(ax: Axes, axis: str = "y") -> None:
    """Draw thin pale lines across `ax`, behind the data."""
    ax.grid(visible=True, axis=axis, color=GRID, linewidth=0.7, linestyle="-")  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def bare(ax: Axes) -> None:
    """Take ticks and frame from `ax`, for a picture."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def new_or(ax: Axes | None, height: float | None = None) -> Axes:
    """Return `ax`, or the single Axes of a new card."""
    if ax is not None:
        return tidy(ax)
    return figure(height=height)[1]  # type: ignore[no-any-return]


def luminance(color: Any) -> float:
    """Return the relative luminance (WCAG 2) of a color, 0 for black and 1 for white.

    Examples
    --------
    >>> luminance("white")
    1.0
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.round(np.dot([0.2126, 0.7152, 0.0722], linear), 10))


def text_on(color: Any) -> str:
    """Return black or white, whichever reads better on `color`.

    Examples
    --------
    >>> text_on("#ffffff"), text_on("#00304d")
    ('black', 'white')
    """
    light = luminance(color)
    return "black" if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else "white"


def color_map(color: str) -> Colormap:
    """Return the color map called "gray", "signed", "amount", "opposed" or "heat" in this book."""
    maps = {"signed": SIGNED, "amount": AMOUNT, "opposed": OPPOSED, "heat": HEAT}
    return mpl.colormaps["gray"] if color == "gray" else maps[color]
