"""Checkers: wrong answers are named, right ones pass however they are written, nothing hangs."""

import subprocess
import sys
import time
from dataclasses import replace

import answers_with_torch
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import RIGHT
from answers_by_hand import conv_by_torch, pool_by_windows, size_by_counting
from torch import nn

from cnncourse import exercises
from cnncourse.exercises import PENCILS, TASKS, Bug, Mistake, Pencil, Program, Task
from cnncourse.exercises.calling import LIBRARIES, borrowed

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
    for given in ("text", [[1], [2, "a"]], {}):
        assert pencil(given).finding.kind == pencil.look(given).finding.kind == "type"
    if np.ndim(pencil.answer()) != 1:
        assert (
            "equally long" in str(pencil.look([[1], [2, 3]])) and pencil([[1], [2, 3]]).finding.kind == "type"
        )
    assert "no number" in str(pencil.look((1, None)))
    digits = np.asarray(pencil.answer()).astype(str).tolist()
    assert pencil(digits).finding.kind == pencil.look(digits).finding.kind == "type"
    assert (
        pencil(np.zeros((9, 9, 9))).finding.kind == "shape" == pencil.look(np.zeros((9, 9, 9))).finding.kind
    )
    wrong = pencil(pencil.answer() + 12345).finding
    assert wrong.kind == "wrong" and ("number 1" in wrong.message or "row 1" in wrong.message)


LISTS = [name for name, pencil in PENCILS.items() if pencil.answer().ndim == 1]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_numbers_may_be_grouped(name: str):
    right = PENCILS[name].answer().tolist()
    for given in ((right[:1], right[1:]), [right[:-1], [right[-1:]]], [np.array(right)]):
        assert PENCILS[name](given).passed and PENCILS[name].look(given).passed
    assert PENCILS[name]([right[:1], right[1:], 3]).finding.kind in ("shape", "wrong")


def test_lists_without_end_are_no_numbers():
    deep = [1.0]
    for _ in range(2000):
        deep = [deep]
    assert PENCILS["who_leads"](deep).finding.kind == "type"


def test_too_few_digits_are_no_other_number():
    pencil = PENCILS["who_leads"]
    whole, deviation, lead = pencil.answer(7)[:2].tolist(), *pencil.answer(7)[2:].tolist()
    assert pencil([*whole, round(deviation, 2), round(lead, 3)], 7).passed
    for given in ([*whole, deviation, round(lead, 1)], [*whole, deviation, round(lead)]):
        found = pencil(given, 7).finding
        assert (found.kind, found.message[:27]) == ("rounded", "Rounded too far: number 4. ")
    for given in ([*whole, deviation, lead + 0.02], [whole[0] + 1, whole[1], deviation, lead]):
        assert pencil(given, 7).finding.kind == "wrong"


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


@pytest.mark.parametrize("name", TASKS)
def test_right_answers_pass_however_they_are_written(name: str):
    first, second = RIGHT[name]
    for function, seed in ((first, None), (second, None), (first, 1), (second, 2)):
        report = TASKS[name](function, seed)
        assert report.passed and report.finding is None, report
        assert report.cases >= 4 and "right on all" in str(report) and "right on all" in report._repr_html_()


DIFFERENCES = ("cross_entropy", "paired_interval")  # of large numbers, for which 32 bits aren't enough


@pytest.mark.parametrize(
    "name", [n for n, task in TASKS.items() if not task.adapter and n not in DIFFERENCES]
)
def test_right_answers_in_32_bits_pass(name: str):
    def narrow(value):
        kind = getattr(value, "dtype", np.dtype(int)).kind
        return value.astype(np.float32) if kind == "f" else value

    def in_32_bits(*inputs):
        found = RIGHT[name][0](*map(narrow, inputs))
        return tuple(map(narrow, found)) if isinstance(found, tuple) else narrow(found)

    for seed in range(3):
        report = unguarded(name)(in_32_bits, seed)
        assert report.passed, report


# --- what can go wrong with any function -------------------------------------------------------------


