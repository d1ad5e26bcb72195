"""Batch normalization by hand against torch, in training and in evaluation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncourse.normalization import batch_norm, batch_norm_backward

EXACT = {"rtol": 1e-9, "atol": 1e-9}


@st.composite
def cases(draw):
    """Return x, with two or four axes, statistics, scale, shift and options."""
    C = draw(st.integers(1, 4))
    maps = (draw(st.integers(1, 4)), draw(st.integers(1, 4))) if draw(st.booleans()) else ()
    shape = (draw(st.integers(2, 5)), C, *maps)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = 3 * rng.standard_normal(shape) + 5
    statistics = rng.standard_normal(C), rng.uniform(0.5, 2, C)
    affine = (rng.standard_normal(C), rng.standard_normal(C)) if draw(st.booleans()) else (None, None)
    options = {
        "training": draw(st.booleans()),
        "momentum": draw(st.sampled_from([0.0, 0.1, 1.0])),
        "eps": draw(st.sampled_from([1e-5, 0.1])),
    }
    return x, statistics, affine, options, rng.standard_normal(shape)


@settings(max_examples=150)
@given(case=cases())
def test_batch_norm_agrees_with_torch(case):
    x, statistics, affine, options, g = case
    leaves = [None if a is None else torch.tensor(a, requires_grad=True) for a in (x, *affine)]
    running = [torch.tensor(a) for a in statistics]
    expected = F.batch_norm(leaves[0], *running, leaves[1], leaves[2], **options)
    expected.backward(torch.tensor(g))
    ours = [a.copy() for a in statistics]
    np.testing.assert_allclose(batch_norm(x, *ours, *affine, **options), expected.detach().numpy(), **EXACT)
    for mine, theirs in zip(ours, running, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), **EXACT)
    del options["momentum"]
    gradients = batch_norm_backward(g, x, *statistics, affine[0], **options)
    for mine, leaf in zip(gradients, leaves, strict=True):
        if leaf is not None:
            np.testing.assert_allclose(mine, leaf.grad.numpy(), rtol=1e-7, atol=1e-9)


def test_case_on_paper():
    x = np.array([[2.0], [4.0], [6.0], [8.0]])  # mean 5, variance 5
    mean, var = np.zeros(1), np.ones(1)
    y = batch_norm(x, mean, var, weight=[5.0], bias=[1.0], training=True, momentum=0.5, eps=0.0)
    np.testing.assert_allclose(y.ravel(), 1 + np.sqrt(5) * np.array([-3, -1, 1, 3]))
    assert mean[0] == 2.5
    assert var[0] == pytest.approx(0.5 + 0.5 * 20 / 3)  # unbiased: 20 / 3, not 5


def test_answers_depend_on_the_batch_in_training_alone():
    rng = np.random.default_rng(0)
    x, mean, var = rng.standard_normal((6, 3, 2, 2)), np.zeros(3), np.ones(3)
    for training in (True, False):
        whole = batch_norm(x, mean.copy(), var.copy(), training=training)
        part = batch_norm(x[:3], mean.copy(), var.copy(), training=training)
        assert np.allclose(whole[:3], part) is not training


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_scale_and_shift_of_the_input_are_forgotten(factor):
    x = np.random.default_rng(0).standard_normal((8, 2, 3, 3))
    np.testing.assert_allclose(
        batch_norm(factor * x + 7, training=True, eps=0), batch_norm(x, training=True, eps=0), **EXACT
    )


def test_evaluation_changes_no_statistics():
    mean, var = np.array([1.0]), np.array([2.0])
    batch_norm(np.ones((3, 1)), mean, var)
    assert (mean[0], var[0]) == (1, 2)


def test_statistics_that_cannot_be_changed_in_place_are_refused():
    x = np.ones((4, 2))
    for mean in ([0.0, 0.0], np.zeros(2, dtype=int), torch.zeros(2)):  # a list would have grown instead
        with pytest.raises(TypeError, match=r"running_mean is changed in place .* array of floats, got"):
            batch_norm(x, mean, np.ones(2), training=True)
    with pytest.raises(ValueError, match="running_mean and running_var go together: give both, or neither"):
        batch_norm(x, np.zeros(2), training=True)
    assert np.allclose(batch_norm(x, [0.0, 0.0], [1.0, 1.0]), 1, atol=1e-4)  # read only


def test_what_does_not_fit_is_named():
    x = np.zeros((4, 3, 2, 2))
    with pytest.raises(ValueError, match=r"x must have 4 axes \(N, C, H, W\), got shape \(4,\)"):
        batch_norm(np.zeros(4), training=True)
    with pytest.raises(ValueError, match="running_mean and running_var are needed when training is False"):
        batch_norm(x)
    with pytest.raises(ValueError, match=r"more than one value a channel when training, got shape \(1, 3\)"):
        batch_norm(np.zeros((1, 3)), training=True)
    with pytest.raises(ValueError, match=r"running_var must have shape \(3,\), one a channel, got \(2,\)"):
        batch_norm(x, np.zeros(3), np.ones(2))
    with pytest.raises(ValueError, match=r"weight must have shape \(3,\), one a channel, got \(4,\)"):
        batch_norm(x, weight=np.ones(4), training=True)
    with pytest.raises(ValueError, match=r"shape of the output, \(4, 3, 2, 2\), got \(4, 3\)"):
        batch_norm_backward(np.zeros((4, 3)), x, training=True)
