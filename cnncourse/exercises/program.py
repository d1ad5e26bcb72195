"""Programs with a bug in them, one of several: which one is planted comes from a seed."""

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Bug:
    """A line that was changed.

    Parameters
    ----------
    name : str
        In two or three words.
    right, wrong : str
        A piece of the program that is there once, and what stands in its place.
    message : str
        What is seen of it, to the learner; not where it is.
    hints : tuple of str
        From a nudge to nearly there.
    """

    name: str
    right: str
    wrong: str
    message: str
    hints: tuple[str, ...] = ()


class Later:
    """A module that is loaded when something of it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


@dataclass(frozen=True)
class Program:
    """A right program, and the bugs that may be planted in it.

    Parameters
    ----------
    name : str
        Of the function that it defines.
    source : str
        Its text.
    bugs : tuple of Bug
        Of which one is planted.
    """

    name: str
    source: str
    bugs: tuple[Bug, ...]

    def bug(self, seed: int) -> Bug:
        """Return the bug that a seed plants."""
        return self.bugs[int(drawing(self.name, seed).integers(len(self.bugs)))]

    def planted(self, bug: Bug) -> str:
        """Return the program's text with a bug in it.

        Raises
        ------
        ValueError
            If the piece to change isn't there exactly once.
        """
        if self.source.count(bug.right) != 1:
            raise ValueError(
                f"bug {bug.name!r}: the program {self.name} has to hold {bug.right!r} exactly once, "
                f"it does {self.source.count(bug.right)} times"
            )
        return self.source.replace(bug.right, bug.wrong)

    def function(self, bug: Bug | None = None) -> Callable[..., Any]:
        """Return the function that it defines, right or with a bug; it knows np, torch and F."""
        space: dict[str, Any] = {"np": np, "torch": Later("torch"), "F": Later("torch.nn.functional")}
        exec(self.source if bug is None else self.planted(bug), space)  # noqa: S102 (our own code)
        made: Callable[..., Any] = space[self.name]
        return made


def drawing(name: str, seed: int) -> np.random.Generator:
    """Return the generator of one exercise; exercises of one seed draw independently."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
