"""Recipes by name, of either kind: for any network by the engine, or for a speedrun.

A recipe for a speedrun says ``network = "speednet"``.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnncourse.training.recipe import Recipe
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.toml_values import SUFFIX, find_recipe, recipe_folder

AnyRecipe = Recipe | SpeedRecipe


def preset_names() -> list[str]:
    """Return the names of the speedruns' recipes that come with the package.

    Examples
    --------
    >>> preset_names()
    ['cifar100', 'cpu74', 'cpu80', 'cpu90', 'cpu94', 'gpu94', 'gpu96']
    """
    paths = sorted(recipe_folder().glob(f"*{SUFFIX}"))
    return [path.stem for path in paths if _kind_of(path) is SpeedRecipe]


def load_recipe(name_or_path: str | Path) -> AnyRecipe:
    """Return the package's recipe of that name, or that in a TOML file, of the kind that it says it is.

    Examples
    --------
    >>> type(load_recipe("cpu94")).__name__, type(load_recipe("three_conv")).__name__
    ('SpeedRecipe', 'Recipe')
    """
    return _kind_of(find_recipe(name_or_path)).load(name_or_path)


def recipe_from_dict(values: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe that `values` describe, as they stand in a record; what is missing is the default.

    Examples
    --------
    >>> recipe_from_dict({"network": "speednet", "epochs": 2}).epochs
    2.0
    """
    return kind_of(values).from_dict(dict(values))


def kind_of(values: Mapping[str, Any]) -> type[Recipe] | type[SpeedRecipe]:
    """Return the kind of recipe that `values` describe."""
    return SpeedRecipe if values.get("network") == SpeedRecipe.network else Recipe


def _kind_of(path: Path) -> type[Recipe] | type[SpeedRecipe]:
    """Return the kind of recipe in a file; of one that cannot be read, any: reading it tells why."""
    try:
        return kind_of(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError):
        return Recipe
