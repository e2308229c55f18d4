"""Bitsets of reachable sums against Python's integers of any length."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.lattice import BLOCK, absorb, is_reached, nearest_above, nearest_below, split_sum

weight_lists = st.lists(
    st.one_of(st.integers(0, 5), st.integers(0, 200), st.sampled_from([63, 64, 65, 128])), max_size=8
)
NO_RECORDS = np.empty(0, np.int16)


def as_words(bits: int, limit: int) -> np.ndarray:
    words = limit // 64 + 1
    return np.array([0, *((bits >> 64 * j) & (2**64 - 1) for j in range(words))], np.uint64)


def as_bits(reach: np.ndarray, limit: int) -> int:
    return sum(int(word) << 64 * j for j, word in enumerate(reach[1:])) & (2 ** (limit + 1) - 1)


def reachable(weights: list[int]) -> int:
    bits = 1
    for weight in weights:
        bits |= bits << weight
    return bits


@given(weight_lists, st.integers(0, 1500))
def test_absorbing_is_or_with_the_shifted_set_and_records_the_first_item(weights, limit):
    reach = as_words(1, limit)
    first = np.full(64 * (limit // 64 + 1), -1, np.int16)
    for item, weight in enumerate(weights):
        absorb(reach, reach, weight, min(limit, sum(weights[: item + 1])), item, first)
        assert as_bits(reach, limit) == reachable(weights[: item + 1]) & (2 ** (limit + 1) - 1)
    for total in range(1, limit + 1):
        reached_by = [i for i in range(len(weights)) if reachable(weights[: i + 1]) >> total & 1]
        assert first[total] == (reached_by[0] if reached_by else -1)


def test_blocks_join_at_their_borders():
    limit = 64 * (3 * BLOCK + 5)
    rng = np.random.default_rng(3)
    bits = int.from_bytes(rng.bytes(limit // 8 - 200), "little")
    for weight in (0, 1, 63, 64, 64 * BLOCK - 1, 64 * BLOCK, 64 * BLOCK + 1, 65):
        reach = as_words(bits, limit)
        absorb(reach, reach, weight, limit, 0, NO_RECORDS)
        assert as_bits(reach, limit) == (bits | bits << weight) & (2 ** (limit + 1) - 1)


@given(weight_lists, weight_lists, st.integers(0, 300))
def test_one_set_is_absorbed_into_another(weights, others, weight):
    limit = 900
    source, reach = (
        as_words(reachable(weights) & (2**901 - 1), limit),
        as_words(reachable(others) & (2**901 - 1), limit),
    )
    before = source.copy()
    absorb(source, reach, weight, limit, 0, NO_RECORDS)
    assert (source == before).all()
    assert as_bits(reach, limit) == (reachable(others) | reachable(weights) << weight) & (2**901 - 1)


@given(st.sets(st.integers(0, 400)), st.integers(0, 400))
def test_nearest_reachable_sums_on_either_side(sums, total):
    reach = as_words(sum(1 << s for s in sums), 400)
    assert nearest_below(reach, total) == max((s for s in sums if s <= total), default=-1)
    assert nearest_above(reach, total) == min((s for s in sums if s >= total), default=-1)
    assert is_reached(reach, total) == (total in sums)


@given(st.sets(st.integers(0, 300), max_size=12), st.sets(st.integers(0, 300), max_size=12), st.integers(0, 300))
def test_a_sum_is_split_between_two_sets(low, high, total):
    words = (as_words(sum(1 << s for s in part if s <= total), total) for part in (low, high))
    part = int(split_sum(*words, total))
    if part < 0:
        assert all(total - s not in high for s in low)
    else:
        assert part in low
        assert total - part in high
