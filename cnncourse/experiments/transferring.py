"""What a network that was trained on something else is worth to a few images: three ways, one measure."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from cnncourse import transfer
from cnncourse._checks import check_choice, check_count, check_keys, check_number
from cnncourse.data import ImageSet
from cnncourse.experiments.record import RunRecord, begin_record, now
from cnncourse.experiments.setup import Setup
from cnncourse.models import Trained, create_model, load_trained
from cnncourse.training.evaluation import evaluate
from cnncourse.training.loop import DivergedError, fit
from cnncourse.training.progress import describe_epoch
from cnncourse.training.recipe import Recipe
from cnncourse.training.state import History
from cnncourse.training.support import choose_device

WAYS = ("features", "fine-tuned", "scratch")
MOMENTUM = 0.1  # of batch normalization that begins with nothing; networks for long trainings have less


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What is done with a trained network, and with how many images.

    Parameters
    ----------
    way : {"features", "fine-tuned", "scratch"}
        Fit a linear head to the features of the network, which stays; train all of it at small rates; or
        train a network of the same architecture that begins with random weights.
    per_class : int
        Training images of each class, drawn with the run's seed: the same for every way.
    resolution : int
        The side, in pixels, to which the network scales the images.
    head : float
        How many times the recipe's rate the new head gets in fine-tuning.

    Raises
    ------
    TypeError, ValueError
        If a value is of the wrong kind or out of range.
    """

    way: str
    per_class: int
    resolution: int
    head: float = 10.0

    def __post_init__(self) -> None:
        check_choice("way", self.way, WAYS)
        check_count("per_class", self.per_class)
        check_count("resolution", self.resolution)
        check_number("head", self.head, 0, float("inf"), above=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Transfer":
        """Return what a table of an experiment's file says."""
        needed = {"way": str, "per_class": int, "resolution": int}
        check_keys("transfer", values, needed, {"head": (int, float)})
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as JSON can hold them."""
        return dataclasses.asdict(self)


def measure_transfer(
    setup: Setup,
    plan: Transfer,
    name: str,
    device: str = "auto",
    report: Callable[[str], None] | None = None,
) -> RunRecord:
    """Return the record of a network that learned from a few images, evaluated on all test images.

    Parameters
    ----------
    setup : Setup
        Its model is a name for `models.load_trained`, its recipe has the network's mean and std.
    plan : Transfer
        What is done with it.
    name : str
        The record's name.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train.
    report : callable, optional
        Called with a line of text after each epoch.

    Returns
    -------
    RunRecord
        ``train_seconds`` count from the images in memory: features and their head, or all steps. Its status
        is "diverged" if the loss became infinite or not a number.

    Raises
    ------
    ValueError
        If the recipe's mean and std are not those of the network.
    """
    recipe, target = setup.recipe, choose_device(device)
    assert isinstance(recipe, Recipe)
    whole, test_set = setup.load("train"), setup.load("test")
    train_set = whole.take(plan.per_class, per_class=True, seed=recipe.seed)
    trained = _network(setup, plan, whole, target)
    begin = dataclasses.replace(setup, validation=0.0)
    record = begin_record(begin, name, trained.network, whole, (len(train_set), None), target)
    record.model["transfer"] = plan.to_dict()
    record.environment["dtype"] = "float32"
    start = time.perf_counter()
    try:
        if plan.way == "features":
            trained = transfer.linear_probe(trained, train_set, seed=recipe.seed, cache=False)
        else:
            record.history = _train(trained, train_set, recipe, plan)
    except DivergedError as error:
        if report is not None:
            report(str(error))
        record.status, record.finished = "diverged", now()
        return record
    record.result["train_seconds"] = time.perf_counter() - start
    if report is not None:
        for row in record.history:
            report(describe_epoch(row, recipe.epochs))
    if plan.way == "features":  # all sizes and seeds have the same test features
        record.result["test_accuracy"] = _accuracy_of_features(trained, test_set)
    else:
        start = time.perf_counter()
        record.result["test_accuracy"] = evaluate(trained, test_set, batch_size=100)["accuracy"]
        record.result["evaluation_seconds"] = time.perf_counter() - start
    record.dataset |= {"test": len(test_set), "test_fingerprint": test_set.fingerprint()}
    record.status, record.finished = "completed", now()
    return record


def check_transfer(model: str, recipe: Recipe) -> Trained:
    """Return the trained network `model`, if the recipe scales images as it was trained.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such network, or mean or std are others.
    """
    trained = load_trained(model)
    for key in ("mean", "std"):
        found, wanted = getattr(recipe, key), getattr(trained, key)
        if not np.allclose(found, wanted, atol=5e-4):
            raise ValueError(
                f"{key} must be that of {model}, {[round(each, 4) for each in wanted]}, got {list(found)}"
            )
    return trained


def _network(setup: Setup, plan: Transfer, images: ImageSet, device: torch.device) -> Trained:
    """Return the network as it begins: for such images and classes, at the plan's resolution."""
    assert isinstance(setup.recipe, Recipe)
    source, seed = check_transfer(setup.model, setup.recipe), setup.recipe.seed
    new = transfer.replace_head(source, images.classes, seed)
    side = plan.resolution
    new = dataclasses.replace(new, size=images.shape[1:], resolution=(side, side))
    if plan.way == "scratch":
        model = create_model(new.architecture, len(images.classes), new.channels, seed, new.options)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = max(module.momentum or 0.0, MOMENTUM)
        new = dataclasses.replace(new, model=model)
    new.model.to(device)
    return new


def _train(trained: Trained, train_set: ImageSet, recipe: Recipe, plan: Transfer) -> History:
    if plan.way == "fine-tuned":
        return transfer.fine_tune(trained, train_set, recipe, head=plan.head)
    history = fit(trained.network, train_set, recipe.replace(mean=list(trained.mean), std=list(trained.std)))
    trained.model.eval()
    return history


def _accuracy_of_features(trained: Trained, test_set: ImageSet) -> float:
    """Return the accuracy, from features that are computed once for all heads."""
    features = transfer.extract(trained, test_set)
    layer = trained.model.get_submodule(transfer.head_name(trained.model))
    with torch.inference_mode():
        rows = torch.from_numpy(np.asarray(features)).to(next(layer.parameters()).device)
        answers = layer(rows).argmax(dim=1).cpu().numpy()
    return float((answers == test_set.labels).mean())
