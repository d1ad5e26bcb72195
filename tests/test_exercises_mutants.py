"""Checkers against mutants: right answers with one change, which they have to catch."""

from dataclasses import replace

import numpy as np
import pytest
from answers import RIGHT
from answers_by_hand import size_by_counting

from cnncourse.exercises import TASKS, Task
from cnncourse.exercises.calling import call
from cnncourse.exercises.mutants import mutants

SURVIVORS = 0.05  # of those that change what the function returns
LIMIT = 0.5  # seconds


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


@pytest.mark.parametrize("name", TASKS)
def test_mutants_of_right_answers_are_caught(name: str):
    task, changed, survivors = replace(TASKS[name], by_hand=False), 0, []
    for function in RIGHT[name]:
        right = behaves(task, function)
        for mutant in mutants(function):
            if same(behaves(task, mutant.function), right):
                continue
            changed += 1
            if task(mutant.function, 0, LIMIT).passed:
                survivors.append(
                    f"{function.__name__}, line {mutant.line}: {mutant.before} -> {mutant.after}"
                )
    assert changed >= 10
    assert len(survivors) <= SURVIVORS * changed, survivors


class TestMutants:
    def test_the_kinds_of_change(self):
        def shrink(x, axis=(0, 2)):
            total = x[::-1].sum(axis=(0, 2))
            total += 1
            return total, x > 0

        found = {(mutant.before, mutant.after) for mutant in mutants(shrink)}
        afters = {after for _, after in found}
        assert {"x[::-1].mean", "x[::-1].max", "x >= 0", "x < 0", "total = 1", "without total += 1"} <= afters
        assert {"return (x > 0, total)", "without 0", "without 2", "None"} & afters

    def test_a_mutant_runs_and_the_function_stays(self):
        first = next(mutants(size_by_counting))
        assert first.function is not size_by_counting and first.before != first.after
        assert size_by_counting(5, 3, 1, 0) == 3
