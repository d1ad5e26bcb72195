"""Training: a recipe, batches and a loop that fits on one screen.

`fit` and `evaluate` work on any network and any image set. Runs with a name, a folder and a record
are in `cnncourse.experiments`.

Examples
--------
>>> from cnncourse import data, models, training
>>> train_set, test_set = data.load("digits").take(200), data.load("digits", "test")
>>> model = models.create_model("conv_bn_gap", in_channels=1, seed=0)
>>> recipe = training.Recipe(epochs=1, batch_size=50)
>>> history = training.fit(model, train_set, recipe)
>>> sorted(training.evaluate(model, test_set, mean=recipe.mean, std=recipe.std))
['accuracy', 'loss']
"""

from cnncourse.training.batches import Batches
from cnncourse.training.evaluation import evaluate
from cnncourse.training.loop import DivergedError, fit
from cnncourse.training.recipe import Recipe
from cnncourse.training.schedules import cosine_decay, one_cycle, step_decay, warm_up
from cnncourse.training.state import State

__all__ = [
    "Batches",
    "DivergedError",
    "Recipe",
    "State",
    "cosine_decay",
    "evaluate",
    "fit",
    "one_cycle",
    "step_decay",
    "warm_up",
]
