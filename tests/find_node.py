"""A Node for the tests of what runs in pages."""

import shutil
from importlib.util import find_spec
from pathlib import Path


def find_node() -> str | None:
    """Return a Node: the system's, or the one that playwright brings."""
    found = shutil.which("node")
    spec = find_spec("playwright")
    if found is None and spec is not None and spec.origin is not None:
        found = shutil.which("node", path=str(Path(spec.origin).parent / "driver"))
    return found
