"""Attention in tickets: descriptions, evaluation through the masked matrices, folding, files."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.tickets import (
    AttentionNetwork,
    DenseLayer,
    DenseNetwork,
    Mask,
    NetworkDescription,
    ProductPair,
    QueryKey,
    RandomLinear,
    Ticket,
    TokenMean,
    Tokens,
    ValueOutput,
    ticket_bytes,
    ticket_from_bytes,
)
from tests.attention_samples import drawn, naive_target, naive_ticket, random_target, random_ticket

KINDS = [{}, {"residual": False}, {"embedding": (5,), "last": "identity"}, {"heads": 1, "hidden": ()}]


@pytest.mark.parametrize("options", KINDS)
def test_target_is_the_formula(options):
    rng = np.random.default_rng(0)
    target = random_target(rng, **options)
    x = rng.uniform(-1.0, 1.0, (7, target.inputs))
    expected = np.array([naive_target(target, row) for row in x])
    np.testing.assert_allclose(target.forward(x), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("options", KINDS)
def test_ticket_evaluates_its_masked_random_matrices(options):
    rng = np.random.default_rng(1)
    target = random_target(rng, **options)
    ticket = random_ticket(rng, target)
    x = rng.uniform(-1.0, 1.0, (7, target.inputs))
    expected = np.array([naive_ticket(ticket, row) for row in x])
    np.testing.assert_allclose(ticket.forward(x), expected, rtol=1e-12, atol=1e-12)
    assert ticket.forward(x[:0]).shape == (0, 2)


@pytest.mark.parametrize("options", KINDS)
def test_evaluation_in_batches_is_evaluation_of_each(options, monkeypatch):
    rng = np.random.default_rng(2)
    target = random_target(rng, **options)
    ticket = random_ticket(rng, target)
    x = rng.uniform(-1.0, 1.0, (9, target.inputs))
    whole = ticket.forward(x), target.forward(x)
    monkeypatch.setattr("slth.tickets.attention_network._BATCH_VALUES", 150)
    np.testing.assert_allclose(ticket.forward(x), whole[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(target.forward(x), whole[1], rtol=1e-12, atol=1e-12)


def test_folded_heads_enclose_the_exact_sums():
    rng = np.random.default_rng(3)
    ticket = random_ticket(rng, random_target(rng), units=4)
    pairs = [(number, layer) for number, layer in enumerate(ticket.description.random_layers) if number in (1, 2)]
    for (number, layer), folded in zip(pairs, ticket.folded_heads(), strict=True):
        k, h, d, out = layer.units, layer.heads, layer.inputs, layer.outputs
        first = drawn(ticket, f"{layer.path}.first", k * h * d * d).reshape(k, h, d, d)
        second = drawn(ticket, f"{layer.path}.second", k * h * d * out).reshape(k, h, d, out)
        kept = ticket.mask[f"{layer.path}.connections"].reshape(k, h, d, out)
        for head, a, b in np.ndindex(h, d, out):
            products = [
                Fraction(first[c, head, a, a]) * Fraction(second[c, head, a, b])
                for c in range(k)
                if kept[c, head, a, b]
            ]
            exact = Fraction(ticket.gains[number]) * sum(products, Fraction(0))
            assert Fraction(folded.lower[head, a, b]) <= exact <= Fraction(folded.upper[head, a, b])
            assert Fraction(folded.magnitude[head, a, b]) >= Fraction(ticket.gains[number]) * sum(map(abs, products))
            assert folded.upper[head, a, b] - folded.lower[head, a, b] < 1e-13


def test_file_gives_the_same_ticket_back_and_no_byte_changes_unnoticed():
    rng = np.random.default_rng(4)
    target = random_target(rng, residual=False)
    ticket = random_ticket(rng, target)
    content = ticket_bytes(ticket)
    back = ticket_from_bytes(content)
    assert back.description == ticket.description
    assert NetworkDescription.from_json(ticket.description.to_json()) == ticket.description
    assert back.kept_weights_sha256() == ticket.kept_weights_sha256()
    assert ticket_bytes(back) == content
    x = rng.random((5, target.inputs))
    np.testing.assert_array_equal(back.forward(x), ticket.forward(x))


def test_more_units_extend_the_same_network():
    rng = np.random.default_rng(5)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    layers, arrays = [], dict(ticket.mask.arrays)
    for layer in ticket.description.layers:
        if hasattr(layer, "units"):
            layer = type(layer)(**{**vars(layer), "units": 9})
            for name, shape in layer.mask_shapes.items():
                arrays[name] = np.zeros(shape, bool)
                arrays[name][:3] = ticket.mask[name]
        layers.append(layer)
    larger = Ticket(NetworkDescription(layers), ticket.law, ticket.seed, Mask(arrays), ticket.gains)
    assert larger.kept_weights_sha256() == ticket.kept_weights_sha256()
    x = rng.random((3, target.inputs))
    np.testing.assert_array_equal(larger.forward(x), ticket.forward(x))


def test_counts():
    layer = QueryKey("a", inputs=4, outputs=4, heads=2, units=10)
    assert layer.open_positions == 10 * 8 * (1 + 4)
    assert layer.random_parameters == 2 * (4 * 40 + 4 * 40)  # two heads, two matrices of 4 x n_K, n_K = 40
    rng = np.random.default_rng(6)
    target = random_target(rng)
    ticket = random_ticket(rng, target, density=1.0)
    assert ticket.statistics().target_weights == target.parameters
    assert (ticket.description.inputs, ticket.description.outputs) == (target.inputs, target.outputs)
    assert ticket.description.output_shape == (2,)


STEPS = [
    Tokens(3, 2),
    ProductPair("layer1", 5, 4, 3),
    QueryKey("layer2", 4, 4, 2, 3),
    ValueOutput("layer3", 4, 4, 2, 3),
    TokenMean(),
    ProductPair("layer5", 4, 2, 3),
]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s[1:], "must be Tokens"),
        (lambda s: s[:-1], "must be Tokens"),
        (lambda s: [*s[:3], *s[4:]], "must be Tokens"),
        (lambda s: [*s[:5], RandomLinear("layer5", 4, 2)], "must be Tokens"),
        (lambda s: [Tokens(3, 3), *s[1:]], "inputs=5 does not fit"),
        (lambda s: [*s[:3], ValueOutput("layer3", 4, 4, 1, 3), *s[4:]], "heads of the scores"),
        (lambda s: [*s[:3], ValueOutput("layer2", 4, 4, 2, 3), *s[4:]], "two streams or masks"),
        (lambda s: [*s[:2], QueryKey("../x", 4, 4, 2, 3), *s[3:]], "letters"),
    ],
)
def test_steps_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        NetworkDescription(change(STEPS))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tokens(0, 2),
        lambda: Tokens(2, True),
        lambda: QueryKey("a", 4, 3, 1, 1),
        lambda: QueryKey("a", 4, 4, 0, 1),
        lambda: QueryKey("a", 2**22, 2**22, 1, 2**20),
        lambda: ValueOutput("a", 4, 3, 1, 1),
        lambda: ValueOutput("a", 4, 4, 1, 1, residual=1),
    ],
)
def test_bad_layers_are_refused(make):
    with pytest.raises(ArgumentError):
        make()


def test_bad_targets_are_refused():
    good = random_target(np.random.default_rng(0))
    embedding, readout = good.embedding, good.readout
    wide = DenseNetwork([DenseLayer(np.ones((2, 3)))])
    for arguments, message in [
        ((9, embedding, good.scores, good.values, readout), "must take a token"),
        ((3, embedding, good.scores[:, :3], good.values, readout), "scores"),
        ((3, embedding, good.scores, good.values[:1], readout), "values"),
        ((3, embedding, good.scores, good.values, wide), "values"),
        ((3, None, good.scores, good.values, readout), "embedding"),
        ((3, embedding, good.scores * np.nan, good.values, readout), "finite"),
        ((0, embedding, good.scores, good.values, readout), "count"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            AttentionNetwork(*arguments)
    with pytest.raises(ArgumentError, match="shape"):
        good.forward(np.ones((2, 5)))


def test_what_is_dense_alone_says_so():
    rng = np.random.default_rng(0)
    ticket = random_ticket(rng, random_target(rng))
    with pytest.raises(ArgumentError, match="folded_heads"):
        ticket.folded_layers()
    dense = NetworkDescription([RandomLinear("layer0", 2, 2)])
    assert Ticket(dense, WeightLaw("normal"), 0, Mask({"layer0": np.eye(2) > 0}), [1.0]).folded_heads() == ()
