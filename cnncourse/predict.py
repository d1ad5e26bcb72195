"""What is in your photos: files and folders in, the likeliest classes out.

One file that cannot be read never stops the others: what is wrong with it stands in its prediction.

Examples
--------
>>> from cnncourse.data.photos import BUNDLED
>>> found = list(predict_files([BUNDLED / "cat.jpg", "no-such-cat.jpg"], "speednet", top=1))
>>> found[0].classes
('cat',)
>>> found[1].error.startswith("there is no picture")
True
"""

import mimetypes
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from cnncourse._checks import check_count
from cnncourse.data import read_image
from cnncourse.data.archives import is_left_over
from cnncourse.data.pictures import endings
from cnncourse.models import Trained, load_trained

__all__ = ["Prediction", "find_photos", "is_photo", "predict_files", "read_photo"]

DEFAULT_MODEL = "efficientnet_lite0"
# The share of the largest possible entropy above which an answer is worth little: for 1,000 classes, that of
# a choice between 32. EfficientNet-Lite0 wavers between 2 to 7 in front of a cat or a cup, and between
# hundreds in front of noise, digits, grass and gravel.
UNSURE = 0.5
SURE = 2 / 3  # of a few classes, one that is so likely is an answer however the rest is spread

Path_ = str | os.PathLike[str]
Found = tuple[str, str]  # a path, and what is wrong with it


@dataclass(frozen=True)
class Prediction:
    """What a network makes of one file.

    Parameters
    ----------
    path : str
        The file, as it was given or found.
    classes : tuple of str
        The likeliest first; empty where the file could not be read.
    probabilities : tuple of float
        Theirs, from 0 to 1.
    choices : float
        Between how many classes the network wavers: e to the power of the entropy of all probabilities. It is
        1 where the network is certain, and the number of classes where all are equally likely.
    unsure : bool
        Whether that is so many that the answer is worth little, as for a photo of nothing it knows: the
        entropy is more than half of what it would be if all classes were equally likely, and the best class
        has less than two thirds.
    error : str
        What is wrong with the file; empty if nothing is.
    """

    path: str
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    choices: float = 0.0
    unsure: bool = False
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return path, predictions and error as ``cnncourse predict --json`` prints them.

        Examples
        --------
        >>> Prediction("cat.jpg", ("cat",), (0.9,)).as_dict()
        {'path': 'cat.jpg', 'predictions': [{'class': 'cat', 'probability': 0.9}], 'error': None}
        """
        both = zip(self.classes, self.probabilities, strict=True)
        predictions = [{"class": name, "probability": probability} for name, probability in both]
        return {"path": self.path, "predictions": predictions, "error": self.error or None}


def predict_files(
    paths: Iterable[Path_],
    model: Trained | Path_ = DEFAULT_MODEL,
    top: int = 5,
    batch_size: int = 8,
) -> Iterator[Prediction]:
    """Yield what a trained network makes of each photo, in the order given.

    Parameters
    ----------
    paths : iterable of str or path
        Photos, and folders, which stand for all photos in them and in the folders inside, sorted by name.
    model : Trained, str or path
        The network, its name or its file, as `cnncourse.models.load_trained` takes them.
    top : int
        How many classes, the likeliest first.
    batch_size : int
        Photos read and classified together; it changes the speed, not the result.

    Yields
    ------
    Prediction
        One for each photo; for a path that is none, one that says why.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such network, or it takes neither gray nor colored images.
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError(f"paths must be several, got {paths!r}; put it into a list: [{os.fspath(paths)!r}]")
    trained = model if isinstance(model, Trained) else load_trained(_name_or_path(model))
    if trained.channels not in (1, 3):
        raise ValueError(f"photos have 1 or 3 channels, {trained.architecture} takes {trained.channels}")
    return _predict(paths, trained, check_count("top", top), check_count("batch_size", batch_size))


