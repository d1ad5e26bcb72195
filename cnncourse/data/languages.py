"""Scraps of text in four languages, as character codes: for a network that reads letters."""

import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnncourse._checks import check_choice, check_count

FILE = Path(__file__).parent / "bundled" / "languages.txt"
ALPHABET = " abcdefghijklmnopqrstuvwxyz"
HELD_OUT = 12  # the last sentences of each language are the test split
SPELLED = {"ß": "ss", "œ": "oe"}


class TextSet(NamedTuple):
    """Scraps of text with labels.

    Parameters
    ----------
    codes : numpy.ndarray, shape (N, L), int64
        Each character's place in `ALPHABET`; 0 is the space.
    labels : numpy.ndarray, shape (N,), int64
        Indices into `classes`.
    classes : tuple of str
        The classes' names.
    """

    codes: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def encode(text: str) -> np.ndarray:
    """Return the characters of `text` as places in `ALPHABET`.

    Capitals become small, accents are dropped, and whatever is not a letter separates words.

    Examples
    --------
    >>> encode("Ça va ?").tolist()
    [3, 1, 0, 22, 1]
    """
    for letter, spelled in SPELLED.items():
        text = text.lower().replace(letter, spelled)
    letters = [c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)]
    words = "".join(c if c in ALPHABET else " " for c in letters).split()
    return np.array([ALPHABET.index(c) for c in " ".join(words)], dtype=np.int64)


def decode(codes: np.ndarray) -> str:
    """Return the text of some codes.

    Examples
    --------
    >>> decode(encode("Ça va ?"))
    'ca va'
    """
    return "".join(ALPHABET[code] for code in np.asarray(codes).ravel())


def load_languages(split: str = "train", length: int = 20, step: int = 1) -> TextSet:
    """Cut the bundled sentences into overlapping scraps of equal length.

    The sentences say the same in all four languages; no sentence of the test split, nor a translation of
    it, is in the training split.

    Parameters
    ----------
    split : {"train", "test"}
        36 or 12 sentences of each language.
    length : int
        Characters of a scrap, at most 400.
    step : int
        A scrap begins at every `step`-th character.

    Returns
    -------
    TextSet

    Raises
    ------
    ValueError
        If the split is unknown, or `length` or `step` out of range.

    Examples
    --------
    >>> scraps = load_languages("test", length=12)
    >>> scraps.classes
    ('English', 'French', 'German', 'Spanish')
    >>> decode(scraps.codes[0])
    'he counted t'
    """
    check_choice("split", split, ("train", "test"))
    if check_count("length", length) > 400:
        raise ValueError(f"length must be at most 400 characters, got {length}")
    sentences = read_sentences()
    codes, labels = [], []
    for label, lines in enumerate(sentences.values()):
        chosen = lines[:-HELD_OUT] if split == "train" else lines[-HELD_OUT:]
        text = encode(" ".join(chosen))
        scraps = np.lib.stride_tricks.sliding_window_view(text, length)[:: check_count("step", step)]
        codes.append(scraps)
        labels.append(np.full(len(scraps), label, dtype=np.int64))
    return TextSet(np.concatenate(codes), np.concatenate(labels), tuple(sentences))


def read_sentences() -> dict[str, list[str]]:
    """Return the bundled sentences of each language, as they are spelled.

    Examples
    --------
    >>> {language: len(lines) for language, lines in read_sentences().items()}
    {'English': 48, 'French': 48, 'German': 48, 'Spanish': 48}
    """
    sentences: dict[str, list[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            sentences[line.strip("[]")] = lines = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return sentences
