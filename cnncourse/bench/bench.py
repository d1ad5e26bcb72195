"""The bench from its plan to its record: one run after the other, each of which is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from cnncourse import data
from cnncourse.bench.fast import product_rate, run_fast
from cnncourse.bench.levels import crossing_of
from cnncourse.bench.plain import TUTORIALS, plain_epochs
from cnncourse.bench.plan import BASE, Job, Plan
from cnncourse.bench.published import evaluate_published, run_published
from cnncourse.bench.record import BenchRecord, code_hash, find_record, record_paths
from cnncourse.contest import Entry, run_entry
from cnncourse.data import ImageSet
from cnncourse.data.catalog import CATALOG
from cnncourse.experiments.record import describe_environment, now
from cnncourse.training.evaluation import evaluate

RUNS = "runs/bench"
WARM_UP = 2  # batches before a share of an epoch is timed: the first one makes the kernels


class Bench:
    """A plan, the images, the machine, and the record of what was measured.

    Parameters
    ----------
    plan : Plan
        What is run.
    image_sets : tuple of ImageSet
        Training and test split.
    device : torch.device
        Where to train.
    folder : str or Path
        Where records are.
    command : str
        What is noted in the record as making it again.
    fresh : bool
        Whether a new record is begun where there is one to go on with.

    Attributes
    ----------
    record : BenchRecord
        What was measured until now.
    path : Path
        Its file.
    """

    def __init__(
        self,
        plan: Plan,
        image_sets: tuple[ImageSet, ImageSet],
        device: torch.device,
        folder: str | Path = RUNS,
        command: str = "cnncourse bench cifar10",
        fresh: bool = False,
    ) -> None:
        self.plan, self.device, self.folder = plan, device, Path(folder)
        self.train_set, self.test_set = image_sets
        wanted = BenchRecord(
            command=command,
            mode=plan.mode,
            dataset=_describe_data(*image_sets),
            environment=describe_environment(device),
            code=code_hash(),
            recipes={level: recipe.to_dict() for level, recipe in plan.recipes.items()},
            started=now(),
        )
        self.record, self.path = find_record(self.folder, wanted, fresh)

    def run(self, entry: Entry | None = None, report: Callable[[str], None] | None = None) -> BenchRecord:
        """Run what is not in the record yet; write the record after each run.

        Parameters
        ----------
        entry : Entry, optional
            Somebody's own network or recipe, to be run by the same rules.
        report : callable, optional
            Called with a line about each run.

        Raises
        ------
        RuntimeError
            If another bench writes into the same folder.
        KeyboardInterrupt
            If Ctrl-C ended a run; the runs before it are kept.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                self._run(entry, report or (lambda line: None))
        except Timeout:
            raise RuntimeError(
                f"another bench is running in {str(self.folder)!r}, and two at a time would slow each other; "
                "wait until it has ended"
            ) from None
        return self.record

    def _run(self, entry: Entry | None, say: Callable[[str], None]) -> None:
        entries = [Job("entry", entry.name, seed) for seed in entry.seeds] if entry else []
        jobs = [*entries, *self.plan.jobs()]
        done = {run["key"] for run in self.record.runs if "problem" not in run["result"]}
        left = [job for job in jobs if job.key not in done]
        if len(left) < len(jobs):
            say(f"{len(jobs) - len(left)} of {len(jobs)} runs are in {self.path.name} already")
        if not left:
            return
        self.record.starts += 1
        self.record.status = "interrupted"
        for job in left:
            result = self._run_job(job, entry)
            run = {"key": job.key, "kind": job.kind, "name": job.name, "seed": job.seed, "result": result}
            kept = [each for each in self.record.runs if each["key"] != job.key]  # all but a failed one
            self.record.runs = [*kept, run]
            self.record.save(self.path)
            say(f"{job.key}: {describe_result(job.kind, result)}")
        self.record.status, self.record.finished = "completed", now()
        self.record.save(self.path)

    def _run_job(self, job: Job, entry: Entry | None) -> dict[str, Any]:
        """Return the result of one run."""
        if job.kind == "plain":
            return run_plain(job, self.train_set, self.test_set, self.device)
        if job.kind == "fast":
            recipe = self.plan.recipes[job.name].replace(seed=job.seed)
            return run_fast(recipe, self.train_set, self.test_set, self.device)
        if job.kind == "rate":
            formats = {run["result"]["dtype"] for run in self.record.runs if run["kind"] == "fast"}
            return {name: product_rate(getattr(torch, name), self.device) for name in sorted(formats)}
        if job.kind == "published":
            model, seconds = run_published(self.train_set, job.seed, self.device)
            accuracy, averaged = evaluate_published(model, self.test_set, self.device)
            return {"seconds": seconds, "accuracy": accuracy, "accuracy_tta": averaged}
        assert entry is not None
        return run_entry(entry, job.seed, self.train_set, self.test_set)

    def crossed_after(self) -> int | None:
        """Return after how many epochs the tutorial's network passed 74% in another record of this folder."""
        for path in reversed(record_paths(self.folder)):
            try:
                record = BenchRecord.load(path)
            except (ValueError, OSError):
                continue
            if record.dataset != self.record.dataset:
                continue
            for run in record.results("plain", BASE):
                crossing = crossing_of(run)
                if crossing is not None:
                    return crossing
        return None


