"""A generated time series: what a sensor on a machine's housing might record, in four states.

Each series has the same length, mean and spread, and "rattling" has as many knocks as "knocking": shapes,
and how they follow each other, have to be found.
"""

from typing import NamedTuple

import numpy as np

from cnncourse._checks import check_choice, check_count

LENGTH = 256
SIZES = {"train": 4_000, "test": 1_000}
SEEDS = {"train": 20, "test": 21}
STATES = ("even", "knocking", "rattling", "scraping")
SHORTEST = 22  # samples between two knocks, at least


class SeriesSet(NamedTuple):
    """Time series with labels.

    Parameters
    ----------
    values : numpy.ndarray, shape (N, 1, L), float32
        The series, one channel each, with mean 0 and deviation 1.
    labels : numpy.ndarray, shape (N,), int64
        Indices into `classes`.
    classes : tuple of str
        The classes' names.
    """

    values: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def draw_machines(split: str = "train", n: int | None = None, seed: int | None = None) -> SeriesSet:
    """Draw series of a machine that runs evenly, knocks, rattles or scrapes.

    "Knocking" has short knocks at even distances, "rattling" as many of them at uneven distances (22 samples
    at least), "scraping" a burst of noise, "even" none of these. Every machine hums at its own pitch.

    Parameters
    ----------
    split : {"train", "test"}
        4,000 or 1,000 series.
    n : int, optional
        How many to draw instead; the states take turns.
    seed : int, optional
        Another seed draws other series.

    Returns
    -------
    SeriesSet

    Examples
    --------
    >>> machines = draw_machines("train", n=8)
    >>> machines.values.shape, machines.classes[machines.labels[1]]
    ((8, 1, 256), 'knocking')
    """
    check_choice("split", split, SIZES)
    count = SIZES[split] if n is None else check_count("n", n)
    rng = np.random.default_rng(check_count("seed", SEEDS[split] if seed is None else seed, minimum=0))
    labels = np.arange(count) % len(STATES)
    values = np.stack([_draw(STATES[label], rng) for label in labels])
    values -= values.mean(axis=1, keepdims=True)
    values /= values.std(axis=1, keepdims=True)
    return SeriesSet(values[:, None].astype(np.float32), labels.astype(np.int64), STATES)


def _draw(state: str, rng: np.random.Generator) -> np.ndarray:
    """Draw one series, shape (256,): a hum, noise, and what the state adds."""
    pitch = rng.uniform(0.15, 0.45)  # radians a sample: 14 to 42 samples a period
    phase = rng.uniform(0, 2 * np.pi) + pitch * np.arange(LENGTH)
    series: np.ndarray = np.sin(phase) + 0.4 * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
    noise = np.full(LENGTH, rng.uniform(0.3, 0.6))
    if state == "scraping":
        start, length = rng.integers(0, LENGTH - 80), rng.integers(30, 80)
        noise[start : start + length] *= 3
    series += noise * rng.normal(size=LENGTH)
    if state in ("knocking", "rattling"):
        for place in _places(state, rng).astype(int):
            series[place:] += _knock()[: LENGTH - place]
    return series


def _places(state: str, rng: np.random.Generator) -> np.ndarray:
    """Draw the places of six to eight knocks; uneven distances share the same room as even ones."""
    distance = rng.uniform(30, 42)
    count = int(LENGTH // distance)
    distances = np.full(count, distance)
    if state == "rattling":
        distances = SHORTEST + rng.dirichlet(np.ones(count)) * count * (distance - SHORTEST)
    first = rng.uniform(0, LENGTH - distances[1:].sum())
    places: np.ndarray = first + np.concatenate([[0], np.cumsum(distances[1:])])
    return places


def _knock() -> np.ndarray:
    """Return a knock: a fast swing that has died down after a dozen samples."""
    time = np.arange(LENGTH)
    knock: np.ndarray = 3.5 * np.exp(-time / 3) * np.cos(2.2 * time)
    return knock
