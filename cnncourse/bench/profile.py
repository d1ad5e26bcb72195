"""Where the time of a step goes: each operation of torch, by what it is for."""

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from cnncourse.models import SpeedNet
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.speedrun import SpeedOptimizer, train_step
from cnncourse.training.support import hold_memory

KINDS = {  # by parts of torch's names of operations; the first that fits
    "convolutions": ("conv", "aten::mm", "as_strided", "constant_pad"),
    "pooling": ("max_pool", "aten::amax", "fill_", "zero"),
    "batch normalization": ("batch_norm",),
    "activations": ("silu",),
}
OPTIMIZER = "optimizer"
OTHER = "everything else"


def profile_step(
    recipe: SpeedRecipe, size: int, dtype: torch.dtype = torch.float32, steps: int = 5
) -> dict[str, float]:
    """Return the seconds of one step of a speedrun, by what they are spent on.

    Random images are trained on, on the CPU; some steps before the measured ones set all going. The profiler
    itself makes short operations longer, so that the sum is more than a step takes without it.

    Parameters
    ----------
    recipe : SpeedRecipe
        Its network, loss, rules and batch size are taken.
    size : int
        Pixels a side of the images.
    dtype : torch.dtype
        The format of convolutions and matrix products.
    steps : int
        How many are measured; the result is their mean.

    Returns
    -------
    dict from str to float
        Seconds by kind, the most first: of forward and backward pass together, and of the optimizer.
    """
    hold_memory()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = SpeedNet(**recipe.options).to(memory_format=torch.channels_last).train()
        x = (
            torch.randn(recipe.batch_size, 3, size, size)
            .to(dtype)
            .contiguous(memory_format=torch.channels_last)
        )
        labels = torch.randint(10, (recipe.batch_size,))
    optimizer = _Named(model, recipe)

    def step() -> None:
        train_step(model, optimizer, x, labels, recipe, dtype, share=0.0)

    for _ in range(3):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(steps):
            step()
    seconds: dict[str, float] = {}
    for event in found.events():
        kind = _kind(event)
        seconds[kind] = seconds.get(kind, 0.0) + event.self_cpu_time_total / 1e6 / steps
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


class _Named(SpeedOptimizer):
    """The optimizer, by its name in the profile."""

    def step(self, share: float) -> None:
        with record_function(OPTIMIZER):
            super().step(share)


def _kind(event: torch.autograd.profiler_util.FunctionEvent) -> str:
    """Return what an operation is for: by what it is called, or by what called it."""
    names = []
    above: torch.autograd.profiler_util.FunctionEvent | None = event
    while above is not None:
        names.append(above.name)
        above = above.cpu_parent
    if OPTIMIZER in names:
        return OPTIMIZER
    for name in names:
        for kind, parts in KINDS.items():
            if any(part in name for part in parts):
                return kind
    return OTHER
