"""A ticket multiplied out is the same function, with one kernel where one does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slth.errors import ArgumentError
from slth.networks import folded_module, outputs_of
from slth.networks.folded import FoldedConv, FoldedLinear, FoldedNetwork
from slth.tickets import ConvPair
from tests.networks.test_conv_tickets import STACKS, dense_ticket, relative, ticket_of


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("density", [0.4, 0.02])
def test_it_is_the_tickets_function_on_inputs_of_both_signs(name, density):
    ticket = ticket_of(*STACKS[name], density=density)
    module = folded_module(ticket, dtype=torch.float64)
    assert isinstance(module, FoldedNetwork)
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (3, *ticket.description.input_shape))
    reference = ticket.forward(x)
    found = module(torch.tensor(x)).numpy()
    assert relative(found, reference.reshape(found.shape)) < 1e-12
    single = outputs_of(folded_module(ticket), x)
    assert relative(single, reference.reshape(found.shape).astype(np.float32)) < 1e-5


def test_one_kernel_where_inputs_are_never_negative_and_two_elsewhere():
    ticket = ticket_of(*STACKS["residual"], density=1.0)
    pairs = folded_module(ticket).pairs.values()
    assert all(isinstance(pair, FoldedConv) for pair in pairs)
    assert [pair.negative is None for pair in pairs] == [False, True, True, True]
    assert [tuple(pair.positive.shape) for pair in pairs] == [(4, 3, 3, 3), (6, 4, 3, 3), (6, 6, 3, 3), (6, 4, 1, 1)]
    assert next(iter(pairs)).constant.shape == (4, 1, 3, 3)


@pytest.mark.parametrize("seed", range(4))
def test_one_kernel_where_all_kept_channels_serve_one_sign(seed):
    """It still meets inputs of both signs: the ticket gives 0 for the other, and so does the kernel."""
    ticket = ticket_of(
        [ConvPair("a", 1, 1, 1, (2, 2), bias=False, activation="identity")], (1, 3, 3), density=1.0, seed=seed
    )
    (pair,) = folded_module(ticket, dtype=torch.float64).pairs.values()
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (3, 1, 3, 3))
    (folded,) = ticket.folded_kernels()
    assert folded.plus.any() != folded.minus.any()
    assert (pair.negative is None) == folded.plus.any()
    assert relative(pair(torch.tensor(x)).numpy(), ticket.forward(x)) < 1e-12


@pytest.mark.parametrize("depth", ["double", "plus-one"])
def test_dense_tickets(depth):
    ticket = dense_ticket(depth)
    module = folded_module(ticket, dtype=torch.float64)
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (20, 5))
    assert relative(outputs_of(module, x), ticket.forward(x)) < 1e-12
    assert [type(part) for part in module][1::2] == [FoldedLinear] * len(ticket.description.layers)
    assert module[1].positive.shape[1] == 5


def test_it_says_what_it_is_no_more_and_trains_nothing():
    module = folded_module(ticket_of(*STACKS["classifier"]))
    for kind in (FoldedNetwork, FoldedConv, FoldedLinear):
        assert "no longer a subnetwork" in kind.__doc__
    assert list(module.parameters()) == []
    with pytest.raises(ArgumentError, match="dtype"):
        folded_module(dense_ticket(), dtype=torch.float16)
