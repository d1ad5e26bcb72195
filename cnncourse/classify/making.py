"""From a folder of photos to a classifier in one file, and a report of how good it is."""

import dataclasses
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import cnncourse
from cnncourse import explain, transfer
from cnncourse._files import write_whole
from cnncourse.classify.checks import Findings, examine
from cnncourse.classify.photos import Photos, read_photos
from cnncourse.learning import softmax
from cnncourse.models import Trained, load_trained
from cnncourse.transfer.probe import has_bias, install

NETWORK = "efficientnet_lite0"
SUFFIX = ".safetensors"
FOLDS = 5
TOLD = 5  # mistakes that are named in the summary


class Accuracy(NamedTuple):
    """How many photos were right, of how many, and how far that can be trusted.

    Parameters
    ----------
    correct, total : int
        Photos.
    low, high : float
        The 95% interval, from 0 to 1: see `explain.accuracy_interval`.
    """

    correct: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.correct / self.total

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} ({self.correct} of {self.total}; "
            f"95% interval {self.low:.1%} to {self.high:.1%})"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Made:
    """A classifier, and what is known about it.

    Parameters
    ----------
    trained : Trained
        The network: the given one with a new head, fitted with all photos but those for testing.
    photos : Photos
        What it was made of.
    findings : Findings
        What is odd about the photos.
    judged : ndarray of int64 of shape (M,)
        The photos of the cross-validation, and after them those for testing.
    probabilities : ndarray of float64 of shape (M, classes)
        What heads that had not learned from a photo said about it.
    accuracy : Accuracy
        In cross-validation.
    tested : Accuracy or None
        On the photos in a folder ``test``, without those that were learned from in nearly the same form.
    backbone : str
        The name of the network that the features come from.
    decay : float
        The weight decay of the head.
    seconds : float
        What it took.
    """

    trained: Trained
    photos: Photos
    findings: Findings
    judged: np.ndarray
    probabilities: np.ndarray
    accuracy: Accuracy
    tested: Accuracy | None
    backbone: str
    decay: float
    seconds: float

    @property
    def mistakes(self) -> np.ndarray:
        """Which of the judged photos were taken for something else, the surest first: rows of `judged`."""
        return explain.worst_mistakes(self.probabilities, self.photos.labels[self.judged], len(self.judged))

    @property
    def confusion(self) -> np.ndarray:
        """How often each class, a row, was taken for each, a column."""
        answers = self.probabilities.argmax(axis=1)
        return explain.confusion_matrix(self.photos.labels[self.judged], answers, len(self.photos.classes))

    @property
    def always(self) -> tuple[str, float]:
        """The commonest class, and in which share of cases it would be right to say nothing else."""
        counts = np.bincount(self.photos.labels[self.judged], minlength=len(self.photos.classes))
        return self.photos.classes[int(counts.argmax())], float(counts.max() / counts.sum())

    def __str__(self) -> str:
        """Return the summary that ``cnncourse classify make`` prints: photos, accuracy, surest mistakes."""
        photos, (common, share) = self.photos, self.always
        counts = ", ".join(f"{count} {name}" for name, count in photos.image_set().class_counts().items())
        lines = [
            f"{photos.name}: {len(photos)} photos of {len(photos.classes)} classes ({counts})",
            f"accuracy in cross-validation: {self.accuracy}",
        ]
        if self.tested is not None:
            lines.append(f"accuracy on the test photos: {self.tested}")
        lines.append(f'always saying "{common}" would get {share:.1%}')
        for row in self.mistakes[:TOLD]:
            index, answer = self.judged[row], int(self.probabilities[row].argmax())
            sure = self.probabilities[row, answer]
            lines.append(f"  {photos.files[index]} looks like {photos.classes[answer]} ({sure:.0%})")
        more = len(self.mistakes) - TOLD
        if more > 0:
            lines.append(f"  and {more} more mistake{'s'[: more != 1]}")
        return "\n".join(lines)


def make(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    network: str | os.PathLike[str] | Trained = NETWORK,
    seed: int = 0,
    cache: bool = True,
    progress: bool | None = None,
    together: str | None = None,
) -> Made:
    """Make a classifier from photos in class folders.

    The photos are checked, the features of each are computed once, and a linear head is fitted to them. How
    good it is, a cross-validation tells, in which near-duplicates stay together; how sure it may be of its
    answers, a temperature fitted to these same answers. Photos that are alike in another way, such as a burst
    with much movement, flatter all of it: accuracy, weight decay and temperature. Name them in `together`.

    Parameters
    ----------
    folder : str or path
        A folder with a folder of photos for each class; above them there may be ``train`` and ``test``.
    out : str or path, optional
        The file of the classifier, ``NAME.safetensors``; a report ``NAME.html`` is written beside it. Without
        it, nothing is written.
    network : str, path or Trained
        Whose features are used: a name or file for `models.load_trained`.
    seed : int
        Decides how photos are divided.
    cache : bool
        Whether features are kept: see `transfer.extract`.
    progress : bool, optional
        Whether to show bars; by default, where they would be seen.
    together : str, optional
        A regular expression: photos in whose names it finds the same text stay together too; see `examine`.

    Returns
    -------
    Made

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or the network's weights are not installed.
    ValueError
        If the photos do not do: one class, an empty folder, a photo in two classes; `together` finds nothing;
        or `out` has another ending.
    OSError
        If `out` cannot be written; what was there before is kept.

    Examples
    --------
    >>> make("no/such/folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no folder 'no/such/folder'
    """
    start = time.perf_counter()
    target = None if out is None else check_target(out)
    if not isinstance(network, Trained) and not Path(folder).expanduser().exists():
        raise FileNotFoundError(f"there is no folder {os.fspath(folder)!r}")
    trained = network if isinstance(network, Trained) else load_trained(os.fspath(network))
    backbone = trained.architecture if isinstance(network, Trained) else Path(network).stem
    height, width = trained.size
    photos = read_photos(folder, height if height == width else trained.size, trained.channels, progress)
    findings = examine(photos, together=together)
    features = transfer.extract(trained, photos.images, cache=cache, progress=progress)
    made = _fit(trained, photos, findings, features, seed)
    made = dataclasses.replace(made, backbone=backbone, seconds=time.perf_counter() - start)
    made = dataclasses.replace(made, trained=_described(made, seed))
    if target is not None:
        _save(made, *target)
    return made


def check_target(out: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Return the file of the classifier and that of its report, if they can be written.

    Raises
    ------
    ValueError, OSError
        If the name has another ending, or the folder is not there or may not be written.
    """
    path = Path(out).expanduser()
    if path.suffix != SUFFIX:
        raise ValueError(f"the file of a classifier ends in {SUFFIX}, got {str(path)!r}")
    report = path.with_suffix(".html")
    for each in (path, report):
        if each.is_dir():
            raise IsADirectoryError(f"{str(each)!r} is a folder; choose another name")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} into; make it")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {str(path.parent)!r} may not be written; choose another")
    return path, report


def _save(made: Made, path: Path, report: Path) -> None:
    from cnncourse.classify.report import write_report

    page = write_report(made, path.name).encode(errors="backslashreplace")
    made.trained.save(path)
    write_whole(report, page)


def _fit(trained: Trained, photos: Photos, findings: Findings, features: np.ndarray, seed: int) -> Made:
    """Return the classifier, judged by cross-validation and by the photos for testing, if there are any."""
    testing = np.array([split == "test" for split in photos.splits])
    learned, asked = np.flatnonzero(~testing), np.flatnonzero(testing & ~findings.leaked)
    new = transfer.replace_head(trained, photos.classes, seed)
    x, y, count, bias = features[learned], photos.labels[learned], len(photos.classes), has_bias(new)
    groups, alone = _divisible(findings.groups[learned], y)
    logits = transfer.cross_validate(x, y, count, groups, FOLDS, seed, bias)
    head = transfer.fit_head(x, y, count, None, groups, FOLDS, seed, bias)
    install(new, head)
    t = _temperature(logits, y)
    test_logits = head.logits(features[asked]) if len(asked) else np.empty((0, count))
    probabilities = softmax(np.concatenate([logits, test_logits]) / t)
    warnings = [
        f"all photos of {photos.classes[label]} are nearly the same, or one group by their names, so that it "
        "cannot be told how well others are recognized: the accuracy flatters; take photos in other places "
        "and light"
        for label in alone
    ]
    accuracy, counts = _accuracy(probabilities[: len(learned)], y), np.bincount(y, minlength=count)
    if accuracy.low <= counts.max() / len(y):
        common = photos.classes[int(counts.argmax())]
        warnings.append(
            f'it is not shown to be better than always saying "{common}": give more photos, or classes that '
            "differ more"
        )
    return Made(
        trained=dataclasses.replace(new, temperature=t),
        photos=photos,
        findings=dataclasses.replace(findings, warnings=(*findings.warnings, *warnings)),
        judged=np.concatenate([learned, asked]),
        probabilities=probabilities,
        accuracy=accuracy,
        tested=_accuracy(probabilities[len(learned) :], photos.labels[asked]) if len(asked) else None,
        backbone="",
        decay=head.decay,
        seconds=0.0,
    )


def _divisible(groups: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return groups of which each class has two or more, and the classes whose one group was taken apart."""
    groups, alone = groups.copy(), []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(np.unique(groups[members])) == 1:
            groups[members] = groups.max() + 1 + np.arange(len(members))
            alone.append(int(label))
    return groups, alone


def _temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature of the answers; 1 where all are right, or too many are wrong, to tell."""
    try:
        return explain.temperature(logits, labels)
    except ValueError:
        return 1.0


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> Accuracy:
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    return Accuracy(correct, len(labels), *explain.accuracy_interval(correct, len(labels)))


def _described(made: Made, seed: int) -> Trained:
    """Return the network with the record of how it was made."""
    photos = made.photos
    learned = photos.image_set(made.judged[: made.accuracy.total])
    result: dict[str, Any] = {"cross_validation": made.accuracy._asdict()}
    if made.tested is not None:
        result["test"] = made.tested._asdict()
    record = {
        "name": photos.name,
        "command": "cnncourse classify make",
        "dataset": {
            "name": photos.name,
            "train": made.accuracy.total,
            "test": 0 if made.tested is None else made.tested.total,
            "fingerprint": learned.fingerprint(),
            "class_counts": learned.class_counts(),
        },
        "backbone": made.backbone,
        "recipe": {"head": "linear", "decay": made.decay, "folds": FOLDS, "seed": seed},
        "result": result,
        "environment": {
            "cnncourse": cnncourse.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return dataclasses.replace(made.trained, record=record)
