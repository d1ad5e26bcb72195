"""The chapters that take longest, first: so both processes that execute them are busy to the end."""

from collections.abc import Iterable
from pathlib import Path

BYTES_A_SECOND = 2000  # of a chapter that is not measured yet; too long a guess costs nothing
SECONDS = {  # of one core, with the imports; only their order matters
    "why-cnns": 73,
    "cifar10": 63,
    "claims": 27,
    "googlenet": 16,
    "resnet": 40,
    "pooling": 36,
    "training": 33,
    "receptive-field": 30,
    "alexnet": 24,
    "activations": 14,
    "vgg": 20,
    "lenet": 20,
    "augmentation": 20,
    "other-tasks": 30,
    "transfer-learning": 20,
    "your-images": 15,
    "learning": 15,
    "convolution": 12,
    "images": 10,
    "modern": 8,
    "fast-convolution": 6,
    "results": 3,
    "setup": 3,
    "notation": 1,
}


def seconds(path: Path) -> float:
    """Return about how long a chapter, or the notebook beside it, takes to execute."""
    source = path.with_suffix(".md")
    return SECONDS.get(path.stem) or source.stat().st_size / BYTES_A_SECOND


def longest_first(paths: Iterable[Path]) -> list[Path]:
    """Return the chapters, or notebooks, in the order in which to start them."""
    return sorted(paths, key=seconds, reverse=True)
