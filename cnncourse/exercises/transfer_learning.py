"""Exercises of the chapter on transfer learning: costs, features, a head, rates by depth, a broken judge."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

Array = np.ndarray


def _plan(rng: np.random.Generator) -> dict[str, int]:
    return {
        "features": int(rng.choice([384, 512, 768, 1280, 2048])),
        "classes": int(rng.integers(3, 25)),
        "photos": 10 * int(rng.integers(5, 60)),
        "epochs": int(rng.integers(5, 30)),
    }


def _head_and_passes(
    features: int,
    classes: int,
    photos: int,
    epochs: int,
    *,
    biases: int | None = None,
    copies: int = 2,
    extractions: int = 1,
    each: int = 3,
) -> tuple[int, int, int]:
    """Return the head's parameters, the passes of frozen features, and those that fine-tuning is worth."""
    biases = classes if biases is None else biases
    return features * classes + biases, copies * photos * extractions, each * epochs * photos


check_head_and_passes = Pencil(
    "head_and_passes",
    "the head's parameters, passes for frozen features, passes for fine-tuning",
    _plan,
    _head_and_passes,
    (
        Mistake(
            "no biases",
            "The head has biases, too.",
            partial(_head_and_passes, biases=0),
            ("What is added to each class's score?",),
        ),
        Mistake(
            "one bias",
            "Each class has a bias of its own; you count one for all.",
            partial(_head_and_passes, biases=1),
            ("What is added to each class's score?",),
        ),
        Mistake(
            "a bias for each feature",
            "You count a bias for each feature; each class has one.",
            lambda features, **plan: _head_and_passes(features, biases=features, **plan),
            ("How many scores come out?",),
        ),
        Mistake(
            "mirror images left out",
            "The mirrored photos have features of their own, and need a pass each.",
            partial(_head_and_passes, copies=1),
            ("How many images go through the network?",),
        ),
        Mistake(
            "frozen features in each epoch",
            "Frozen features don't change: one pass for each image, whatever the epochs.",
            lambda epochs, **plan: _head_and_passes(epochs=epochs, extractions=epochs, **plan),
            ("What would a second pass through frozen layers give?",),
        ),
        Mistake(
            "backward left out",
            "Fine-tuning goes backward, too, and that counts twice.",
            partial(_head_and_passes, each=1),
            ("What does a step of training do after the loss?",),
        ),
        Mistake(
            "backward counted once",
            "The way back is worth two forward passes; you count one.",
            partial(_head_and_passes, each=2),
            ("One forward, and two for the way back, are how many?",),
        ),
        Mistake(
            "one epoch",
            "That's one epoch of fine-tuning.",
            lambda epochs, **plan: _head_and_passes(epochs=1, **plan),
            ("How often does fine-tuning see each photo?",),
        ),
    ),
)


def _photos(rng: np.random.Generator) -> Iterator[Inputs]:
    for count, steps in ((2, 1), (4, 2), (5, 3), (5, 3)):
        images = rng.integers(-3, 4, size=(count, 1, 3, 3)).astype(float)
        labels = rng.integers(0, 3, size=count)
        seed, rate, decay = (
            int(rng.integers(1000)),
            float(rng.uniform(0.1, 0.3)),
            float(rng.uniform(0.1, 0.5)),
        )
        yield seed, images, labels, rate, decay, steps


def _fit_head(body: Any, head: Any, images: Any, labels: Any, rate: float, decay: float, steps: int) -> Any:
    return _fit(body, head, images, labels, rate, decay, steps)


def _fit(
    body: Any,
    head: Any,
    images: Any,
    labels: Any,
    rate: float,
    decay: float,
    steps: int,
    *,
    mode: str = "eval",
    learns: str = "head",
    decayed: str = "weight",
    softmax: bool = False,
    zero: bool = True,
    early: bool = False,
    penalty: bool = False,
) -> Any:
    """Fit a head, rightly or with a bug in one place."""
    import torch
    import torch.nn.functional as F

    def loss_of(x: Any) -> Any:
        scores = head(x)
        return F.cross_entropy(scores.softmax(dim=1) if softmax else scores, labels)

    body.train(mode != "eval")
    with torch.no_grad():
        features = body(images)
    groups = [
        {"params": [head.weight], "weight_decay": decay if "weight" in decayed else 0.0},
        {"params": [head.bias], "weight_decay": decay if "bias" in decayed else 0.0},
    ]
    if learns == "both":
        groups.append({"params": list(body.parameters())})
    optimizer = torch.optim.SGD(groups, lr=rate)
    loss = loss_of(features)
    for _ in range(steps):
        if mode == "train at each step" or learns != "head":
            with torch.set_grad_enabled(learns != "head"):
                features = body(images)
        loss = loss_of(features)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        features = body(images) if learns == "both" else features
        last = loss if early else F.cross_entropy(head(features), labels)
        return float(last + decay / 2 * (head.weight**2).sum() * penalty)


