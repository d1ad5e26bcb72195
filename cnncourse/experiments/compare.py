"""When a difference is a difference: arms of an experiment against a baseline, seed by seed."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnncourse._checks import check_choice, check_count
from cnncourse.experiments.record import RunRecord

Arm = Sequence[float] | Mapping[int, float] | Sequence[RunRecord]


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """One arm less the baseline.

    Parameters
    ----------
    arm : str
        Its name.
    mean : float
        The mean of its results.
    differences : tuple of float
        Its result less the baseline's, one a seed.
    difference : float
        Their mean.
    low, high : float
        The 95% t-interval of that mean.
    """

    arm: str
    mean: float
    differences: tuple[float, ...]
    difference: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low <= 0 <= self.high

    @property
    def verdict(self) -> str:
        """What the interval says: "higher", "lower" or "not shown"."""
        return ("higher" if self.difference > 0 else "lower") if self.shown else "not shown"


@dataclasses.dataclass(frozen=True)
class PairedTable:
    """Arms of an experiment against a baseline; printed, a small table.

    Parameters
    ----------
    key : str
        What was measured. Names that end in "accuracy" are printed as percent, their differences in points.
    baseline : str
        The arm that the others are compared with.
    seeds : tuple of int
        The seeds that every arm has.
    mean : float
        The mean of the baseline's results.
    rows : tuple of PairedDifference
        The other arms.
    """

    key: str
    baseline: str
    seeds: tuple[int, ...]
    mean: float
    rows: tuple[PairedDifference, ...]

    def __getitem__(self, arm: str) -> PairedDifference:
        """Return the difference of `arm` from the baseline."""
        named = {row.arm: row for row in self.rows}
        return named[check_choice("arm", arm, named)]

    def __str__(self) -> str:
        percent = self.key.endswith("accuracy")
        level, signed = ("{:.2f}%", "{:+.2f}") if percent else ("{:.4g}", "{:+.3g}")
        scale = 100 if percent else 1
        seeds = ", ".join(map(str, self.seeds))
        cells = [("", "mean", "difference" + (" (points)" if percent else ""), "95% interval", "")]
        cells += [(self.baseline, level.format(scale * self.mean), "baseline", "", "")]
        for row in self.rows:
            mean, difference = level.format(scale * row.mean), signed.format(scale * row.difference)
            interval = " to ".join(signed.format(scale * end) for end in (row.low, row.high))
            cells.append((row.arm, mean, difference, interval, row.verdict))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [f"{self.key.replace('_', ' ')}, seeds {seeds}"]
        for name, *others in cells:
            numbers = [f"{cell:>{width}}" for cell, width in zip(others[:-1], widths[1:-1], strict=True)]
            lines.append("  ".join([f"{name:<{widths[0]}}", *numbers, others[-1]]).rstrip())
        return "\n".join(lines)


def compare(arms: Mapping[str, Arm], baseline: str | None = None, key: str = "test_accuracy") -> PairedTable:
    """Compare arms with a baseline, seed by seed, and say how far each difference can be trusted.

    Runs with one seed have much in common (initialization, order of the images), so the difference is taken
    within each seed. Its mean has a 95% interval by Student's t; if that holds zero, the experiment has not
    shown a difference, which is not to say that there is none.

    Parameters
    ----------
    arms : mapping from str to sequence of float, mapping from int to float, or sequence of RunRecord
        For each arm the results by seed; those of a sequence have the seeds 0, 1, 2 and so on, those of
        records their own.
    baseline : str, optional
        The arm that the others are compared with; by default the first.
    key : str
        What the results are, and the name of the result in a record (or of the value in its last epoch).

    Returns
    -------
    PairedTable
        Its rows hold the numbers; ``print`` writes them.

    Raises
    ------
    ValueError
        If there is no second arm, fewer than two seeds, an arm lacks a seed that another has, or a result
        is missing or not finite; the message names arm and seed.

    References
    ----------
    Student, "The probable error of a mean", Biometrika 6, 1908, https://doi.org/10.1093/biomet/6.1.1.

    Examples
    --------
    >>> print(compare({"plain": [0.70, 0.72, 0.71], "blur": [0.74, 0.75, 0.75], "wide": [0.70, 0.74, 0.71]}))
    test accuracy, seeds 0, 1, 2
             mean  difference (points)    95% interval
    plain  71.00%             baseline
    blur   74.67%                +3.67  +2.23 to +5.10  higher
    wide   71.67%                +0.67  -2.20 to +3.54  not shown
    """
    if len(arms) < 2:
        raise ValueError(f"arms must be a baseline and at least one more, got {list(arms)}")
    baseline = check_choice("baseline", next(iter(arms)) if baseline is None else baseline, arms)
    results = {name: _by_seed(name, arm, key) for name, arm in arms.items()}
    seeds = _same_seeds(results)
    means = {name: float(np.mean([found[seed] for seed in seeds])) for name, found in results.items()}
    rows = []
    for name, found in results.items():
        if name != baseline:
            differences = [found[seed] - results[baseline][seed] for seed in seeds]
            center, half = _interval(differences)
            low, high = center - half, center + half
            rows.append(PairedDifference(name, means[name], tuple(differences), center, low, high))
    return PairedTable(key, baseline, seeds, means[baseline], tuple(rows))


def _by_seed(name: str, arm: Any, key: str) -> dict[int, float]:
    """Return the results of an arm by seed."""
    pairs = list(arm.items()) if isinstance(arm, Mapping) else list(enumerate(arm))
    found: dict[int, float] = {}
    for seed, given in pairs:
        value = given
        if isinstance(given, RunRecord):
            seed, last = given.seed, given.history[-1] if given.history else {}
            value = (last | given.result).get(key)
        if seed in found:
            raise ValueError(f"arms[{name!r}] has two results of seed {seed}; give one a seed")
        if value is None or not math.isfinite(value):
            raise ValueError(
                f"arms[{name!r}] has no {key} for seed {seed}, got {value}; train that run again, or leave "
                "the seed out of every arm"
            )
        found[seed] = float(value)
    return found


def _same_seeds(results: Mapping[str, Mapping[int, float]]) -> tuple[int, ...]:
    """Return the seeds of all arms, in order, if each has the same ones."""
    seeds = sorted({seed for found in results.values() for seed in found})
    for name, found in results.items():
        if missing := [seed for seed in seeds if seed not in found]:
            raise ValueError(
                f"arms[{name!r}] lacks seed {', '.join(map(str, missing))}, which another arm has; "
                "differences are taken seed by seed, so give every arm the same seeds"
            )
    if len(seeds) < 2:
        raise ValueError(
            f"an interval needs at least two seeds in each arm, got {len(seeds)}; three are usual"
        )
    return tuple(seeds)


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95% t-interval."""
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)), student_t(len(values) - 1) * spread


def student_t(degrees: int, confidence: float = 0.95) -> float:
    """Return the t that a variable with Student's distribution stays below, in size, with this probability.

    Parameters
    ----------
    degrees : int
        Degrees of freedom: of the mean of n values, n - 1.
    confidence : float
        The probability, above 0 and below 1.

    Returns
    -------
    float

    References
    ----------
    Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and 26.7.4.

    Examples
    --------
    >>> [round(student_t(degrees), 3) for degrees in (1, 2, 4, 30)]
    [12.706, 4.303, 2.776, 2.042]
    """
    check_count("degrees", degrees)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1, got {confidence}")
    low, high = 0.0, math.pi / 2  # t = sqrt(degrees) tan(angle) grows with the angle
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _within(angle: float, degrees: int) -> float:
    """Return the probability that a variable is below ``sqrt(degrees) tan(angle)`` in size."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    total, term = 0.0, cosine if odd else 1.0
    for power in range(1 + odd, degrees, 2):  # odd: cos + 2/3 cos^3 + ...; even: 1 + 1/2 cos^2 + ...
        total += term
        term *= power / (power + 1) * cosine**2
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
