"""A speedrun from its set-up to a saved record: what `train` is for the engine."""

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from cnncourse import data
from cnncourse.experiments.evaluation import RECORD, WEIGHTS, describe, keep, load_model, measure
from cnncourse.experiments.folders import claimed, completed
from cnncourse.experiments.record import RunRecord, begin_record, now
from cnncourse.experiments.setup import Setup
from cnncourse.models import SpeedNet, Trained, count_multiply_adds
from cnncourse.training.distributed import joined, processes
from cnncourse.training.evaluation import evaluate
from cnncourse.training.loop import COLUMNS, DivergedError
from cnncourse.training.presets import kind_of
from cnncourse.training.speed_recipe import SpeedRecipe, check_images
from cnncourse.training.speedrun import as_trained, choose_format
from cnncourse.training.speedrun import speedrun as run_once
from cnncourse.training.support import choose_device, seeded

Report = Callable[[dict[str, Any]], None]


def speedrun(
    setup: Setup,
    runs: str | Path = "runs",
    name: str | None = None,
    test: bool = False,
    device: str = "auto",
    resume: bool = False,
    report: Report | None = None,
) -> tuple[RunRecord, Path]:
    """Train a SpeedNet as `setup` says; save its record and weights at the end.

    Parameters
    ----------
    setup : Setup
        Data set and recipe. What is kept for validation is evaluated at the end.
    runs : str or Path
        The folder in which the run's own folder is made.
    name : str, optional
        The run's name; by default network, data and a number.
    test : bool
        Whether to evaluate the test split at the end, one view of each image, and averaged over the recipe's.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train.
    resume : bool
        Whether a run `name` may be there already: one that is complete is not trained again, only evaluated
        if `test` asks for it; any other begins anew, since a speedrun keeps nothing before its end.
    report : callable, optional
        Called with a row of the history after each epoch, and where the size of the images changes.

    Returns
    -------
    record : RunRecord
        ``train_seconds`` count from the images in memory to the last step. The number format is chosen
        before, in ``probe_seconds``. The status is "interrupted" if Ctrl-C ended the training.
    folder : Path
        Where ``record.json`` and ``weights.safetensors`` are; it is gone if nothing was saved.

    Raises
    ------
    ValueError, OSError
        If something is unknown, does not fit, or cannot be read or written.
    DivergedError
        If the loss became infinite or not a number; the record says so.
    MemoryError
        If the images and a step do not fit into memory.
    """
    recipe = setup.recipe
    if not isinstance(recipe, SpeedRecipe):
        raise ValueError(f"{setup.model} has a recipe for the engine: train it by experiments.train")
    with joined(choose_device(device)) as target:
        if processes() > 1:
            raise ValueError(f"a speedrun is one process, got {processes()}; start it without torchrun")
        whole = setup.load("train")
        test_set = setup.load("test") if test else None
        parts = setup.split(whole)
        check_images(parts[0], recipe)
        with seeded(recipe.seed):  # to count and to probe with; the speedrun makes its own
            model = SpeedNet(len(whole.classes), whole.shape[0], **recipe.options).to(target)
        model.stem.weight.requires_grad = not recipe.whiten
        with claimed(Path(runs), name, f"{setup.model}-{whole.name}", resume) as folder:
            used = (len(parts[0]), len(parts[1]) if parts[1] else None)
            record = begin_record(setup, folder.name, model, whole, used, target)
            record.model["options"] = recipe.options
            shape = (whole.shape[0], *recipe.resolution)  # images are smaller there than they are given
            record.model["multiply_adds"] = count_multiply_adds(model, shape)
            _check_kind(folder)
            done = completed(folder, record) if resume else None
            if done is None:
                trained = _train(record, recipe, model, parts, target, folder, report)
            elif test_set is None or done.result.get("test_accuracy") is not None:
                return done, folder
            else:
                record, trained = done, load_model(folder)
                trained.model.to(target)
            if test_set is not None and trained is not None:
                keep(measure(record, trained, test_set), trained, test_set, folder)
    return record, folder


