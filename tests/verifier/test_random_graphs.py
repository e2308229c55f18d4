"""Random networks to hunt in: every kind of node occurs, and every network does what its numbers say."""

from __future__ import annotations

import numpy as np
import pytest

import slth.graphs
from slth.constructions import Traits
from slth.constructions import __all__ as exported
from slth.verifier import networks
from slth.verifier.random_graphs import chain

KINDS = {
    getattr(slth.graphs, name) for name in slth.graphs.__all__ if hasattr(getattr(slth.graphs, name), "nonnegative")
}


def graphs(count):
    for seed in range(count):
        for name, make in networks.KINDS.items():
            yield name, make(np.random.default_rng(seed), 1 + seed % 5, 1 + seed % 4, 1.0)


def test_every_kind_of_node_occurs():
    found = {type(node.step) for _, graph in graphs(60) for node in graph.nodes}
    missing = KINDS - found - {slth.graphs.Graph, slth.graphs.Step}
    assert not missing, "the generator is seeded: a new kind of node needs a line in random_graphs"


def test_networks_are_small_finite_and_depend_on_their_inputs():
    generator = np.random.default_rng(0)
    moved = 0
    for _, graph in graphs(20):
        assert graph.outputs == 2
        assert graph.parameters < 2000
        outputs = graph.forward(generator.uniform(-1.0, 1.0, (6, *graph.input_shape)))
        assert np.isfinite(outputs).all()
        moved += np.ptp(outputs, axis=0).max() > 1e-3
    assert moved >= 55  # of 60, the generators being seeded: a dead ReLU here and there is no fault


def test_every_method_is_hunted():
    methods = {type(hunt.make(10)).__name__ for hunt in networks.HUNTS.values()}
    made = {name for name in exported if hasattr(getattr(slth.constructions, name), "traits")} - {"Method"}
    assert methods == made
    for hunt in networks.HUNTS.values():
        chains_only = Traits.CHAINS_ONLY in hunt.make(10).traits
        assert hunt.kinds == (("chain",) if chains_only else tuple(networks.KINDS))


def test_a_chain_computes_what_its_matrices_say():
    graph = chain(np.random.default_rng(1), [3, 4, 2])
    first, second = (node.step for node in graph.weighted)
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (5, 3))
    hidden = np.maximum(x @ first.weight[:, :, 0, 0].T + first.bias, 0.0)
    np.testing.assert_allclose(graph.forward(x), hidden @ second.weight[:, :, 0, 0].T + second.bias, rtol=1e-12)


@pytest.mark.parametrize("name", networks.HUNTS)
def test_a_certificate_that_is_too_small_is_noticed(name, monkeypatch):
    """Half of what is certified is less than an attack finds in some of a few seeded cases."""
    real = networks.certify

    class Halved:
        def __init__(self, certificate):
            self.error, self.float64_allowance = certificate.error / 2.0, certificate.float64_allowance

    monkeypatch.setattr(networks, "certify", lambda *args, **options: Halved(real(*args, **options)))
    hunt = networks.HUNTS[name]
    case = {"kind": "chain", "width": 2, "layers": 2, "scale": 1.0, "box": [-1.0, 1.0], "size": hunt.sizes[0]}
    assert any(networks._over_a_box(hunt)(case | {"seed": seed}) > 1.0 for seed in range(5))
