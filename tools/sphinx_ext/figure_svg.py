"""A figure as Matplotlib writes it, made part of a page: small, in the page's font, in the theme's colors.

Each color becomes ``var(--f0072b2,#0072b2)``: as it was drawn on a light page, on paper and wherever nothing
else is said; a dark page says what the variable is. What lies on an image keeps its color: images do too.
"""

import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from PIL import Image

from tools.sphinx_ext.figure_colors import GROUND, in_the_dark, words_in_the_dark
from tools.sphinx_ext.figure_geometry import (
    NUMBER,
    Box,
    box_of,
    holds,
    matrix_of,
    path_points,
    short,
    shorter_path,
    within,
)
from tools.sphinx_ext.figure_words import (
    PAINT,
    Anchored,
    anchor_lines,
    size_of,
    span_kind,
    style_of,
    width_of,
)

PIXELS_PER_POINT = 110 / 72  # of the page; a figure of 6.4 inches fills the column
TEXT_SCALE = 1.06  # the page's font is narrower than the one that Matplotlib measured, and its letters lower
AS_DRAWN = "as-drawn"  # the id of what keeps its colors (cnncourse.plots)
MOST_INSIDE = 3000  # characters of an image that stands in the page itself
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
SaveImage = Callable[[bytes], str]


@dataclass(frozen=True)
class Drawn:
    """A figure's markup, and the colors that it asks a dark page for."""

    markup: str
    dark: dict[str, str]


@dataclass(frozen=True)
class Ground:
    """What was filled so far: its place, and its color on a dark page; none for an image, which stays."""

    box: Box
    color: str | None


@dataclass(frozen=True)
class Leaf:
    """One thing that is drawn: how it is painted, which may be said once for several, and the rest."""

    paint: str
    clip: str
    tag: str
    rest: str

    def written(self, paint: str) -> str:
        """Return the element, with its paint or without it."""
        return f"<{self.tag}{paint}{self.rest}"


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def attributes(values: dict[str, str]) -> str:
    """Write attributes."""
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


