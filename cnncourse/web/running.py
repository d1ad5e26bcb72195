"""The engine's operations in torch: what each step of a network is to give, to check the engine by."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from cnncourse.web.graph import Step

Maps = list[torch.Tensor]


def run_steps(steps: Sequence[Step], images: torch.Tensor) -> list[torch.Tensor]:
    """Return what each step gives for some images.

    Parameters
    ----------
    steps : sequence of Step
        A network.
    images : Tensor of shape (N, C, H, W)
        Normalized.

    Returns
    -------
    list of Tensor
        Of shape (N, C, H, W) or (N, C) each; the last one holds the logits.
    """
    values = [images]
    with torch.inference_mode():
        for step in steps[1:]:
            inputs = [values[place] for place in step.inputs]
            values.append(OPERATIONS[step.op](step, inputs).reshape(len(images), *step.shape))
    return values


def _around(step: Step, x: torch.Tensor, value: float = 0.0) -> torch.Tensor:
    """Return maps padded, or cut, so that the windows of a step fit exactly."""
    sides = []
    for axis in (1, 0):
        reach = (step.numbers["kernel"][axis] - 1) * step.numbers["dilation"][axis] + 1
        needed = (step.shape[1 + axis] - 1) * step.numbers["stride"][axis] + reach
        before = step.numbers["padding"][axis]
        sides += [before, needed - before - x.shape[2 + axis]]
    return F.pad(x, sides, value=value)


def _weights(step: Step) -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = (np.ascontiguousarray(step.weights[key]) for key in ("weight", "bias"))
    return torch.from_numpy(weight), torch.from_numpy(bias)


def _conv(step: Step, inputs: Maps) -> torch.Tensor:
    stride, dilation, groups = (step.numbers[key] for key in ("stride", "dilation", "groups"))
    return F.conv2d(_around(step, inputs[0]), *_weights(step), stride, 0, dilation, groups)


def _max_pool(step: Step, inputs: Maps) -> torch.Tensor:
    kernel, stride, dilation = (step.numbers[key] for key in ("kernel", "stride", "dilation"))
    return F.max_pool2d(_around(step, inputs[0], -torch.inf), kernel, stride, 0, dilation)


def _average_pool(step: Step, inputs: Maps) -> torch.Tensor:
    kernel, stride, divisor = (step.numbers[key] for key in ("kernel", "stride", "divisor"))
    sums = F.avg_pool2d(_around(step, inputs[0]), kernel, stride, divisor_override=1)
    inside = F.avg_pool2d(_around(step, torch.ones_like(inputs[0])), kernel, stride, divisor_override=1)
    return sums / (divisor or inside)


def _affine(step: Step, inputs: Maps) -> torch.Tensor:
    weight, bias = (each.reshape(-1, *[1] * (inputs[0].ndim - 2)) for each in _weights(step))
    return inputs[0] * weight + bias


def _pad(step: Step, inputs: Maps) -> torch.Tensor:
    sides = []
    for axis in (2, 1, 0):
        before = step.numbers["padding"][axis]
        sides += [before, step.shape[axis] - before - inputs[0].shape[1 + axis]]
    return F.pad(inputs[0], sides)


def _alone(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Step, Maps], torch.Tensor]:
    return lambda step, inputs: change(inputs[0])


OPERATIONS: dict[str, Callable[[Step, Maps], torch.Tensor]] = {
    "conv": _conv,
    "dense": lambda step, inputs: F.linear(inputs[0], *_weights(step)),
    "affine": _affine,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "mean": _alone(lambda x: x.mean(dim=(2, 3))),
    "max": _alone(lambda x: x.amax(dim=(2, 3))),
    "add": lambda step, inputs: inputs[0] + inputs[1],
    "multiply": lambda step, inputs: inputs[0] * inputs[1],
    "concatenate": lambda step, inputs: torch.cat(inputs, dim=1),
    "pad": _pad,
    "flatten": _alone(lambda x: x),
    "softmax": _alone(lambda x: x.softmax(dim=1)),
    "relu": _alone(torch.relu),
    "relu6": _alone(F.relu6),
    "leaky_relu": lambda step, inputs: F.leaky_relu(inputs[0], step.numbers["slope"]),
    "silu": _alone(F.silu),
    "sigmoid": _alone(torch.sigmoid),
    "tanh": _alone(torch.tanh),
    "gelu": _alone(F.gelu),
    "gelu_tanh": _alone(lambda x: F.gelu(x, approximate="tanh")),
}