check_fit_head = Task(
    "fit_head",
    "Given a network's body and a new head, an nn.Linear, with images, labels, a rate, a decay and a number "
    "of steps. Train the head alone: each step is plain SGD on all images, by their mean cross-entropy, "
    "with weight decay, as torch.optim.SGD has it, on the head's weight and none on its bias. The body "
    "comes in training mode. It's frozen: neither its weights nor its running statistics change, and no "
    "gradients are computed for it. Return the mean cross-entropy after the last step, without the decay.",
    _fit_head,
    _photos,
    (
        Mistake(
            "body learns",
            "The body's weights change: the optimizer has them too.",
            partial(_fit, learns="both"),
            ("Which parameters does your optimizer hold?", "head.parameters()"),
        ),
        Mistake(
            "gradients of the body",
            "The body's weights stay, but gradients are computed for them at every step, and thrown away.",
            partial(_fit, learns="gradients"),
            ("What does torch record while the images go through the body?", "torch.no_grad()"),
        ),
        Mistake(
            "statistics move",
            "The body is in training mode: its batch norm uses these images' statistics, and changes its "
            "own.",
            partial(_fit, mode="train"),
            ("Running averages aren't weights. When do they move?", "body.eval()"),
        ),
        Mistake(
            "statistics move at each step",
            "The body is in training mode: its batch norm changes its running statistics at every step.",
            partial(_fit, mode="train at each step"),
            ("Running averages aren't weights. When do they move?", "body.eval()"),
        ),
        Mistake(
            "decay on the bias",
            "The bias decays too. It's only the level of a class, and nothing is gained if it's small.",
            partial(_fit, decayed="weight and bias"),
            ("To which of the head's parameters does weight_decay belong?", "Two groups of parameters."),
        ),
        Mistake(
            "no decay",
            "The weight doesn't decay.",
            partial(_fit, decayed=""),
            ("Where is `decay` in your function?",),
        ),
        Mistake(
            "decay on the bias alone",
            "The bias decays and the weight doesn't; it's the other way around.",
            partial(_fit, decayed="bias"),
            ("Which of your groups is which?",),
        ),
        Mistake(
            "softmax first",
            "You take the softmax of the scores; F.cross_entropy has one inside, so it's applied twice.",
            partial(_fit, softmax=True),
            ("What does F.cross_entropy want: scores, or probabilities?",),
        ),
        Mistake(
            "no zero_grad",
            "Gradients are never set to zero: each step adds those of all steps before.",
            partial(_fit, zero=False),
            ("What does backward do with a .grad that is there already?",),
        ),
        Mistake(
            "loss before the last step",
            "That's the loss before the last step; the one after it is wanted.",
            partial(_fit, early=True),
            ("Of which weights is the loss that you return?",),
        ),
        Mistake(
            "loss with the decay",
            "What you return has the decay in it; the cross-entropy alone is wanted.",
            partial(_fit, penalty=True),
            ("With weight decay in the optimizer, does the loss need it too?",),
        ),
    ),
    by_hand=False,
    adapter="fit_head",
    parts=(
        "the loss",
        "the head's weight",
        "the head's bias",
        "the body's weights",
        "the body's running statistics",
        "Are gradients computed for the body?",
    ),
    setting="body, head = cnncourse.exercises.with_torch.small_body(seed), small_head(seed)",
)


def _features(rng: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[1.0], [3.0]]), np.array([[2.0], [6.0]])
    yield np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([[2.0, 2.0]])
    for train, test, D in ((3, 2, 3), (4, 4, 4), (6, 3, 2)):
        yield rng.normal(1, 2, size=(train, D)), rng.normal(3, 1, size=(test, D))


def _standardize(train: Array, test: Array) -> tuple[Array, Array]:
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


def _by(choose: Any, axis: int | None = 0, ddof: int = 0, power: int = 1) -> Any:
    """Return a standardization by statistics of what `choose` makes of both sets."""

    def function(train: Array, test: Array) -> Any:
        results = []
        for values, of in zip((train, test), choose(train, test), strict=True):
            mean, std = of.mean(axis=axis, keepdims=True), of.std(axis=axis, keepdims=True, ddof=ddof)
            results.append((values - mean) / np.where(std == 0, 1e-12, std) ** power)
        return tuple(results)

    return function


