"""Learning by hand against torch: loss, gradient, rules, schedules, and a whole CNN step for step."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnncourse import learning
from cnncourse.learning import (
    SmallCNN,
    adam_step,
    cross_entropy,
    cross_entropy_backward,
    linear,
    linear_backward,
    log_softmax,
    log_sum_exp,
    minibatches,
    momentum_step,
    predict,
    sgd_step,
    softmax,
    train,
)

EXACT = {"rtol": 1e-10, "atol": 1e-12}


@st.composite
def scores(draw):
    """Return logits (N, classes), some of them huge, and labels."""
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([1e-3, 1.0, 30.0, 1e4]))
    return size * rng.standard_normal(shape), rng.integers(0, shape[1], shape[0])


def test_case_on_paper():
    logits = np.log([[1, 2, 5]])
    np.testing.assert_allclose(softmax(logits), [[1 / 8, 2 / 8, 5 / 8]], **EXACT)
    assert cross_entropy(logits, [1]) == pytest.approx(math.log(4))
    np.testing.assert_allclose(cross_entropy_backward(logits, [1]), [[1 / 8, -6 / 8, 5 / 8]], **EXACT)


@given(case=scores(), label_smoothing=st.sampled_from([0.0, 0.1, 1.0]))
def test_loss_and_gradient_agree_with_torch(case, label_smoothing):
    logits, labels = case
    leaf = torch.tensor(logits, requires_grad=True)
    loss = F.cross_entropy(leaf, torch.tensor(labels), label_smoothing=label_smoothing)
    loss.backward()
    assert cross_entropy(logits, labels, label_smoothing) == pytest.approx(loss.item(), rel=1e-10, abs=1e-12)
    grad = cross_entropy_backward(logits, labels, label_smoothing)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


@given(case=scores(), axis=st.sampled_from([0, 1, -1]))
def test_softmax_and_its_logarithm_agree_with_torch(case, axis):
    x = case[0]
    tensor = torch.tensor(x)
    np.testing.assert_allclose(softmax(x, axis), torch.softmax(tensor, axis).numpy(), **EXACT)
    np.testing.assert_allclose(log_softmax(x, axis), torch.log_softmax(tensor, axis).numpy(), **EXACT)
    np.testing.assert_allclose(log_sum_exp(x, axis), torch.logsumexp(tensor, axis).numpy(), **EXACT)


@given(case=scores(), shift=st.floats(-1e3, 1e3))
def test_softmax_knows_differences_alone(case, shift):
    x = case[0]
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(softmax(x).sum(axis=-1), 1, **EXACT)


def test_float32_survives_scores_that_overflow():
    logits = np.array([[200, -200]], dtype=np.float32)
    assert cross_entropy(logits, [1]) == pytest.approx(400)
    assert softmax(logits).dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 3], ValueError, "labels must be from 0 to 2 for 3 classes, got 0 to 3"),
        ([0, -1], ValueError, "labels must be from 0 to 2 for 3 classes, got -1 to 0"),
        ([0], ValueError, r"labels must have shape \(2,\), one a picture, got \(1,\)"),
        ([0.0, 1.0], TypeError, "labels must be whole numbers, got dtype float64"),
    ],
)
@pytest.mark.parametrize("score", [cross_entropy, learning.accuracy])
def test_bad_labels_are_named(score, labels, error, message):
    with pytest.raises(error, match=message):
        score(np.zeros((2, 3)), labels)


def test_accuracy_counts_highest_scores():
    logits = np.random.default_rng(0).standard_normal((50, 4))
    labels = logits.argmax(axis=1)
    labels[:20] = (labels[:20] + 1) % 4
    assert learning.accuracy(logits, labels) == 0.6
    assert learning.accuracy([[1, 1], [1, 1]], [0, 1]) == 0.5, "of equal scores the first class counts"
    assert learning.accuracy([[0, np.nan], [0, 1]], [1, 1]) == 0.5, "what is not a number is not right"


def test_bad_logits_and_smoothing_are_named():
    with pytest.raises(ValueError, match=r"logits must have 2 axes \(N, classes\), got shape \(3,\)"):
        cross_entropy(np.zeros(3), [0])
    with pytest.raises(ValueError, match=r"at least one picture and one class, got shape \(0, 3\)"):
        cross_entropy(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"label_smoothing must be between 0 and 1, got 1\.5"):
        cross_entropy(np.zeros((1, 3)), [0], 1.5)


@given(sizes=st.tuples(*[st.integers(1, 6)] * 3), seed=st.integers(0, 2**32 - 1))
def test_dense_layer_agrees_with_torch(sizes, seed):
    N, inputs, outputs = sizes
    rng = np.random.default_rng(seed)
    x, weight, bias = (rng.standard_normal(s) for s in ((N, inputs), (outputs, inputs), (outputs,)))
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    y, g = F.linear(*leaves), rng.standard_normal((N, outputs))
    y.backward(torch.tensor(g))
    np.testing.assert_allclose(linear(x, weight, bias), y.detach().numpy(), **EXACT)
    for ours, leaf in zip(linear_backward(g, x, weight), leaves, strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), **EXACT)


def test_dense_layer_names_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"weight must have shape \(outputs, 3\) for x with 3 inputs"):
        linear(np.zeros((2, 3)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"bias must have shape \(4,\), one number an output, got \(1,\)"):
        linear(np.zeros((2, 3)), np.zeros((4, 3)), [1.0])
    with pytest.raises(ValueError, match=r"grad_output must have the shape of the output, \(2, 4\)"):
        linear_backward(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((4, 3)))


RULES = {
    "sgd": (sgd_step, torch.optim.SGD, {}),
    "decay": (sgd_step, torch.optim.SGD, {"weight_decay": 0.1}),
    "momentum": (momentum_step, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (momentum_step, torch.optim.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    "adam": (adam_step, torch.optim.Adam, {}),
    "adamw": (adam_step, torch.optim.AdamW, {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.3}),
}


@pytest.mark.parametrize("name", RULES)
def test_rules_agree_with_torch_at_every_step(name):
    rule, optimizer_class, options = RULES[name]
    rng = np.random.default_rng(0)
    w, state = rng.standard_normal((3, 4)), {}
    leaf = nn.Parameter(torch.tensor(w))
    optimizer = optimizer_class([leaf], lr=0.05, **options)
    for _ in range(30):
        grad = rng.standard_normal((3, 4))
        w = rule(w, grad, state, 0.05, **options)
        leaf.grad = torch.tensor(grad)
        optimizer.step()
        np.testing.assert_allclose(w, leaf.detach().numpy(), **EXACT)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rule": "adam"}, TypeError, "rule must be a function such as adam_step.* got 'adam'"),
        ({"schedule": "cosine"}, TypeError, "schedule must be a function of step and steps.* got 'cosine'"),
        ({"network": nn.ReLU()}, TypeError, "network must be a SmallCNN.*got ReLU; PyTorch's"),
        ({"network": SmallCNN}, TypeError, "network must be a SmallCNN"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, r"epochs must be a whole number, got 1\.5"),
        ({"images": np.zeros((2, 1, 9, 9))}, ValueError, r"\(N, 1, 8, 8\), got \(2, 1, 9, 9\); .*image_size"),
        ({"images": np.zeros((2, 3, 8, 8))}, ValueError, r"got \(2, 3, 8, 8\); .*in_channels"),
        ({"images": np.full((2, 1, 8, 8), np.nan)}, FloatingPointError, "in step 1,.*look at images"),
        ({"labels": [0, 10]}, ValueError, "labels must be from 0 to 9 for 10 classes, got 0 to 10"),
    ],
)
def test_what_training_cannot_use_is_named(wrong, error, message):
    right = {"network": SmallCNN(), "images": np.zeros((2, 1, 8, 8)), "labels": [0, 1]}
    with pytest.raises(error, match=message):
        train(**(right | wrong))


def test_rules_leave_their_parameter_alone():
    for rule in learning.RULES.values():
        w = np.ones(2)
        rule(w, np.ones(2), {}, 0.1)
        np.testing.assert_array_equal(w, 1)


def test_minibatches_show_each_picture_once_in_an_order_of_their_own():
    batches = list(minibatches(23, 5, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    together = np.concatenate(batches)
    assert sorted(together) == list(range(23))
    assert list(together) != list(range(23))
    for batch, same in zip(batches, minibatches(23, 5, rng=0), strict=True):  # a seed will do
        np.testing.assert_array_equal(batch, same)


def test_scores_are_asked_for():
    for x, axis in (([], -1), (3.0, -1), ([[1.0, 2.0]], 2), (np.zeros((2, 0)), 1)):
        with pytest.raises(ValueError, match=rf"at least one score along axis {axis}, got shape"):
            softmax(x, axis)


class Twin(nn.Module):
    """The same network in torch."""

    def __init__(self, in_channels, num_classes, channels, image_size, batch_norm):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels[0], 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels[0]) if batch_norm else nn.Identity()
        self.conv2 = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels[1]) if batch_norm else nn.Identity()
        self.fc = nn.Linear(channels[1] * (image_size // 2 // 2) ** 2, num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def twins(**options):
    """Return our network and torch's, with the same numbers in both."""
    sizes = {"in_channels": 1, "num_classes": 10, "channels": (4, 6), "image_size": 8, "batch_norm": False}
    ours = SmallCNN(**(sizes | options))
    theirs = Twin(**{key: value for key, value in (sizes | options).items() if key != "seed"}).double()
    state = {name: torch.tensor(values) for name, values in (ours.parameters | ours.buffers).items()}
    missing, unexpected = theirs.load_state_dict(state, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing) and not unexpected
    return ours, theirs


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adamw"])
def test_small_cnn_learns_step_for_step_as_in_torch(name, batch_norm):
    rule, optimizer_class, options = RULES[name]
    ours, theirs = twins(in_channels=2, image_size=9, batch_norm=batch_norm, seed=1)
    optimizer = optimizer_class(theirs.parameters(), lr=0.02, **options)
    rng = np.random.default_rng(0)
    states = {key: {} for key in ours.parameters}
    for _ in range(10):
        x, labels = rng.standard_normal((7, 2, 9, 9)), rng.integers(0, 10, 7)
        logits = ours.forward(x)
        gradients = ours.backward(cross_entropy_backward(logits, labels))
        loss = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        assert cross_entropy(logits, labels) == pytest.approx(loss.item(), rel=1e-9)
        assert set(gradients) == set(ours.parameters)
        for key, grad in gradients.items():
            ours.parameters[key] = rule(ours.parameters[key], grad, states[key], 0.02, **options)
        optimizer.step()
        expected = theirs.state_dict()
        for key, values in (ours.parameters | ours.buffers).items():
            np.testing.assert_allclose(values, expected[key].numpy(), rtol=1e-8, atol=1e-10, err_msg=key)
    ours.training = False
    with torch.no_grad():
        expected_logits = theirs.eval()(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours.forward(x), expected_logits, rtol=1e-8, atol=1e-10)


