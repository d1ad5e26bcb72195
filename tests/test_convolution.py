"""The by-hand convolution against torch, against laws that it must keep, and against paper."""

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncourse.convolution import (
    KERNELS,
    conv1d,
    conv2d,
    conv2d_backward,
    conv_multiply_adds,
    conv_parameters,
    convolution_matrix,
    coverage,
    gabor,
    im2col,
    output_size,
    pad2d,
    pad2d_backward,
    sliding_windows,
    sliding_windows_backward,
)
from cnncourse.convolution.forward import METHODS
from cnncourse.convolution.windows import PADDING_MODES, padding_sides

TORCH_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Spare torch the hand-over between threads, which costs more than these small sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def close(got, expected, tolerance=1e-10):
    assert got.shape == tuple(expected.shape)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def torch_conv2d(x, weight, bias, stride, sides, dilation, groups, mode):
    """Return what torch computes from a frame spelled out on four sides."""
    (top, bottom), (left, right) = sides
    if max(top, bottom, left, right):
        x = F.pad(x, (left, right, top, bottom), mode=TORCH_MODES[mode])
    return F.conv2d(x, weight, bias, stride=stride, dilation=dilation, groups=groups)


def pairs(low, high):
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


@st.composite
def cases(draw):
    """Draw shapes and options that fit each other; the frame may be given in any of its forms."""
    mode = draw(st.sampled_from(sorted(PADDING_MODES)))
    groups = draw(st.integers(1, 3))
    stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 3))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    both = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    span = [d * (k - 1) + 1 for d, k in zip(both, kernel, strict=True)]
    size = tuple(draw(st.integers(max(s - 2, 2), s + 4)) for s in span)
    sides = st.integers(0, 3)
    padding = draw(
        st.one_of(
            sides,
            st.tuples(sides, sides),
            st.tuples(st.tuples(sides, sides), st.tuples(sides, sides)),
            st.sampled_from(["same", "valid"]),
        )
    )
    frame = padding_sides(padding, size, kernel, stride, dilation)
    room = {"reflect": 1, "circular": 0}.get(mode, -10)
    fits = all(n + sum(f) >= s and max(f) <= n - room for n, f, s in zip(size, frame, span, strict=True))
    if not fits:
        padding = tuple((math.ceil((s - 1) / 2), s // 2) for s in span)
        if any(max(f) > n - room for n, f in zip(size, padding, strict=True)):
            mode = "zeros"
        frame = padding
    C, C_out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    r = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = r.normal(size=(draw(st.integers(1, 2)), C, *size))
    weight = r.normal(size=(C_out, C // groups, *kernel))
    bias = r.normal(size=C_out) if draw(st.booleans()) else None
    return x, weight, bias, stride, padding, dilation, groups, mode, frame


@settings(max_examples=300)
@given(cases(), st.sampled_from(sorted(METHODS)))
def test_conv2d_equals_torch(case, method):
    x, weight, bias, stride, padding, dilation, groups, mode, frame = case
    got = conv2d(x, weight, bias, stride, padding, dilation, groups, mode, method)
    tensors = [None if a is None else torch.from_numpy(a) for a in (x, weight, bias)]
    close(got, torch_conv2d(*tensors, stride, frame, dilation, groups, mode))
    strides = stride if isinstance(stride, tuple) else (stride, stride)
    dilations = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    axes = zip(x.shape[2:], weight.shape[2:], strides, frame, dilations, strict=True)
    assert got.shape[2:] == tuple(output_size(*axis) for axis in axes)


@settings(max_examples=200)
@given(cases())
def test_gradients_equal_autograd(case):
    x, weight, bias, stride, padding, dilation, groups, mode, frame = case
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, weight, bias)]
    y = torch_conv2d(*tensors, stride, frame, dilation, groups, mode)
    grad_output = np.random.default_rng(0).normal(size=y.shape)
    y.backward(torch.from_numpy(grad_output))
    got = conv2d_backward(grad_output, x, weight, stride, padding, dilation, groups, mode)
    for mine, tensor in zip(got, tensors, strict=True):
        close(mine, tensor.grad)


@given(
    st.integers(3, 12),
    st.integers(1, 4),
    st.integers(1, 3),
    st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2))),
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from(sorted(PADDING_MODES)),
)
def test_conv1d_equals_torch(length, kernel, stride, padding, dilation, groups, mode):
    sides = padding if isinstance(padding, tuple) else (padding, padding)
    if length + sum(sides) < dilation * (kernel - 1) + 1:
        return
    r = np.random.default_rng(length)
    x, weight = r.normal(size=(2, 2 * groups, length)), r.normal(size=(2 * groups, 2, kernel))
    bias = r.normal(size=2 * groups)
    padded = F.pad(torch.from_numpy(x), sides, mode=TORCH_MODES[mode]) if max(sides) else torch.from_numpy(x)
    expected = F.conv1d(
        padded,
        torch.from_numpy(weight),
        torch.from_numpy(bias),
        stride=stride,
        dilation=dilation,
        groups=groups,
    )
    close(conv1d(x, weight, bias, stride, padding, dilation, groups, mode), expected)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_is_torchs_same_at_stride_1(kernel, dilation):
    r = np.random.default_rng(kernel)
    x, weight = r.normal(size=(1, 2, 7, 8)), r.normal(size=(3, 2, kernel, kernel))
    with warnings.catch_warnings(action="ignore"):  # torch warns that an even kernel costs it a copy
        expected = F.conv2d(torch.from_numpy(x), torch.from_numpy(weight), padding="same", dilation=dilation)
        signal, line = torch.from_numpy(x[:, :, 0]), torch.from_numpy(weight[:, :, 0])
        expected_line = F.conv1d(signal, line, padding="same", dilation=dilation)
    close(conv2d(x, weight, padding="same", dilation=dilation), expected)
    close(conv1d(x[:, :, 0], weight[:, :, 0], padding="same", dilation=dilation), expected_line)


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(1, 3))
def test_same_gives_the_size_divided_by_the_stride_rounded_up(size, kernel, stride, dilation):
    assert output_size(size, kernel, stride, "same", dilation) == math.ceil(size / stride)
    before, after = padding_sides("same", (size, size), kernel, stride, dilation)[0]
    assert after - before in (0, 1)  # an odd surplus goes to the bottom and right


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2), st.integers(1, 2))
def test_output_size_counts_the_stops_of_a_loop(size, kernel, stride, padding, dilation):
    span = dilation * (kernel - 1) + 1
    stops = [s for s in range(0, size + 2 * padding, stride) if s + span <= size + 2 * padding]
    if stops:
        assert output_size(size, kernel, stride, padding, dilation) == len(stops)
    else:
        with pytest.raises(ValueError, match="larger than the padded input"):
            output_size(size, kernel, stride, padding, dilation)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2), st.integers(1, 2))
