"""One run from its set-up to a saved record: what the command line and the experiments call."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import nn

from cnncourse import data
from cnncourse.experiments.evaluation import RECORD, WEIGHTS, describe, keep, load_model, measure
from cnncourse.experiments.record import RunRecord, begin_record, now
from cnncourse.experiments.setup import Setup
from cnncourse.models import Trained, create_model
from cnncourse.training.checkpoint import describe_difference, load_checkpoint, save_checkpoint
from cnncourse.training.distributed import broadcast, joined, processes, rank
from cnncourse.training.loop import DivergedError, fit
from cnncourse.training.recipe import Recipe
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
    make = partial(create_model, setup.model, options=setup.options)
    make()  # an unknown name is reported before the data are read
    with joined(choose_device(device)) as target:
        whole = data.load(setup.data, "train")
        test_set = data.load(setup.data, "test") if test else None
        train_set, validation_set = setup.split(whole)
        model = make(len(whole.classes), whole.shape[0], setup.recipe.seed).to(target)
        check_model(model, train_set)
        with _claimed(Path(runs), name, f"{setup.model}-{whole.name}", resume) as folder:
            used = (len(train_set), len(validation_set) if validation_set else None)
            record = begin_record(setup, folder.name, model, whole, used, target)
            done = _completed(folder, record) if resume else None
            if done is None:
                state = State(model, setup.recipe, train_set)
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
                trained = _trained(model, setup.recipe, record, whole)
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


@contextmanager
def _claimed(runs: Path, name: str | None, stem: str, resume: bool) -> Iterator[Path]:
    """Yield the folder of a new run, or of the one to go on with, in which no other process trains."""
    if rank() > 0:  # it shares the folder of process 0
        yield broadcast(None)
        return
    folder = _folder(runs, name, stem, resume)
    try:
        lock = FileLock(runs / f".{folder.name}.lock").acquire(timeout=0)
    except Timeout:
        raise FileExistsError(f"another process trains the run {folder.name!r} in {str(runs)!r}") from None
    with lock:
        try:
            yield broadcast(folder)
        finally:
            with suppress(OSError):
                folder.rmdir()  # if nothing was saved


def _fit(
    state: State,
    record: RunRecord,
    folder: Path,
    train_set: data.ImageSet,
    validation_set: data.ImageSet | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> None:
    """Train, and save after each epoch; the record's status tells how it ended."""
    about = _about(record) | {"processes": processes()}

    def after_epoch(history: History) -> None:
        coming = dataclasses.replace(record, result=dict(record.result))
        _note(history, coming)
        _trained(state.evaluated, state.recipe, coming, train_set).save(folder / WEIGHTS)
        save_checkpoint(state, folder / CHECKPOINT, about)  # whoever goes on here finds its weights
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


def _about(record: RunRecord) -> dict[str, Any]:
    """Return what decides the numbers of a training."""
    recipe = Recipe.from_dict(record.recipe).to_dict()  # an older record may lack a key
    dataset = {key: record.dataset.get(key) for key in ("name", "train", "validation", "fingerprint")}
    model = {key: record.model.get(key) for key in ("name", "options")}
    return {"model": model, "recipe": recipe, "dataset": dataset}


def _take_up(state: State, record: RunRecord, folder: Path) -> None:
    """Go on at the folder's checkpoint, if it has one."""
    if (folder / CHECKPOINT).is_file():
        load_checkpoint(state, folder / CHECKPOINT, _about(record) | {"processes": processes()})
        _note(state.history, record)
        if (folder / RECORD).is_file():  # a kill may have come between the two files
            record.started = RunRecord.load(folder / RECORD).started


def _completed(folder: Path, wanted: RunRecord) -> RunRecord | None:
    """Return the folder's record if its training is complete and is the one of the record `wanted`."""
    if not (folder / RECORD).is_file():
        return None
    record = RunRecord.load(folder / RECORD)
    if record.status != "completed":
        return None
    if difference := describe_difference(_about(record), _about(wanted)):
        raise ValueError(
            f"the run {record.name!r} is complete, and another training: {difference}; choose another name"
        )
    return record


def _describe_state(state: State) -> dict[str, Any]:
    """Return what a record's environment tells about the steps."""
    words: dict[str, Any] = {"dtype": str(state.dtype).removeprefix("torch.")}
    if processes() > 1 and any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in state.model.modules()):
        words["batch_norm"] = "each process by the statistics of its own part of the batch"
    return words


def _folder(runs: Path, name: str | None, stem: str, resume: bool) -> Path:
    """Make and return an empty folder for a run, or that of the run to go on with; no two runs share one."""
    if resume and name is None:
        raise ValueError("resume needs the name of the run to go on with")
    if name is not None and (name != Path(name).name or name in ("", ".", "..")):
        raise ValueError(f"name must be a plain name without slashes, got {name!r}")
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = runs / (name or f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            if resume:
                return folder
            if name is not None:
                raise FileExistsError(
                    f"there is a run {name!r} in {str(runs)!r}; choose another name, or resume it"
                ) from None
            number += 1
        else:
            return folder
