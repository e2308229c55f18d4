import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.tickets import Mask


@given(st.lists(st.lists(st.booleans(), max_size=50), max_size=4))
def test_counts_and_entropy_bound(lists):
    mask = Mask({str(i): np.array(entries, bool) for i, entries in enumerate(lists)})
    assert mask.kept == sum(map(sum, lists))
    assert mask.total == sum(map(len, lists))
    assert mask.density == (mask.kept / mask.total if mask.total else 0.0)
    ways = math.prod(math.comb(len(entries), sum(entries)) for entries in lists)
    assert mask.entropy_bound_bits == pytest.approx(math.log2(ways), abs=1e-9)


def test_larger_alphabets():
    mask = Mask({"a": np.array([[-1, 0, 1], [0, 0, 1]])}, alphabet=(-1, 0, 1))
    assert (mask.kept, mask.total) == (3, 6)
    assert 2**mask.entropy_bound_bits == pytest.approx(math.factorial(6) / math.factorial(3) / math.factorial(2))
    assert mask["a"].dtype == np.int16
    assert Mask({"a": np.array([200, 0])}, alphabet=tuple(range(201)))["a"].tolist() == [200, 0]


def test_arrays_are_read_only_copies_and_survive_pickling():
    source = np.array([True, False])
    mask = Mask({"b": source, "a": np.zeros((2, 0), bool)}, structure="channel", reading="choice")
    source[:] = False
    for again in (mask, pickle.loads(pickle.dumps(mask))):
        assert list(again.arrays) == ["b", "a"]
        assert again["b"].tolist() == [True, False]
        assert (again.structure, again.reading) == ("channel", "choice")
        with pytest.raises(ValueError, match="read-only"):
            again["b"][0] = False
        with pytest.raises(TypeError):
            again.arrays["c"] = source


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Mask({"a": np.array([0, 1])}), "mask a=.* must be a bool array"),
        (lambda: Mask({"a": [True]}), "mask a=.* must be a bool array"),
        (lambda: Mask({"a": np.array([0.0])}, alphabet=(-1, 0, 1)), "mask a=.* must be an integer array"),
        (lambda: Mask({"a": np.array([2])}, alphabet=(-1, 0, 1)), "mask a=.* has values outside"),
        (lambda: Mask({}, alphabet=(0, 0, 1)), "alphabet=.* must be different integers"),
        (lambda: Mask({}, alphabet=(0, 0.5)), "alphabet=.* must be different integers"),
        (lambda: Mask({}, alphabet=(0, -(2**31))), "alphabet=.* must be different integers below"),
        (lambda: Mask({}, alphabet=(0, True)), "alphabet=.* must be different integers below"),
        (lambda: Mask({}, alphabet=(1, 2)), "alphabet=.* must hold 0"),
        (lambda: Mask({}, alphabet=(0,)), "alphabet=.* must hold 0"),
        (lambda: Mask({}, alphabet=tuple(range(256))), "alphabet=.* must hold 0 and have 2"),
        (lambda: Mask({}, structure="row"), "structure='row' is not known"),
    ],
)
def test_bad_masks_are_named(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()
