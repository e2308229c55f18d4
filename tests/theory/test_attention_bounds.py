"""Attention: the softmax lemma on random and adversarial inputs, relations between widths, the paper's fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.theory import attention, bounds

HEAD = {"d_in": 64, "heads": 4, "radius": 8.0, "eps": 0.01}


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


@pytest.mark.parametrize("tokens", [2, 16, 1024])
@pytest.mark.parametrize("dimension", [1, 8])
def test_softmax_averages_move_by_less(tokens, dimension):
    """60 draws each of tokens on the sphere, scores of any size, and errors at their largest."""
    rng = np.random.default_rng(tokens + dimension)
    for score_error in (1e-3, 0.1, 0.5):
        bound = bounds["otsuka2025.softmax_error"](d_in=dimension, radius=3.0, score_error=score_error)
        for _ in range(20):
            rows = rng.normal(size=(tokens, dimension))
            rows *= 3.0 / np.linalg.norm(rows, axis=1, keepdims=True)
            scores = rng.normal(size=tokens) * rng.uniform(0, 5)
            # The errors that push all weight to one side of the first coordinate.
            moved = scores + score_error * np.sign(rows[:, 0])
            assert np.linalg.norm((softmax(moved) - softmax(scores)) @ rows) <= bound


def test_softmax_error_has_the_right_order():
    """Two opposite tokens reach a quarter of the bound at small errors, in one dimension."""
    rows = np.array([[1.0], [-1.0]])
    for score_error in (1e-3, 0.1):
        reached = abs((softmax(np.array([score_error, -score_error])) @ rows).item())
        bound = bounds["otsuka2025.softmax_error"](d_in=1, radius=1.0, score_error=score_error)
        assert 0.24 < reached / bound <= 0.25


def test_the_sharp_softmax_bound_is_met_and_never_exceeded():
    """Opposite tokens with weight 1 / (1 + e^t) meet it; 400 draws of scores and errors of any size stay below."""
    rng, sharp = np.random.default_rng(0), bounds["derived.softmax.error"]
    for t in (1e-6, 0.1, 2.0, 30.0):
        scores, rows = np.array([-t, 0.0]), np.array([[1.0], [-1.0]])
        found = abs(((softmax(scores + np.array([t, -t])) - softmax(scores)) @ rows).item())
        assert found == pytest.approx(2.0 * math.tanh(t / 2.0)) == pytest.approx(sharp(radius=1.0, score_error=t))
        for _ in range(100):
            rows = rng.normal(size=(8, 3))
            rows *= 2.0 / np.linalg.norm(rows, axis=1, keepdims=True)
            scores, errors = rng.normal(size=8) * rng.uniform(0, 9), t * rng.choice([-1.0, 1.0], 8)
            moved = np.linalg.norm((softmax(scores + errors) - softmax(scores)) @ rows)
            assert moved <= sharp(radius=2.0, score_error=t) * (1 + 1e-9)


def test_widths_of_a_head():
    width = bounds["otsuka2025.head_width"](**HEAD, constant=1e6)
    assert width == pytest.approx(64e6 * math.log(8 * 4 * 8**3 * 64**1.5 / 0.01), abs=1.0)
    width = bounds["otsuka2025.value_width"](**HEAD, d_out=16, constant=1e6)
    assert width == pytest.approx(64e6 * math.log(2 * 4 * 8 * 64 * 4 / 0.01), abs=1.0)


def test_a_block_asks_for_more_than_a_head():
    """32 / 8 = 4: a block's heads are heads at a quarter of the error."""
    block = attention.block_attention_width.formula(**HEAD, constant=1.0)
    assert block - attention.head_width.formula(**HEAD, constant=1.0) == pytest.approx(64 * math.log(4.0))
    assert block == pytest.approx(64 * math.log(32 * 8**3 * 4 * 64**1.5 / 0.01))
    dense = attention.block_dense_width.formula(**HEAD, layers=2, constant=1.0)
    assert dense == pytest.approx(64 * math.log(24 * 8 * 2 * 4 * 64**2.5 / 0.01))


def test_the_papers_fit_falls_by_a_factor_e_in_17_dimensions():
    error = bounds["otsuka2025.measured_error"]
    assert error(n=50) / error(n=67) == pytest.approx(math.exp(1.02))
    assert error(n=20) == pytest.approx(0.241, abs=1e-3)


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("otsuka2025.head_width", HEAD | {"radius": 7.9, "constant": 1.0}),
        ("otsuka2025.value_width", HEAD | {"d_out": 65, "constant": 1.0}),
        ("otsuka2025.softmax_error", {"d_in": 1, "radius": 1.0, "score_error": 0.51}),
        ("otsuka2025.head_width", HEAD),
    ],
)
def test_outside_the_hypotheses_nothing_is_said(key, arguments):
    with pytest.raises(ArgumentError):
        bounds[key](**arguments)
