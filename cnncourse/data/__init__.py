"""Data sets and photographs, on disk, bundled or downloaded, always as arrays.

`load` brings a data set by its name or path, `load_photo` a bundled photograph, `read_image`
any picture file; `with_superclasses` groups the classes of CIFAR-100; `available`, `fetch` and
`verify` are what ``cnncourse data`` calls.
"""

from cnncourse.data.errors import CacheError, DataError, DownloadError
from cnncourse.data.image_set import ImageSet
from cnncourse.data.loading import NAMES, default_name, load
from cnncourse.data.locations import cache_folder
from cnncourse.data.manage import Check, Status, available, fetch, verify
from cnncourse.data.photos import PHOTOS, Photo, load_photo
from cnncourse.data.pictures import read_image
from cnncourse.data.shapes10 import draw_shapes10
from cnncourse.data.superclasses import SUPERCLASSES, superclass_of, with_superclasses

__all__ = [
    "NAMES",
    "PHOTOS",
    "SUPERCLASSES",
    "CacheError",
    "Check",
    "DataError",
    "DownloadError",
    "ImageSet",
    "Photo",
    "Status",
    "available",
    "cache_folder",
    "default_name",
    "draw_shapes10",
    "fetch",
    "load",
    "load_photo",
    "read_image",
    "superclass_of",
    "verify",
    "with_superclasses",
]
