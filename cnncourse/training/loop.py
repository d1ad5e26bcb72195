"""The training loop, whole on one screen."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse._modules import device_of, evaluating
from cnncourse.training.batches import Batches, check_smallest_batch
from cnncourse.training.distributed import all_reduce, processes, rank
from cnncourse.training.evaluation import evaluate
from cnncourse.training.optimizers import learning_rate_at
from cnncourse.training.precision import autocast
from cnncourse.training.progress import Progress
from cnncourse.training.recipe import Recipe
from cnncourse.training.state import History, State
from cnncourse.training.support import (
    check_model,
    gradient_norm,
    hold_memory,
    seeded,
    start_training,
    wait_for,
    without_denormals,
)

if TYPE_CHECKING:
    from cnncourse.data import ImageSet


COLUMNS = (
    "epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate",
    "gradient_norm", "images_per_second", "seconds",
)  # fmt: skip


class DivergedError(RuntimeError):
    """The loss is no longer a number; what was learned before is in the history so far."""


@without_denormals()
def fit(
    model: nn.Module,
    train_set: "ImageSet",
    recipe: Recipe,
    validation: "ImageSet | None" = None,
    progress: bool | None = None,
    after_epoch: Callable[[History], None] | None = None,
    state: State | None = None,
) -> History:
    """Train `model` on `train_set` as `recipe` says, and return what happened in each epoch.

    Parameters
    ----------
    model : nn.Module
        Takes images (N, C, H, W) and returns logits (N, classes). It is trained in place, on the
        device where its parameters are. Parameters with ``requires_grad`` False stay as they are. A network
        in evaluation mode is put into training mode; within one in training mode, layers in evaluation
        mode stay so (``model.train()``, then ``model.layer1.eval()``: batch normalization and dropout of
        a frozen part).
    train_set : ImageSet
        The images to learn from.
    recipe : Recipe
        Epochs, optimizer, augmentation and the rest.
    validation : ImageSet, optional
        Evaluated after each epoch; nothing is learned from it.
    progress : bool, optional
        Whether to show a progress bar. By default there is one in a terminal and in a notebook,
        unless the environment variable CNNCOURSE_PROGRESS is 0.
    after_epoch : callable, optional
        Called with the history after each epoch, to save or to draw it.
    state : State, optional
        A training of the same `model` and `recipe` to go on with, after the epochs in its history; a new
        one may give parts of the model learning rates of their own: ``State(..., rates={"fc": 10.0})``.

    Returns
    -------
    list of dict
        One row an epoch: ``epoch``, ``train_loss``, ``train_accuracy`` (running means over the epoch,
        on augmented images, while the weights change), ``validation_loss``, ``validation_accuracy``
        (None without `validation`), ``learning_rate`` (at the last step), ``gradient_norm`` (mean over
        the steps), ``images_per_second``, ``seconds`` (of training and
        its set-up, without evaluation).

    Raises
    ------
    ValueError
        If a set is empty, the model does not take its images, it has too few outputs for the classes, or
            it cannot be trained on a last batch of one image.
    DivergedError
        If the loss becomes infinite or not a number.

    Examples
    --------
    >>> from cnncourse import data
    >>> images = data.load("digits").take(100)
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(8 * 8, 10))
    >>> history = fit(model, images, Recipe(epochs=2), progress=False)
    >>> [row["epoch"] for row in history]
    [1, 2]
    """
    start = time.perf_counter()
    hold_memory()
    check_model(model, train_set)
    if validation is not None:
        check_model(model, validation)
    state = state or State(model, recipe, train_set)
    batches = Batches(
        train_set,
        recipe.batch_size,
        recipe.crop,
        recipe.flip,
        recipe.seed,
        mean=recipe.mean,
        std=recipe.std,
        device=device_of(model),
        channels_last=recipe.channels_last,
        part=(rank(), processes()),
        augment=recipe.augment,
    )
    check_smallest_batch(model, batches)
    batches.epoch = done = len(state.history)
    with Progress(
        recipe.epochs * len(batches), progress if rank() == 0 else False, done * len(batches)
    ) as bar:
        for epoch in range(done + 1, recipe.epochs + 1):
            row = dict.fromkeys(COLUMNS) | {"epoch": epoch} | train_epoch(state, batches, bar)
            seconds = time.perf_counter() - start
            row |= {"images_per_second": len(train_set) / seconds, "seconds": seconds}
            if validation is not None and rank() == 0:
                found = evaluate(
                    state.evaluated, validation, mean=recipe.mean, std=recipe.std, dtype=state.dtype
                )
                row |= {f"validation_{name}": value for name, value in found.items()}
            state.history.append(row)
            if after_epoch is not None and rank() == 0:
                after_epoch(state.history)
            start = time.perf_counter()
    if state.evaluated is not model:
        model.load_state_dict(state.evaluated.state_dict())
    return state.history


def train_epoch(state: State, batches: Batches, bar: Progress) -> dict[str, float]:
    """Take one step a batch, over all batches once; return the epoch's row of the history."""
    recipe, optimizer, scaler, device = state.recipe, state.optimizer, state.scaler, batches.device
    total_steps = recipe.epochs * len(batches)
    first = batches.epoch * len(batches)
    count, loss_sum, correct, norm_sum, rate = 0, 0.0, 0, 0.0, 0.0
    start_training(state.model)
    with seeded(recipe.seed, batches.epoch, rank()):  # each process draws its own dropout
        for index, (images, labels) in enumerate(batches):  # (B, C, H, W), (B,)
            rate = learning_rate_at(recipe, first + index, total_steps)
            for group, peak in zip(optimizer.param_groups, state.peaks, strict=True):
                group["lr"] = learning_rate_at(recipe, first + index, total_steps, peak)
            with autocast(device, state.dtype):
                logits = state.network(images).float()  # (B, classes)
                loss = F.cross_entropy(
                    logits, labels_for(logits, labels), label_smoothing=recipe.label_smoothing
                )
            optimizer.zero_grad()
            # the mean over processes is the mean over images, even if one of them has an image more
            share = len(labels) * processes() / batches.count(index)
            scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            scaler.unscale_(optimizer)
            norm = gradient_norm(state.model)
            scaler.step(optimizer)
            scaler.update()
            if state.averaged is not None:
                state.averaged.update_parameters(state.model)

            # the last batch is smaller: each batch counts by its number of images
            count += len(labels)
            loss_sum += loss.item() * len(labels)
            correct += int((logits.argmax(dim=1) == heaviest(labels)).sum())
            norm_sum += norm if math.isfinite(norm) else 0.0
            if not math.isfinite(loss_sum) or not (math.isfinite(norm) or scaler.is_enabled()):
                raise DivergedError(
                    describe_divergence(loss.item(), norm, first + index, total_steps, recipe)
                )
            bar.step(loss_sum / count, correct / count)
    if batches.epoch == recipe.epochs:
        check_learned(state, images, total_steps)
    wait_for(device)
    images_seen, all_losses, all_correct = all_reduce((count, loss_sum, correct), device)
    return {
        "train_loss": all_losses / images_seen,
        "train_accuracy": all_correct / images_seen,
        "learning_rate": rate,
        "gradient_norm": norm_sum / len(batches),
    }


