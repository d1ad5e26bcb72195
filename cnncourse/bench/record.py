"""The record of a bench: written whole after each run, so that a bench that was killed goes on."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from cnncourse import bench, models, training
from cnncourse._checks import check_keys
from cnncourse.experiments.record import write_record

FORMAT, KIND = 1, "bench"
STEM = "cifar10"
_NEEDED = {
    "command": str, "mode": str, "dataset": dict, "environment": dict, "code": str, "recipes": dict,
    "runs": list,
}  # fmt: skip
_OPTIONAL = {"starts": int, "status": str, "started": str, "finished": str}
_RUN = {"key": str, "kind": str, "name": str, "seed": int, "result": dict}
# the code that decides what a run does, and how it is timed
_CODE = {
    models: ("speednet.py", "tutorials.py"),
    training: (
        "speedrun.py", "speed_recipe.py", "resident.py", "support.py", "muon.py", "precision.py",
        "batches.py", "evaluation.py",
    ),
    bench: ("plain.py", "fast.py", "published.py"),
}  # fmt: skip


@dataclasses.dataclass
class BenchRecord:
    """What was measured, on what, with which result.

    Parameters
    ----------
    command : str
        What makes it again, without paths.
    mode : str
        How much of the tutorials was run, as in `Plan`.
    dataset : dict
        ``name``, the number of images in ``train`` and ``test``, and their fingerprints.
    environment : dict
        Versions and hardware, as in a `RunRecord`.
    code : str
        A hash of the code that was measured.
    recipes : dict
        The recipe of each level.
    runs : list of dict
        Each with its ``key``, ``kind``, ``name``, ``seed`` and ``result``; an entry that failed has a
        ``problem`` in its result.
    starts : int
        How often the bench was started: above 1 if it was interrupted, and its times are of several programs.
    status : {"completed", "interrupted"}
        A bench still going on, or killed, reads "interrupted".
    started, finished : str or None
        Times in UTC, ISO 8601.
    """

    command: str
    mode: str
    dataset: dict[str, Any]
    environment: dict[str, Any]
    code: str
    recipes: dict[str, Any]
    runs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    starts: int = 0
    status: str = "interrupted"
    started: str | None = None
    finished: str | None = None

    def __post_init__(self) -> None:
        self.recipes = json.loads(json.dumps(self.recipes))  # as they are read again: lists, no tuples

    def save(self, path: str | Path) -> None:
        """Write the record to `path`, whole; numbers that are infinite or not a number become null."""
        write_record(path, {"format": FORMAT, "kind": KIND} | dataclasses.asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "BenchRecord":
        """Read the record at `path`.

        Raises
        ------
        ValueError
            If it is no record of a bench, a damaged one, or one of another format.
        """
        name = Path(path).name
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"{name!r} is no record of a bench, or a damaged one: {error}") from None
        if not isinstance(values, dict) or values.pop("kind", None) != KIND:
            raise ValueError(f"{name!r} is no record of a bench")
        if (found := values.pop("format", None)) != FORMAT:
            raise ValueError(f"{name!r} is a record of format {found!r}; this version reads {FORMAT}")
        try:
            given = {key: value for key, value in values.items() if value is not None}
            check_keys("record", given, _NEEDED, _OPTIONAL)
            for run in values["runs"]:
                check_keys("run", run, _RUN, {})
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name!r} is a damaged record of a bench: {error}") from None
        return cls(**values)

    def belongs_to(self, other: "BenchRecord") -> bool:
        """Return whether runs of both may stand in one record: same machine, images, code and recipes."""
        names = ("mode", "dataset", "environment", "code")
        shared = self.recipes.keys() & other.recipes.keys()
        return all(getattr(self, name) == getattr(other, name) for name in names) and all(
            self.recipes[level] == other.recipes[level] for level in shared
        )

    def results(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return the results of the runs of one kind and name, in the order of their seeds."""
        found = [run for run in self.runs if (run["kind"], run["name"]) == (kind, name)]
        return [run["result"] for run in sorted(found, key=lambda run: run["seed"])]


def code_hash() -> str:
    """Return a hash of the code that a bench measures."""
    digest = hashlib.sha256()
    for package, names in _CODE.items():
        for name in names:
            digest.update(resources.files(package).joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


def find_record(folder: Path, wanted: BenchRecord, fresh: bool = False) -> tuple[BenchRecord, Path]:
    """Return the newest record in `folder` that `wanted` belongs to, or else `wanted`; and its file.

    A new record never takes the name of another one: what was measured before stays.
    """
    paths = record_paths(folder)
    for path in () if fresh else reversed(paths):
        try:
            record = BenchRecord.load(path)
        except (ValueError, OSError):
            continue  # it stays where it is
        if wanted.belongs_to(record):
            record.recipes |= wanted.recipes
            return record, path
    number = 1 + max((_number(path) for path in paths), default=0)
    return wanted, folder / f"{STEM}-{number}.json"


def record_paths(folder: Path) -> list[Path]:
    """Return the files of records in `folder`, in the order in which they were begun."""
    return sorted((path for path in folder.glob(f"{STEM}-*.json") if _number(path)), key=_number)


def _number(path: Path) -> int:
    text = path.stem.removeprefix(f"{STEM}-")
    return int(text) if text.isdecimal() else 0


def load_bench_records() -> Sequence[BenchRecord]:
    """Return the records of benches that come with the package."""
    return [BenchRecord.load(path) for path in record_paths(shipped())]


def shipped() -> Path:
    """Return the folder of the records that come with the package."""
    return Path(str(resources.files("cnncourse.bench").joinpath("records")))
