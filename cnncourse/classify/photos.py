"""Photos in class folders, read one by one: a broken one is left out and named, and stops no other."""

import os
from collections import defaultdict
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cnncourse._progress import wants_progress
from cnncourse.data import ImageSet
from cnncourse.data.archives import Item, Parts, is_note, items, shown
from cnncourse.data.errors import DataError
from cnncourse.data.folders import arrange
from cnncourse.data.pictures import LUMA, Size, decode, endings, scale_bytes
from cnncourse.data.sources import plain_name

LEAST = 2  # photos of a class: one to learn from, one to be asked about
SOME = 3  # examples in a message


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Photos:
    """The photos of a folder, cut to squares and scaled as a network needs them.

    Parameters
    ----------
    name : str
        The folder's name.
    images : ndarray of uint8 of shape (N, C, H, W)
    labels : ndarray of int64 of shape (N,)
        Indices into `classes`.
    classes : tuple of str
        The folders' names, sorted.
    files : tuple of str
        Each photo's name, from the folder on.
    splits : tuple of str
        ``"train"``, ``"validation"`` or ``"test"`` for each photo: the folder above its class, else "train".
    sizes : ndarray of int64 of shape (N, 2)
        Height and width of each photo as it was.
    left_out : tuple of LeftOut
        Files that could not be read.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    files: tuple[str, ...]
    splits: tuple[str, ...]
    sizes: np.ndarray
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def image_set(self, chosen: np.ndarray | None = None, split: str = "train") -> ImageSet:
        """Return some of the photos, or all, as an image set."""
        rows = np.arange(len(self)) if chosen is None else chosen
        return ImageSet(self.images[rows], self.labels[rows], self.classes, self.name, split)


def read_photos(
    folder: str | os.PathLike[str], size: Size = 224, channels: int = 3, progress: bool | None = None
) -> Photos:
    """Read the photos of a folder that holds a folder for each class.

    Photos are turned as their cameras noted, the largest centered square is cut out of each and scaled.
    Above the class folders there may be folders ``train`` and ``test``.

    Parameters
    ----------
    folder : str or path
        Where the class folders are.
    size : int or (int, int)
        As for `data.read_image`.
    channels : {3, 1}
        Color, or gray.
    progress : bool, optional
        Whether to show a bar; by default, where it would be seen.

    Returns
    -------
    Photos
        In the order of their names.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If (`DataError`) it is a file, has fewer than two class folders, or one of them has fewer than two
        photos that can be read.
    """
    path = Path(folder).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {str(path)!r}")
    if not path.is_dir():
        raise DataError(
            f"{str(path)!r} is a file; give the folder that holds a folder of photos for each class"
        )
    name = plain_name(path)
    pictures, left_out = _find(path)
    splits, kinds = arrange([item.parts for item in pictures], str(path))
    shown_bar = wants_progress() if progress is None else progress
    with (
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
        tqdm(total=len(pictures), desc="photos", disable=not shown_bar, dynamic_ncols=True) as bar,
    ):
        found = []
        for start in range(0, len(pictures), 64):  # a few at a time: photos are large until they are scaled
            for each in pool.map(lambda item: _read(item, size, channels), pictures[start : start + 64]):
                found.append(each)
                bar.update()
    read = {index: each for index, each in enumerate(found) if not isinstance(each, LeftOut)}
    left_out += [each for each in found if isinstance(each, LeftOut)]
    classes = tuple(sorted(set(kinds)))
    _check_counts(str(path), classes, kinds, splits, read, found)
    return Photos(
        name=name,
        images=np.stack([image for image, _ in read.values()]),
        labels=np.array([classes.index(kinds[index]) for index in read], np.int64),
        classes=classes,
        files=tuple(shown(pictures[index].parts) for index in read),
        splits=tuple(splits[index] for index in read),
        sizes=np.array([size for _, size in read.values()], np.int64).reshape(-1, 2),
        left_out=tuple(sorted(left_out, key=lambda each: each.name)),
    )


def _find(path: Path) -> tuple[list[Item], list[LeftOut]]:
    """Return the files that look like pictures, and the others; a folder without any is an error."""
    pictures, left_out, folders = [], [], set()
    others: dict[Parts, list[str]] = defaultdict(list)
    for item in items(path):
        if item.read is None:
            folders.add(item.parts)
        elif item.parts[-1].lower().endswith(endings()):
            pictures.append(item)
        elif not is_note(item.parts[-1]):
            left_out.append(LeftOut(shown(item.parts), "no picture that can be read; export it as JPEG"))
            others[item.parts[:-1]].append(shown(item.parts[-1:]))
    filled = {item.parts[:end] for item in pictures for end in range(1, len(item.parts))}
    empty = sorted(folders - filled)
    if empty:
        held = others[empty[0]]
        what = f"holds no photo that can be read ({_some(held)})" if held else "is empty"
        raise DataError(
            f"{str(path)!r}: the folder {shown(empty[0])} {what}; "
            f"put {'JPEG or PNG files' if held else 'photos'} into it, or remove it"
        )
    if not pictures:
        held = [each.name for each in left_out]
        raise DataError(
            f"{str(path)!r} holds no photos{f' that can be read ({_some(held)})' if held else ''}; "
            "it needs a folder of photos for each class, such as cat/ and dog/"
        )
    return pictures, left_out


def _read(item: Item, size: Size, channels: int) -> tuple[np.ndarray, tuple[int, int]] | LeftOut:
    """Return a photo (C, H, W), uint8, and the height and width that it had; or why it cannot be read."""
    name = shown(item.parts)
    assert item.read is not None
    try:
        image = decode(item.read(), name)
    except DataError as error:
        told = str(error).partition(name)[2] or str(error)  # what stands before is the photo's place
        return LeftOut(name, told.strip().removeprefix("is "))
    height, width = image.shape[1:]
    scaled = scale_bytes(image, size)
    if len(scaled) < channels:
        scaled = np.repeat(scaled, channels, axis=0)
    elif len(scaled) > channels:
        scaled = np.rint(np.tensordot(LUMA, scaled, axes=1)).astype(np.uint8)[None]
    return scaled, (height, width)


def _check_counts(
    path: str,
    classes: Sequence[str],
    kinds: list[str],
    splits: list[str],
    read: Container[int],
    found: list[Any],
) -> None:
    """Raise unless there are at least two photos to learn from in each class."""
    for name in classes:
        learned = [index for index, kind in enumerate(kinds) if kind == name and splits[index] != "test"]
        whole = [index for index in learned if index in read]
        if len(whole) < LEAST:
            broken = [found[index].name for index in learned if isinstance(found[index], LeftOut)]
            lost = f", and {len(broken)} that cannot be read ({_some(broken)})" if broken else ""
            raise DataError(
                f"{path!r}: the class {name!r} has {len(whole)} photo{'s'[: len(whole) != 1]} to learn from"
                f"{lost}; it needs at least {LEAST}, and twenty are a good start"
            )


def _some(names: Sequence[str]) -> str:
    """Return a few of the names, as a list in words."""
    return ", ".join(names[:SOME]) + (", ..." if len(names) > SOME else "")
