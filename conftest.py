"""What all tests share: one thread each, so that they do not wait for each other; no figures left open."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Read by torch when it is first imported, and inherited by the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("CNNCOURSE_PROGRESS", "0")

# The same examples each time, however busy the machine; `--hypothesis-profile=new` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test or an example has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
