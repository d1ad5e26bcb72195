"""What a transform is: numbers, and how they change a batch of images and labels."""

import dataclasses
from typing import Any, ClassVar

import numpy as np


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
