"""Right answers to exercises of the book's third part, and on receptive fields, each written in two ways."""

import numpy as np


def seen_from_the_value(kernels, strides, paddings, index):
    first = last = index
    for n in range(len(kernels) - 1, -1, -1):
        first = first * strides[n] - paddings[n]
        last = last * strides[n] - paddings[n] + kernels[n] - 1
    return first, last


def seen_by_size_and_jump(kernels, strides, paddings, index):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding in zip(kernels, strides, paddings, strict=True):
        start -= padding * jump
        size += (kernel - 1) * jump
        jump *= stride
    return start + index * jump, start + index * jump + size - 1


def dilated_by_sum(kernels, dilations):
    size = 1
    for kernel, dilation in zip(kernels, dilations, strict=True):
        size += (kernel - 1) * dilation
    return size


def dilated_by_reach(kernels, dilations):
    last = 0
    for n in range(len(kernels)):
        last = last + dilations[n] * (kernels[n] - 1)
    return last + 1


def ways_by_walking(kernels, dilations):
    ends = {0: 1}
    for kernel, dilation in zip(kernels, dilations, strict=True):
        reached = {}
        for place, ways in ends.items():
            for k in range(kernel):
                reached[place + k * dilation] = reached.get(place + k * dilation, 0) + ways
        ends = reached
    return np.array([ends.get(place, 0) for place in range(max(ends) + 1)])


def ways_by_shifting(kernels, dilations):
    counts = np.ones(1, int)
    for kernel, dilation in zip(kernels, dilations, strict=True):
        reach = (kernel - 1) * dilation
        counts = sum(np.pad(counts, (k, reach - k)) for k in range(0, reach + 1, dilation))
    return counts


def confusion_by_loop(labels, predicted, classes):
    matrix = np.zeros((classes, classes), int)
    for label, answer in zip(labels, predicted, strict=True):
        matrix[label, answer] += 1
    return matrix


def confusion_by_bincount(labels, predicted, classes):
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def classes_by_mean(labels, predicted, classes):
    return np.array([(predicted[labels == c] == c).mean() for c in range(classes)])


def classes_by_counting(labels, predicted, classes):
    right, of = np.zeros(classes), np.zeros(classes)
    for label, answer in zip(labels, predicted, strict=True):
        of[label] += 1
        if label == answer:
            right[label] += 1
    return right / of


def share_by_sorting(features, labels, k):
    unit = features / np.sqrt((features**2).sum(axis=1, keepdims=True))
    nearest = np.argsort(-(unit @ unit.T), axis=1)[:, 1 : k + 1]  # the first is the image itself
    return (labels[nearest] == labels[:, None]).mean()


def share_by_loops(features, labels, k):
    right = 0
    for i, x in enumerate(features):
        angles = [
            (np.arccos(np.clip(x @ y / np.sqrt(x @ x) / np.sqrt(y @ y), -1, 1)), j)
            for j, y in enumerate(features)
            if j != i
        ]
        right += sum(labels[j] == labels[i] for _, j in sorted(angles)[:k])
    return right / (len(features) * k)


def interval_by_numpy(first, second, t):
    differences = first - second
    error = t * differences.std(ddof=1) / np.sqrt(len(differences))
    return differences.mean(), differences.mean() - error, differences.mean() + error


def interval_by_hand(first, second, t):
    n, differences = len(first), [a - b for a, b in zip(first, second, strict=True)]
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    error = t * (variance / n) ** 0.5
    return mean, mean - error, mean + error


def crops_by_loop(images, rows, columns, padding):
    _, _, H, W = images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    crops = np.zeros(images.shape)
    for n in range(len(images)):
        crops[n] = wide[n, :, rows[n] : rows[n] + H, columns[n] : columns[n] + W]
    return crops


def crops_by_index(images, rows, columns, padding):
    N, _, H, W = images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    n = np.arange(N)[:, None, None]
    i = rows[:, None, None] + np.arange(H)[:, None]
    j = columns[:, None, None] + np.arange(W)
    return wide[n, :, i, j].transpose(0, 3, 1, 2)


def flip_chosen(images, which):
    images = images.copy()
    images[which] = images[which][:, :, :, ::-1]
    return images


def flip_column_by_column(images, which):
    W, flipped = images.shape[3], np.zeros(images.shape)
    for n in range(len(images)):
        for j in range(W):
            flipped[n, :, :, j] = images[n, :, :, W - 1 - j] if which[n] else images[n, :, :, j]
    return flipped


def mixup_in_one_go(images, labels, order, weight, classes):
    targets = np.eye(classes)[labels]
    mixed = weight * images + (1 - weight) * images[order]
    return mixed, weight * targets + (1 - weight) * targets[order]


