"""The drawings of the chapter on fast convolution: what stands on the axes."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from cnncourse import plots
from cnncourse.convolution import convolution_matrix


def test_block_matrix_draws_lines_between_blocks():
    matrix = convolution_matrix(np.arange(1.0, 10).reshape(1, 1, 3, 3), 5)
    ax = plots.fast_convolution.block_matrix(matrix, (3, 5))
    levels = sorted(float(line.get_ydata()[0]) for line in ax.lines if line.get_xdata()[0] == 0)
    assert levels[:2] == [2.5, 5.5]
    np.testing.assert_array_equal(ax.images[0].get_array(), matrix)
    with pytest.raises(ValueError, match=r"block \(4, 5\) must divide the matrix \(9, 25\)"):
        plots.fast_convolution.block_matrix(matrix, (4, 5))
    plt.close("all")
