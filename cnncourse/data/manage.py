"""What `cnncourse data` asks: what is there, bring it, is it right."""

import os
from dataclasses import dataclass
from pathlib import Path

from cnncourse._checks import check_choice
from cnncourse.data import store
from cnncourse.data.catalog import CATALOG
from cnncourse.data.errors import DataError
from cnncourse.data.finding import find
from cnncourse.data.loading import NAMES, load, locate
from cnncourse.data.locations import bundled_only, cache_folder
from cnncourse.data.photos import BUNDLED

DIGITS = {
    "train": "35ae32ab3009498f1027352e9356f997b25c33ff61d546592eaf4c6e911443e0",
    "test": "9ea2a9f1a93f4bbc8abc00063c9ec5b0802170161826f61f44cf86ae538bcfb7",
}


@dataclass(frozen=True)
class Status:
    """Whether a data set can be loaded here: ``"bundled"``, ``"on disk"``, ``"cached"`` or ``"absent"``."""

    name: str
    state: str
    where: str
    detail: str


@dataclass(frozen=True)
class Check:
    """One split, compared with what was recorded of it; `expected` is None where nothing was."""

    split: str
    images: int
    fingerprint: str
    expected: str | None

    @property
    def ok(self) -> bool:
        """Whether the split is what was recorded, or nothing was."""
        return self.expected in (None, self.fingerprint)


def available() -> list[Status]:
    """Return for each known data set whether it is there, and where.

    Raises
    ------
    FileNotFoundError
        If CNNCOURSE_DATA names something that is not there.

    Examples
    --------
    >>> [status.name for status in available()]
    ['cifar10', 'cifar100', 'digits', 'shapes10']
    """
    statuses = [_find_known(name) for name in CATALOG]
    digits = "1,797 handwritten digits of 8 x 8 pixels in 10 classes (Alpaydin and Kaynak, 1998)"
    shapes = "12,000 drawings of 32 x 32 pixels in 10 classes, made when first asked for"
    statuses.append(Status("digits", "bundled", str(BUNDLED), digits))
    statuses.append(Status("shapes10", "bundled", "", shapes))
    return statuses


def _find_known(name: str) -> Status:
    title = CATALOG[name].title
    fetch = f"{title}; bring it with: cnncourse data fetch {name}"
    if bundled_only():
        return Status(name, "absent", "", f"{title}; CNNCOURSE_DATA=bundled hides it")
    try:
        path = find(name)
    except DataError as error:
        return Status(name, "absent", "", f"{title}; {error}")
    if path is not None:
        return Status(name, "on disk", str(path), f"{title}, {path}")
    if store.describe(name):
        folder = str(cache_folder() / name)
        return Status(name, "cached", folder, f"{title}, {folder}")
    return Status(name, "absent", "", fetch)


def fetch(name: str, progress: bool = True) -> Path:
    """Bring a data set into the cache, by a download if it is not on the disk.

    Parameters
    ----------
    name : str
        A data set's name.
    progress : bool
        Whether to show bars.

    Returns
    -------
    pathlib.Path
        The folder that holds it.
    """
    check_choice("name", name, NAMES)
    if name == "digits":
        return BUNDLED
    place = locate(name, None, progress)
    store.make(place.key, place.source, place.decode)
    return cache_folder() / place.key


def verify(name_or_path: str | os.PathLike[str]) -> list[Check]:
    """Read a data set again, whole, and compare it with what was recorded.

    Parameters
    ----------
    name_or_path : str or path
        As for `load`.

    Returns
    -------
    list of Check
        One for each split. CIFAR-10 and the digits are compared with the fingerprints of
        this package, others with those of the moment when they came into the cache. A copy
        in the cache that is found damaged is removed: the next load makes it again.
    """
    name = os.fspath(name_or_path)
    if name == "digits":
        sets = [load(name, split) for split in DIGITS]
        return [Check(each.split, len(each), each.fingerprint(), DIGITS[each.split]) for each in sets]
    place = locate(name, None, False)
    checks = []
    store.make(place.key, place.source, place.decode)
    _, splits = store.load_or_make(place.key, "train", place.source, place.decode)
    recorded = store.fingerprints(place.key) | dict(CATALOG[name].fingerprints if name in CATALOG else {})
    for split in splits:
        image_set, _ = store.load_or_make(place.key, split, place.source, place.decode)
        assert image_set is not None
        checks.append(Check(split, len(image_set), image_set.fingerprint(), recorded[split]))
    if not all(check.ok for check in checks):
        store.remove(place.key)
    return checks
