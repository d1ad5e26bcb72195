"""Data sets and photographs, on disk, bundled or downloaded, always as arrays.

Load:      load(name_or_path, split="train") -> ImageSet; default_name() -> str; NAMES
Pictures:  load_photo(name, size=None, gray=False); PHOTOS; read_image(path, size=None, gray=False)
For the command line (`cnncourse data list|fetch|verify|show`):
    available() -> list[Status]        Status(name, state, where, detail): one line a data set
    fetch(name, progress=True) -> Path  download and decode into the cache; returns its folder
    verify(name_or_path) -> list[Check] Check(split, images, fingerprint, expected, ok)
    show: load(name_or_path, split) and plots.images(image_set.take(...))
"""

from cnncourse.data.image_set import ImageSet
from cnncourse.data.loading import NAMES, default_name, load
from cnncourse.data.photos import PHOTOS, Photo, load_photo
from cnncourse.data.pictures import read_image
from cnncourse.data.shapes10 import shapes10

__all__ = [
    "NAMES",
    "PHOTOS",
    "ImageSet",
    "Photo",
    "default_name",
    "load",
    "load_photo",
    "read_image",
    "shapes10",
]