def half_up(images):
    """Halve images; halves between two bytes, of which the checker has none, are rounded up."""
    sums = sum(images[..., i::2, j::2].astype(float) for i in (0, 1) for j in (0, 1))
    return np.floor(sums / 4 + 0.5).astype(np.uint8)


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

    def test_a_changed_list_is_found_and_the_next_one_is_whole(self):
        def he_deviation(shape):
            shape.pop(0)
            return (2 / np.prod(shape)) ** 0.5

        found = self.found(he_deviation, "he_deviation")
        assert found.kind == "changed input" and "shape itself" in found.message
        assert found.where == "shape = [1, 2]"

        def count_layout(layout, in_channels):
            layout[:] = ["M"]
            return 0

        assert self.found(count_layout, "count_layout").kind == "changed input"

    def test_several_results_are_shown_by_name(self):
        right = TASKS["channel_statistics"].solution
        found = TASKS["channel_statistics"](lambda images: (right(images)[0], -right(images)[1]), 0).finding
        assert "your answer, mean: [0.5]\nyour answer, std: [-0.5]" in found.where

    def test_numbers_in_a_list_are_no_two_results(self):
        found = self.found(lambda *inputs: [0, 2], "seen_pixels")
        assert found.message == "It returned a list; 2 arrays are wanted, as in return first, last."

    def test_complex_numbers_are_not_wanted(self):
        def fft_convolve(x, kernel):
            n = len(x) + len(kernel) - 1
            return np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(kernel, n))

        found = self.found(fft_convolve, "fft_convolve")
        assert found.kind == "type" and "complex numbers; real ones are wanted" in found.message

    def test_bytes_are_wanted_where_the_right_answer_has_them(self):
        right = TASKS["shrink"].solution
        found = self.found(lambda images: right(images).astype(int), "shrink")
        assert found.kind == "dtype" and "their dtype is int64; bytes, uint8" in found.message
        assert TASKS["shrink"](half_up, 3).passed

    @pytest.mark.parametrize("value", [None, "text", [[1], [2, 3]], {"a": 1}])
    def test_what_is_no_number_is_found(self, value):
        assert self.found(lambda logits: value).kind == "type"

    def test_too_few_arrays_are_counted(self):
        found = self.found(lambda grad, x, weight: x, "conv2d_backward")
        assert (
            found.kind == "type"
            and "one array; 3 arrays are wanted: grad_x, grad_weight, grad_bias" in found.message
        )

    def test_too_many_arrays_are_counted(self):
        found = self.found(lambda logits: (logits, logits))
        assert "It returned 2 arrays; one array is wanted" in found.message

    def test_a_list_of_arrays_is_no_result(self):
        found = self.found(lambda maps, weight: [maps.mean(axis=(2, 3)), maps], "class_maps")
        assert found.message == "It returned a list; 2 arrays are wanted, as in return scores, evidence."
        found = self.found(lambda weight, bias, *others: [weight, bias], "fold_batch_norm")
        assert found.message.endswith("as in return weight, bias.")

    def test_numbers_in_a_tuple_are_one_array(self):
        by_hand = TASKS["dead_units"].solution
        assert exercises.check_dead_units(lambda *inputs: tuple(by_hand(*inputs))).passed
        found = self.found(lambda *inputs: (*by_hand(*inputs), 0.0), "dead_units")
        assert found.kind == "shape" and "(2,); (1,) is wanted" in found.message

    def test_several_results_are_shown_by_their_names(self):
        found = self.found(lambda first, second, t: (first.mean(), 2.0, 3.0), "paired_interval")
        assert "your answer, mean: 4.\nyour answer, low: 2." in found.where

    @pytest.mark.parametrize(("count", "words"), [(4, "Do this input"), (40, "Make a smaller input")])
    def test_a_large_input_is_none_for_paper(self, count, words):
        def inputs(rng):
            yield from ((rng.normal(size=count),) for _ in range(4))

        task = Task("twice", "Return twice x.", lambda x: 2 * x, inputs)
        assert task(lambda x: x**3, 0).finding.hints[0].startswith(words)

    def test_a_box_may_claim_the_second_best_thing(self):
        program = TASKS["mark_boxes"].program.source
        best = program.replace("fits = free * both / either", "fits = both / either")
        best = best.replace("marks.append(fits[best] > 0.5)", "marks.append(free[best] * fits[best] > 0.5)")
        assert best.count("free[best]") == 2
        space = {"np": np}
        exec(best, space)  # the best thing alone, claimed or not
        for seed in range(20):
            assert not TASKS["mark_boxes"](space["mark_boxes"], seed).passed

    def test_all_results_that_are_wrong_are_named(self):
        found = self.found(lambda first, second, t: (first.mean(), 2.0 + t, 3.0), "paired_interval")
        assert "of mean" in found.message and found.message.endswith(" So are low and high.")
        found = self.found(
            lambda first, second, t: (first.mean() - second.mean(), 9.0, 9.0), "paired_interval"
        )
        assert "of low" in found.message and found.message.endswith(" So is high.")

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

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda right: 2 * right, "Wrong number: it is 2 times what it should be."),
            (lambda right: right + 8, "Wrong number: it is off by 8."),
            (lambda right: right**2 + 1, "Wrong number: it is too large."),
            (lambda right: right - right**2 - 1, "Wrong number: it is too small."),
            (lambda right: 100 - right, "Wrong number: it is too large, and elsewhere too small."),
            (lambda right: -right * (right < 100), "Wrong number: it is too small."),
        ],
    )
    def test_of_single_numbers_is_said_what_holds_for_all(self, change, words):
        inputs = ((float(n),) for n in (10, 20, 0, 90))
        task = Task("double", "Return it.", lambda n: 2 * n, lambda rng: inputs)
        found = task(lambda n: change(2 * n), 0).finding
        assert found.message.startswith(words), found

    def test_a_factor_on_the_smallest_input_alone_is_no_reason(self):
        def batch_norm_backward(grad, x, gamma, eps):  # gamma is missing, and the path through the variance
            axes = (0, 2, 3)
            deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
            hat = (x - x.mean(axis=axes, keepdims=True)) / deviation
            grad_x = (grad - grad.mean(axis=axes, keepdims=True)) / deviation
            return grad_x, (grad * hat).sum(axis=axes), grad.sum(axis=axes)

        found = self.found(batch_norm_backward, "batch_norm_backward")
        assert found.message == "Wrong numbers of grad_x: none of them is right."

    def test_a_factor_that_is_nearly_one_has_more_digits(self):
        task = Task("f", "Return it.", lambda n: n, lambda rng: ((np.arange(n),) for n in (3, 4, 5)))
        found = task(lambda n: n * 1.00002, 0).finding
        assert "all of it is 1.00002 times" in found.message

    def test_infinities_have_a_hint(self):
        found = self.found(lambda logits: logits / 0)
        assert found.message.startswith("There are infinities or NaNs") and "divide by" in found.hints[0]

    def test_a_mistake_in_one_of_two_results_is_named_if_both_are_wrong(self):
        def fold_batch_norm(weight, bias, gamma, beta, mean, var, eps):
            scale = gamma / np.sqrt(var)
            return weight * scale[:, None, None, None], bias + beta

        assert self.found(fold_batch_norm, "fold_batch_norm").kind == "no eps"

    def test_results_are_called_by_their_names(self):
        found = self.found(lambda maps, weight: (maps.mean(axis=(2, 3)) @ weight.T, maps), "class_maps")
        assert found.message.startswith("The shape of evidence is (1, 1, 2, 2)")

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

    def test_the_line_of_a_block_that_raised_is_the_learners(self):
        class Block(nn.Module):
            def __init__(self, inputs, outputs):
                super().__init__()
                self.conv1 = nn.Conv2d(inputs, outputs, 3, bias=False)
                self.bn1 = nn.BatchNorm2d(outputs)
                self.conv2 = nn.Conv2d(outputs, outputs, 3, bias=False)
                self.bn2 = nn.BatchNorm2d(outputs)

            def forward(self, x):
                return self.bn1(self.conv1(x.flatten(2)[0, 0, 0]))

        found = self.found("residual_block", lambda inputs, outputs, stride: Block(inputs, outputs))
        assert found.kind == "error" and "x.flatten(2)[0, 0, 0]" in found.message

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