def mixup_one_by_one(images, labels, order, weight, classes):
    mixed, targets = np.zeros(images.shape), np.zeros((len(images), classes))
    for n, partner in enumerate(order):
        mixed[n] = weight * images[n] + (1 - weight) * images[partner]
        targets[n, labels[n]] += weight
        targets[n, labels[partner]] += 1 - weight
    return mixed, targets


def moved_by_tents(image, M, t):
    H, W = image.shape
    y, x = np.mgrid[0:H, 0:W]
    center = np.array([[W - 1], [H - 1]]) / 2
    places = np.stack([x.ravel(), y.ravel()]) - center - np.reshape(t, (2, 1))
    x, y = np.linalg.inv(M) @ places + center
    value = np.zeros(H * W)
    for row, column in np.ndindex(H, W):
        tent = np.maximum(1 - np.abs(x - column), 0) * np.maximum(1 - np.abs(y - row), 0)
        value = value + tent * image[row, column]
    return value.reshape(H, W)


def moved_pixel_by_pixel(image, M, t):
    H, W = image.shape
    (a, b), (c, d) = M
    wide = np.pad(image, 1)
    moved = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            px, py = j - (W - 1) / 2 - t[0], i - (H - 1) / 2 - t[1]
            x = (d * px - b * py) / (a * d - b * c) + (W - 1) / 2
            y = (a * py - c * px) / (a * d - b * c) + (H - 1) / 2
            if -1 < x < W and -1 < y < H:
                m, n = int(y + 1), int(x + 1)
                down, right = y + 1 - m, x + 1 - n
                upper = (1 - right) * wide[m, n] + right * wide[m, n + 1]
                lower = (1 - right) * wide[m + 1, n] + right * wide[m + 1, n + 1]
                moved[i, j] = (1 - down) * upper + down * lower
    return moved


def hidden_by_masks(features, labels, folds):
    rows = np.zeros((len(labels), labels.max() + 1))
    for fold in set(folds.tolist()):
        known, truth = features[folds != fold], labels[folds != fold]
        spread = known.std(axis=0)
        for c in range(rows.shape[1]):
            away = (features[folds == fold] - known[truth == c].mean(axis=0)) / spread
            rows[folds == fold, c] = (away**2).sum(axis=1)
    return rows


def hidden_photo_by_photo(features, labels, folds):
    rows = []
    for photo, fold in zip(features, folds, strict=True):
        known = [n for n in range(len(labels)) if folds[n] != fold]
        center = sum(features[n] for n in known) / len(known)
        variance = sum((features[n] - center) ** 2 for n in known) / len(known)
        distances = []
        for c in sorted(set(labels.tolist())):
            ours = [features[n] for n in known if labels[n] == c]
            distances.append(((photo - sum(ours) / len(ours)) ** 2 / variance).sum())
        rows.append(distances)
    return np.array(rows)


def split_by_adding(groups, share, order):
    aside = np.zeros(len(groups), bool)
    for group in order:
        if aside.sum() >= share * len(groups):
            break
        aside[groups == group] = True
    return aside


def split_by_sets(groups, share, order):
    chosen, count, place = set(), 0, 0
    while count < share * len(groups):
        chosen.add(int(order[place]))
        count += sum(int(group == order[place]) for group in groups)
        place += 1
    return np.array([int(group) in chosen for group in groups])


def temperature_by_loop(logits, labels, temperatures):
    best, lowest = None, np.inf
    for t in temperatures:
        scores = logits / t
        log_sum = np.log(np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)) + scores.max(axis=1)
        loss = (log_sum - scores[np.arange(len(labels)), labels]).mean()
        if loss < lowest:
            best, lowest = t, loss
    return best


def temperature_by_min(logits, labels, temperatures):
    def loss(t):
        p = np.exp(logits / t)
        p /= p.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(labels)), labels]).sum()

    return min(temperatures, key=loss)


