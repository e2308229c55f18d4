"""Largest differencing against the definition, written with a sorted list."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.differencing import difference


def naive_remainder(keys: list[int]) -> int:
    left = sorted(keys)
    while len(left) > 1:
        larger, smaller = left.pop(), left.pop()
        left = sorted([*left, larger - smaller])
    return left[0]


@given(st.lists(st.one_of(st.integers(0, 5), st.integers(0, 2**62)), min_size=1, max_size=40))
def test_remainder_is_that_of_the_definition_and_the_signs_attain_it(keys):
    signs = np.zeros(len(keys), np.int8)
    remainder = difference(np.array(keys, np.int64), signs)
    assert remainder == naive_remainder(keys)
    assert set(signs.tolist()) <= {-1, 1}
    assert sum(s * k for s, k in zip(signs.tolist(), keys, strict=True)) == remainder


def test_the_textbook_example():
    # 8 7 6 5 4: differencing leaves 2, though {8, 7} and {6, 5, 4} balance.
    signs = np.zeros(5, np.int8)
    assert difference(np.array([8, 7, 6, 5, 4]), signs) == 2
