"""Activations by hand, forward and backward, and the random weights that go with them, in NumPy.

An activation changes every number apart from the others, so arrays may have any shape. Names and
arguments are those of ``torch.nn.functional``. `ACTIVATIONS` holds functions and backward passes by name.
"""

from cnncourse.activations.functions import (
    ACTIVATIONS,
    Activation,
    derivative,
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    identity,
    identity_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    tanh,
    tanh_backward,
)
from cnncourse.activations.initialization import fans, glorot_normal, glorot_uniform, he_normal, he_uniform
from cnncourse.activations.stack import dense_stack, dense_stack_backward, gain

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "dense_stack",
    "dense_stack_backward",
    "derivative",
    "elu",
    "elu_backward",
    "fans",
    "gain",
    "gelu",
    "gelu_backward",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "identity_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "tanh",
    "tanh_backward",
]
