"""One training from a model's name to a saved record, and its evaluation: what the command line calls."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import nn

from cnncourse import data
from cnncourse.experiments.record import RunRecord, describe_environment, now
from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.training.checkpoint import (
    describe_difference,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from cnncourse.training.distributed import broadcast, joined, processes, rank
from cnncourse.training.loop import DivergedError, evaluate, fit
from cnncourse.training.recipe import Recipe
from cnncourse.training.state import History, State
from cnncourse.training.support import check_model, choose_device

RECORD, WEIGHTS, CHECKPOINT = "record.json", "weights.pt", "checkpoint.pt"
RESULTS = ("test_accuracy", "test_accuracy_tta", "train_seconds", "evaluation_seconds")
VALIDATION_SEED = 0  # the same images for every recipe and seed, so that runs can be compared


def train(
    model_name: str,
    data_name: str,
    recipe: Recipe,
    runs: str | Path = "runs",
    name: str | None = None,
    validation: float = 0.1,
    test: bool = False,
    device: str = "auto",
    progress: bool | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
    command: str | None = None,
    options: Mapping[str, Any] | None = None,
    resume: bool = False,
) -> tuple[RunRecord, Path]:
    """Train the network `model_name` on the data set `data_name`; save record and weights after each epoch.

    Parameters
    ----------
    model_name : str
        A key of `cnncourse.models.MODELS`.
    data_name : str
        A data set's name or path, as `cnncourse.data.load` takes it.
    recipe : Recipe
        How to train.
    runs : str or Path
        The folder in which the run's own folder is made.
    name : str, optional
        The run's name; by default model, data and a number.
    validation : float
        The share of each class of the training split that is kept for validation; 0 for none.
    test : bool
        Whether to evaluate the test split at the end. Choose recipes by the validation split.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train.
    progress : bool, optional
        As in `fit`.
    report : callable, optional
        Called with each epoch's row of the history.
    command : str, optional
        What the record gives as its command; by default that with the model's and the data's names.
    options : dict, optional
        Further arguments of the network, by name.
    resume : bool
        Whether to go on with the run `name` at its last checkpoint, if there is one; the numbers are those
        of a run that was never stopped. A run that is complete is not trained again, only evaluated if
        `test` asks for it and it was not.

    Returns
    -------
    record : RunRecord
        Its status is "interrupted" if Ctrl-C ended the training.
    folder : Path
        Where ``record.json`` and ``weights.pt`` are.

    Raises
    ------
    ValueError, OSError
        If something is unknown, does not fit, or cannot be read or written.
    DivergedError
        If the loss became infinite or not a number; the record says so.
    """
    create_model(model_name, options=options)  # an unknown name is reported before the data are read
    with joined(choose_device(device)) as target:
        whole = data.load(data_name, "train")
        test_set = data.load(data_name, "test") if test else None
        train_set, validation_set = _split(whole, validation)
        model = create_model(model_name, len(whole.classes), whole.shape[0], recipe.seed, options).to(target)
        check_model(model, train_set)
        with _claimed(Path(runs), name, f"{model_name}-{whole.name}", resume) as folder:
            record = RunRecord(
                name=folder.name,
                command=command or f"cnncourse train {model_name} --data {whole.name}",
                recipe=recipe.to_dict(),
                dataset=_describe_data(whole, train_set, validation_set),
                seed=recipe.seed,
                environment=describe_environment(target),
                model=describe_model(model, model_name, options or {}, whole.shape),
                result=dict.fromkeys(RESULTS),
                started=now(),
            )
            if resume and (done := _completed(folder, record)) is not None:
                if test_set is None or done.result.get("test_accuracy") is not None:
                    return done, folder
                record = done
                load_weights(model, folder / WEIGHTS)
            else:
                state = State(model, recipe, train_set)
                if resume:
                    _take_up(state, record, folder)
                record.environment |= _describe_state(state)
                _fit(state, record, folder, train_set, validation_set, progress, report)
            if test_set is not None and record.status == "completed" and rank() == 0:
                _evaluate_into(record, model, test_set)
                record.save(folder / RECORD)
    return record, folder


def _split(whole: data.ImageSet, validation: float) -> tuple[data.ImageSet, data.ImageSet | None]:
    """Return what is left to learn from, and the share for validation."""
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be at least 0 and below 1, got {validation}")
    if not validation:
        return whole, None
    train_set, validation_set = whole.partition((1 - validation, validation), seed=VALIDATION_SEED)
    if not train_set or not validation_set:
        raise ValueError(
            f"validation {validation:g} splits the {len(whole)} images of {whole.name!r} into "
            f"{len(train_set)} to learn from and {len(validation_set)}; choose another share, or 0 for none"
        )
    return train_set, validation_set


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
    progress: bool | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> None:
    """Train, and save after each epoch; the record's status tells how it ended."""
    about = _about(record) | {"processes": processes()}

    def after_epoch(history: History) -> None:
        save_weights(state.evaluated, folder / WEIGHTS)
        save_checkpoint(state, folder / CHECKPOINT, about)  # whoever goes on here finds its weights
        _note(history, record)
        record.save(folder / RECORD)
        if report is not None:
            report(history[-1])

    try:
        fit(state.model, train_set, state.recipe, validation_set, progress, after_epoch, state)
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
    return {"model": record.model, "recipe": recipe, "dataset": record.dataset | {"test": None}}


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


