"""State: all that a training changes, in one object that can be saved and taken up again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cnncourse._modules import device_of
from cnncourse.training.distributed import broadcast, distribute
from cnncourse.training.optimizers import create_optimizer
from cnncourse.training.precision import choose_dtype
from cnncourse.training.recipe import Recipe
from cnncourse.training.support import memory_format

if TYPE_CHECKING:
    from cnncourse.data import ImageSet

History = list[dict[str, Any]]


class State:
    """Weights, optimizer, averaged weights, number format and history of one training.

    Parameters
    ----------
    model : nn.Module
        The network, on its device; it is trained in place.
    recipe : Recipe
        How it is trained.
    train_set : ImageSet
        What it will learn from; the number format is chosen for batches of it.
    rates : mapping from str to float, optional
        How many times the recipe's learning rate parts of the model get, by their names in it, as in
        ``{"layer1": 0.1, "fc": 10.0}``: of a part within a part the longer name counts. The schedule
        multiplies all rates alike.

    Attributes
    ----------
    network : nn.Module
        What the loop calls: the model, or the model with its gradients averaged over processes.
    evaluated : nn.Module
        What is evaluated and saved: the averaged weights where the recipe asks for them, else the model.
    dtype : torch.dtype
        The format of the steps.
    peaks : list of float
        The largest learning rate of each of the optimizer's groups.
    history : list of dict
        One row for each epoch that is done.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        train_set: "ImageSet",
        rates: Mapping[str, float] | None = None,
    ) -> None:
        self.model, self.recipe = model, recipe
        model.to(memory_format=memory_format(recipe.channels_last))
        shape = (min(recipe.batch_size, len(train_set)), *train_set.shape)
        self.dtype: torch.dtype = broadcast(choose_dtype(recipe.dtype, model, shape, recipe.channels_last))
        self.optimizer = create_optimizer(model, recipe, rates)
        self.peaks: list[float] = [group["lr"] for group in self.optimizer.param_groups]
        # float16 has so small a range that gradients are scaled up before and down after the backward pass
        self.scaler = GradScaler(device_of(model).type, enabled=self.dtype == torch.float16)
        self.averaged: AveragedModel | None = None
        if recipe.averaging:
            average = get_ema_multi_avg_fn(recipe.averaging)  # type: ignore[no-untyped-call]
            self.averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self.network = distribute(model)
        self.history: History = []

    @property
    def evaluated(self) -> nn.Module:
        """The network whose accuracy counts."""
        return self.averaged.module if self.averaged is not None else self.model

    def state_dict(self) -> dict[str, Any]:
        """Return everything as tensors, numbers, strings, lists and dicts."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged is not None else None,
            "dtype": str(self.dtype).removeprefix("torch."),
            "history": self.history,
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, of the same network and recipe."""
        self.model.load_state_dict(values["model"])
        self.optimizer.load_state_dict(values["optimizer"])
        self.dtype = getattr(torch, values["dtype"])
        self.scaler = GradScaler(device_of(self.model).type, enabled=self.dtype == torch.float16)
        if values["scaler"]:
            self.scaler.load_state_dict(values["scaler"])
        if self.averaged is not None:
            self.averaged.load_state_dict(values["averaged"])
        self.history = list(values["history"])
