"""Activations by hand against torch, in values and gradients; sizes of random weights; stacks; messages."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cnncourse.activations import (
    ACTIVATIONS,
    dense_stack,
    dense_stack_backward,
    derivative,
    elu,
    elu_backward,
    fans,
    gain,
    gelu,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    leaky_relu,
    leaky_relu_backward,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    tanh,
)

TORCH = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "identity": lambda x: x,
}
EXACT = {"rtol": 1e-9, "atol": 1e-12}
numbers = st.one_of(st.floats(-60, 60), st.sampled_from([0.0, -0.0, 1.0, -1.0, 750.0, -750.0]))
any_shape = arrays(np.float64, array_shapes(min_dims=0, max_dims=4, max_side=4), elements=numbers)


def test_every_activation_has_its_judge():
    assert list(ACTIVATIONS) == list(TORCH)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(x=any_shape, seed=st.integers(0, 2**32 - 1))
def test_values_and_gradients_agree_with_torch(name, x, seed):
    grad_output = np.random.default_rng(seed).standard_normal(x.shape)
    leaf = torch.tensor(x, requires_grad=True)
    expected = TORCH[name](leaf)
    expected.backward(torch.tensor(grad_output))
    np.testing.assert_allclose(ACTIVATIONS[name].forward(x), expected.detach(), **EXACT)
    np.testing.assert_allclose(ACTIVATIONS[name].backward(grad_output, x), leaf.grad, **EXACT)


@given(x=any_shape, slope=st.floats(-1, 1))
def test_leaky_slopes_agree_with_torch(x, slope):
    leaf = torch.tensor(x, requires_grad=True)
    expected = F.leaky_relu(leaf, slope)
    expected.sum().backward()
    np.testing.assert_allclose(leaky_relu(x, slope), expected.detach(), **EXACT)
    np.testing.assert_allclose(leaky_relu_backward(np.ones_like(x), x, slope), leaf.grad, **EXACT)


@given(x=any_shape, alpha=st.floats(0.1, 3))
def test_elus_agree_with_torch(x, alpha):
    leaf = torch.tensor(x, requires_grad=True)
    expected = F.elu(leaf, alpha)
    expected.sum().backward()
    np.testing.assert_allclose(elu(x, alpha), expected.detach(), **EXACT)
    np.testing.assert_allclose(elu_backward(np.ones_like(x), x, alpha), leaf.grad, **EXACT)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_the_slope(name):
    x = np.linspace(-4, 4, 50)  # none of them at a corner
    step = 1e-6
    forward = ACTIVATIONS[name].forward
    np.testing.assert_allclose(
        derivative(name, x), (forward(x + step) - forward(x - step)) / (2 * step), atol=1e-8
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_precision(name, dtype):
    x = np.linspace(-3, 3, 7, dtype=dtype)
    assert ACTIVATIONS[name].forward(x).dtype == dtype
    assert ACTIVATIONS[name].backward(np.ones_like(x), x).dtype == dtype


@given(x=any_shape)
def test_relations_between_them(x):
    np.testing.assert_allclose(tanh(x), 2 * sigmoid(2 * x) - 1, atol=1e-14)
    np.testing.assert_allclose(sigmoid(-x), 1 - sigmoid(x), atol=1e-15)
    np.testing.assert_allclose(silu(x) - silu(-x), x, atol=1e-12)
    np.testing.assert_allclose(gelu(x) - gelu(-x), x, atol=1e-12)


def test_far_from_zero_nothing_overflows():
    x = np.array([-1e4, 1e4])
    assert sigmoid(x).tolist() == [0, 1]
    assert sigmoid_backward(np.ones(2), x).tolist() == [0, 0]
    assert gelu(x).tolist() == silu(x).tolist() == [0, 1e4]
    with np.errstate(over="raise"):
        assert elu(x).tolist() == [-1, 1e4]
        assert elu_backward(np.ones(2), x).tolist() == [0, 1]


def test_corner_of_relu_has_the_slope_that_torch_gives_it():
    leaf = torch.zeros(1, requires_grad=True)
    F.relu(leaf).sum().backward()
    assert relu_backward([1.0], [0.0]).tolist() == leaf.grad.tolist() == [0.0]


def test_not_a_number_stays_one():
    assert all(np.isnan(ACTIVATIONS[name].forward([np.nan])) for name in ACTIVATIONS)


def test_gains():
    assert gain("identity") == pytest.approx(1, abs=1e-6)
    assert gain("relu") == pytest.approx(math.sqrt(2), abs=1e-6)
    assert gain("leaky_relu") == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", 0.01), abs=1e-6)


@pytest.mark.parametrize("shape", [(7, 5), (8, 3, 5, 5), (6, 1, 3), (1, 1)])
def test_fans_agree_with_torch(shape):
    assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


OURS_AND_TORCHS = [
    (lambda shape, rng: glorot_normal(shape, rng, gain=2), lambda w: torch.nn.init.xavier_normal_(w, 2)),
    (lambda shape, rng: glorot_uniform(shape, rng, gain=2), lambda w: torch.nn.init.xavier_uniform_(w, 2)),
    (he_normal, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
    (
        lambda shape, rng: he_uniform(shape, rng, mode="fan_out"),
        lambda w: torch.nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"),
    ),
    (
        lambda shape, rng: he_normal(shape, rng, negative_slope=0.5),
        lambda w: torch.nn.init.kaiming_normal_(w, a=0.5),
    ),
]


@pytest.mark.parametrize(("ours", "torchs"), OURS_AND_TORCHS)
@pytest.mark.parametrize("shape", [(400, 100), (80, 40, 3, 3)])
def test_random_weights_are_spread_as_torchs(ours, torchs, shape):
    weight = ours(shape, 0)
    torch.manual_seed(0)
    expected = torchs(torch.empty(shape, dtype=torch.float64)).numpy()
    assert weight.shape == shape
    assert abs(weight.mean()) < 4 * weight.std() / math.sqrt(weight.size)
    assert weight.std() == pytest.approx(expected.std(), rel=0.02)
    for quantile in (0.0, 0.1, 0.25, 0.9, 1.0):  # the ends tell uniform from normal
        near = 0.15 if quantile in (0, 1) else 0.05
        assert np.quantile(weight, quantile) == pytest.approx(np.quantile(expected, quantile), rel=near)


def test_seed_or_generator_decides_the_weights():
    generator = np.random.default_rng(3)
    first, second = he_normal((2, 2), generator), he_normal((2, 2), generator)
    assert np.array_equal(first, he_normal((2, 2), 3))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_stack_agrees_with_torch(name):
    rng = np.random.default_rng(0)
    x, widths = rng.normal(size=(4, 6)), [6, 5, 7, 3]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    grad_output = rng.normal(size=(4, 3))
    sums, outputs = dense_stack(x, weights, name)
    grads = dense_stack_backward(grad_output, sums, weights, name)
    h, leaves = torch.tensor(x, requires_grad=True), []
    for weight in weights:
        leaves.append(h @ torch.tensor(weight).T)
        leaves[-1].retain_grad()
        h = TORCH[name](leaves[-1])
    h.backward(torch.tensor(grad_output))
    np.testing.assert_allclose(outputs[-1], h.detach(), **EXACT)
    assert len(sums) == len(outputs) == len(grads) == 3
    for ours, theirs, grad in zip(sums, leaves, grads, strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), **EXACT)
        np.testing.assert_allclose(grad, theirs.grad, **EXACT)


def test_messages():
    with pytest.raises(ValueError, match=r"activation is unknown: 'rleu'. Did you mean 'relu'\?"):
        derivative("rleu", [0.0])
    with pytest.raises(
        ValueError, match=r"grad_output must have the shape of the output, \(2,\), got \(3,\)"
    ):
        relu_backward(np.ones(3), np.ones(2))
    with pytest.raises(TypeError, match="x must hold real numbers, got dtype complex128"):
        sigmoid([1j])
    with pytest.raises(ValueError, match="x must be an array: rows of one length"):
        sigmoid([[1, 2], [3]])
    with pytest.raises(ValueError, match=r"shape must be \(C_out, C_in, ...\), got \(3,\)"):
        he_normal((3,), rng=0)
    for shape in ((3, 0), (3, 1.5), 3):
        with pytest.raises(
            ValueError, match=r"shape must be \(C_out, C_in, ...\), whole numbers of at least 1"
        ):
            glorot_normal(shape, rng=0)
    with pytest.raises(ValueError, match="mode is unknown: 'fan'"):
        he_uniform((3, 3), rng=0, mode="fan")
    with pytest.raises(ValueError, match=r"weights\[1\] must have shape \(C_out, 4\) .*, got \(5, 3\)"):
        dense_stack(np.ones((2, 3)), [np.ones((4, 3)), np.ones((5, 3))])
    with pytest.raises(ValueError, match=r"x must have 2 axes \(N, C_0\), got shape \(3,\)"):
        dense_stack(np.ones(3), [np.ones((4, 3))])
    with pytest.raises(ValueError, match="sums must be one array for each of 2 weights, got 1"):
        dense_stack_backward(np.ones((2, 4)), [np.ones((2, 4))], [np.ones((4, 3)), np.ones((5, 4))])
