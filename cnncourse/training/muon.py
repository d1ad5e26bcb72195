"""Muon: momentum whose steps are made orthogonal, for filters and matrices."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

# The coefficients of the fifth-order iteration that Jordan et al. (2024) chose for speed.
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalize(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Return roughly ``U @ V.T`` of the matrix ``U @ diag(s) @ V.T``: its singular values come near one.

    By Newton-Schulz iteration, which needs nothing but matrix products. The values end between about
    0.7 and 1.2, not at one; training does not notice.

    Parameters
    ----------
    matrix : torch.Tensor
        Shape (rows, columns).
    steps : int
        Iterations.

    Returns
    -------
    torch.Tensor
        Shape (rows, columns).

    References
    ----------
    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon.

    Examples
    --------
    >>> values = torch.linalg.svdvals(orthogonalize(torch.diag(torch.tensor([1.0, 3.0, 10.0]))))
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x: torch.Tensor = matrix if wide else matrix.T  # the product x @ x.T is the smaller one
    x = x / (x.norm() + 1e-7)  # no singular value above one
    for _ in range(steps):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal by `orthogonalize`, as a step for every filter bank and matrix.

    A filter bank (C_out, C_in, K_h, K_w) is taken as the matrix (C_out, C_in K_h K_w). Each step is scaled to
    the size that Adam's steps have, so that one learning rate serves both (Liu et al., 2025, section 2.2).

    Parameters
    ----------
    params : iterable of torch.Tensor, or of dict
        Parameters of two or more axes, or groups of such.
    lr : float
        Learning rate.
    momentum : float
        From 0 to below 1.
    nesterov : bool
        Whether the step looks ahead along the momentum.
    weight_decay : float
        Each step also shrinks the weights by ``lr * weight_decay``.

    References
    ----------
    J. Liu et al., "Muon is scalable for LLM training", 2025, https://arxiv.org/abs/2502.16982.
    """

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, defaults)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    raise ValueError(
                        f"Muon is for parameters of two or more axes, got shape {tuple(parameter.shape)}"
                    )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step along the gradients; `closure`, if given, computes them first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step_one(parameter, group)
        return loss

    def _step_one(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        """Move one parameter."""
        grad, beta = parameter.grad, group["momentum"]
        assert grad is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(grad)
        buffer = state["momentum_buffer"].lerp_(grad, 1 - beta)
        direction = grad.lerp(buffer, beta) if group["nesterov"] else buffer
        matrix = direction.reshape(len(direction), -1)  # (C_out, C_in K_h K_w)
        scale = 0.2 * max(matrix.shape) ** 0.5  # the root mean square of Adam's steps is about 0.2
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalize(matrix).view_as(parameter), alpha=-group["lr"] * scale)
