"""The edges of the arithmetic by hand: batches of none, half precision, infinities, wrong gradients."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnncourse import activations, convolution, images, learning, normalization, pooling

WEIGHT, KERNEL = np.ones((4, 2, 3, 3)), (3, 3)
MEAN, VAR = np.zeros(2), np.ones(2)

FORWARD = {  # of (N, 2, 6, 6)
    "conv2d windows": lambda x: convolution.conv2d(x, WEIGHT, method="windows"),
    "conv2d loops": lambda x: convolution.conv2d(x, WEIGHT, method="loops"),
    "conv2d im2col": lambda x: convolution.conv2d(x, WEIGHT, method="im2col"),
    "conv2d fft": lambda x: convolution.conv2d(x, WEIGHT, method="fft"),
    "conv1d": lambda x: convolution.conv1d(x.reshape(len(x), 2, 36), WEIGHT[:, :, 0]),
    "im2col": lambda x: convolution.im2col(x, 3, padding=1),
    "pad2d": lambda x: convolution.pad2d(x, 2, "reflect"),
    "sliding_windows": lambda x: convolution.sliding_windows(x, 3),
    "max_pool2d": lambda x: pooling.max_pool2d(x, 3, padding=1),
    "avg_pool2d": lambda x: pooling.avg_pool2d(x, 3, padding=1),
    "lp_pool2d": lambda x: pooling.lp_pool2d(x, 2, 3),
    "blur_pool2d": pooling.blur_pool2d,
    "adaptive_avg_pool2d": lambda x: pooling.adaptive_avg_pool2d(x, 4),
    "adaptive_max_pool2d": lambda x: pooling.adaptive_max_pool2d(x, 4),
    "global_avg_pool2d": pooling.global_avg_pool2d,
    "batch_norm": lambda x: normalization.batch_norm(x, MEAN, VAR),
    "dense_stack": lambda x: activations.dense_stack(x.reshape(len(x), 72), [np.ones((5, 72))])[1][0],
    "linear": lambda x: learning.linear(x.reshape(len(x), 72), np.ones((5, 72))),
    "softmax": learning.softmax,
    "log_softmax": learning.log_softmax,
    "log_sum_exp": learning.log_sum_exp,
    "resize": lambda x: images.resize(x, 3),
    "low_pass": lambda x: images.low_pass(x, 1.0),
    "to_gray": lambda x: images.to_gray(np.concatenate([x, x[:, :1]], axis=1)),
    "normalize": lambda x: images.normalize(x, MEAN, VAR),
    "denormalize": lambda x: images.denormalize(x, MEAN, VAR),
    "srgb_to_linear": images.srgb_to_linear,
    "linear_to_srgb": images.linear_to_srgb,
    "hog": lambda x: images.hog(x, cell_size=2),
    **{name: pair.forward for name, pair in activations.ACTIVATIONS.items()},
}
BACKWARD = {  # the gradient for x, and the shape of the output behind N
    "conv2d": (lambda g, x: convolution.conv2d_backward(g, x, WEIGHT)[0], (4, 4, 4)),
    "pad2d": (lambda g, x: convolution.pad2d_backward(g, x, 2, "reflect"), (2, 10, 10)),
    "sliding_windows": (lambda g, x: convolution.sliding_windows_backward(g, x, 3), (2, 4, 4, 3, 3)),
    "max_pool2d": (lambda g, x: pooling.max_pool2d_backward(g, x, 2), (2, 3, 3)),
    "avg_pool2d": (lambda g, x: pooling.avg_pool2d_backward(g, x, 2), (2, 3, 3)),
    "lp_pool2d": (lambda g, x: pooling.lp_pool2d_backward(g, x, 2, 2), (2, 3, 3)),
    "blur_pool2d": (pooling.blur_pool2d_backward, (2, 3, 3)),
    "adaptive_avg_pool2d": (lambda g, x: pooling.adaptive_avg_pool2d_backward(g, x, 4), (2, 4, 4)),
    "adaptive_max_pool2d": (lambda g, x: pooling.adaptive_max_pool2d_backward(g, x, 4), (2, 4, 4)),
    "global_avg_pool2d": (pooling.global_avg_pool2d_backward, (2,)),
    "batch_norm": (lambda g, x: normalization.batch_norm_backward(g, x, MEAN, VAR)[0], (2, 6, 6)),
    "linear": (
        lambda g, x: learning.linear_backward(g, x.reshape(len(x), 72), np.ones((5, 72)))[0].reshape(x.shape),
        (5,),
    ),
    **{name: (pair.backward, (2, 6, 6)) for name, pair in activations.ACTIVATIONS.items()},
}


@pytest.mark.parametrize("name", FORWARD)
def test_a_batch_of_none_gives_none(name):
    some, none = FORWARD[name](np.full((2, 2, 6, 6), 0.5)), FORWARD[name](np.zeros((0, 2, 6, 6)))
    assert none.shape == (0, *some.shape[1:])


@pytest.mark.parametrize("name", BACKWARD)
def test_a_batch_of_none_has_no_gradient(name):
    backward, shape = BACKWARD[name]
    assert backward(np.zeros((0, *shape)), np.zeros((0, 2, 6, 6))).shape == (0, 2, 6, 6)


def test_parameters_get_no_gradient_from_a_batch_of_none():
    _, grad_weight, grad_bias = convolution.conv2d_backward(
        np.zeros((0, 4, 4, 4)), np.zeros((0, 2, 6, 6)), WEIGHT
    )
    np.testing.assert_array_equal(grad_weight, np.zeros((4, 2, 3, 3)))
    np.testing.assert_array_equal(grad_bias, np.zeros(4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda none: images.histogram(none), r"images holds no pixels, got shape \(0, 3, 4, 4\)"),
        (lambda none: images.channel_statistics(none), "images holds no pixels"),
        (lambda none: images.neighbor_correlation(none, [1]), "images holds no pixels"),
        (lambda none: learning.cross_entropy(none.reshape(0, 48), []), "at least one picture"),
        (lambda none: learning.accuracy(none.reshape(0, 48), []), "at least one picture"),
        (lambda none: normalization.batch_norm(none, training=True), "more than one value a channel"),
    ],
)
def test_what_is_not_defined_for_none_says_so(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((0, 3, 4, 4)))


@pytest.mark.parametrize("name", FORWARD)
def test_half_precision_is_computed_in_double(name):
    x = np.random.default_rng(0).random((2, 2, 6, 6)).astype(np.float16)
    y = FORWARD[name](x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, FORWARD[name](x.astype(np.float64)))
    assert FORWARD[name](x.astype(np.float32)).dtype in (np.float32, np.float64)


@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_of_half_precision_are_computed_in_double(name):
    backward, shape = BACKWARD[name]
    rng = np.random.default_rng(0)
    x, g = rng.random((2, 2, 6, 6)).astype(np.float16), rng.random((2, *shape)).astype(np.float16)
    grad_x = backward(g, x)
    assert grad_x.dtype == np.float64
    np.testing.assert_array_equal(grad_x, backward(g.astype(np.float64), x.astype(np.float64)))


def test_large_sums_of_half_precision_are_finite():
    x = np.full((1, 1, 10, 10), 1000, dtype=np.float16)
    assert convolution.conv2d(x, np.ones((1, 1, 10, 10), dtype=np.float16)).item() == 100_000


def test_a_small_gradient_of_half_precision_moves_by_the_learning_rate():
    w = learning.adam_step(np.zeros(1, np.float16), np.full(1, 1e-4, np.float16), {}, learning_rate=0.1)
    np.testing.assert_allclose(w, [-0.1], rtol=1e-3)


def test_half_precision_is_rounded_once():
    x = np.arange(1, 2**14, dtype=np.uint16).view(np.float16)  # all of half precision up to 1.99
    np.testing.assert_array_equal(images.to_uint8(x), images.to_uint8(x.astype(np.float64)))


INF = np.inf
ROWS = [[0.0, -INF], [-INF, 0.0], [INF, 0.0], [-INF, -INF], [INF, INF], [INF, -INF], [np.nan, 0.0]]
ROWS.append([0.0, 1.0, -INF])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_infinite_scores_are_those_of_torch(row):
    leaf = torch.tensor([row], dtype=torch.float64)
    np.testing.assert_allclose(learning.softmax([row]), F.softmax(leaf, -1))
    np.testing.assert_allclose(learning.log_softmax([row]), F.log_softmax(leaf, -1))
    np.testing.assert_allclose(learning.log_sum_exp([row]), torch.logsumexp(leaf, -1))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_loss_of_infinite_scores_is_that_of_torch(row, label_smoothing):
    leaf = torch.tensor([row], dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(leaf, torch.tensor([0]), label_smoothing=label_smoothing)
    loss.backward()
    np.testing.assert_allclose(learning.cross_entropy([row], [0], label_smoothing), loss.item())
    np.testing.assert_allclose(
        learning.cross_entropy_backward([row], [0], label_smoothing), leaf.grad, atol=1e-12
    )


GRADIENT = (
    r"grad_output must have the shape of the output, \(2, {}\), got \(2, 7\); give the gradient for what"
)


@pytest.mark.parametrize("name", BACKWARD)
def test_a_gradient_of_another_shape_is_refused(name):
    backward, shape = BACKWARD[name]
    with pytest.raises(ValueError, match=GRADIENT.format(", ".join(map(str, shape)))):
        backward(np.ones((2, 7)), np.ones((2, 2, 6, 6)))


@pytest.mark.parametrize("step", learning.RULES.values())
def test_a_gradient_that_only_broadcasts_is_refused(step):
    with pytest.raises(ValueError, match=r"grad must have the shape of w, \(3,\), got \(1,\)"):
        step(np.ones(3), np.ones(1), {}, learning_rate=0.1)
