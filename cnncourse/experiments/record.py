"""RunRecord: one training as JSON."""

import dataclasses
import json
import math
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

import cnncourse
from cnncourse._checks import check_choice, check_keys
from cnncourse._files import write_whole
from cnncourse.data import ImageSet
from cnncourse.experiments.setup import Setup
from cnncourse.models import count_multiply_adds, count_parameters
from cnncourse.training.distributed import processes

FORMAT = 1
RESULTS = ("test_accuracy", "test_accuracy_tta", "train_seconds", "evaluation_seconds")
STATUSES = ("completed", "interrupted", "diverged")
_NEEDED = {
    "name": str, "command": str, "recipe": dict, "dataset": dict, "seed": int, "environment": dict,
    "model": dict,
}  # fmt: skip
_OPTIONAL = {"history": list, "result": dict, "status": str, "started": str, "finished": str}


@dataclasses.dataclass
class RunRecord:
    """What was trained, how, on what, with which result: enough to do it again.

    Parameters
    ----------
    name : str
        The run's name, that of its folder.
    command : str
        What makes it again, without paths.
    recipe : dict
        All values of the `Recipe`.
    dataset : dict
        ``name``, the number of images in ``train``, ``validation`` and ``test`` (None if not used), the
        ``fingerprint`` of the training split before the share ``validation_share`` was taken from it, and
        the ``test_fingerprint`` of the test split on which the result was measured. Older records lack the
        last two. ``size`` and ``images``, where the images were scaled or some of them taken.
    seed : int
        The recipe's seed.
    environment : dict
        ``cnncourse``, ``python``, ``torch``, ``device``, ``threads``, ``processes``, ``dtype``; and
        ``batch_norm``, if several processes each used the statistics of their own images.
    model : dict
        ``name``, ``options``, ``parameters``, ``multiply_adds``.
    history : list of dict
        The rows that `fit` returns.
    result : dict
        ``test_accuracy``, ``test_accuracy_tta``, ``train_seconds``, ``evaluation_seconds``; None if unknown.
    status : {"completed", "interrupted", "diverged"}
        A run still going on, or killed, reads "interrupted".
    started, finished : str or None
        Times in UTC, ISO 8601.
    """

    name: str
    command: str
    recipe: dict[str, Any]
    dataset: dict[str, Any]
    seed: int
    environment: dict[str, Any]
    model: dict[str, Any]
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    result: dict[str, Any] = dataclasses.field(default_factory=dict)
    status: str = "interrupted"
    started: str | None = None
    finished: str | None = None

    def __post_init__(self) -> None:
        check_choice("status", self.status, STATUSES)

    def save(self, path: str | Path) -> None:
        """Write the record to `path`; numbers that are infinite or not a number become null."""
        write_record(path, {"format": FORMAT} | dataclasses.asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "RunRecord":
        """Read the record at `path`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no record, a damaged one, or one of another format.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no run record {str(path)!r}") from None
        except ValueError as error:
            raise ValueError(f"{str(path)!r} is no run record, or a damaged one: {error}") from None
        if not isinstance(values, dict) or "format" not in values:
            raise ValueError(f"{str(path)!r} is no run record: it has no 'format'")
        found = values.pop("format")
        if found != FORMAT:
            raise ValueError(
                f"{str(path)!r} is a run record of format {found!r}; "
                f"cnncourse {cnncourse.__version__} reads format {FORMAT}"
            )
        try:
            _check(values)
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{str(path)!r} is a damaged run record: {error}") from None


def _check(values: dict[str, Any]) -> None:
    """Raise unless `values` are those of a record."""
    times = ("started", "finished")  # None until they are known
    given = {key: value for key, value in values.items() if value is not None or key not in times}
    check_keys("run record", given, _NEEDED, _OPTIONAL)
    for part in ("model", "dataset"):
        if not isinstance(values[part].get("name"), str):
            raise ValueError(f"{part} has no name, got {values[part]!r}")
    if not all(isinstance(row, dict) and "epoch" in row for row in values.get("history", [])):
        raise ValueError("its history is no list of epochs")


def write_record(path: str | Path, values: dict[str, Any]) -> None:
    """Write `values` as JSON to `path`, whole; numbers that are infinite or not a number become null."""
    text = json.dumps(finite(values), indent=1, allow_nan=False, ensure_ascii=False)
    # a byte of a file's name that is no text becomes an escape, which JSON reads back as it was
    write_whole(path, (text + "\n").encode(errors="backslashreplace"))


def finite(value: Any) -> Any:
    """Return `value` with every float that is not finite replaced by None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def begin_record(
    setup: Setup,
    name: str,
    model: nn.Module,
    whole: ImageSet,
    used: tuple[int, int | None],
    device: torch.device,
) -> RunRecord:
    """Return the record of a run that begins now.

    Parameters
    ----------
    setup : Setup
        What is trained.
    name : str
        The run's name.
    model : nn.Module
        The new network.
    whole : ImageSet
        The training split, before validation images are taken from it.
    used : (int, int or None)
        How many of its images are trained on, and how many kept for validation.
    device : torch.device
        Where it is trained.
    """
    return RunRecord(
        name=name,
        command=setup.command or f"cnncourse train {setup.model} --data {whole.name}",
        recipe=setup.recipe.to_dict(),
        dataset={
            "name": whole.name,
            "train": used[0],
            "validation": used[1],
            "test": None,
            "fingerprint": whole.fingerprint(),
            "test_fingerprint": None,
            "validation_share": setup.validation,
            **({"size": setup.size} if setup.size else {}),
            **({"images": setup.images} if setup.images else {}),
        },
        seed=setup.recipe.seed,
        environment=describe_environment(device),
        model={
            "name": setup.model,
            "options": dict(setup.options),
            "parameters": count_parameters(model),
            "multiply_adds": count_multiply_adds(model, whole.shape),
        },
        result=dict.fromkeys(RESULTS),
        started=now(),
    )


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Return the versions and the hardware that a record names; the training adds its number format."""
    return {
        "cnncourse": cnncourse.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": f"{device.type} ({hardware_name(device)})",
        "threads": torch.get_num_threads(),
        "processes": processes(),
    }


def hardware_name(device: torch.device) -> str:
    """Return the name of the processor or accelerator, as its maker gives it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
