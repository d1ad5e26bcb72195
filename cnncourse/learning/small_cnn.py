"""The dense layer, and a small CNN made of nothing but the course's forward and backward functions.

`cnncourse.learning` offers all of this under its own name too.
"""

from typing import Any

import numpy as np

from cnncourse._checks import check_array, check_count, check_counts, check_gradient
from cnncourse.activations import he_normal, relu, relu_backward
from cnncourse.convolution import conv2d, conv2d_backward
from cnncourse.convolution.shapes import check_bias
from cnncourse.normalization import batch_norm, batch_norm_backward
from cnncourse.pooling import max_pool2d, max_pool2d_backward


def linear(x: Any, weight: Any, bias: Any = None) -> np.ndarray:
    """Return ``x @ weight.T + bias``: a dense layer.

    Parameters
    ----------
    x : array_like of shape (N, inputs)
    weight : array_like of shape (outputs, inputs)
    bias : array_like of shape (outputs,), optional

    Returns
    -------
    ndarray of shape (N, outputs)

    Raises
    ------
    ValueError
        If the numbers of inputs or outputs differ.

    Examples
    --------
    >>> linear([[0, 3, 1]], [[2, 1, 0], [1, -1, 4]], [10, 20])
    array([[13., 21.]])
    """
    x, weight = _check_dense(x, weight)
    y: np.ndarray = x @ weight.T
    return y if bias is None else y + check_bias(bias, len(weight))


