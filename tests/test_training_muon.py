"""Muon: steps whose singular values are all about one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnncourse.models import create_model
from cnncourse.training import Recipe
from cnncourse.training.muon import Muon, orthogonalize
from cnncourse.training.optimizers import Together, create_optimizer


def make_model(seed=0):
    return create_model("conv_bn_gap", in_channels=1, seed=seed)


class TestMuon:
    @given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 1000))
    def test_singular_values_come_near_one_and_their_vectors_stay(self, rows, columns, seed):
        matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        u, values, vh = torch.linalg.svd(matrix, full_matrices=False)
        found = torch.diag(u.T @ orthogonalize(matrix, steps=8) @ vh.T)
        kept = values > 0.02 * values.max()
        assert ((found > 0.6) & (found < 1.3))[kept].all()

    @pytest.mark.parametrize("nesterov", [False, True])
    def test_steps_as_torch_does(self, nesterov):
        torch_muon = getattr(torch.optim, "Muon", None)
        if torch_muon is None:
            assert tuple(map(int, torch.__version__.split(".")[:2])) < (2, 9)
            return
        ours, theirs = (nn.Parameter(torch.arange(12.0).reshape(3, 4).sin()) for _ in range(2))
        options = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": nesterov}
        optimizers = [
            Muon([ours], **options),
            torch_muon([theirs], **options, adjust_lr_fn="match_rms_adamw"),
        ]
        generator = torch.Generator().manual_seed(0)
        for _ in range(5):
            ours.grad = torch.randn(3, 4, generator=generator)
            theirs.grad = ours.grad.clone()
            for optimizer in optimizers:
                optimizer.step()
        # torch iterates in bfloat16
        assert torch.allclose(ours, theirs, atol=3e-3)
        assert not torch.allclose(ours, torch.arange(12.0).reshape(3, 4).sin(), atol=1e-2)

    @pytest.mark.parametrize("nesterov", [False, True])
    def test_two_steps_are_those_of_the_formula(self, nesterov):
        parameter, first, second = nn.Parameter(torch.ones(2, 9)), torch.eye(2, 9), torch.ones(2, 9)
        optimizer = Muon([parameter], lr=0.1, momentum=0.8, nesterov=nesterov, weight_decay=0.5)
        expected, buffer = torch.ones(2, 9), torch.zeros(2, 9)
        for gradient in (first, second):
            parameter.grad = gradient.clone()
            optimizer.step()
            buffer = 0.8 * buffer + 0.2 * gradient
            direction = 0.2 * gradient + 0.8 * buffer if nesterov else buffer
            expected = 0.95 * expected - 0.1 * 0.2 * 3 * orthogonalize(direction)
            torch.testing.assert_close(parameter.detach(), expected)

    def test_filters_are_taken_as_rows(self):
        weight = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
        flat, filters = nn.Parameter(weight.reshape(4, 12).clone()), nn.Parameter(weight.clone())
        for parameter in (flat, filters):
            optimizer = Muon([parameter], lr=0.1)
            (parameter**3).sum().backward()
            optimizer.step()
        assert torch.allclose(flat, filters.reshape(4, 12))

    def test_a_closure_computes_the_gradient(self):
        parameter = nn.Parameter(torch.eye(2))
        optimizer = Muon([parameter], lr=0.1)

        def closure():
            optimizer.zero_grad()
            loss = (parameter**2).sum()
            loss.backward()
            return loss

        assert optimizer.step(closure).item() == 2.0
        assert (parameter**2).sum().item() < 2.0

    def test_vectors_are_refused(self):
        with pytest.raises(ValueError, match=r"two or more axes, got shape \(3,\)"):
            Muon([nn.Parameter(torch.zeros(3))])

    def test_biases_scales_and_the_last_layer_go_to_adamw(self):
        model = make_model()
        optimizer = create_optimizer(model, Recipe(optimizer="muon", momentum=0.9, nesterov=True))
        assert isinstance(optimizer, Together)
        muon, adamw = optimizer.optimizers
        shapes = [p.ndim for group in muon.param_groups for p in group["params"]]
        others = [p for group in adamw.param_groups for p in group["params"]]
        assert shapes == [4, 4, 4]
        assert any(p is model.classifier[-1].weight for p in others)
        assert len(shapes) + len(others) == len(list(model.parameters()))

    def test_a_network_of_one_layer_is_refused(self):
        with pytest.raises(ValueError, match="use 'adamw'"):
            create_optimizer(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), Recipe(optimizer="muon"))
