"""Weights on a grid, where a ticket can equal its target: Kumar and Natale 2025.

The grid of precision delta = 2^-b is {-1, -1 + delta, ..., 1}; its bits b = log2(1/delta) are the argument.
Formulas raise nothing of their own: the bound that holds one checks its arguments first.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, whole

CITATION = (
    "Kumar, Natale, 'Quantization vs Pruning: Insights from the Strong Lottery Ticket Hypothesis', 2025, "
    "arXiv 2508.11020"
)


def grid_candidates(*, bits: float, constant: float) -> float:
    r"""Return the candidates with which one weight of the grid is met exactly, :math:`C \log_2(1/\delta)`.

    Parameters
    ----------
    bits : int
        :math:`b = \log_2(1/\delta)`.
    constant : float
        C.

    Returns
    -------
    float
        n.

    Notes
    -----
    Source: Kumar and Natale 2025 (arXiv 2508.11020), Lemma 5.

    Examples
    --------
    >>> grid_candidates(bits=8, constant=3.0)
    24.0
    """
    return constant * bits


def grid_width(*, d_in: float, bits: float, constant: float) -> float:
    r"""Return the width of a source of depth 2l, :math:`C d_{in} \log_2(1/\delta)`.

    Parameters
    ----------
    d_in : int
        Input width of the target layer.
    bits : int
        :math:`\log_2(1/\delta)`.
    constant : float
        C.

    Returns
    -------
    float
        Hidden units of the pair of layers.

    Notes
    -----
    Source: Kumar and Natale 2025 (arXiv 2508.11020), Theorem 1; dimensions from its Lemma 7.

    Examples
    --------
    >>> grid_width(d_in=784, bits=8, constant=1.0)
    6272.0
    """
    return constant * d_in * bits


def grid_shallow_width(*, d_in: float, bits: float, constant: float) -> float:
    r"""Return the width of a source of depth l + 1, :math:`C d_{in} \log_2^2(1/\delta)`.

    Parameters
    ----------
    d_in : int
        Input width of the target layer.
    bits : int
        :math:`\log_2(1/\delta)`.
    constant : float
        C.

    Returns
    -------
    float
        Units of the layer.

    Notes
    -----
    Source: Kumar and Natale 2025 (arXiv 2508.11020), Theorem 2: one more factor :math:`\log_2(1/\delta)`.

    Examples
    --------
    >>> grid_shallow_width(d_in=784, bits=8, constant=1.0)
    50176.0
    """
    return constant * d_in * bits * bits


def grid_failure(*, n: float, weights: float, constant: float) -> float:
    r"""Return the failure probability :math:`C N n^{-1/7}`, at most 1.

    Parameters
    ----------
    n : int
        Candidates for one weight.
    weights : int
        N of the target, for the union bound.
    constant : float
        C.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: derived in this project from the parameters (beta = 1/2) of Lemma 4 of Kumar and Natale 2025 (arXiv
    2508.11020): Hoeffding's inequality leaves n^(-1/7) for the window sqrt(2/7) M sqrt(n log n).

    Examples
    --------
    >>> round(grid_failure(n=10**14, weights=1, constant=1.0), 4)
    0.01
    """
    return min(1.0, constant * weights * math.pow(n, -1.0 / 7.0))


def grid_parameters(*, dimension: float, bits: float, probability: float) -> float:
    r"""Return the parameters that a source needs, :math:`d^2 \log_2(2/\delta + 1) + \log_2 p`, at least 0.

    The :math:`2^\alpha` subnetworks must equal p of the :math:`(2/\delta + 1)^{d^2}` matrices on the grid.

    Parameters
    ----------
    dimension : int
        d, the sides of the target's matrix.
    bits : int
        :math:`\log_2(1/\delta)`.
    probability : float
        p, with which each target is served.

    Returns
    -------
    float
        :math:`\alpha`, parameters of the source that are not zero.

    Notes
    -----
    Source: Kumar and Natale 2025 (arXiv 2508.11020), Theorem 3.

    Examples
    --------
    >>> round(grid_parameters(dimension=10, bits=8, probability=0.5), 1)
    899.3
    """
    levels = math.log2(2 ** (int(bits) + 1) + 1)
    return max(0.0, dimension**2 * levels + math.log2(probability))


def grid_lower_width(*, dimension: float, bits: float, constant: float) -> float:
    r"""Return the width that a two-layer source needs, :math:`C d \log_2(1/\delta)`.

    Parameters
    ----------
    dimension : int
        d, the sides of the target's matrix.
    bits : int
        :math:`\log_2(1/\delta)`.
    constant : float
        C.

    Returns
    -------
    float
        Hidden units.

    Notes
    -----
    Source: Kumar and Natale 2025 (arXiv 2508.11020), Theorem 3.

    Examples
    --------
    >>> grid_lower_width(dimension=10, bits=8, constant=0.5)
    40.0
    """
    return constant * dimension * bits


D_IN = whole("the input width of the target layer")
BITS = whole("log2(1/delta), the bits of the grid", most=1000)
SIDE = whole("the sides d of the target's matrix")
GRIDS = Assumption(
    words="target weights on the grid delta_t, source uniform on the grid delta_in, delta_in^2 <= delta^2 <= delta_t"
)
PRUNED = Assumption(words="the source is a pruned two-layer network with weights on the grid delta")
DIMENSIONS = "an earlier submission was read, without displayed formulas: dimensions are reconstructed"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="kumar2025.candidates",
        title="candidates that meet one weight of a grid exactly",
        citation=f"{CITATION}, Lemma 5",
        statement=(
            "n > C log2(1/delta) products of weights on a grid: some subset sums to the weight exactly; more than "
            "2 log2(1/delta) of them stay after rejection to the uniform law"
        ),
        quantity="candidates for one weight, n",
        direction="sufficient",
        provenance="found",
        formula=grid_candidates,
        parameters={"bits": BITS},
        assumptions=(GRIDS,),
        constant="log2(1/delta)",
        count=True,
    ),
    Bound(
        key="kumar2025.width",
        title="width of a quantised source of depth 2l that holds every target exactly",
        citation=f"{CITATION}, Theorem 1",
        statement=(
            "Source of 2l layers with C d_in log2(1/delta) hidden units a pair, quantised to delta and pruned, equals "
            "every target with probability 1 - N (a polynomially small function of log(1/delta)), N its weights"
        ),
        quantity="hidden units of a pair of layers",
        direction="sufficient",
        provenance="found",
        formula=grid_width,
        parameters={"d_in": D_IN, "bits": BITS},
        assumptions=(GRIDS,),
        constant="d_in log2(1/delta)",
        count=True,
        caveat=DIMENSIONS,
    ),
    Bound(
        key="kumar2025.shallow_width",
        title="width of a quantised source of depth l + 1 that holds every target exactly",
        citation=f"{CITATION}, Theorem 2",
        statement="As kumar2025.width with l + 1 layers and one more factor log2(1/delta): C d_in log2(1/delta)^2",
        quantity="units of a layer",
        direction="sufficient",
        provenance="found",
        formula=grid_shallow_width,
        parameters={"d_in": D_IN, "bits": BITS},
        assumptions=(GRIDS,),
        constant="d_in log2(1/delta)^2",
        count=True,
        caveat=f"{DIMENSIONS}; the paper's constants are explicit and were not read",
    ),
    Bound(
        key="kumar2025.failure",
        title="failure probability of a quantised source",
        citation=f"{CITATION}, Lemma 4; this project's reading of its parameters",
        statement="kumar2025.width fails with probability at most C N n^(-1/7): it says something for huge n alone",
        quantity="failure probability, at most",
        direction="sufficient",
        provenance="derived",
        formula=grid_failure,
        parameters={
            "n": whole("the candidates for one weight", most=1e30, monotone=-1),
            "weights": whole("the weights N of the target", most=1e12),
        },
        assumptions=(GRIDS,),
        constant="N n^(-1/7)",
    ),
    Bound(
        key="kumar2025.parameters",
        title="parameters that a quantised source needs, lower bound",
        citation=f"{CITATION}, Theorem 3",
        statement=(
            "2^alpha >= p (2/delta + 1)^(d^2): a two-layer source on the grid that equals each d x d matrix of the "
            "grid with probability p has alpha >= d^2 log2(2/delta + 1) + log2 p parameters that are not zero"
        ),
        quantity="parameters of the source that are not zero",
        direction="necessary",
        provenance="found",
        formula=grid_parameters,
        parameters={
            "dimension": SIDE,
            "bits": BITS,
            "probability": Parameter(
                meaning="the probability with which each target is served",
                least=1e-30,
                most=1.0,
                monotone=1,
                default=0.5,
            ),
        },
        assumptions=(PRUNED,),
        count=True,
    ),
    Bound(
        key="kumar2025.lower",
        title="width that a quantised two-layer source needs, lower bound",
        citation=f"{CITATION}, Theorem 3",
        statement="A two-layer source as in kumar2025.parameters has a width of at least C d log2(1/delta)",
        quantity="hidden units",
        direction="necessary",
        provenance="found",
        formula=grid_lower_width,
        parameters={"dimension": SIDE, "bits": BITS},
        assumptions=(PRUNED,),
        constant="d log2(1/delta)",
        count=True,
    ),
)
