"""TomlValues: a frozen dataclass that TOML can hold, read with checks and written line by line."""

import dataclasses
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Self

from cnncourse._checks import check_choice, suggest

SUFFIX = ".toml"


class TomlValues:
    """What every kind of recipe can do, as the base of a frozen dataclass.

    Attributes
    ----------
    network : str
        The one network that recipes of this kind train, which their files name; "" if they train any.
    """

    network: ClassVar[str] = ""

    def replace(self, **changes: Any) -> Self:
        """Return a recipe with some values changed, checked like a new one.

        Examples
        --------
        >>> from cnncourse.training import Recipe
        >>> Recipe().replace(epochs=1).epochs
        1
        """
        return self.from_dict(self.to_dict() | changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as TOML and JSON can hold them."""
        named = {"network": self.network} if self.network else {}
        values = {field.name: getattr(self, field.name) for field in _fields(type(self))}
        return named | {key: _plain(value) for key, value in values.items()}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the values of the keys that need not be given: what a record without them meant."""
        known = {field.name: field.default for field in _fields(cls)}
        return {key: _plain(value) for key, value in known.items() if value is not dataclasses.MISSING}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the recipe that `values` describe; what is missing takes its default.

        Raises
        ------
        ValueError
            If a key is unknown or missing, or the values are those of another kind of recipe.

        Examples
        --------
        >>> from cnncourse.training import Recipe
        >>> Recipe.from_dict({"epoch": 3})
        Traceback (most recent call last):
        ...
        ValueError: recipe key is unknown: 'epoch'. Did you mean 'epochs'? Known: epochs, batch_size, ...
        """
        cls._check_network(values.get("network", cls.network))
        known = [field.name for field in _fields(cls)]
        values = {key: value for key, value in values.items() if not (cls.network and key == "network")}
        for key in values:
            if key not in known:
                raise ValueError(f"recipe key is unknown: {key!r}. {suggest(key, known)}")
        for field in _fields(cls):
            if field.default is dataclasses.MISSING and field.name not in values:
                raise ValueError(f"recipe has no {field.name!r}; it must be given")
        return cls(**values)

    def to_toml(self) -> str:
        """Return the recipe as TOML, one line a key.

        Examples
        --------
        >>> from cnncourse.training import Recipe
        >>> print(Recipe().to_toml().splitlines()[0])
        epochs = 5
        """
        return "".join(f"{key} = {_toml(value)}\n" for key, value in self.to_dict().items())

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Return the recipe written in `text`.

        Examples
        --------
        >>> from cnncourse.training import Recipe
        >>> Recipe.from_toml(Recipe(epochs=7).to_toml()).epochs
        7
        """
        text = text.removeprefix("\ufeff")  # the byte-order mark that some editors write
        values = tomllib.loads(text)
        cls._check_network(values.get("network", ""))
        return cls.from_dict(values)

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Return the package's recipe of that name, or that in a TOML file; messages name the file."""
        path = find_recipe(name_or_path)
        try:
            return cls.from_toml(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no recipe file {str(path)!r}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise ValueError(f"recipe {str(name_or_path)!r}: {error}") from None

    @classmethod
    def _check_network(cls, found: Any) -> None:
        """Raise unless a recipe of this kind may name the network `found`."""
        if found == cls.network:
            return
        if cls.network:
            told = f"for {found!r}" if found else "without a network"
            raise ValueError(
                f'this is a recipe {told}, and not one that begins with network = "{cls.network}"; '
                "to train a network by it: cnncourse train NETWORK --recipe FILE"
            )
        raise ValueError(
            f"this recipe names a network, {found!r}: one for any network has no such key, and one for a "
            'speedrun (network = "speednet") is given alone: cnncourse train --recipe FILE'
        )


def find_recipe(name_or_path: str | Path) -> Path:
    """Return the file of a recipe: one of the package's by its name, or a path as it is.

    Raises
    ------
    ValueError
        If it is neither the name of a recipe nor that of a file.
    """
    folder = recipe_folder()
    if isinstance(name_or_path, Path) or Path(name_or_path).suffix or Path(name_or_path).name != name_or_path:
        return Path(name_or_path)
    own = folder / f"{name_or_path}{SUFFIX}"
    if not own.is_file() and Path(name_or_path).is_file():
        return Path(name_or_path)
    check_choice("recipe", name_or_path, sorted(path.stem for path in folder.glob(f"*{SUFFIX}")))
    return own


def recipe_folder() -> Path:
    """Return the folder of the recipes that come with the package."""
    return Path(str(resources.files("cnncourse.training"))) / "recipes"


def _fields(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def _plain(value: Any) -> Any:
    """Return a value with lists in place of tuples."""
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _toml(value: Any) -> str:
    """Return a number, string, bool, a list or a table of such as TOML writes it, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'  # the checked strings hold no quotes
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return repr(value)
