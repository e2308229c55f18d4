"""Subset sums of numbers: Lueker 1998, da Cunha and others 2023, and what was measured here."""

from __future__ import annotations

import math

import numpy as np

from slth.theory.nouns import Bound
from slth.theory.parameters import Parameter, small, whole

LUEKER = (
    'G. S. Lueker, "Exponentially Small Bounds on the Expected Optimum of the Partition and Subset Sum Problems", '
    "Random Structures & Algorithms 12(1), 1998"
)
ESA = (
    "A. da Cunha, F. d'Amore, F. Giroire, H. Lesfari, E. Natale and L. Viennot, "
    '"Revisiting the Random Subset Sum Problem", ESA 2023, arXiv 2204.13929'
)

MEASURED = (
    (10, 0.0102),
    (12, 0.0034),
    (14, 0.00105),
    (16, 3.33e-4),
    (18, 1.00e-4),
    (20, 2.92e-5),
    (22, 8.7e-6),
)
"""n and the measured median, over samples from U[-1, 1], of the largest error over the targets in [-1/2, 1/2]."""


def lueker_candidates(*, eps: float, delta: float, constant: float) -> float:
    r"""Return how many random values are enough for all targets of an interval.

    .. math:: n = C \ln\frac{2}{\min(\epsilon, \delta)}

    Parameters
    ----------
    eps : float
        Error, in the unit of the values.
    delta : float
        Probability of failure.
    constant : float
        C, which depends on the law of the values alone.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Lueker 1998, Corollaries 2.5 and 3.3; recalled, unverified. The base of the logarithm is taken to be e.

    Examples
    --------
    >>> round(lueker_candidates(eps=0.01, delta=0.1, constant=1.0), 3)
    5.298
    """
    return constant * math.log(2.0 / min(eps, delta))


def lueker_products(*, eps: float, constant: float) -> float:
    r"""Return how many products of two uniform weights are enough for all targets in [-1, 1].

    .. math:: n = C \ln\frac{2}{\epsilon}

    Parameters
    ----------
    eps : float
        Error, and also the probability of failure.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Lueker 1998 as used by Pensia and others 2020; found in Natale and others 2024, Corollaries 1 and 2.

    Examples
    --------
    >>> round(lueker_products(eps=0.01, constant=1.0), 3)
    5.298
    """
    return constant * math.log(2.0 / eps)


def lueker_growth(*, covered: float) -> float:
    r"""Return how much of the interval one more value adds, at least and on average.

    With :math:`f_k(z) = 1` where the first k values have a subset sum within the error of z, and
    :math:`p = \int_{-1/2}^{1/2} f_k` the covered fraction of [-1/2, 1/2],

    .. math:: E[p_{k+1} - p_k] \ge \tfrac{1}{2} (1 - p_k)\, p_k .

    Parameters
    ----------
    covered : float
        p, from 0 to 1.

    Returns
    -------
    float
        Fraction of the interval.

    Notes
    -----
    Source: Lueker 1998; found in Xiong and others 2023, specialised to weights that are not perturbed. For values from
    U[-1, 1] it follows in one line from :math:`f_{k+1}(z) = f_k(z) + (1 - f_k(z)) f_k(z - x)`: the average of
    :math:`f_k(z - x)` over x is at least p / 2, because [z - 1, z + 1] contains [-1/2, 1/2].

    Examples
    --------
    >>> lueker_growth(covered=0.5)
    0.125
    """
    return 0.5 * (1.0 - covered) * covered


def covered_fraction(*, n: int, eps: float) -> float:
    r"""Return the covered fraction of [-1/2, 1/2] after n values if each adds exactly what Lueker's recurrence says.

    .. math:: p_0 = 2 \epsilon, \qquad p_{k+1} = p_k + \tfrac{1}{2} (1 - p_k)\, p_k

    Parameters
    ----------
    n : int
        Values.
    eps : float
        Error.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: derived in this project by iterating :func:`lueker_growth`; not from a paper. It is an estimate and no
    bound: the step is concave in p, so that the average of the steps lies below the step of the average.

    Examples
    --------
    >>> covered_fraction(n=1, eps=0.25)
    0.625
    """
    covered = min(1.0, 2.0 * eps)
    for _ in range(n):
        if covered == 1.0:
            break
        covered += lueker_growth(covered=covered)
    return covered


def esa_candidates(*, eps: float, constant: float) -> float:
    r"""Return how many uniform values are enough for all targets in [-1/2, 1/2].

    .. math:: n = C \ln\frac{1}{\epsilon}

    Parameters
    ----------
    eps : float
        Error.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: da Cunha and others 2023 (ESA, arXiv 2204.13929), abstract; found. The base of the logarithm is taken to
    be e.

    Examples
    --------
    >>> round(esa_candidates(eps=0.01, constant=1.0), 3)
    4.605
    """
    return constant * math.log(1.0 / eps)


def measured_candidates(*, eps: float) -> float:
    r"""Return the n at which half of all samples cover [-1/2, 1/2] within an error, as measured.

    It interpolates the pairs of :data:`MEASURED` linearly in :math:`\log_2(1/\epsilon)`; the practical constant
    :math:`n / \log_2(1/\epsilon)` falls from 1.51 at n = 10 to 1.31 at n = 22.

    Parameters
    ----------
    eps : float
        Error, within the measured range.

    Returns
    -------
    float
        n, not rounded.

    Notes
    -----
    Source: simulations of this project; not from a paper.

    Examples
    --------
    >>> round(measured_candidates(eps=0.00105), 6)
    14.0
    """
    n, medians = np.array(MEASURED).T
    return float(np.interp(math.log2(1.0 / eps), np.log2(1.0 / medians), n))


