"""Labeled images in memory, and the ways of dividing them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import SupportsIndex

import numpy as np

from cnncourse._checks import check_count

CHUNK = 2000  # images worked on at once, so that a memory-mapped set never needs a second copy


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels: what every chapter trains on and every loader returns.

    Parameters
    ----------
    images : numpy.ndarray, shape (N, C, H, W), uint8
        Pixels from 0 to 255; C is 1 or 3. Treat them as read-only: a set from the cache
        is a view of a file, and changes to it are never written back.
    labels : numpy.ndarray, shape (N,), int64
        The class of each image, an index into `classes`.
    classes : tuple of str
        The classes' names.
    name : str
        The data set's name, such as ``"cifar10"``.
    split : str
        ``"train"`` or ``"test"``.

    Raises
    ------
    TypeError
        If images are not uint8 or labels are not integers.
    ValueError
        If shapes, labels and classes do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> s = ImageSet(np.zeros((4, 1, 8, 8), np.uint8), np.array([0, 1, 1, 0]), ("no", "yes"))
    >>> len(s), s.shape, s.class_counts()
    (4, (1, 8, 8), {'no': 2, 'yes': 2})
    >>> image, label = s[1]
    >>> image.shape, s.classes[label]
    ((1, 8, 8), 'yes')
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str = "unnamed"
    split: str = "train"

    def __post_init__(self) -> None:
        images, labels, classes = np.asarray(self.images), np.asarray(self.labels), tuple(self.classes)
        if images.dtype != np.uint8:
            raise TypeError(f"images must be uint8 from 0 to 255, got {images.dtype}")
        if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape[2:]:
            raise ValueError(f"images must have shape (N, C, H, W) with C 1 or 3, got {images.shape}")
        if labels.dtype.kind not in "iu":
            raise TypeError(f"labels must be whole numbers, got {labels.dtype}")
        if labels.shape != (len(images),):
            raise ValueError(f"labels must have shape ({len(images)},), one an image, got {labels.shape}")
        if len(set(classes)) != len(classes) or not all(isinstance(name, str) for name in classes):
            raise ValueError(f"classes must be different strings, got {classes}")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
            raise ValueError(
                f"labels must be from 0 to {len(classes) - 1} for {len(classes)} classes, "
                f"got {labels.min()} to {labels.max()}"
            )
        object.__setattr__(self, "images", np.ascontiguousarray(images))
        object.__setattr__(self, "labels", np.ascontiguousarray(labels, dtype=np.int64))
        object.__setattr__(self, "classes", classes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: SupportsIndex) -> tuple[np.ndarray, int]:
        """Return one image, shape (C, H, W), and its label."""
        if not hasattr(index, "__index__"):
            raise TypeError(f"an index must be one whole number, got {index!r}; use subset() for several")
        return self.images[index], int(self.labels[index])

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"ImageSet({self.name} {self.split}: {len(self)} images {shape}, {len(self.classes)} classes)"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of each channel, on the scale 0 to 1.

        Returns
        -------
        mean, std : numpy.ndarray, shape (C,), float64

        Examples
        --------
        >>> import numpy as np
        >>> pixels = np.array([0, 255, 255, 0], np.uint8).reshape(2, 1, 1, 2)
        >>> mean, std = ImageSet(pixels, np.zeros(2, int), ("a",)).statistics()
        >>> float(mean[0]), float(std[0])
        (0.5, 0.5)
        """
        if not len(self):
            raise ValueError("statistics need at least one image, got an empty set")
        counts = np.zeros((self.shape[0], 256), dtype=np.int64)  # a histogram keeps the sums exact
        for start in range(0, len(self), CHUNK):
            for channel, total in enumerate(counts):
                pixels = self.images[start : start + CHUNK, channel]
                total += np.bincount(pixels.ravel(), minlength=256)
        levels = np.arange(256) / 255
        share = counts / counts.sum(axis=1, keepdims=True)
        mean = share @ levels
        std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(axis=1))
        return mean, std

    def class_counts(self) -> dict[str, int]:
        """Return how many images each class has."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def subset(self, indices: Sequence[int] | np.ndarray) -> "ImageSet":
        """Return the images at `indices` (or where a boolean mask is true), in that order."""
        chosen = np.asarray(indices)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(f"indices must be whole numbers or a mask, got {chosen.dtype} {chosen.shape}")
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def take(self, n: int, per_class: bool = False, seed: int = 0) -> "ImageSet":
        """Return `n` images drawn at random, or `n` of each class.

        Parameters
        ----------
        n : int
            How many, in all or of each class.
        per_class : bool
            Whether `n` counts the images of each class.
        seed : int
            The same seed draws the same images.

        Raises
        ------
        ValueError
            If the set, or a class, has fewer than `n` images.
        """
        n = check_count("n", n, minimum=0)
        rng = np.random.default_rng(check_count("seed", seed, minimum=0))
        if not per_class:
            if n > len(self):
                raise ValueError(f"n must be at most {len(self)}, the images in {self.name}, got {n}")
            return self.subset(np.sort(rng.permutation(len(self))[:n]))
        for name, count in self.class_counts().items():
            if count < n:
                raise ValueError(f"n must be at most {count}, the images of class {name!r}, got {n}")
        drawn = [rng.permutation(members)[:n] for members in self._members()]
        return self.subset(np.sort(np.concatenate(drawn)))

    def partition(
        self, fractions: Sequence[float], stratified: bool = True, seed: int = 0
    ) -> tuple["ImageSet", ...]:
        """Divide the set at random into parts that share no image.

        Parameters
        ----------
        fractions : sequence of float
            Each part's share; together at most 1.
        stratified : bool
            Whether each part keeps the classes' shares.
        seed : int
            The same seed gives the same parts.

        Examples
        --------
        >>> from cnncourse.data import load
        >>> train, validation = load("digits").partition((0.9, 0.1))
        >>> len(train), len(validation)
        (1297, 145)
        """
        shares = np.asarray(fractions, dtype=np.float64)
        if shares.ndim != 1 or not len(shares) or (shares <= 0).any() or shares.sum() > 1 + 1e-9:
            raise ValueError(f"fractions must be positive and sum to at most 1, got {tuple(fractions)}")
        rng = np.random.default_rng(check_count("seed", seed, minimum=0))
        groups = self._members() if stratified else [np.arange(len(self))]
        parts: list[list[np.ndarray]] = [[] for _ in shares]
        for members in groups:
            cuts = np.rint(np.cumsum(shares) * len(members)).astype(int)
            pieces = np.split(rng.permutation(members), cuts)[:-1]
            for part, piece in zip(parts, pieces, strict=True):
                part.append(piece)
        return tuple(self.subset(np.sort(np.concatenate(part))) for part in parts)

    def _members(self) -> list[np.ndarray]:
        return [np.flatnonzero(self.labels == label) for label in range(len(self.classes))]

    def fingerprint(self) -> str:
        """Return the SHA-256 of shape, pixels, labels and class names, as hexadecimal digits.

        Two sets have the same fingerprint only if they hold the same images in the same order.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        for start in range(0, len(self), CHUNK):
            digest.update(self.images[start : start + CHUNK].data)
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def in_canonical_order(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the order of the images by SHA-256 of their pixels, equal ones by label.

    Every source of a data set gives the same order, so that seeds, splits and records agree.
    """
    digests = [hashlib.sha256(image.data).digest() for image in images]
    keys = zip(digests, labels.tolist(), range(len(images)), strict=True)
    return np.array([index for _, _, index in sorted(keys)], dtype=np.int64)
