"""Tickets of multi-head attention: Otsuka and others 2025.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole

CITATION = (
    "Otsuka, Chijiwa, Okoshi, Fujiki, Takeuchi, Motomura, 'The Strong Lottery Ticket Hypothesis for Multi-Head "
    "Attention Mechanisms', 2025, arXiv 2511.04217"
)


def head_width(*, d_in: float, heads: float, radius: float, eps: float, constant: float) -> float:
    r"""Return the key and query dimension of one head, :math:`C d_1 \ln(8 H \alpha^3 d_1^{3/2} / \epsilon)`.

    Parameters
    ----------
    d_in : int
        :math:`d_1`, the dimension of an input token.
    heads : int
        H.
    radius : float
        :math:`\alpha`, the largest Euclidean norm of a token.
    eps : float
        Error of a token's output in the Euclidean norm.
    constant : float
        C.

    Returns
    -------
    float
        :math:`n_K`.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), Theorem 3.

    Examples
    --------
    >>> round(head_width(d_in=64, heads=4, radius=8.0, eps=0.01, constant=1.0))
    1315
    """
    return constant * d_in * math.log(8.0 * heads * radius**3 * d_in**1.5 / eps)


def value_width(*, d_in: float, d_out: float, heads: float, radius: float, eps: float, constant: float) -> float:
    r"""Return the value dimension of one head, :math:`C d_1 \ln(2 H \alpha d_1 \sqrt{d_2} / \epsilon)`.

    Parameters
    ----------
    d_in, d_out : int
        :math:`d_1` and :math:`d_2`, the dimensions of an input and of an output token.
    heads : int
        H.
    radius : float
        :math:`\alpha`, the largest Euclidean norm of a token.
    eps : float
        Error of a token's output in the Euclidean norm.
    constant : float
        C.

    Returns
    -------
    float
        :math:`n_V`.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), Theorem 3.

    Examples
    --------
    >>> round(value_width(d_in=64, d_out=64, heads=4, radius=8.0, eps=0.01, constant=1.0))
    960
    """
    return constant * d_in * math.log(2.0 * heads * radius * d_in * math.sqrt(d_out) / eps)


def softmax_error(*, d_in: float, radius: float, score_error: float) -> float:
    r"""Return by how much a softmax average moves at most, :math:`4 \sqrt{d_1}\, \alpha\, e`.

    Parameters
    ----------
    d_in : int
        :math:`d_1`, the dimension of a token.
    radius : float
        :math:`\alpha`, the largest Euclidean norm of a token.
    score_error : float
        e, the largest error of a score, at most 1/2.

    Returns
    -------
    float
        Euclidean norm of :math:`\sigma(x) X - \sigma(x + e) X`, for any number of tokens.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), lemma on the softmax.

    Examples
    --------
    >>> softmax_error(d_in=4, radius=1.0, score_error=0.125)
    1.0
    """
    return 4.0 * math.sqrt(d_in) * radius * score_error


def block_attention_width(*, d_in: float, heads: float, radius: float, eps: float, constant: float) -> float:
    r"""Return the head dimension inside one block, :math:`C d_1 \ln(32 \alpha^3 H d_1^{3/2} / \epsilon)`.

    Parameters
    ----------
    d_in : int
        :math:`d_1`, the dimension of a token.
    heads : int
        H.
    radius : float
        :math:`\alpha`, the largest Euclidean norm of a token.
    eps : float
        Error of the block's output.
    constant : float
        C.

    Returns
    -------
    float
        :math:`n_{MHA}`.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), theorem on one block.

    Examples
    --------
    >>> round(block_attention_width(d_in=64, heads=4, radius=8.0, eps=0.01, constant=1.0))
    1404
    """
    return head_width(d_in=d_in, heads=heads, radius=radius, eps=eps / 4.0, constant=constant)


def block_dense_width(
    *, d_in: float, heads: float, layers: float, radius: float, eps: float, constant: float
) -> float:  # fmt: skip
    r"""Return the width of a block's dense part, :math:`C d_1 \ln(24 \alpha L H d_1^{5/2} / \epsilon)`.

    Parameters
    ----------
    d_in : int
        :math:`d_1`, the dimension of a token.
    heads : int
        H.
    layers : int
        L, the layers of the dense part.
    radius : float
        :math:`\alpha`, the largest Euclidean norm of a token.
    eps : float
        Error of the block's output.
    constant : float
        C.

    Returns
    -------
    float
        :math:`n_{FC}`.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), theorem on one block.

    Examples
    --------
    >>> round(block_dense_width(d_in=64, heads=4, layers=2, radius=8.0, eps=0.01, constant=1.0))
    1430
    """
    return constant * d_in * math.log(24.0 * radius * layers * heads * d_in**2.5 / eps)


def measured_attention_error(*, n: float) -> float:
    r"""Return the error that the paper measured, :math:`0.8\, e^{-0.06 n}`.

    Parameters
    ----------
    n : int
        Key, query and value dimension of a head, :math:`n_K = n_V`.

    Returns
    -------
    float
        Error.

    Notes
    -----
    Source: Otsuka et al. 2025 (arXiv 2511.04217), the fit of Figure 4 over 100 sources.

    Examples
    --------
    >>> round(measured_attention_error(n=100), 5)
    0.00198
    """
    return 0.8 * math.exp(-0.06 * n)


D_IN = whole("d1, the dimension of an input token")
HEADS = whole("the number H of heads")
ERROR = small("the error of a token's output in the Euclidean norm, and the failure probability")
LARGE = Parameter(meaning="alpha, the largest Euclidean norm of a token", least=1.0, most=1e6, monotone=1)
WEIGHTS = Assumption(
    words="W_Q and W_K are uniform on [-n_K^(1/4), n_K^(1/4)], W_V and W_O on [-1, 1]; norms of the target's matrices "
    "are at most 1"
)
LONG = Assumption(
    words="alpha is at least sqrt(d1)", holds=lambda given: float(given["radius"]) >= math.sqrt(given["d_in"])
)
LONG_BOTH = Assumption(
    words="alpha is at least sqrt(d1) and sqrt(d2)",
    holds=lambda given: float(given["radius"]) >= math.sqrt(max(given["d_in"], given["d_out"])),
)

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="otsuka2025.head_width",
        title="key and query dimension of an attention head",
        citation=f"{CITATION}, Theorem 3",
        statement=(
            "n_K >= C d1 ln(8 H alpha^3 d1^(3/2)/eps) and n_V as in otsuka2025.value_width => with probability "
            ">= 1 - eps a subnetwork has max_i ||Attn_S - Attn_T|| <= eps, for any number of tokens, without an "
            "extra layer"
        ),
        quantity="key and query dimension of one head, n_K",
        direction="sufficient",
        provenance="found",
        formula=head_width,
        parameters={"d_in": D_IN, "heads": HEADS, "radius": LARGE, "eps": ERROR},
        assumptions=(WEIGHTS, LONG),
        constant="d1 ln(8 H alpha^3 d1^(3/2)/eps)",
        count=True,
    ),
    Bound(
        key="otsuka2025.value_width",
        title="value dimension of an attention head",
        citation=f"{CITATION}, Theorem 3",
        statement="n_V >= C d1 ln(2 H alpha d1 sqrt(d2)/eps), with n_K as in otsuka2025.head_width",
        quantity="value dimension of one head, n_V",
        direction="sufficient",
        provenance="found",
        formula=value_width,
        parameters={
            "d_in": D_IN,
            "d_out": whole("d2, the dimension of an output token"),
            "heads": HEADS,
            "radius": LARGE,
            "eps": ERROR,
        },
        assumptions=(WEIGHTS, LONG_BOTH),
        constant="d1 ln(2 H alpha d1 sqrt(d2)/eps)",
        count=True,
    ),
    Bound(
        key="otsuka2025.softmax_error",
        title="how far errors of scores move a softmax average",
        citation=f"{CITATION}, lemma on the softmax",
        statement=(
            "||softmax(x) X - softmax(x + e) X|| <= 4 sqrt(d1) alpha max|e| for max|e| <= 1/2 and any number of rows"
        ),
        quantity="error in the Euclidean norm, at most",
        direction="sufficient",
        provenance="found",
        formula=softmax_error,
        parameters={
            "d_in": D_IN,
            "radius": Parameter(
                meaning="alpha, the largest Euclidean norm of a token", least=0.0, most=1e6, monotone=1
            ),
            "score_error": Parameter(meaning="the largest error of a score", least=0.0, most=0.5, monotone=1),
        },
        assumptions=(Assumption(words="every row of X has a Euclidean norm of at most alpha"),),
    ),
    Bound(
        key="otsuka2025.block_attention_width",
        title="head dimension inside a transformer block",
        citation=f"{CITATION}, theorem on one block",
        statement=(
            "n_MHA >= C d1 ln(32 alpha^3 H d1^(3/2)/eps), with the dense part as in otsuka2025.block_dense_width => a "
            "block without normalisation layers is approximated within eps"
        ),
        quantity="key, query and value dimension of one head, n_MHA",
        direction="sufficient",
        provenance="found",
        formula=block_attention_width,
        parameters={"d_in": D_IN, "heads": HEADS, "radius": LARGE, "eps": ERROR},
        assumptions=(WEIGHTS, LONG),
        constant="d1 ln(32 alpha^3 H d1^(3/2)/eps)",
        count=True,
    ),
    Bound(
        key="otsuka2025.block_dense_width",
        title="width of the dense part of a transformer block",
        citation=f"{CITATION}, theorem on one block",
        statement="n_FC >= C d1 ln(24 alpha L H d1^(5/2)/eps), with heads as in otsuka2025.block_attention_width",
        quantity="candidates of the dense part, n_FC",
        direction="sufficient",
        provenance="found",
        formula=block_dense_width,
        parameters={
            "d_in": D_IN,
            "heads": HEADS,
            "layers": whole("the layers L of the dense part"),
            "radius": LARGE,
            "eps": ERROR,
        },
        assumptions=(WEIGHTS, LONG),
        constant="d1 ln(24 alpha L H d1^(5/2)/eps)",
        count=True,
    ),
    Bound(
        key="otsuka2025.measured_error",
        title="error of an attention ticket against its head dimension, as measured in the paper",
        citation=f"{CITATION}, Figure 4",
        statement="The paper's fit over 100 sources and n = n_K = n_V up to 100: error = 0.8 exp(-0.06 n)",
        quantity="error",
        direction="estimate",
        provenance="found",
        formula=measured_attention_error,
        parameters={"n": whole("the key, query and value dimension of a head", most=200, monotone=-1)},
        assumptions=(Assumption(words="the paper's own setting: it is a fit, not a theorem"),),
    ),
)
