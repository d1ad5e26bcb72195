"""Checkers: wrong answers are named, right ones pass however they are written, nothing hangs."""

import subprocess
import sys
import time
from dataclasses import replace
from itertools import product

import answers_architectures
import answers_foundations
import answers_practice
import answers_with_torch
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse import exercises
from cnncourse.exercises import PENCILS, TASKS, Bug, Mistake, Pencil, Program, Task
from cnncourse.exercises.calling import LIBRARIES, borrowed, call
from cnncourse.exercises.mutants import mutants

MISTAKES = [(name, mistake) for name, task in TASKS.items() for mistake in task.mistakes]


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{name}-{m.name}" for name, m in MISTAKES])
def test_each_mistake_is_named(name: str, mistake: Mistake):
    for seed in range(3):
        report = unguarded(name)(mistake.function, seed)
        assert report.finding is not None
        assert report.finding.kind == mistake.name, report
        assert report.finding.message.startswith(mistake.message) and report.finding.where


def unguarded(name: str) -> Task:
    """Return the task without its look for libraries, which the wrong ways and the right one here use."""
    return replace(TASKS[name], by_hand=False)


@pytest.mark.parametrize("name", TASKS)
def test_each_exercise_knows_six_mistakes_and_passes_its_solution(name: str):
    assert len(TASKS[name].mistakes) >= 6
    assert len({mistake.name for mistake in TASKS[name].mistakes}) == len(TASKS[name].mistakes)
    for seed in range(5):
        report = unguarded(name)(TASKS[name].solution, seed)
        assert report.passed, report
    assert "Return " in TASKS[name].statement


# --- questions for paper and pencil ------------------------------------------------------------------

SEEDS = range(12)


@pytest.mark.parametrize("name", PENCILS)
def test_each_wrong_answer_to_a_question_is_named_whatever_the_numbers(name: str):
    pencil = PENCILS[name]
    assert len(pencil.mistakes) >= 6
    for seed in SEEDS:
        numbers = pencil.numbers(seed)
        for mistake in pencil.mistakes:
            found = pencil(mistake.function(**numbers), seed).finding
            assert found is not None and (found.kind, found.message) == (mistake.name, mistake.message)


@pytest.mark.parametrize("name", PENCILS)
def test_right_answers_to_a_question_pass_however_they_are_written(name: str):
    pencil = PENCILS[name]
    for seed in SEEDS:
        right = pencil.answer(seed)
        for given in (right, right.tolist(), tuple(right.tolist()), right.astype(float) + 0.0):
            assert pencil(given, seed).passed
            assert pencil.look(given).passed
    assert len({str(pencil.numbers(seed)) for seed in SEEDS}) > 6
    assert "right" in str(pencil(pencil.answer())) and "inputs" not in str(pencil(pencil.answer()))


@pytest.mark.parametrize("name", PENCILS)
def test_what_is_no_answer_to_a_question(name: str):
    pencil = PENCILS[name]
    for given in (None, ...):
        assert pencil(given).finding.kind == "missing" and pencil.form in str(pencil(given))
    assert (
        pencil("text").finding.kind == pencil([[1], [2, 3]]).finding.kind == pencil({}).finding.kind == "type"
    )
    assert (
        pencil(np.zeros((9, 9, 9))).finding.kind == "shape" == pencil.look(np.zeros((9, 9, 9))).finding.kind
    )
    wrong = pencil(pencil.answer() + 12345).finding
    assert wrong.kind == "wrong" and ("number 1" in wrong.message or "row 1" in wrong.message)


def test_numbers_that_leave_two_ways_alike_are_drawn_again():
    mistake = Mistake("product", "You multiply.", lambda a: a * a)
    pencil = Pencil(
        "twice", "twice a", lambda rng: {"a": int(rng.integers(0, 4))}, lambda a: a + a, (mistake,)
    )
    assert {pencil.numbers(seed)["a"] for seed in range(20)} == {1, 3}
    assert pencil(6.001 - 0.001, 0).finding is None or pencil.numbers()["a"] == 1
    same = Pencil("same", "a", lambda rng: {"a": 1}, lambda a: a, (Mistake("none", "None.", lambda a: a),))
    with pytest.raises(RuntimeError, match="the same answer for all numbers"):
        same.numbers()


# --- programs with a bug -----------------------------------------------------------------------------

BROKEN = [name for name, task in TASKS.items() if task.program is not None]


