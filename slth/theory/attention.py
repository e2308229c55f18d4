"""Tickets of multi-head attention: Otsuka and others 2025."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

CITATION = (
    "Otsuka, Chijiwa, Okoshi, Fujiki, Takeuchi, Motomura, 'The Strong Lottery Ticket Hypothesis for Multi-Head "
    "Attention Mechanisms', 2025, arXiv 2511.04217"
)

Inputs = Annotated[int, whole("d1, the dimension of an input token")]
Heads = Annotated[int, whole("the number H of heads")]
Error = Annotated[float, small("the error of a token's output in the Euclidean norm, and the failure probability")]
Radius = Annotated[float, positive("alpha, the largest Euclidean norm of a token", least=1.0, monotone=1)]
WEIGHTS = Assumption(
    words="W_Q and W_K are uniform on [-n_K^(1/4), n_K^(1/4)], W_V and W_O on [-1, 1]; norms of the target's matrices "
    "are at most 1"
)
LONG = Assumption(words="alpha is at least sqrt(d1)", holds=lambda given: given["radius"] >= math.sqrt(given["d_in"]))
LONG_BOTH = Assumption(
    words="alpha is at least sqrt(d1) and sqrt(d2)",
    holds=lambda given: given["radius"] >= math.sqrt(max(given["d_in"], given["d_out"])),
)

_bound = partial(bound, provenance="found", count=True, assumes=(WEIGHTS, LONG))


@_bound(
    "otsuka2025.head_width",
    f"{CITATION}, Theorem 3",
    quantity="key and query dimension of one head, n_K",
    constant="d1 ln(8 H alpha^3 d1^(3/2)/eps)",
)
def head_width(*, d_in: Inputs, heads: Heads, radius: Radius, eps: Error, constant: float) -> float:
    """Key and query dimension of an attention head.

    n_K >= C d1 ln(8 H alpha^3 d1^(3/2)/eps) and n_V as in otsuka2025.value_width => with probability >= 1 - eps a
    subnetwork has max_i ||Attn_S - Attn_T|| <= eps, for any number of tokens, without an extra layer.

    >>> head_width(d_in=64, heads=4, radius=8.0, eps=0.01, constant=1.0)
    1316.0
    """
    return constant * d_in * math.log(8.0 * heads * radius**3 * d_in**1.5 / eps)


@bound(
    "otsuka2025.value_width",
    f"{CITATION}, Theorem 3",
    quantity="value dimension of one head, n_V",
    provenance="found",
    assumes=(WEIGHTS, LONG_BOTH),
    constant="d1 ln(2 H alpha d1 sqrt(d2)/eps)",
    count=True,
)
def value_width(
    *,
    d_in: Inputs,
    d_out: Annotated[int, whole("d2, the dimension of an output token")],
    heads: Heads,
    radius: Radius,
    eps: Error,
    constant: float,
) -> float:
    """Value dimension of an attention head.

    n_V >= C d1 ln(2 H alpha d1 sqrt(d2)/eps), with n_K as in otsuka2025.head_width.

    >>> value_width(d_in=64, d_out=64, heads=4, radius=8.0, eps=0.01, constant=1.0)
    961.0
    """
    return constant * d_in * math.log(2.0 * heads * radius * d_in * math.sqrt(d_out) / eps)


@bound(
    "otsuka2025.softmax_error",
    f"{CITATION}, lemma on the softmax",
    quantity="error in the Euclidean norm, at most",
    provenance="found",
    assumes=(Assumption(words="every row of X has a Euclidean norm of at most alpha"),),
)
def softmax_error(
    *,
    d_in: Inputs,
    radius: Annotated[Radius, {"least": 0.0}],
    score_error: Annotated[float, positive("the largest error of a score", least=0.0, most=0.5, monotone=1)],
) -> float:
    """How far errors of scores move a softmax average.

    ||softmax(x) X - softmax(x + e) X|| <= 4 sqrt(d1) alpha max|e| for max|e| <= 1/2 and any number of rows.

    >>> softmax_error(d_in=4, radius=1.0, score_error=0.125)
    1.0
    """
    return 4.0 * math.sqrt(d_in) * radius * score_error


@bound(
    "derived.softmax.error",
    "this project: total variation of two softmax laws",
    quantity="error in the Euclidean norm, at most",
    provenance="derived",
    assumes=(Assumption(words="every row of X has a Euclidean norm of at most alpha"),),
)
def sharp_softmax_error(
    *,
    radius: Annotated[Radius, {"least": 0.0}],
    score_error: Annotated[float, positive("the largest error of a score", least=0.0, monotone=1)],
) -> float:
    """How far errors of scores move a softmax average, without the dimension.

    ||softmax(x) X - softmax(x + e) X|| <= 2 alpha tanh(max|e| / 2) <= alpha max|e|, for any e; two opposite rows meet
    it.

    Weights that change by factors within exp(+-max|e|) before they are normed move a share of at most tanh(max|e| / 2).

    >>> round(sharp_softmax_error(radius=1.0, score_error=0.125), 4)
    0.1248
    """
    return 2.0 * radius * math.tanh(0.5 * score_error)


@_bound(
    "otsuka2025.block_attention_width",
    f"{CITATION}, theorem on one block",
    quantity="key, query and value dimension of one head, n_MHA",
    constant="d1 ln(32 alpha^3 H d1^(3/2)/eps)",
)
def block_attention_width(*, d_in: Inputs, heads: Heads, radius: Radius, eps: Error, constant: float) -> float:
    """Head dimension inside a transformer block.

    n_MHA >= C d1 ln(32 alpha^3 H d1^(3/2)/eps), with the dense part as in otsuka2025.block_dense_width => a block
    without normalisation layers is approximated within eps.

    >>> block_attention_width(d_in=64, heads=4, radius=8.0, eps=0.01, constant=1.0)
    1404.0
    """
    return head_width.formula(d_in=d_in, heads=heads, radius=radius, eps=eps / 4.0, constant=constant)


@_bound(
    "otsuka2025.block_dense_width",
    f"{CITATION}, theorem on one block",
    quantity="candidates of the dense part, n_FC",
    constant="d1 ln(24 alpha L H d1^(5/2)/eps)",
)
def block_dense_width(
    *,
    d_in: Inputs,
    heads: Heads,
    layers: Annotated[int, whole("the layers L of the dense part")],
    radius: Radius,
    eps: Error,
    constant: float,
) -> float:
    """Width of the dense part of a transformer block.

    n_FC >= C d1 ln(24 alpha L H d1^(5/2)/eps), with heads as in otsuka2025.block_attention_width.

    >>> block_dense_width(d_in=64, heads=4, layers=2, radius=8.0, eps=0.01, constant=1.0)
    1430.0
    """
    return constant * d_in * math.log(24.0 * radius * layers * heads * d_in**2.5 / eps)


@bound(
    "otsuka2025.measured_error",
    f"{CITATION}, Figure 4",
    quantity="error",
    provenance="found",
    direction="estimate",
    assumes=(Assumption(words="the paper's own setting: it is a fit, not a theorem"),),
)
def measured_attention_error(
    *, n: Annotated[int, whole("the key, query and value dimension of a head", most=200, monotone=-1)]
) -> float:
    """Error of an attention ticket against its head dimension, as measured in the paper.

    The paper's fit over 100 sources and n = n_K = n_V up to 100: error = 0.8 exp(-0.06 n).

    >>> round(measured_attention_error(n=100), 5)
    0.00198
    """
    return 0.8 * math.exp(-0.06 * n)
