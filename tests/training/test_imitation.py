"""A network's outputs in the place of labels, and the reverse divergence from them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.searches import Concrete, search
from slth.training import Adam, Constant, Examples, Recipe, ReverseKL, evaluate, imitation, train
from tests.training.test_loop import blobs


@given(st.integers(0, 2**32), st.floats(0.1, 5.0))
def test_the_divergence_is_torchs_with_its_arguments_exchanged(seed, temperature):
    own, other = torch.randn(2, 7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    p, q = ((scores / temperature).log_softmax(1) for scores in (other, own))
    expected = nn.functional.kl_div(p, q, reduction="batchmean", log_target=True)
    assert float(ReverseKL(temperature)(own, other)) == pytest.approx(float(expected), abs=1e-12)
    assert abs(float(ReverseKL(temperature)(own, own))) < 1e-12


def test_targets_are_outputs_in_evaluation_mode():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.9)).train()
    before = {name: one.clone() for name, one in module.state_dict().items()}
    data = blobs(300)
    found = imitation(module, data)
    assert module.training
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())
    assert torch.equal(found.inputs, data.inputs)
    with torch.no_grad():
        assert torch.allclose(found.targets, module.eval()(data.inputs), atol=1e-6)


def test_a_ticket_learns_from_a_dense_network_without_labels():
    dense, data = mlp((2, 16, 3)), blobs()
    train(dense, data, Recipe(epochs=15))
    recipe = Recipe(20, 32, Constant(0.1), Adam(), ReverseKL())
    found = search(mlp((2, 64, 3)), imitation(dense, data), Concrete(0.3), recipe=recipe)
    assert evaluate(found.module, blobs(seed=1)).accuracy > 0.95
    assert found.ticket.family == "strong"


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match="temperature"):
        ReverseKL(0.0)
    with pytest.raises(ArgumentError, match="data"):
        imitation(mlp((2, 3)), torch.ones(2, 2))
    with pytest.raises(ArgumentError, match="examples"):
        imitation(mlp((3, 3)), Examples(torch.ones(2, 2), [0, 1]))
