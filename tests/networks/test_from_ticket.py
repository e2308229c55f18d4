"""The torch module is the masked random network: same numbers as the reference, no parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slth.constructions import Dense, construct_dense
from slth.errors import ArgumentError
from slth.networks import MaskedLinear, MaskedPair, module_from_ticket, outputs_of
from slth.rng import Stream, WeightLaw
from slth.tickets import DenseLayer, DenseNetwork, Mask, NetworkDescription, ProductPair, Ticket
from tests.attention_samples import random_target, random_ticket


def target_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    layers = [
        DenseLayer(rng.normal(size=(outputs, inputs)), rng.normal(size=outputs), activation)
        for inputs, outputs, activation in zip(
            sizes, sizes[1:], ["relu"] * (len(sizes) - 2) + ["identity"], strict=False
        )
    ]
    return DenseNetwork(layers)


@pytest.mark.parametrize("depth", ["double", "plus-one"])
@pytest.mark.parametrize("law", [WeightLaw("uniform"), WeightLaw("normal", 0.7)])
def test_float64_agrees_with_the_reference(depth, law):
    ticket = construct_dense(
        target_of((5, 4, 3, 2)), Dense(candidates=8, depth=depth), input_box=(-1.0, 1.0), seed=2, law=law
    ).ticket
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (50, 5))
    module = module_from_ticket(ticket, dtype=torch.float64)
    assert module(torch.tensor(x)).numpy() == pytest.approx(ticket.forward(x), abs=1e-12)
    single = module_from_ticket(ticket)(torch.tensor(x, dtype=torch.float32))
    assert single.dtype == torch.float32
    assert single.numpy() == pytest.approx(ticket.forward(x), abs=1e-3)


def test_it_holds_the_random_numbers_and_nothing_to_train():
    ticket = construct_dense(target_of((3, 2)), Dense(candidates=4), seed=3).ticket
    module = module_from_ticket(ticket, dtype=torch.float64)
    pair = module[1]
    assert isinstance(pair, MaskedPair)
    assert list(module.parameters()) == []
    assert set(module.state_dict()) == {"1.owners", "1.first", "1.second", "1.gain"}
    drawn = set(ticket.law.weights(Stream(3, "layer0.second"), 0, 8 * 4 * 2).tolist())
    assert set(pair.second.numpy().ravel().tolist()) <= drawn | {0.0}
    kept = ticket.mask["layer0.connections"]
    assert int((pair.second != 0.0).sum()) == kept.sum()
    assert len(pair.first) == ticket.mask["layer0.units"].sum()


def test_inputs_are_flattened_and_activations_stand_where_they_should():
    ticket = construct_dense(target_of((4, 3, 2)), Dense(candidates=6, depth="plus-one")).ticket
    module = module_from_ticket(ticket)
    assert [type(part).__name__ for part in module] == ["Flatten", "MaskedPair", "ReLU", "MaskedLinear", "Identity"]
    assert isinstance(module[3], MaskedLinear)
    assert module(torch.zeros(2, 2, 2)).shape == (2, 2)


def test_a_ticket_that_keeps_nothing():
    description = NetworkDescription([ProductPair("layer0", 2, 3, 2)])
    mask = Mask({name: np.zeros(shape, bool) for name, shape in description.mask_shapes.items()})
    ticket = Ticket(description, WeightLaw("uniform"), 0, mask, [1.0])
    assert torch.equal(module_from_ticket(ticket)(torch.ones(1, 2)), torch.zeros(1, 3))


def test_other_dtypes_are_refused():
    ticket = construct_dense(target_of((2, 1)), Dense(candidates=2)).ticket
    with pytest.raises(ArgumentError, match="dtype"):
        module_from_ticket(ticket, dtype=torch.float16)


def test_a_module_of_either_dtype_and_inputs_of_the_other():
    target = DenseNetwork([DenseLayer([[0.5, -0.25]], activation="identity")])
    ticket = construct_dense(target, Dense(candidates=8)).ticket
    x = torch.tensor([[0.5, 0.25]], dtype=torch.float64)
    assert abs(ticket.to_torch(dtype=torch.float64)(x).item() - ticket.forward(x.numpy()).item()) < 1e-15
    with pytest.raises(ArgumentError, match=r"x.*float64.*must be torch.float32"):
        ticket.to_torch()(x)


def test_tickets_of_attention_have_modules_too():
    rng = np.random.default_rng(1)
    ticket = random_ticket(rng, random_target(rng))
    x = rng.uniform(-1.0, 1.0, (3, ticket.description.inputs))
    assert outputs_of(module_from_ticket(ticket, dtype="float64"), x) == pytest.approx(ticket.forward(x), abs=1e-10)
    with pytest.raises(ArgumentError, match="attention"):
        module_from_ticket(ticket, masked=True)
