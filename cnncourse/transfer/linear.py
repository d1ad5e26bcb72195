"""A linear head on features that stay: fitted by L-BFGS, its weight decay chosen by cross-validation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from cnncourse._checks import check_array, check_count, check_labels, check_number
from cnncourse.transfer.folds import make_folds

DECAYS = tuple(10.0**-power for power in range(7))
USUAL = 1e-4  # where images are too few to choose
FINE, ROUGH = 1e-7, 1e-5  # the largest derivative at the end: of the head, and where decays are compared
ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class LinearHead:
    """One dense layer: logits are ``features @ weight.T + bias``.

    Parameters
    ----------
    weight : ndarray of float32 of shape (classes, D)
    bias : ndarray of float32 of shape (classes,), or None
    decay : float
        The weight decay that it was fitted with.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    decay: float

    def logits(self, features: Any) -> np.ndarray:
        """Return logits, (N, classes), of features (N, D)."""
        rows: np.ndarray = check_array("features", features, "(N, D)") @ self.weight.T
        return rows if self.bias is None else rows + self.bias


def fit_head(
    features: Any,
    labels: Any,
    classes: int | None = None,
    decay: float | None = None,
    groups: Any = None,
    folds: int = 5,
    seed: int = 0,
    bias: bool = True,
) -> LinearHead:
    r"""Fit a dense layer to features: multinomial logistic regression.

    With the features centered and divided by their root mean square length, it makes

    .. math:: -\frac{1}{N} \sum_n \log p_{n, y_n} + \frac{\lambda}{2} \lVert W \rVert^2

    as small as it can be: a convex problem, so that there is one answer, and L-BFGS finds it in a second.

    Parameters
    ----------
    features : array_like of shape (N, D)
        As `extract` returns.
    labels : array_like of int of shape (N,)
        The classes.
    classes : int, optional
        How many outputs; by default one more than the largest label.
    decay : float, optional
        The weight decay :math:`\lambda`. By default that of seven from 1 to :math:`10^{-6}` with the
        smallest loss in cross-validation; :math:`10^{-4}` if a class has a single image to choose by.
    groups : array_like of int of shape (N,), optional
        For the cross-validation: see `make_folds`.
    folds : int
        How many; fewer if there are fewer groups.
    seed : int
        Decides the folds.
    bias : bool
        Whether the layer has one.

    Returns
    -------
    LinearHead

    Raises
    ------
    TypeError, ValueError
        If features and labels do not fit, or a class has no image.

    References
    ----------
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
    Programming 45, 1989, https://doi.org/10.1007/BF01589116.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> features = random.normal(size=(40, 5)) + 3 * labels[:, None]
    >>> head = fit_head(features, labels)
    >>> head.weight.shape, float((head.logits(features).argmax(axis=1) == labels).mean())
    ((2, 5), 1.0)
    """
    x, y, count = _check(features, labels, classes)
    space = _Space.of(x, bias)
    z = space.reduce(x)
    if decay is None:
        several = _choosable(y, groups)
        decay = _choose(z, y, count, _folds(y, folds, groups, seed), bias) if several else USUAL
    check_number("decay", decay, 0, np.inf)
    path = _fit_path(z, y, count, [each for each in DECAYS if each > decay] + [decay], bias)
    weight, offset = space.restore(path[-1], bias)
    return LinearHead(weight, offset, decay)


def cross_validate(
    features: Any,
    labels: Any,
    classes: int | None = None,
    groups: Any = None,
    folds: int = 5,
    seed: int = 0,
    bias: bool = True,
) -> np.ndarray:
    """Return the logits of each image from a head that was fitted without it.

    Each fold is judged by a head that saw the others, and whose weight decay was chosen among these alone:
    nothing of what judges a fold was learned from it. Where the accuracy of all logits together is measured,
    it is that of heads fitted with a share of the images, so that the one fitted with all should be a little
    better.

    Parameters
    ----------
    features, labels, classes, groups, folds, seed, bias
        As for `fit_head`.

    Returns
    -------
    ndarray of float64 of shape (N, classes)

    Raises
    ------
    TypeError, ValueError
        As `fit_head` does, or if a class has a single group.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> logits = cross_validate(random.normal(size=(40, 5)) + 3 * labels[:, None], labels)
    >>> round(float((logits.argmax(axis=1) == labels).mean()), 2)
    1.0
    """
    x, y, count = _check(features, labels, classes)
    z = _Space.of(x, bias).reduce(x)
    parts = _folds(y, folds, groups, seed)
    logits = np.empty((len(y), count))
    for fold in np.unique(parts):
        inside, outside = parts != fold, parts == fold
        others = parts[inside]
        one = len(np.unique(others)) == 1  # of two folds one is left: there is nothing to choose by
        decay = USUAL if one else _choose(z[inside], y[inside], count, others, bias)
        path = _fit_path(z[inside], y[inside], count, [each for each in DECAYS if each >= decay], bias)
        logits[outside] = _apply(z[outside], path[-1], bias)
    return logits


