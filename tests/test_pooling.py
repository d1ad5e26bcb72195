"""Pooling by hand against torch, in values and gradients; laws; a case on paper; messages."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnncourse import pooling
from cnncourse.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_bins,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    binomial_kernel,
    blur_pool2d,
    blur_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    shift_change,
)

PAPER = np.array([[1, 3, 0, 2], [4, 2, 1, 0], [0, 0, 5, 6], [0, 7, 8, 5]], dtype=float)[None, None]
EXACT = {"rtol": 1e-10, "atol": 1e-10}
property_test = settings(max_examples=150)


@st.composite
def windows(draw, dilated=False, padded=True):
    """Return an image and options of a pooling for which torch has an answer."""
    sizes = [draw(st.integers(1, 9)) for _ in range(2)]
    options = {"kernel_size": [], "stride": [], "padding": [], "dilation": []}
    ceil_mode, as_large = draw(st.booleans()), draw(st.booleans())
    for size in sizes:
        k = draw(st.integers(1, 4))
        d = draw(st.integers(1, 3)) if dilated else 1
        span = d * (k - 1) + 1
        p = draw(st.integers(0, k // 2)) if padded else 0
        stride = k if as_large else draw(st.integers(1, 4))
        assume(size + 2 * p - span > (-stride if ceil_mode else -1))  # the only window may hang over the end
        options["kernel_size"].append(k)
        options["stride"].append(stride)
        options["padding"].append(p)
        options["dilation"].append(d)
    options = {name: tuple(pair) for name, pair in options.items()} | {"ceil_mode": ceil_mode}
    if as_large:
        options["stride"] = None
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    few_values = draw(st.booleans())  # so that ties happen
    x = rng.integers(-2, 3, shape).astype(float) if few_values else rng.standard_normal(shape)
    return x, options


def torch_reference(function, x, seed=0):
    """Return torch's output, a random gradient for it, and torch's gradient for x."""
    leaf = torch.tensor(x, requires_grad=True)
    y = function(leaf)
    grad_output = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(y.shape)))
    y.backward(grad_output)
    return y.detach().numpy(), grad_output.numpy(), leaf.grad.numpy()


def only_padding(x, options):
    """Tell whether some dilated window sees no pixel; torch answers minus infinity, we refuse."""
    ones = torch.from_numpy(np.ones_like(x))
    return bool(torch.isneginf(F.max_pool2d(ones, **options)).any())


@property_test
@given(case=windows(dilated=True))
def test_max_pool_agrees_with_torch(case):
    x, options = case
    assume(not only_padding(x, options))
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.max_pool2d(leaf, **options), x)
    np.testing.assert_array_equal(max_pool2d(x, **options), expected)
    np.testing.assert_allclose(max_pool2d_backward(grad_output, x, **options), grad_x, **EXACT)


@property_test
@given(case=windows(), count_include_pad=st.booleans())
def test_avg_pool_agrees_with_torch(case, count_include_pad):
    x, options = case
    del options["dilation"]
    options["count_include_pad"] = count_include_pad
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.avg_pool2d(leaf, **options), x)
    np.testing.assert_allclose(avg_pool2d(x, **options), expected, **EXACT)
    np.testing.assert_allclose(avg_pool2d_backward(grad_output, x, **options), grad_x, **EXACT)


@property_test
@given(case=windows(padded=False), norm_type=st.sampled_from([1, 2, 3, 4, 2.5]))
def test_lp_pool_agrees_with_torch(case, norm_type):
    x, options = case
    kept = {name: options[name] for name in ("kernel_size", "stride", "ceil_mode")}
    x = x if norm_type in (2, 4) else np.abs(x) + 0.1  # torch takes no absolute value for odd exponents
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.lp_pool2d(leaf, norm_type, **kept), x)
    np.testing.assert_allclose(lp_pool2d(x, norm_type, **kept), expected, **EXACT)
    grad = lp_pool2d_backward(grad_output, x, norm_type, **kept)
    some_zero = expected == 0
    if not some_zero.any():  # there torch divides by zero; ours is tested apart
        np.testing.assert_allclose(grad, grad_x, **EXACT)


@property_test
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    output_size=st.tuples(st.integers(1, 10), st.integers(1, 10)),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_adaptive_pools_agree_with_torch(shape, output_size, ties, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.adaptive_avg_pool2d(leaf, output_size), x)
    np.testing.assert_allclose(adaptive_avg_pool2d(x, output_size), expected, **EXACT)
    np.testing.assert_allclose(adaptive_avg_pool2d_backward(grad_output, x, output_size), grad_x, **EXACT)
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.adaptive_max_pool2d(leaf, output_size), x)
    np.testing.assert_array_equal(adaptive_max_pool2d(x, output_size), expected)
    np.testing.assert_allclose(adaptive_max_pool2d_backward(grad_output, x, output_size), grad_x, **EXACT)


@property_test
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 2**32 - 1),
)
def test_global_average_agrees_with_torch(shape, seed):
    x = np.random.default_rng(seed).standard_normal(shape)
    expected, grad_output, grad_x = torch_reference(lambda leaf: leaf.mean((2, 3)), x)
    np.testing.assert_allclose(global_avg_pool2d(x), expected, **EXACT)
    np.testing.assert_allclose(global_avg_pool2d_backward(grad_output, x), grad_x, **EXACT)
    np.testing.assert_allclose(adaptive_avg_pool2d(x, 1)[:, :, 0, 0], expected, **EXACT)


TORCH_PADDING = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


@property_test
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(3, 9), st.integers(3, 9)),
    stride=st.integers(1, 4),
    kernel_size=st.integers(1, 5),
    padding_mode=st.sampled_from(sorted(TORCH_PADDING)),
    seed=st.integers(0, 2**32 - 1),
)
def test_blur_pool_agrees_with_torch(shape, stride, kernel_size, padding_mode, seed):
    x = np.random.default_rng(seed).standard_normal(shape)
    before, after = (kernel_size - 1) // 2, kernel_size // 2
    channels = shape[1]
    weight = torch.from_numpy(binomial_kernel(kernel_size)).expand(channels, 1, -1, -1)

    def reference(leaf):
        padded = F.pad(leaf, (before, after, before, after), mode=TORCH_PADDING[padding_mode])
        return F.conv2d(padded, weight, stride=stride, groups=channels)

    options = {"stride": stride, "kernel_size": kernel_size, "padding_mode": padding_mode}
    expected, grad_output, grad_x = torch_reference(reference, x)
    np.testing.assert_allclose(blur_pool2d(x, **options), expected, **EXACT)
    np.testing.assert_allclose(blur_pool2d_backward(grad_output, x, **options), grad_x, **EXACT)


def test_worked_on_paper():
    np.testing.assert_array_equal(max_pool2d(PAPER, 2)[0, 0], [[4, 2], [7, 8]])
    np.testing.assert_array_equal(avg_pool2d(PAPER, 2)[0, 0], [[2.5, 0.75], [1.75, 6]])
    np.testing.assert_array_equal(max_pool2d(PAPER, 2, stride=1)[0, 0], [[4, 3, 2], [4, 5, 6], [7, 8, 8]])
    grad = max_pool2d_backward([[[[1, 2], [3, 4]]]], PAPER, 2)[0, 0]
    np.testing.assert_array_equal(grad, [[0, 0, 0, 2], [1, 0, 0, 0], [0, 0, 0, 0], [0, 3, 4, 0]])


def test_overlapping_windows_add_their_gradients():
    grad = max_pool2d_backward([[[[1, 10], [100, 1000]]]], [[[[0, 0, 0], [0, 9, 0], [0, 0, 0]]]], 2, stride=1)
    np.testing.assert_array_equal(grad[0, 0], [[0, 0, 0], [0, 1111, 0], [0, 0, 0]])


def test_the_first_of_equals_takes_the_whole_gradient():
    grad = max_pool2d_backward(np.ones((1, 1, 1, 1)), np.full((1, 1, 2, 2), 7.0), 2)[0, 0]
    np.testing.assert_array_equal(grad, [[1, 0], [0, 0]])


def test_max_padding_never_wins_against_negative_values():
    np.testing.assert_array_equal(
        max_pool2d(np.full((1, 1, 2, 2), -3.0), 2, padding=1), np.full((1, 1, 2, 2), -3)
    )


def test_ceil_mode_leaves_out_a_window_that_starts_in_the_right_padding():
    x = np.arange(1.0, 4.0).reshape(1, 1, 1, 3)
    # without the rule a fourth stride would start at cell 3, in the padding: 3 windows, not 2
    assert avg_pool2d(x, (1, 2), (1, 2), (0, 1), ceil_mode=True).shape == (1, 1, 1, 2)
    assert F.avg_pool2d(torch.from_numpy(x), (1, 2), (1, 2), (0, 1), ceil_mode=True).shape == (1, 1, 1, 2)


def test_average_of_a_window_over_the_edge():
    x = np.ones((1, 1, 1, 3))
    options = {"kernel_size": (1, 3), "stride": (1, 2), "padding": (0, 1), "ceil_mode": True}
    np.testing.assert_allclose(avg_pool2d(x, **options)[0, 0, 0], [2 / 3, 2 / 3])
    np.testing.assert_allclose(avg_pool2d(x, **options, count_include_pad=False)[0, 0, 0], [1, 1])
    hanging = {"kernel_size": (1, 2), "ceil_mode": True}  # the second window has one cell and a void
    np.testing.assert_allclose(avg_pool2d(x, **hanging)[0, 0, 0], [1, 1])


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
def test_pool_of_pool_is_one_larger_pool(pool):
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 12))
    np.testing.assert_allclose(pool(pool(x, 2), 2), pool(x, 4), **EXACT)


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d, lambda x, k: lp_pool2d(x, 2, k)])
def test_channels_and_examples_are_pooled_apart(pool):
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 6))
    whole = pool(x, 2)
    for n in range(2):
        for c in range(3):
            np.testing.assert_array_equal(pool(x[n : n + 1, c : c + 1], 2)[0, 0], whole[n, c])


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d, lambda x, k: lp_pool2d(x, 3, k)])
def test_shifting_by_the_stride_shifts_the_output_by_one(pool):
    x = np.random.default_rng(0).standard_normal((1, 1, 6, 10))
    np.testing.assert_allclose(pool(np.roll(x, 2, axis=3), 2), np.roll(pool(x, 2), 1, axis=3), **EXACT)


def test_lp_runs_from_the_sum_to_the_maximum():
    x = np.abs(np.random.default_rng(0).standard_normal((1, 2, 4, 4)))
    np.testing.assert_allclose(lp_pool2d(x, 1, 2), 4 * avg_pool2d(x, 2), **EXACT)
    np.testing.assert_allclose(lp_pool2d(x, 200, 2), max_pool2d(x, 2), rtol=0.01)
    np.testing.assert_array_equal(lp_pool2d(-x, 3, 2), lp_pool2d(x, 3, 2))


def test_lp_gradient_is_zero_where_the_norm_is():
    grad = lp_pool2d_backward(np.ones((1, 1, 1, 2)), [[[[0, 0, 3, 4], [0, 0, 0, 0]]]], 2, 2)
    np.testing.assert_allclose(grad[0, 0], [[0, 0, 0.6, 0.8], [0, 0, 0, 0]])


@pytest.mark.parametrize("size, count", [(7, 3), (10, 4), (5, 5), (3, 7), (1, 1)])
def test_adaptive_bins_cover_everything_and_differ_by_one_cell_at_most(size, count):
    bins = adaptive_bins(size, count)
    assert len(bins) == count
    assert set().union(*(range(start, end) for start, end in bins)) == set(range(size))
    lengths = [end - start for start, end in bins]
    assert max(lengths) - min(lengths) <= 1


def test_binomial_kernels():
    np.testing.assert_array_equal(256 * binomial_kernel(5)[0], [1, 4, 6, 4, 1])
    assert binomial_kernel(4).sum() == 1
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 6))
    inner = blur_pool2d(x, stride=1, kernel_size=2)[:, :, :-1, :-1]
    np.testing.assert_allclose(inner, avg_pool2d(x, 2, stride=1), **EXACT)
    np.testing.assert_array_equal(blur_pool2d(x, kernel_size=1), x[:, :, ::2, ::2])


def test_blurring_first_makes_pooling_less_sensitive_to_shifts():
    image = np.random.default_rng(0).standard_normal((1, 40, 48))
    plain = shift_change(lambda x: max_pool2d(x, 2), image, 32, [1])
    blurred = shift_change(lambda x: blur_pool2d(max_pool2d(x, 2, stride=1)), image, 32, [1])
    assert blurred[0] < plain[0]


def test_shift_change_of_the_mean_is_zero_for_a_tile():
    tile = np.random.default_rng(0).random((1, 8, 8))
    image = np.tile(tile, (1, 2, 3))
    np.testing.assert_allclose(shift_change(global_avg_pool2d, image, 8, range(17)), 0, atol=1e-12)
    with pytest.raises(ValueError, match=r"can move by 0 to 16 pixels; use a larger image"):
        shift_change(global_avg_pool2d, image, 8, [17])
    with pytest.raises(ValueError, match=r"8x8 square in an image of 16x24.*|20x20"):
        shift_change(global_avg_pool2d, image, 20, [1])
    with pytest.raises(ValueError, match="features are all zero"):
        shift_change(lambda x: 0 * x, image, 8, [1])


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: max_pool2d(x, 2),
        lambda x: avg_pool2d(x, 2),
        lambda x: lp_pool2d(x, 2, 2),
        lambda x: adaptive_avg_pool2d(x, 2),
        lambda x: adaptive_max_pool2d(x, 2),
        global_avg_pool2d,
        blur_pool2d,
    ],
)
def test_precision_is_kept_and_integers_become_float64(pool):
    x = np.arange(16).reshape(1, 1, 4, 4)
    assert pool(x.astype(np.float32)).dtype == np.float32
    assert pool(x).dtype == np.float64
    assert pool(x.astype(np.uint8)).dtype == np.float64
    before = x.copy()
    pool(x)
    np.testing.assert_array_equal(x, before)
    with pytest.raises(ValueError, match=r"x must have 4 axes \(N, C, H, W\), got shape \(4, 4\)"):
        pool(x[0, 0])
    with pytest.raises(TypeError, match="x must hold real numbers, got dtype complex128"):
        pool(x + 1j)


def test_the_only_window_of_ceil_mode_may_hang_over_the_end():
    x = np.arange(8.0).reshape(1, 1, 4, 2)
    np.testing.assert_array_equal(max_pool2d(x, 3, ceil_mode=True), [[[[5], [7]]]])
    np.testing.assert_array_equal(avg_pool2d(x, 3, ceil_mode=True), [[[[2.5], [6.5]]]])
    assert max_pool2d(np.ones((1, 1, 4, 2)), 3, ceil_mode=True).shape == (1, 1, 2, 1)
    with pytest.raises(ValueError, match="kernel_size 4 is larger than the padded input 2"):
        max_pool2d(np.ones((1, 1, 2, 2)), 4, stride=2, ceil_mode=True)


def test_minus_infinities_hand_their_gradient_to_the_first_pixel_and_none_to_padding():
    x = np.full((1, 1, 2, 2), -np.inf)
    grad = max_pool2d_backward(np.ones((1, 1, 3, 3)), x, 2, 1, 1)
    leaf = torch.tensor(x, requires_grad=True)
    F.max_pool2d(leaf, 2, 1, 1).sum().backward()
    np.testing.assert_array_equal(grad, leaf.grad)
    assert grad.sum() == 9


@property_test
@given(case=windows(dilated=True), share=st.sampled_from([0.5, 0.9, 1.0]))
def test_max_pool_of_infinities_agrees_with_torch(case, share):
    x, options = case
    assume(not only_padding(x, options))
    x = np.where(np.random.default_rng(0).random(x.shape) < share, -np.inf, x)
    expected, grad_output, grad_x = torch_reference(lambda leaf: F.max_pool2d(leaf, **options), x)
    np.testing.assert_array_equal(max_pool2d(x, **options), expected)
    np.testing.assert_allclose(max_pool2d_backward(grad_output, x, **options), grad_x, **EXACT)


X = np.ones((1, 2, 5, 5))


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: max_pool2d(X, 7), ValueError, r"kernel_size 7 is larger than the padded input 5"),
        (
            lambda: avg_pool2d(X, 3, padding=2),
            ValueError,
            r"padding 2 is more than half of kernel_size 3",
        ),
        (lambda: max_pool2d(X, (2, 3), padding=(2, 1)), ValueError, r"padding 2 .* use padding <= 1"),
        (lambda: max_pool2d(X[:, :, :1], 2, 1, 1, dilation=2), ValueError, r"sees nothing but padding"),
        (lambda: max_pool2d(X, 0), ValueError, r"kernel_size must be at least 1, got 0"),
        (lambda: max_pool2d(X, 2.0), TypeError, r"kernel_size must be a whole number, got 2.0"),
        (lambda: max_pool2d(X, (2, 2, 2)), ValueError, r"kernel_size must be a number or \(vertical"),
        (lambda: max_pool2d(X, 2, stride=0), ValueError, r"stride must be at least 1, got 0"),
        (lambda: avg_pool2d(X, 2, padding=-1), ValueError, r"padding must be at least 0, got -1"),
        (lambda: max_pool2d(X, 2, dilation=0), ValueError, r"dilation must be at least 1, got 0"),
        (lambda: max_pool2d(X[:, :, :0], 2), ValueError, r"size must be at least 1, got 0"),
        (lambda: lp_pool2d(X, 0.5, 2), ValueError, r"norm_type must be at least 1 and finite, got 0.5"),
        (lambda: lp_pool2d(X, np.inf, 2), ValueError, r"use max_pool2d\(abs\(x\), ...\)"),
        (lambda: adaptive_avg_pool2d(X, 0), ValueError, r"output_size must be at least 1, got 0"),
        (
            lambda: adaptive_max_pool2d(X[..., :0], 2),
            ValueError,
            r"x has no pixels to pool, got shape \(1, 2, 5, 0\)",
        ),
        (lambda: global_avg_pool2d(X[..., :0]), ValueError, r"x has no pixels to pool"),
        (lambda: blur_pool2d(X, padding_mode="mirror"), ValueError, r"padding_mode is unknown: 'mirror'"),
        (lambda: blur_pool2d(X, kernel_size=0), ValueError, r"kernel_size must be at least 1, got 0"),
        (lambda: blur_pool2d(X[:, :, :1]), ValueError, r"padding 1 is too wide for padding_mode 'reflect'"),
        (lambda: binomial_kernel(-1), ValueError, r"kernel_size must be at least 1, got -1"),
        (
            lambda: max_pool2d_backward(X, X, 2),
            ValueError,
            r"grad_output must have the shape of the output, \(1, 2, 2, 2\), got \(1, 2, 5, 5\)",
        ),
        (lambda: avg_pool2d_backward(X, X, 2), ValueError, r"shape of the output, \(1, 2, 2, 2\)"),
        (lambda: lp_pool2d_backward(X, X, 2, 2), ValueError, r"shape of the output, \(1, 2, 2, 2\)"),
        (lambda: blur_pool2d_backward(X, X), ValueError, r"shape of the output, \(1, 2, 3, 3\)"),
        (lambda: adaptive_avg_pool2d_backward(X, X, 2), ValueError, r"shape of the output, \(1, 2, 2, 2\)"),
        (lambda: adaptive_max_pool2d_backward(X, X, 2), ValueError, r"shape of the output, \(1, 2, 2, 2\)"),
        (lambda: global_avg_pool2d_backward([[1, 2, 3]], X), ValueError, r"output, \(1, 2\), got \(1, 3\)"),
    ],
)
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_everything_offered_exists():
    assert all(hasattr(pooling, name) for name in pooling.__all__)


def test_shift_change_cuts_squares_from_the_middle_row_on_to_the_right():
    image = np.arange(60.0).reshape(1, 6, 10) + 1
    squares = []
    shift_change(lambda x: squares.append(x[0, 0]) or x, image, 2, [0, 3])
    assert [square.tolist() for square in squares] == [
        [[21, 22], [31, 32]],
        [[21, 22], [31, 32]],
        [[24, 25], [34, 35]],
    ]
