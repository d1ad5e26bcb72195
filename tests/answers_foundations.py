"""Right answers to exercises of the book's first part, each written in two ways."""

import math
from itertools import pairwise

import numpy as np


def channels_by_transposing(images):
    return images.transpose(0, 3, 1, 2)


def channels_one_by_one(images):
    return np.stack([images[..., c] for c in range(images.shape[3])], axis=1)


def statistics_in_one_go(images):
    pixels = images / 255
    return pixels.mean(axis=(0, 2, 3)), pixels.std(axis=(0, 2, 3))


def statistics_by_channels(images):
    means, deviations = [], []
    for c in range(images.shape[1]):
        values = images[:, c].astype(float) / 255
        mean = values.sum() / values.size
        means.append(mean)
        deviations.append(math.sqrt(((values - mean) ** 2).sum() / values.size))
    return np.array(means), np.array(deviations)


def dense_by_pairs(widths):
    return sum(a * b + b for a, b in pairwise(widths))


def dense_by_index(widths):
    total = 0
    for layer in range(1, len(widths)):
        total += widths[layer - 1] * widths[layer]
        total += widths[layer]
    return total


def shift_pixel_by_pixel(image, rows, columns):
    H, W = image.shape
    moved = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            if 0 <= i - rows < H and 0 <= j - columns < W:
                moved[i, j] = image[i - rows, j - columns]
    return moved


def shift_by_rolling(image, rows, columns):
    moved = np.roll(image, (rows, columns), axis=(0, 1))
    if rows > 0:
        moved[:rows] = 0
    if rows < 0:
        moved[rows:] = 0
    if columns > 0:
        moved[:, :columns] = 0
    if columns < 0:
        moved[:, columns:] = 0
    return moved


def matrix_by_rows(kernel, size):
    matrix = np.zeros((size - len(kernel) + 1, size))
    for i in range(size - len(kernel) + 1):
        matrix[i, i : i + len(kernel)] = kernel
    return matrix


def matrix_by_diagonals(kernel, size):
    rows = size - len(kernel) + 1
    return sum(w * np.eye(rows, size, k) for k, w in enumerate(kernel))


def gap_by_places(matrix, x):
    n, largest = len(x), 0.0
    y = matrix @ x
    for steps in range(1, n):
        moved = np.array([x[(i - steps) % n] for i in range(n)])
        for i in range(n):
            largest = max(largest, abs(matrix[i] @ moved - y[(i - steps) % n]))
    return largest


def gap_by_matrices(matrix, x):
    gaps = []
    for steps in range(1, len(x)):
        shift = np.roll(np.eye(len(x)), steps, axis=0)
        gaps.append(np.abs((matrix @ shift - shift @ matrix) @ x))
    return np.array(gaps).max()


