"""Training: a recipe, batches, a loop that fits on one screen, and a record of what happened.

Examples
--------
>>> from cnncourse import data, models, training
>>> train, test = data.load("digits").take(200), data.load("digits", "test")
>>> model = models.create_model("conv_bn_gap", in_channels=1, seed=0)
>>> recipe = training.Recipe(epochs=1, batch_size=50)
>>> history = training.fit(model, train, recipe)
>>> sorted(training.evaluate(model, test))
['accuracy', 'loss']
"""

from cnncourse.training.batches import Batches
from cnncourse.training.loop import DivergedError, evaluate, fit
from cnncourse.training.recipe import Recipe

__all__ = ["Batches", "DivergedError", "Recipe", "evaluate", "fit"]
