"""How near random attention comes to a target's, against the width of its heads and the length of the sequence."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.constructions import PerWeight
from slth.errors import ArgumentError
from slth.graphs import Attend, Conv, Graph, Node
from slth.graphs.attend import softmax
from slth.grids.context import Context
from slth.rng import Stream
from slth.theory import bounds
from slth.tickets import Folded

_SCORES = 2**22  # in memory at a time: 32 MiB


def attention_error(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Approximate a target's heads by a random network's and compare what both make of the same tokens.

    The error is :math:`\max_t \|Attn_S(X)_t - Attn_T(X)_t\|_2`, the theorem's. All cells with the same ``target_seed``,
    ``width``, ``heads``, ``outputs`` and ``inner`` have the same target, and longer sequences begin with the tokens of
    shorter ones. ``source`` only tells further random networks apart.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), theorem 3, softmax lemma and figures 4 and 5.
    """
    del context
    width, heads, candidates = (_positive(name, cell[name]) for name in ("width", "heads", "candidates"))
    lengths = [_positive("lengths", tokens) for tokens in cell["lengths"]]
    shape = {name: _positive(name, cell[name]) for name in ("outputs", "inner") if cell.get(name) is not None}
    scores, values, x = random_heads(width=width, heads=heads, tokens=max(lengths), seed=cell["target_seed"], **shape)
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


def random_heads(
    *, width: int, heads: int, tokens: int, seed: int, outputs: int | None = None, inner: int | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return a random target: its heads' merged matrices, of spectral norm 1, and tokens of norm sqrt(width).

    The merged matrix of queries and keys is normal, or the product of two normal ones of an inner dimension.
    """
    stream = Stream(seed, "attention.decay")
    size = heads * width * width
    scores, values = (stream.normal(part * size, size).reshape(heads, width, width) for part in range(2))
    x = stream.normal(2 * size, tokens * width).reshape(tokens, width)
    x *= math.sqrt(width) / np.linalg.norm(x, axis=1, keepdims=True)
    if inner is not None:
        queries, keys = (
            Stream(seed, "attention.inner").normal(0, 2 * heads * width * inner).reshape(2, heads, width, inner)
        )
        scores = queries @ keys.swapaxes(1, 2)
    return _normed(scores), _normed(values[:, :, :outputs]), x


def approximated_heads(scores: Floats, values: Floats, *, candidates: int, seed: int) -> tuple[Floats, Floats]:
    """Return what subset sums of a random network's products make of merged matrices, with gain 1.

    A row's products are offered to all heads.

    Shapes: scores, values float64[heads, inputs, outputs].
    """
    target = attention_graph(scores, values)
    ticket, _ = PerWeight(candidates=candidates, gain="unit").ticket(target, input_box=(-1.0, 1.0), seed=seed)
    near = (_merged(ticket.folded[name], len(scores)) for name in ("scores", "values"))
    return next(near), next(near)


def attention_graph(scores: Floats, values: Floats, *, tokens: int = 1) -> Graph:
    """Return attention of merged matrices as a network: the tokens are its keys.

    Shapes: scores, values float64[heads, inputs, outputs].
    """
    queries, mixed = (Conv(part.swapaxes(1, 2).reshape(-1, part.shape[1])) for part in (scores, values))
    return Graph(
        (scores.shape[1], tokens),
        [
            Node("scores", queries, ("input",)),
            Node("values", mixed, ("input",)),
            Node("attend", Attend(len(scores)), ("scores", "input", "values")),
        ],
    )


def attention(x: Floats, scores: Floats, values: Floats) -> Floats:
    r"""Return :math:`\sum_h softmax(X A_h X^T) X B_h`, without residual, some rows at a time.

    Shapes: x float64[tokens, width]; scores float64[heads, width, width]; values float64[heads, width, outputs]; result
    float64[tokens, outputs].
    """
    step = max(1, _SCORES // len(x))
    total: Floats = np.zeros((len(x), values.shape[2]))
    for a, b in zip(scores, values, strict=True):
        mixed = x @ b
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            total[rows] += softmax((x[rows] @ a) @ x.T) @ mixed
    return total


def _normed(matrices: Floats) -> Floats:
    normed: Floats = matrices / np.linalg.norm(matrices, ord=2, axis=(1, 2), keepdims=True)
    return normed


def _merged(folded: Folded, heads: int) -> Floats:
    """Return the matrices [heads, inputs, outputs] of a convolution of size 1."""
    kernel = folded.middle()[0]
    return kernel.reshape(heads, -1, kernel.shape[1]).swapaxes(1, 2)


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