@pytest.mark.parametrize("name", BROKEN)
def test_any_of_the_bugs_may_be_planted_and_none_shows_the_right_line(name: str):
    program = TASKS[name].program
    assert {program.bug(seed).name for seed in range(200)} == {bug.name for bug in program.bugs}
    for bug in program.bugs:
        assert program.planted(bug) != program.source and bug.right not in program.planted(bug)
        assert bug.wrong not in bug.message and not any(bug.right in hint for hint in bug.hints)


def test_a_bug_that_cannot_be_planted_is_named():
    program = Program("f", "def f():\n    return 1 + 1\n", (Bug("b", "1", "2", "Wrong."),))
    with pytest.raises(ValueError, match=r"bug 'b': the program f has to hold '1' exactly once, it does 2"):
        program.planted(program.bugs[0])
    assert program.function()() == 2


# --- right answers, written differently ---------------------------------------------------------------


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
    **answers_foundations.RIGHT,
    **answers_architectures.RIGHT,
    **answers_practice.RIGHT,
    **answers_with_torch.RIGHT,
}


@pytest.mark.parametrize("name", TASKS)
def test_right_answers_pass_however_they_are_written(name: str):
    first, second = RIGHT[name]
    for function, seed in ((first, None), (second, None), (first, 1), (second, 2)):
        report = TASKS[name](function, seed)
        assert report.passed and report.finding is None, report
        assert report.cases >= 4 and "right on all" in str(report) and "right on all" in report._repr_html_()


# --- what can go wrong with any function -------------------------------------------------------------


class TestFaults:
    def found(self, function, name="softmax", **options):
        report = TASKS[name](function, 0, **options)
        assert not report.passed
        return report.finding

    def test_an_error_is_caught_and_its_line_named(self):
        def softmax(logits):
            return logits / nothing  # noqa: F821

        found = self.found(softmax)
        assert found.kind == "error" and "NameError" in found.message and "logits / nothing" in found.message
        assert "logits = [[0., 0.]]" in found.where

    def test_an_exit_is_caught(self):
        assert "SystemExit" in self.found(lambda logits: exit(3)).message

    def test_a_loop_without_end_ends(self):
        def softmax(logits):
            while True:
                pass

        start = time.monotonic()
        found = self.found(softmax, limit=0.2)
        assert found.kind == "time" and "0.2 seconds" in found.message
        assert time.monotonic() - start < 5

    def test_a_loop_that_catches_everything_ends_too(self):
        def softmax(logits):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    return

        assert self.found(softmax, limit=0.2).kind == "time"

    def test_changed_inputs_are_found(self):
        def softmax(logits):
            logits -= logits.max(axis=1, keepdims=True)
            return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

        found = self.found(softmax)
        assert found.kind == "changed input" and "logits itself" in found.message
        assert found.hints[-1].endswith("logits = logits.copy()")

    @pytest.mark.parametrize("value", [None, "text", [[1], [2, 3]], {"a": 1}])
    def test_what_is_no_number_is_found(self, value):
        assert self.found(lambda logits: value).kind == "type"

    def test_too_few_arrays_are_counted(self):
        found = self.found(lambda grad, x, weight: x, "conv2d_backward")
        assert (
            found.kind == "type"
            and "1 arrays; 3 arrays are wanted: grad_x, grad_weight, grad_bias" in found.message
        )

    def test_the_shape_is_named(self):
        found = self.found(lambda logits: np.full(logits.shape[0], 0.5))
        assert found.kind == "shape" and "(1,); (1, 2) is wanted" in found.message

    def test_an_answer_by_heart_is_found(self):
        found = self.found(lambda x, size, stride: np.array([[[[4.0]]]]), "max_pool2d")
        assert found.kind != "library"
        found = self.found(lambda logits: np.full(logits.shape, 1 / logits.shape[1]))
        assert found.kind == "same answer"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda right: -right, "sign"),
            (lambda right: 3 * right, "3 times what it should be"),
            (lambda right: right + 2, "off by 2"),
            (lambda right: right[..., ::-1], "flipped along axis 3"),
            (
                lambda right: np.where(np.arange(right.shape[-1]) > 0, right, 9.0),
                "are wrong, the first at (0, 0, 0, 0)",
            ),
            (lambda right: right**3 + 1, "none of them is right"),
        ],
    )
    def test_what_is_unknown_is_described(self, change, words):
        def maps(rng):
            for _ in range(4):
                yield np.round(rng.normal(size=(1, 2, 4, 6)) + 4, 3), 2, 2

        task = Task("max_pool2d", "Return the maxima.", TASKS["max_pool2d"].solution, maps)
        found = task(lambda *inputs: change(pool_by_windows(*inputs)), 0).finding
        assert found.kind == "wrong" and words in found.message, found

    def test_some_of_the_inputs_may_be_right(self):
        def pool(x, size, stride):
            return pool_by_windows(x, size, stride) if x.min() >= 0 else pool_by_windows(x, size, stride) ** 3

        assert "It is right on" in self.found(pool, "max_pool2d").message

    def test_the_smallest_input_is_shown(self):
        def pool(x, size, stride):
            return pool_by_windows(x, size, stride) + (x.shape[2] % 2)

        found = self.found(pool, "max_pool2d")
        assert found.where.startswith("x = [[[[-1., -2., -3.]") and "size = 2" in found.where

    def test_what_is_no_function_is_refused(self):
        with pytest.raises(TypeError, match=r"check_softmax\(softmax\)"):
            exercises.check_softmax(3)


