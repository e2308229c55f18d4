"""Sorted sums of integers of any length against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.long_sums import DIGIT, count_between, merge_shifted

long = st.integers(-(2**150), 2**150) | st.integers(-3, 3)
lists = st.lists(long, max_size=12).map(sorted)


def digits(number):
    return np.array([number >> 2 * DIGIT, *(number >> DIGIT * c & (1 << DIGIT) - 1 for c in (1, 0))], np.int64)


def rows(numbers):
    return np.array([digits(number) for number in numbers], np.int64).reshape(-1, 3)


@given(lists, lists, long)
def test_merged_lists_are_sorted(first, second, shift):
    out = np.empty((len(first) + len(second), 3), np.int64)
    merge_shifted(rows(first), rows(second), digits(shift), out)
    assert (out == rows(sorted(first + [x + shift for x in second]))).all()


@given(lists, lists, long, long)
def test_pairs_between_are_counted(lows, sums, start, width):
    expected = sum(low <= x - start <= low + abs(width) for low in lows for x in sums)
    assert count_between(rows(lows), rows(sums), digits(start), digits(abs(width))) == expected