def test_ceil_mode_equals_torchs_pooling(size, kernel, stride, padding, dilation):
    padding = min(padding, kernel // 2)
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        return
    x = torch.zeros(1, 1, size, dtype=torch.float64)
    y = F.max_pool1d(x, kernel, stride, padding, dilation, ceil_mode=True)
    assert output_size(size, kernel, stride, padding, dilation, ceil_mode=True) == y.shape[2]


@given(
    st.integers(3, 6),
    st.integers(3, 6),
    st.tuples(*[st.integers(0, 3)] * 4),
    st.sampled_from([*PADDING_MODES]),
)
def test_padding_and_its_gradient_equal_torch(height, width, frame, mode):
    top, bottom, left, right = (min(side, height - 1, width - 1) for side in frame)
    x = np.random.default_rng(0).normal(size=(2, 2, height, width))
    tensor = torch.from_numpy(x).requires_grad_()
    expected = F.pad(tensor, (left, right, top, bottom), mode=TORCH_MODES[mode])
    sides = ((top, bottom), (left, right))
    close(pad2d(x, sides, mode), expected.detach(), 0)
    grad = np.random.default_rng(1).normal(size=expected.shape)
    expected.backward(torch.from_numpy(grad))
    close(pad2d_backward(grad, x, sides, mode), tensor.grad)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2}])
