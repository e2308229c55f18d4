"""Layouts as words: what they refuse, and that they read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.tickets.layout import Layout, TensorLayout, masked_weights

NAMES = st.lists(st.text("ab.", min_size=1, max_size=5), unique=True, max_size=5)


@given(NAMES, st.data())
def test_a_layout_reads_back_from_json_with_the_same_fingerprint(names, data):
    shapes = [data.draw(st.lists(st.integers(0, 9), max_size=4)) for _ in names]
    layout = Layout([TensorLayout(name, shape) for name, shape in zip(names, shapes, strict=True)])
    again = Layout.from_description(json.loads(json.dumps(layout.describe())))
    assert again == layout
    assert again.fingerprint == layout.fingerprint
    assert layout.difference(again) is None


def test_the_fingerprint_is_the_published_one():
    """Frozen: it stands in files."""
    layout = Layout([TensorLayout("weight", (2, 3)), TensorLayout("bias", (2,))])
    assert layout.fingerprint == "50560fcb0e143c222478eb23a34a846db5d789d218d7f638889a4a4d9945a74f"


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(-2, 3), min_size=1, max_size=20))
def test_masked_weights_are_products(seed, factors):
    law, tensor = WeightLaw("uniform", 2.0), TensorLayout("w", (len(factors),))
    drawn = law.weights(Stream(seed, "w"), 0, len(factors))
    found = masked_weights(tensor, factors, seed=seed, law=law, gain=0.1)
    assert np.array_equal(found, drawn * 0.1 * np.array(factors))
    assert not np.signbit(found[np.array(factors) == 0]).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Layout([TensorLayout("a", ()), TensorLayout("a", ())]),
        lambda: Layout([TensorLayout("a", (), aliases=("b",)), TensorLayout("b", ())]),
        lambda: TensorLayout("", (1,)),
        lambda: TensorLayout("a", (-1,)),
        lambda: TensorLayout("a", (1,), role="weight"),
        lambda: Layout([])["a"],
        lambda: Layout.from_description([{"name": "a"}]),
        lambda: Layout.from_description({"name": "a"}),
        lambda: masked_weights(TensorLayout("a", (2,)), [1], seed=0, law=WeightLaw("uniform")),
        lambda: masked_weights(TensorLayout("a", (2,)), [0.5, 1.0], seed=0, law=WeightLaw("uniform")),
    ],
)
def test_what_is_no_layout_is_refused(make):
    with pytest.raises(ArgumentError):
        make()


def test_a_tensor_is_found_by_each_of_its_names():
    layout = Layout([TensorLayout("a", (2,), aliases=("b",))])
    assert layout["b"] is layout["a"]