_ERROR = "error that is allowed"
_FAILURE = "probability of failure that is allowed"
_CANDIDATES = "random values for all targets of an interval"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="lueker1998.candidates",
        title="uniform values that reach every target in [-1/2, 1/2]",
        citation=f"{LUEKER}, Corollary 2.5",
        statement=(
            "X_1..X_n i.i.d. U[-1, 1] with n >= C ln(2 / min(eps, delta)): with probability at least 1 - delta every z "
            "in [-1/2, 1/2] has a subset sum within eps."
        ),
        quantity=_CANDIDATES,
        direction="sufficient",
        provenance="recalled",
        formula=lueker_candidates,
        parameters={"eps": small(_ERROR), "delta": small(_FAILURE)},
        constant="ln(2 / min(eps, delta))",
        count=True,
    ),
    Bound(
        key="lueker1998.other_laws",
        title="the same for every law that contains a share of a uniform one",
        citation=f"{LUEKER}, Corollary 3.3",
        statement=(
            "The density of the X_i is at least b times that of U[-a, a]; then n >= C ln(2 / min(eps, delta)) with a C "
            "that depends on the law: with probability at least 1 - delta every z in [-1/2, 1/2] has a subset sum "
            "within eps."
        ),
        quantity=_CANDIDATES,
        direction="sufficient",
        provenance="recalled",
        formula=lueker_candidates,
        parameters={"eps": small(_ERROR), "delta": small(_FAILURE)},
        constant="ln(2 / min(eps, delta)), another for each law",
        count=True,
    ),
    Bound(
        key="lueker1998.products",
        title="products of two uniform weights, half of them removed, that reach every target in [-1, 1]",
        citation=f"{LUEKER}, as used by Pensia et al. 2020 (Natale et al. 2024, Corollaries 1 and 2)",
        statement=(
            "Values are 0 with probability 1/2 and else X Y with X from U[0, 1] (or U[-1, 0]) and Y from U[-1, 1]; "
            "this law is a mixture with weight ln(2)/4 of U[-1/2, 1/2]. n >= C ln(2 / eps): with probability at least "
            "1 - eps every z in [-1, 1] has a subset sum within eps."
        ),
        quantity=_CANDIDATES,
        direction="sufficient",
        provenance="found",
        formula=lueker_products,
        parameters={"eps": small("error, and probability of failure")},
        constant="ln(2 / eps)",
        count=True,
    ),
    Bound(
        key="lueker1998.growth",
        title="growth of the covered fraction by one more value",
        citation=f"{LUEKER} (Xiong et al. 2023, specialised to weights that are not perturbed)",
        statement=(
            "p is the fraction of [-1/2, 1/2] within eps of a subset sum of the values so far. One more value from "
            "U[-1, 1] adds on average at least (1/2) (1 - p) p."
        ),
        quantity="fraction of the interval",
        direction="sufficient",
        provenance="found",
        formula=lueker_growth,
        parameters={"covered": Parameter(meaning="fraction that is covered so far", least=0.0, most=1.0)},
    ),
    Bound(
        key="derived.covered_fraction",
        title="covered fraction after n values by Lueker's recurrence",
        citation="this project: the recurrence of lueker1998.growth, iterated",
        statement="p_0 = min(1, 2 eps) and p_{k+1} = p_k + (1/2) (1 - p_k) p_k; returns p_n. An estimate, no bound.",
        quantity="fraction of the interval",
        direction="estimate",
        provenance="derived",
        formula=covered_fraction,
        parameters={"n": whole("values", least=0, most=10_000), "eps": small(_ERROR, below=0.5, monotone=1)},
    ),
    Bound(
        key="dacunha2023.subset_sum.candidates",
        title="uniform values that reach every target in [-1/2, 1/2], by an elementary proof",
        citation=ESA,
        statement="n = C ln(1 / eps) values are enough, with high probability, for all targets in [-1/2, 1/2].",
        quantity=_CANDIDATES,
        direction="sufficient",
        provenance="found",
        formula=esa_candidates,
        parameters={"eps": small(_ERROR)},
        constant="ln(1 / eps)",
        count=True,
        caveat="its abstract says O(log 1/eps); explicit constants are not in the catalogue, being unsure",
    ),
    Bound(
        key="derived.interval.measured",
        title="uniform values that reach every target in [-1/2, 1/2] in half of all samples, as measured",
        citation="this project: simulation for n = 10, 12, ..., 22",
        statement=(
            "n interpolated between measured medians, linearly in log2(1 / eps): n / log2(1 / eps) falls from 1.51 at "
            "n = 10 to 1.31 at n = 22."
        ),
        quantity=_CANDIDATES,
        direction="estimate",
        provenance="derived",
        formula=measured_candidates,
        parameters={
            "eps": Parameter(
                meaning="error, within the measured range", least=MEASURED[-1][1], most=MEASURED[0][1], monotone=-1
            )
        },
        caveat="medians of one series of simulations",
    ),
)
