"""What a record says about each level: seconds, accuracy, and how much sooner than the tutorial."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from cnncourse._tables import spread, table
from cnncourse.bench.plain import TUTORIALS
from cnncourse.bench.plan import BASE
from cnncourse.bench.record import BenchRecord

LEVELS = ("74", "80", "90", "94")
# How many times sooner than the tutorial's run a level is to be reached; and what would be better still.
GOALS = {"74": (30.0, 35.0), "80": (140.0, None), "90": (28.0, None), "94": (4.5, None)}
CROSSED = 0.74
EPOCHS_TO_CROSS = 3  # of `BASE`, on CIFAR-10: as measured, and used where it is not measured again


@dataclasses.dataclass(frozen=True)
class Reference:
    """How long the tutorial's network takes.

    Parameters
    ----------
    seconds : float
        Of training.
    how : str
        Whether that was measured, or how it was extrapolated.
    """

    seconds: float
    how: str


@dataclasses.dataclass(frozen=True)
class LevelResult:
    """What was measured of one level, over its seeds.

    Parameters
    ----------
    name : str
        The level in percent, or the name of an entry.
    seconds, accuracy, averaged : tuple of float
        One of each seed; `averaged` is the accuracy with test-time augmentation, `accuracy` that without.
    reference : Reference or None
        What it is compared with, if that is known.
    rate_share : float or None
        The share of the machine's matrix products a second that the steps reached.
    """

    name: str
    seconds: tuple[float, ...]
    accuracy: tuple[float, ...]
    averaged: tuple[float, ...]
    reference: Reference | None = None
    rate_share: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times longer the tutorial takes than the mean of our seconds."""
        return None if self.reference is None else self.reference.seconds / statistics.mean(self.seconds)

    @property
    def reached(self) -> bool:
        """Whether the mean accuracy, with test-time augmentation, is at or above the level."""
        return statistics.mean(self.averaged) >= float(self.name) / 100


def reference_of(record: BenchRecord, level: str, crossed_after: int | None = None) -> Reference | None:
    """Return what a level is compared with: 74% with the first crossing of it, others with the last epoch.

    Parameters
    ----------
    record : BenchRecord
        With runs of the tutorial's network.
    level : str
        In percent.
    crossed_after : int, optional
        The epochs that another record took to cross, used if this one did not measure it.
    """
    runs = record.results("plain", BASE)
    if not runs or record.dataset["name"] != "cifar10":
        return None
    whole = [run for run in runs if run["share"] == 1]
    if level == "74" and whole:
        crossing = crossing_of(whole[0])
        if crossing is None:
            return None
        return Reference(sum(whole[0]["seconds"][:crossing]), f"measured, {crossing} epochs")
    if level == "74":
        source = "assumed" if crossed_after is None else "as another run here took"
        epochs = EPOCHS_TO_CROSS if crossed_after is None else crossed_after
        return Reference(epochs * epoch_seconds(runs), f"extrapolated, {epochs} epochs {source}")
    epochs = TUTORIALS[BASE].epochs
    if whole and len(whole[0]["seconds"]) == epochs:
        return Reference(sum(whole[0]["seconds"]), f"measured, {epochs} epochs")
    return Reference(epochs * epoch_seconds(runs), f"extrapolated, {epochs} epochs")


def crossing_of(run: Mapping[str, Any]) -> int | None:
    """Return after how many epochs a run of the tutorial's network first passed 74%, if it did."""
    return next((i for i, share in enumerate(run["accuracies"], 1) if share >= CROSSED), None)


def epoch_seconds(runs: Sequence[dict[str, Any]]) -> float:
    """Return the median time of an epoch; of a share of an epoch, what the whole would take."""
    return float(statistics.median(each / run["share"] for run in runs for each in run["seconds"]))


def results(record: BenchRecord, crossed_after: int | None = None) -> dict[str, LevelResult]:
    """Return what a record says about each level that was run."""
    found = {}
    for level in record.recipes:
        runs = record.results("fast", level)
        if runs:
            reference = reference_of(record, level, crossed_after) if level in GOALS else None
            seconds, accuracy, averaged = _columns(runs)
            share = _rate_share(record, runs)
            found[level] = LevelResult(level, seconds, accuracy, averaged, reference, share)
    return found


def _columns(runs: Sequence[dict[str, Any]]) -> tuple[tuple[float, ...], ...]:
    keys = ("seconds", "accuracy", "accuracy_tta")
    return tuple(tuple(run[key] for run in runs) for key in keys)


def _rate_share(record: BenchRecord, runs: Sequence[dict[str, Any]]) -> float | None:
    """Return the share of the rate of matrix products that the runs reached."""
    rates = [rate for run in record.results("rate", "products") if (rate := run.get(runs[0]["dtype"]))]
    if not rates:
        return None
    reached = statistics.mean(run["multiply_adds"] / run["seconds"] for run in runs)
    return float(reached / statistics.median(rates))


