"""Training: a recipe, batches, a loop that fits on one screen, and a record of what happened.

`fit` and `evaluate` work on any network and any image set; `train` and `evaluate_run` go from a
name to a saved run.

Examples
--------
>>> from cnncourse import data, models, training
>>> train_set, test_set = data.load("digits").take(200), data.load("digits", "test")
>>> model = models.create_model("conv_bn_gap", in_channels=1, seed=0)
>>> recipe = training.Recipe(epochs=1, batch_size=50)
>>> history = training.fit(model, train_set, recipe)
>>> sorted(training.evaluate(model, test_set))
['accuracy', 'loss']
"""

from cnncourse.training.batches import Batches
from cnncourse.training.checkpoint import load_weights, save_weights
from cnncourse.training.experiment_runs import RunStatus, experiment_status, run_experiment
from cnncourse.training.experiments import Experiment, ExperimentRun, experiment_names, load_records
from cnncourse.training.loop import DivergedError, evaluate, fit
from cnncourse.training.recipe import Recipe
from cnncourse.training.record import RunRecord
from cnncourse.training.run import evaluate_run, load_model, load_run, train
from cnncourse.training.runs import Comparison, RunEntry, compare_runs, list_runs, read_record, read_records

__all__ = [
    "Batches",
    "Comparison",
    "DivergedError",
    "Experiment",
    "ExperimentRun",
    "Recipe",
    "RunEntry",
    "RunRecord",
    "RunStatus",
    "compare_runs",
    "evaluate",
    "evaluate_run",
    "experiment_names",
    "experiment_status",
    "fit",
    "list_runs",
    "load_model",
    "load_records",
    "load_run",
    "load_weights",
    "read_record",
    "read_records",
    "run_experiment",
    "save_weights",
    "train",
]
