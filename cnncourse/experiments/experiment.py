"""Experiments: what is trained to answer a question of the book, and the records that answer it.

An experiment is one TOML file: the question, the data, the seeds, one recipe that all runs share and, run
by run, the network and what is different. `run_experiment` makes every record that is missing;
`load_records` reads those that come with the package.

Examples
--------
>>> text = '''
... title = "Depth"
... question = "Does a deeper network learn better?"
... chapter = "resnet"
... data = "cifar10"
... seeds = [0, 1, 2]
... [recipe]
... epochs = 10
... [runs.shallow]
... model = "conv_bn_gap"
... [runs.deep]
... model = "double_conv_gap"
... options = {dropout = 0.0}
... recipe = {learning_rate = 0.01}
... '''
>>> experiment = Experiment.from_toml("depth", text)
>>> experiment.runs["deep"].recipe.learning_rate, experiment.runs["shallow"].recipe.learning_rate
(0.01, 0.001)
"""

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from cnncourse import data
from cnncourse._checks import Kind, check_choice, check_count, check_keys, check_number
from cnncourse.data.sources import plain_name
from cnncourse.experiments.record import RunRecord
from cnncourse.experiments.setup import VALIDATION, Setup
from cnncourse.experiments.transferring import Transfer
from cnncourse.training.presets import AnyRecipe, kind_of
from cnncourse.training.recipe import Recipe
from cnncourse.training.speed_recipe import SpeedRecipe

MEASURES = ("training", "gradient_norms", "speedrun", "changes", "transfer")
_NEEDED = {"title": str, "question": str, "chapter": str, "data": str, "runs": dict}
_OPTIONAL: dict[str, Kind] = {
    "measure": str,
    "recipe": dict,
    "validation": (int, float),
    "seeds": list,
    "size": int,
}
_OF_A_RUN = {"options": dict, "recipe": dict, "seeds": list, "images": int}
_OF_A_SPEEDRUN = {"preset": str, "recipe": dict, "seeds": list}
_OF_A_TRANSFER = {"recipe": dict, "seeds": list}


