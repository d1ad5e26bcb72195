"""Data sets and photographs, on disk, bundled or downloaded, always as arrays.

`load` brings a data set by its name or path, `load_photo` a bundled photograph, `read_image`
any picture file; `available`, `fetch` and `verify` are what ``cnncourse data`` calls.
"""

from cnncourse.data.errors import CacheError, DataError, DownloadError
from cnncourse.data.image_set import ImageSet
from cnncourse.data.loading import NAMES, default_name, load
from cnncourse.data.locations import cache_folder
from cnncourse.data.manage import Check, Status, available, fetch, verify
from cnncourse.data.photos import PHOTOS, Photo, load_photo
from cnncourse.data.pictures import read_image
from cnncourse.data.shapes10 import draw_shapes10

__all__ = [
    "NAMES",
    "PHOTOS",
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
    "verify",
]
