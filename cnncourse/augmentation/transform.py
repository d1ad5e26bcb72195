"""What a transform is: numbers, and how they change a batch of images and labels."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from cnncourse._checks import check_number

Operation = Callable[[np.ndarray, np.ndarray], np.ndarray]  # images (N, C, H, W), numbers (N,) -> images


@dataclasses.dataclass(frozen=True)
class Transform:
    """A random change of images: a frozen dataclass whose fields are its numbers.

    Attributes
    ----------
    name : str
        Its name in a recipe.
    mixes : bool
        Whether images are mixed with each other, so that a label becomes a share in several classes.
    """

    name: ClassVar[str]
    mixes: ClassVar[bool] = False

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return changed images and their labels.

        Parameters
        ----------
        images : ndarray of shape (N, C, H, W)
            float32 on the scale 0 to 1; the array itself is left as it is.
        labels : ndarray of shape (N,) or (N, classes)
            Classes, or the share of each image in each class: always this where a transform `mixes`.
        random : Generator
            All that is drawn is drawn from it.
        """
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return name and numbers, as TOML and JSON can hold them."""
        numbers = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"name": self.name} | {
            key: list(value) if isinstance(value, tuple) else value for key, value in numbers.items()
        }


def apply_each(
    operations: Sequence[Operation], images: np.ndarray, chosen: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """Apply to each image the one of several operations that is chosen for it.

    Parameters
    ----------
    operations : sequence of callable
        Each takes some of the images and their numbers.
    images : ndarray of shape (N, C, H, W)
    chosen : ndarray of shape (N,)
        The operation's place in the sequence.
    numbers : ndarray of shape (N,)
        What the operation takes, such as an angle.

    Returns
    -------
    ndarray of shape (N, C, H, W)
    """
    changed = np.empty_like(images)
    for place, operation in enumerate(operations):
        mine = np.flatnonzero(chosen == place)
        if mine.size:
            changed[mine] = operation(images[mine], numbers[mine])
    return changed


def of_each(values: np.ndarray | float) -> np.ndarray:
    """Return one number for all images, or one for each, so that it multiplies (N, C, H, W)."""
    return np.asarray(values, dtype=np.float32).reshape(-1, 1, 1, 1)


def check_range(argument: str, value: Any, what: str, high: float = 1.0) -> tuple[float, float]:
    """Return `value` as a pair if it is the smallest and the largest number, above 0 and at most `high`."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"{argument} must be the smallest and the largest {what}, got {value!r}")
    for number in value:
        check_number(argument, number, 0, high, above=True, below=high == math.inf)
    if value[0] > value[1]:
        raise ValueError(f"{argument} must give the smaller {what} first, got {list(value)}")
    return value[0], value[1]
