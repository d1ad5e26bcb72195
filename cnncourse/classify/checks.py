"""What may be wrong with photos: copies, near-copies, too few, too many of one kind, too small."""

import re
from dataclasses import dataclass

import numpy as np

from cnncourse import explain
from cnncourse.classify.photos import Photos
from cnncourse.data.errors import DataError
from cnncourse.images import resize

THRESHOLD = 0.25  # of the distance of near-duplicates: a correlation of 0.97 of thumbnails
SIDE = 16  # pixels of the thumbnails
FEW = 10  # photos of a class
UNEVEN = 3  # times as many photos in the largest class as in the smallest
NAMED = 3  # files that are left out
NARROW = 0.6  # of a photo is left after cutting out a square, at least


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in the photos.

    Parameters
    ----------
    groups : ndarray of int64 of shape (N,)
        Photos that belong together have the same number: near-duplicates and, if they were asked for, photos
        whose names agree, directly or by a chain of them.
    pairs : ndarray of int64 of shape (P, 2)
        The near-duplicates, the nearest first.
    leaked : ndarray of bool of shape (N,)
        Test photos that belong together with one of those to learn from.
    warnings : tuple of str
        Sentences.
    """

    groups: np.ndarray
    pairs: np.ndarray
    leaked: np.ndarray
    warnings: tuple[str, ...]


def examine(photos: Photos, threshold: float = THRESHOLD, together: str | None = None) -> Findings:
    r"""Look through photos for what would make a classifier worse than its accuracy says.

    Parameters
    ----------
    photos : Photos
        As `read_photos` returns.
    threshold : float
        The largest distance of near-duplicates: see `explain.near_duplicates`. Mirrored copies count too.
    together : str, optional
        A regular expression. Photos in whose names, from the folder on, it finds the same text belong
        together, as near-duplicates do: ``r"20\d{6}"`` for photos of the same day, if names hold the date.
        Photos in whose names it finds nothing are judged by their pixels alone.

    Returns
    -------
    Findings

    Raises
    ------
    ValueError
        If (`DataError`) the same photo lies in the folders of two classes; if `together` is no regular
        expression, or finds nothing in any name.
    """
    named = _alike_by_name(photos.files, together)
    pairs, exact = _alike(photos.images, threshold)
    _check_one_class(photos, pairs[exact])
    groups = _components(len(photos), np.concatenate([pairs, named]))
    learned = np.array([split != "test" for split in photos.splits])
    known = np.isin(groups, groups[learned])
    leaked = ~learned & known
    sentences = [
        *_about_copies(photos, pairs, groups, leaked, together),
        *_about_counts(photos, learned),
        *_about_sizes(photos),
    ]
    if "validation" in photos.splits:
        sentences.append("the photos for validation are learned from too: cross-validation takes their place")
    sentences += _about_left_out(photos)
    return Findings(groups, pairs, leaked, tuple(sentences))


def _alike(images: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of images that are nearly the same, or mirrored, and which of them are equal."""
    found: dict[tuple[int, int], float] = {}
    small = _without_tint(images)
    for other in (small, small[..., ::-1]):
        near = explain.near_duplicates(small, other, threshold)
        for one, two, distance in zip(near.train, near.test, near.distances, strict=True):
            if one < two:
                pair = (int(one), int(two))
                found[pair] = min(float(distance), found.get(pair, np.inf))
    equal: dict[bytes, int] = {}  # images of one color have no distance, and copies of them are copies
    for index, image in enumerate(images):
        first = equal.setdefault(image.tobytes(), index)
        if first != index:
            found[first, index] = -1.0
    order = sorted(found, key=lambda pair: (found[pair], pair))
    pairs = np.array(order, np.int64).reshape(-1, 2)
    return pairs, np.array([found[pair] < 0 for pair in order], bool)


def _without_tint(images: np.ndarray) -> np.ndarray:
    """Return small images whose channels have mean 0: else photos in the light of one lamp would be alike."""
    small = np.empty((*images.shape[:2], SIDE, SIDE), np.float32)
    for start in range(0, len(images), 100):  # some at a time: floats take four times the room
        part = resize(images[start : start + 100].astype(np.float32), SIDE, method="area")
        flat = part - part.mean(axis=(2, 3), keepdims=True)
        small[start : start + 100] = flat.round(2)  # so that one color is exactly zero
    return small


def _check_one_class(photos: Photos, equal: np.ndarray) -> None:
    for one, two in equal:
        if photos.labels[one] != photos.labels[two]:
            raise DataError(
                f"the same photo is in two classes, {photos.files[one]} and {photos.files[two]}; "
                "remove it from the one where it does not belong"
            )


