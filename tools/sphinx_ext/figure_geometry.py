"""Numbers, transforms, boxes and paths of figures."""

import math
import re

NUMBER = re.compile(r"-?\d*\.?\d+(?:e[-+]?\d+)?")
Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def short(number: float, digits: int = 2) -> str:
    """Write a number with few characters.

    Examples
    --------
    >>> short(0.5), short(-0.25), short(3.0), short(-0.001)
    ('.5', '-.25', '3', '0')
    """
    text = f"{number:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def joined(numbers: list[str]) -> str:
    """Put numbers behind one another, with spaces only where they would run together."""
    return "".join(
        each if index == 0 or each.startswith("-") else f" {each}" for index, each in enumerate(numbers)
    )


def matrix_of(text: str | None) -> Matrix:
    """Return the matrix of a transform."""
    result: Matrix = (1, 0, 0, 1, 0, 0)
    for name, inside in re.findall(r"(\w+)\(([^)]*)\)", text or ""):
        result = times(result, step_of(name, [float(number) for number in NUMBER.findall(inside)]))
    return result


def step_of(name: str, values: list[float]) -> Matrix:
    """Return the matrix of one step of a transform."""
    if name == "matrix":
        a, b, c, d, e, f = values
        return a, b, c, d, e, f
    if name == "translate":
        return 1, 0, 0, 1, values[0], values[1] if len(values) > 1 else 0
    if name == "scale":
        return values[0], 0, 0, values[-1], 0, 0
    if name == "rotate":
        cos, sin = math.cos(math.radians(values[0])), math.sin(math.radians(values[0]))
        x, y = values[1:] or (0.0, 0.0)
        return cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y
    raise ValueError(f"a figure has a transform of an unknown kind: {name}")


def times(one: Matrix, other: Matrix) -> Matrix:
    """Return the matrix that applies `other`, then `one`."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


def box_of(points: list[tuple[float, float]], matrix: Matrix = (1, 0, 0, 1, 0, 0)) -> Box:
    """Return the box around points."""
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x, y in points]
    ys = [b * x + d * y + f for x, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def holds(box: Box, x: float, y: float, margin: float = 0.0) -> bool:
    """Tell whether a point is inside a box, at least `margin` from its edge."""
    return box[0] + margin <= x <= box[2] - margin and box[1] + margin <= y <= box[3] - margin


def within(box: Box, room: Box, slack: float) -> bool:
    """Tell whether a box lies in a room, or out of it by no more than `slack`."""
    left, top, right, bottom = (one - other for one, other in zip(box, room, strict=True))
    return left >= -slack and top >= -slack and right <= slack and bottom <= slack


def path_points(d: str) -> list[tuple[float, float]]:
    """Return the points of a path, those that bend its curves among them."""
    numbers = [float(number) for number in NUMBER.findall(d)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def shorter_path(d: str) -> str:
    """Write a path with relative steps and few digits.

    Examples
    --------
    >>> shorter_path("M 10 20 L 30.004 20 L 30 25.5 L 10 25.5 z")
    'M10 20h20v5.5h-20z'
    """
    steps = re.findall(r"([MLQCz])([^MLQCz]*)", d)
    digits = 1 if len(steps) > 150 else 2
    scale = 10**digits
    x = y = 0  # where the pen is, in the last digit that is written
    written, last = [], ""
    for name, inside in steps:
        if name == "z":
            written.append("z")
            last = ""
            continue
        values = [round(float(number) * scale) for number in NUMBER.findall(inside)]
        if name == "M":
            text = "M" + joined([short(value / scale, digits) for value in values])
            last = ""
        else:
            across, along = values[-2] - x, values[-1] - y
            if name == "L" and along == 0:
                kind, moved = "h", [across]
            elif name == "L" and across == 0:
                kind, moved = "v", [along]
            else:
                kind = name.lower()
                moved = [value - (y if index % 2 else x) for index, value in enumerate(values)]
            text = joined([short(value / scale, digits) for value in moved])
            text = kind + text if kind != last else text if text.startswith("-") else f" {text}"
            last = kind
        written.append(text)
        x, y = values[-2], values[-1]
    return "".join(written)
