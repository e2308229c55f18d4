"""The study of attention: errors against a naive attention, bounds that hold, targets that stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.studies import attention_error as module
from slth.studies.attention_error import attention_error

CELL = {"width": 3, "heads": 2, "candidates": 12, "lengths": [5, 20], "target_seed": 3}


def naive(x, scores, values):
    """Attention of all heads, token by token."""
    rows = []
    for token in x:
        total = np.zeros(values.shape[2])
        for a, b in zip(scores, values, strict=True):
            weights = np.exp(np.array([token @ a @ other for other in x]))
            total += (weights / weights.sum()) @ x @ b
        rows.append(total)
    return np.array(rows)


def test_errors_are_those_of_a_naive_attention():
    rows = attention_error(CELL, seed=7, context=Context())
    scores, values, x = module.random_heads(width=3, heads=2, tokens=20, seed=3)
    near = module.approximated_heads(scores, values, candidates=12, seed=7)
    for row, tokens in zip(rows, (5, 20), strict=True):
        gap = naive(x[:tokens], *near) - naive(x[:tokens], scores, values)
        assert row["error"] == pytest.approx(np.linalg.norm(gap, axis=1).max(), rel=1e-9)
        assert (row["tokens"], row["inner_width"]) == (tokens, 36)
        assert row["entry_error"] == max(abs(near[0] - scores).max(), abs(near[1] - values).max())


def test_the_bound_holds_where_there_is_one_and_errors_fall():
    found = {}
    for candidates in (4, 14):
        rows = [
            attention_error(CELL | {"candidates": candidates, "lengths": [30]}, seed=seed, context=Context())[0]
            for seed in range(12)
        ]
        known = [row for row in rows if row["lemma_bound"] is not None]
        assert all(row["error"] <= row["lemma_bound"] for row in known)
        found[candidates] = np.median([row["error"] for row in rows]), len(known)
    assert found[14][0] < 0.2 * found[4][0]
    assert found[14][1] > found[4][1]


def test_the_network_that_is_approximated_is_the_attention_that_is_measured():
    scores, values, x = module.random_heads(width=3, heads=2, tokens=6, seed=1)
    graph = module.attention_graph(scores, values, tokens=6)
    found = graph.forward(x.T[None])[0].reshape(3, 6).T
    np.testing.assert_allclose(found, naive(x, scores, values), rtol=1e-12)


def test_longer_sequences_begin_with_shorter_ones():
    short, long = (module.random_heads(width=3, heads=2, tokens=tokens, seed=3) for tokens in (4, 9))
    for first, second in zip(short[:2], long[:2], strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(short[2], long[2][:4])


def test_rows_at_a_time_are_all_rows(monkeypatch):
    scores, values, x = module.random_heads(width=3, heads=2, tokens=11, seed=0)
    whole = module.attention(x, scores, values)
    monkeypatch.setattr(module, "_SCORES", 25)  # two rows at a time
    np.testing.assert_allclose(module.attention(x, scores, values), whole, rtol=1e-13)


@pytest.mark.parametrize("change", [{"width": 0}, {"heads": 0}, {"candidates": 0}, {"lengths": [4, 0]}])
def test_sizes_are_positive(change):
    with pytest.raises(ArgumentError, match="must be at least 1"):
        attention_error(CELL | change, seed=0, context=Context())
