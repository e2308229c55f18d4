"""Enclosures of effective weights against exact rational sums over the full random matrices."""

from fractions import Fraction

import numpy as np
import pytest
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS, full_matrices, sample_ticket

from slth.tickets import ProductPair, weights


def exact_layer(layer, mask, matrices, gain):
    """Exact W plus, W minus and sum of magnitudes as dictionaries over (output, source)."""
    places = [(o, j) for o in range(layer.outputs) for j in range(layer.inputs + 1)]
    plus, minus, magnitude = ({place: Fraction(0) for place in places} for _ in range(3))
    if isinstance(layer, ProductPair):
        for k, j, o in zip(*np.nonzero(mask[f"{layer.path}.connections"]), strict=True):
            product = Fraction(gain) * Fraction(matrices[0][k, j, j]) * Fraction(matrices[1][k, j, o])
            (plus if matrices[0][k, j, j] > 0 else minus)[o, j] += product
            magnitude[o, j] += abs(product)
    else:
        for i, o in zip(*np.nonzero(mask[layer.path]), strict=True):
            plus[o, i] = minus[o, i] = Fraction(gain) * Fraction(matrices[0][i, o])
            magnitude[o, i] = abs(plus[o, i])
    return plus, minus, magnitude


@pytest.mark.parametrize("description", [TWO_PAIRS, PAIR_AND_LINEAR])
@pytest.mark.parametrize("gains", [1.0, 0.1, 3.7])
@pytest.mark.parametrize("block", [5, 2**22])
def test_enclosures_hold_the_exact_weights_and_are_narrow(description, gains, block, monkeypatch):
    monkeypatch.setattr(weights, "_BLOCK_WEIGHTS", block)
    ticket = sample_ticket(description, gains=[gains] * len(description.layers))
    parts = zip(description.layers, full_matrices(ticket), ticket.folded_layers(), strict=True)
    for layer, matrices, folded in parts:
        plus, minus, magnitude = exact_layer(layer, ticket.mask, matrices, gains)
        for (o, j), size in magnitude.items():
            assert folded.plus_lower[o, j] <= plus[o, j] <= folded.plus_upper[o, j]
            assert folded.minus_lower[o, j] <= minus[o, j] <= folded.minus_upper[o, j]
            assert size <= folded.magnitude[o, j] <= size * (1 + Fraction(1, 10**13)) + Fraction(1, 10**200)
        width = max(np.max(folded.plus_upper - folded.plus_lower), np.max(folded.minus_upper - folded.minus_lower))
        assert width <= 1e-15 * gains * 10
        removed = np.array([[magnitude[o, j] == 0 for j in range(layer.inputs + 1)] for o in range(layer.outputs)])
        assert (folded.plus_lower[removed] == 0).all()
        assert (folded.plus_upper[removed] == 0).all()


def test_folded_layers_compute_what_forward_computes():
    ticket = sample_ticket(PAIR_AND_LINEAR, density=0.9)
    x = np.random.default_rng(4).normal(size=(50, 2))
    assert ticket.forward(x).any(axis=0).all()  # neither output is dead
    values = x
    for layer, folded in zip(ticket.description.layers, ticket.folded_layers(), strict=True):
        values = np.concatenate([values, np.ones((len(values), 1))], axis=1)
        values = np.maximum(values, 0) @ folded.plus.T + np.minimum(values, 0) @ folded.minus.T
        values = np.maximum(values, 0) if layer.activation == "relu" else values
    np.testing.assert_allclose(values, ticket.forward(x), rtol=1e-12, atol=1e-13)


def test_terms_is_the_largest_number_of_kept_connections_of_an_output():
    ticket = sample_ticket(PAIR_AND_LINEAR)
    first, second, _ = ticket.folded_layers()
    assert first.terms == max(ticket.mask["first.connections"][:, :, o].sum() for o in range(6))
    assert second.terms == max(ticket.mask["second"][:, o].sum() for o in range(3))


def test_an_empty_ticket_folds_to_zero():
    for folded in sample_ticket(density=0.0).folded_layers():
        assert not folded.plus_lower.any()
        assert not folded.minus_upper.any()
        assert folded.terms == 0