class TestBorrowed:
    def test_the_librarys_own_function(self):
        assert "torch" in borrowed(F.conv2d) or borrowed(conv_by_torch) == "F"
        assert borrowed(TASKS["softmax"].solution).startswith("cnncourse")
        assert not exercises.check_conv2d(conv_by_torch).passed
        assert exercises.check_conv2d(conv_by_torch).finding.kind == "library"

    def test_one_inside_a_helper_or_imported_on_the_way(self):
        def helper(x):
            import torch

            return torch.softmax(torch.from_numpy(x), 1).numpy()

        space = {"helper": helper}
        exec("def softmax(logits):\n    return helper(logits)", space)
        assert borrowed(space["softmax"]) == "torch"
        assert exercises.check_softmax(space["softmax"]).finding.kind == "library"

    def test_a_correlation_of_numpy(self):
        assert borrowed(lambda x, w: np.convolve(x, w)) == "convolve"

    def test_numpy_and_plain_python_are_fine(self):
        by_hand = [name for name, task in TASKS.items() if task.by_hand]
        assert all(borrowed(function) == "" for name in by_hand for function in RIGHT[name])

    def test_all_libraries_are_names(self):
        assert all(name.isidentifier() for name in LIBRARIES)


class TestWithTorch:
    """What the adapters add: questions that are answered, names that are missing, kinds that are wrong."""

    def found(self, name, function):
        report = TASKS[name](function, 0)
        assert not report.passed
        return report.finding

    def test_torch_is_not_loaded_before_it_is_needed(self):
        code = "import sys\nfrom cnncourse.exercises import check_softmax\nprint('torch' in sys.modules)"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout == "False\n"

    def test_two_mistakes_at_once_are_seen_one_after_another(self):
        def accuracy(model, images, labels, batch_size):  # neither eval nor no_grad
            return (model(images).argmax(dim=1) == labels).double().mean()

        found = self.found("accuracy", accuracy)
        assert found.kind == "wrong" and "seed = " in found.where and "small_network(seed)" in found.where

    def test_a_question_is_answered(self):
        def accuracy(model, images, labels, batch_size):
            share = answers_with_torch.accuracy_by_counting(model, images, labels, batch_size)
            model(images)  # records a graph, moves the statistics
            return share

        found = self.found("accuracy", accuracy)
        assert found.message.startswith("Are gradients recorded? Yes; it should be no.")

    @pytest.mark.parametrize(("value", "words"), [(None, "returned nothing"), ("0.5", "a str; a number"),
        (torch.zeros(2), r"a Tensor of shape (2,); a number")])  # fmt: skip
    def test_what_is_no_number_is_named(self, value, words):
        found = self.found("train_epoch", lambda *arguments: value)
        assert found.kind == "type" and words in found.message

    def test_what_is_no_module_is_named(self):
        found = self.found("residual_block", lambda *arguments: lambda x: x)
        assert found.kind == "type" and "a function; an nn.Module is wanted" in found.message
        found = self.found("residual_block", lambda *arguments: None)
        assert "It returned nothing" in found.message

    def test_names_that_are_missing_are_named(self):
        def residual_block(in_channels, out_channels, stride):
            return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3))

        found = self.found("residual_block", residual_block)
        assert found.kind == "type" and "no conv1.weight and no bn1.weight" in found.message
        assert "it has 0.weight" in found.message

    def test_the_line_that_raised_is_the_learners(self):
        def train_epoch(model, images, labels, optimizer, batch_size, order):
            return F.cross_entropy(model(images), labels[:-1])

        found = self.found("train_epoch", train_epoch)
        assert found.kind == "error" and "labels[:-1]" in found.message

    def test_changed_images_are_found(self):
        def train_epoch(model, images, labels, optimizer, batch_size, order):
            images /= 255
            return answers_with_torch.epoch_by_slices(model, images, labels, optimizer, batch_size, order)

        found = self.found("train_epoch", train_epoch)
        assert found.kind == "changed input" and "images itself" in found.message

    def test_truths_where_numbers_are_wanted(self):
        found = self.found("relu_backward", lambda grad, x: x > 1)
        assert found.kind == "wrong"


