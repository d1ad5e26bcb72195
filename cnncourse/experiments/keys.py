"""Tables that were read from TOML or JSON: which keys they hold, and of which kind."""

from collections.abc import Mapping
from typing import Any

from cnncourse._checks import suggest

_KINDS = {str: "a string", int: "a whole number", list: "a list", dict: "a table"}


def check_keys(
    what: str, values: dict[str, Any], needed: Mapping[str, type], optional: Mapping[str, type]
) -> None:
    """Raise unless `values` has the needed keys and no unknown ones, each of its kind.

    Examples
    --------
    >>> check_keys("run", {"model": "small_conv", "option": {}}, {"model": str}, {"options": dict})
    Traceback (most recent call last):
    ...
    ValueError: run key is unknown: 'option'. Did you mean 'options'? Known: model, options.
    """
    kinds = {**needed, **optional}
    for key, value in values.items():
        if key not in kinds:
            raise ValueError(f"{what} key is unknown: {key!r}. {suggest(key, kinds)}")
        if not isinstance(value, kinds[key]):
            raise TypeError(f"{key} must be {_KINDS[kinds[key]]}, got {value!r}")
    for key in needed:
        if key not in values:
            raise ValueError(f"{what} has no {key!r}; it needs {', '.join(needed)}")
