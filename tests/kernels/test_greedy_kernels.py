"""Exchanges found by two pointers against all pairs."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.greedy import NO_ITEM, flip_pairs, put_in_order, swap_pairs

keys = st.one_of(st.integers(-9, 9), st.integers(-(2**59), 2**59))
key_lists = st.lists(keys, min_size=1, max_size=8)


def flipped(values, subset, residual, passes):
    effects = np.array([*(-v if s else v for v, s in zip(values, subset, strict=True)), 0], np.int64)
    order = np.argsort(effects, kind="stable")
    items = np.where(order == len(values), NO_ITEM, order)
    chosen = np.array(subset)
    rest, used = flip_pairs(effects[order], items, residual, passes, chosen)
    return int(rest), int(used), chosen.tolist()


@st.composite
def starts(draw):
    values = draw(key_lists)
    return values, draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), draw(keys)


def effects_of_flips(values, subset):
    effects = [-v if s else v for v, s in zip(values, subset, strict=True)]
    return [*effects, *(a + b for a, b in itertools.combinations(effects, 2))]


@given(starts())
def test_one_pass_makes_the_best_flip_of_one_or_two(start):
    values, subset, residual = start
    rest, used, chosen = flipped(values, subset, residual, 1)
    best = min(abs(residual - e) for e in effects_of_flips(values, subset))
    assert abs(rest) == min(best, abs(residual))
    assert used == int(best < abs(residual))
    moved = sum(v * (int(b) - int(a)) for v, a, b in zip(values, subset, chosen, strict=True))
    assert residual - moved == rest


@given(starts())
def test_it_ends_where_no_flip_of_one_or_two_helps(start):
    values, subset, residual = start
    rest, used, chosen = flipped(values, subset, residual, 100)
    assert used < 100
    assert all(abs(rest - e) >= abs(rest) for e in effects_of_flips(values, chosen))
    moved = sum(v * (int(b) - int(a)) for v, a, b in zip(values, subset, chosen, strict=True))
    assert residual - moved == rest


@given(starts())
def test_exchanges_keep_the_size_and_end_where_none_helps(start):
    values, subset, residual = start
    key = np.array(values, np.int64)
    order = np.argsort(key, kind="stable")
    chosen = np.array(subset)
    inside, outside = order[chosen[order]], order[~chosen[order]]
    rest, used = swap_pairs(key[inside], inside.copy(), key[outside], outside.copy(), residual, 100, chosen)
    assert used < 100
    assert chosen.sum() == sum(subset)
    assert residual - sum(v * (int(b) - int(a)) for v, a, b in zip(values, subset, chosen, strict=True)) == rest
    taken = [v for v, c in zip(values, chosen, strict=True) if c]
    left = [v for v, c in zip(values, chosen, strict=True) if not c]
    assert all(abs(rest - (y - x)) >= abs(rest) for x in taken for y in left)


@given(st.lists(keys, min_size=1, max_size=9), st.data(), keys)
def test_a_changed_key_is_moved_to_its_place(unsorted, data, key):
    ordered = sorted(unsorted)
    at = data.draw(st.integers(0, len(ordered) - 1))
    held, items = np.array(ordered, np.int64), np.arange(len(ordered))
    put_in_order(held, items, at, key)
    by_item = dict(zip(items.tolist(), held.tolist(), strict=True))
    assert held.tolist() == sorted([*ordered[:at], *ordered[at + 1 :], key])
    assert by_item == {**dict(enumerate(ordered)), at: key}