class TestReports:
    def test_hints_lead_on_and_stop_before_the_solution(self):
        report = exercises.check_output_size(lambda n, k, s, p: (n + 2 * p - k) // s)
        assert report.hint() == report.hint(1) != report.hint(2) == report.hint(9)
        with pytest.raises(ValueError, match="counted from 1"):
            report.hint(0)

    def test_without_a_finding_there_is_no_hint(self):
        assert "no hint" in exercises.check_output_size(size_by_counting).hint()
        assert "no hint" in exercises.check_output_size(lambda *inputs: None).hint()

    def test_the_card_shows_code_as_it_is(self):
        def softmax(logits):
            raise ValueError("<script>a & b</script>")

        card = exercises.check_softmax(softmax)._repr_html_()
        assert "&lt;script&gt;" in card and "<script" not in card and "not yet" in card

    def test_the_card_folds_its_hints(self):
        card = exercises.check_softmax(lambda z: np.exp(z - z.max(axis=1, keepdims=True)))._repr_html_()
        assert card.count("<details>") == 1 and "add up to 1" in card

    def test_equal_seeds_give_equal_inputs(self):
        texts = [str(exercises.check_softmax(lambda z: z**2, seed)) for seed in (1, 1)]
        assert texts[0] == texts[1]


# --- mutants of right answers -------------------------------------------------------------------------

SURVIVORS = 0.05  # of those that change what the function returns
LIMIT = 0.5  # seconds


def behaves(task: Task, function) -> list:
    """Return what a function returns on many inputs, or that it raises or does not end."""
    found, adapted = [], task.adapted(function)
    for seed in range(100, 101 if task.adapter else 103):
        for inputs in task.inputs(np.random.default_rng(seed)):
            outcome = call(adapted, inputs, LIMIT)
            if outcome.late:
                return ["late"]
            found.append((outcome.error.split(":")[0], outcome.changed, outcome.value))
    return found


def same(a: list, b: list) -> bool:
    try:
        return len(a) == len(b) and all(
            one[:2] == other[:2]
            and all(
                np.shape(x) == np.shape(y) and np.allclose(x, y, 1e-6, 1e-9, equal_nan=True)
                for x, y in zip(as_tuple(one[2]), as_tuple(other[2]), strict=True)
            )
            for one, other in zip(a, b, strict=True)
        )
    except (TypeError, ValueError):
        return False


def as_tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", TASKS)
def test_mutants_of_right_answers_are_caught(name: str):
    task, changed, survivors = unguarded(name), 0, []
    for function in RIGHT[name]:
        right = behaves(task, function)
        for mutant in mutants(function):
            if same(behaves(task, mutant.function), right):
                continue
            changed += 1
            if task(mutant.function, 0, LIMIT).passed:
                survivors.append(
                    f"{function.__name__}, line {mutant.line}: {mutant.before} -> {mutant.after}"
                )
    assert changed >= 10
    assert len(survivors) <= SURVIVORS * changed, survivors


class TestMutants:
    def test_the_kinds_of_change(self):
        def shrink(x, axis=(0, 2)):
            total = x[::-1].sum(axis=(0, 2))
            total += 1
            return total, x > 0

        found = {(mutant.before, mutant.after) for mutant in mutants(shrink)}
        afters = {after for _, after in found}
        assert {"x[::-1].mean", "x[::-1].max", "x >= 0", "x < 0", "total = 1", "without total += 1"} <= afters
        assert {"return (x > 0, total)", "without 0", "without 2", "None"} & afters

    def test_a_mutant_runs_and_the_function_stays(self):
        first = next(mutants(size_by_counting))
        assert first.function is not size_by_counting and first.before != first.after
        assert size_by_counting(5, 3, 1, 0) == 3