check_standardize = Task(
    "standardize",
    "Given features of training images, train (N, D), and of test images, test (M, D). Bring every feature "
    "to mean 0 and standard deviation 1 over the training images, and treat the test images the same way. "
    "Return train, test.",
    _standardize,
    _features,
    (
        Mistake(
            "test by its own statistics",
            "The test features are standardized by their own mean and deviation; they get those of training.",
            _by(lambda train, test: (train, test)),
            ("What would become of a single test image?",),
        ),
        Mistake(
            "leak",
            "Mean and deviation are taken over both sets: what is known of the test images leaks into "
            "training.",
            _by(lambda train, test: (np.concatenate([train, test]),) * 2),
            ("Would you have the test images on the day when you train?",),
        ),
        Mistake(
            "all by the test set",
            "Mean and deviation are those of the test set.",
            _by(lambda train, test: (test, test)),
            ("Would you have the test images on the day when you train?",),
        ),
        Mistake(
            "one for all features",
            "There is one mean and one deviation for all features; each has its own.",
            _by(lambda train, test: (train, train), axis=None),
            ("How many means are there for 1,280 features?",),
        ),
        Mistake(
            "each image by itself",
            "Each image is standardized over its features; each feature should be, over the images.",
            _by(lambda train, test: (train, test), axis=1),
            ("Along which axis lie the images?",),
        ),
        Mistake(
            "n minus one",
            "You divide by n - 1 in the variance; np.std divides by n, and so do we here.",
            _by(lambda train, test: (train, train), ddof=1),
            ("ddof",),
        ),
        Mistake(
            "variance",
            "You divide by the variance; its root is missing.",
            _by(lambda train, test: (train, train), power=2),
            ("What is the deviation of your result?",),
        ),
        Mistake(
            "mean left",
            "The mean isn't subtracted.",
            lambda train, test: (train / train.std(axis=0), test / train.std(axis=0)),
            ("What is the mean of your result?",),
        ),
        Mistake(
            "test left",
            "The test features are as they were.",
            lambda train, test: (_standardize(train, test)[0], test),
            ("A head that learned from standardized features gets what in the test?",),
        ),
    ),
)


def _depths(rng: np.random.Generator) -> Iterator[Inputs]:
    yield 1, 1.0, 0.5, 10.0
    yield 3, 1.0, 0.5, 10.0
    for parts in (4, 6, 9):
        rate, decay = float(rng.uniform(1e-3, 1e-1)), float(rng.uniform(0.3, 0.9))
        yield parts, rate, decay, float(rng.uniform(2, 20))


def _depth_rates(parts: int, rate: float, decay: float, head: float) -> Array:
    return np.array([*(rate * decay ** (parts - 1 - np.arange(parts))), rate * head])


check_depth_rates = Task(
    "depth_rates",
    "Given the number of a network's parts, a rate, a decay and how many times as fast the head learns. The "
    "last part learns at this rate, each part before at decay times that of the one after it, and the head "
    "at head times the rate. Return the rates from the first part to the head, (parts + 1,).",
    _depth_rates,
    _depths,
    (
        Mistake(
            "turned round",
            "The first part learns fastest; it should change least.",
            lambda parts, rate, decay, head: np.array([*(rate * decay ** np.arange(parts)), rate * head]),
            ("Which parts are useful for any photo?",),
        ),
        Mistake(
            "last part slowed",
            "The last part is slowed too; it learns at the rate itself.",
            lambda parts, rate, decay, head: np.array(
                [*(rate * decay ** (parts - np.arange(parts))), rate * head]
            ),
            ("How many parts come after the last one?",),
        ),
        Mistake(
            "from the head",
            "The parts' rates fall from the head's; they fall from `rate`.",
            lambda parts, rate, decay, head: np.array(
                [*(head * rate * decay ** (parts - np.arange(parts))), rate * head]
            ),
            ("At which rate does the last part learn?",),
        ),
        Mistake(
            "in even steps",
            "The rates rise by even steps; each is a fixed share of the one after it.",
            lambda parts, rate, decay, head: np.array(
                [*(rate * (1 - (1 - decay) * (parts - 1 - np.arange(parts)))), rate * head]
            ),
            ("Halve 1, then halve what is left.",),
        ),
        Mistake(
            "head added",
            "You add `head` to the rate; it multiplies it.",
            lambda parts, rate, decay, head: np.array(
                [*_depth_rates(parts, rate, decay, 1)[:-1], rate + head]
            ),
            ("Ten times as fast is how fast?",),
        ),
        Mistake(
            "head at its own rate",
            "The head's rate is `head` itself; it's that many times the rate.",
            lambda parts, rate, decay, head: np.array([*_depth_rates(parts, rate, decay, 1)[:-1], head]),
            ("Ten times as fast as what?",),
        ),
        Mistake(
            "one for all",
            "All parts learn at the same rate.",
            lambda parts, rate, decay, head: np.array([*np.full(parts, rate), rate * head]),
            ("Where is `decay` in your function?",),
        ),
        Mistake(
            "no head",
            "The head's rate is missing.",
            lambda parts, rate, decay, head: _depth_rates(parts, rate, decay, head)[:-1],
            ("How many rates are there for 3 parts and a head?",),
        ),
        Mistake(
            "divided",
            "You divide by the decay: early parts would learn faster.",
            lambda parts, rate, decay, head: np.array(
                [*(rate / decay ** (parts - 1 - np.arange(parts))), rate * head]
            ),
            ("Is decay above 1 or below?",),
        ),
    ),
)


