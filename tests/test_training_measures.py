"""Measures of a network that is not trained: gradient norms against autograd, and that nothing is changed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.models import create_model
from cnncourse.training.measures import gradient_norms


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
