"""Colors of figures on a dark page: the same hue, as far from its ground as they are from a white one."""

from functools import cache

GROUND, INK = "#15181c", "#dfe3e8"  # of a dark page, as in course.css
SHAPE, TEXT = 4.2, 5.0  # least contrast with the ground (WCAG 2): of what is strong in color, of words
READABLE = 4.5  # of words on what a figure filled
GRAY = 0.012  # chroma of what has no color
PALE, STRONG = 0.06, 0.11  # chroma up to which a color is turned like gray, and from which it stays


def channels(color: str) -> tuple[float, float, float]:
    """Return red, green and blue of "#rrggbb", each from 0 to 1."""
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def linear(channel: float) -> float:
    """Return the light of a channel's value."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def stored(light: float) -> float:
    """Return the channel's value for an amount of light."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def to_oklab(color: str) -> tuple[float, float, float]:
    """Return a color's lightness, and how far it is toward red and yellow (OKLab)."""
    red, green, blue = (linear(channel) for channel in channels(color))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def from_oklab(lightness: float, a: float, b: float) -> str:
    """Return the color, with as much of its chroma as a screen can show."""
    for _ in range(60):
        long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        light = (
            4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
        )
        if all(-1e-4 <= one <= 1.0001 for one in light):
            break
        a, b = 0.95 * a, 0.95 * b
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, stored(max(0.0, one))))):02x}" for one in light)


@cache
def luminance(color: str) -> float:
    """Return the relative luminance (WCAG 2)."""
    red, green, blue = (linear(channel) for channel in channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colors (WCAG 2), from 1 to 21.

    Examples
    --------
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@cache
def in_the_dark(color: str, words: bool = False) -> str:
    """Return what stands for a color on a dark page.

    Grays and pale tints are turned, white to the ground and black to nearly white; strong colors stay, a
    little lighter where they would be lost; those of words are made light enough to be read.

    Examples
    --------
    >>> in_the_dark("#ffffff"), in_the_dark("#1a1a1a"), in_the_dark("#e69f00")
    ('#15181c', '#e4e4e4', '#e69f00')
    """
    if color == "#ffffff":
        return GROUND
    lightness, a, b = to_oklab(color)
    chroma = (a * a + b * b) ** 0.5
    share = min(1.0, max(0.0, (chroma - PALE) / (STRONG - PALE)))
    share = share * share * (3 - 2 * share)
    darkest, lightest = to_oklab(GROUND)[0], to_oklab(INK)[0]
    turned = min(darkest + (1 - lightness) * (lightest - darkest) / 0.78, 0.93)
    lightness = share * lightness + (1 - share) * turned
    more = 1 + 0.7 * (1 - share)  # a dark tint needs more of its color to be seen
    if chroma < GRAY:  # as bluish as the page
        more, a, b = 1.0, *to_oklab(GROUND)[1:]
    shown = from_oklab(lightness, more * a, more * b)
    least = TEXT if words else SHAPE * share
    while contrast(shown, GROUND) < least and lightness < 1:
        lightness += 0.01
        shown = from_oklab(lightness, more * a, more * b)
    return shown


@cache
def words_in_the_dark(color: str, ground: str) -> str:
    """Return what stands for the color of words on something whose color on a dark page is `ground`."""
    candidates = (in_the_dark(color, words=True), color, INK, GROUND, "#ffffff", "#000000")
    readable = (one for one in candidates if contrast(one, ground) >= READABLE)
    return next(readable, max(candidates, key=lambda one: contrast(one, ground)))