def test_im2col_is_torchs_unfold(options):
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 8))
    close(im2col(x, (3, 2), **options), F.unfold(torch.from_numpy(x), (3, 2), **options), 0)


@pytest.mark.parametrize("method", METHODS)
def test_the_sums_of_the_chapter_done_on_paper(method):
    image = [[123, 210, 0], [0, 113, 196], [34, 0, 255]]
    y = conv2d([[image]], [[[[2, 1], [0, 0.5]]]], method=method)
    # 2*123 + 210 + 113/2, 2*210 + 0 + 196/2, 2*0 + 113 + 0/2, 2*113 + 196 + 255/2
    np.testing.assert_allclose(y, [[[[512.5, 518.0], [113.0, 549.5]]]], rtol=1e-12)


def test_integers_on_paper_with_everything_switched_on():
    # rows 1 2 3 / 4 5 6, a zero frame of one, kernel [1 10] twice, stride 2 across, bias 100
    x, weight = [[[[1, 2, 3], [4, 5, 6]]]], [[[[1, 10], [1, 10]]]]
    y = conv2d(x, weight, [100], stride=(1, 2), padding=1)
    assert y.tolist() == [[[[110, 132], [150, 197], [140, 165]]]]


def test_gradients_on_paper():
    grad_x, grad_weight, grad_bias = conv2d_backward([[[[1, 10]]]], [[[[5, 6, 7]]]], [[[[2, 3]]]])
    assert grad_x.tolist() == [[[[2, 23, 30]]]]  # 2*1, 3*1 + 2*10, 3*10
    assert grad_weight.tolist() == [[[[65, 76]]]]  # 5*1 + 6*10, 6*1 + 7*10
    assert grad_bias.tolist() == [11]


@pytest.mark.parametrize("method", METHODS)
def test_laws(method):
    r = np.random.default_rng(0)
    x, other = r.normal(size=(2, 2, 3, 8, 9))
    weight = r.normal(size=(4, 3, 3, 3))

    def conv(x, weight=weight, **options):
        return conv2d(x, weight, method=method, **options)

    close(conv(2 * x - 3 * other), 2 * conv(x) - 3 * conv(other))  # linear in the picture
    close(conv(x, 2 * weight), 2 * conv(x))  # and in the weights
    close(conv(np.roll(x, 1, axis=3))[..., 1:], conv(x)[..., :-1])  # equivariant to shifts
    whole = conv(x, padding=1, padding_mode="circular")
    shifted = conv(np.roll(x, (2, -3), axis=(2, 3)), padding=1, padding_mode="circular")
    close(shifted, np.roll(whole, (2, -3), axis=(2, 3)))
    close(conv(x, stride=2), conv(x)[:, :, ::2, ::2])
    mix = weight[:, :, :1, :1]
    close(conv(x, mix), np.einsum("oc,nchw->nohw", mix[:, :, 0, 0], x))  # 1x1 is a matrix product
    first, second = r.normal(size=(1, 1, 3, 3)), r.normal(size=(1, 1, 2, 2))
    both = conv2d(pad2d(first, 1), second[..., ::-1, ::-1])  # two kernels in a row are one larger kernel
    close(conv(conv(x[:, :1], first), second), conv(x[:, :1], both))
    apart = [conv(x[:, c : c + 1], weight[c : c + 1, :1]) for c in range(3)]
    close(conv(x, weight[:3, :1], groups=3), np.concatenate(apart, axis=1))  # depthwise: channels apart


