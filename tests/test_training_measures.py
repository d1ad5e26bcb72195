"""Measures of a network: gradient norms against autograd, slices of the loss, and that nothing is changed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.models import create_model
from cnncourse.training.measures import gradient_norms, loss_surface, random_direction


def make_batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(8, 3, 8, 8, generator=generator), torch.arange(8)


def test_norms_are_those_of_autograd_in_the_order_of_the_layers():
    model, (images, labels) = create_model("resnet20", seed=0), make_batch()
    rows = gradient_norms(model, images, labels)
    loss = F.cross_entropy(model(images), labels)
    weights = {name: m.weight for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    expected = torch.autograd.grad(loss, list(weights.values()))
    assert [row["layer"] for row in rows] == list(weights)
    assert (rows[0]["layer"], rows[-1]["layer"], len(rows)) == ("conv1", "layer3.2.conv2", 19)
    assert [row["norm"] for row in rows] == pytest.approx([grad.norm().item() for grad in expected])


def test_one_step_along_the_gradient_changes_the_loss_by_its_square():
    model, (images, labels) = create_model("plain20", seed=1).double(), make_batch()
    rows = gradient_norms(model, images.double(), labels)
    (norm,) = [row["norm"] for row in rows if row["layer"] == "layer2.0.conv1"]
    weight = model.layer2[0].conv1.weight
    loss = F.cross_entropy(model(images.double()), labels)
    (grad,) = torch.autograd.grad(loss, weight)
    step = 1e-8
    with torch.no_grad():
        weight -= step * grad
        change = F.cross_entropy(model(images.double()), labels) - loss
    assert change.item() == pytest.approx(-step * norm**2, rel=1e-3)


def test_the_model_stays_as_it_was():
    model, batch = create_model("resnet20", seed=0).eval(), make_batch()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        gradient_norms(model, *batch)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_no_convolution():
    with pytest.raises(ValueError, match="no convolution with weights to train"):
        gradient_norms(nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), *make_batch())


def test_every_filter_moves_by_its_own_length():
    model = create_model("resnet20", seed=0)
    direction = random_direction(model, seed=3)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            assert not direction[name].any()
        else:
            lengths = direction[name].flatten(1).norm(dim=1)
            torch.testing.assert_close(lengths, parameter.detach().flatten(1).norm(dim=1))
    assert not torch.equal(direction["conv1.weight"], random_direction(model, seed=4)["conv1.weight"])


def test_surface_of_a_linear_layer_worked_by_hand():
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    nn.init.zeros_(model[1].weight)
    across, up = ({"1.weight": torch.tensor(step)} for step in ([[1.0], [0.0]], [[0.0], [1.0]]))
    surface = loss_surface(model, torch.ones(1, 1, 1, 1), torch.tensor([0]), [across, up], [0, 1, 2])
    logits = np.array([[(a, b) for a in (0, 1, 2)] for b in (0, 1, 2)])  # class 0 gains across
    assert surface == pytest.approx(np.log(np.exp(logits).sum(axis=2)) - logits[..., 0], rel=1e-6)


def test_surface_has_the_models_loss_in_its_middle_and_leaves_it_alone():
    model, (images, labels) = create_model("resnet20", seed=0), make_batch()
    loss = F.cross_entropy(model(images), labels).item()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    directions = [random_direction(model, seed) for seed in (0, 1)]
    surface = loss_surface(model, images, labels, directions, np.linspace(-1, 1, 3))
    assert surface[1, 1] == pytest.approx(loss, rel=1e-5)
    assert len(np.unique(surface.round(6))) == 9
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_directions_that_do_not_fit():
    model, (images, labels) = create_model("resnet20", seed=0), make_batch()
    one = random_direction(model, seed=0)
    with pytest.raises(ValueError, match=r"two mappings, \(across, up\), got 59 entries"):
        loss_surface(model, images, labels, one, [0])
    with pytest.raises(ValueError, match=r"two mappings, .* got 1 entries"):
        loss_surface(model, images, labels, [one], [0])
    with pytest.raises(ValueError, match="one tensor for each parameter"):
        loss_surface(model, images, labels, [one, random_direction(create_model("resnet32"), seed=0)], [0])