@dataclass(frozen=True, eq=False)
class _Space:
    """Where the fit takes place: features centered, scaled, and turned into as few numbers as there can be.

    Of fewer images than features, all that a head with weight decay can use is the plane through the images:
    its weights are sums of their features, and the rest of them is zero.
    """

    center: np.ndarray  # (D,)
    length: float
    turn: np.ndarray | None  # (D, R)

    @classmethod
    def of(cls, x: np.ndarray, bias: bool) -> "_Space":
        center = x.mean(axis=0) if bias else np.zeros(x.shape[1])
        centered = x - center
        length = float(np.sqrt(np.square(centered).sum(axis=1).mean())) or 1.0
        turn = None
        if len(x) < x.shape[1]:
            values, vectors = np.linalg.eigh(centered @ centered.T)  # (N,), (N, N)
            kept = values > 1e-10 * max(values.max(initial=0), 1e-300)
            turn = centered.T @ (vectors[:, kept] / np.sqrt(values[kept]))  # (D, R), orthonormal columns
        return cls(center, length, turn)

    def reduce(self, x: np.ndarray) -> torch.Tensor:
        """Return features (N, D) as numbers (N, R)."""
        z = (x - self.center) / self.length
        return torch.from_numpy(np.ascontiguousarray(z if self.turn is None else z @ self.turn))

    def restore(self, w: torch.Tensor, bias: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the layer's weights (classes, D) and bias of what was fitted, (R + 1, classes)."""
        inner = (w[:-1] if bias else w).numpy()
        weight = (inner if self.turn is None else self.turn @ inner).T / self.length  # (classes, D)
        if not bias:
            return weight.astype(np.float32), None
        return weight.astype(np.float32), (w[-1].numpy() - weight @ self.center).astype(np.float32)


def _check(features: Any, labels: Any, classes: int | None) -> tuple[np.ndarray, torch.Tensor, int]:
    """Return features in double precision, labels, and the number of classes."""
    x = check_array("features", features, "(N, D)").astype(np.float64)
    if x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"features must be finite numbers of at least one image, got shape {x.shape}")
    given = np.asarray(labels)
    largest = int(given.max(initial=0)) if given.dtype.kind in "iu" else 0
    count = check_count("classes", largest + 1 if classes is None else classes, minimum=2)
    y = check_labels("labels", given, len(x), count)
    missing = np.flatnonzero(np.bincount(y, minlength=count) == 0).tolist()
    if missing:
        raise ValueError(
            f"of {count} classes {', '.join(map(str, missing))} ha{'s' if len(missing) == 1 else 've'} no "
            f"image among {len(x)}; give at least one, better twenty, of each"
        )
    return x, torch.from_numpy(y.astype(np.int64)), count


def _folds(y: torch.Tensor, folds: int, groups: Any, seed: int) -> np.ndarray:
    """Return the fold of each image; at most as many folds as there are groups."""
    truth = y.numpy()
    count = len(truth) if groups is None else len(np.unique(np.asarray(groups)))
    return make_folds(truth, max(2, min(check_count("folds", folds, minimum=2), count)), groups, seed)


def _choosable(y: torch.Tensor, groups: Any) -> bool:
    """Return whether each class has two groups, to be learned in one fold and asked in another."""
    truth = y.numpy()
    kinds = np.arange(len(truth)) if groups is None else np.asarray(groups)
    return all(len(np.unique(kinds[truth == label])) > 1 for label in np.unique(truth))


def _choose(z: torch.Tensor, y: torch.Tensor, classes: int, parts: np.ndarray, bias: bool) -> float:
    """Return the decay of `DECAYS` with the smallest loss over the folds; of equal ones the largest."""
    losses = np.zeros(len(DECAYS))
    for fold in np.unique(parts):
        inside, outside = torch.from_numpy(parts != fold), torch.from_numpy(parts == fold)
        for index, w in enumerate(_fit_path(z[inside], y[inside], classes, DECAYS, bias, ROUGH)):
            logits = torch.from_numpy(_apply(z[outside], w, bias))
            losses[index] += F.cross_entropy(logits, y[outside], reduction="sum").item()
    return DECAYS[int(losses.argmin())]


def _fit_path(
    z: torch.Tensor, y: torch.Tensor, classes: int, decays: Iterable[float], bias: bool, slope: float = FINE
) -> list[torch.Tensor]:
    """Return the weights (R + 1, classes), the bias last, for falling decays, each begun at the last one."""
    w = torch.zeros(z.shape[1] + bias, classes, dtype=torch.float64)
    found = []
    for decay in decays:
        w = _minimize(z, y, w, decay, bias, slope)
        found.append(w)
    return found


def _minimize(
    z: torch.Tensor, y: torch.Tensor, start: torch.Tensor, decay: float, bias: bool, slope: float = FINE
) -> torch.Tensor:
    """Return the weights at which no derivative of the loss is larger than `slope`."""
    w = start.clone()
    optimizer = torch.optim.LBFGS(
        [w],
        max_iter=ITERATIONS,
        history_size=20,
        tolerance_grad=slope,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )
    target = F.one_hot(y, w.shape[1]).double()  # (N, classes)

    def closure() -> torch.Tensor:
        inner = w[:-1] if bias else w
        log_p = (z @ inner + w[-1] if bias else z @ inner).log_softmax(dim=1)  # (N, classes)
        error = (log_p.exp() - target) / len(y)  # the loss's derivative for each logit
        slopes = z.T @ error + decay * inner
        w.grad = torch.cat([slopes, error.sum(dim=0, keepdim=True)]) if bias else slopes
        return decay / 2 * inner.square().sum() - (target * log_p).sum() / len(y)

    with torch.no_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    return w


def _apply(z: torch.Tensor, w: torch.Tensor, bias: bool) -> np.ndarray:
    """Return logits (N, classes)."""
    logits: np.ndarray = (z @ w[:-1] + w[-1] if bias else z @ w).numpy()
    return logits
