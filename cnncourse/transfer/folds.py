"""Folds: images divided so that each is judged by a network that never saw it, nor anything like it."""

from typing import Any

import numpy as np

from cnncourse._checks import check_count


def make_folds(labels: Any, folds: int = 5, groups: Any = None, seed: int = 0) -> np.ndarray:
    """Divide images into folds of about equal size, with about equal shares of each class.

    Parameters
    ----------
    labels : array_like of int of shape (N,)
        The class of each image.
    folds : int
        How many, at least 2.
    groups : array_like of int of shape (N,), optional
        Images of one group, such as photos of one thing a second apart, stay in one fold. By default each
        image is a group of its own.
    seed : int
        Decides the order in which groups are dealt out.

    Returns
    -------
    ndarray of int64 of shape (N,)
        The fold of each image.

    Raises
    ------
    ValueError
        If a class has fewer groups than two, or groups and labels differ in number.

    Examples
    --------
    >>> make_folds([0, 0, 0, 1, 1, 1], folds=3).tolist()
    [0, 2, 1, 0, 1, 2]
    """
    truth = np.asarray(labels)
    alone = np.arange(len(truth))
    kinds = alone if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    if truth.ndim != 1 or truth.dtype.kind not in "iu" or kinds.shape != truth.shape:
        raise ValueError(
            f"labels must be whole numbers (N,), and groups as many, got {truth.shape} and {kinds.shape}"
        )
    check_count("folds", folds, minimum=2)
    classes = int(truth.max(initial=-1)) + 1
    shares = np.zeros((int(kinds.max(initial=-1)) + 1, classes), np.int64)  # images of each group and class
    np.add.at(shares, (kinds, truth), 1)
    for label, count in enumerate((shares > 0).sum(axis=0)):
        if count == 1:
            raise ValueError(
                f"class {label} has one group of images alone, which cannot be in two folds; "
                "give images that differ, or leave groups out"
            )
    random = np.random.default_rng(check_count("seed", seed, minimum=0))
    order = random.permutation(len(shares))
    order = order[np.argsort(-shares[order].sum(axis=1), kind="stable")]  # the largest first
    held = np.zeros((folds, classes), np.int64)
    place = np.empty(len(shares), np.int64)
    for group in order:
        main = shares[group].argmax()
        tie = np.lexsort((held.sum(axis=1), held[:, main]))  # fewest of this class, then fewest of all
        place[group] = tie[0]
        held[tie[0]] += shares[group]
    return place[kinds]
