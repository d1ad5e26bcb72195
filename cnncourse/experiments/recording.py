"""What makes an experiment's records: one run after the other, each of which can be killed and goes on."""

import dataclasses
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cnncourse._files import HeldError, locked
from cnncourse.experiments.evaluation import RECORD, load_model
from cnncourse.experiments.experiment import Experiment, ExperimentRun, record_path
from cnncourse.experiments.record import RunRecord, begin_record, now
from cnncourse.experiments.run import train
from cnncourse.experiments.setup import Setup
from cnncourse.experiments.speed import describe_part, speedrun
from cnncourse.experiments.transferring import check_transfer, measure_transfer
from cnncourse.models import create_model
from cnncourse.training.batches import Batches
from cnncourse.training.changes import CHANGES, accuracy_under
from cnncourse.training.loop import DivergedError
from cnncourse.training.measures import gradient_norms
from cnncourse.training.presets import AnyRecipe
from cnncourse.training.progress import describe_epoch
from cnncourse.training.recipe import Recipe
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.support import choose_device

WORK = "runs/experiments"
CHANGED = 2000  # test images that are changed, 25 times: all of them would take as long as a training run


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """Where one run of an experiment stands.

    Parameters
    ----------
    run : str
        The run's name.
    seed : int
        Its seed.
    state : {"done", "missing", "started", "out of date", "damaged"}
        Whether its record is there, and whether it is the record of what the experiment says now.
    detail : str
        The result, the epochs so far, what differs, or what is wrong with which file.
    """

    run: str
    seed: int
    state: str
    detail: str


def experiment_status(
    experiment: Experiment,
    only: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
    records: str | Path | None = None,
    work: str | Path = WORK,
) -> list[RunStatus]:
    """Return where each run of `experiment` stands; the parameters are those of `run_experiment`."""
    return [_status(experiment, run, seed, records, work) for run, seed in experiment.select(only, seeds)]


def _status(
    experiment: Experiment, run: ExperimentRun, seed: int, records: str | Path | None, work: str | Path
) -> RunStatus:
    path = record_path(experiment, run.name, seed, records)
    if path.is_file():
        record = _read(path)
        if isinstance(record, str):
            return RunStatus(run.name, seed, "damaged", record)
        difference = experiment.difference(record, run, seed) or _unmeasured(experiment, record)
        state = "out of date" if difference else "done"
        return RunStatus(run.name, seed, state, difference or _describe(record))
    started = Path(work) / experiment.name / path.stem / RECORD
    if started.is_file():
        record = _read(started)
        if not isinstance(record, str) and not experiment.difference(record, run, seed):
            done = record.history[-1]["epoch"] if record.history else 0
            told = f"{round(done, 2):g} of {run.recipe.epochs:g} epochs"
            return RunStatus(run.name, seed, "started", told)
    return RunStatus(run.name, seed, "missing", "")


def _unmeasured(experiment: Experiment, record: RunRecord) -> str:
    """Return in words what a record of the right training lacks; "" if nothing."""
    lacks = experiment.measure == "changes" and "accuracy_under" not in record.result
    return "changed images were not measured" if lacks and record.status == "completed" else ""


def _read(path: Path) -> RunRecord | str:
    """Return the record at `path`, or what is wrong with it."""
    try:
        return RunRecord.load(path)
    except (ValueError, OSError) as error:
        return str(error)


def _describe(record: RunRecord) -> str:
    """Return a record's result in words."""
    accuracy = record.result.get("test_accuracy")
    if accuracy is not None:
        return f"test accuracy {accuracy:.2%}"
    return "measured" if "gradient_norms" in record.result else record.status


def run_experiment(
    experiment: str | Path | Experiment,
    only: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
    records: str | Path | None = None,
    work: str | Path = WORK,
    device: str = "auto",
    report: Callable[[str], None] | None = None,
) -> list[RunStatus]:
    """Make every record of an experiment that is missing, damaged or out of date.

    A run that was killed goes on at its last checkpoint. Two processes may work on the same experiment:
    each takes the runs that the other is not at. A run whose loss becomes infinite has a record too.

    Parameters
    ----------
    experiment : str, Path or Experiment
        The name of one of the package's, or the path of a TOML file.
    only : iterable of str, optional
        Names of runs; by default all.
    seeds : iterable of int, optional
        Some of the experiment's seeds; by default all.
    records : str or Path, optional
        The folder in which the folder of the experiment's records is; by default that of the package, which
        must then be a checkout of the repository.
    work : str or Path
        Where the runs are kept while they are trained, with their weights and checkpoints.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train.
    report : callable, optional
        Called with a line of text when a run begins, after each epoch and when its record is written.

    Returns
    -------
    list of RunStatus
        How it stands afterwards.

    Raises
    ------
    ValueError, OSError
        If something is unknown, does not fit, or cannot be read or written.
    KeyboardInterrupt
        If Ctrl-C ended a run; the epochs before are kept, and the next call goes on there.
    """
    if not isinstance(experiment, Experiment):
        experiment = Experiment.load(experiment)
    say = report or (lambda line: None)
    chosen = experiment.select(only, seeds)
    check_models({run.name: run for run, _ in chosen})
    for run, seed in chosen:
        path = record_path(experiment, run.name, seed, records)
        _check_writable(path, records)
        folder = Path(work) / experiment.name / path.stem
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locked(folder.with_name(f"{folder.name}.lock"), wait=False):
                status = _status(experiment, run, seed, records, work)
                if status.state != "done":
                    why = f"{status.state}, {status.detail}" if status.detail else status.state
                    say(f"{path.stem}: {run.model} ({why})")
                    record = _make(experiment, run, seed, folder, device, say)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    record.save(path)
                    say(f"{path.stem}: {_describe(record)}")
        except HeldError:
            say(f"{path.stem}: another process is at it")
    return [_status(experiment, run, seed, records, work) for run, seed in chosen]


