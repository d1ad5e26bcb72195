"""Two right answers to each exercise in NumPy of the first chapters, written differently."""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F


def size_by_counting(size, kernel, stride, padding):
    return len(range(0, size + 2 * padding - kernel + 1, stride))


def size_by_trying(size, kernel, stride, padding):
    count, place = 0, -padding
    while place + kernel <= size + padding:
        count, place = count + 1, place + stride
    return count


def conv_by_loops(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    (N, _, H, W), (C_out, _, K_h, K_w) = x.shape, weight.shape
    y = np.zeros((N, C_out, (H - K_h) // stride + 1, (W - K_w) // stride + 1))
    for n, o, i, j in np.ndindex(*y.shape):
        window = x[n, :, i * stride : i * stride + K_h, j * stride : j * stride + K_w]
        y[n, o, i, j] = (window * weight[o]).sum() + bias[o]
    return y


def conv_by_shifts(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    K_h, K_w = weight.shape[2:]
    rows, columns = x.shape[2] - K_h + 1, x.shape[3] - K_w + 1
    y = 0.0
    for p, q in product(range(K_h), range(K_w)):
        y = y + np.einsum("nchw,oc->nohw", x[:, :, p : p + rows, q : q + columns], weight[:, :, p, q])
    return y[:, :, ::stride, ::stride] + bias[:, None, None]


def conv_by_torch(x, weight, bias, stride, padding):
    return F.conv2d(*map(torch.from_numpy, (x, weight, bias)), stride, padding).numpy()


def outline_by_slices(image):
    wide = np.pad(image / 255, 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    columns = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    across = rows[:, 2:] - rows[:, :-2]
    down = columns[2:] - columns[:-2]
    return np.hypot(across, down)


def outline_by_windows(image):
    kernel = np.outer([1, 2, 1], [-1, 0, 1])
    wide = np.pad(image, 1, mode="edge") / 255
    view = np.lib.stride_tricks.sliding_window_view(wide, (3, 3))
    across = (view * kernel).sum(axis=(2, 3))
    down = (view * kernel.T).sum(axis=(2, 3))
    return (across**2 + down**2) ** 0.5


def gradients_by_loops(grad, x, weight):
    grad_x, grad_weight = np.zeros(x.shape), np.zeros(weight.shape)
    K_h, K_w = weight.shape[2:]
    for n, o, i, j in np.ndindex(*grad.shape):
        place = np.s_[n, :, i : i + K_h, j : j + K_w]
        grad_x[place] += grad[n, o, i, j] * weight[o]
        grad_weight[o] += grad[n, o, i, j] * x[place]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


def gradients_by_full_correlation(grad, x, weight):
    K_h, K_w = weight.shape[2:]
    wide = np.pad(grad, ((0, 0), (0, 0), (K_h - 1,) * 2, (K_w - 1,) * 2))
    turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)
    grad_x = conv_by_loops(wide, turned, np.zeros(x.shape[1]), 1, 0)
    grad_weight = conv_by_loops(x.swapaxes(0, 1), grad.swapaxes(0, 1), np.zeros(len(weight)), 1, 0)
    return grad_x, grad_weight.swapaxes(0, 1), np.einsum("nohw->o", grad)


def pool_by_loops(x, size, stride):
    N, C, H, W = x.shape
    y = np.empty((N, C, (H - size) // stride + 1, (W - size) // stride + 1))
    for n, c, i, j in np.ndindex(*y.shape):
        best = -np.inf
        for p, q in product(range(size), range(size)):
            best = max(best, x[n, c, i * stride + p, j * stride + q])
        y[n, c, i, j] = best
    return y


def pool_by_windows(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(-2, -1))


def pool_back_by_argmax(grad, x, size):
    grad_x = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*grad.shape):
        window = x[n, c, i * size : (i + 1) * size, j * size : (j + 1) * size]
        p, q = np.unravel_index(window.argmax(), window.shape)
        grad_x[n, c, i * size + p, j * size + q] = grad[n, c, i, j]
    return grad_x


def pool_back_by_comparing(grad, x, size):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*grad.shape):
        best, at = None, None
        for p, q in product(range(size), range(size)):
            value = x[n, c, i * size + p, j * size + q]
            if best is None or value > best:
                best, at = value, (n, c, i * size + p, j * size + q)
        grad_x[at] += grad[n, c, i, j]
    return grad_x


def softmax_by_rows(logits):
    rows = []
    for row in logits:
        e = np.exp(row - row.max())
        rows.append(e / e.sum())
    return np.array(rows)


def softmax_by_logarithms(logits):
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


def loss_by_rows(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total += row.max() + np.log(np.exp(row - row.max()).sum()) - row[label]
    return total / len(labels)


def loss_by_logarithms(logits, labels):
    return np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels])


def slope_of_the_loss(logits, labels):
    p = softmax_by_rows(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def slope_by_one_hot(logits, labels):
    return (softmax_by_logarithms(logits) - (labels[:, None] == np.arange(logits.shape[1]))) / len(logits)


def momentum_in_two_lines(w, grad, velocity, rate, momentum):
    velocity = velocity * momentum + grad
    return w - velocity * rate, velocity


def momentum_in_one_line(w, grad, velocity, rate, momentum):
    return w - rate * grad - rate * momentum * velocity, grad + momentum * velocity


def batch_norm_in_one_go(x, gamma, beta, eps):
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None, None]


def batch_norm_by_channels(x, gamma, beta, eps):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        values = x[:, c]
        mean = values.sum() / values.size
        var = ((values - mean) ** 2).sum() / values.size
        y[:, c] = gamma[c] * (values - mean) / (var + eps) ** 0.5 + beta[c]
    return y


def batch_norm_back_by_formula(grad, x, gamma, eps):
    axes, n = (0, 2, 3), x.size / x.shape[1]
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    hat = (x - mean) / np.sqrt(var + eps)
    grad_gamma, grad_beta = (grad * hat).sum(axis=axes), grad.sum(axis=axes)
    spread = [each[:, None, None] for each in (gamma, grad_gamma, grad_beta)]
    grad_x = spread[0] / np.sqrt(var + eps) * (grad - spread[2] / n - hat * spread[1] / n)
    return grad_x, grad_gamma, grad_beta


def batch_norm_back_by_steps(grad, x, gamma, eps):
    axes, n = (0, 2, 3), x.size / x.shape[1]
    centered = x - x.mean(axis=axes, keepdims=True)
    root = np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    of_hat = grad * gamma[:, None, None]
    of_root = (of_hat * -centered / root**2).sum(axis=axes, keepdims=True)
    of_centered = of_hat / root + of_root / (2 * root) * 2 * centered / n
    of_x = of_centered - of_centered.mean(axis=axes, keepdims=True)
    return of_x, (grad * centered / root).sum(axis=axes), grad.sum(axis=axes)


def dropout_by_where(x, keep, p, training):
    return np.where(keep, x / (1 - p), 0) if training else x


def dropout_by_product(x, keep, p, training):
    if not training:
        return x.copy()
    return x * (keep / (1 - p))


def field_forward(kernels, strides):
    size, jump = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size


def field_backward(kernels, strides):
    size = 1
    for kernel, stride in reversed(list(zip(kernels, strides, strict=True))):
        size = (size - 1) * stride + kernel
    return size


def normalize_by_broadcast(images, mean, std):
    return (images / 255 - mean[:, None, None]) / std[:, None, None]


def normalize_by_channels(images, mean, std):
    scaled = images.astype(np.float64)
    for c in range(images.shape[1]):
        scaled[:, c] = (scaled[:, c] / 255 - mean[c]) / std[c]
    return scaled


def shrink_by_sums(images):
    x = images.astype(int)
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    return np.rint(total / 4).astype(np.uint8)


def shrink_by_loops(images):
    N, C, H, W = images.shape
    small = np.zeros((N, C, H // 2, W // 2), np.uint8)
    for n, c, i, j in np.ndindex(*small.shape):
        small[n, c, i, j] = round(images[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean())
    return small


def mean_pool_by_cutting(x, size, stride, padding):
    H, W = x.shape[2:]
    rows, columns = ((n + 2 * padding - size) // stride + 1 for n in (H, W))
    y = np.zeros((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride - padding, j * stride - padding
        window = x[:, :, max(top, 0) : top + size, max(left, 0) : left + size]
        y[:, :, i, j] = window.mean(axis=(2, 3))
    return y


def mean_pool_by_sums(x, size, stride, padding):
    pad = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    total, count = (
        np.lib.stride_tricks.sliding_window_view(np.pad(each, pad), (size, size), axis=(2, 3)).sum(
            axis=(4, 5)
        )
        for each in (x, np.ones(x.shape))
    )
    return (total / count)[:, :, ::stride, ::stride]


def train_dense_by_one_hot(z, labels, classes, batch_size, rate):
    weight, bias, start = np.zeros((classes, z.shape[1])), np.zeros(classes), 0
    target = np.eye(classes)[labels]
    while start < len(z):
        batch = slice(start, min(start + batch_size, len(z)))
        errors = softmax_by_rows(z[batch] @ weight.T + bias) - target[batch]
        weight = weight - rate * np.einsum("nk,nd->kd", errors, z[batch]) / len(errors)
        bias = bias - rate * errors.mean(axis=0)
        start += batch_size
    return weight, bias


def train_dense_by_images(z, labels, classes, batch_size, rate):
    wide = np.hstack([z, np.ones((len(z), 1))])
    weight = np.zeros((classes, wide.shape[1]))
    for batch in np.split(np.arange(len(z)), range(batch_size, len(z), batch_size)):
        step = np.zeros(weight.shape)
        for n in batch:
            p = np.exp(weight @ wide[n])
            p /= p.sum()
            p[labels[n]] -= 1
            step += np.outer(p, wide[n])
        weight = weight - rate / len(batch) * step
    return weight[:, :-1], weight[:, -1]


RIGHT = {
    "shrink": (shrink_by_sums, shrink_by_loops),
    "mean_pool2d": (mean_pool_by_cutting, mean_pool_by_sums),
    "normalize": (normalize_by_broadcast, normalize_by_channels),
    "output_size": (size_by_counting, size_by_trying),
    "conv2d": (conv_by_loops, conv_by_shifts),
    "conv2d_backward": (gradients_by_loops, gradients_by_full_correlation),
    "outline": (outline_by_slices, outline_by_windows),
    "max_pool2d": (pool_by_loops, pool_by_windows),
    "max_pool2d_backward": (pool_back_by_argmax, pool_back_by_comparing),
    "softmax": (softmax_by_rows, softmax_by_logarithms),
    "cross_entropy": (loss_by_rows, loss_by_logarithms),
    "cross_entropy_backward": (slope_of_the_loss, slope_by_one_hot),
    "momentum_step": (momentum_in_two_lines, momentum_in_one_line),
    "train_dense": (train_dense_by_one_hot, train_dense_by_images),
    "batch_norm": (batch_norm_in_one_go, batch_norm_by_channels),
    "batch_norm_backward": (batch_norm_back_by_formula, batch_norm_back_by_steps),
    "dropout": (dropout_by_where, dropout_by_product),
    "receptive_field": (field_forward, field_backward),
}
