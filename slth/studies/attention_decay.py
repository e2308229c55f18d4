"""The error of a single attention by the number of candidates: the experiment of the paper's figure 4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.constructions import PerWeight
from slth.errors import ArgumentError
from slth.graphs import Attend, Conv, Graph, Node
from slth.graphs.attend import softmax
from slth.rng import Stream
from slth.tickets import Folded

_SCORES = 2**22  # in memory at a time: 32 MiB


@dataclass(frozen=True)
class DecayRow:
    """Errors of attention with one number of candidates.

    Parameters
    ----------
    candidates : int
        Random products offered for each entry.
    inner_width : int
        width * candidates: the theorem's n_K and n_V, which the heads share.
    mean, median, largest : float
        Of the largest row error over all tokens, over the random networks.
    """

    candidates: int
    inner_width: int
    mean: float
    median: float
    largest: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a plain mapping."""
        return asdict(self)


@dataclass(frozen=True)
class Decay:
    r"""The table, and the line through the logarithms of its medians.

    Parameters
    ----------
    rows : tuple of DecayRow
    factor, rate : float
        :math:`median \approx factor \cdot e^{-rate \cdot n}`, n the inner width.
    """

    rows: tuple[DecayRow, ...]
    factor: float
    rate: float


def error_by_candidates(
    candidates: Sequence[int] = (4, 6, 8, 10, 12, 14, 16),
    *,
    width: int = 4,
    heads: int = 1,
    tokens: int = 16,
    networks: int = 20,
    seed: int = 0,
) -> Decay:
    """Return how the error of attention falls with the number of candidates.

    The target's matrices are random of spectral norm 1 and its tokens random of norm sqrt(width), the smallest that the
    theorem allows; each random network approximates the same target, gain 1. The paper reports error 0.8 exp(-0.06 n)
    for n = n_K = n_V up to 100; its width and number of heads are not known here, so that rates may be compared, and
    only those for one width, but factors may not.

    Parameters
    ----------
    candidates : sequence of int
        Two or more different numbers.
    width, heads, tokens : int
    networks : int
        Random networks for each number.
    seed : int
        Of target, tokens and the first random network.

    Returns
    -------
    Decay

    Raises
    ------
    ArgumentError
        If there are fewer than two numbers, or one is not positive.

    Examples
    --------
    >>> decay = error_by_candidates((4, 10), networks=3)
    >>> decay.rate > 0.0
    True
    """
    if len(set(candidates)) < 2 or min(candidates) < 1 or networks < 1:
        rule = "must be two or more different positive numbers, and networks positive"
        raise ArgumentError("candidates", tuple(candidates), rule, "pass (4, 8, 12, 16)")
    scores, values, x = random_heads(width=width, heads=heads, tokens=tokens, seed=seed)
    exact = attention(x, scores, values)
    rows = []
    for count in candidates:
        errors = []
        for network in range(networks):
            near = approximated_heads(scores, values, candidates=count, seed=(seed + network) % 2**64)
            found = attention(x, *near)
            errors.append(float(np.linalg.norm(found - exact, axis=1).max()))
        ordered = np.array(errors)
        rows.append(
            DecayRow(count, count * width, float(ordered.mean()), float(np.median(ordered)), float(ordered.max()))
        )
    slope, start = np.polyfit([row.inner_width for row in rows], np.log([row.median for row in rows]), 1)
    return Decay(tuple(rows), math.exp(float(start)), -float(slope))


def random_heads(*, width: int, heads: int, tokens: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return a random target: its heads' merged matrices, of spectral norm 1, and tokens of norm sqrt(width).

    Parameters
    ----------
    width, heads, tokens : int
        Longer sequences begin with the tokens of shorter ones.
    seed : int

    Returns
    -------
    tuple of float64 arrays
        Scores and values, [heads, width, width], and tokens, [tokens, width].

    Examples
    --------
    >>> scores, values, x = random_heads(width=4, heads=1, tokens=3, seed=0)
    >>> round(float(np.linalg.norm(scores[0], ord=2)), 12), np.linalg.norm(x, axis=1).round(12).tolist()
    (1.0, [2.0, 2.0, 2.0])
    """
    stream = Stream(seed, "attention.decay")
    size = heads * width * width
    scores, values = (_normed(stream.normal(part * size, size).reshape(heads, width, width)) for part in range(2))
    x = stream.normal(2 * size, tokens * width).reshape(tokens, width)
    x *= math.sqrt(width) / np.linalg.norm(x, axis=1, keepdims=True)
    return scores, values, x


def approximated_heads(scores: Floats, values: Floats, *, candidates: int, seed: int) -> tuple[Floats, Floats]:
    """Return what subset sums of a random network's products make of merged matrices, with gain 1.

    A row's products are offered to all heads.

    Parameters
    ----------
    scores, values : float64[heads, inputs, outputs]
    candidates : int
        Random products offered for each entry.
    seed : int
        Of the random network.

    Returns
    -------
    tuple of float64 arrays
        Of the same shapes.

    Raises
    ------
    slth.errors.Interrupted
        On Ctrl-C.

    Examples
    --------
    >>> near, _ = approximated_heads(np.array([[[0.5]]]), np.array([[[0.5]]]), candidates=12, seed=0)
    >>> bool(abs(near - 0.5).max() < 0.01)
    True
    """
    target = attention_graph(scores, values)
    ticket, _ = PerWeight(candidates=candidates, gain="unit").ticket(target, input_box=(-1.0, 1.0), seed=seed)
    near = (_merged(ticket.folded[name], len(scores)) for name in ("scores", "values"))
    return next(near), next(near)


def attention_graph(scores: Floats, values: Floats, *, tokens: int = 1) -> Graph:
    """Return attention of merged matrices as a network: the tokens are its keys.

    Parameters
    ----------
    scores, values : float64[heads, inputs, outputs]
    tokens : int

    Returns
    -------
    Graph
        Of inputs [inputs, tokens], without residual.

    Examples
    --------
    Equal scores: each token becomes the mean of all.

    >>> graph = attention_graph(np.zeros((1, 1, 1)), np.ones((1, 1, 1)), tokens=2)
    >>> graph.forward([[[1.0, 3.0]]]).ravel().tolist()
    [2.0, 2.0]
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

    Parameters
    ----------
    x : float64[tokens, width]
    scores : float64[heads, width, width]
        The matrices A.
    values : float64[heads, width, outputs]
        The matrices B.

    Returns
    -------
    float64[tokens, outputs]

    Examples
    --------
    Equal scores: each token becomes the mean of all.

    >>> attention(np.array([[1.0], [3.0]]), np.zeros((1, 1, 1)), np.ones((1, 1, 1))).tolist()
    [[2.0], [2.0]]
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
