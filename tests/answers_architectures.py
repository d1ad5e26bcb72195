"""Right answers to exercises of the book's second part, each written in two ways."""

import math

import numpy as np


def parameters_by_filters(in_channels, out_channels, kernel_size, bias):
    one_filter = in_channels * kernel_size * kernel_size
    if bias:
        one_filter += 1
    return out_channels * one_filter


def parameters_by_shapes(in_channels, out_channels, kernel_size, bias):
    weight = math.prod((out_channels, in_channels, kernel_size, kernel_size))
    return weight + (out_channels if bias else 0)


def features_by_sides(size, layers):
    features = 0
    for channels, kernel, stride, padding in layers:
        size = (size + 2 * padding - kernel) // stride + 1
        features = channels * size**2
    return features


def features_by_counting(size, layers):
    side = size
    for _, kernel, stride, padding in layers:
        side = len(range(-padding, side + padding - kernel + 1, stride))
    return layers[-1][0] * side * side


def subsample_by_slices(x, weight, bias):
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    return weight[:, None, None] * total + bias[:, None, None]


def subsample_by_loops(x, weight, bias):
    N, C, H, W = x.shape
    y = np.zeros((N, C, H // 2, W // 2))
    for n, c, i, j in np.ndindex(*y.shape):
        y[n, c, i, j] = weight[c] * x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].sum() + bias[c]
    return y


def named_by_loops(x, codes, J):
    answers = []
    for row in x:
        distances = []
        for code in codes:
            distances.append(sum((a - b) ** 2 for a, b in zip(row, code, strict=True)))
        smallest = min(distances)
        answers.append(distances.index(smallest) if smallest <= J else len(codes))
    return np.array(answers)


def named_by_table(x, codes, J):
    distances = ((x[:, None] - codes) ** 2).sum(axis=2)
    answers = distances.argmin(axis=1)
    answers[distances.min(axis=1) > J] = len(codes)
    return answers


def response_norm_by_channels(x, size, alpha, beta, k):
    y, reach = np.zeros(x.shape), size // 2
    for c in range(x.shape[1]):
        near = x[:, max(c - reach, 0) : c + reach + 1]
        y[:, c] = x[:, c] / (k + alpha * (near**2).sum(axis=1)) ** beta
    return y


def response_norm_by_matrix(x, size, alpha, beta, k):
    c = np.arange(x.shape[1])
    near = abs(c[:, None] - c) <= size // 2
    total = np.einsum("dc,nchw->ndhw", near, x * x)
    return x * (k + alpha * total) ** -beta


def top_k_by_sorting(logits, labels, k):
    order = np.argsort(logits, axis=1)[:, ::-1]
    right = 0
    for row, label in zip(order, labels, strict=True):
        right += label in row[:k]
    return right / len(labels)


def top_k_by_rank(logits, labels, k):
    of_label = logits[np.arange(len(labels)), labels]
    above = (logits > of_label[:, None]).sum(axis=1)
    return (above < k).mean()


def grouped_by_filters(in_channels, out_channels, kernel_size, groups):
    one_filter = (in_channels // groups) * kernel_size**2 + 1
    return out_channels * one_filter


def grouped_by_groups(in_channels, out_channels, kernel_size, groups):
    total = 0
    for _ in range(groups):
        a, b = in_channels // groups, out_channels // groups
        total += a * b * kernel_size**2 + b
    return total


def windows_by_places(images, side):
    N, C, H, W = images.shape
    y = np.zeros((N, 10, C, side, side))
    down, right = H - side, W - side
    places = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    for k, (i, j) in enumerate(places):
        y[:, 2 * k] = images[..., i : i + side, j : j + side]
        y[:, 2 * k + 1] = np.flip(y[:, 2 * k], axis=-1)
    return y


def windows_by_choosing(images, side):
    views = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(2, 3))
    rows, columns = ((0, n - 1, (n - 1) // 2) for n in views.shape[2:4])
    chosen = [views[:, :, rows[r], columns[c]] for r, c in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 2))]
    both = [each for view in chosen for each in (view, np.flip(view, axis=3))]
    return np.array(both).swapaxes(0, 1)


def merged_by_loops(first, second):
    (M, C, K, _), (C_out, _, L, _) = first.shape, second.shape
    whole = np.zeros((C_out, C, K + L - 1, K + L - 1))
    for o, m, c in np.ndindex(C_out, M, C):
        for p, q, i, j in np.ndindex(K, K, L, L):
            whole[o, c, i + p, j + q] += second[o, m, i, j] * first[m, c, p, q]
    return whole


def merged_by_windows(first, second):
    K = first.shape[2]
    wide = np.pad(second, ((0, 0), (0, 0), (K - 1, K - 1), (K - 1, K - 1)))
    views = np.lib.stride_tricks.sliding_window_view(wide, (K, K), axis=(2, 3))
    return np.einsum("omstpq,mcpq->ocst", views, first[:, :, ::-1, ::-1])


def inception_by_places(x, one, reduce, three, after):
    (N, _, H, W), a, b = x.shape, len(one), len(one) + len(three)
    gate = np.maximum(np.einsum("oc,nchw->nohw", reduce[:, :, 0, 0], x), 0)
    y = np.zeros((N, b + len(after), H, W))
    for n, i, j in np.ndindex(N, H, W):
        y[n, :a, i, j] = one[:, :, 0, 0] @ x[n, :, i, j]
        for p, q in np.ndindex(3, 3):
            if 0 <= i + p - 1 < H and 0 <= j + q - 1 < W:
                y[n, a:b, i, j] += three[:, :, p, q] @ gate[n, :, i + p - 1, j + q - 1]
        near = x[n, :, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
        y[n, b:, i, j] = after[:, :, 0, 0] @ near.max(axis=(1, 2))
    return np.maximum(y, 0)


def inception_by_windows(x, one, reduce, three, after):
    def windows(x, border):
        wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=border)
        return np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(2, 3))

    def mix(x, weight):
        z = np.tensordot(weight[:, :, 0, 0], x, axes=(1, 1)).swapaxes(0, 1)
        return z * (z > 0)

    gated = windows(mix(x, reduce), 0)
    z = np.einsum("nchwpq,ocpq->nohw", gated, three)
    pooled = windows(x, -np.inf).max(axis=(4, 5))
    return np.concatenate((mix(x, one), z * (z > 0), mix(pooled, after)), axis=1)


