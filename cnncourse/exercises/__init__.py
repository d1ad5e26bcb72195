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

from cnncourse.exercises.convolution import check_conv2d, check_conv2d_backward, check_output_size
from cnncourse.exercises.finding import Finding, Report
from cnncourse.exercises.images import check_normalize
from cnncourse.exercises.learning import (
    check_cross_entropy,
    check_cross_entropy_backward,
    check_momentum_step,
    check_softmax,
)
from cnncourse.exercises.pooling import check_max_pool2d, check_max_pool2d_backward
from cnncourse.exercises.receptive_field import check_receptive_field
from cnncourse.exercises.task import Mistake, Task
from cnncourse.exercises.training import check_batch_norm, check_batch_norm_backward, check_dropout

CHAPTERS = {
    "images": (check_normalize,),
    "convolution": (check_output_size, check_conv2d, check_conv2d_backward),
    "pooling": (check_max_pool2d, check_max_pool2d_backward),
    "learning": (check_softmax, check_cross_entropy, check_cross_entropy_backward, check_momentum_step),
    "training": (check_batch_norm, check_batch_norm_backward, check_dropout),
    "receptive-field": (check_receptive_field,),
}
TASKS = {task.name: task for tasks in CHAPTERS.values() for task in tasks}

__all__ = [
    "CHAPTERS",
    "TASKS",
    "Finding",
    "Mistake",
    "Report",
    "Task",
    *sorted(f"check_{name}" for name in TASKS),
]
