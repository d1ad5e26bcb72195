"""Runs that were made here: which there are, what each did, and how they differ."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnncourse.experiments.evaluation import RECORD, load_run
from cnncourse.experiments.record import RunRecord
from cnncourse.training.presets import kind_of


@dataclasses.dataclass(frozen=True)
class RunEntry:
    """A run's folder, with its record or with what is wrong with it.

    Parameters
    ----------
    name : str
        The folder's name.
    record : RunRecord or None
        None if it cannot be read.
    problem : str
        Why not; else "".
    """

    name: str
    record: RunRecord | None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Parameters
    ----------
    names : tuple of str
        The runs.
    settings : dict from str to tuple
        What differs in network, recipe, data and environment: a value for each run, None where it has none.
    results : dict from str to tuple
        Accuracies, losses and times: a value for each run, None where it is not known.
    """

    names: tuple[str, ...]
    settings: dict[str, tuple[Any, ...]]
    results: dict[str, tuple[Any, ...]]


def list_runs(runs: str | Path = "runs") -> list[RunEntry]:
    """Return the runs in the folder `runs`, in the order in which they were begun.

    Parameters
    ----------
    runs : str or Path
        The folder that holds a folder for each run.

    Returns
    -------
    list of RunEntry
        A damaged record, or one of another format, is listed with its problem, after the others.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no run in it.
    """
    folders = sorted(path.parent for path in Path(runs).glob(f"*/{RECORD}"))
    if not folders:
        raise FileNotFoundError(f"there is no run in {str(runs)!r}; train one: cnncourse train three_conv")
    found = []
    for folder in folders:
        try:
            found.append(RunEntry(folder.name, read_record(folder, runs)))
        except (ValueError, OSError) as error:
            found.append(RunEntry(folder.name, None, str(error)))
    return sorted(found, key=lambda run: (run.record is None, (run.record and run.record.started) or ""))


def read_record(run: str | Path, runs: str | Path = "runs") -> RunRecord:
    """Return the record of `run`: a folder, the name of one in `runs`, or a record's file.

    Raises
    ------
    FileNotFoundError
        If there is no such run.
    ValueError
        If the record is damaged or of another format.
    """
    return RunRecord.load(run) if Path(run).is_file() else load_run(run, runs)[0]


def read_records(chosen: Sequence[str | Path], runs: str | Path = "runs") -> dict[str, RunRecord]:
    """Return the records of the `chosen` runs by name, each as `read_record` does.

    Raises
    ------
    ValueError
        If a run is given twice.
    """
    records: dict[str, RunRecord] = {}
    for run in chosen:
        record = read_record(run, runs)
        if record.name in records:
            raise ValueError(f"the run {record.name!r} is given twice, or two runs have that name")
        records[record.name] = record
    return records


def compare_runs(records: Mapping[str, RunRecord]) -> Comparison:
    """Return what differs in how the runs were made, and their results.

    Parameters
    ----------
    records : mapping from str to RunRecord
        Two or more, by name.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If there are fewer than two, or their data sets are not the same: the results then have nothing
        in common.
    """
    if len(records) < 2:
        raise ValueError("compare needs at least two runs")
    first, *others = (record.dataset for record in records.values())
    if not all(_same_data(first, other) for other in others):
        told = ", ".join(f"{name} on {_describe_data(record.dataset)}" for name, record in records.items())
        raise ValueError(f"the runs have nothing to compare: {told}")
    settings = [_settings(record) for record in records.values()]
    results = [summarize(record) for record in records.values()]
    rows = _side_by_side(settings)
    different = {key: row for key, row in rows.items() if any(value != row[0] for value in row)}
    return Comparison(tuple(records), different, _side_by_side(results))


def _same_data(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Return whether two runs had the same images: by fingerprint, or by name where one is not known."""
    key = "fingerprint" if first.get("fingerprint") and second.get("fingerprint") else "name"
    return bool(first[key] == second[key])


def _describe_data(dataset: dict[str, Any]) -> str:
    """Return a data set's name, with the beginning of its fingerprint if it has one."""
    fingerprint = dataset.get("fingerprint")
    return f"{dataset['name']} ({fingerprint[:8]})" if fingerprint else str(dataset["name"])


def _settings(record: RunRecord) -> dict[str, Any]:
    """Return all that decides a run's result, in one dict."""
    options = {f"option {key}": value for key, value in (record.model.get("options") or {}).items()}
    images = {f"{key} images": record.dataset.get(key) for key in ("train", "validation")}
    recipe = kind_of(record.recipe).defaults() | record.recipe  # an older record may lack a key
    return {"model": record.model["name"]} | options | recipe | images | record.environment


def summarize(record: RunRecord) -> dict[str, Any]:
    """Return a run's results in one dict: of its last epoch, and of the evaluation."""
    last = record.history[-1] if record.history else {}
    found = {"status": record.status, "epochs_done": last.get("epoch", 0)}
    found |= {key: record.model.get(key) for key in ("parameters", "multiply_adds")}
    found |= {key: last.get(key) for key in ("train_loss", "train_accuracy")}
    found |= {key: last.get(key) for key in ("validation_loss", "validation_accuracy")}
    found |= {key: record.result.get(key) for key in ("test_accuracy", "test_accuracy_tta", "train_seconds")}
    return found


def _side_by_side(columns: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return the values of all columns by key; keys that no column has a value for are left out."""
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = {key: tuple(column.get(key) for column in columns) for key in keys}
    return {key: row for key, row in rows.items() if any(value is not None for value in row)}