def test_flipping_the_kernel_gives_numpys_convolution():
    r = np.random.default_rng(0)
    signal, kernel = r.normal(size=9), r.normal(size=4)
    close(conv1d(signal[None, None], kernel[None, None, ::-1])[0, 0], np.convolve(signal, kernel, "valid"))
    close(conv1d(signal[None, None], kernel[None, None])[0, 0], np.correlate(signal, kernel, "valid"))


@settings(max_examples=60)
@given(cases())
def test_matrix_does_what_the_convolution_does(case):
    x, weight, _, stride, padding, dilation, groups, mode, _ = case
    options = (stride, padding, dilation, groups, mode)
    matrix = convolution_matrix(weight, x.shape[2:], *options)
    close(matrix @ x[0].ravel(), conv2d(x[:1], weight, None, *options).ravel())


def test_matrix_is_doubly_block_toeplitz():
    matrix = convolution_matrix(np.arange(1.0, 10).reshape(1, 1, 3, 3), 5)
    blocks = matrix.reshape(3, 3, 5, 5).transpose(0, 2, 1, 3)  # (block row, block column, 3, 5)
    close(blocks[1:, 1:], blocks[:-1, :-1], 0)
    close(blocks[..., 1:, 1:], blocks[..., :-1, :-1], 0)


@settings(max_examples=60)
@given(cases())
def test_coverage_is_the_gradient_of_a_sum_of_ones(case):
    x, weight, _, stride, padding, dilation, _, _, _ = case
    ones = np.ones((1, 1, *weight.shape[2:]))
    picture = np.zeros((1, 1, *x.shape[2:]))
    y = conv2d(picture, ones, None, stride, padding, dilation)
    expected = conv2d_backward(np.ones_like(y), picture, ones, stride, padding, dilation)[0]
    seen = coverage(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    assert seen.dtype.kind == "i"
    close(seen, expected[0, 0], 0)


@pytest.mark.parametrize(
    ("channels", "options", "bias"),
    [((3, 64), {}, True), ((4, 8), {"groups": 2}, False), ((6, 6), {"groups": 6}, True)],
)
def test_counts_are_torchs(channels, options, bias):
    layer = torch.nn.Conv2d(*channels, (3, 5), bias=bias, **options)
    assert conv_parameters(*channels, (3, 5), bias=bias, **options) == sum(
        p.numel() for p in layer.parameters()
    )
    weights = layer.weight.numel()
    assert conv_multiply_adds(*channels, (3, 5), (7, 9), **options) == weights * 7 * 9


def test_multiply_adds_are_the_products_of_the_loops():
    class Counting(float):
        seen = 0

        def __mul__(self, other):
            Counting.seen += 1
            return float(self) * float(other)

        __rmul__ = __mul__

    x, weight = np.ones((1, 4, 5, 6)), np.ones((2, 2, 3, 3))
    windows = sliding_windows(x, 3)
    for o in range(2):
        for i, j in np.ndindex(3, 4):
            for c, p, q in np.ndindex(2, 3, 3):
                _ = Counting(weight[o, c, p, q]) * Counting(windows[0, 2 * o + c, i, j, p, q])
    assert conv_multiply_adds(4, 2, 3, (3, 4), groups=2) == Counting.seen


@pytest.mark.parametrize("method", METHODS)
def test_float32_is_kept_and_integers_become_float64(method):
    x, weight = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32)
    assert conv2d(x, weight, [0.5], method=method).dtype == np.float32
    assert all(g.dtype == np.float32 for g in conv2d_backward(np.ones((1, 1, 2, 2), np.float32), x, weight))
    assert conv2d(x.astype(np.uint8), weight.astype(int), method=method).dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_batch_gives_an_empty_batch(method):
    assert conv2d(np.zeros((0, 2, 5, 5)), np.zeros((3, 2, 3, 3)), method=method).shape == (0, 3, 3, 3)


