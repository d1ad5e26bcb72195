"""A 3x3 convolution whose weight gradient is one matrix product where maps are small and channels many.

In 16 bits on a CPU, oneDNN takes three to nine times as long for that gradient as for the forward pass when
maps have only a few places, as the last ones of a network do. The patches of such maps fit into memory, so
the gradient can be what it is on paper: gradients of outputs times patches of inputs (im2col).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

MOST = 15_000_000  # numbers in a matrix of patches: larger blocks are given back to the system after each use


class Conv3x3(nn.Conv2d):
    """`nn.Conv2d` with 3x3 kernels, padding 1 and no bias; its gradient is faster in bfloat16 on a CPU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H, W)."""
        sixteen_bits = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        few_places = 3 * x.shape[2] * x.shape[3] <= self.in_channels
        if self.training and sixteen_bits and few_places and x.device.type == "cpu":
            return _SmallMaps.apply(x.bfloat16(), self.weight)  # type: ignore[no-any-return]
        return super().forward(x)


class _SmallMaps(torch.autograd.Function):
    """The convolution, with its weight gradient as a matrix product."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        weight = weight.to(x.dtype)
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=1)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = F.conv_transpose2d(grad, weight, padding=1) if ctx.needs_input_grad[0] else None
        return grad_x, weight_gradient(x, grad)


def weight_gradient(x: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
    """Return the gradient of a 3x3 convolution's filters, summed in float32.

    Parameters
    ----------
    x : Tensor of shape (N, C_in, H, W)
        The convolution's input, in channels-last layout.
    grad : Tensor of shape (N, C_out, H, W)
        The gradient of its output, in channels-last layout.

    Returns
    -------
    Tensor of shape (C_out, C_in, 3, 3)
    """
    count, channels, height, width = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))  # (N, H + 2, W + 2, C_in)
    n, h, w, c = padded.stride()
    patches = padded.as_strided((count, height, width, 3, 3 * channels), (n, h, w, h, c))  # a view
    size = max(1, MOST // (height * width * 9 * channels))  # images at a time
    total = torch.zeros(grad.shape[1], 9 * channels, device=x.device)
    for some, grads in zip(
        torch.split(patches, size), torch.split(grad.permute(0, 2, 3, 1), size), strict=True
    ):
        total += grads.reshape(-1, grad.shape[1]).T @ some.reshape(-1, 9 * channels)
    return total.view(-1, 3, 3, channels).permute(0, 3, 1, 2)