def _predict(paths: Iterable[Path_], trained: Trained, top: int, batch_size: int) -> Iterator[Prediction]:
    found = chain.from_iterable(find_photos(path) for path in paths)
    with ThreadPoolExecutor(2) as pool:
        while some := list(islice(found, batch_size)):
            read = list(pool.map(partial(_read, trained), some))
            images = [image for image in read if isinstance(image, np.ndarray)]
            rows = iter(trained.predict(np.stack(images)) if images else ())
            for (path, _), image in zip(some, read, strict=True):
                if isinstance(image, str):
                    yield Prediction(path, error=image)
                else:
                    yield _judge(path, next(rows), trained, top)


def _judge(path: str, probabilities: np.ndarray, trained: Trained, top: int) -> Prediction:
    """Return the likeliest classes, and how sure the network is."""
    order = np.argsort(-probabilities, kind="stable")[:top]
    p = probabilities[probabilities > 0].astype(float)
    entropy = -float((p * np.log(p)).sum())
    return Prediction(
        path,
        tuple(trained.classes[index] for index in order),
        tuple(float(probabilities[index]) for index in order),
        choices=float(np.exp(entropy)),
        unsure=bool(entropy > UNSURE * np.log(len(trained.classes)) and probabilities.max() < SURE),
    )


def read_photo(path: Path_, trained: Trained) -> np.ndarray:
    """Return a photo as `trained` takes it: its largest centered square, scaled, in color or gray.

    Parameters
    ----------
    path : str or path
        The file, of any kind that `cnncourse.data.read_image` reads.
    trained : Trained
        Whose size and channels the photo gets. Where the size is no square, the whole photo is scaled to it.

    Returns
    -------
    ndarray of float32 of shape (C, H, W)
        From 0 to 1.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    height, width = trained.size
    image = read_image(path, height if height == width else (height, width), gray=trained.channels == 1)
    return image.astype(np.float32).reshape(trained.channels, height, width)


def _read(trained: Trained, found: Found) -> np.ndarray | str:
    """Return the pixels of a photo, or what is wrong with it."""
    path, wrong = found
    if wrong:
        return wrong
    try:
        return read_photo(path, trained)
    except (OSError, ValueError, MemoryError) as error:
        return _said(path, error)


def find_photos(path: Path_) -> Iterator[Found]:
    """Yield the photos that a path stands for, each with what is wrong with it, or with nothing: "".

    Parameters
    ----------
    path : str or path
        A file, or a folder. Of a folder, hidden files and those that are no pictures by name are left out.

    Yields
    ------
    (str, str)
        Path and fault.
    """
    name = os.fspath(path)
    if "://" in name:
        yield name, f"{name} is an address; download the photo and give its file"
    elif os.path.isdir(name):  # noqa: PTH112 (a Path would drop a leading "./" from what is printed)
        yield from _photos_in(name)
    elif os.path.exists(name) and not os.path.isfile(name):  # noqa: PTH110, PTH113
        yield name, f"{name} is neither a file nor a folder"
    else:
        yield name, ""


def _photos_in(folder: str) -> Iterator[Found]:
    refused: list[OSError] = []
    nothing = True
    for above, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = sorted(name for name in folders if not is_left_over((name,), is_folder=True))
        for name in sorted(names):
            if is_photo(name):
                nothing = False
                yield os.path.join(above, name), ""  # noqa: PTH118
    for error in refused:
        nothing = False
        path = str(error.filename)
        yield path, _said(path, error)
    if nothing:
        yield folder, f"{folder} holds no photos; put JPEG, PNG or WebP files into it"


def is_photo(name: str) -> bool:
    """Return whether a file's name is that of a picture, one that can be read or one to complain of.

    Examples
    --------
    >>> [is_photo(name) for name in ("a.jpg", "B.JPEG", "a.heic", "notes.txt", ".a.jpg", "a")]
    [True, True, True, False, False, False]
    """
    if is_left_over((name,), is_folder=False):
        return False
    kind = mimetypes.guess_type(name, strict=False)[0] or ""
    return name.lower().endswith((*endings(), ".heic", ".heif")) or kind.startswith("image/")


def _name_or_path(model: Path_) -> str | Path:
    return model if isinstance(model, str) else Path(model)


def _said(path: str, error: BaseException) -> str:
    """Return what is wrong in a sentence that names the file."""
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return text if path in text else f"{path} cannot be read: {text}"
