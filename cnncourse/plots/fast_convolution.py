"""What the chapter on fast convolution draws: a convolution as a matrix of blocks."""

from typing import Any

from matplotlib.axes import Axes

from cnncourse.plots._arrays import to_plane
from cnncourse.plots._grids import matrix
from cnncourse.plots._style import INK, style

__all__ = ["block_matrix"]


def block_matrix(
    array: Any,
    block: tuple[int, int],
    title: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
) -> Axes:
    """Draw a matrix with lines between its blocks.

    Parameters
    ----------
    array : array_like of shape (rows, columns)
    block : (rows, columns)
        The size of a block, which divides the matrix.
    title, xlabel, ylabel : str, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the blocks do not divide the matrix.

    Examples
    --------
    >>> ax = block_matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], (2, 2))
    >>> len(ax.lines)
    2
    """
    plane = to_plane("array", array)
    if plane.shape[0] % block[0] or plane.shape[1] % block[1]:
        raise ValueError(f"block {block} must divide the matrix {plane.shape}")
    with style():
        ax = matrix(plane, title=title, xlabel=xlabel, ylabel=ylabel)
        for row in range(block[0], plane.shape[0], block[0]):
            ax.axhline(row - 0.5, color=INK, linewidth=0.9)
        for column in range(block[1], plane.shape[1], block[1]):
            ax.axvline(column - 0.5, color=INK, linewidth=0.9)
    return ax