def check_models(runs: dict[str, ExperimentRun]) -> None:
    """Raise if a network or an option is unknown: before hours of training, not after them."""
    begins = set()  # a trained network is read once, not for each of its runs
    for name, run in runs.items():
        try:
            if run.transfer is not None and isinstance(run.recipe, Recipe):
                begin = (run.model, str(run.recipe.mean), str(run.recipe.std))
                if begin not in begins:
                    check_transfer(run.model, run.recipe)
                    begins.add(begin)
                continue
            create_model(run.model, options=run.options)  # of a speedrun, its recipe has checked the rest
        except (ValueError, TypeError) as error:
            raise ValueError(f"runs.{name}: {error}") from None


def _check_writable(path: Path, records: str | Path | None) -> None:
    """Raise unless records may be written: into a folder that was given, or into a checkout."""
    if records is None and not (path.parents[4] / "pyproject.toml").is_file():
        raise ValueError(
            "this cnncourse is no checkout, its own records stay as they are: give --records FOLDER"
        )


def _make(
    experiment: Experiment,
    run: ExperimentRun,
    seed: int,
    folder: Path,
    device: str,
    say: Callable[[str], None],
) -> RunRecord:
    """Return the record of `run` with `seed`."""
    file = experiment.name if experiment.shipped else f"{experiment.name}.toml"
    command = f"cnncourse experiment run {file} --only {run.name} --seeds {seed}"
    setup = experiment.setup(run, seed, command)
    if experiment.measure == "gradient_norms":
        return _measure_gradients(setup, folder.name, device)
    if run.transfer is not None:
        return measure_transfer(
            setup, run.transfer, folder.name, device, lambda line: say(f"{folder.name}: {line}")
        )
    _move_aside(experiment, run, seed, folder)
    recipe = setup.recipe
    fast = isinstance(recipe, SpeedRecipe)

    def report(row: dict[str, Any]) -> None:
        say(f"{folder.name}: {describe_row(row, recipe)}")

    try:
        record, _ = (speedrun if fast else train)(
            setup, folder.parent, folder.name, test=True, device=device, resume=True, report=report
        )
    except DivergedError as error:
        say(f"{folder.name}: {error}")
        return RunRecord.load(folder / RECORD)
    if record.status == "interrupted":
        kept = f"{len(record.history)} of {recipe.epochs:g} epochs are kept; the same command goes on there"
        say(f"{folder.name}: {'nothing of it is kept; the same command begins it anew' if fast else kept}")
        raise KeyboardInterrupt
    if experiment.measure == "changes":
        _measure_changes(setup, record, folder, device)
    return record


def describe_row(row: dict[str, Any], recipe: AnyRecipe) -> str:
    """Return one line about a row of a history."""
    if isinstance(recipe, SpeedRecipe):
        return describe_part(row, recipe)
    return describe_epoch(row, recipe.epochs)


def _move_aside(experiment: Experiment, run: ExperimentRun, seed: int, folder: Path) -> None:
    """Rename a work folder that holds a training of something else, or one whose record is damaged."""
    if not (folder / RECORD).is_file():
        return
    record = _read(folder / RECORD)
    if isinstance(record, str) or experiment.difference(record, run, seed):
        number = 1
        while (old := folder.with_name(f"{folder.name}-old-{number}")).exists():
            number += 1
        folder.rename(old)


def _measure_changes(setup: Setup, record: RunRecord, folder: Path, device: str) -> None:
    """Write into `record` how often the network in `folder` is right about changed test images."""
    trained = load_model(folder)
    trained.model.to(choose_device(device))
    test_set = setup.load("test")
    test_set = test_set.take(min(CHANGED, len(test_set)))
    record.result["accuracy_under_images"] = len(test_set)
    record.result["accuracy_under"] = {
        change: list(map(list, zip(amounts, accuracy_under(trained, test_set, change).tolist(), strict=True)))
        for change, amounts in CHANGES.items()
    }


def _measure_gradients(setup: Setup, name: str, device: str) -> RunRecord:
    """Return the record of the gradients of a new network on the first batch of the training set."""
    target, recipe = choose_device(device), setup.recipe
    assert isinstance(recipe, Recipe)
    images = setup.load("train")
    classes, channels = len(images.classes), images.shape[0]
    model = create_model(setup.model, classes, channels, recipe.seed, setup.options).to(target)
    batches = Batches(
        images, recipe.batch_size, seed=recipe.seed, mean=recipe.mean, std=recipe.std, device=target
    )
    x, labels = next(iter(batches))
    setup = dataclasses.replace(setup, validation=0.0)  # nothing is validated
    record = begin_record(setup, name, model, images, (len(labels), None), target)
    clock = time.perf_counter()
    norms = gradient_norms(model, x, labels)
    record.result = {"gradient_norms": norms, "measure_seconds": time.perf_counter() - clock}
    record.environment["dtype"] = "float32"
    record.status, record.finished = "completed", now()
    return record
