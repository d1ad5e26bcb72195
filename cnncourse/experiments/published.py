"""Curves that others published, read off their figures: to be drawn beside ours."""

import math

import numpy as np

_OFF = math.nan  # above 20%, where the figure is cut
_HE2016 = {  # percent after 2, 4, ..., 64 thousand steps
    "plain20": (
        *(_OFF, 18.8, 17.1, 15.4, 13.5, 13.2, 12.2, 12.5, 11.3, 10.6, 9.6, 10.6, 10.4, 9.8, 9.9, 9.0),
        *(3.7, 3.5, 2.8, 2.6, 2.6, 2.2, 2.6, 2.1, 1.3, 1.5, 1.3, 1.2, 1.2, 1.6, 1.1, 1.4),
    ),
    "plain56": (
        *(_OFF, _OFF, _OFF, _OFF, _OFF, _OFF, _OFF, _OFF, _OFF, 18.9, 18.5, 17.0, 17.0, 18.4, 16.9, 16.5),
        *(10.1, 9.6, 9.0, 8.4, 8.5, 8.3, 8.3, 7.8, 5.7, 6.1, 5.6, 6.2, 5.6, 6.0, 5.3, 5.9),
    ),
    "resnet20": (
        *(19.7, 16.0, 13.6, 12.3, 10.5, 9.9, 10.2, 9.9, 8.2, 7.4, 7.4, 8.3, 7.9, 7.4, 7.9, 7.1),
        *(2.5, 1.9, 2.0, 2.0, 1.2, 1.4, 1.3, 0.8, 0.9, 0.7, 0.7, 0.7, 0.5, 1.0, 0.4, 0.7),
    ),
    "resnet56": (
        *(_OFF, 17.8, 13.5, 11.8, 9.2, 8.9, 7.4, 7.4, 5.8, 6.9, 5.9, 6.3, 4.9, 4.7, 4.9, 5.0),
        *(1.0, 0.4, 0.3, 0.3, 0.3, 0.2, 0.2, 0.1, 0.0, 0.1, 0.1, 0.0, 0.0, 0.0, 0.1, 0.0),
    ),
}


def published_errors() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the training errors on CIFAR-10 of plain and residual networks, as He et al. published them.

    They were read off the dashed lines of the paper's figure 6, to about 0.2 points; the figure is cut at
    20%, and what is above is not-a-number.

    Returns
    -------
    dict from str to (ndarray of shape (32,), ndarray of shape (32,))
        For plain20, plain56, resnet20 and resnet56 the steps, in thousands, and the error, from 0 to 1.

    References
    ----------
    He, Zhang, Ren, Sun: Deep residual learning for image recognition, doi:10.1109/CVPR.2016.90.

    Examples
    --------
    >>> steps, errors = published_errors()["plain56"]
    >>> print(f"{errors[-1]:.1%} after {steps[-1]:.0f},000 steps")
    5.9% after 64,000 steps
    """
    steps = np.arange(2.0, 65.0, 2.0)
    return {name: (steps, np.array(percent) / 100) for name, percent in _HE2016.items()}