def linear_backward(grad_output: Any, x: Any, weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of a loss with respect to `linear`'s input, weight and bias.

    Parameters
    ----------
    grad_output : array_like of shape (N, outputs)
        Gradient of the loss with respect to what `linear` returned.
    x : array_like of shape (N, inputs)
    weight : array_like of shape (outputs, inputs)

    Returns
    -------
    grad_x : ndarray of shape (N, inputs)
    grad_weight : ndarray of shape (outputs, inputs)
    grad_bias : ndarray of shape (outputs,)

    Examples
    --------
    >>> grad_x, grad_weight, grad_bias = linear_backward([[1, 10]], [[0, 3, 1]], [[2, 1, 0], [1, -1, 4]])
    >>> grad_x, grad_weight
    (array([[12., -9., 40.]]), array([[ 0.,  3.,  1.],
           [ 0., 30., 10.]]))
    """
    x, weight = _check_dense(x, weight)
    grad = check_gradient(grad_output, (len(x), len(weight)))
    return grad @ weight, grad.T @ x, grad.sum(axis=0)


class SmallCNN:
    """Two blocks of convolution, (batch normalization,) ReLU and max pooling, and a dense layer, in NumPy.

    Parameters and buffers have the names that torch gives them in a module with ``conv1``, ``bn1``,
    ``conv2``, ``bn2`` and ``fc``, so that a ``state_dict`` can be made of them.

    Parameters
    ----------
    in_channels, num_classes : int
    channels : (int, int)
        Filters of the two convolutions, 3x3 with padding 1.
    image_size : int
        Side of the square pictures, at least 4; each block halves it, rounded down.
    batch_norm : bool
        Whether each convolution is followed by batch normalization.
    seed : int
        Decides the weights: normal, with variance 2 / inputs of a sum (He), 1 / inputs for the last layer.

    Raises
    ------
    ValueError
        If `image_size` is below 4, a number below 1, or pictures have other channels or another size.

    Attributes
    ----------
    parameters : dict
        What training changes.
    buffers : dict
        The running statistics of batch normalization.
    training : bool
        Whether batch normalization uses the batch's statistics; set it to False before evaluating.

    Examples
    --------
    >>> network = SmallCNN(seed=0)
    >>> network.forward(np.zeros((5, 1, 8, 8))).shape
    (5, 10)
    >>> sum(values.size for values in network.parameters.values())
    1898
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 10,
        channels: tuple[int, int] = (8, 16),
        image_size: int = 8,
        batch_norm: bool = False,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.batch_norm, self.training = batch_norm, True
        self.parameters: dict[str, np.ndarray] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._kept: dict[str, np.ndarray] = {}
        self.in_channels = C_in = check_count("in_channels", in_channels)
        self.image_size = check_count("image_size", image_size, minimum=4)
        side = self.image_size // 2 // 2
        filters = check_counts("channels", channels, "the filters of both convolutions", length=2)
        for block, C_out in zip("12", filters, strict=True):
            self.parameters[f"conv{block}.weight"] = he_normal((C_out, C_in, 3, 3), rng)
            self.parameters[f"conv{block}.bias"] = np.zeros(C_out)
            if batch_norm:
                self.parameters[f"bn{block}.weight"] = np.ones(C_out)
                self.parameters[f"bn{block}.bias"] = np.zeros(C_out)
                self.buffers[f"bn{block}.running_mean"] = np.zeros(C_out)
                self.buffers[f"bn{block}.running_var"] = np.ones(C_out)
            C_in = C_out
        shape = check_count("num_classes", num_classes), C_in * side**2
        self.parameters["fc.weight"] = rng.normal(0, np.sqrt(1 / shape[1]), shape)
        self.parameters["fc.bias"] = np.zeros(num_classes)

    def forward(self, x: Any) -> np.ndarray:
        """Return the logits (N, num_classes) of pictures (N, C, H, W), and keep what the way back needs."""
        p, kept = self.parameters, self._kept
        x = check_array("x", x, "(N, C, H, W)")
        if x.shape[1:] != (self.in_channels, self.image_size, self.image_size):
            raise ValueError(
                f"x must be pictures (N, {self.in_channels}, {self.image_size}, {self.image_size}), got "
                f"{x.shape}; resize them, or make the network with their in_channels and image_size"
            )
        for block in "12":
            kept[f"conv{block}"] = x
            x = conv2d(x, p[f"conv{block}.weight"], p[f"conv{block}.bias"], padding=1, method="im2col")
            if self.batch_norm:
                kept[f"bn{block}"] = x
                x = batch_norm(x, *self._norm(block), p[f"bn{block}.bias"], training=self.training)
            kept[f"relu{block}"] = x
            x = relu(x)
            kept[f"pool{block}"] = x
            x = max_pool2d(x, 2)  # (N, C, H, W) -> (N, C, H // 2, W // 2)
        kept["flatten"] = x
        kept["fc"] = x.reshape(len(x), p["fc.weight"].shape[1])  # (N, C, H, W) -> (N, C H W)
        return linear(kept["fc"], p["fc.weight"], p["fc.bias"])

    def backward(self, grad_logits: Any) -> dict[str, np.ndarray]:
        """Return the gradient for every parameter, by name, given that for the logits of the last forward."""
        p, kept, grads = self.parameters, self._kept, {}
        if not kept:
            raise ValueError("backward needs what forward kept: call forward first")
        g, grads["fc.weight"], grads["fc.bias"] = linear_backward(grad_logits, kept["fc"], p["fc.weight"])
        g = g.reshape(kept["flatten"].shape)
        for block in "21":
            g = max_pool2d_backward(g, kept[f"pool{block}"], 2)
            g = relu_backward(g, kept[f"relu{block}"])
            if self.batch_norm:
                g, grads[f"bn{block}.weight"], grads[f"bn{block}.bias"] = batch_norm_backward(
                    g, kept[f"bn{block}"], *self._norm(block), training=self.training
                )
            g, grads[f"conv{block}.weight"], grads[f"conv{block}.bias"] = conv2d_backward(
                g, kept[f"conv{block}"], p[f"conv{block}.weight"], padding=1
            )
        return grads

    def _norm(self, block: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return running mean, running variance and scale of one batch normalization."""
        running_mean = self.buffers[f"bn{block}.running_mean"]
        running_var = self.buffers[f"bn{block}.running_var"]
        return running_mean, running_var, self.parameters[f"bn{block}.weight"]


def _check_dense(x: Any, weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float arrays that fit each other."""
    x = check_array("x", x, "(N, inputs)")
    weight = check_array("weight", weight, "(outputs, inputs)")
    if x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"weight must have shape (outputs, {x.shape[1]}) for x with {x.shape[1]} inputs, "
            f"got {weight.shape}"
        )
    return x, weight
