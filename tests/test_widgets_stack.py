"""The stack of the widget in the chapter on activations, in Node: as NumPy and PyTorch compute it."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from in_node import in_node, in_the_book

from cnncourse.activations import dense_stack, gain

pytestmark = in_the_book
DEPTH, WIDTH, BATCH = 30, 32, 8
DRAWN = f"stack.draw({{ seed: 7, depth: {DEPTH}, width: {WIDTH}, batch: {BATCH} }})"
OURS = json.dumps({"seed": 4, "depth": 30, "width": 128, "batch": 16})  # those of the widget


def normals(seed, count):
    """The same generator in NumPy: mulberry32 counts on from its seed, so all its numbers come at once."""
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (state ^ (state >> 15)) * (state | 1)
        t ^= t + (t ^ (t >> 7)) * (t | 61)
        uniform = ((t ^ (t >> 14)) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()


def drawn():
    numbers = normals(7, BATCH * WIDTH + DEPTH * WIDTH**2)
    inputs, weights = np.split(numbers, [BATCH * WIDTH])
    return inputs.reshape(BATCH, WIDTH), weights.reshape(DEPTH, WIDTH, WIDTH) / math.sqrt(WIDTH)


def run(options):
    found = in_node("stack.js", f"options.map((each) => stack.run({DRAWN}, each))", options=options)
    return [
        [{name: np.array(value, dtype=float) for name, value in layer.items()} for layer in stack]
        for stack in found
    ]


def test_the_generator_is_that_of_numpy_and_its_numbers_are_normal():
    found = np.array(in_node("stack.js", "stack.normals(7, 20000)"))
    np.testing.assert_allclose(found, normals(7, 20000), rtol=0, atol=1e-12)
    assert abs(found.mean()) < 0.02 and found.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(found) < 1).mean() == pytest.approx(0.683, abs=0.01)


def test_thirty_layers_are_those_of_the_chapter():
    inputs, weights = drawn()
    cases = [(name, scale) for name in ("relu", "tanh", "sigmoid") for scale in (0.5, 1, math.sqrt(2), 2)]
    stacks = run([{"activation": name, "gain": scale} for name, scale in cases])
    for (name, scale), stack in zip(cases, stacks, strict=True):
        sums, outputs = dense_stack(inputs, list(scale * weights), name)
        for layer, z, h in zip(stack, sums, outputs, strict=True):
            # what is beyond doubles from layer to layer at a large gain: thirty layers make 1e-16 to 1e-8
            np.testing.assert_allclose(layer["sums"].reshape(z.shape), z, rtol=0, atol=1e-7 * np.abs(z).max())
            np.testing.assert_allclose(
                layer["outputs"].reshape(h.shape), h, rtol=0, atol=1e-7 * np.abs(h).max()
            )
            assert layer["added"] == pytest.approx(np.sqrt((z**2).mean()), rel=1e-6)


def test_with_nothing_between_it_is_one_product():
    inputs, weights = drawn()
    (stack,) = run([{"activation": "none", "gain": 1.1}])
    product = np.linalg.multi_dot([*(1.1 * weights[::-1]), inputs.T]).T
    np.testing.assert_allclose(stack[-1]["outputs"].reshape(product.shape), product, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.25, 4])
def test_normalized_it_is_batch_normalization_and_the_gain_decides_nothing(scale):
    inputs, weights = (torch.tensor(each) for each in drawn())
    (stack,) = run([{"activation": "relu", "gain": scale, "normalized": True}])
    h = inputs
    for layer, weight in zip(stack, weights, strict=True):
        z = F.batch_norm(h @ (scale * weight).T, None, None, training=True)
        h = z.relu()
        torch.testing.assert_close(torch.tensor(layer["sums"]).reshape(z.shape), z, rtol=0, atol=1e-6)
        assert np.sqrt((layer["sums"] ** 2).mean()) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "none"])
def test_the_weights_of_the_widget_keep_their_size_at_the_chapter_s_gain(name):
    scale = 1 if name == "none" else gain(name)
    sizes = "stack.run(stack.draw(ours), options).map(({ sums }) => stack.size(sums))".replace("ours", OURS)
    at_gain = in_node("stack.js", sizes, options={"activation": name, "gain": round(scale, 2)})
    assert 0.9 < at_gain[-1] < 1.1 and 0.5 < min(at_gain) < max(at_gain) < 2
    less = in_node("stack.js", sizes, options={"activation": name, "gain": 0.5})
    assert less[-1] < 0.9  # also of a sigmoid, which does not die out


def test_shares_count_all_values_and_those_beyond_at_the_edges():
    assert in_node("stack.js", "stack.shares([-9, -1, 0, 0.5, 1, 9, 0, 0], 3, 3)") == [0.125, 0.625, 0.25]
