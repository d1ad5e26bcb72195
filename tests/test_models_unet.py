"""U-Net: shapes with and without bridges, messages."""

import pytest
import torch

from cnncourse.models import UNet, count_parameters


def test_unet_without_bridges_has_fewer_weights_and_the_same_shape():
    images = torch.randn(2, 3, 16, 24)
    with_bridges, without = UNet(num_classes=4), UNet(num_classes=4, bridges=False)
    assert with_bridges(images).shape == without(images).shape == (2, 4, 16, 24)
    assert count_parameters(without) < count_parameters(with_bridges)


def test_sizes_that_cannot_be_halved_twice_are_refused():
    with pytest.raises(ValueError, match="multiple of 4 high and wide, got 30x32; pad them"):
        UNet()(torch.zeros(1, 3, 30, 32))
