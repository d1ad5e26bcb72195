"""The photographs that come with the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from cnncourse._checks import check_choice
from cnncourse.data.pictures import Size, read_image

BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True)
class Photo:
    """A bundled photograph: what it shows, whose it is, and what may be done with it."""

    file: str
    title: str
    author: str
    license: str


PHOTOS: Mapping[str, Photo] = MappingProxyType(
    {
        "astronaut": Photo("astronaut.jpg", "Eileen Collins, astronaut", "NASA", "public domain"),
        "brick": Photo("brick.png", "Brick wall", "CC0Textures", "CC0 1.0"),
        "camera": Photo("camera.png", "Man with a camera", "Lav Varshney", "CC0 1.0"),
        "cat": Photo("cat.jpg", "Chelsea the cat", "Stefan van der Walt", "CC0 1.0"),
        "clock": Photo("clock.png", "Wall clock, blurred by motion", "Stefan van der Walt", "public domain"),
        "coffee": Photo("coffee.jpg", "Cup of coffee", "Rachel Michetti", "CC0 1.0"),
        "coins": Photo("coins.png", "Greek coins", "Brooklyn Museum", "no known copyright restrictions"),
        "grass": Photo("grass.jpg", "Grass", "linolafett", "CC0 1.0"),
        "gravel": Photo("gravel.jpg", "Gravel", "CC0Textures", "CC0 1.0"),
        "retina": Photo("retina.jpg", "Human retina", "Mikael Häggström", "CC0 1.0"),
        "rocket": Photo("rocket.jpg", "Launch of a Falcon 9", "SpaceX", "public domain"),
    }
)
ALIASES = {"chelsea": "cat"}


def load_photo(name: str, size: Size | None = None, gray: bool = False) -> np.ndarray:
    """Return a bundled photograph as numbers from 0 to 1.

    Parameters
    ----------
    name : str
        One of `PHOTOS`, which also names authors and licenses.
    size : int or (int, int), optional
        A number cuts the largest centered square and scales it to size x size; a pair
        (height, width) scales the whole picture.
    gray : bool
        Whether to return one luma plane, 0.299 R + 0.587 G + 0.114 B.

    Returns
    -------
    numpy.ndarray, shape (3, H, W), or (H, W) where `gray` is true, float64
        Pixel values from 0 to 1.

    Raises
    ------
    ValueError
        If there is no photograph of that name.

    Examples
    --------
    >>> load_photo("coffee").shape
    (3, 400, 600)
    >>> load_photo("coffee", size=32, gray=True).shape
    (32, 32)
    """
    known = ALIASES.get(name, name)
    check_choice("name", known, PHOTOS)
    return read_image(BUNDLED / PHOTOS[known].file, size, gray)
