"""What a bench runs, and in which order: tutorials and recipes in turn, so that a slow minute hits both."""

import dataclasses
from collections.abc import Mapping, Sequence

from cnncourse._checks import check_choice, check_count
from cnncourse.bench.plain import TUTORIALS
from cnncourse.training.speed_recipe import SpeedRecipe

MODES = ("quick", "usual", "full")
BASE = "three_conv"  # the tutorial's network that everything is compared with
SEEDS = {"quick": {"74": 3, "80": 1, "90": 1}, "usual": {"74": 3, "80": 3, "90": 3, "94": 1, "96": 1}}
PIECES, PIECE, TASTE = 3, 1 / 20, 1 / 50  # of an epoch, if quick: of the base, and of the others once


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of a bench, the unit that is kept.

    Parameters
    ----------
    kind : {"plain", "fast", "published", "rate", "entry"}
        A tutorial's network, a recipe of ours, the published recipe, the machine's matrix products, or an
        entry to the contest.
    name : str
        The network, the level in percent, or the entry.
    seed : int
        Its seed; for pieces of an epoch, their number.
    share : float
        Of a tutorial: the share of the training images that one epoch goes through.
    epochs : int
        Of a tutorial: how many at most.
    until : float or None
        Of a tutorial: the test accuracy at which it ends.
    """

    kind: str
    name: str
    seed: int = 0
    share: float = 1.0
    epochs: int = 1
    until: float | None = None

    @property
    def key(self) -> str:
        """What the job is known by in a record."""
        return f"{self.kind} {self.name} {self.seed}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which levels are run, how often, and how much of the tutorials.

    Parameters
    ----------
    mode : {"quick", "usual", "full"}
        How much of the tutorials is run: pieces of an epoch; an epoch, and `three_conv` until it passes 74%;
        or `three_conv` to its end.
    recipes : mapping from str to SpeedRecipe
        The recipe of each level, by its percentage.
    seeds : sequence of int, optional
        Of every level; by default three of the short ones and one of the long ones.
    published : bool
        Whether the published recipe is run too.
    """

    mode: str
    recipes: Mapping[str, SpeedRecipe]
    seeds: Sequence[int] | None = None
    published: bool = False

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        for seed in self.seeds or ():
            check_count("seeds", seed, 0)
        if self.seeds is not None and len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, got {list(self.seeds)}")

    def seeds_of(self, level: str) -> Sequence[int]:
        """Return the seeds with which a level is run."""
        if self.seeds is not None:
            return self.seeds
        return range(SEEDS.get(self.mode, SEEDS["usual"]).get(level, 1))

    def jobs(self) -> list[Job]:
        """Return all jobs, in their order."""
        plain = self._plain_jobs()
        rounds = max([PIECES, *(len(self.seeds_of(level)) for level in self.recipes)])
        found = []
        for number in range(rounds):
            found += plain[number::rounds]
            for level in self.recipes:
                if number < len(seeds := self.seeds_of(level)):
                    found.append(Job("fast", level, seeds[number]))
                    if self.published and level == "94":
                        found.append(Job("published", level, seeds[number]))
            found.append(Job("rate", "products", number))
        return found

    def _plain_jobs(self) -> list[Job]:
        others = [name for name in TUTORIALS if name != BASE]
        if self.mode == "quick":
            pieces = [Job("plain", BASE, number, PIECE) for number in range(PIECES)]
            return pieces + [Job("plain", name, 0, TASTE) for name in others]
        until = None if self.mode == "full" else 0.74
        whole = Job("plain", BASE, 0, 1.0, TUTORIALS[BASE].epochs, until)
        return [whole, *(Job("plain", name) for name in others)]


def recipes_for(levels: Sequence[str] | None, mode: str, device: str) -> dict[str, SpeedRecipe]:
    """Return the recipes of the `levels`; by default those that the mode has time for.

    On CUDA 94% has a recipe of its own, and so has 96%.
    """
    gpu = device == "cuda"
    names = {"74": "cpu74", "80": "cpu80", "90": "cpu90", "94": "gpu94" if gpu else "cpu94"}
    names |= {"96": "gpu96"} if gpu else {}
    usual = [level for level in names if gpu or mode != "quick" or level in SEEDS["quick"]]
    chosen = [check_choice("levels", level, names) for level in (usual if levels is None else levels)]
    return {level: SpeedRecipe.load(names[level]) for level in names if level in chosen}
