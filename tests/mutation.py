"""Mutants of right answers against the checkers; run as a program, it writes what the book's table shows."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from answers import RIGHT

from cnncourse.exercises import TASKS, Task
from cnncourse.exercises.calling import call
from cnncourse.exercises.mutants import mutants

RECORD = Path(__file__).resolve().parent.parent / "book" / "reference" / "mutation.json"
LIMIT = 0.5  # seconds


@dataclass(frozen=True)
class Count:
    """Mutants of an exercise: how many, how many of them return something else, and which of those pass."""

    made: int
    changed: int
    survivors: list[str]


def count_mutants(name: str) -> Count:
    """Try all mutants of an exercise."""
    task, made, changed, survivors = replace(TASKS[name], by_hand=False), 0, 0, []
    for function in RIGHT[name]:
        right = behaves(task, function)
        for mutant in mutants(function):
            made += 1
            if same(behaves(task, mutant.function), right):
                continue
            changed += 1
            if task(mutant.function, 0, LIMIT).passed:
                survivors.append(
                    f"{function.__name__}, line {mutant.line}: {mutant.before} -> {mutant.after}"
                )
    return Count(made, changed, survivors)


def behaves(task: Task, function) -> list:
    """Return what a function returns on many inputs, or that it raises or does not end."""
    found, adapted = [], task.adapted(function)
    for seed in range(100, 101 if task.adapter else 103):
        for inputs in task.inputs(np.random.default_rng(seed)):
            outcome = call(adapted, inputs, LIMIT)
            if outcome.late:
                return ["late"]
            found.append((outcome.error.split(":")[0], outcome.changed, outcome.value))
    return found


def same(a: list, b: list) -> bool:
    try:
        return len(a) == len(b) and all(
            one[:2] == other[:2]
            and all(
                np.shape(x) == np.shape(y) and np.allclose(x, y, 1e-6, 1e-9, equal_nan=True)
                for x, y in zip(as_tuple(one[2]), as_tuple(other[2]), strict=True)
            )
            for one, other in zip(a, b, strict=True)
        )
    except (TypeError, ValueError):
        return False


def as_tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def main() -> None:
    """Write the record."""
    counts = {name: count_mutants(name).__dict__ for name in TASKS}
    RECORD.write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()
