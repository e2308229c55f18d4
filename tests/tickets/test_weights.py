"""Kept weights against full random matrices from numpy's Philox, masked entry by entry."""

from hashlib import sha256

import numpy as np
import pytest
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS, full_matrices, sample_ticket, with_more_units

from slth.rng import WeightLaw
from slth.tickets import ProductPair, weights


def expected_kept_weights(ticket):
    pieces = []
    for layer, matrices in zip(ticket.description.layers, full_matrices(ticket), strict=True):
        if isinstance(layer, ProductPair):
            block = np.zeros(matrices[0].shape, bool)
            for owner in range(layer.sources):
                block[:, owner, owner] = ticket.mask[f"{layer.path}.units"][:, owner]
            pieces += [matrices[0][block], matrices[1][ticket.mask[f"{layer.path}.connections"]]]
        else:
            pieces.append(matrices[0][ticket.mask[layer.path]])
    return np.concatenate(pieces)


def found_kept_weights(ticket):
    return np.concatenate(
        [
            piece
            for layer in ticket.description.layers
            for piece in weights.kept_weights(layer, ticket.mask, ticket.law, ticket.seed)
        ]
    )


@pytest.mark.parametrize("description", [TWO_PAIRS, PAIR_AND_LINEAR])
@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("block", [1, 7, 2**22])
def test_kept_weights_are_entries_of_the_full_matrices(description, density, block, monkeypatch):
    monkeypatch.setattr(weights, "_BLOCK_WEIGHTS", block)
    ticket = sample_ticket(description, density=density)
    expected = expected_kept_weights(ticket)
    assert len(expected) == ticket.mask.kept
    np.testing.assert_array_equal(found_kept_weights(ticket), expected)
    assert ticket.kept_weights_sha256() == sha256(expected.astype("<f8").tobytes()).hexdigest()


def test_normal_weights_are_entries_of_the_full_matrices():
    ticket = sample_ticket(law=WeightLaw("normal", 0.3), seed=2**64 - 1)
    np.testing.assert_allclose(found_kept_weights(ticket), expected_kept_weights(ticket), rtol=1e-14, atol=1e-16)


def test_the_hash_is_frozen():
    """The same on every machine and in every version, or old tickets could not be read."""
    assert sample_ticket(density=1.0).kept_weights_sha256()[:16] == "e5ffe50f7535773b"
    assert sample_ticket(law=WeightLaw("normal", 1.0), density=1.0).kept_weights_sha256()[:16] == "77f7815f88113675"


def test_more_units_extend_the_same_network():
    ticket = sample_ticket(density=0.9)
    larger = with_more_units(ticket, 9)
    assert larger.description.open_positions > ticket.description.open_positions
    assert larger.kept_weights_sha256() == ticket.kept_weights_sha256()
    x = np.random.default_rng(1).normal(size=(6, 3))
    np.testing.assert_array_equal(larger.forward(x), ticket.forward(x))
    assert ticket.forward(x).any()


def test_seed_and_path_and_law_change_every_weight():
    ticket = sample_ticket()
    first = found_kept_weights(ticket)
    for other in (sample_ticket(seed=6), sample_ticket(law=WeightLaw("normal", 1.0))):
        assert not np.isin(found_kept_weights(other), first).any()
    assert len(set(first.tolist())) == len(first)