def blobs(count=60):
    """Return pictures whose class is the quarter in which they are bright, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, count)
    x = 0.3 * rng.standard_normal((count, 1, 8, 8))
    for image, label in zip(x, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
    return x, labels


@pytest.mark.parametrize("rule", learning.RULES)
def test_training_learns_and_repeats(rule):
    x, labels = blobs()
    networks = [SmallCNN(num_classes=4, channels=(3, 4), batch_norm=True, seed=0) for _ in range(2)]
    losses = [train(n, x, labels, learning.RULES[rule], 0.1, epochs=6, batch_size=20) for n in networks]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 18
    assert (predict(networks[0], x) == labels).mean() > 0.95
    assert networks[0].training  # predict put it back


def test_no_epoch_is_no_step():
    assert train(SmallCNN(num_classes=4), *blobs(20), epochs=0) == []


def test_a_schedule_is_told_each_step_and_how_many_there_are():
    x, labels = blobs(7)
    told = []
    train(
        SmallCNN(num_classes=4), x, labels, epochs=2, batch_size=3,
        schedule=lambda step, steps: told.append((step, steps)) or 0.0,
    )  # fmt: skip
    assert told == [(step, 6) for step in range(6)]


def test_weights_begin_with_the_deviations_that_are_promised():
    parameters = SmallCNN(in_channels=3, num_classes=100, channels=(64, 64), image_size=16).parameters
    assert parameters["conv2.weight"].std() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert parameters["fc.weight"].std() == pytest.approx((1 / (64 * 16)) ** 0.5, rel=0.02)
    assert not any(values.any() for name, values in parameters.items() if name.endswith("bias"))


def test_a_schedule_of_zero_learns_nothing():
    x, labels = blobs(20)
    network = SmallCNN(num_classes=4, seed=0)
    before = {name: values.copy() for name, values in network.parameters.items()}
    train(network, x, labels, schedule=lambda step, steps: 0.0)
    for name, values in network.parameters.items():
        np.testing.assert_array_equal(values, before[name])


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_learning_rate_that_explodes_is_named():
    x, labels = blobs()
    with pytest.raises(FloatingPointError, match=r"the loss became .* at learning rate 1e\+30; try 1e\+29"):
        train(SmallCNN(num_classes=4), x, labels, learning_rate=1e30, epochs=30)


def test_training_wants_a_label_for_each_picture():
    x, labels = blobs(20)
    with pytest.raises(ValueError, match=r"labels must have shape \(20,\), one a picture, got \(5,\)"):
        train(SmallCNN(num_classes=4), x, labels[:5])


def test_networks_and_pictures_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"channels must be the filters of both convolutions, .* got 8"):
        SmallCNN(channels=8)
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        SmallCNN(num_classes=0)
    network = SmallCNN()
    with pytest.raises(ValueError, match=r"\(N, 1, 8, 8\), got \(1, 1, 2, 2\)"):
        predict(network, np.zeros((1, 1, 2, 2)))
    assert network.training
    assert predict(network, np.zeros((0, 1, 8, 8))).shape == (0,)


def test_backward_without_forward_is_refused():
    with pytest.raises(ValueError, match="call forward first"):
        SmallCNN().backward(np.zeros((1, 10)))
