"""What goes wrong with data: what is there is broken, or what is needed cannot be brought."""


class DataError(ValueError):
    """A file or folder does not hold a data set that can be read."""


class DownloadError(OSError):
    """A data set could not be downloaded from any of its hosts."""


class CacheError(OSError):
    """The cache folder cannot take a data set: the disk is full, or there is no such folder."""


class NoCacheError(CacheError):
    """There is no cache folder, or writing or locking is not allowed there."""