@dataclass
class Writer:
    """Goes through a figure in the order in which it was drawn, and writes it anew."""

    prefix: str
    save: SaveImage
    dark: dict[str, str] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    grounds: list[Ground] = field(default_factory=list)
    known: dict[str, ET.Element] = field(default_factory=dict)
    rooms: dict[str, Box] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    anchored: dict[ET.Element, Anchored] = field(default_factory=dict)

    def read(self, root: ET.Element) -> None:
        """Note what has an id, the boxes to which things are cut, and where lines of text belong."""
        for element in root.iter():
            if element.get("id"):
                self.known[element.get("id", "")] = element
            if local(element) == "clipPath" and len(element) and local(element[0]) == "rect":
                x, y, width, height = (
                    float(element[0].get(name, 0)) for name in ("x", "y", "width", "height")
                )
                self.rooms[element.get("id", "")] = (x, y, x + width, y + height)
            if local(element) == "g" and element.get("id", "").startswith("text_"):
                lines = [line for line in element.iter(f"{SVG}text") if not len(line)]
                if lines:
                    self.anchored.update(zip(lines, anchor_lines(lines), strict=True))

    # Colors

    def color(self, kind: str, color: str, dark: str) -> str:
        """Return a color that a dark page may change."""
        if dark == color:
            return color
        name = f"--{kind}{color[1:]}"
        self.dark[name] = dark
        return f"var({name},{color})"

    def paint_shape(
        self, style: dict[str, str], middle: tuple[float, float], box: Box | None, as_drawn: bool = False
    ) -> bool:
        """Choose the colors of a shape, in place; tell whether it keeps them."""
        kept = as_drawn or self.lies_on_an_image(middle, box)
        for name in ("fill", "stroke"):
            color = style.get(name, "#000000" if name == "fill" else "none")
            if color.startswith("url("):
                style[name] = f"url(#{self.ask(color[5:-1])})"
            elif color.startswith("#"):
                style[name] = color if kept else self.color("f", color, in_the_dark(color))
            else:
                style[name] = color
        if style["stroke"] == "none":
            for name in [name for name in style if name.startswith("stroke")]:
                del style[name]
        return kept

    def lies_on_an_image(self, middle: tuple[float, float], box: Box | None) -> bool:
        """Tell whether something lies on an image, or on a thing that does."""
        ground = self.ground_at(*middle, margin=0.8)
        return (
            ground is not None
            and ground.color is None
            and (box is None or within(box, ground.box, slack=4.0))
        )

    def ground_at(self, x: float, y: float, margin: float = 0.0) -> Ground | None:
        """Return what was filled last at a place."""
        return next((one for one in reversed(self.grounds) if holds(one.box, x, y, margin)), None)

    def words_color(self, color: str, middle: tuple[float, float]) -> str:
        """Return the color of words whose middle is somewhere."""
        ground = self.ground_at(*middle)
        if ground is None or ground.color == GROUND:
            return self.color("t", color, in_the_dark(color, words=True))
        if ground.color is None:
            return color
        dark = words_in_the_dark(color, ground.color)
        return self.color(f"t{ground.color[1:]}-", color, dark)

    def ask(self, name: str) -> str:
        """Return the name on the page of something that is used again."""
        return self.asked.setdefault(name, f"{self.prefix}{len(self.asked)}")

    # What is drawn

    def walk(self, element: ET.Element, clip: str = "", around: dict[str, str] | None = None) -> None:
        """Write an element and what is in it."""
        name = local(element)
        own = re.search(r"url\(#([^)]*)\)", element.get("clip-path", ""))
        clip = own.group(1) if own else clip
        if name in ("svg", "g", "a"):
            self.walk_group(element, clip, around or {})
        elif name == "path":
            self.write_path(element, clip, around or {})
        elif name == "use":
            self.write_use(element, clip)
        elif name == "image":
            self.write_image(element, clip)
        elif name == "text":
            self.write_text(element, clip)
        elif name not in ("defs", "metadata", "title"):
            raise ValueError(f"a figure holds an element of an unknown kind: {name}")

    def walk_group(self, element: ET.Element, clip: str, around: dict[str, str]) -> None:
        """Write a group: formulas and letters that are shapes as one thing, the rest each for itself."""
        if element.get("transform"):
            if any(local(child) == "text" for child in element):
                self.write_formula(element, clip)
            else:
                self.write_letters(element, clip)
            return
        around = {**around, **style_of(element)}
        children = list(element)
        identity = element.get("id", "")
        if identity == AS_DRAWN:
            around["color"] = AS_DRAWN
        if identity.startswith(("figure_", "axes_")) and children and is_white_card(children[0]):
            children = children[1:]  # the page is the ground
        for child in children:
            self.walk(child, clip, around)

    def leaf(self, tag: str, style: dict[str, str], rest: dict[str, str], clip: str, box: Box | None,
             inside: str = "") -> None:  # fmt: skip
        """Write one thing."""
        if clip and box is not None and clip in self.rooms and within(box, self.rooms[clip], slack=0.6):
            clip = ""
        if "opacity" in style:
            rest = {"opacity": style["opacity"], **rest}
        if style.get("stroke-dashoffset") in ("0", "-0"):
            del style["stroke-dashoffset"]
        for name in ("stroke-width", "stroke-dasharray", "stroke-dashoffset"):
            if name in style:
                style[name] = " ".join(short(float(number)) for number in NUMBER.findall(style[name]))
        paint = attributes({name: style[name] for name in PAINT if name in style})
        end = f">{inside}</{tag}>" if inside else "/>"
        clip = f"url(#{self.ask(clip)})" if clip else ""
        self.leaves.append(Leaf(paint, clip, tag, f"{attributes(rest)}{end}"))

    def write_path(self, element: ET.Element, clip: str, around: dict[str, str]) -> None:
        """Write a line or a filled shape."""
        d, style = element.get("d", ""), {**around, **style_of(element)}
        if not d.strip():
            return
        points = path_points(d)
        box = box_of(points)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        fill = style.get("fill", "#000000")
        as_drawn = style.pop("color", "") == AS_DRAWN
        kept = self.paint_shape(style, middle, box, as_drawn)
        solid = float(style.get("fill-opacity", style.get("opacity", "1"))) > 0.6
        if fill.startswith("url(") and solid:
            fill = self.hatched(fill[5:-1])
        if fill.startswith("#") and solid and (as_drawn or len(points) <= 40):
            self.grounds.append(Ground(box, None if kept else in_the_dark(fill)))
        self.leaf("path", style, {"d": shorter_path(d)}, clip, wider(box, style))

    def hatched(self, name: str) -> str:
        """Return the color between the strokes of a hatch, or none."""
        rect = self.known[name].find(f"{SVG}rect")
        return rect.get("fill", "none") if rect is not None else "none"

    def write_use(self, element: ET.Element, clip: str) -> None:
        """Write a mark that is drawn several times."""
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        style = style_of(element)
        name = element.get(f"{XLINK}href", "")[1:]
        mark = box_of(path_points(self.known[name].get("d", "")) or [(0.0, 0.0)])
        box = (x + mark[0], y + mark[1], x + mark[2], y + mark[3])
        self.paint_shape(style, (x, y), None)
        rest = {"href": f"#{self.ask(name)}", "x": short(x), "y": short(y)}
        self.leaf("use", style, rest, clip, wider(box, style))

    def write_image(self, element: ET.Element, clip: str) -> None:
        """Write an image: in the page if it is tiny, else beside it."""
        coded = re.sub(r"\s", "", element.get(f"{XLINK}href", ""))
        data = base64.b64decode(coded.partition(",")[2])
        x, y, width, height = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
        corners = [(x, y), (x + width, y + height), (x + width, y), (x, y + height)]
        box = box_of(corners, matrix_of(element.get("transform")))
        if is_opaque(data):
            self.grounds.append(Ground(box, None))
        rest = {name: short(value) for name, value in (("x", x), ("y", y)) if value}
        rest |= {"width": short(width), "height": short(height), "preserveAspectRatio": "none"}
        if element.get("transform"):
            rest["transform"] = re.sub(
                NUMBER, lambda number: short(float(number.group()), 5), element.get("transform", "")
            )
        if "image-rendering" in element.get("style", ""):
            rest["image-rendering"] = "pixelated"
        if "opacity" in element.attrib:
            rest["opacity"] = element.attrib["opacity"]
        rest["href"] = coded if len(coded) <= MOST_INSIDE else self.save(data)
        self.leaf("image", {}, rest, clip, box)

    def write_text(self, element: ET.Element, clip: str) -> None:
        """Write a line of text."""
        if not (element.text or "").strip():
            return
        place = self.anchored.get(element) or anchor_lines([element])[0]
        style = style_of(element)
        style["fill"] = self.words_color(style.get("fill", "#000000"), place.middle)
        style["font-size"] = short(size_of(style) * TEXT_SCALE)
        style["text-anchor"] = place.anchor
        if place.anchor == "start":
            del style["text-anchor"]
        rest = {"x": short(place.x), "y": short(place.y)}
        if abs(place.angle) > 0.01:
            rest["transform"] = f"rotate({short(place.angle)} {rest['x']} {rest['y']})"
        self.leaf("text", style, rest, "", None, escape(element.text or "", quote=False))

    def write_formula(self, element: ET.Element, clip: str) -> None:
        """Write a formula, such as a power of ten, as one line of text with what is raised in it."""
        a, b, _, _, x, y = matrix_of(element.get("transform"))
        spans = [span for text in element.iter(f"{SVG}text") for span in text]
        spans.sort(key=lambda span: float(span.get("x", 0)))
        if not spans:
            return
        sizes = [size_of(style_of(span)) for span in spans]
        last = float(spans[-1].get("x", 0)) + width_of(spans[-1].text or "", style_of(spans[-1]))
        middle = (x + a * last / 2, y + b * last / 2)
        color = style_of(element).get("fill") or style_of(spans[0]).get("fill", "#000000")
        style = {"fill": self.words_color(color, middle), "font-size": short(max(sizes) * TEXT_SCALE),
                 "text-anchor": "middle"}  # fmt: skip
        parts: list[str] = []
        height = 0.0
        for (size, slanted, up), run in groupby(spans, key=span_kind):
            letters = escape("".join(span.text or "" for span in run), quote=False)
            look = {} if size == max(sizes) else {"font-size": short(size * TEXT_SCALE)}
            look |= {"font-style": "italic"} if slanted else {}
            look |= {"dy": short(up - height)} if abs(up - height) > 0.01 else {}
            height = up
            parts.append(f"<tspan{attributes(look)}>{letters}</tspan>" if look else letters)
        rest = {"x": short(middle[0]), "y": short(middle[1])}
        angle = math.degrees(math.atan2(b, a))
        if abs(angle) > 0.01:
            rest["transform"] = f"rotate({short(angle)} {rest['x']} {rest['y']})"
        self.leaf("text", style, rest, "", None, "".join(parts))

    def write_letters(self, element: ET.Element, clip: str) -> None:
        """Write letters that Matplotlib drew as shapes, where they have a rim."""
        matrix, style = matrix_of(element.get("transform")), style_of(element)
        places = [matrix_of(use.get("transform")) for use in element.iter(f"{SVG}use")]
        box = box_of([(one[4], one[5]) for one in places] or [(0.0, 0.0)], matrix)
        style["fill"] = self.words_color(style.get("fill", "#000000"), ((box[0] + box[2]) / 2, box[1]))
        names = [self.ask(use.get(f"{XLINK}href", "")[1:]) for use in element.iter(f"{SVG}use")]
        moves = [use.get("transform", "") for use in element.iter(f"{SVG}use")]
        inside = "".join(
            f'<use href="#{name}" transform="{move}"/>' for name, move in zip(names, moves, strict=True)
        )
        self.leaf("g", style, {"transform": element.get("transform", "")}, clip, None, inside)

    # The whole

    def definitions(self) -> Iterator[str]:
        """Yield what is used again."""
        for name, new in list(self.asked.items()):
            element = self.known[name]
            if local(element) == "path":
                transform = attributes(
                    {key: element.attrib[key] for key in ("transform",) if key in element.attrib}
                )
                yield f'<path id="{new}" d="{shorter_path(element.get("d", ""))}"{transform}/>'
            elif local(element) == "clipPath":
                shape = element[0]
                if local(shape) == "path":
                    yield f'<clipPath id="{new}"><path d="{shorter_path(shape.get("d", ""))}"/></clipPath>'
                else:
                    place = {key: short(float(shape.get(key, 0))) for key in ("x", "y", "width", "height")}
                    yield f'<clipPath id="{new}"><rect{attributes(place)}/></clipPath>'
            elif local(element) == "pattern":
                yield f'<pattern id="{new}" patternUnits="userSpaceOnUse" width="72" height="72">'
                for shape in element:
                    style = style_of(shape)
                    for key in ("fill", "stroke"):
                        if style.get(key, "none").startswith("#"):
                            style[key] = self.color("f", style[key], in_the_dark(style[key]))
                    if local(shape) == "rect":
                        yield f'<rect width="73" height="73"{attributes(style)}/>'
                    else:
                        yield f'<path{attributes(style)} d="{shorter_path(shape.get("d", ""))}"/>'
                yield "</pattern>"
            else:
                raise ValueError(f"a figure uses an element of an unknown kind: {local(element)}")

    def body(self) -> Iterator[str]:
        """Yield what is drawn; what is painted alike, one behind the other, says so once."""
        for (paint, clip), run in groupby(self.leaves, key=lambda leaf: (leaf.paint, leaf.clip)):
            leaves = list(run)
            together = f' clip-path="{clip}"{paint}' if clip else paint if len(leaves) > 1 else ""
            drawn = "".join(leaf.written("" if together else paint) for leaf in leaves)
            yield f"<g{together}>{drawn}</g>" if together else drawn