def labels_for(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the labels, shares of classes (B, classes) filled up to as many as there are logits."""
    return labels if labels.ndim == 1 else F.pad(labels, (0, logits.shape[1] - labels.shape[1]))


def heaviest(labels: torch.Tensor) -> torch.Tensor:
    """Return the class of each image, (B,): of a mixed one that with the larger share."""
    return labels if labels.ndim == 1 else labels.argmax(dim=1)


def check_learned(state: State, images: torch.Tensor, total_steps: int) -> None:
    """Raise if the last step broke the network: no further step would notice."""
    with evaluating(state.evaluated), torch.inference_mode(), autocast(images.device, state.dtype):
        if state.evaluated(images).isfinite().all():
            return
    rate = learning_rate_at(state.recipe, total_steps - 1, total_steps)
    raise DivergedError(
        f"the network's outputs are not finite after the last of {total_steps} steps, at learning rate "
        f"{rate:g}; {_advise(state.recipe)}"
    )


def describe_divergence(loss: float, norm: float, step: int, total_steps: int, recipe: Recipe) -> str:
    """Return what happened in step number `step` (from 0), and what to try."""
    rate = learning_rate_at(recipe, step, total_steps)
    what = f"the gradient's norm became {norm}" if math.isfinite(loss) else f"the loss became {loss}"
    return f"{what} in step {step + 1} of {total_steps}, at learning rate {rate:g}; {_advise(recipe)}"


def _advise(recipe: Recipe) -> str:
    """Return what to try after a training has diverged."""
    return f"try a learning_rate of {recipe.learning_rate / 10:g}, or a warmup"
