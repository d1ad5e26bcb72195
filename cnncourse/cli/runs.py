"""``cnncourse runs``: what was trained here."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``runs`` with its actions."""
