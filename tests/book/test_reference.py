"""The pages of reference: every command is on the package's page, every source has an address."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from cnncourse.cli import build_parser

BOOK = Path(__file__).resolve().parent.parent.parent / "book"


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield each command that can be called, with the command before its actions."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield parser.prog
    for group in groups:
        for inner in group.choices.values():
            yield from commands(inner)


def test_the_reference_names_every_command() -> None:
    page = (BOOK / "reference/api.md").read_text(encoding="utf-8")
    named = re.findall(r"(?m)^\| `(cnncourse[a-z0-9 ]*[a-z0-9])", page)
    assert sorted(named) == sorted(commands(build_parser()))


def test_every_source_has_a_year_and_an_address() -> None:
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    entries = dict(re.findall(r"(?ms)^@\w+\{([^,\s]+),(.*?)^\}", text))
    assert len(entries) == text.count("\n@") + 1
    bare = {key for key, fields in entries.items() if not re.search(r"(?m)^\s*(doi|url)\s*=", fields)}
    undated = {key for key, fields in entries.items() if not re.search(r"\byear\s*=\s*\{?\d{4}\b", fields)}
    assert (bare, undated) == (set(), set())
