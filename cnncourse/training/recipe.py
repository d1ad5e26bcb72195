"""Recipe: everything that decides how a network is trained, in one frozen object that TOML can hold."""

import dataclasses
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from cnncourse._checks import check_choice, check_count, suggest

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "linear", "cosine")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train: epochs, batches, optimizer, learning rate, augmentation and seed.

    Two trainings with the same recipe, data, network and machine give the same numbers.

    Parameters
    ----------
    epochs : int
        How often the training set is seen.
    batch_size : int
        Images per step.
    optimizer : {"adam", "adamw", "sgd"}
        The rule that turns gradients into steps.
    learning_rate : float
        The largest learning rate; `schedule` says how it changes.
    momentum : float
        From 0 to below 1; only for ``"sgd"``.
    weight_decay : float
        Decay of the weights, in torch's units for the optimizer.
    schedule : {"constant", "linear", "cosine"}
        How the learning rate falls to zero after the warm-up, or that it stays.
    warmup : float
        The share of all steps, from 0 to 1, over which the learning rate first rises from zero.
    crop : int
        Each training image is moved by up to so many pixels in each direction, zeros coming in.
    flip : bool
        Whether every other training image, drawn at random, is mirrored left to right.
    mean, std : tuple of float
        Pixels on the scale 0 to 1 become ``(pixel - mean) / std``: one number, or one for each channel.
        The default maps them to -1 to 1.
    seed : int
        Decides the order of the images, crops, flips and dropout (and the initial weights, where
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
    ValueError: optimizer is unknown: 'adma'. Did you mean 'adam'? Known: sgd, adam, adamw.
    """

    epochs: int = 5
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    crop: int = 0
    flip: bool = False
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        check_count("crop", self.crop, minimum=0)
        check_count("seed", self.seed, minimum=0)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        _check_number("learning_rate", self.learning_rate, 0, math.inf, above=True)
        _check_number("momentum", self.momentum, 0, 1)
        _check_number("weight_decay", self.weight_decay, 0, math.inf)
        _check_number("warmup", self.warmup, 0, 1)
        if self.momentum and self.optimizer != "sgd":
            raise ValueError(
                f"momentum {self.momentum} has no effect with optimizer {self.optimizer!r}; "
                "leave it out or choose optimizer 'sgd'"
            )
        if not isinstance(self.flip, bool):
            raise TypeError(f"flip must be true or false, got {self.flip!r}")
        for name in ("mean", "std"):
            value = getattr(self, name)
            values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
            if not values:
                raise ValueError(f"{name} must hold one number, or one for each channel, got none")
            for number in values:
                _check_number(name, number, 0, math.inf, above=name == "std")
            object.__setattr__(self, name, values)

    def replace(self, **changes: Any) -> "Recipe":
        """Return a recipe with some values changed, checked like a new one.

        Examples
        --------
        >>> Recipe().replace(epochs=1).epochs
        1
        """
        return Recipe.from_dict(self.to_dict() | changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as TOML and JSON can hold them.

        Examples
        --------
        >>> Recipe().to_dict()["mean"]
        [0.5]
        """
        return dataclasses.asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """Return the recipe that `values` describe; what is missing takes its default.

        Raises
        ------
        ValueError
            If a key is unknown.

        Examples
        --------
        >>> Recipe.from_dict({"epoch": 3})
        Traceback (most recent call last):
        ...
        ValueError: recipe key is unknown: 'epoch'. Did you mean 'epochs'? Known: epochs, batch_size, ...
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"recipe key is unknown: {key!r}. {suggest(key, known)}")
        return cls(**values)

    def to_toml(self) -> str:
        """Return the recipe as TOML, one line a key.

        Examples
        --------
        >>> print(Recipe().to_toml().splitlines()[0])
        epochs = 5
        """
        return "".join(f"{key} = {_toml(value)}\n" for key, value in self.to_dict().items())

    @classmethod
    def from_toml(cls, text: str) -> "Recipe":
        """Return the recipe written in `text`.

        Examples
        --------
        >>> Recipe.from_toml(Recipe(epochs=7).to_toml()).epochs
        7
        """
        return cls.from_dict(tomllib.loads(text))

    @classmethod
    def load(cls, path: str | Path) -> "Recipe":
        """Return the recipe in the TOML file `path`; messages name the file."""
        try:
            return cls.from_toml(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no recipe file {str(path)!r}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise ValueError(f"recipe {str(path)!r}: {error}") from None

    @classmethod
    def for_model(cls, name: str) -> "Recipe":
        """Return the recipe that the course uses for the network `name`, or the default recipe.

        Examples
        --------
        >>> Recipe.for_model("three_conv").epochs
        5
        """
        file = resources.files("cnncourse.training") / "recipes" / f"{name}.toml"
        return cls.from_toml(file.read_text(encoding="utf-8")) if file.is_file() else cls()


def _check_number(name: str, value: Any, low: float, high: float, above: bool = False) -> None:
    """Raise unless `value` is a number from `low` to below `high` (not `low` itself, if `above`)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (low < value if above else low <= value) or not value < high:
        rule = f"above {low:g}" if above else f"at least {low:g}"
        rule += "" if high == math.inf else f" and below {high:g}"
        raise ValueError(f"{name} must be {rule}, got {value!r}")


def _toml(value: Any) -> str:
    """Return a number, string, bool or list of numbers as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'  # the checked strings hold no quotes
    return repr(value)
