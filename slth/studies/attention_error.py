"""How near random attention comes to a target's, against the width of its heads and the length of the sequence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.studies.attention_decay import approximated_heads, attention, random_heads
from slth.theory import bounds


def attention_error(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Approximate a target's heads by a random network's and compare what both make of the same tokens.

    The error is :math:`\max_t \|Attn_S(X)_t - Attn_T(X)_t\|_2`, the theorem's. All cells with the same ``target_seed``,
    ``width`` and ``heads`` have the same target, and longer sequences begin with the tokens of shorter ones.

    Parameters
    ----------
    cell : mapping
        ``width``: numbers d of a token; ``heads``; ``candidates``: random products for each entry, so that the inner
        width n_K = n_V is width * candidates; ``lengths``: list of numbers T of tokens; ``target_seed``.
    seed : int
        Of the random network, which is the same for all lengths.
    context : Context
        Not used.

    Returns
    -------
    list of dict
        One row a length: ``inner_width``; ``tokens``; ``error``; ``entry_error``, the largest error of an entry of a
        merged matrix; ``lemma_bound``, what the softmax lemma makes of the matrices' errors for any number of tokens
        (None where it says nothing); ``seconds``.

    Raises
    ------
    ArgumentError
        For a size below 1.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), theorem 3, softmax lemma and figures 4 and 5.

    Examples
    --------
    >>> cell = {"width": 4, "heads": 1, "candidates": 12, "lengths": [16, 32], "target_seed": 0}
    >>> short, long = attention_error(cell, seed=1, context=Context())
    >>> short["inner_width"], 0.0 < short["error"] < short["lemma_bound"], long["tokens"]
    (48, True, 32)
    """
    del context
    width, heads, candidates = (_positive(name, cell[name]) for name in ("width", "heads", "candidates"))
    lengths = [_positive("lengths", tokens) for tokens in cell["lengths"]]
    scores, values, x = random_heads(width=width, heads=heads, tokens=max(lengths), seed=cell["target_seed"])
    near = approximated_heads(scores, values, candidates=candidates, seed=seed)
    about: dict[str, float | None] = {
        "entry_error": float(max(abs(near[0] - scores).max(), abs(near[1] - values).max())),
        "lemma_bound": _bound(scores, values, *near),
    }
    rows: list[dict[str, Any]] = []
    for tokens in lengths:
        start = time.perf_counter()
        gap = attention(x[:tokens], *near) - attention(x[:tokens], scores, values)
        error = float(np.linalg.norm(gap, axis=1).max())
        timing = {"seconds": time.perf_counter() - start}
        rows.append({"inner_width": width * candidates, "tokens": tokens, "error": error, **about, **timing})
    return rows


def _positive(name: str, size: int) -> int:
    if size < 1:
        raise ArgumentError(name, size, "must be at least 1", "pass positive integers")
    return size


def _bound(scores: np.ndarray, values: np.ndarray, near_scores: np.ndarray, near_values: np.ndarray) -> float | None:
    r"""The sum over heads of :math:`4 \sqrt d \alpha e \|B\| + \alpha \|\Delta B\|`, :math:`e = \alpha^2 \|\Delta A\|`.

    :math:`\alpha = \sqrt d` is the norm of the tokens, and e bounds the error of every score.
    """
    width = scores.shape[1]
    alpha = float(np.sqrt(width))
    lemma, total = bounds["otsuka2025.softmax_error"], 0.0
    for a, b, near_a, near_b in zip(scores, values, near_scores, near_values, strict=True):
        score_error = alpha**2 * float(np.linalg.norm(near_a - a, ord=2))
        if score_error > 0.5:
            return None
        moved = lemma(d_in=width, radius=alpha, score_error=score_error)
        total += moved * float(np.linalg.norm(b, ord=2)) + alpha * float(np.linalg.norm(near_b - b, ord=2))
    return total
