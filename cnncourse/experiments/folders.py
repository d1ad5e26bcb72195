"""A run's folder: one process claims it, and what is complete in it is known."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cnncourse._files import HeldError, RefusedLockError, locked
from cnncourse.experiments.evaluation import RECORD
from cnncourse.experiments.record import RunRecord
from cnncourse.training.checkpoint import describe_difference
from cnncourse.training.distributed import broadcast, rank
from cnncourse.training.presets import recipe_from_dict


@contextmanager
def claimed(runs: Path, name: str | None, stem: str, resume: bool) -> Iterator[Path]:
    """Yield the folder of a new run, or of the one to go on with, in which no other process trains."""
    if rank() > 0:  # it shares the folder of process 0
        yield broadcast(None)
        return
    folder = _folder(runs, name, stem, resume)
    try:
        with locked(runs / f".{folder.name}.lock", wait=False), _tidied(folder):
            yield broadcast(folder)
    except HeldError:
        raise FileExistsError(f"another process trains the run {folder.name!r} in {str(runs)!r}") from None
    except RefusedLockError:
        with _tidied(folder):
            raise


@contextmanager
def _tidied(folder: Path) -> Iterator[None]:
    """Remove the folder after the block if nothing was saved in it."""
    try:
        yield
    finally:
        with suppress(OSError):
            folder.rmdir()


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


def about(record: RunRecord) -> dict[str, Any]:
    """Return what decides the numbers of a training."""
    recipe = recipe_from_dict(record.recipe).to_dict()  # an older record may lack a key
    dataset = {key: record.dataset.get(key) for key in ("name", "train", "validation", "fingerprint")}
    model = {key: record.model.get(key) for key in ("name", "options")}
    return {"model": model, "recipe": recipe, "dataset": dataset}


def completed(folder: Path, wanted: RunRecord) -> RunRecord | None:
    """Return the folder's record if its training is complete and is the one of the record `wanted`."""
    if not (folder / RECORD).is_file():
        return None
    record = RunRecord.load(folder / RECORD)
    if record.status != "completed":
        return None
    if difference := describe_difference(about(record), about(wanted)):
        raise ValueError(
            f"the run {record.name!r} is complete, and another training: {difference}; choose another name"
        )
    return record