def run_plain(job: Job, train_set: ImageSet, test_set: ImageSet, device: torch.device) -> dict[str, Any]:
    """Train a tutorial's network as `job` says.

    Returns
    -------
    dict
        ``share`` of the images that an epoch goes through, the ``seconds`` of each epoch, and the
        ``accuracies`` after each, if there may be several.
    """
    tutorial = TUTORIALS[job.name]
    mean, std = tutorial.scale(train_set)
    count = max(1, round(job.share * len(train_set)))
    images = train_set.subset(range(count)) if job.share < 1 else train_set
    few = train_set.subset(range(min(count, WARM_UP * tutorial.batch_size)))
    next(plain_epochs(job.name, few, device=device))  # the first batches make kernels, and import
    seconds, accuracies = list[float](), list[float]()
    for model, took in plain_epochs(job.name, images, job.seed, device):
        seconds.append(took)
        if job.epochs > 1:
            accuracies.append(evaluate(model, test_set, mean=mean, std=std)["accuracy"])
        reached = job.until is not None and accuracies and accuracies[-1] >= job.until
        if len(seconds) == job.epochs or reached:
            break
    return {"share": count / len(train_set), "seconds": seconds, "accuracies": accuracies}


def describe_result(kind: str, result: dict[str, Any]) -> str:
    """Return a run's result in words.

    Examples
    --------
    >>> describe_result("plain", {"share": 0.05, "seconds": [3.5], "accuracies": []})
    '3.5 s for 0.05 epochs'
    >>> describe_result("fast", {"seconds": 8.04, "accuracy": 0.745, "accuracy_tta": 0.76})
    '8.0 s, 74.50%, 76.00% averaged over views'
    """
    if "problem" in result:
        return str(result["problem"])
    if kind == "rate":
        return ", ".join(
            f"{name} {rate / 1e9:.0f} billion multiply-adds a second" for name, rate in result.items()
        )
    if kind == "plain":
        told = f"{sum(result['seconds']):.1f} s for {result['share'] * len(result['seconds']):.2g} epochs"
        return told + (f", {100 * result['accuracies'][-1]:.2f}%" if result["accuracies"] else "")
    told = f"{result['seconds']:.1f} s, {100 * result['accuracy']:.2f}%"
    averaged = result.get("accuracy_tta")
    return told if averaged is None else f"{told}, {100 * averaged:.2f}% averaged over views"


def load_images(name: str = "cifar10") -> tuple[ImageSet, ImageSet]:
    """Return training and test split of CIFAR-10, or of shapes10 to try the bench.

    Raises
    ------
    ValueError
        If the images are others, whatever they are called.
    """
    sets = data.load(name, "train"), data.load(name, "test")
    known = CATALOG["cifar10"].fingerprints
    if sets[0].name != "shapes10" and any(each.fingerprint() != known[each.split] for each in sets):
        raise ValueError(
            f"the bench measures on CIFAR-10, and {sets[0].name!r} holds other images; leave --data out, "
            "or try the bench on drawn images: --data shapes10"
        )
    return sets


def _describe_data(train_set: ImageSet, test_set: ImageSet) -> dict[str, Any]:
    return {
        "name": train_set.name,
        "train": len(train_set),
        "test": len(test_set),
        "fingerprint": train_set.fingerprint(),
        "test_fingerprint": test_set.fingerprint(),
    }
