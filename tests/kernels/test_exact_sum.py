"""Compiled exact sums, bit for bit against math.fsum."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.exact_sum import chosen_sums

finite = st.floats(-1e300, 1e300)
near_ties = st.sampled_from([1.0, 2.0**-53, 2.0**-54, -(2.0**-53), 2.0**-106, 3.0, -1.0, 2.0**53, 5e-324, 0.0, -0.0])


@given(st.lists(st.tuples(finite | near_ties, st.booleans()), min_size=1, max_size=12), finite | near_ties)
def test_total_and_error_are_fsum_s(pairs, target):
    values = np.array([[v for v, _ in pairs]])
    subset = np.array([[b for _, b in pairs]])
    totals, errors = np.empty(1), np.empty(1)
    chosen_sums(values, subset, np.array([target]), totals, errors)
    chosen = values[subset].tolist()
    assert totals[0] == math.fsum(chosen)
    assert errors[0] == abs(math.fsum([*chosen, -target]))


def test_rows_and_a_shared_row():
    rng = np.random.default_rng(0)
    values, subsets, targets = rng.normal(size=(50, 9)), rng.random((50, 9)) < 0.5, rng.normal(size=50)
    totals, errors = np.empty(50), np.empty(50)
    chosen_sums(values, subsets, targets, totals, errors)
    assert totals.tolist() == [math.fsum(v[s]) for v, s in zip(values, subsets, strict=True)]
    chosen_sums(values[:1], subsets, targets, totals, errors)
    assert errors.tolist() == [abs(math.fsum([*values[0][s], -t])) for s, t in zip(subsets, targets, strict=True)]