def work_by_places(in_channels, out_channels, kernel_size, size, stride, padding):
    side = (size + 2 * padding - kernel_size) // stride + 1
    return in_channels * out_channels * kernel_size**2 * side**2


def work_by_counting(in_channels, out_channels, kernel_size, size, stride, padding):
    side = len(range(0, size + 2 * padding - kernel_size + 1, stride))
    one_output = in_channels * kernel_size * kernel_size
    return one_output * out_channels * side * side


def layout_by_loop(layout, in_channels):
    total = 0
    for entry in layout:
        if entry != "M":
            total += 9 * in_channels * entry + entry
            in_channels = entry
    return total


def layout_by_pairs(layout, in_channels):
    widths = [in_channels] + [entry for entry in layout if entry != "M"]
    return sum((3 * 3 * a + 1) * b for a, b in zip(widths, widths[1:]))  # noqa: B905, RUF007 (as a learner writes)


def activations_by_loop(layout, size):
    total = 0
    for entry in layout:
        if entry == "M":
            size //= 2
        else:
            total += entry * size * size
    return total


def activations_by_blocks(layout, size):
    total, poolings = 0, 0
    for entry in layout:
        if isinstance(entry, str):
            poolings += 1
        else:
            total += entry * (size // 2**poolings) ** 2
    return total


def conv1x1_by_pixels(x, weight, bias):
    N, _, H, W = x.shape
    y = np.zeros((N, len(weight), H, W))
    for n, i, j in np.ndindex(N, H, W):
        y[n, :, i, j] = weight @ x[n, :, i, j] + bias
    return y


def conv1x1_by_product(x, weight, bias):
    rows = x.transpose(0, 2, 3, 1) @ weight.T + bias  # (N, H, W, C_out)
    return rows.transpose(0, 3, 1, 2)


def inception_by_layers(in_channels, widths):
    def conv(inputs, outputs, side):
        return (inputs * side**2 + 1) * outputs

    one, reduce3, three, reduce5, five, pool = widths
    total = conv(in_channels, one, 1) + conv(in_channels, pool, 1)
    total += conv(in_channels, reduce3, 1) + conv(reduce3, three, 3)
    total += conv(in_channels, reduce5, 1) + conv(reduce5, five, 5)
    return total


def inception_by_table(in_channels, widths):
    inputs = [in_channels, in_channels, widths[1], in_channels, widths[3], in_channels]
    sides = [1, 1, 3, 1, 5, 1]
    weights = sum(a * b * k * k for a, b, k in zip(inputs, widths, sides, strict=True))
    return weights + sum(widths)


def class_maps_by_einsum(maps, weight):
    evidence = np.einsum("nchw,kc->nkhw", maps, weight)
    return evidence.mean(axis=(2, 3)), evidence


def class_maps_by_pooling(maps, weight):
    N, _, H, W = maps.shape
    pooled = maps.sum(axis=(2, 3)) / (H * W)
    evidence = np.zeros((N, len(weight), H, W))
    for n, k in np.ndindex(N, len(weight)):
        evidence[n, k] = (weight[k][:, None, None] * maps[n]).sum(axis=0)
    return pooled @ weight.T, evidence


def group_norm_by_groups(x, groups, gamma, beta, eps):
    y, width = np.zeros(x.shape), x.shape[1] // groups
    for n, g in np.ndindex(len(x), groups):
        part = x[n, g * width : (g + 1) * width]
        y[n, g * width : (g + 1) * width] = (part - part.mean()) / np.sqrt(part.var() + eps)
    return gamma[:, None, None] * y + beta[:, None, None]


def group_norm_by_reshape(x, groups, gamma, beta, eps):
    N, C, H, W = x.shape
    parts = x.reshape(N, groups, C // groups, H, W)
    mean, var = parts.mean(axis=(2, 3, 4), keepdims=True), parts.var(axis=(2, 3, 4), keepdims=True)
    normal = ((parts - mean) / np.sqrt(var + eps)).reshape(N, C, H, W)
    return normal * gamma[:, None, None] + beta[:, None, None]


def depthwise_by_loops(x, weight, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    (N, C, H, W), K = x.shape, weight.shape[1]
    y = np.zeros((N, C, H - K + 1, W - K + 1))
    for n, c, i, j in np.ndindex(*y.shape):
        y[n, c, i, j] = (x[n, c, i : i + K, j : j + K] * weight[c]).sum()
    return y


def depthwise_by_shifts(x, weight, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    K = weight.shape[2]
    rows, columns, y = x.shape[2] - K + 1, x.shape[3] - K + 1, 0
    for p in range(K):
        for q in range(K):
            y = y + x[:, :, p : p + rows, q : q + columns] * weight[:, p, q][:, None, None]
    return y


def excite_in_one_go(x, w1, w2):
    squeezed = x.mean(axis=(2, 3))
    hidden = np.maximum(squeezed @ w1.T, 0)
    gate = 1 / (1 + np.exp(-hidden @ w2.T))
    return x * gate[:, :, None, None]


def excite_image_by_image(x, w1, w2):
    y = np.zeros(x.shape)
    for n in range(len(x)):
        squeezed = np.array([plane.sum() / plane.size for plane in x[n]])
        hidden = w1 @ squeezed
        hidden[hidden < 0] = 0
        for c, score in enumerate(w2 @ hidden):
            y[n, c] = x[n, c] * np.exp(score) / (1 + np.exp(score))
    return y


def stage_by_pixels(x, w1, w2):
    N, C, H, W = x.shape
    y = np.zeros((N, len(w2), H // 2, W // 2))
    for n, i, j in np.ndindex(N, H // 2, W // 2):
        pixel = x[n, :, 2 * i, 2 * j]
        value = w2 @ np.maximum(w1 @ pixel, 0)
        value[:C] += pixel
        y[n, :, i, j] = np.where(value > 0, value, 0)
    return y


def stage_by_products(x, w1, w2):
    small = np.moveaxis(x[:, :, ::2, ::2], 1, 3)
    y = np.maximum(small @ w1.T, 0) @ w2.T
    y[..., : x.shape[1]] += small
    return np.moveaxis(np.maximum(y, 0), 3, 1)


def attention_by_heads(x, w_q, w_k, w_v, heads):
    found = np.zeros(x.shape)
    for part in np.split(np.arange(x.shape[1]), heads):
        query, key, value = x @ w_q[:, part], x @ w_k[:, part], x @ w_v[:, part]
        weights = np.exp((query @ key.T) / len(part) ** 0.5)
        found[:, part] = (weights @ value) / weights.sum(axis=1)[:, None]
    return found


def attention_by_tokens(x, w_q, w_k, w_v, heads):
    T, C = x.shape
    query, key, value = ((x @ w).reshape(T, heads, C // heads) for w in (w_q, w_k, w_v))
    found = np.zeros((T, heads, C // heads))
    for t, h in np.ndindex(T, heads):
        scores = (key[:, h] * query[t, h]).sum(axis=1) / np.sqrt(C // heads)
        shares = np.exp(scores - scores.max())
        for other in range(T):
            found[t, h] += shares[other] / shares.sum() * value[other, h]
    return found.reshape(T, C)


RIGHT = {
    "count_parameters": (parameters_by_filters, parameters_by_shapes),
    "count_features": (features_by_sides, features_by_counting),
    "subsample": (subsample_by_slices, subsample_by_loops),
    "name_or_refuse": (named_by_loops, named_by_table),
    "response_norm": (response_norm_by_channels, response_norm_by_matrix),
    "top_k_accuracy": (top_k_by_sorting, top_k_by_rank),
    "count_grouped": (grouped_by_filters, grouped_by_groups),
    "ten_windows": (windows_by_places, windows_by_choosing),
    "count_multiply_adds": (work_by_places, work_by_counting),
    "count_layout": (layout_by_loop, layout_by_pairs),
    "count_activations": (activations_by_loop, activations_by_blocks),
    "merge_layers": (merged_by_loops, merged_by_windows),
    "conv1x1": (conv1x1_by_pixels, conv1x1_by_product),
    "count_inception": (inception_by_layers, inception_by_table),
    "class_maps": (class_maps_by_einsum, class_maps_by_pooling),
    "inception": (inception_by_places, inception_by_windows),
    "group_norm": (group_norm_by_groups, group_norm_by_reshape),
    "depthwise_conv2d": (depthwise_by_loops, depthwise_by_shifts),
    "squeeze_excite": (excite_in_one_go, excite_image_by_image),
    "first_block": (stage_by_pixels, stage_by_products),
    "attention": (attention_by_heads, attention_by_tokens),
}
