"""The torch side of attention: the classifier, its description, tickets as modules, and the attack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slth.errors import ArgumentError
from slth.networks.attention import AttentionClassifier, describe_attention
from slth.networks.attention_attack import attack_attention
from slth.networks.attention_tickets import module_from_attention_ticket
from slth.tickets import Mask, NetworkDescription, RandomLinear, Ticket
from tests.attention_samples import random_target, random_ticket

OPTIONS = [{}, {"embedding": "identity", "residual": False}, {"heads": 4, "hidden": (5, 6)}, {"hidden": ()}]


@pytest.mark.parametrize("options", OPTIONS)
def test_description_is_the_same_function(options):
    module = AttentionClassifier(4, 3, width=8, classes=5, seed=2, **options)
    network = describe_attention(module)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (20, 12))
    found = module.double()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(network.forward(x), found, rtol=0, atol=1e-13)
    assert (network.tokens, network.token_size, network.width, network.outputs) == (4, 3, 8, 5)


def test_the_block_is_torchs_own_attention():
    """nn.MultiheadAttention with the same matrices gives the same mixed tokens."""
    module = AttentionClassifier(5, 3, width=8, heads=2, embedding="identity", residual=False, hidden=()).double()
    other = torch.nn.MultiheadAttention(8, 2, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        stacked = [part.permute(0, 2, 1).reshape(8, 8) for part in (module.query, module.key, module.value)]
        other.in_proj_weight.copy_(torch.cat(stacked))
        other.out_proj.weight.copy_(module.output.reshape(8, 8).T)
        x = torch.rand(6, 15, dtype=torch.float64)
        embedded = x.reshape(6, 5, 3) @ module.embed[:, :3].T + module.embed[:, 3:].T
        expected = module.readout(other(embedded, embedded, embedded)[0].mean(dim=1))
        torch.testing.assert_close(module(x), expected)


def test_initial_weights_come_from_the_seed_alone():
    states = []
    for seed, disturb in ((1, 0), (1, 7), (2, 0)):
        torch.manual_seed(disturb)
        states.append(
            torch.cat([p.detach().ravel() for p in AttentionClassifier(2, 3, width=4, seed=seed).parameters()])
        )
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("residual", [True, False])
def test_ticket_as_a_module(residual):
    rng = np.random.default_rng(1)
    target = random_target(rng, residual=residual)
    ticket = random_ticket(rng, target)
    x = rng.uniform(-1.0, 1.0, (9, target.inputs))
    module = module_from_attention_ticket(ticket, dtype=torch.float64)
    np.testing.assert_allclose(module(torch.tensor(x)).numpy(), ticket.forward(x), rtol=1e-12, atol=1e-12)
    assert list(module.parameters()) == []
    single = module_from_attention_ticket(ticket)
    np.testing.assert_allclose(single(torch.tensor(x).float()).numpy(), ticket.forward(x), rtol=1e-3, atol=1e-4)


def test_empty_masks_are_modules_too():
    rng = np.random.default_rng(1)
    target = random_target(rng)
    ticket = random_ticket(rng, target, density=0.0)
    x = rng.random((3, target.inputs))
    module = module_from_attention_ticket(ticket, dtype=torch.float64)
    np.testing.assert_array_equal(module(torch.tensor(x)).numpy(), ticket.forward(x))


def test_attack_finds_what_chance_does_not():
    rng = np.random.default_rng(2)
    target = random_target(rng, tokens=4, size=3)
    ticket = random_ticket(rng, target)
    worst = attack_attention(target, ticket, starts=4, steps=40)
    x = rng.random((1000, target.inputs))
    assert worst.error >= np.abs(ticket.forward(x) - target.forward(x)).max()
    found = ticket.forward(worst.input[None]) - target.forward(worst.input[None])
    assert abs(found[0, worst.output]) == worst.error
    assert ((worst.input >= 0.0) & (worst.input <= 1.0)).all()
    again = attack_attention(target, ticket, starts=1, steps=1, points=worst.input[None])
    assert again.error >= worst.error


def test_bad_arguments_are_refused():
    for sizes, options in [
        ((0, 3), {}),
        ((2, True), {}),
        ((2, 3), {"width": 5}),
        ((2, 3), {"embedding": "tanh"}),
        ((2, 3), {"seed": -1}),
    ]:
        with pytest.raises(ArgumentError):
            AttentionClassifier(*sizes, **options)
    with pytest.raises(ArgumentError, match="AttentionClassifier"):
        describe_attention(torch.nn.Linear(2, 2))
    rng = np.random.default_rng(2)
    target, other = random_target(rng), random_target(rng, size=1)
    ticket = random_ticket(rng, target)
    with pytest.raises(ArgumentError, match="starts"):
        attack_attention(target, ticket, starts=0)
    with pytest.raises(ArgumentError, match="target's"):
        attack_attention(other, ticket)
    with pytest.raises(ArgumentError, match="dtype"):
        module_from_attention_ticket(ticket, dtype=torch.float16)
    dense = Ticket(
        NetworkDescription([RandomLinear("a", 1, 1)]), ticket.law, 0, Mask({"a": np.ones((1, 1), bool)}), [1.0]
    )
    with pytest.raises(ArgumentError, match="no attention"):
        module_from_attention_ticket(dense)