def is_white_card(element: ET.Element) -> bool:
    """Tell whether something is the white card on which Matplotlib draws a figure or its axes."""
    paths = [path for path in element if local(path) == "path"]
    return (
        element.get("id", "").startswith("patch_")
        and len(paths) == len(element) == 1
        and style_of(paths[0]).get("fill") == "#ffffff"
        and "stroke" not in style_of(paths[0])
    )


def is_opaque(data: bytes) -> bool:
    """Tell whether hardly anything shines through an image."""
    with Image.open(io.BytesIO(data)) as image:
        if image.mode != "RGBA":
            return True
        small = image.getchannel("A").reduce(max(1, min(image.size) // 16))
        counts = small.histogram()
    return sum(counts[250:]) >= 0.75 * sum(counts)


def wider(box: Box, style: dict[str, str]) -> Box:
    """Return the box around a shape and the line around it."""
    more = float(style.get("stroke-width", "1")) / 2 if "stroke" in style else 0.0
    return box[0] - more, box[1] - more, box[2] + more, box[3] + more


def draw(svg: str, name: str, alt: str, save: SaveImage) -> Drawn:
    """Return a figure as part of a page.

    Parameters
    ----------
    svg : str
        What Matplotlib wrote, with text as text.
    name : str
        By which it is told from the page's other figures.
    alt : str
        What it shows.
    save : callable
        Takes the bytes of an image and returns the address at which the page finds it.
    """
    root = ET.fromstring(svg)
    writer = Writer(f"{name}-", save)
    writer.read(root)
    writer.walk(root)
    box = root.get("viewBox", "")
    width, height = (float(number) for number in NUMBER.findall(box)[2:])
    body = "".join(writer.body())
    definitions = "".join(writer.definitions())
    opening = attributes({
        "class": "course-figure",
        "role": "img",
        "aria-label": alt,
        "viewBox": f"0 0 {short(width)} {short(height)}",
        "width": str(round(width * PIXELS_PER_POINT)),
        "height": str(round(height * PIXELS_PER_POINT)),
        "stroke-linejoin": "round",
    })  # fmt: skip
    defs = f"<defs>{definitions}</defs>" if definitions else ""
    return Drawn(f"<svg{opening}>{body}{defs}</svg>", writer.dark)
