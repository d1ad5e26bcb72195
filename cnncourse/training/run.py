"""One training from a model's name to a saved record, and its evaluation: what the command line calls."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from cnncourse import data
from cnncourse.models import count_multiply_adds, count_parameters, create_model
from cnncourse.training.checkpoint import load_checkpoint, load_weights, save_checkpoint, save_weights
from cnncourse.training.distributed import from_first, joined, processes, rank
from cnncourse.training.loop import DivergedError, evaluate, fit
from cnncourse.training.recipe import Recipe
from cnncourse.training.record import RunRecord, describe_environment, now
from cnncourse.training.state import History, State
from cnncourse.training.support import check_model, choose_device

RECORD, WEIGHTS, CHECKPOINT = "record.json", "weights.pt", "checkpoint.pt"
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
        of a run that was never stopped. A run that is complete is returned as it is.

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
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be at least 0 and below 1, got {validation}")
    create_model(model_name, options=options)  # an unknown name is reported before the data are read
    with joined(choose_device(device)) as target:
        whole = data.load(data_name, "train")
        train_set, validation_set = whole, None
        if validation:
            train_set, validation_set = whole.partition((1 - validation, validation), seed=VALIDATION_SEED)
        model = create_model(model_name, len(whole.classes), whole.shape[0], recipe.seed, options).to(target)
        check_model(model, train_set)
        folder = from_first(
            _folder(Path(runs), name, f"{model_name}-{whole.name}", resume) if rank() == 0 else None
        )
        if resume and (done := _finished(folder, recipe, test)) is not None:
            return done, folder
        state = State(model, recipe, whole.shape)
        record = RunRecord(
            name=folder.name,
            command=command or f"cnncourse train {model_name} --data {whole.name}",
            recipe=recipe.to_dict(),
            dataset={
                "name": whole.name,
                "train": len(train_set),
                "validation": len(validation_set) if validation_set else None,
                "test": None,
                "fingerprint": whole.fingerprint(),
            },
            seed=recipe.seed,
            environment=describe_environment(target),
            model=describe_model(model, model_name, options or {}, whole.shape),
            result=dict.fromkeys(
                ("test_accuracy", "test_accuracy_tta", "train_seconds", "evaluation_seconds")
            ),
            started=now(),
        )
        if resume:
            _take_up(state, record, folder)
        record.environment |= _describe_state(state)
        test_set = data.load(data_name, "test") if test else None
        sets = train_set, validation_set, test_set
        _fit(state, record, folder, sets, progress, report)
    return record, folder


def _fit(
    state: State,
    record: RunRecord,
    folder: Path,
    sets: tuple[data.ImageSet, data.ImageSet | None, data.ImageSet | None],
    progress: bool | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> None:
    """Train, save after each epoch, evaluate the test split if there is one; `record` tells how it ended."""
    about, (train_set, validation_set, test_set) = _about(record), sets

    def after_epoch(history: History) -> None:
        record.history = history
        record.result["train_seconds"] = sum(row["seconds"] for row in history)
        save_checkpoint(state, folder / CHECKPOINT, about)
        save_weights(state.evaluated, folder / WEIGHTS)
        record.save(folder / RECORD)
        if report is not None:
            report(history[-1])

    try:
        fit(state.model, train_set, state.recipe, validation_set, progress, after_epoch, state)
        record.status = "completed"
        if test_set is not None and rank() == 0:
            _evaluate_into(record, state.model, test_set)
    except KeyboardInterrupt:
        record.status = "interrupted" if len(record.history) < state.recipe.epochs else "completed"
    except DivergedError:
        record.status = "diverged"
        raise
    finally:
        record.finished = now()
        if rank() == 0:
            record.save(folder / RECORD)
    evaluated = test_set is None or record.result["test_accuracy"] is not None
    if record.status == "completed" and evaluated and rank() == 0:
        (folder / CHECKPOINT).unlink(missing_ok=True)


def _about(record: RunRecord) -> dict[str, Any]:
    """Return what a checkpoint must be of, to go on with this run."""
    return {
        "model": record.model,
        "recipe": record.recipe,
        "dataset": record.dataset | {"test": None},
        "processes": record.environment["processes"],
    }


def _take_up(state: State, record: RunRecord, folder: Path) -> None:
    """Go on at the folder's checkpoint, if it has one."""
    if (folder / CHECKPOINT).is_file():
        load_checkpoint(state, folder / CHECKPOINT, _about(record))
        record.history = state.history
        record.started = RunRecord.load(folder / RECORD).started


def _finished(folder: Path, recipe: Recipe, test: bool) -> RunRecord | None:
    """Return the folder's record if nothing is left to do."""
    if not (folder / RECORD).is_file():
        return None
    record = RunRecord.load(folder / RECORD)
    if record.status != "completed" or (test and record.result["test_accuracy"] is None):
        return None
    if Recipe.from_dict(record.recipe) != recipe:
        raise ValueError(
            f"the run {record.name!r} was completed with another recipe; choose another name to train again"
        )
    return record


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
                    f"there is a run {name!r} in {str(runs)!r}; choose another name"
                ) from None
            number += 1
        else:
            return folder
