"""Constants of a network: what two inputs that have nothing in common agree on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.graphs import INPUT, Conv, Graph, Node, Scale
from slth.graphs.constants import constants
from slth.verifier.random_graphs import attention, images
from tests.graph_samples import numbers, with_zeros


@given(seed=st.integers(0, 2**32))
def test_a_constant_has_its_value_for_every_input(seed):
    generator = np.random.default_rng(seed)
    made = images(generator, channels=3, layers=5) if seed % 3 else attention(generator, tokens=3, width=4, layers=2)
    graph = with_zeros(made, generator)
    found = constants(graph)
    values: dict[str, np.ndarray] = {}

    def forward(node, inputs):
        values[node.name] = node.step.forward(*inputs)
        return values[node.name]

    graph.run(numbers(4, *graph.image_shape, seed=seed), forward)
    assert np.isnan(found[INPUT]).all()
    for name, value in values.items():
        known = ~np.isnan(found[name])
        scale = max(1.0, float(np.abs(value).max()))
        np.testing.assert_allclose(value[:, known], np.tile(found[name][known], (4, 1)), rtol=0, atol=1e-12 * scale)


def test_a_bias_is_one_where_the_weights_are_zero_and_padding_makes_edges():
    first = Node("first", Conv(np.zeros((1, 1, 1, 1)), [2.0]), ("input",))
    second = Node("second", Conv(np.ones((1, 1, 3, 3)), padding=1), ("first",))
    found = constants(Graph((1, 3, 3), [first, second]))
    assert found["second"][0].tolist() == [[8.0, 12.0, 8.0], [12.0, 18.0, 12.0], [8.0, 12.0, 8.0]]


def test_a_factor_of_zero_leaves_the_shift():
    found = constants(Graph((2, 1, 1), [Node("scale", Scale((0.0, 1.0), 3.0), ("input",))]))
    assert found["scale"].ravel() == pytest.approx([3.0, np.nan], nan_ok=True)


def test_what_is_too_large_is_no_constant():
    nodes = [Node("first", Conv([[0.0]], [1e300]), ("input",)), Node("second", Conv([[1e300]]), ("first",))]
    assert np.isnan(constants(Graph((1,), nodes))["second"]).all()