def _components(count: int, pairs: np.ndarray) -> np.ndarray:
    """Return a number for each image, the same for those that pairs connect."""
    above = np.arange(count)

    def root(index: int) -> int:
        while above[index] != index:
            above[index] = above[above[index]]
            index = int(above[index])
        return index

    for one, two in pairs:
        above[root(int(two))] = root(int(one))
    return np.array([root(index) for index in range(count)], np.int64)


def _alike_by_name(files: tuple[str, ...], together: str | None) -> np.ndarray:
    """Return pairs of photos, (P, 2), in whose names the pattern finds the same text."""
    first: dict[str, int] = {}
    pairs = []
    if together is not None:
        try:
            found = [re.search(together, name) for name in files]
        except re.error as error:
            raise ValueError(f"together must be a regular expression, got {together!r}: {error}") from None
        for index, match in enumerate(found):
            if match:
                pairs.append((first.setdefault(match[0], index), index))
        if not pairs:
            raise ValueError(f"together {together!r} finds nothing in the photos' names, such as {files[0]}")
    return np.array(pairs, np.int64).reshape(-1, 2)


def _about_copies(
    photos: Photos, pairs: np.ndarray, groups: np.ndarray, leaked: np.ndarray, together: str | None
) -> list[str]:
    sentences = []
    if together is not None:
        sentences.append(
            f"with those together in whose names {together!r} finds the same text, the {len(photos)} photos "
            f"make {len(np.unique(groups))} groups; each counts as one when photos are divided"
        )
    if len(pairs):
        (one, two), count = pairs[0], len(np.unique(groups[pairs]))
        sentences.append(
            f"{_pairs(len(pairs))} of near-duplicates, such as {photos.files[one]} and {photos.files[two]}, "
            f"in {count} group{'s'[: count != 1]} of photos; each counts as one when photos are divided"
        )
    crossing = [pair for pair in pairs if photos.labels[pair[0]] != photos.labels[pair[1]]]
    if crossing:
        one, two = crossing[0]
        sentences.append(
            f"{_pairs(len(crossing))} of near-duplicates in two classes, such as {photos.files[one]} and "
            f"{photos.files[two]}; look whether both are right"
        )
    if leaked.any():
        first = photos.files[int(np.flatnonzero(leaked)[0])]
        sentences.append(
            f"{int(leaked.sum())} of the test photos, such as {first}, are nearly the same as photos that "
            f"are learned from{', or belong to them by their names' if together else ''}; they do not count "
            "in the test accuracy"
        )
    return sentences


def _about_counts(photos: Photos, learned: np.ndarray) -> list[str]:
    counts = np.bincount(photos.labels[learned], minlength=len(photos.classes))
    sentences = []
    few = [f"{photos.classes[label]} ({counts[label]})" for label in np.flatnonzero(counts < FEW)]
    if few:
        sentences.append(f"few photos of {', '.join(few)}; twenty of each class are a good start")
    if counts.max() >= UNEVEN * counts.min():
        most, least = photos.classes[counts.argmax()], photos.classes[counts.argmin()]
        sentences.append(
            f"the classes are uneven: {counts.max()} photos of {most}, {counts.min()} of {least}; "
            f"where the classifier hesitates it will say {most}"
        )
    return sentences


def _about_sizes(photos: Photos) -> list[str]:
    sentences = []
    side = photos.images.shape[-1]
    smaller = photos.sizes.min(axis=1)
    small = np.flatnonzero(smaller < side / 2)
    if len(small):
        sentences.append(
            f"{_files(len(small))} smaller than {side // 2} pixels, such as {photos.files[small[0]]}, and "
            f"blurred when enlarged to {side}"
        )
    narrow = np.flatnonzero(smaller < NARROW * photos.sizes.max(axis=1))
    if len(narrow):
        sentences.append(
            f"of {_files(len(narrow), False)}, such as {photos.files[narrow[0]]}, more than "
            f"{1 - NARROW:.0%} are cut off: only the middle square is used"
        )
    areas = photos.sizes.prod(axis=1)
    if areas.max() > 4 * areas.min():
        low, high = photos.sizes[areas.argmin()], photos.sizes[areas.argmax()]
        sentences.append(
            f"the photos differ in size, from {low[1]}x{low[0]} to {high[1]}x{high[0]} pixels; if one class "
            "has the small ones, sharpness may be what is learned"
        )
    return sentences


def _about_left_out(photos: Photos) -> list[str]:
    first, count = photos.left_out[:NAMED], len(photos.left_out)
    sentences = [f"{each.name} is left out: {each.reason}" for each in first]
    if count > NAMED:
        sentences.append(f"{_files(count - NAMED)} left out besides, such as {photos.left_out[NAMED].name}")
    return sentences


def _files(count: int, verb: bool = True) -> str:
    told = f"{count} file{'s'[: count != 1]}"
    return f"{told} {'is' if count == 1 else 'are'}" if verb else told


def _pairs(count: int) -> str:
    return f"{count} pair{'s'[: count != 1]}"
