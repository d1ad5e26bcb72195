"""What a run's network does on test images, and which of it belongs into the run's record."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnncourse import data
from cnncourse.experiments.record import RunRecord, finite
from cnncourse.models import Trained, load_trained
from cnncourse.training.checkpoint import describe_difference
from cnncourse.training.evaluation import evaluate
from cnncourse.training.presets import recipe_from_dict
from cnncourse.training.support import choose_device

RECORD, WEIGHTS = "record.json", "weights.safetensors"
OLDER = "weights.pt"  # of versions that kept weights without their classes


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a run's network did on test images.

    Parameters
    ----------
    record : RunRecord
        The run's, with the result if it is kept.
    loss, accuracy : float
        Cross-entropy in nats, and the share from 0 to 1.
    accuracy_tta : float or None
        The accuracy averaged over views of each image, as many as the recipe says, if the run trained on
        mirrored images.
    seconds : float
        What it took.
    kept : bool
        Whether the images are those of the run's own data set, so that the result is in its record.
    """

    record: RunRecord
    loss: float
    accuracy: float
    accuracy_tta: float | None
    seconds: float
    kept: bool = False


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


def load_model(run: str | Path, runs: str | Path = "runs") -> Trained:
    """Return the network of `run` with its weights, classes and normalization.

    Parameters
    ----------
    run : str or Path
        A run's folder, or its name in `runs`.
    runs : str or Path
        Where runs are.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such run, or its weights are missing, damaged or those of another run.
    """
    record, folder = load_run(run, runs)
    if not (folder / WEIGHTS).is_file():
        why = "it has no whole epoch" if not record.history else "the file was moved or deleted"
        if (folder / OLDER).is_file():
            why = f"its {OLDER} is of an older version and says nothing of classes; train it again"
        raise FileNotFoundError(f"the run {record.name!r} has no {WEIGHTS}: {why}")
    trained = load_trained(folder / WEIGHTS)
    if difference := describe_difference(_identity(describe(record)), _identity(trained.record)):
        raise ValueError(
            f"{str(folder / WEIGHTS)!r} holds the weights of another run than the {RECORD} beside it: "
            f"{difference}"
        )
    return trained


def describe(record: RunRecord) -> dict[str, Any]:
    """Return what a file of weights says about the run that made them."""
    names = ("name", "command", "dataset", "recipe", "model", "environment", "result")
    parts = {name: getattr(record, name) for name in names}
    parts["last_epoch"] = record.history[-1] if record.history else {}
    return dict(finite(parts))


def _identity(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the weights' file and the record beside it must agree on."""
    keys = {"dataset": ("fingerprint",), "model": ("name", "options")}
    chosen = {part: {key: parts.get(part, {}).get(key) for key in names} for part, names in keys.items()}
    return chosen | {"recipe": parts.get("recipe")}


def evaluate_run(
    run: str | Path, runs: str | Path = "runs", data_name: str | None = None, device: str = "auto"
) -> Evaluation:
    """Evaluate the network of `run` on the test split.

    Parameters
    ----------
    run : str or Path
        A run's folder, or its name in `runs`.
    runs : str or Path
        Where runs are.
    data_name : str, optional
        Another data set, or the path of the run's own; by default the data set of the record. Classes are
        matched by name. The result is kept in the record only if the images are those of the run's data
        set, which is told by their fingerprints.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to evaluate.

    Returns
    -------
    Evaluation

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such run, its data set is not here, or the images do not fit the network.
    """
    record, folder = load_run(run, runs)
    trained = load_model(folder)
    chosen = data_name or _own_data(record)
    test_set = data.load(chosen, "test", record.dataset.get("size"))
    kept = _belongs(record, test_set, chosen)
    if not kept and data_name is None:
        raise ValueError(
            f"{record.dataset['name']!r} here is another data set than the one of the run {record.name!r} "
            "(their fingerprints differ); name the one to evaluate on: --data NAME or PATH"
        )
    trained.model.to(choose_device(device))
    found = measure(record, trained, test_set)
    return keep(found, trained, test_set, folder) if kept else found


def _own_data(record: RunRecord) -> str:
    """Return the name under which the record's data set can be loaded."""
    name = str(record.dataset["name"])
    if name not in data.NAMES and not Path(name).exists():
        raise FileNotFoundError(
            f"the run {record.name!r} was trained on images of yours, {name!r}, which are not here; "
            "say where they are: --data PATH"
        )
    return name


def _belongs(record: RunRecord, test_set: data.ImageSet, data_name: str) -> bool:
    """Return whether `test_set`, loaded by `data_name`, is the test split of the record's data set."""
    if (known := record.dataset.get("test_fingerprint")) is not None:
        return bool(test_set.fingerprint() == known)
    try:
        whole = data.load(data_name, "train", record.dataset.get("size"))
    except ValueError:  # a set of test images alone
        return False
    return bool(whole.fingerprint() == record.dataset.get("fingerprint"))


def measure(record: RunRecord, trained: Trained, test_set: data.ImageSet) -> Evaluation:
    """Return what `trained` does on the test images; nothing is noted in the record.

    Raises
    ------
    ValueError
        If the images are of another size, or of classes that the network does not know.
    """
    wanted = (trained.channels, *trained.size)
    if test_set.shape != wanted:
        raise ValueError(
            f"the run {record.name!r} was trained on images of shape {wanted}, those of "
            f"{test_set.name!r} have {test_set.shape}; give images of the same channels and size"
        )
    start = time.perf_counter()
    found = evaluate(trained, test_set)
    seconds = time.perf_counter() - start
    # mirror images are for networks that have learned from them: a mirrored digit is none
    recipe = recipe_from_dict(record.recipe)
    flips = recipe.flip not in (False, "none")
    averaged = evaluate(trained, test_set, views=recipe.views)["accuracy"] if flips else None
    return Evaluation(record, found["loss"], found["accuracy"], averaged, seconds)


def keep(found: Evaluation, trained: Trained, test_set: data.ImageSet, folder: Path) -> Evaluation:
    """Write what was found on the run's own test images into its record and its file of weights."""
    record = found.record
    record.result["evaluation_seconds"] = found.seconds
    record.result["test_accuracy"] = found.accuracy
    record.result["test_accuracy_tta"] = found.accuracy_tta
    record.dataset |= {"test": len(test_set), "test_fingerprint": test_set.fingerprint()}
    dataclasses.replace(trained, record=describe(record)).save(folder / WEIGHTS)
    record.save(folder / RECORD)
    return dataclasses.replace(found, kept=True)