@dataclasses.dataclass(frozen=True)
class ExperimentRun:
    """One run of an experiment: a network and a recipe, trained once for each seed.

    Parameters
    ----------
    name : str
        Its name in the experiment.
    model : str
        A key of `cnncourse.models.MODELS`; of a transfer, a name for `cnncourse.models.load_trained`.
    recipe : Recipe or SpeedRecipe
        Its seed is replaced by each of the run's.
    options : mapping
        Further arguments of the network.
    seeds : tuple of int
        Those of this run; if empty, those of the experiment.
    images : int, optional
        How many images are learned from, as in `Setup`; by default all.
    transfer : Transfer or None
        What is done with a trained network, where that is measured.
    """

    name: str
    model: str
    recipe: AnyRecipe
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    images: int | None = None
    transfer: Transfer | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", _check_seeds(self.seeds))
        if self.images is not None:
            check_count("images", self.images)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A question and the runs that answer it.

    Parameters
    ----------
    name : str
        The name of its file, and of the folder of its records.
    title, question, chapter : str
        What it is called, what it asks, and the chapter that shows the answer.
    data : str
        The data set's name, or a path.
    seeds : tuple of int
        Every run that has no seeds of its own is made once for each.
    runs : mapping from str to ExperimentRun
        By name.
    measure : {"training", "gradient_norms", "speedrun", "changes", "transfer"}
        What is done with each network: train and evaluate it, measure the length of the gradient in each of
        its layers before any training, train and evaluate SpeedNet by a speedrun's recipe, train it and
        evaluate it on changed images too (``accuracy_under`` in the record's result), or let a trained
        network learn other classes from a few images.
    validation : float
        The share of each class of the training split that is kept for validation; 0 for none.
    size : int, optional
        The side, in pixels, to which images are scaled when they are loaded.
    shipped : bool
        Whether it comes with the package.

    Raises
    ------
    TypeError, ValueError
        If a value is of the wrong kind or unknown.
    """

    name: str
    title: str
    question: str
    chapter: str
    data: str
    seeds: tuple[int, ...]
    runs: Mapping[str, ExperimentRun]
    measure: str = "training"
    validation: float = VALIDATION
    size: int | None = None
    shipped: bool = False

    def __post_init__(self) -> None:
        check_choice("measure", self.measure, MEASURES)
        check_number("validation", self.validation, 0, 1)
        if self.measure == "transfer" and self.validation:
            raise ValueError(f"a transfer has no validation, got {self.validation:g}; leave it out")
        if not self.runs:
            raise ValueError("runs is empty: give at least one table [runs.NAME]")
        for name in (self.name, *self.runs):
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
                raise ValueError(f"a name holds small letters, digits, '-', '_' and '.' only, got {name!r}")
        object.__setattr__(self, "seeds", _check_seeds(self.seeds))
        for name, run in self.runs.items():
            if not self.seeds_of(run):
                raise ValueError(
                    f"runs.{name} has no seeds; seeds must be one or more different numbers, "
                    f"in the run or in the experiment, got {list(self.seeds)}"
                )

    @classmethod
    def from_toml(cls, name: str, text: str, shipped: bool = False) -> "Experiment":
        """Return the experiment `name` written in `text`; unknown keys are refused."""
        values = tomllib.loads(text)
        check_keys("experiment", values, _NEEDED, _OPTIONAL)
        shared = values.pop("recipe", {})
        read = _READERS.get(values.get("measure", ""), _read_run)
        runs = {run: _read(read, run, table, shared) for run, table in values.pop("runs").items()}
        without = {} if read is _read_run else {"validation": 0.0}  # their records are of all images
        return cls(name=name, runs=runs, shipped=shipped, **{"seeds": (), **without, **values})

    @classmethod
    def load(cls, name: str | Path) -> "Experiment":
        """Return the experiment `name` of the package, or that in a file of yours, ``PATH.toml``.

        Raises
        ------
        ValueError, FileNotFoundError
            If there is none, or something in it is wrong; the message names it.
        """
        shipped = not str(name).endswith(".toml")
        if shipped:
            check_choice("experiment", str(name), experiment_names())
        path = _here() / f"{name}.toml" if shipped else Path(name)
        try:
            return cls.from_toml(path.stem, path.read_text(encoding="utf-8-sig"), shipped)
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no experiment file {str(path)!r}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise ValueError(f"experiment {str(name)!r}: {error}") from None

    def select(
        self, only: Iterable[str] | None = None, seeds: Iterable[int] | None = None
    ) -> list[tuple[ExperimentRun, int]]:
        """Return runs with seeds: all, or `only` some of them; one seed of every run before the next."""
        chosen = list(self.runs) if only is None else list(only)
        for run in chosen:
            check_choice(f"run of {self.name}", run, self.runs)
        known = list(dict.fromkeys(seed for run in chosen for seed in self.seeds_of(self.runs[run])))
        numbers = known if seeds is None else list(seeds)
        for seed in numbers:
            if seed not in known:
                raise ValueError(
                    f"seed {seed} is none of {self.name}; its seeds: {', '.join(map(str, known))}"
                )
        pairs = ((self.runs[run], seed) for seed in numbers for run in chosen)
        return [(run, seed) for run, seed in pairs if seed in self.seeds_of(run)]

    def seeds_of(self, run: ExperimentRun) -> tuple[int, ...]:
        """Return the seeds with which `run` is made: its own, or those of all runs."""
        return run.seeds or self.seeds

    def setup(self, run: ExperimentRun, seed: int, command: str = "") -> Setup:
        """Return what `run` trains with `seed`."""
        recipe = run.recipe.replace(seed=seed)
        return Setup(
            run.model, self.data, recipe, run.options, self.validation, self.size, command, run.images
        )

    def difference(self, record: RunRecord, run: ExperimentRun, seed: int) -> str:
        """Return in words how `record` differs from what `run` with `seed` would make; "" if it does not.

        A key of the recipe that is newer than the record counts with its default. A data set of one's own is
        known by its fingerprint, if it is there, and by its name alone if it is not.
        """
        wanted = run.recipe.replace(seed=seed).to_dict()
        recipe = kind_of(record.recipe).defaults() | record.recipe
        pairs = {key: (recipe.get(key), value) for key, value in wanted.items()}
        pairs |= {key: (recipe[key], None) for key in recipe if key not in wanted}
        pairs["model"] = (record.model.get("name"), run.model)
        if isinstance(run.recipe, Recipe):  # a speedrun's options are in its recipe
            pairs["options"] = (record.model.get("options") or {}, dict(run.options))
        if run.transfer is not None:
            pairs["transfer"] = (record.model.get("transfer"), run.transfer.to_dict())
        pairs["size"] = (record.dataset.get("size"), self.size)
        pairs["images"] = (record.dataset.get("images"), run.images)
        if self.measure != "gradient_norms":
            pairs["validation"] = (_validation_of(record), self.validation)
        name, fingerprint = self._images
        known = record.dataset.get("fingerprint")
        if fingerprint is None:
            pairs["data"] = (record.dataset.get("name"), name)
        elif fingerprint != known:  # equal images are the same set, whatever the folder's name
            pairs["data"] = (f"{record.dataset.get('name')} {known}", f"{name} {fingerprint}")
        return ", ".join(f"{key} {old!r}, now {new!r}" for key, (old, new) in pairs.items() if old != new)

    @cached_property
    def _images(self) -> tuple[str, str | None]:
        """The data set's name, and the fingerprint of one's own."""
        if self.data in data.NAMES:
            return self.data, None
        path = Path(self.data).expanduser()
        if not path.exists():
            return plain_name(path), None
        images = data.load(path, "train", self.size)
        return images.name, images.fingerprint()


def _validation_of(record: RunRecord) -> float:
    """Return the share that was kept for validation; an older record says only whether there was one."""
    without = record.dataset.get("validation", 1) is None
    return float(record.dataset.get("validation_share", 0.0 if without else VALIDATION))


def _check_seeds(given: Iterable[Any]) -> tuple[int, ...]:
    """Return different whole numbers, or none."""
    seeds = tuple(check_count("seeds", seed, minimum=0) for seed in given)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be one or more different numbers, got {list(seeds)}")
    return seeds


Reader = Callable[[str, dict[str, Any], dict[str, Any]], ExperimentRun]


def _read(read: Reader, name: str, table: Any, shared: dict[str, Any]) -> ExperimentRun:
    """Return the run that `table` describes, with the recipe `shared` by all; messages name it."""
    if not isinstance(table, dict):
        raise TypeError(f"runs.{name} must be a table, got {table!r}")
    try:
        run = read(name, table, shared)
        if "seed" in shared or "seed" in table.get("recipe", {}):
            raise ValueError("a recipe of an experiment has no seed: 'seeds' lists them for all runs")
        if "seeds" in table and not run.seeds:
            raise ValueError("seeds must be one or more different numbers, got []")
        return run
    except (ValueError, TypeError) as error:
        raise type(error)(f"runs.{name}: {error}") from None


def _read_run(name: str, table: dict[str, Any], shared: dict[str, Any]) -> ExperimentRun:
    check_keys("run", table, {"model": str}, _OF_A_RUN)
    recipe = Recipe.from_dict(shared | table.get("recipe", {}))
    options, seeds = table.get("options", {}), table.get("seeds", ())
    return ExperimentRun(name, table["model"], recipe, options, seeds, table.get("images"))


def _read_speedrun(name: str, table: dict[str, Any], shared: dict[str, Any]) -> ExperimentRun:
    check_keys("speedrun", table, {}, _OF_A_SPEEDRUN)
    preset = SpeedRecipe.load(table["preset"]).to_dict() if "preset" in table else {}
    recipe = SpeedRecipe.from_dict(preset | shared | table.get("recipe", {}))
    return ExperimentRun(name, SpeedRecipe.network, recipe, seeds=table.get("seeds", ()))


def _read_transfer(name: str, table: dict[str, Any], shared: dict[str, Any]) -> ExperimentRun:
    check_keys("transfer run", table, {"model": str, "transfer": dict}, _OF_A_TRANSFER)
    recipe = Recipe.from_dict(shared | table.get("recipe", {}))
    plan = Transfer.from_dict(table["transfer"])
    return ExperimentRun(name, table["model"], recipe, seeds=table.get("seeds", ()), transfer=plan)


_READERS: dict[str, Reader] = {"speedrun": _read_speedrun, "transfer": _read_transfer}


def experiment_names() -> list[str]:
    """Return the names of the experiments that come with the package."""
    return sorted(path.stem for path in _here().glob("*.toml"))


def load_records(name: str, partial: bool = False) -> dict[str, list[RunRecord]]:
    """Return the records of the experiment `name` that come with the package, by run, one a seed.

    Parameters
    ----------
    name : str
        The experiment's name; `experiment_names` lists them.
    partial : bool
        Whether runs without a record are left out; by default they are an error.

    Returns
    -------
    dict from str to list of RunRecord
        In the order of the experiment's runs and their seeds; at least one record a run.

    Raises
    ------
    ValueError
        If there is no such experiment, or a record is damaged.
    FileNotFoundError
        If a run has no record, unless `partial`; the message gives the command that makes it.
    """
    experiment = Experiment.load(name)
    found: dict[str, list[RunRecord]] = {}
    for run in experiment.runs:
        seeds = experiment.seeds_of(experiment.runs[run])
        paths = [record_path(experiment, run, seed) for seed in seeds]
        found[run] = [RunRecord.load(path) for path in paths if path.is_file()]
        if not (found[run] or partial):
            raise FileNotFoundError(
                f"experiment {name!r} has no record of its run {run!r}; "
                f"make it with: cnncourse experiment run {name} --only {run}"
            )
    return {run: records for run, records in found.items() if records}


def record_path(experiment: Experiment, run: str, seed: int, records: str | Path | None = None) -> Path:
    """Return where the record of `run` with `seed` is: in the folder `records`, by default the package's."""
    if records is None and not experiment.shipped:
        raise ValueError("an experiment of your own needs a folder for its records: give --records FOLDER")
    folder = _here() / "records" if records is None else Path(records)
    return folder / experiment.name / f"{run}-seed{seed}.json"


def _here() -> Path:
    """Return the folder of the published experiments and their records."""
    return Path(str(resources.files("cnncourse.experiments")))