def average_by_loops(x, size, stride):
    N, C, H, W = x.shape
    y = np.zeros((N, C, (H - size) // stride + 1, (W - size) // stride + 1))
    for n, c, i, j in np.ndindex(*y.shape):
        window = x[n, c, i * stride : i * stride + size, j * stride : j * stride + size]
        y[n, c, i, j] = window.sum() / size**2
    return y


def average_by_windows(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].mean(axis=(-2, -1))


def relu_back_by_mask(grad, x):
    return np.where(x > 0, grad, 0)


def relu_back_by_copy(grad, x):
    grad_x = grad.copy()
    for place in np.ndindex(*x.shape):
        if x[place] <= 0:
            grad_x[place] = 0
    return grad_x


def gelu_number_by_number(x):
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        y[place] = x[place] * (1 + math.erf(x[place] / math.sqrt(2))) / 2
    return y


def gelu_by_vectorize(x):
    erf = np.vectorize(math.erf)
    return 0.5 * x * (1.0 + erf(x / 2**0.5))


def he_by_product(shape):
    fan_in = 1
    for side in shape[1:]:
        fan_in *= side
    return math.sqrt(2 / fan_in)


def he_by_power(shape):
    return (np.prod(shape) / (2 * shape[0])) ** -0.5


def dead_by_counting(x, weights, biases):
    shares, rows = [], x
    for weight, bias in zip(weights, biases, strict=True):
        rows = np.array(
            [[max(weight[unit] @ row + bias[unit], 0) for unit in range(len(bias))] for row in rows]
        )
        dead = 0
        for unit in range(len(bias)):
            dead += max(rows[:, unit]) <= 0
        shares.append(dead / len(bias))
    return np.array(shares)


def dead_by_largest_sum(x, weights, biases):
    shares = np.zeros(len(weights))
    for layer in range(len(weights)):
        sums = x @ weights[layer].T + biases[layer]
        shares[layer] = (sums.max(axis=0) <= 0).mean()
        x = np.where(sums > 0, sums, 0)
    return shares


def columns_by_places(x, size, stride):
    C, H, W = x.shape
    columns = []
    for i in range(0, H - size + 1, stride):
        for j in range(0, W - size + 1, stride):
            columns.append(x[:, i : i + size, j : j + size].reshape(C * size**2))
    return np.stack(columns, axis=1)


def columns_by_windows(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]  # (C, H_out, W_out, size, size)
    return windows.transpose(0, 3, 4, 1, 2).reshape(len(x) * size * size, -1)


def images_by_places(columns, C, H, W, size):
    x, place = np.zeros((C, H, W)), 0
    for i in range(H - size + 1):
        for j in range(W - size + 1):
            x[:, i : i + size, j : j + size] += columns[:, place].reshape(C, size, size)
            place += 1
    return x


def images_by_kernel_places(columns, C, H, W, size):
    rows, width = H - size + 1, W - size + 1
    parts = columns.reshape(C, size, size, rows, width)
    x = np.zeros((C, H, W))
    for p in range(size):
        for q in range(size):
            x[:, p : p + rows, q : q + width] += parts[:, p, q]
    return x


def convolve_by_real_fft(x, kernel):
    size = len(x) + len(kernel) - 1
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(kernel, size), size)


def convolve_by_fft(x, kernel):
    size = 2 * (len(x) + len(kernel))
    product = np.fft.fft(x, size) * np.fft.fft(kernel, size)
    return np.fft.ifft(product).real[: len(x) + len(kernel) - 1]


def overlap_by_real_fft(signal, kernel, size):
    step, reach = size - len(kernel) + 1, len(kernel) - 1
    waves = np.fft.rfft(kernel, size)
    y = np.zeros(len(signal) + size)
    for start in range(0, len(signal), step):
        part = np.fft.irfft(np.fft.rfft(signal[start : start + step], size) * waves, size)
        y[start : start + size] += part
    return y[: len(signal) + reach]


def overlap_by_shifts(signal, kernel, size):
    y = np.zeros(len(signal) + len(kernel) - 1)
    for k, weight in enumerate(kernel):
        y[k : k + len(signal)] += weight * signal
    return y


RIGHT = {
    "channels_first": (channels_by_transposing, channels_one_by_one),
    "channel_statistics": (statistics_in_one_go, statistics_by_channels),
    "count_dense": (dense_by_pairs, dense_by_index),
    "shift": (shift_pixel_by_pixel, shift_by_rolling),
    "conv_matrix": (matrix_by_rows, matrix_by_diagonals),
    "equivariance_gap": (gap_by_places, gap_by_matrices),
    "avg_pool2d": (average_by_loops, average_by_windows),
    "relu_backward": (relu_back_by_mask, relu_back_by_copy),
    "gelu": (gelu_number_by_number, gelu_by_vectorize),
    "he_deviation": (he_by_product, he_by_power),
    "dead_units": (dead_by_counting, dead_by_largest_sum),
    "im2col": (columns_by_places, columns_by_windows),
    "col2im": (images_by_places, images_by_kernel_places),
    "fft_convolve": (convolve_by_real_fft, convolve_by_fft),
    "overlap_add": (overlap_by_real_fft, overlap_by_shifts),
}
