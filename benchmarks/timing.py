"""Things compared in turn, in one run: medians and ratios with their spread."""

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 3


def in_turn(things: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds that each thing takes, `rounds` times, one after the other in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            start = time.perf_counter()
            thing()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(slow: list[float], quick: list[float]) -> tuple[float, str]:
    """Return the median of the rounds' ratios, and it with its spread as text."""
    ratios = [a / b for a, b in zip(slow, quick, strict=True)]
    middle = statistics.median(ratios)
    return middle, f"{middle:.3g} times (from {min(ratios):.3g} to {max(ratios):.3g})"


def against(value: float, aim: float, most: bool = False) -> str:
    """Say whether `value` reaches `aim`, which is the most or the least it should be."""
    met = value <= aim if most else value >= aim
    return f"{'at most' if most else 'at least'} {aim:g}: {'met' if met else 'MISSED'}"
