"""Where data is looked for.

``CNNCOURSE_DATA`` names a folder or an archive; given and missing is an error, and ``bundled``
allows only what comes with the package. Without it, ``../shared/data`` beside a checkout is
looked at, then the cache (``CNNCOURSE_CACHE``, or the system's folder for such things).
"""

import os
from pathlib import Path

import platformdirs

from cnncourse.data.catalog import CATALOG
from cnncourse.data.errors import DataError

DATA, CACHE = "CNNCOURSE_DATA", "CNNCOURSE_CACHE"
BUNDLED_ONLY = "bundled"


def checkout() -> Path | None:
    """Return the root of the checkout that the package is imported from, if it is one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def cache_folder() -> Path:
    """Return the folder in which decoded data sets are kept: CNNCOURSE_CACHE or the system's."""
    given = os.environ.get(CACHE)
    return Path(given).expanduser().absolute() if given else Path(platformdirs.user_cache_dir("cnncourse"))


def bundled_only() -> bool:
    """Return whether CNNCOURSE_DATA allows only what comes with the package."""
    return os.environ.get(DATA) == BUNDLED_ONLY


def given_data() -> Path | None:
    """Return the folder or archive that CNNCOURSE_DATA names, if it names one.

    A relative path is looked for from the working folder upwards, and from the root of the
    checkout, so that it means the same to make and to a notebook in the book's folders.

    Raises
    ------
    FileNotFoundError
        If it names something that is not there.
    """
    setting = os.environ.get(DATA)
    if not setting or setting == BUNDLED_ONLY:
        return None
    path = Path(setting).expanduser()
    roots = [Path.cwd(), *Path.cwd().parents]
    if root := checkout():
        roots.append(root)
    candidates = [path] if path.is_absolute() else [root / path for root in roots]
    for candidate in candidates:
        if candidate.exists():
            return candidate.resolve()
    where = "" if path.is_absolute() else f" (looked for from {Path.cwd()} upwards)"
    raise FileNotFoundError(
        f"{DATA} names {setting}, which does not exist{where}; "
        f"correct it, unset it, or set it to {BUNDLED_ONLY} to use only what the package brings"
    )


def find(name: str) -> Path | None:
    """Return where a downloadable data set lies on the disk, outside the cache.

    Raises
    ------
    FileNotFoundError
        If CNNCOURSE_DATA names something that is not there.
    DataError
        If CNNCOURSE_DATA names a place that does not hold the data set, or allows none.
    """
    if bundled_only():
        raise DataError(
            f"{name} is not bundled, and {DATA}={BUNDLED_ONLY} allows only digits and shapes10; "
            f"load one of those, or unset {DATA}"
        )
    given = given_data()
    if given is None:
        root = checkout()
        return _within(root.parent / "shared" / "data", name) if root else None
    if given.is_file():
        return given
    found = given if given.name in CATALOG[name].files else _within(given, name)
    if found is None:
        raise DataError(
            f"{name} is not in {given}, which {DATA} names (looked for {', '.join(CATALOG[name].files)}); "
            f"put it there, or unset {DATA} to use the cache or a download"
        )
    return found


def _within(folder: Path, name: str) -> Path | None:
    return next((folder / file for file in CATALOG[name].files if (folder / file).exists()), None)
