"""Exercises of the chapter on training, with torch: the loop of an epoch, and the accuracy of a network."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cnncourse.exercises.program import Bug
from cnncourse.exercises.task import Inputs, Mistake, Task

MODEL = "model = cnncourse.exercises.with_torch.small_network(seed)"


def _images(rng: np.random.Generator, count: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Return a network's seed, images of whole numbers, and labels."""
    images = rng.integers(-3, 4, size=(count, 1, 3, 3)).astype(float)
    return int(rng.integers(1000)), images, rng.integers(0, 3, size=count)


def _epochs(rng: np.random.Generator) -> Iterator[Inputs]:
    for count, batch_size in ((4, 2), (5, 2), (7, 3), (5, 4), (7, 3)):
        seed, images, labels = _images(rng, count)
        yield seed, images, labels, float(rng.uniform(0.05, 0.2)), batch_size, rng.permutation(count)


def _train_epoch(model: Any, images: Any, labels: Any, optimizer: Any, batch_size: int, order: Any) -> Any:
    return _epoch(model, images, labels, optimizer, batch_size, order)


def _epoch(
    model: Any,
    images: Any,
    labels: Any,
    optimizer: Any,
    batch_size: int,
    order: Any,
    *,
    train: bool = True,
    zero: str = "before",
    step: str = "each",
    shuffled: str = "both",
    softmax: bool = False,
    whole: bool = False,
    result: str = "images",
) -> Any:
    """Train for an epoch, rightly or with a bug in one place."""
    import torch.nn.functional as F

    if train:
        model.train()
    if zero == "once":
        optimizer.zero_grad()
    losses, counts = [], []
    for start in range(0, len(images), batch_size):
        batch = order[start : start + batch_size]
        if whole and len(batch) < batch_size:
            break
        place = slice(start, start + len(batch))
        x = images[place] if shuffled == "neither" else images[batch]
        t = labels[batch] if shuffled == "both" else labels[place]
        scores = model(x)
        loss: Any = F.cross_entropy(scores.softmax(dim=1) if softmax else scores, t)
        if zero == "before":
            optimizer.zero_grad()
        loss.backward()
        if zero == "after":
            optimizer.zero_grad()
        if step == "each":
            optimizer.step()
        if zero == "end":
            optimizer.zero_grad()
        losses.append(loss if result == "graph" else loss.item())
        counts.append(len(batch))
    if step == "once":
        optimizer.step()
    if result in ("images", "graph"):
        return sum(loss * n for loss, n in zip(losses, counts, strict=True)) / sum(counts)
    return {"batches": sum(losses) / len(losses), "sum": sum(losses), "last": losses[-1]}[result]


OLD_GRADIENTS = Mistake(
    "old gradients",
    "The gradients that the model came with go into the first step; you set them to zero after each step.",
    partial(_epoch, zero="end"),
    ("What is in .grad when the first batch's backward begins?",),
)

check_train_epoch = Task(
    "train_epoch",
    "Given a model, images, labels, an optimizer, a batch_size and an order, a permutation of the images' "
    "numbers. Train for one epoch by the cross-entropy: take the images in that order, batch_size at a time; "
    "the last batch may have fewer. The model may come in evaluation mode, and with old gradients. "
    "Return the mean loss of all images, each as it was when its batch came.",
    _train_epoch,
    _epochs,
    (
        Mistake(
            "no zero_grad",
            "Gradients are never set to zero: each batch's are added to all before.",
            partial(_epoch, zero="never"),
            ("What does backward do with a .grad that is there already?", "optimizer.zero_grad()"),
        ),
        Mistake(
            "zero_grad once",
            "Gradients are set to zero before the first batch alone; every batch needs it.",
            partial(_epoch, zero="once"),
            ("What is in .grad when the second batch's backward begins?",),
        ),
        OLD_GRADIENTS,
        Mistake(
            "zero_grad after backward",
            "You set the gradients to zero between backward and step, so the step has nothing to go by.",
            partial(_epoch, zero="after"),
            ("Which of the three lines makes gradients, and which uses them?",),
        ),
        Mistake(
            "no step",
            "The weights don't change: the optimizer's step is missing.",
            partial(_epoch, step="never"),
            ("backward computes gradients. Who changes the weights?",),
        ),
        Mistake(
            "one step",
            "The optimizer steps once, after the loop; it steps after every batch.",
            partial(_epoch, step="once"),
            ("How far is the step indented?",),
        ),
        Mistake(
            "softmax first",
            "You take the softmax of the scores; F.cross_entropy has one inside, so it's applied twice.",
            partial(_epoch, softmax=True),
            ("What does F.cross_entropy want: scores, or probabilities?",),
        ),
        Mistake(
            "last batch dropped",
            "A last batch that isn't full is left out, and its images are never seen in this epoch.",
            partial(_epoch, whole=True),
            ("How many batches of 2 do 5 images make?", "range(0, len(images), batch_size)"),
        ),
        Mistake(
            "not in order",
            "You take the images as they lie and leave `order` aside: nothing is shuffled.",
            partial(_epoch, shuffled="neither"),
            ("Where is `order` in your loop?",),
        ),
        Mistake(
            "labels of other images",
            "The images come in order, and the labels as they lie: images get labels of others.",
            partial(_epoch, shuffled="images"),
            ("Which numbers pick the labels of a batch?",),
        ),
        Mistake(
            "no train mode",
            "The model stays in evaluation mode: batch norm normalizes by its running statistics.",
            partial(_epoch, train=False),
            ("In which mode did the last evaluation leave the model?", "model.train()"),
        ),
        Mistake(
            "mean of the batches",
            "You average the batches' losses as if all had the same number of images.",
            partial(_epoch, result="batches"),
            ("For how many images does the last batch's loss stand?", "Weigh each loss by its images."),
        ),
        Mistake(
            "sum of the batches",
            "That's the sum of the batches' losses; the mean over the images is wanted.",
            partial(_epoch, result="sum"),
            ("Should the loss double when there are twice as many images?",),
        ),
        Mistake(
            "last loss",
            "That's the last batch's loss; the mean of all images is wanted.",
            partial(_epoch, result="last"),
            ("What becomes of the losses of the other batches?",),
        ),
        Mistake(
            "loss with its graph",
            "What you return still holds the graph of every batch, and so all that was computed in the "
            "epoch.",
            partial(_epoch, result="graph"),
            ("What is a loss, apart from a number?", "loss.item()"),
        ),
    ),
    by_hand=False,
    adapter="train_epoch",
    parts=(
        "the loss",
        "the number of steps",
        "the weights afterwards",
        "the running statistics afterwards",
        "Does what you return hold a graph?",
    ),
    setting=f"{MODEL}; SGD with this rate and momentum 0.9",
)  # fmt: skip


