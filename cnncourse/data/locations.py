"""Where data is looked for.

``CNNCOURSE_DATA`` names a folder or an archive; given and missing is an error, and ``bundled``
allows only what comes with the package. Without it, ``../shared/data`` beside a checkout is
looked at, then the cache (``CNNCOURSE_CACHE``, or the system's folder for such things).
"""

import os
from pathlib import Path

import platformdirs

from cnncourse.data.errors import NoCacheError

DATA, CACHE = "CNNCOURSE_DATA", "CNNCOURSE_CACHE"
BUNDLED_ONLY = "bundled"


def checkout() -> Path | None:
    """Return the root of the checkout that the package is imported from, if it is one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def cache_folder() -> Path:
    """Return the folder in which decoded data sets are kept: CNNCOURSE_CACHE or the system's.

    Raises
    ------
    NoCacheError
        If there is none: the user has no home folder.
    """
    advice = f"set {CACHE} to a folder of yours"
    given = os.environ.get(CACHE)
    try:
        return expand(given).absolute() if given else Path(platformdirs.user_cache_dir("cnncourse"))
    except (RuntimeError, FileNotFoundError):  # a user without a home, as in many containers
        raise NoCacheError(f"there is no home folder to keep the cache in; {advice}") from None


def expand(path: str) -> Path:
    """Return the path with ``~`` replaced by the home folder.

    Raises
    ------
    FileNotFoundError
        If a home folder is meant and not known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise FileNotFoundError(f"{path} begins with a home folder that is not known; write it out") from None


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
    path = expand(setting)
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


def shared_data() -> Path | None:
    """Return the folder ``../shared/data`` of a checkout, where the package is imported from one."""
    root = checkout()
    return root.parent / "shared" / "data" if root else None
