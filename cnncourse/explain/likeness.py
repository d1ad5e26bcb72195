"""Which images are alike: to a network, by its features, and in their pixels."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from cnncourse._checks import check_array, check_count, check_number
from cnncourse.images import resize

BLOCK = 5_000_000  # similarities computed at a time: 20 MB
MOST_PAIRS = 1_000_000


def nearest_neighbors(queries: Any, features: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which features point in most nearly the same direction as each query.

    The similarity is the cosine of the angle between two vectors: their product, divided by their lengths. A
    vector of zeros has no direction, and a similarity of 0 with everything.

    Parameters
    ----------
    queries : array_like of shape (Q, D)
        Vectors, such as `features` returns for a few images.
    features : array_like of shape (N, D)
        The vectors to search.
    k : int
        How many to find for each query, at most N.

    Returns
    -------
    indices : ndarray of int64 of shape (Q, k)
        Rows of `features`, the nearest first. A query that is one of them finds itself first.
    similarities : ndarray of float32 of shape (Q, k)
        From -1 to 1.

    Raises
    ------
    TypeError, ValueError
        If the vectors differ in length, hold numbers that are not finite, or are fewer than `k`.

    Examples
    --------
    >>> indices, similarities = nearest_neighbors([[2, 0]], [[0, 1], [1, 1], [3, 0]], k=2)
    >>> indices, similarities.round(3)
    (array([[2, 1]]), array([[1.   , 0.707]], dtype=float32))
    """
    asked, known = (
        _directions(name, value) for name, value in (("queries", queries), ("features", features))
    )
    if asked.shape[1] != known.shape[1]:
        raise ValueError(
            f"queries and features must be vectors of one length, got {asked.shape[1]} and {known.shape[1]}; "
            "take both from the same layer"
        )
    if check_count("k", k) > len(known):
        raise ValueError(f"k must be at most {len(known)}, the number of features, got {k}")
    indices, similarities = np.empty((len(asked), k), np.int64), np.empty((len(asked), k), np.float32)
    for rows, cosine in _products(asked, known):
        best = np.argpartition(-cosine, k - 1, axis=1)[:, :k]  # (B, k), in no order
        found = np.take_along_axis(cosine, best, axis=1)
        order = np.lexsort((best, -found), axis=1)  # of equal ones the first
        indices[rows] = np.take_along_axis(best, order, axis=1)
        similarities[rows] = np.take_along_axis(found, order, axis=1)
    return indices, similarities


class NearDuplicates(NamedTuple):
    """Pairs of images that are nearly the same, the nearest first.

    Parameters
    ----------
    train, test : ndarray of int64 of shape (P,)
        Indices of the two images of each pair.
    distances : ndarray of float64 of shape (P,)
        How far apart they are.
    """

    train: np.ndarray
    test: np.ndarray
    distances: np.ndarray


def near_duplicates(train: Any, test: Any, threshold: float, side: int = 8) -> NearDuplicates:
    r"""Find test images that are nearly the same as a training image.

    Each image is made small, so that crops, sharpening and compression hardly count, and normalized to mean
    0 and deviation 1 over all of its numbers, so that brightness and contrast do not count at all. The
    distance of two images is the root mean square of the difference of what remains, which depends on their
    correlation :math:`r` alone:

    .. math:: d = \sqrt{2 - 2 r}

    0 for copies, 1.4 for images that have nothing in common, 2 for an image and its negative. All pairs are
    compared, by matrix products of a bounded size. An image of one color has nothing to compare, and is in
    no pair. A small distance makes a candidate: look at the images.

    Parameters
    ----------
    train, test : array_like of shape (N, C, H, W) and (M, C, H', W'), or ImageSet
        uint8, or floats of any scale.
    threshold : float
        The largest distance of a pair that is returned, above 0 and below 2.
    side : int
        Height and width of the small images.

    Returns
    -------
    NearDuplicates
        ``train``, ``test`` and ``distances``, the nearest pair first.

    Raises
    ------
    TypeError, ValueError
        If something is no batch of images, channels differ, or more than a million pairs are that near.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> train = random.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    >>> test = random.integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)
    >>> test[4] = train[7] // 2 + 60  # darker, with less contrast
    >>> pairs = near_duplicates(train, test, threshold=0.2)
    >>> pairs.train, pairs.test, bool(pairs.distances[0] < 0.05)
    (array([7]), array([4]), True)
    """
    check_number("threshold", threshold, 0, 2, above=True)
    known, asked = _small("train", train, side), _small("test", test, side)
    if known.shape[1] != asked.shape[1]:
        raise ValueError(
            f"train and test must have equally many channels, got {known.shape[1] // side**2} and "
            f"{asked.shape[1] // side**2}"
        )
    least = 1 - threshold**2 / 2 - 1e-5  # the correlation, less what float32 may be wrong by
    found, count = [], 0
    for rows, correlation in _products(asked, known):
        pairs = np.argwhere(correlation >= least) + np.array([rows.start, 0])  # (P, 2): test, train
        count += len(pairs)
        if count > MOST_PAIRS:
            raise ValueError(f"threshold {threshold} finds more than {MOST_PAIRS:,} pairs; use a smaller one")
        found.append(pairs[asked[pairs[:, 0]].any(axis=1) & known[pairs[:, 1]].any(axis=1)])
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found])
    differences = asked[pairs[:, 0]].astype(float) - known[pairs[:, 1]]
    distances = np.sqrt(np.square(differences).sum(axis=1))  # (P,): exact, where sqrt(2 - 2 r) would round
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= threshold]
    return NearDuplicates(pairs[order, 1], pairs[order, 0], distances[order])


def _products(asked: np.ndarray, known: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the products of each of some rows of `asked` with all of `known`, (B, N), block by block."""
    size = max(1, BLOCK // max(1, len(known)))
    for start in range(0, len(asked), size):
        rows = slice(start, min(start + size, len(asked)))
        yield rows, asked[rows] @ known.T


def _directions(argument: str, values: Any) -> np.ndarray:
    """Return vectors (N, D) as float32 of length 1; those of zeros stay as they are."""
    array = check_array(argument, values, "(N, D)")
    if not np.isfinite(array).all():
        raise ValueError(f"{argument} must be finite; the network that made them diverged")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    unit: np.ndarray = (array / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def _small(argument: str, images: Any, side: int) -> np.ndarray:
    """Return images as (N, C side side), float32, of mean 0 and length 1; those of one color are zeros."""
    array = np.asarray(getattr(images, "images", images))
    if array.ndim != 4 or 0 in array.shape[1:] or array.dtype.kind not in "fu":
        raise ValueError(
            f"{argument} must be images (N, C, H, W), uint8 or floats, got {array.dtype}, {array.shape}"
        )
    small = np.empty((len(array), array.shape[1] * side**2), np.float32)
    for start in range(0, len(array), 1000):  # a thousand at a time: floats take four times the room
        part = resize(array[start : start + 1000].astype(np.float32), side, method="area")
        small[start : start + 1000] = part.reshape(len(part), -1)
    largest = np.abs(small).max(axis=1, keepdims=True)
    small -= small.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(small, axis=1, keepdims=True)
    return np.where(lengths > 1e-4 * largest, small / np.maximum(lengths, 1e-30), np.float32(0))