_broken = Task.broken(
    "epoch",
    "Given a model, images, labels, an optimizer, a batch_size and an order, a permutation of the images' "
    "numbers. Train for one epoch by the cross-entropy, batch_size images at a time in that order, whatever "
    "mode the model comes in and whatever gradients it has. Return the mean loss of all images, each as it "
    "was when its batch came.",
    '''
def epoch(model, images, labels, optimizer, batch_size, order):
    """Train for one epoch, and return the mean loss of all images."""
    model.train()
    total = 0.0
    for start in range(0, len(images), batch_size):
        batch = order[start : start + batch_size]
        x, t = images[batch], labels[batch]
        loss = F.cross_entropy(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    return total / len(images)
''',
    _epochs,
    (
        Bug(
            "no zero_grad",
            "        optimizer.zero_grad()\n        loss.backward()",
            "        loss.backward()",
            "The first step is right if there are no old gradients, and every later one is too long.",
            ("Print the gradient of one weight before and after each step.", "Who sets it to zero?"),
        ),
        Bug(
            "zero_grad after backward",
            "optimizer.zero_grad()\n        loss.backward()",
            "loss.backward()\n        optimizer.zero_grad()",
            "Steps are made, and no weight changes.",
            ("Print the gradient of one weight right before the step.",),
        ),
        Bug(
            "no step",
            "        optimizer.step()\n        total",
            "        total",
            "No step is ever made.",
            ("backward computes gradients. Who changes the weights?",),
        ),
        Bug(
            "labels of other images",
            "labels[batch]",
            "labels[start : start + batch_size]",
            "It's right if the order is 0, 1, 2 and so on, and otherwise learns nothing.",
            ("Print the labels of one batch, and look at its images.",),
        ),
        Bug(
            "last batch dropped",
            "range(0, len(images), batch_size)",
            "range(0, len(images) - batch_size + 1, batch_size)",
            "With 5 images and batches of 2, the loss is too small, and one step is missing.",
            ("Print the length of every batch.",),
        ),
        Bug(
            "the first batch again",
            "order[start : start + batch_size]",
            "order[:batch_size]",
            "The loss falls fast, and most images are never seen.",
            ("Print the numbers of the images in every batch.",),
        ),
        Bug(
            "evaluation mode",
            "model.train()",
            "model.eval()",
            "The running statistics of batch norm never move.",
            ("When does batch norm use the batch's own mean?",),
        ),
        Bug(
            "softmax twice",
            "model(x), t",
            "model(x).softmax(dim=1), t",
            "The loss can't fall below 0.55 with three classes, however right the answers are.",
            ("What does F.cross_entropy do with its first argument?",),
        ),
        Bug(
            "full batches",
            "loss.item() * len(batch)",
            "loss.item() * batch_size",
            "With 5 images and batches of 2, the loss is too large, though all weights are right.",
            ("For how many images does the last batch's loss stand?",),
        ),
        Bug(
            "mean of the batches",
            "total += loss.item() * len(batch)\n    return total / len(images)",
            "total += loss.item() / len(range(0, len(images), batch_size))\n    return total",
            "With 4 images and batches of 2 it's right; with 5, the loss is off and the weights are right.",
            ("For how many images does the last batch's loss stand?",),
        ),
        Bug(
            "graphs kept",
            "loss.item() * len(batch)",
            "loss * len(batch)",
            "All numbers are right, and memory fills up until the epoch ends.",
            ("What is a loss, apart from a number?",),
        ),
    ),
    (
        OLD_GRADIENTS,
        Mistake(
            "not in order",
            "It takes the images as they lie, whatever the order.",
            partial(_epoch, shuffled="neither"),
            ("Give it an order that isn't 0, 1, 2, 3, 4, and print the labels of one batch.",),
        ),
    ),
)
check_epoch = replace(
    _broken,
    by_hand=False,
    adapter=check_train_epoch.adapter,
    parts=check_train_epoch.parts,
    setting=check_train_epoch.setting,
)


