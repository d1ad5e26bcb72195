"""The bench: how long it takes to 74, 80, 90 and 94% on this machine, beside five tutorials.

`plain` holds the tutorials' loop as tutorials type it, `fast` times our recipes, `published` is the published
recipe for 94% in our own words.

Examples
--------
>>> from cnncourse import bench
>>> sorted(bench.GOALS)
['74', '80', '90', '94']
"""

from cnncourse.bench.bench import Bench, load_images
from cnncourse.bench.levels import GOALS, as_json, describe
from cnncourse.bench.plain import TUTORIALS, plain_epochs, train_epoch
from cnncourse.bench.plan import Plan, recipes_for
from cnncourse.bench.profile import profile_step
from cnncourse.bench.record import BenchRecord, load_bench_records

__all__ = [
    "GOALS",
    "TUTORIALS",
    "Bench",
    "BenchRecord",
    "Plan",
    "as_json",
    "describe",
    "load_bench_records",
    "load_images",
    "plain_epochs",
    "profile_step",
    "recipes_for",
    "train_epoch",
]