def _describe_data(
    whole: data.ImageSet, train_set: data.ImageSet, validation_set: data.ImageSet | None
) -> dict[str, Any]:
    """Return what a record tells about the images."""
    return {
        "name": whole.name,
        "train": len(train_set),
        "validation": len(validation_set) if validation_set else None,
        "test": None,
        "fingerprint": whole.fingerprint(),
    }


def describe_model(
    model: nn.Module, name: str, options: Mapping[str, Any], image_shape: tuple[int, int, int]
) -> dict[str, Any]:
    """Return what a record tells about the network."""
    return {
        "name": name,
        "options": dict(options),
        "parameters": count_parameters(model),
        "multiply_adds": count_multiply_adds(model, image_shape),
    }


def _describe_state(state: State) -> dict[str, Any]:
    """Return what a record's environment tells about the steps."""
    words: dict[str, Any] = {"dtype": str(state.dtype).removeprefix("torch.")}
    if processes() > 1 and any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in state.model.modules()):
        words["batch_norm"] = "each process by the statistics of its own part of the batch"
    return words


def load_run(run: str | Path, runs: str | Path = "runs") -> tuple[RunRecord, Path]:
    """Return the record and the folder of `run`: a folder, or the name of one in `runs`.

    Raises
    ------
    FileNotFoundError
        If there is no such run; the message names those that there are.
    """
    folder = next((path for path in (Path(run), Path(runs) / run) if (path / RECORD).is_file()), None)
    if folder is None:
        known = sorted(path.parent.name for path in Path(runs).glob(f"*/{RECORD}"))
        there = f"runs in {str(runs)!r}: {', '.join(known)}" if known else f"{str(runs)!r} holds no run"
        raise FileNotFoundError(f"there is no run {str(run)!r} with a {RECORD}; {there}")
    return RunRecord.load(folder / RECORD), folder


def load_model(record: RunRecord, folder: Path, image_set: data.ImageSet) -> nn.Module:
    """Return the run's network with its weights, for the channels and classes of `image_set`.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing, truncated, or not those of the network in the record.
    """
    if not (folder / WEIGHTS).is_file():
        why = "it has no whole epoch" if not record.history else "the file was moved or deleted"
        raise FileNotFoundError(f"the run {record.name!r} has no {WEIGHTS}: {why}")
    options = record.model.get("options")
    model = create_model(record.model["name"], len(image_set.classes), image_set.shape[0], options=options)
    load_weights(model, folder / WEIGHTS)
    return model


def evaluate_run(
    run: str | Path, runs: str | Path = "runs", data_name: str | None = None, device: str = "auto"
) -> tuple[RunRecord, dict[str, float]]:
    """Evaluate the weights of `run` on the test split.

    Parameters
    ----------
    run : str or Path
        A run's folder, or its name in `runs`.
    runs : str or Path
        Where runs are.
    data_name : str, optional
        Another data set, or the path of the run's own; by default the data set of the record. The
        accuracy is written into the record only if the data set's name is the record's.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to evaluate.

    Returns
    -------
    record : RunRecord
        With the accuracy in its result.
    measured : dict
        ``loss`` and ``accuracy``.
    """
    record, folder = load_run(run, runs)
    test_set = data.load(data_name or record.dataset["name"], "test")
    model = load_model(record, folder, test_set).to(choose_device(device))
    measured = _evaluate_into(record, model, test_set)
    if test_set.name == record.dataset["name"]:
        record.save(folder / RECORD)
    return record, measured


def _evaluate_into(record: RunRecord, model: nn.Module, test_set: data.ImageSet) -> dict[str, float]:
    """Evaluate on the test split and note accuracy and time in `record`."""
    recipe = Recipe.from_dict(record.recipe)
    start = time.perf_counter()
    measured = evaluate(model, test_set, mean=recipe.mean, std=recipe.std)
    record.result["evaluation_seconds"] = time.perf_counter() - start
    record.result["test_accuracy"] = measured["accuracy"]
    record.dataset["test"] = len(test_set)
    return measured


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
