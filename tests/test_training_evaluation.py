"""Evaluation: every image once, scaled as in the training, with the classes that the network knows."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from bright import make_model, make_set
from torch import nn

from cnncourse.models import Trained, create_model
from cnncourse.training import Batches, evaluate

HALVES = {"mean": (0.5,), "std": (0.5,)}


def make_trained(**changes):
    model = create_model("conv_bn_gap", num_classes=2, seed=0)
    about = {"classes": ("a", "b"), "channels": 3, "size": (8, 8), "mean": (0.2, 0.3, 0.4), "std": 0.1}
    return Trained(model, "conv_bn_gap", **(about | changes))


def test_every_image_counts_once():
    image_set, model = make_set(10), make_model()
    x, y = next(iter(Batches(image_set, 10, shuffle=False)))
    expected = F.cross_entropy(model(x), y).item()
    for batch_size in (3, 10, 1000):
        result = evaluate(model, image_set, batch_size, **HALVES)
        assert result["loss"] == pytest.approx(expected, rel=1e-5)
        assert result["accuracy"] == (model(x).argmax(1) == y).sum().item() / 10


def test_dropout_is_off_and_the_mode_comes_back():
    model = nn.Sequential(make_model(), nn.Dropout(0.9))
    assert evaluate(model, make_set(), **HALVES) == evaluate(model, make_set(), **HALVES)
    assert model.training
    model.eval()
    evaluate(model, make_set(), **HALVES)
    assert not model.training


def test_mirrored_logits_are_averaged():
    image_set, model = make_set(10), make_model()
    x, y = next(iter(Batches(image_set, 10, shuffle=False)))
    logits = (model(x) + model(x.flip(dims=[3]))) / 2
    found = evaluate(model, image_set, views=2, **HALVES)
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
    assert found["accuracy"] == (logits.argmax(1) == y).sum().item() / 10
    assert found["loss"] != pytest.approx(evaluate(model, image_set, **HALVES)["loss"], rel=1e-5)


def test_six_views_are_two_at_three_places():
    image_set, model = make_set(10), make_model()
    x, y = next(iter(Batches(image_set, 10, shuffle=False)))
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
    side = x.shape[-1]
    logits = 0
    for weight, i in ((0.5, 1), (0.25, 0), (0.25, 2)):
        moved = padded[..., i : i + side, i : i + side]
        logits = logits + weight * (model(moved) + model(moved.flip(dims=[3]))) / 2
    found = evaluate(model, image_set, views=6, **HALVES)
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
    assert found["loss"] != pytest.approx(evaluate(model, image_set, views=2, **HALVES)["loss"], rel=1e-5)


@pytest.mark.parametrize("views", [0, 3, True, "6"])
def test_other_numbers_of_views_are_refused(views):
    with pytest.raises(ValueError, match=r"views must be 1 \(the image\), 2 .* or 6"):
        evaluate(make_model(), make_set(), views=views, **HALVES)


def test_scaling_is_used():
    model = make_model()
    assert evaluate(model, make_set(), **HALVES) != evaluate(model, make_set(), mean=(0,), std=(1,))


class TestScaling:
    @pytest.mark.parametrize(
        ("given", "missing"),
        [({}, "mean and std"), ({"mean": (0.5,)}, "std"), ({"std": (0.5,)}, "mean")],
    )
    def test_a_bare_module_has_no_default(self, given, missing):
        with pytest.raises(TypeError, match=f"needs {missing} of a bare module; give those of its recipe"):
            evaluate(make_model(), make_set(), **given)

    def test_a_trained_network_brings_its_own(self):
        trained, image_set = make_trained(), make_set(30)
        options = {"mean": trained.mean, "std": trained.std}
        for batch_size, views in ((7, 1), (1000, 6)):
            expected = evaluate(trained.model, image_set, batch_size, views=views, **options)
            assert evaluate(trained, image_set, batch_size, views=views) == expected
        with pytest.raises(TypeError, match=r"a Trained has its own mean \(0.2, 0.3, 0.4\) .*; leave out"):
            evaluate(trained, image_set, **HALVES)

    def test_a_trained_network_sees_its_resolution(self):
        trained, image_set, sizes = make_trained(resolution=(12, 10)), make_set(4), []
        trained.model.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape)))
        found = evaluate(trained, image_set)
        assert sizes == [(4, 3, 12, 10)]
        right = trained.predict(image_set).argmax(axis=1) == image_set.labels
        assert found["accuracy"] == right.mean()


class TestClasses:
    def test_they_are_matched_by_name(self):
        trained, image_set = make_trained(), make_set(9)
        turned = dataclasses.replace(
            image_set, labels=2 - np.asarray(image_set.labels), classes=("none", "b", "a")
        )
        assert evaluate(trained, turned) == evaluate(trained, image_set)

    def test_strange_ones_are_refused(self):
        strange = dataclasses.replace(make_set(), classes=("a", "c"))
        with pytest.raises(ValueError, match="'bright' has images of c, which the network does not know"):
            evaluate(make_trained(), strange)


def test_what_cannot_be_evaluated():
    with pytest.raises(ValueError, match=r"the image set 'bright' \(train\) is empty"):
        evaluate(make_trained(), make_set().subset([]))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        evaluate(make_trained(), make_set(), batch_size=0)
    with pytest.raises(ValueError, match=r"trained on images \(N, 3, H, W\) of 8x8, got .*; resize them"):
        evaluate(make_trained(), make_set(size=9))
    with pytest.raises(TypeError, match=r"a network must be an nn\.Module, got str"):
        evaluate("conv_bn_gap", make_set(), **HALVES)


def test_what_is_computed_in_sixteen_bits_differs_a_little():
    trained, image_set = make_trained(), make_set()
    whole, half = (
        evaluate(trained, image_set)["loss"],
        evaluate(trained, image_set, dtype=torch.bfloat16)["loss"],
    )
    assert half != whole and half == pytest.approx(whole, rel=0.05)