def test_windows_copy_nothing_and_cannot_be_written_to():
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    windows = sliding_windows(x, (3, 2), stride=2, dilation=(1, 2))
    assert windows.shape == (1, 1, 2, 2, 3, 2)
    assert windows[0, 0, 1, 0].tolist() == [[10, 12], [15, 17], [20, 22]]
    assert np.shares_memory(windows, x)
    with pytest.raises(ValueError, match="read-only"):
        windows[...] = 0


@given(
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_windows_backward_is_the_transpose_of_windows(size, kernel, stride, dilation):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, *size))
    windows = sliding_windows(x, kernel, stride, dilation)
    g = rng.standard_normal(windows.shape)
    back = sliding_windows_backward(g, x, kernel, stride, dilation)
    assert back.shape == x.shape
    assert (windows * g).sum() == pytest.approx((x * back).sum())


def test_arguments_are_left_alone():
    r = np.random.default_rng(0)
    x, weight, grad = r.normal(size=(1, 2, 5, 5)), r.normal(size=(2, 2, 3, 3)), r.normal(size=(1, 2, 5, 5))
    before = [a.copy() for a in (x, weight, grad)]
    conv2d(x, weight, padding=1)[...] = 0
    conv2d(x, weight[:, :, 1:2, 1:2])[...] = 0
    grad_x, *_ = conv2d_backward(grad, x, weight, padding=1)
    grad_x[...] = 0
    pad2d(x, 0)[...] = 0
    for a, b in zip((x, weight, grad), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_classic_kernels():
    flat = np.full((1, 1, 5, 5), 0.4)
    sums = {"identity": 1, "box_blur": 1, "gaussian_blur": 1, "sharpen": 1, "emboss": 1}
    for name, kernel in KERNELS.items():
        assert kernel.shape == (3, 3)
        close(conv2d(flat, kernel[None, None]), np.full((1, 1, 3, 3), 0.4 * sums.get(name, 0)))
    ramp = np.tile(np.arange(5.0), (5, 1))[None, None]  # grows from left to right
    assert (conv2d(ramp, KERNELS["sobel_x"][None, None]) == 8).all()
    assert (conv2d(ramp, KERNELS["sobel_y"][None, None]) == 0).all()
    assert (conv2d(ramp.transpose(0, 1, 3, 2), KERNELS["sobel_y"][None, None]) == 8).all()
    assert (conv2d(ramp, KERNELS["laplacian"][None, None]) == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        KERNELS["sobel_x"][0, 0] = 5
    with pytest.raises(TypeError):
        KERNELS["mine"] = np.ones((3, 3))


def test_gabor_is_the_formula_of_its_docstring():
    kernel = gabor(9, wavelength=8, phase=np.pi / 2)  # odd, so that nothing is shifted to make the sum zero
    assert kernel[4, 5] < 0, "cos(x + pi / 2) falls at 0"
    assert kernel[4, 6] / kernel[4, 5] == pytest.approx(np.exp(-3 / 32) / np.sin(np.pi / 4))  # sigma 4
    assert kernel[5, 5] / kernel[4, 5] == pytest.approx(np.exp(-0.25 / 32))  # aspect 1/2
    assert gabor(9, wavelength=8).sum() == pytest.approx(0, abs=1e-12)


def test_gabor_answers_to_its_own_stripes():
    kernel = gabor(9, wavelength=4)
    y, x = np.mgrid[:40, :40]
    upright, level = np.cos(2 * np.pi * x / 4), np.cos(2 * np.pi * y / 4)
    answers = [np.abs(conv2d(p[None, None], kernel[None, None])).max() for p in (upright, level)]
    assert answers[0] > 10 * answers[1]
    close(gabor(9, 4, angle=np.pi / 2), kernel.T)
    close(kernel, kernel[:, ::-1])
    assert kernel.sum() == pytest.approx(0, abs=1e-12)
    odd = gabor(9, 4, phase=np.pi / 2)
    close(odd, -odd[:, ::-1])
    assert np.abs(kernel).sum() == pytest.approx(1)


X, WEIGHT = np.zeros((1, 3, 5, 5)), np.zeros((8, 3, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: conv2d(X[0], WEIGHT),
            ValueError,
            r"x must have 4 axes .*W\), got shape \(3, 5, 5\)",
        ),
        (lambda: conv2d(X, WEIGHT[0]), ValueError, r"weight must have 4 axes"),
        (lambda: conv2d(X.astype(complex), WEIGHT), TypeError, "x must hold real numbers"),
        (
            lambda: conv2d(X, WEIGHT[:, :2]),
            ValueError,
            r"weight must have shape \(C_out, 3, K_h, K_w\) for x with 3 .* in 1 group, got \(8, 2, 3, 3\)",
        ),
        (
            lambda: conv2d(X, WEIGHT, groups=2),
            ValueError,
            "groups must divide .* groups 2 for 3 input",
        ),
        (lambda: conv2d(X, WEIGHT, groups=0), ValueError, "groups must be at least 1, got 0"),
        (lambda: conv2d(X, WEIGHT, bias=[1, 2]), ValueError, r"bias must have shape \(8,\).* got \(2,\)"),
        (
            lambda: conv2d(X, np.zeros((8, 3, 7, 7))),
            ValueError,
            "kernel_size 7x7 is larger than the padded input 5x5; add padding of 1 on each side or use",
        ),
        (
            lambda: conv2d(X, WEIGHT, dilation=3),
            ValueError,
            "kernel_size 3x3 with dilation 3x3 spans 7x7 pixels and is larger than the padded input 5x5",
        ),
        (lambda: conv2d(X, WEIGHT, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: conv2d(X, WEIGHT, stride=1.5), TypeError, "stride must be a whole number, got 1.5"),
        (lambda: conv2d(X, WEIGHT, stride=(1, 2, 3)), ValueError, r"stride must be a number or \(vertical"),
        (lambda: conv2d(X, WEIGHT, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (
            lambda: conv2d(X, WEIGHT, padding="sane"),
            ValueError,
            "padding .* 'sane'. Did you mean 'same'",
        ),
        (lambda: conv2d(X, WEIGHT, padding=(1, 1, 1)), ValueError, r"padding must be a number, \(vertical"),
        (
            lambda: conv2d(X, WEIGHT, padding=5, padding_mode="reflect"),
            ValueError,
            "padding 5 is too wide for padding_mode 'reflect': a picture of 5x5 has 4 pixels",
        ),
        (
            lambda: conv2d(X, WEIGHT, padding_mode="reflct"),
            ValueError,
            "padding_mode .* you mean 'reflect'",
        ),
        (lambda: conv2d(X, WEIGHT, method="fff"), ValueError, "method is unknown: 'fff'. Did you mean 'fft'"),
        (lambda: pad2d(X, "same"), ValueError, "padding 'same' depends on a kernel"),
        (
            lambda: pad2d_backward(X, X, 1),
            ValueError,
            r"grad_output must have the shape of the output, \(1, 3, 7, 7\), got \(1, 3, 5, 5\)",
        ),
        (
            lambda: conv2d_backward(X, X, WEIGHT),
            ValueError,
            r"grad_output must have the shape of the output, \(1, 8, 3, 3\), got \(1, 3, 5, 5\)",
        ),
        (lambda: conv1d(X, WEIGHT), ValueError, r"x must have 3 axes \(N, C, L\)"),
        (lambda: output_size(5, 7), ValueError, "kernel_size 7 is larger than the padded input 5"),
        (lambda: conv_parameters(3, 4, 3, groups=2), ValueError, "groups must divide"),
        (lambda: gabor(4, 2), ValueError, "size must be odd and at least 3, .* got 4"),
        (lambda: gabor(5, 0), ValueError, "wavelength must be greater than 0, got 0"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
