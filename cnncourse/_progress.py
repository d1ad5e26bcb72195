"""Whether a progress bar would be seen."""

import os
import sys


def wants_progress() -> bool:
    """Return whether to show progress: in a terminal or a notebook, unless CNNCOURSE_PROGRESS is 0.

    With CNNCOURSE_PROGRESS=1 it is shown everywhere.
    """
    setting = os.environ.get("CNNCOURSE_PROGRESS", "")
    return setting != "0" and (setting == "1" or sys.stderr.isatty() or _in_notebook())


def _in_notebook() -> bool:
    """Return whether a notebook's kernel runs this (importing ipykernel alone is no notebook)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
