"""What students hand in: right answers as text, and notebooks of them."""

import json

RIGHT = {
    "output_size": "def output_size(n, k, s, p):\n    return (n + 2 * p - k) // s + 1",
    "conv2d": """
def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    K_h, K_w = weight.shape[2:]
    H, W = (x.shape[2] - K_h) // stride + 1, (x.shape[3] - K_w) // stride + 1
    y = np.zeros((len(x), len(weight), H, W))
    for n, o, i, j in np.ndindex(*y.shape):
        window = x[n, :, i * stride:i * stride + K_h, j * stride:j * stride + K_w]
        y[n, o, i, j] = (window * weight[o]).sum() + bias[o]
    return y
""",
    "conv2d_backward": """
def conv2d_backward(grad, x, weight):
    grad_x, grad_weight = np.zeros(x.shape), np.zeros(weight.shape)
    K_h, K_w = weight.shape[2:]
    for n, o, i, j in np.ndindex(*grad.shape):
        grad_x[n, :, i:i + K_h, j:j + K_w] += grad[n, o, i, j] * weight[o]
        grad_weight[o] += grad[n, o, i, j] * x[n, :, i:i + K_h, j:j + K_w]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))
""",
}


def notebook(*codes: str) -> str:
    """Return a notebook that a student may hand in."""
    codes = ("import numpy as np\nfrom cnncourse.exercises import check_conv2d", *codes)
    rest = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1}
    cells = [{**rest, "source": code} for code in codes]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
