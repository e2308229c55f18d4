"""What must not change a certificate: scales that pass through, and how a map is laid out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify_folded
from slth.certificates.layout import Full, window_places
from slth.graphs import Conv, Graph, Node, Scale
from tests.certificates.samples import Builder, near, near_cases, random_graph


@settings(max_examples=12)
@given(near_cases())
def test_scales_of_outputs_pass_through(case):
    """Four times the weights of the last layer give four times the error: powers of two are exact."""
    target, folded, box = case
    name = target.output
    if not isinstance(target.node(name).step, Conv):
        return
    found = certify_folded(target, target, folded, box)
    scaled = _scaled(target, folded, {name: 4.0})
    assert certify_folded(*scaled, box).error == pytest.approx(4.0 * found.error, rel=1e-6)


def _scaled(target, folded, factors):
    nodes, layers = [], dict(folded)
    for node in target.nodes:
        factor, conv = factors.get(node.name), node.step
        if factor is not None:
            bias = None if conv.bias is None else factor * conv.bias
            conv = Conv(factor * conv.weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
            own = vars(layers[node.name])
            for part in ("positive", "negative", "constant"):
                own = own | {part: None if own[part] is None else tuple(factor * end for end in own[part])}
            layers[node.name] = type(folded[node.name])(**own)
        nodes.append(Node(node.name, conv, node.inputs))
    graph = Graph(target.input_shape, nodes)
    return graph, graph, layers


def test_inputs_scaled_up_and_weights_down_change_nothing():
    rng = np.random.default_rng(0)
    b = Builder(rng, (4, 1, 1))
    first = b.conv(5, relu=False, bias=False)
    b.relu()
    b.conv(3)
    target = b.graph()
    folded = near(rng, target)
    graph, _, layers = _scaled(target, folded, {first: 0.25})
    ends = np.full((4, 1, 1), -0.5), np.ones((4, 1, 1))
    one = certify_folded(target, target, {**folded, first: _without_constant(folded[first])}, ends)
    wide = tuple(4.0 * end for end in ends)
    two = certify_folded(graph, graph, {**layers, first: _without_constant(layers[first])}, wide)
    assert two.per_output == pytest.approx(one.per_output, rel=1e-9)


def _without_constant(folded):
    return type(folded)(**(vars(folded) | {"constant": None, "constant_magnitude": None}))


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_dense_matrices_and_sparse_ones_give_the_same(seed):
    """One pixel is the place where both stand for the same map."""
    rng = np.random.default_rng(seed)
    b = Builder(rng, (4, 1, 1))
    for outputs in (5, 4, 3):
        b.conv(outputs, relu=outputs > 3)
    target = b.graph()
    folded, box = near(rng, target, spread=0.1), (np.full((4, 1, 1), -0.3), np.ones((4, 1, 1)))
    with pytest.MonkeyPatch.context() as patch:
        full = certify_folded(target, target, folded, box)
        patch.setattr(
            "slth.certificates.numbers.conv_layout",
            lambda shape, size: window_places(np.zeros((1, 1, 1), np.int64), size, shape.outputs, 1),
        )
        sparse = certify_folded(target, target, folded, box)
    assert sparse.per_output == pytest.approx(full.per_output, rel=1e-6)
    assert sparse.norm_bound == pytest.approx(full.norm_bound, rel=1e-9)
    assert sparse.float64_allowance == pytest.approx(full.float64_allowance, rel=1e-9, abs=0.0)


def test_rows_of_a_large_matrix_are_worked_on_a_piece_at_a_time(monkeypatch):
    rng = np.random.default_rng(1)
    target = random_graph(rng)
    folded, box = near(rng, target), (np.zeros(target.input_shape), np.ones(target.input_shape))
    whole = certify_folded(target, target, folded, box)
    monkeypatch.setattr("slth.certificates.layout._PIECE", 7)
    assert len(list(Full(0, 9, 3).pieces())) == 5
    pieces = certify_folded(target, target, folded, box)
    assert pieces.per_output == pytest.approx(whole.per_output, rel=1e-9)


def test_scaled_inputs_are_certified_like_scaled_weights():
    """A division of pixels in front of the first layer costs nothing, and no work on bounds that are exact."""
    rng = np.random.default_rng(3)
    b = Builder(rng, (3, 1, 1))
    b.conv(4, relu=True)
    b.conv(2)
    plain = b.graph()
    nodes = [Node("by", Scale(0.25), ("input",)),
             *(Node(node.name, node.step, tuple("by" if name == "input" else name for name in node.inputs))
               for node in plain.nodes)]  # fmt: skip
    scaled = Graph(plain.input_shape, nodes)
    folded, box = near(rng, plain), (-np.ones((3, 1, 1)), np.ones((3, 1, 1)))
    one = certify_folded(plain, plain, folded, box)
    two = certify_folded(scaled, scaled, folded, tuple(4.0 * end for end in box))
    assert two.per_output == pytest.approx(one.per_output, rel=1e-9)
