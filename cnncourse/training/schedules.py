"""Schedules: how the learning rate changes from step to step, as a factor from 0 to 1."""

import math
from collections.abc import Sequence

from cnncourse._checks import check_count


def warm_up(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step`, rising in equal parts to 1 over `steps` steps.

    Examples
    --------
    >>> [warm_up(step, 4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / check_count("steps", steps))


def step_decay(step: int, milestones: Sequence[int], factor: float = 0.1) -> float:
    """Return the share of the learning rate at `step`: times `factor` from each milestone on.

    Examples
    --------
    >>> [step_decay(step, (2, 4), factor=0.5) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return float(factor ** sum(step >= milestone for milestone in milestones))


def cosine_decay(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step`: half a cosine wave from 1 down to 0 at `steps`.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017,
    https://doi.org/10.48550/arXiv.1608.03983.

    Examples
    --------
    >>> [round(cosine_decay(step, 4), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return 0.5 * (1 + math.cos(math.pi * min(step / check_count("steps", steps), 1.0)))


def one_cycle(
    step: int, steps: int, warmup: float = 0.3, start: float = 1 / 25, end: float = 1 / 250_000
) -> float:
    """Return the share of the learning rate at `step`: half a cosine wave up, then one down.

    Parameters
    ----------
    step, steps : int
        Counted from 0; the last step is ``steps - 1``.
    warmup : float
        The share of the steps that goes up.
    start, end : float
        The share at the first and at the last step; the defaults are those of
        ``torch.optim.lr_scheduler.OneCycleLR``, which changes momentum too.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2019, https://doi.org/10.1117/12.2520589.

    Examples
    --------
    >>> [round(one_cycle(step, 11), 2) for step in range(11)]
    [0.04, 0.42, 0.96, 0.98, 0.88, 0.73, 0.53, 0.33, 0.16, 0.04, 0.0]
    """
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup is the share of the steps that goes up, from 0 to 1, got {warmup}")
    peak = max(warmup * check_count("steps", steps, minimum=2) - 1, 0.0)
    if step < peak:
        low, high, along = start, 1.0, step / peak
    else:
        low, high, along = 1.0, end, (step - peak) / max(steps - 1 - peak, 1.0)
    return low + (high - low) * 0.5 * (1 - math.cos(math.pi * min(along, 1.0)))
