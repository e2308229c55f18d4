from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.tickets import DenseLayer, DenseNetwork


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(0, 4), st.integers(0, 2**32))
def test_forward_is_the_textbook_sum(sizes, batch, seed):
    rng = np.random.default_rng(seed)
    layers = [
        DenseLayer(
            rng.normal(size=(outputs, inputs)),
            rng.normal(size=outputs) if rng.random() < 0.5 else None,
            "relu" if rng.random() < 0.5 else "identity",
        )
        for inputs, outputs in pairwise(sizes)
    ]
    x = rng.normal(size=(batch, sizes[0]))
    expected = []
    for example in x.tolist():
        values = example
        for layer in layers:
            biases = [0.0] * layer.outputs if layer.bias is None else layer.bias.tolist()
            values = [
                sum(w * v for w, v in zip(row, values, strict=True)) + b
                for row, b in zip(layer.weight.tolist(), biases, strict=True)
            ]
            if layer.activation == "relu":
                values = [max(v, 0.0) for v in values]
        expected.append(values)
    network = DenseNetwork(layers)
    np.testing.assert_allclose(network.forward(x), np.reshape(expected, (batch, sizes[-1])), rtol=1e-12, atol=1e-12)
    assert network.parameters == sum(layer.weight.size for layer in layers) + sum(
        layer.outputs for layer in layers if layer.bias is not None
    )


def test_arrays_are_read_only_copies():
    weight = np.ones((1, 2))
    layer = DenseLayer(weight, np.zeros(1))
    weight[:] = 7.0
    assert layer.weight.tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2.0
    x = np.full((1, 2), -1.0)
    DenseNetwork([layer]).forward(x)
    assert x.tolist() == [[-1.0, -1.0]]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DenseLayer([1.0]), "weight=.* must have 2 axes"),
        (lambda: DenseLayer(np.zeros((0, 2))), "weight=.* must have 2 axes, none of them empty"),
        (lambda: DenseLayer([[np.nan]]), "weight=.* must be finite"),
        (lambda: DenseLayer([[1.0], [1.0, 2.0]]), "weight=.* must be a rectangular array"),
        (lambda: DenseLayer([["a"]]), "weight=.* is not a dtype of real numbers"),
        (lambda: DenseLayer([[1.0 + 1j]]), "weight=.* is not a dtype of real numbers"),
        (lambda: DenseLayer([[1.0]], [1.0, 2.0]), r"bias=\[2\] must have shape \[1\]"),
        (lambda: DenseLayer([[1.0]], [np.inf]), "bias=.* must be finite"),
        (lambda: DenseLayer([[1.0]], activation="tanh"), "activation='tanh' is not known"),
        (lambda: DenseNetwork([]), "must be DenseLayer objects"),
        (lambda: DenseNetwork([np.eye(2)]), "must be DenseLayer objects"),
        (lambda: DenseNetwork([DenseLayer([[1.0]]), DenseLayer([[1.0, 1.0]])]), r"layers\[1\].inputs=2 does not fit"),
        (lambda: DenseNetwork([DenseLayer([[1.0]])]).forward([1.0]), r"x=\[1\] must have shape \[batch, 1\]"),
        (lambda: DenseNetwork([DenseLayer([[1.0]])]).forward([[1.0, 2.0]]), "must have shape"),
        (lambda: DenseNetwork([DenseLayer([[1.0]])]).forward([[np.inf]]), "x=.* must be finite"),
    ],
)
def test_bad_input_is_named(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()
