"""Right answers to exercises with torch, and to those of their chapters, each written in two ways."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def epoch_by_slices(model, images, labels, optimizer, batch_size, order):
    model.train()
    total = 0.0
    for start in range(0, len(images), batch_size):
        batch = order[start : start + batch_size]
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    return total / len(images)


def epoch_by_split(model, images, labels, optimizer, batch_size, order):
    criterion, losses = nn.CrossEntropyLoss(reduction="none"), []
    optimizer.zero_grad()
    model.train()
    images, labels = images[order], labels[order]
    for x, t in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        each = criterion(model(x), t)
        each.mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(each.detach())
    return torch.cat(losses).mean()


def accuracy_by_counting(model, images, labels, batch_size):
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            scores = model(images[start : start + batch_size])
            right += (scores.argmax(dim=1) == labels[start : start + batch_size]).sum().item()
    model.train()
    return right / len(images)


@torch.inference_mode()
def accuracy_by_joining(model, images, labels, batch_size):
    before = model.training
    model.train(False)
    scores = torch.cat([model(x) for x in images.split(batch_size)])
    model.train(before)
    return (scores.max(dim=1).indices == labels).double().mean()


def block_by_class(in_channels, out_channels, stride):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(out_channels)
            self.shortcut = nn.Identity()
            if stride != 1 or in_channels != out_channels:
                conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
                self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(out_channels))

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            return F.relu(out + self.shortcut(x))

    return Block()


def block_by_layers(in_channels, out_channels, stride):
    class Block(nn.Module):
        def forward(self, x):
            y = self.bn1(self.conv1(x)).clamp(min=0)
            y = self.bn2(self.conv2(y))
            y += self.shortcut(x)
            return y.clamp(min=0)

    block = Block()
    block.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
    block.bn1, block.bn2 = nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)
    block.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, "same", bias=False)
    block.shortcut = nn.Sequential()
    if stride > 1 or in_channels != out_channels:
        block.shortcut.append(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))
        block.shortcut.append(nn.BatchNorm2d(out_channels))
    return block


def residual_back_by_steps(grad, x, w1, w2):
    z = x @ w1
    h = np.maximum(z, 0)
    of_sum = grad * (h @ w2 + x > 0)
    of_z = (of_sum @ w2.T) * (z > 0)
    return of_z @ w1.T + of_sum, x.T @ of_z, h.T @ of_sum


def residual_back_row_by_row(grad, x, w1, w2):
    grad_x, grad_w1, grad_w2 = np.zeros(x.shape), np.zeros(w1.shape), np.zeros(w2.shape)
    for n in range(len(x)):
        z = w1.T @ x[n]
        h = np.where(z > 0, z, 0)
        of_sum = np.where(w2.T @ h + x[n] > 0, grad[n], 0)
        of_z = np.where(z > 0, w2 @ of_sum, 0)
        grad_x[n] = of_sum + w1 @ of_z
        grad_w1 += np.outer(x[n], of_z)
        grad_w2 += np.outer(h, of_sum)
    return grad_x, grad_w1, grad_w2


def fold_in_two_lines(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return weight * scale[:, None, None, None], (bias - mean) * scale + beta


def fold_by_filters(weight, bias, gamma, beta, mean, var, eps):
    weight, bias = weight.copy(), bias.copy()
    for c in range(len(weight)):
        deviation = (var[c] + eps) ** 0.5
        weight[c] *= gamma[c] / deviation
        bias[c] = gamma[c] * (bias[c] - mean[c]) / deviation + beta[c]
    return weight, bias


def standardize_both(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


def standardize_feature_by_feature(train, test):
    train, test = train.copy(), test.copy()
    for d in range(train.shape[1]):
        mean = train[:, d].sum() / len(train)
        std = (((train[:, d] - mean) ** 2).sum() / len(train)) ** 0.5
        train[:, d] = (train[:, d] - mean) / std
        test[:, d] = (test[:, d] - mean) / std
    return train, test


def head_by_groups(body, head, images, labels, rate, decay, steps):
    body.eval()
    with torch.no_grad():
        features = body(images)
    optimizer = torch.optim.SGD(
        [{"params": head.weight, "weight_decay": decay}, {"params": head.bias}], lr=rate
    )
    for _ in range(steps):
        loss = F.cross_entropy(head(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return F.cross_entropy(head(features), labels)


def head_by_hand(body, head, images, labels, rate, decay, steps):
    body.eval()
    for parameter in body.parameters():
        parameter.requires_grad_(False)
    for _ in range(steps):
        loss = F.cross_entropy(head(body(images)), labels)
        of_weight, of_bias = torch.autograd.grad(loss, [head.weight, head.bias])
        with torch.no_grad():
            head.weight -= rate * (of_weight + decay * head.weight)
            head.bias -= rate * of_bias
    return F.cross_entropy(head(body(images)), labels).item()


def rates_by_power(parts, rate, decay, head):
    rates = [rate * decay ** (parts - 1 - part) for part in range(parts)]
    return np.array([*rates, rate * head])


def rates_from_the_end(parts, rate, decay, head):
    rates = [rate * head]
    for _ in range(parts):
        rates.insert(0, rate)
        rate *= decay
    return np.array(rates)


RIGHT = {
    "train_epoch": (epoch_by_slices, epoch_by_split),
    "epoch": (epoch_by_slices, epoch_by_split),
    "accuracy": (accuracy_by_counting, accuracy_by_joining),
    "residual_block": (block_by_class, block_by_layers),
    "residual_backward": (residual_back_by_steps, residual_back_row_by_row),
    "fold_batch_norm": (fold_in_two_lines, fold_by_filters),
    "standardize": (standardize_both, standardize_feature_by_feature),
    "fit_head": (head_by_groups, head_by_hand),
    "depth_rates": (rates_by_power, rates_from_the_end),
}