def _train(
    record: RunRecord,
    recipe: SpeedRecipe,
    new: SpeedNet,
    parts: tuple[data.ImageSet, data.ImageSet | None],
    device: torch.device,
    folder: Path,
    report: Report | None,
) -> Trained | None:
    """Train and save; the record's status tells how it ended. Return the network, if it is whole."""
    images, validation = parts
    start = time.perf_counter()
    dtype = choose_format(new, recipe)
    record.environment["dtype"] = str(dtype).removeprefix("torch.")
    record.result["probe_seconds"] = time.perf_counter() - start
    rows = _Rows(recipe, len(images), report)
    try:
        model, record.result["train_seconds"] = _without_surprises(images, recipe, dtype, device, rows)
    except KeyboardInterrupt:
        return None
    except DivergedError:
        record.status, record.history, record.finished = "diverged", rows.rows, now()
        record.save(folder / RECORD)
        raise
    trained = as_trained(model, images, recipe)
    if validation is not None:
        found = evaluate(trained, validation)
        rows.rows[-1] |= {f"validation_{key}": value for key, value in found.items()}
    record.status, record.history, record.finished = "completed", rows.rows, now()
    trained = dataclasses.replace(trained, record=describe(record))
    trained.save(folder / WEIGHTS)
    record.save(folder / RECORD)
    return trained


def _without_surprises(
    images: data.ImageSet,
    recipe: SpeedRecipe,
    dtype: torch.dtype,
    device: torch.device,
    rows: "_Rows",
) -> tuple[SpeedNet, float]:
    """Return what the speedrun does, with words for too little memory and for a network that is broken."""
    try:
        model, seconds = run_once(images, recipe, dtype, device, rows)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "alloc" not in str(error):
            raise
        raise MemoryError(
            f"too little memory for batches of {recipe.batch_size} images and all {len(images)} beside them; "
            "close other programs, or choose a smaller batch_size or smaller sizes"
        ) from error
    if not all(bool(values.isfinite().all()) for values in model.state_dict().values()):
        raise DivergedError("the network's weights are not finite after the last step; try smaller rates")
    return model, seconds


def _check_kind(folder: Path) -> None:
    """Raise if another kind of training has saved something in the folder."""
    if (folder / RECORD).is_file() and kind_of(RunRecord.load(folder / RECORD).recipe) is not SpeedRecipe:
        raise ValueError(f"the run {folder.name!r} is no speedrun; choose another name")


class _Rows:
    """The history of a speedrun: a row for each epoch, and one where the size of the images changes."""

    def __init__(self, recipe: SpeedRecipe, count: int, report: Report | None) -> None:
        self.recipe, self.report, self.rows = recipe, report, list[dict[str, Any]]()
        self.steps_an_epoch = count // recipe.batch_size
        self.losses: list[float] = []
        self.start = time.perf_counter()

    def __call__(self, step: int, steps: int, loss: float) -> None:
        """Note a step; close the row if the next one is of another epoch or size."""
        self.losses.append(loss)
        done, size = step + 1, self.recipe.size_at(step / steps)
        if done < steps and done % self.steps_an_epoch and self.recipe.size_at(done / steps) == size:
            return
        mean, seconds = sum(self.losses) / len(self.losses), time.perf_counter() - self.start
        if not math.isfinite(mean):
            raise DivergedError(
                f"the loss became {mean} before step {done} of {steps}; try smaller rates, such as "
                f"filter_rate={self.recipe.filter_rate / 10:g}"
            )
        row = dict.fromkeys(COLUMNS) | {"epoch": done / self.steps_an_epoch, "size": size}
        row |= {"train_loss": mean, "seconds": seconds}
        row["images_per_second"] = len(self.losses) * self.recipe.batch_size / seconds
        self.rows.append(row)
        self.losses, self.start = [], time.perf_counter()
        if self.report is not None:
            self.report(row)


def describe_part(row: dict[str, Any], recipe: SpeedRecipe) -> str:
    """Return one line about a row of a speedrun's history.

    Examples
    --------
    >>> row = {"epoch": 0.45, "size": 16, "train_loss": 1.5, "seconds": 3.21, "validation_accuracy": None}
    >>> describe_part(row, SpeedRecipe(epochs=0.9))
    'epoch 0.45 of 0.9, images of 16x16: train loss 1.500, 3.2 s'
    """
    size = f"{row['size']}x{row['size']}"
    return (
        f"epoch {round(row['epoch'], 2):g} of {recipe.epochs:g}, images of {size}: "
        f"train loss {row['train_loss']:.3f}, {row['seconds']:.1f} s"
    )
