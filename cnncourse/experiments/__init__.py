"""Experiments: runs with a name and a record, what the book asked of them, and what came out.

`train` and `evaluate_run` go from a network's name to a saved run; `run_experiment` makes the records
of an experiment; `load_records` reads those that come with the package.

Examples
--------
>>> from cnncourse import experiments
>>> records = experiments.load_records("vgg-kernels")
>>> sorted(records), len(records["two-3x3"])
(['one-5x5', 'two-3x3'], 3)
"""

from cnncourse.experiments.compare import PairedDifference, PairedTable, compare, student_t
from cnncourse.experiments.evaluation import Evaluation, evaluate_run, load_model, load_run
from cnncourse.experiments.experiment import Experiment, ExperimentRun, experiment_names, load_records
from cnncourse.experiments.kept_runs import (
    Comparison,
    RunEntry,
    compare_runs,
    list_runs,
    read_record,
    read_records,
)
from cnncourse.experiments.published import published_errors
from cnncourse.experiments.record import RunRecord
from cnncourse.experiments.recording import RunStatus, experiment_status, run_experiment
from cnncourse.experiments.results import describe_results
from cnncourse.experiments.run import train
from cnncourse.experiments.setup import Setup
from cnncourse.experiments.speed import speedrun

__all__ = [
    "Comparison",
    "Evaluation",
    "Experiment",
    "ExperimentRun",
    "PairedDifference",
    "PairedTable",
    "RunEntry",
    "RunRecord",
    "RunStatus",
    "Setup",
    "compare",
    "compare_runs",
    "describe_results",
    "evaluate_run",
    "experiment_names",
    "experiment_status",
    "list_runs",
    "load_model",
    "load_records",
    "load_run",
    "published_errors",
    "read_record",
    "read_records",
    "run_experiment",
    "speedrun",
    "student_t",
    "train",
]