def gaps_by_bins(confidence, right, bins):
    error = 0.0
    for n in range(bins):
        inside = (confidence > n / bins) & (confidence <= (n + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


def gaps_by_numbers(confidence, right, bins):
    number = (confidence * bins).astype(int)
    hits = np.bincount(number, right, bins)
    sure = np.bincount(number, confidence, bins)
    return np.abs(hits - sure).sum() / len(confidence)


def boxes_at_once(a, b):
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    both = np.prod(np.clip(sides, 0, None), axis=1)
    areas = [np.prod(c[:, 2:] - c[:, :2], axis=1) for c in (a, b)]
    return both / (areas[0] + areas[1] - both)


def boxes_pair_by_pair(a, b):
    result = np.zeros(len(a))
    for n in range(len(a)):
        width = min(a[n, 2], b[n, 2]) - max(a[n, 0], b[n, 0])
        height = min(a[n, 3], b[n, 3]) - max(a[n, 1], b[n, 1])
        if width > 0 and height > 0:
            one = (a[n, 2] - a[n, 0]) * (a[n, 3] - a[n, 1])
            other = (b[n, 2] - b[n, 0]) * (b[n, 3] - b[n, 1])
            result[n] = width * height / (one + other - width * height)
    return result


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def suppress_by_keeping(boxes, scores, threshold):
    kept = []
    for n in np.argsort(scores)[::-1]:
        if all(overlap(boxes[n], boxes[k]) <= threshold for k in kept):
            kept.append(n)
    return np.array(kept)


def suppress_by_removing(boxes, scores, threshold):
    left, kept = list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda n: scores[n])
        kept.append(best)
        left.remove(best)
        left = [n for n in left if overlap(boxes[n], boxes[best]) <= threshold]
    return np.array(kept)


def masks_by_classes(labels, predicted, classes):
    shares = []
    for c in range(classes):
        both = ((labels == c) & (predicted == c)).sum()
        either = ((labels == c) | (predicted == c)).sum()
        shares.append(both / either)
    return np.mean(shares)


def masks_by_confusion(labels, predicted, classes):
    matrix = np.zeros((classes, classes))
    for i, j in zip(labels.ravel(), predicted.ravel(), strict=True):
        matrix[i, j] += 1
    both = np.diag(matrix)
    return (both / (matrix.sum(axis=0) + matrix.sum(axis=1) - both)).mean()


def muon_by_columns(w, grad, momentum, rate):
    momentum = grad + 0.6 * momentum
    x = (0.6 * momentum + grad).reshape(w.shape[0], -1).T  # a column a filter
    x = x / np.linalg.norm(x)
    for _ in range(3):
        g = x.T @ x
        x = 3.4445 * x - 4.7750 * x @ g + 2.0315 * x @ g @ g
    w = w / np.linalg.norm(w) * len(w) ** 0.5
    return w - rate * x.T.reshape(w.shape), momentum


def muon_by_singular_values(w, grad, momentum, rate):
    momentum = 0.6 * momentum + grad
    u, s, vt = np.linalg.svd((grad + 0.6 * momentum).reshape(len(w), -1), full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(3):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    step = (u * s) @ vt
    return np.sqrt(len(w)) * w / np.linalg.norm(w) - rate * step.reshape(w.shape), momentum


def marks_by_claims(boxes, scores, true):
    free, marks = set(range(len(true))), []
    for n in np.argsort(scores)[::-1]:
        fits = {k: overlap(boxes[n], true[k]) for k in free}
        best = max(fits, key=fits.get, default=None)
        marks.append(best is not None and fits[best] > 0.5)
        if marks[-1]:
            free.remove(best)
    return np.array(marks)


def marks_by_table(boxes, scores, true):
    order = sorted(range(len(boxes)), key=lambda n: -scores[n])
    table = np.array([[overlap(boxes[n], thing) for thing in true] for n in order])
    marks = np.zeros(len(boxes), bool)
    for n in range(len(boxes)):
        best = table[n].argmax()
        if table[n, best] > 0.5:
            marks[n] = True
            table[n + 1 :, best] = 0
    return marks


RIGHT = {
    "seen_pixels": (seen_from_the_value, seen_by_size_and_jump),
    "dilated_field": (dilated_by_sum, dilated_by_reach),
    "count_ways": (ways_by_walking, ways_by_shifting),
    "confusion_matrix": (confusion_by_loop, confusion_by_bincount),
    "class_accuracy": (classes_by_mean, classes_by_counting),
    "neighbor_share": (share_by_sorting, share_by_loops),
    "paired_interval": (interval_by_numpy, interval_by_hand),
    "muon_step": (muon_by_columns, muon_by_singular_values),
    "random_crop": (crops_by_loop, crops_by_index),
    "flip": (flip_chosen, flip_column_by_column),
    "mixup": (mixup_in_one_go, mixup_one_by_one),
    "move_image": (moved_by_tents, moved_pixel_by_pixel),
    "split_groups": (split_by_adding, split_by_sets),
    "choose_temperature": (temperature_by_loop, temperature_by_min),
    "calibration_error": (gaps_by_bins, gaps_by_numbers),
    "box_iou": (boxes_at_once, boxes_pair_by_pair),
    "suppress": (suppress_by_keeping, suppress_by_removing),
    "hidden_distances": (hidden_by_masks, hidden_photo_by_photo),
    "mean_iou": (masks_by_classes, masks_by_confusion),
    "mark_boxes": (marks_by_claims, marks_by_table),
}
