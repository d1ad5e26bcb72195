"""Exercises of the chapter on your own images: whole bursts, calibration, what a threshold costs."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnncourse import learning
from cnncourse.exercises.pencil import Pencil, from_right
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray
Rates = tuple[float, float, float]


def _answers(rng: np.random.Generator) -> dict[str, Any]:
    """Return ten own photos, of which 4, 5 or 8 get an answer, and five strangers."""
    threshold = 5 * int(rng.integers(12, 16))
    answered, named = int(rng.choice([4, 5, 8])), int(rng.integers(2, 5))

    def percents(count: int, above: int) -> Array:
        high = 5 * rng.integers(threshold // 5 + 1, 20, size=above - 1)
        low = 5 * rng.integers(7, threshold // 5, size=count - above)
        return np.concatenate([[threshold], high, low])

    right = np.ones(10, np.int64)
    right[rng.choice(answered, size=int(rng.integers(1, 3)), replace=False)] = 0
    right[answered:] = rng.integers(0, 2, size=10 - answered)
    own = np.stack([percents(10, answered), right])
    return {
        "own": own[:, rng.permutation(10)],
        "strangers": rng.permutation(percents(5, named)),
        "threshold": threshold,
    }


def _threshold_costs(own: Array, strangers: Array, threshold: int) -> Rates:
    """Return the shares of own photos with an answer, of these that are right, and of strangers."""
    answered = own[0] >= threshold
    return (
        float(answered.mean()),
        float(own[1, answered].mean()),
        float((strangers >= threshold).mean()),
    )


_other_rates = from_right(_threshold_costs)


check_threshold_costs = Pencil(
    "threshold_costs",
    "three shares from 0 to 1: own photos answered, answers right, strangers answered",
    _answers,
    _threshold_costs,
    (
        Mistake(
            "all answers",
            "Your second number is the accuracy of all answers; those below the threshold aren't given.",
            _other_rates(lambda share, right, named, own, **_: (share, float(own[1].mean()), named)),
            ("Which photos get an answer? Cross out the others.",),
        ),
        Mistake(
            "right ones of all photos",
            "Your second number is a share of all photos; that of the answers that are given is wanted.",
            _other_rates(lambda share, right, named, **_: (share, share * right, named)),
            ("How many answers are given? Divide by that.",),
        ),
        Mistake(
            "shrugs",
            "You count those that get a shrug; those with an answer are wanted.",
            _other_rates(lambda share, right, named, **_: (1 - share, right, 1 - named)),
            ("Does a higher threshold give more answers, or fewer?",),
        ),
        Mistake(
            "strangers with a shrug",
            "Your last number is the share of strangers that get a shrug.",
            _other_rates(lambda share, right, named, **_: (share, right, 1 - named)),
            ("What happens to a stranger above the threshold?",),
        ),
        Mistake(
            "above the threshold alone",
            "A probability equal to the threshold gets an answer too.",
            lambda own, strangers, threshold: _threshold_costs(own, strangers, threshold + 1),
            ("Is there one that's exactly at the threshold?",),
        ),
        Mistake(
            "strangers among all",
            "Your last number is a share of all photos with an answer; a share of the strangers is wanted.",
            _other_rates(
                lambda share, right, named, own, strangers, **_: (
                    share,
                    right,
                    named * len(strangers) / (named * len(strangers) + share * own.shape[1]),
                )
            ),
            ("How many strangers are there?",),
        ),
        Mistake(
            "in percent",
            "Those are percents; shares from 0 to 1 are wanted.",
            _other_rates(lambda share, right, named, **_: (100 * share, 100 * right, 100 * named)),
            ("Divide by 100.",),
        ),
        Mistake(
            "right answers alone",
            "Your first number leaves out wrong answers; they're given as well.",
            _other_rates(lambda share, right, named, **_: (share * right, right, named)),
            ("Does the classifier know which of its answers are wrong?",),
        ),
    ),
)


def _bursts(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0, 0, 1, 1]), 0.5, np.array([1, 0])
    yield np.array([2, 0, 1, 0, 2, 2, 1, 0]), 0.3, np.array([2, 0, 1])
    yield np.array([0, 1, 1, 1, 1, 2]), 0.45, np.array([0, 1, 2])
    for count, several in ((12, 4), (20, 6), (30, 9), (30, 9)):
        groups = np.concatenate([np.arange(several), rng.integers(0, several, size=count - several)])
        yield rng.permutation(groups), float(rng.uniform(0.25, 0.6)), rng.permutation(several)


def _split_groups(groups: Array, share: float, order: Array) -> Array:
    return np.isin(groups, order[: _enough(groups, share, order)])


def _enough(groups: Array, share: float, order: Array) -> int:
    """Return how many groups it takes."""
    sizes = np.cumsum([(groups == group).sum() for group in order])
    return int(np.argmax(sizes >= share * len(groups))) + 1


check_split_groups = Task(
    "split_groups",
    "Given the group of each image, groups (N,), as a burst of photos or all photos of one person, a share, "
    "and an order of the groups, each once. Whole groups are put aside in that order, until they hold at "
    "least this share of the images. Return (N,), true for the images that are put aside.",
    _split_groups,
    _bursts,
    (
        Mistake(
            "groups torn",
            "You put aside single images: photos of one burst are on both sides, and give the answers away.",
            lambda groups, share, order: np.arange(len(groups)) < share * len(groups),
            ("Are there groups with images on both sides?", "Choose groups, not images."),
        ),
        Mistake(
            "share of the groups",
            "You put aside a share of the groups; the share is that of the images, and groups differ in "
            "size.",
            lambda groups, share, order: np.isin(groups, order[: int(np.ceil(share * len(order)))]),
            ("How many images do your groups hold?",),
        ),
        Mistake(
            "share of the groups, rounded",
            "You put aside a share of the groups; the share is that of the images, and groups differ in "
            "size.",
            lambda groups, share, order: np.isin(groups, order[: round(share * len(order))]),
            ("How many images do your groups hold?",),
        ),
        Mistake(
            "too few",
            "You stop before the share is reached.",
            lambda groups, share, order: np.isin(groups, order[: _enough(groups, share, order) - 1]),
            ("At least, or at most?",),
        ),
        Mistake(
            "one too many",
            "You put aside one more group than it takes.",
            lambda groups, share, order: np.isin(groups, order[: _enough(groups, share, order) + 1]),
            ("When do you look whether there are enough: before a group is added, or after?",),
        ),
        Mistake(
            "the others",
            "True are those that stay; it should be those that are put aside.",
            lambda groups, share, order: ~_split_groups(groups, share, order),
            ("What does True mean here?",),
        ),
        Mistake(
            "by number",
            "You take the groups by their numbers, whatever `order` says.",
            lambda groups, share, order: _split_groups(groups, share, np.sort(order)),
            ("Where is `order` in your function?",),
        ),
        Mistake(
            "from the end",
            "You take the groups from the end of the order.",
            lambda groups, share, order: _split_groups(groups, share, order[::-1]),
            ("Which group comes first?",),
        ),
        Mistake(
            "first group",
            "Only the first group is put aside, whatever the share.",
            lambda groups, share, order: groups == order[0],
            ("Where is `share` in your function?",),
        ),
    ),
)


def _scores(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.log([[1.0, 9.0], [9.0, 1.0], [1.0, 9.0], [9.0, 1.0]]), np.array([1, 0, 1, 1]), [1.0, 0.5, 2.0]
    yield np.log([[2.0, 3.0], [3.0, 2.0], [2.0, 3.0]]), np.array([1, 0, 1]), [1.0, 2.0, 0.5]
    yield np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0, 1, 0]), [1.0, 2.0, 0.5]
    for scale in (0.3, 3.0, 0.6, 2.0):
        true = 2 * rng.normal(size=(30, 4))
        labels = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
        temperatures = rng.permutation([0.2, 0.3, 0.4, 0.5, 0.7, 0.85, 1.0, 1.3, 1.6, 2.0, 2.4, 3.0, 4.0])
        yield scale * true, labels, [float(t) for t in temperatures]


def _choose_temperature(logits: Array, labels: Array, temperatures: list[float]) -> float:
    return temperatures[int(np.argmin(_losses(logits, labels, temperatures)))]


def _losses(logits: Array, labels: Array, temperatures: list[float]) -> list[float]:
    return [learning.cross_entropy(logits / t, labels) for t in temperatures]


def _chosen(measure: Callable[..., float]) -> Callable[..., float]:
    """Return a choice of the temperature with the smallest measure of logits, labels and it."""

    def function(logits: Array, labels: Array, temperatures: list[float]) -> float:
        return min(temperatures, key=lambda t: measure(logits, labels, t))

    return function


def _of_labels(logits: Array, labels: Array, t: float) -> float:
    return float(-learning.softmax(logits / t)[np.arange(len(labels)), labels].mean())


def _of_winners(logits: Array, labels: Array, t: float) -> float:
    return float(-np.log(learning.softmax(logits / t).max(axis=1)).mean())


check_choose_temperature = Task(
    "choose_temperature",
    "Given logits (N, K) and labels (N,) of images that weren't trained on, and a list of temperatures. "
    "Logits are divided by a temperature before the softmax. Return the temperature of the list with the "
    "lowest mean cross-entropy.",
    _choose_temperature,
    _scores,
    (
        Mistake(
            "multiplied",
            "You multiply the logits by the temperature; divide them.",
            _chosen(lambda logits, labels, t: learning.cross_entropy(logits * t, labels)),
            ("Should a high temperature make answers surer, or less sure?",),
        ),
        Mistake(
            "highest loss",
            "You take the temperature with the highest loss.",
            _chosen(lambda logits, labels, t: -learning.cross_entropy(logits / t, labels)),
            ("min or max?",),
        ),
        Mistake(
            "by accuracy",
            "You choose by accuracy, which no temperature changes: the first one always wins.",
            lambda logits, labels, temperatures: temperatures[0],
            ("Does dividing change which logit is the highest?",),
        ),
        Mistake(
            "number in the list",
            "That's the place of the temperature in the list; the temperature itself is wanted.",
            lambda logits, labels, temperatures: int(np.argmin(_losses(logits, labels, temperatures))),
            ("What does np.argmin return?",),
        ),
        Mistake(
            "the loss itself",
            "That's the lowest loss; the temperature is wanted.",
            lambda logits, labels, temperatures: min(_losses(logits, labels, temperatures)),
            ("np.min or np.argmin?",),
        ),
        Mistake(
            "no logarithm",
            "You average the labels' probabilities; the cross-entropy takes their logarithms.",
            _chosen(_of_labels),
            ("-log(p), not -p.",),
        ),
        Mistake(
            "surest answers",
            "You look at the highest probability; the label's counts.",
            _chosen(_of_winners),
            ("Where are the labels in your function?",),
        ),
        Mistake(
            "one sum for all",
            "You add up the exponentials of all images; each image has a sum of its own.",
            _chosen(
                lambda logits, labels, t: float(
                    np.log(np.exp(logits / t).sum()) - (logits / t)[np.arange(len(labels)), labels].mean()
                )
            ),
            ("Over which axis do the classes of one image go?",),
        ),
        Mistake(
            "last one",
            "You return the last temperature that you tried; the best one is wanted.",
            lambda logits, labels, temperatures: temperatures[-1],
            ("What do you keep while you go through the list?",),
        ),
    ),
)


def _sure(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, False, True, True]), 5
    yield np.array([0.95, 0.85, 0.75, 0.3]), np.array([True, False, False, True]), 2
    yield np.array([1.0, 0.9, 0.6, 0.3]), np.array([False, False, True, False]), 2
    for count, bins in ((12, 4), (30, 10), (40, 5), (25, 8)):
        confidence = rng.uniform(0.2, 0.99, size=count)
        yield confidence, rng.random(count) < confidence**2, bins


def _calibration_error(confidence: Array, right: Array, bins: int) -> float:
    return _error(confidence, right, bins)


def _error(
    confidence: Array,
    right: Array,
    bins: int,
    *,
    gap: Callable[..., float] = lambda p, r, low, high: abs(r.mean() - p.mean()),
    join: Callable[..., float] = lambda gaps, counts: (gaps * counts).sum() / counts.sum(),
) -> float:
    gaps, counts = [], []
    for n in range(bins):
        inside = (confidence > n / bins) & (confidence <= (n + 1) / bins)
        if inside.any():
            gaps.append(gap(confidence[inside], right[inside], n / bins, (n + 1) / bins))
            counts.append(inside.sum())
    return float(join(np.array(gaps), np.array(counts)))


def _with(**change: Callable[..., float]) -> Callable[..., float]:
    return lambda confidence, right, bins: _error(confidence, right, bins, **change)


check_calibration_error = Task(
    "calibration_error",
    "Given how sure a network was of its answers, confidence (N,) between 0 and 1, which of them were right "
    "(N,), and the number of equally wide bins from 0 to 1. The gap of a bin is the difference between the "
    "share of its answers that were right and its mean confidence, without sign. No confidence lies where "
    "bins meet, and one of exactly 1 belongs into the last. Return the mean gap, each bin weighed by its "
    "answers.",
    _calibration_error,
    _sure,
    (
        Mistake(
            "bins weigh alike",
            "All bins that aren't empty weigh the same; one with 2 answers shouldn't count as one with 200.",
            _with(join=lambda gaps, counts: gaps.mean()),
            ("How many answers are in each bin?",),
        ),
        Mistake(
            "with sign",
            "Gaps of both signs cancel: a network that is too sure here and too modest there seems perfect.",
            _with(gap=lambda p, r, low, high: r.mean() - p.mean()),
            ("May your answer be negative?",),
        ),
        Mistake(
            "largest gap",
            "That's the largest gap; the mean is wanted.",
            _with(join=lambda gaps, counts: gaps.max()),
            ("Do the other bins change your answer?",),
        ),
        Mistake(
            "squares",
            "You square the gaps.",
            _with(gap=lambda p, r, low, high: (r.mean() - p.mean()) ** 2),
            ("What is a gap of 0.1, squared?",),
        ),
        Mistake(
            "one bin",
            "You take all answers together, as if there were one bin.",
            lambda confidence, right, bins: abs(right.mean() - confidence.mean()),
            ("Where is `bins` in your function?",),
        ),
        Mistake(
            "middle of the bin",
            "You compare with the middle of the bin; its answers' mean confidence is wanted.",
            _with(gap=lambda p, r, low, high: abs(r.mean() - (low + high) / 2)),
            ("How sure were the answers in this bin?",),
        ),
        Mistake(
            "answer by answer",
            "You compare each answer with its own confidence; an answer alone is right or wrong, never 70%.",
            lambda confidence, right, bins: np.abs(right - confidence).mean(),
            ("Of how many answers sure to 70% should 7 be right?",),
        ),
        Mistake(
            "divided by the bins",
            "You divide by the number of bins; divide by the number of answers.",
            _with(join=lambda gaps, counts: (gaps * counts).sum() / len(gaps)),
            ("Do the weights add up to 1?",),
        ),
        Mistake(
            "certain ones left out",
            "An answer with a confidence of exactly 1 is in none of your bins; it belongs into the last.",
            lambda confidence, right, bins: float(
                (sure := confidence < 1).mean() * _error(confidence[sure], right[sure], bins)
            ),
            ("Which bin gets 1.0: do your bins hold their upper end?",),
        ),
    ),
)
