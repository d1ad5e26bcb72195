"""The words of figures: where they stand, in a font that is narrower than the one they were measured in."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from tools.sphinx_ext.figure_geometry import NUMBER

PAINT = (
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linejoin", "stroke-linecap",
    "font-size", "font-weight", "font-style", "text-anchor",
)  # fmt: skip


@dataclass(frozen=True)
class Anchored:
    """Where a line of text stands, which of its points stands there, and how it is turned."""

    x: float
    y: float
    angle: float
    anchor: str
    middle: tuple[float, float]


def style_of(element: ET.Element) -> dict[str, str]:
    """Return what an element's style and attributes say of its paint."""
    parts = (part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    found = {name.strip(): value.strip() for name, value in parts}
    return {**{name: element.attrib[name] for name in PAINT if name in element.attrib}, **found}


@cache
def font(bold: bool, size: float) -> ImageFont.FreeTypeFont:
    """Return the font with which Matplotlib measures what it writes."""
    spec = find_spec("matplotlib")
    assert spec is not None and spec.origin is not None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name), size)


def width_of(text: str, style: dict[str, str]) -> float:
    """Return the width that Matplotlib gave a line of text, in points."""
    bold = style.get("font-weight", "400") in ("600", "700", "bold")
    return font(bold, 100).getlength(text) * size_of(style) / 100


def size_of(style: dict[str, str]) -> float:
    """Return the size of a text's letters, in points."""
    return float(style.get("font-size", "10").removesuffix("px"))


def anchor_lines(lines: list[ET.Element]) -> list[Anchored]:
    """Find where lines of one text belong: the page's font is narrower, and centered lines stay centered."""
    found = []
    for line in lines:
        transform, style = line.get("transform", ""), style_of(line)
        turn = re.search(r"rotate\(([^)]*)\)", transform)
        angle = float(NUMBER.findall(turn.group(1))[0]) if turn else 0.0
        move = re.search(r"translate\(([^)]*)\)", transform)
        if move:
            x, y = (float(number) for number in NUMBER.findall(move.group(1)))
        else:
            x, y = float(line.get("x", 0)), float(line.get("y", 0))
        found.append((x, y, angle, style.get("text-anchor", ""), width_of(line.text or "", style)))
    anchor = ""
    if not found[0][3]:
        anchor = shared_anchor([(x, y, angle, width) for x, y, angle, _, width in found])
    result = []
    for x, y, angle, own, width in found:
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        begin = {"middle": width / 2, "end": width}.get(own, 0.0)  # of what stands before the anchor
        ahead = 0.0 if own else {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        there = (x + ahead * cos, y + ahead * sin)
        middle = (x + (width / 2 - begin) * cos, y + (width / 2 - begin) * sin)
        result.append(Anchored(*there, angle, own or anchor, middle))
    return result


def shared_anchor(lines: list[tuple[float, float, float, float]]) -> str:
    """Tell whether lines (x, y, angle, width) share their starts, middles or ends."""
    if len(lines) == 1:
        return "middle"  # a turned text, such as the name of an axis
    spreads = {}
    for kind, share in (("start", 0.0), ("middle", 0.5), ("end", 1.0)):
        places = [
            x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle)) + share * width
            for x, y, angle, width in lines
        ]
        spreads[kind] = max(places) - min(places)
    return "start" if spreads["start"] < 0.05 else min(spreads, key=lambda kind: spreads[kind])


def span_kind(span: ET.Element) -> tuple[float, bool, float]:
    """Return the size of a part of a formula, whether it is slanted, and how far it is lowered."""
    style = style_of(span)
    slanted = style.get("font-style", "normal") != "normal"
    return size_of(style), slanted, float(span.get("y", 0))
