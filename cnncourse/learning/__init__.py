"""Learning by hand: softmax and cross-entropy, rules for steps, a small CNN and its training loop.

Everything is NumPy. A network gives *logits*, scores of shape (N, classes); the loss compares them with
labels (N,), whole numbers from 0; its gradient goes backward through the layers, and a rule makes a step
of it.
"""

from cnncourse.learning.loop import minibatches, predict, train
from cnncourse.learning.loss import (
    accuracy,
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    log_sum_exp,
    softmax,
)
from cnncourse.learning.optimizers import RULES, adam_step, momentum_step, sgd_step
from cnncourse.learning.small_cnn import SmallCNN, linear, linear_backward

__all__ = [
    "RULES",
    "SmallCNN",
    "accuracy",
    "adam_step",
    "cross_entropy",
    "cross_entropy_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_sum_exp",
    "minibatches",
    "momentum_step",
    "predict",
    "sgd_step",
    "softmax",
    "train",
]
