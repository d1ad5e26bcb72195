"""A plugin for pytest that lets nbval run the notebooks as they were written.

It is named by `-p tools.notebooks.nbval_plugin`. The kernels get the environment of `tools.notebooks.run`.
Pictures are not compared, and glued floats are compared by value: they are stored with ten digits,
and their last digits differ from machine to machine.
"""

import math
import os
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

from tools.notebooks.run import ENVIRONMENT, RECORD, glued

KIND = f"{RECORD}text/plain"
compare = IPyNbCell.compare_outputs


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment of the kernels, and our way of comparing."""
    os.environ.update(ENVIRONMENT)
    IPyNbCell.compare_outputs = compare_outputs


def compare_outputs(self: IPyNbCell, test: list[Any], ref: list[Any], skip_compare: Any = None) -> bool:
    """Compare as nbval does, after glued values that are nearly equal were made equal."""
    stored = {glued(output): output["data"][KIND] for output in ref if glued(output)}
    for output in test:
        name = glued(output)
        if name in stored and nearly_equal(output["data"][KIND], stored[name]):
            output["data"][KIND] = stored[name]
    return bool(compare(self, test, ref, skip_compare or (*self.parent.skip_compare, "image/svg+xml")))


def nearly_equal(new: str, stored: str) -> bool:
    """Tell whether two glued values are the same text, or floats within a thousandth.

    Examples
    --------
    >>> nearly_equal("0.73210001", "0.7321"), nearly_equal("0.74", "0.7321"), nearly_equal("1792", "1793")
    (True, False, False)
    """
    if new == stored:
        return True
    if new.lstrip("-").isdigit() or stored.lstrip("-").isdigit():
        return False
    try:
        return math.isclose(float(new), float(stored), rel_tol=1e-3, abs_tol=1e-9)
    except ValueError:
        return False
