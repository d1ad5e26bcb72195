"""Checkers for the exercises: they run your function, and say kindly and exactly what is wrong with it.

Each ``check_NAME`` is called with your function and returns a `Report`, which a notebook shows as a card.
It never shows the solution; its hints, one after another, come close.

Examples
--------
>>> def output_size(size, kernel, stride, padding):
...     return (size + 2 * padding - kernel) // stride
>>> report = check_output_size(output_size)
>>> report.passed
False
>>> print(report.finding.message)
You count the steps between the window's stops; the stops are one more.
>>> report.hint(1)
'How many stops has a window of 3 on an image of 3?'
"""

from cnncourse.exercises.convolution import (
    check_conv2d,
    check_conv2d_backward,
    check_layer_in_numbers,
    check_outline,
    check_output_size,
    check_slide,
)
from cnncourse.exercises.finding import Finding, Report
from cnncourse.exercises.images import check_normalize
from cnncourse.exercises.learning import (
    check_cross_entropy,
    check_cross_entropy_backward,
    check_momentum_step,
    check_softmax,
)
from cnncourse.exercises.notebooks import notebook
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.pooling import check_max_pool2d, check_max_pool2d_backward
from cnncourse.exercises.program import Bug, Program
from cnncourse.exercises.receptive_field import check_receptive_field
from cnncourse.exercises.sheet import Checker, Sheet, load_sheet, sheet_files
from cnncourse.exercises.task import Mistake, Task
from cnncourse.exercises.training import check_batch_norm, check_batch_norm_backward, check_dropout

CHECKERS: dict[str, Checker] = {
    checker.name: checker
    for checker in (
        check_normalize,
        check_layer_in_numbers, check_slide, check_output_size, check_conv2d, check_conv2d_backward,
        check_outline,
        check_max_pool2d, check_max_pool2d_backward,
        check_softmax, check_cross_entropy, check_cross_entropy_backward, check_momentum_step,
        check_batch_norm, check_batch_norm_backward, check_dropout,
        check_receptive_field,
    )
}  # fmt: skip
TASKS = {name: checker for name, checker in CHECKERS.items() if isinstance(checker, Task)}
PENCILS = {name: checker for name, checker in CHECKERS.items() if isinstance(checker, Pencil)}

__all__ = [
    "CHECKERS",
    "PENCILS",
    "TASKS",
    "Bug",
    "Finding",
    "Mistake",
    "Pencil",
    "Program",
    "Report",
    "Sheet",
    "Task",
    "load_sheet",
    "notebook",
    "sheet_files",
    *sorted(f"check_{name}" for name in CHECKERS),
]
