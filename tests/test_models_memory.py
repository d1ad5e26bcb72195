"""What is kept for the backward pass: counted on shapes alone, and on real numbers."""

import pytest
import torch
from torch import nn

from cnncourse.models import create_model, kept_for_backward


def test_dense_layers_keep_their_inputs():
    with torch.device("meta"):
        model = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.Tanh(), nn.Linear(5, 2))
    assert [(kept.shape, kept.bytes) for kept in kept_for_backward(model, (3, 4, 4))] == [
        ((48,), 4 * 48),
        ((5,), 4 * 5),
    ]


@pytest.mark.parametrize("name", ["three_conv", "conv_bn_gap", "small_vgg", "small_googlenet"])
def test_shapes_alone_count_what_a_real_step_keeps(name):
    model = create_model(name, seed=0)
    parameters = {parameter.data_ptr() for parameter in model.parameters()}
    sizes = {}

    def keep(tensor):
        held.append(tensor)
        if tensor.ndim > 1:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    held = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(torch.randn(2, 3, 32, 32))
    real = sum(size for pointer, size in sizes.items() if pointer not in parameters)
    with torch.device("meta"):
        shapes = create_model(name)
    counted = sum(kept.bytes for kept in kept_for_backward(shapes, (3, 32, 32)))
    assert counted == pytest.approx(real / 2, rel=0.01)
    assert shapes.training


def test_it_is_asked_in_training_mode_and_each_part_comes_back_in_its_own():
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    model[1:].eval()
    kept = kept_for_backward(model, (3, 8, 8))
    assert [one.shape for one in kept].count((4, 6, 6)) == 2  # batch norm's input and what dropout dropped
    assert all(one.shape for one in kept)  # the statistics of batch norm belong to no image
    assert [module.training for module in model] == [True, False, False]


def test_a_network_with_numbers_is_refused():
    with pytest.raises(ValueError, match="must be on the meta device: make it under"):
        kept_for_backward(nn.Linear(2, 2), (3, 4, 4))