def _divided(rng: np.random.Generator) -> Iterator[Inputs]:
    whole = np.array([[0.0, 1.0], [2.0, 5.0], [4.0, 3.0], [6.0, 9.0], [1.0, 8.0], [7.0, 2.0]])
    yield whole, np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 2, 2])
    for count, D, classes, folds in ((9, 2, 2, 3), (12, 3, 3, 2), (15, 4, 3, 3)):
        labels = np.arange(count) % classes
        divided = np.arange(count) // classes % folds  # each class in each fold
        order = rng.permutation(count)
        yield rng.normal(2, 3, size=(count, D)), labels[order], divided[order]


check_hidden_distances = Task.broken(
    "hidden_distances",
    "Given features (N, D), labels (N,), and the number of each photo's fold, (N,). Hide one fold after the "
    "other. Standardize by mean and deviation of the photos that aren't hidden, take the mean of each class "
    "over them, and measure each hidden photo's squared distance to each class's mean. Return the "
    "distances, (N, classes).",
    '''
def hidden_distances(features, labels, folds):
    """Return each photo's distance to each class, from photos of other folds."""
    classes = np.unique(labels)
    found = np.zeros((len(features), len(classes)))
    for fold in np.unique(folds):
        hidden, rest = folds == fold, folds != fold
        known, asked = features[rest], features[hidden]
        center, spread = known.mean(axis=0), known.std(axis=0)
        known, asked = (known - center) / spread, (asked - center) / spread
        means = [known[labels[rest] == c].mean(axis=0) for c in classes]
        found[hidden] = ((asked[:, None] - np.stack(means)) ** 2).sum(axis=2)
    return found
''',
    _divided,
    (
        Bug(
            "hidden photos known",
            "rest = folds == fold, folds != fold",
            "rest = folds == fold, folds >= 0",
            "Give one photo another label, and its own distances change. It should never have been seen.",
            (
                "Whose labels may a photo's distances depend on?",
                "Which photos are in the class means?",
            ),
        ),
        Bug(
            "scale of all photos",
            "center, spread = known.mean(axis=0), known.std(axis=0)",
            "center, spread = features.mean(axis=0), features.std(axis=0)",
            "Move one photo far away, and distances of others in its fold change. They shouldn't know it.",
            ("Which photos decide the scale?", "Would you have the hidden photos on the day of training?"),
        ),
        Bug(
            "asked by their own scale",
            "(asked - center) / spread",
            "(asked - asked.mean(axis=0)) / asked.std(axis=0)",
            "Move all hidden photos by the same amount, and their distances stay.",
            ("What would become of a single hidden photo?",),
        ),
        Bug(
            "classes run together",
            "labels[rest] == c",
            "labels[rest] >= c",
            "The last class is right; the means of those before it take in other classes.",
            ("Print the first photo's class means. Whose photos are in them?",),
        ),
        Bug(
            "asked not scaled",
            "(asked - center) / spread",
            "asked",
            "Multiply all features by ten, and the distances change, as if grams weren't kilograms.",
            ("Which photos are on which scale?",),
        ),
        Bug(
            "root missing",
            "known.std(axis=0)",
            "known.var(axis=0)",
            "Multiply all features by ten, and the distances shrink.",
            ("What is the deviation of the standardized photos?",),
        ),
        Bug(
            "not squared",
            "(asked[:, None] - np.stack(means)) ** 2",
            "abs(asked[:, None] - np.stack(means))",
            "A photo that lies off by 3 and 4 is at 7, and not at 25.",
            ("How far is it from (0, 0) to (3, 4)?",),
        ),
        Bug(
            "mean over features",
            ".sum(axis=2)",
            ".mean(axis=2)",
            "A photo that lies off by 3 and 4 is at 12.5, and not at 25.",
            ("How far is it from (0, 0) to (3, 4)?",),
        ),
        Bug(
            "a fold left out",
            "for fold in np.unique(folds):",
            "for fold in np.unique(folds)[1:]:",
            "Some photos are at a distance of 0 from every class.",
            ("Which photos were never hidden?",),
        ),
    ),
)
