"""Checkers against mutants: right answers with one change, which they have to catch."""

import json

import pytest
from answers_by_hand import size_by_counting
from mutation import RECORD, count_mutants

from cnncourse.exercises import TASKS
from cnncourse.exercises.mutants import mutants

SURVIVORS = 0.05  # of those that change what the function returns
COUNTED = json.loads(RECORD.read_text())


@pytest.mark.parametrize("name", TASKS)
def test_mutants_of_right_answers_are_caught_and_counted_in_the_book(name: str):
    found = count_mutants(name)
    assert found.changed >= 10
    assert len(found.survivors) <= SURVIVORS * found.changed, found.survivors
    counted = COUNTED[name]
    assert counted["made"] == found.made, "count anew: python tests/mutation.py"
    assert abs(counted["changed"] - found.changed) <= 0.05 * found.made


def test_the_book_counts_no_exercise_that_is_gone():
    assert set(COUNTED) == set(TASKS)


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
