"""One dialect for shapes: "x : array_like of shape (N, C, H, W)", "ndarray of shape (N, C)"."""

import re
from pathlib import Path

import pytest

import cnncourse

PACKAGE = Path(cnncourse.__file__).parent
ROOMS = (
    "images", "convolution", "pooling", "activations", "learning", "receptive_field", "explain", "transfer",
    "classify", "plots", "exercises", "assignments",
)  # fmt: skip
FILES = [PACKAGE / "normalization.py", *(file for room in ROOMS for file in (PACKAGE / room).glob("*.py"))]
OTHER = (
    r"(ndarray|array_like)( of [A-Za-z0-9 ]+)?, (\(|shape|any shape|same shape|of the shape)",
    r"^\s+(\w+(, \w+)* : )?arrays?( of |,)(?!.*\.$)",  # neither ndarray nor array_like
)


@pytest.mark.parametrize(
    "line",
    [
        "x : array_like, (N, C)",
        "ndarray of Axes, shape (2,)",
        "x : array, any shape",
        "arrays of int, shape (C,)",
    ],
)
def test_other_dialects_are_seen(line):
    assert any(re.search(pattern, f"    {line}") for pattern in OTHER)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_shapes_are_written_in_one_way(file):
    docstrings = re.findall(r'"""(?:.|\n)*?"""', file.read_text(encoding="utf-8"))
    lines = [line for text in docstrings for line in text.splitlines()]
    assert [line for line in lines if any(re.search(pattern, line) for pattern in OTHER)] == []
