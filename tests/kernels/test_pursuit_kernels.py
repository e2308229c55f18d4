"""Kernels of the vector pursuit against their definitions, written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.pursuit import EXPONENTIALS, Candidates, Schedule, anneal, descend, exponentials, gram, products

shapes = st.tuples(st.integers(1, 150), st.integers(1, 9), st.integers(0, 2**32))


def normals(n, dimension, seed):
    return np.random.default_rng(seed).standard_normal((n, dimension))


def table():
    filled = np.empty(EXPONENTIALS, np.float32)
    exponentials(filled)
    return filled


def best_flip(rows, chosen, residual, count, least, most):
    """The change of |residual|^2 by the best flip that is allowed, and its position."""
    changes = []
    for i, x in enumerate(rows):
        if (count > least) if chosen[i] else (count < most):
            after = residual + x if chosen[i] else residual - x
            changes.append((math.fsum(after**2) - math.fsum(residual**2), i))
    return min(changes, default=(0.0, -1))


@given(shapes)
def test_gram_matrix_is_that_of_the_rows(shape):
    rows = normals(*shape)
    pairs = np.full((len(rows), len(rows)), np.nan, np.float32)
    gram(np.ascontiguousarray(rows.T, np.float32), pairs)
    np.testing.assert_allclose(pairs, rows @ rows.T, rtol=1e-5, atol=1e-5)


@given(shapes)
def test_products_are_inner_products(shape):
    rows = normals(*shape)
    out = np.empty(len(rows))
    products(np.ascontiguousarray(rows.T), rows[-1], out)
    np.testing.assert_allclose(out, rows @ rows[-1], rtol=1e-12, atol=1e-12)


def test_exponentials_are_the_quantiles():
    expected = -np.log((np.arange(EXPONENTIALS) + 0.5) / EXPONENTIALS)
    np.testing.assert_allclose(np.sort(table()), np.sort(expected), rtol=1e-6)
    assert not np.array_equal(table(), np.sort(table()))


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32), st.data())
def test_one_step_makes_the_best_flip_that_is_allowed(n, dimension, seed, data):
    rows = normals(n, dimension, seed)
    target = 2.0 * normals(1, dimension, seed + 1)[0]
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    least = data.draw(st.integers(0, n))
    most = data.draw(st.integers(least, n))
    residual = target - rows[chosen].sum(axis=0)
    before, count = residual.copy(), int(chosen.sum())
    change, at = best_flip(rows, chosen, residual, count, least, most)
    expected = chosen.copy()
    if change < 0.0:
        expected[at] = not expected[at]
    squares = np.einsum("ij,ij->i", rows, rows)
    flips, after = descend(rows, rows.T.copy(), squares, chosen, residual, count, least, most, 1)
    assert flips == (change < 0.0)
    assert chosen.tolist() == expected.tolist()
    assert after == chosen.sum()
    np.testing.assert_allclose(residual, target - rows[chosen].sum(axis=0), atol=1e-12)
    assert np.linalg.norm(residual) <= np.linalg.norm(before)


@pytest.mark.parametrize("price", [0.0, 1.0])
@given(st.integers(1, 60), st.integers(1, 6), st.integers(0, 2**32), st.data())
def test_annealing_returns_a_subset_no_worse_than_its_start(price, n, dimension, seed, data):
    rows = normals(n, dimension, seed) * np.linspace(0.01, 1.0, n)[:, None]
    rows = rows[np.argsort(np.einsum("ij,ij->i", rows, rows))]
    base = 2.0 * normals(1, dimension, seed + 1)[0]
    start = np.random.default_rng(seed).random(n) < data.draw(st.floats(0.0, 1.0))
    pairs = np.empty((n, n), np.float32)
    gram(np.ascontiguousarray(rows.T, np.float32), pairs)
    squares = np.maximum.accumulate(np.diagonal(pairs))
    temperatures = np.geomspace(1.0, 1e-3, 8)

    def walk(state):
        chosen = start.copy()
        columns = np.ascontiguousarray(rows.T)
        candidates = Candidates(rows, columns, pairs, squares, base)
        schedule = Schedule(temperatures, 5, 100.0, 12.0, 0.3, price)
        return anneal(candidates, schedule, np.uint64(state), table(), chosen), chosen

    flips, chosen = walk(seed)
    again, same = walk(seed)
    assert flips == again
    assert chosen.tolist() == same.tolist()
    before = np.linalg.norm(base - rows[start].sum(axis=0))
    assert np.linalg.norm(base - rows[chosen].sum(axis=0)) <= before * (1.0 + 1e-5)  # changes are added up in float32
    if price > 0.0:
        assert chosen.sum() == start.sum()
