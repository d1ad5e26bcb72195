"""Recipe: everything that decides how a network is trained, in one frozen object that TOML can hold."""

import dataclasses
import math
from typing import Any, ClassVar

from cnncourse._checks import check_bool, check_choice, check_count, check_number
from cnncourse.augmentation import Transform, read_transform
from cnncourse.training.toml_values import TomlValues, recipe_folder

OPTIMIZERS = ("sgd", "adam", "adamw", "muon")
SCHEDULES = ("constant", "linear", "cosine", "step", "one_cycle")
DTYPES = ("float32", "bfloat16", "float16", "auto")
_LARGEST = 3.4e38  # of float32, in which weights are kept


@dataclasses.dataclass(frozen=True)
class Recipe(TomlValues):
    """How to train: epochs, batches, optimizer, learning rate, augmentation and seed.

    Two trainings with the same recipe, data, network and machine give the same numbers.

    Parameters
    ----------
    epochs : int
        How often the training set is seen.
    batch_size : int
        Images per step.
    optimizer : {"adam", "adamw", "muon", "sgd"}
        The rule that turns gradients into steps; ``"muon"`` is for filters and matrices, and leaves biases,
        scales and the last layer to AdamW.
    learning_rate : float
        The largest learning rate; `schedule` says how it changes.
    momentum : float
        From 0 to below 1; only for ``"sgd"`` and ``"muon"``.
    nesterov : bool
        Whether the step looks ahead along the momentum.
    weight_decay : float
        Decay of the weights, in torch's units for the optimizer.
    schedule : {"constant", "linear", "cosine", "step", "one_cycle"}
        How the learning rate changes after the warm-up: not at all, to zero along a line or half a cosine,
        to a tenth at each of the `milestones`, or up for three tenths of the steps and then down.
    milestones : tuple of float
        The shares of all steps, rising between 0 and 1, after which ``"step"`` divides the rate by ten.
    warmup : float
        The share of all steps, from 0 to 1, over which the learning rate first rises from zero.
    label_smoothing : float
        The share of each target, from 0 to below 1, that is spread evenly over all classes.
    averaging : float
        From 0 (none) to below 1: after each step the averaged weights keep this share of themselves and
        take the rest from the new weights. The averaged ones are evaluated and saved.
    crop : int
        Each training image is moved by up to so many pixels in each direction, zeros coming in.
    flip : bool
        Whether every other training image, drawn at random, is mirrored left to right.
    augment : tuple of Transform
        Further transforms of the training images, in their order, after crop and flip: from
        `cnncourse.augmentation`, or tables such as ``{"name": "mixup", "alpha": 0.2}``.
    mean, std : tuple of float
        Pixels on the scale 0 to 1 become ``(pixel - mean) / std``: one number, or one for each channel.
        The default maps them to -1 to 1.
    dtype : {"float32", "bfloat16", "float16", "auto"}
        The number format of convolutions and matrix products; weights stay float32. ``"auto"`` times a step
        in float32, in bfloat16 and, on CUDA, in float16, and takes the fastest.
    channels_last : bool
        Whether images and filters lie in memory with their channels innermost.
    seed : int
        Decides the order of the images, augmentation and dropout (and the initial weights, where
        the command line makes them).

    Raises
    ------
    TypeError, ValueError
        If a value is of the wrong kind, out of range, or has no effect beside another.

    Examples
    --------
    >>> Recipe(epochs=2, optimizer="sgd", learning_rate=0.1, momentum=0.9).batch_size
    128
    >>> Recipe(optimizer="adma")
    Traceback (most recent call last):
    ...
    ValueError: optimizer is unknown: 'adma'. Did you mean 'adam'? Known: sgd, adam, adamw, muon.
    """

    views: ClassVar[int] = 2  # of a test image, if training images are mirrored
    epochs: int = 5
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    milestones: tuple[float, ...] = ()
    warmup: float = 0.0
    label_smoothing: float = 0.0
    averaging: float = 0.0
    crop: int = 0
    flip: bool = False
    augment: tuple[Transform, ...] = ()
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    dtype: str = "float32"
    channels_last: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        check_count("crop", self.crop, minimum=0)
        check_number("seed", check_count("seed", self.seed, minimum=0), 0, 2**63)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("dtype", self.dtype, DTYPES)
        check_number("learning_rate", self.learning_rate, 0, _LARGEST, above=True)
        check_number("weight_decay", self.weight_decay, 0, _LARGEST)
        for name in ("momentum", "warmup", "label_smoothing", "averaging"):
            check_number(name, getattr(self, name), 0, 1)
        for name in ("flip", "nesterov", "channels_last"):
            check_bool(name, getattr(self, name))
        for name in ("mean", "std"):
            self._check_numbers(name, 0, math.inf, above=name == "std")
            if not getattr(self, name):
                raise ValueError(f"{name} must hold one number, or one for each channel, got none")
        self._check_numbers("milestones", 0, 1, above=True)
        self._read_augment()
        self._check_together()

    def _check_numbers(self, name: str, low: float, high: float, above: bool) -> None:
        """Make a tuple of a list or a single number, and check each."""
        value = getattr(self, name)
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        for number in values:
            check_number(name, number, low, high, above)
        object.__setattr__(self, name, values)

    def _read_augment(self) -> None:
        """Make transforms of what is a table in TOML."""
        given = self.augment
        if not isinstance(given, (list, tuple)):
            raise TypeError(f'augment must be a list of tables such as {{name = "mixup"}}, got {given!r}')
        object.__setattr__(self, "augment", tuple(map(read_transform, given)))

    def _check_together(self) -> None:
        """Raise if two keys exclude each other."""
        if self.momentum and self.optimizer not in ("sgd", "muon"):
            raise ValueError(
                f"momentum {self.momentum} has no effect with optimizer {self.optimizer!r}; "
                "leave it out or choose optimizer 'sgd'"
            )
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; give one or leave nesterov out")
        if self.milestones and self.schedule != "step":
            raise ValueError(
                f"milestones have no effect with schedule {self.schedule!r}; "
                "leave them out or choose schedule 'step'"
            )
        if self.schedule == "step" and not self.milestones:
            raise ValueError("schedule 'step' needs milestones, such as [0.5, 0.75]")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones must rise, got {list(self.milestones)}")
        if self.warmup and self.schedule == "one_cycle":
            raise ValueError("schedule 'one_cycle' has its own warm-up; leave warmup out")

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as TOML and JSON can hold them; `augment` only if there is any.

        Examples
        --------
        >>> Recipe().to_dict()["mean"]
        [0.5]
        """
        values = super().to_dict()
        values["augment"] = [transform.to_dict() for transform in self.augment]
        if not self.augment:  # so that what was written before there was this key is still equal
            del values["augment"]
        return values

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the values of a recipe of which nothing is given."""
        return cls().to_dict()

    @classmethod
    def for_model(cls, name: str) -> "Recipe":
        """Return the recipe that the course uses for the network `name`, or the default recipe.

        Examples
        --------
        >>> Recipe.for_model("three_conv").epochs
        5
        """
        return cls.load(name) if (recipe_folder() / f"{name}.toml").is_file() else cls()