def as_json(record: BenchRecord, crossed_after: int | None = None) -> dict[str, Any]:
    """Return the means by level: seconds, the tutorial's, their ratio, and the accuracy averaged over views.

    A level that was not run has null for each; so has a ratio on other images than CIFAR-10.
    """
    found = results(record, crossed_after)
    levels: dict[str, Any] = {}
    for level in LEVELS:
        row = found.get(level)
        levels[level] = {
            "seconds": statistics.mean(row.seconds) if row else None,
            "tutorial_seconds": row.reference.seconds if row and row.reference else None,
            "ratio": row.ratio if row else None,
            "accuracy": statistics.mean(row.averaged) if row else None,
        }
    return {"levels": levels}


def describe(record: BenchRecord, crossed_after: int | None = None) -> str:
    """Return the record's tables: our levels beside the tutorial, the tutorials, and the contest."""
    parts = [_head(record), _levels_table(record, crossed_after), _plain_table(record)]
    parts += [_entries_table(record, crossed_after)]
    return "\n\n".join(part for part in parts if part)


def _head(record: BenchRecord) -> str:
    environment = record.environment
    lines = [
        f"{record.dataset['name']}, {environment['device']}, {environment['threads']} threads, "
        f"torch {environment['torch']}"
    ]
    if record.dataset["name"] != "cifar10":
        lines.append("a trial on other images than CIFAR-10: nothing here is compared with the goals")
    if record.starts > 1:
        lines.append(f"the runs are of {record.starts} programs, one after the other")
    return "\n".join(lines)


def _levels_table(record: BenchRecord, crossed_after: int | None) -> str:
    rows: list[tuple[str, ...]] = [
        ("level", "runs", "seconds", "averaged", "without", "tutorial", "ratio", "goal", "of matrix rate")
    ]
    told = []
    for row in results(record, crossed_after).values():
        goal = GOALS.get(row.name) if row.reference else None
        better = f" ({goal[1]:g})" if goal and goal[1] else ""
        rows.append(
            (
                f"{row.name}%" + ("" if row.reached else " missed"),
                str(len(row.seconds)),
                spread(row.seconds, "{:.1f}"),
                spread([100 * each for each in row.averaged], "{:.2f}"),
                spread([100 * each for each in row.accuracy], "{:.2f}"),
                f"{row.reference.seconds:,.0f}" if row.reference else "-",
                f"{row.ratio:.1f}" if row.ratio else "-",
                f"{goal[0]:g}{better}" if goal else "-",
                f"{row.rate_share:.0%}" if row.rate_share else "-",
            )
        )
        if row.reference:
            told.append(f"{row.name}%: the tutorial's {row.reference.seconds:,.0f} s are {row.reference.how}")
    rows += _published_rows(record)
    return "" if len(rows) == 1 else "\n".join([table(rows, right=range(1, 9)), *told])


def _published_rows(record: BenchRecord) -> list[tuple[str, ...]]:
    """Return a row of the published recipe, if it was run."""
    runs = record.results("published", "94")
    if not runs:
        return []
    seconds, accuracy, averaged = _columns(runs)
    shares = ([100 * each for each in values] for values in (averaged, accuracy))
    return [
        ("published", str(len(runs)), spread(seconds, "{:.1f}"), *(spread(v, "{:.2f}") for v in shares))
        + ("-",) * 4
    ]


def _plain_table(record: BenchRecord) -> str:
    """Return how long the tutorials' networks take as tutorials type them."""
    rows = [("tutorial's network", "epochs timed", "seconds an epoch", "last test accuracy")]
    for name in TUTORIALS:
        runs = record.results("plain", name)
        if runs:
            timed = sum(run["share"] * len(run["seconds"]) for run in runs)
            last = [run["accuracies"][-1] for run in runs if run["accuracies"]]
            accuracy = f"{100 * last[-1]:.2f}" if last else "-"
            rows.append((name, f"{timed:.2g}", f"{epoch_seconds(runs):.1f}", accuracy))
    return "" if len(rows) == 1 else table(rows, right=(1, 2, 3))


def _entries_table(record: BenchRecord, crossed_after: int | None) -> str:
    """Return the contest's table: the entries, the best first, with the level that each has reached."""
    names = dict.fromkeys(run["name"] for run in record.runs if run["kind"] == "entry")
    rows, failed = [], []
    for name in names:
        runs = record.results("entry", name)
        if problems := [run["problem"] for run in runs if "problem" in run]:
            failed.append(f"{name}: {problems[0]}")
            continue
        accuracy = [run["accuracy"] for run in runs]
        mean, seconds = statistics.mean(accuracy), [run["seconds"] for run in runs]
        level = next((each for each in reversed(LEVELS) if mean >= float(each) / 100), None)
        reference = reference_of(record, level, crossed_after) if level else None
        ratio = f"{reference.seconds / statistics.mean(seconds):.1f}" if reference else "-"
        cells = (spread(seconds, "{:.1f}"), spread([100 * each for each in accuracy], "{:.2f}"))
        rows.append(
            (
                -float(level or 0),
                statistics.mean(seconds),
                (name, str(len(runs)), *cells, level or "-", ratio),
            )
        )
    head = ("entry", "runs", "seconds", "accuracy", "level", "ratio")
    lines = [table([head, *(row for *_, row in sorted(rows))], right=range(1, 6))] if rows else []
    return "\n".join(lines + failed)
