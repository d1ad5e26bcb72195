"""One run from its set-up to a saved record: what the command line and the experiments call."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from cnncourse import data
from cnncourse.experiments.evaluation import RECORD, WEIGHTS, describe, keep, load_model, measure
from cnncourse.experiments.folders import about, claimed, completed
from cnncourse.experiments.record import RunRecord, begin_record, now
from cnncourse.experiments.setup import Setup
from cnncourse.models import Trained, create_model
from cnncourse.training.checkpoint import load_checkpoint, save_checkpoint
from cnncourse.training.distributed import joined, processes, rank
from cnncourse.training.loop import DivergedError, fit
from cnncourse.training.recipe import Recipe
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.state import History, State
from cnncourse.training.support import check_model, choose_device

CHECKPOINT = "checkpoint.pt"


def train(
    setup: Setup,
    runs: str | Path = "runs",
    name: str | None = None,
    test: bool = False,
    device: str = "auto",
    resume: bool = False,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[RunRecord, Path]:
    """Train a network as `setup` says; save its record and weights after each epoch.

    Parameters
    ----------
    setup : Setup
        Network, data set and recipe.
    runs : str or Path
        The folder in which the run's own folder is made.
    name : str, optional
        The run's name; by default model, data and a number.
    test : bool
        Whether to evaluate the test split at the end. Choose recipes by the validation split.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train.
    resume : bool
        Whether to go on with the run `name` at its last checkpoint, if there is one; the numbers are those
        of a run that was never stopped. A run that is complete is not trained again, only evaluated if
        `test` asks for it and it was not.
    report : callable, optional
        Called with each epoch's row of the history.

    Returns
    -------
    record : RunRecord
        Its status is "interrupted" if Ctrl-C ended the training.
    folder : Path
        Where ``record.json`` and ``weights.safetensors`` are.

    Raises
    ------
    ValueError, OSError
        If something is unknown, does not fit, or cannot be read or written.
    DivergedError
        If the loss became infinite or not a number; the record says so.
    """
    recipe = setup.recipe
    if isinstance(recipe, SpeedRecipe) or setup.model == SpeedRecipe.network:
        raise ValueError(
            f"{setup.model} begins with filters that are computed from the images, which the engine does not "
            "do: train it by a speedrun, as in experiments.speedrun or cnncourse train --recipe cpu94"
        )
    make = partial(create_model, setup.model, options=setup.options)
    make()  # an unknown name is reported before the data are read
    with joined(choose_device(device)) as target:
        whole = setup.load("train")
        test_set = setup.load("test") if test else None
        train_set, validation_set = setup.split(whole)
        model = make(len(whole.classes), whole.shape[0], recipe.seed).to(target)
        check_model(model, train_set)
        with claimed(Path(runs), name, f"{setup.model}-{whole.name}", resume) as folder:
            used = (len(train_set), len(validation_set) if validation_set else None)
            record = begin_record(setup, folder.name, model, whole, used, target)
            done = completed(folder, record) if resume else None
            if done is None:
                state = State(model, recipe, train_set)
                if resume:
                    _take_up(state, record, folder)
                record.environment |= _describe_state(state)
                _fit(state, record, folder, train_set, validation_set, report)
            elif test_set is None or done.result.get("test_accuracy") is not None:
                return done, folder
            else:
                record = done
                model.load_state_dict(load_model(folder).model.state_dict())
            if test_set is not None and record.status == "completed" and rank() == 0:
                trained = _trained(model, recipe, record, whole)
                keep(measure(record, trained, test_set), trained, test_set, folder)
    return record, folder


def _trained(model: nn.Module, recipe: Recipe, record: RunRecord, images: data.ImageSet) -> Trained:
    """Return the network that the run of `record` has made so far, from such images."""
    return Trained(
        model,
        architecture=record.model["name"],
        classes=images.classes,
        channels=images.shape[0],
        size=images.shape[1:],
        mean=recipe.mean,
        std=recipe.std,
        options=record.model["options"],
        record=describe(record),
    )


def _fit(
    state: State,
    record: RunRecord,
    folder: Path,
    train_set: data.ImageSet,
    validation_set: data.ImageSet | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> None:
    """Train, and save after each epoch; the record's status tells how it ended."""
    identity = about(record) | {"processes": processes()}

    def after_epoch(history: History) -> None:
        coming = dataclasses.replace(record, result=dict(record.result))
        _note(history, coming)
        _trained(state.evaluated, state.recipe, coming, train_set).save(folder / WEIGHTS)
        save_checkpoint(state, folder / CHECKPOINT, identity)  # whoever goes on here finds its weights
        _note(history, record)  # not before: an epoch counts when it is saved
        record.save(folder / RECORD)
        if report is not None:
            report(history[-1])

    try:
        fit(state.model, train_set, state.recipe, validation_set, None, after_epoch, state)
        record.status = "completed"
    except KeyboardInterrupt:
        record.status = "interrupted"
    except DivergedError:
        record.status = "diverged"
        raise
    finally:
        record.finished = now()
        if rank() == 0 and (record.history or record.status == "diverged"):
            record.save(folder / RECORD)
    if record.status == "completed" and rank() == 0:
        (folder / CHECKPOINT).unlink(missing_ok=True)


def _note(history: History, record: RunRecord) -> None:
    """Write the epochs that are saved into `record`."""
    record.history = list(history)
    record.result["train_seconds"] = sum(row["seconds"] for row in history)


def _take_up(state: State, record: RunRecord, folder: Path) -> None:
    """Go on at the folder's checkpoint, if it has one."""
    if (folder / CHECKPOINT).is_file():
        load_checkpoint(state, folder / CHECKPOINT, about(record) | {"processes": processes()})
        _note(state.history, record)
        if (folder / RECORD).is_file():  # a kill may have come between the two files
            record.started = RunRecord.load(folder / RECORD).started


def _describe_state(state: State) -> dict[str, Any]:
    """Return what a record's environment tells about the steps."""
    words: dict[str, Any] = {"dtype": str(state.dtype).removeprefix("torch.")}
    if processes() > 1 and any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in state.model.modules()):
        words["batch_norm"] = "each process by the statistics of its own part of the batch"
    return words