def _measured(rng: np.random.Generator) -> Iterator[Inputs]:
    for count, batch_size in ((4, 4), (5, 2), (7, 3), (9, 4), (7, 3), (11, 4)):
        yield *_images(rng, count), batch_size


def _accuracy(model: Any, images: Any, labels: Any, batch_size: int) -> Any:
    return _share(model, images, labels, batch_size)


def _share(
    model: Any,
    images: Any,
    labels: Any,
    batch_size: int,
    *,
    evaluates: bool = True,
    restores: bool = True,
    records: bool = False,
    at_once: bool = False,
    whole: bool = False,
    axis: int = 1,
    result: str = "images",
) -> Any:
    """Return the accuracy, rightly or with a bug in one place."""
    import torch

    if evaluates:
        model.eval()
    right, counts = [], []
    step = len(images) if at_once else batch_size
    with torch.set_grad_enabled(records):
        for start in range(0, len(images), step):
            x, t = images[start : start + step], labels[start : start + step]
            if whole and len(x) < step:
                break
            right.append(int((model(x).argmax(dim=axis) == t).sum()))
            counts.append(len(x))
    if restores:
        model.train()
    shares = [n / count for n, count in zip(right, counts, strict=True)]
    return {
        "images": sum(right) / len(images),
        "batches": sum(shares) / len(shares),
        "count": sum(right),
        "seen": sum(right) / sum(counts) if counts else 0.0,
        "percent": 100 * sum(right) / len(images),
        "wrong": 1 - sum(right) / len(images),
    }[result]


check_accuracy = Task(
    "accuracy",
    "Given a model in training mode, images, labels and a batch_size, the most images to be put through the "
    "model at a time. Measure as one evaluates, record no gradients, and leave the model as it came. "
    "Return the share of images whose highest score is at the right class.",
    _accuracy,
    _measured,
    (
        Mistake(
            "no eval",
            "The model answers in training mode: batch norm uses the batch's statistics, and changes its "
            "own.",
            partial(_share, evaluates=False),
            ("Does an image's answer depend on its neighbors in the batch?", "model.eval()"),
        ),
        Mistake(
            "left in evaluation mode",
            "The model is left in evaluation mode; the next epoch would train it so.",
            partial(_share, restores=False),
            ("In which mode did the model come?", "model.train()"),
        ),
        Mistake(
            "gradients recorded",
            "torch records a graph for gradients that nobody asks for. That takes memory and time.",
            partial(_share, records=True),
            ("Will you call backward?", "torch.no_grad()"),
        ),
        Mistake(
            "mean of the batches",
            "You average the batches' accuracies as if all had the same number of images.",
            partial(_share, result="batches"),
            ("For how many images does the last batch's accuracy stand?", "Count the right ones."),
        ),
        Mistake(
            "last batch dropped",
            "A last batch that isn't full is left out, and its images count as wrong.",
            partial(_share, whole=True),
            ("How many batches of 2 do 5 images make?",),
        ),
        Mistake(
            "full batches alone",
            "A last batch that isn't full is left out, and its images don't count.",
            partial(_share, whole=True, result="seen"),
            ("How many batches of 2 do 5 images make?",),
        ),
        Mistake(
            "all at once",
            "All images go through the model at once, more than batch_size.",
            partial(_share, at_once=True),
            ("How much memory do 50,000 images take?",),
        ),
        Mistake(
            "wrong axis",
            "argmax looks for the best image of each class; it should look for the best class of each image.",
            partial(_share, axis=0),
            ("What are the two axes of the scores?",),
        ),
        Mistake(
            "a number of images",
            "That's how many are right; the share is wanted.",
            partial(_share, result="count"),
            ("Divide by what?",),
        ),
        Mistake(
            "percent",
            "That's in percent; a share between 0 and 1 is wanted.",
            partial(_share, result="percent"),
            ("What is the largest answer that is possible?",),
        ),
        Mistake(
            "error",
            "That's the share of wrong answers; that of right ones is wanted.",
            partial(_share, result="wrong"),
            ("== or !=?",),
        ),
    ),
    by_hand=False,
    adapter="accuracy",
    parts=(
        "the accuracy",
        "Are gradients recorded?",
        "Are there at most batch_size images at a time?",
        "Is the model in training mode afterwards?",
        "the running statistics afterwards",
    ),
    setting=MODEL,
)
