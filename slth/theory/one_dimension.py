"""Subset sums of numbers: Lueker 1998, da Cunha and others 2023, and what was measured here."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
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

_CANDIDATES = "random values for all targets of an interval"

Error = Annotated[float, small("error that is allowed")]
Failure = Annotated[float, small("probability of failure that is allowed")]

_bound = partial(bound, provenance="found", count=True, quantity=_CANDIDATES)


@_bound(
    "lueker1998.candidates",
    f"{LUEKER}, Corollary 2.5",
    constant="ln(2 / min(eps, delta))",
    caveat="second-hand: its form, in Xiong et al. 2023, section 4; derived.uniform.candidates has every constant",
)
def lueker_candidates(*, eps: Error, delta: Failure, constant: float) -> float:
    """Uniform values that reach every target in [-1/2, 1/2].

    X_1..X_n i.i.d. U[-1, 1] with n >= C ln(2 / min(eps, delta)): with probability at least 1 - delta every z in
    [-1/2, 1/2] has a subset sum within eps.

    >>> lueker_candidates(eps=0.01, delta=0.1, constant=1.0)
    6.0
    """
    return constant * math.log(2.0 / min(eps, delta))


@_bound(
    "lueker1998.other_laws",
    f"{LUEKER}, Corollary 3.3",
    constant="ln(2 / min(eps, delta)), another for each law",
    caveat="second-hand: quoted by Otsuka et al. 2025, Lemma 7",
)
def lueker_other_laws(*, eps: Error, delta: Failure, constant: float) -> float:
    """The same for every law that contains a share of a uniform one.

    The density of the X_i is at least b times that of U[-a, a]; then n >= C ln(2 / min(eps, delta)) with a C that
    depends on the law: with probability at least 1 - delta every z in [-1/2, 1/2] has a subset sum within eps.

    >>> lueker_other_laws(eps=0.01, delta=0.1, constant=2.0)
    11.0
    """
    return lueker_candidates.formula(eps=eps, delta=delta, constant=constant)


@_bound(
    "lueker1998.products",
    f"{LUEKER}, as used by Pensia et al. 2020 (Natale et al. 2024, Corollaries 1 and 2)",
    constant="ln(2 / eps)",
)
def lueker_products(*, eps: Annotated[float, small("error, and probability of failure")], constant: float) -> float:
    """Products of two uniform weights, half of them removed, that reach every target in [-1, 1].

    Values are 0 with probability 1/2 and else X Y with X from U[0, 1] (or U[-1, 0]) and Y from U[-1, 1]; this law is a
    mixture with weight ln(2)/4 of U[-1/2, 1/2]. n >= C ln(2 / eps): with probability at least 1 - eps every z in
    [-1, 1] has a subset sum within eps.

    >>> lueker_products(eps=0.01, constant=1.0)
    6.0
    """
    return constant * math.log(2.0 / eps)


@bound(
    "lueker1998.growth",
    f"{LUEKER} (Xiong et al. 2023, specialised to weights that are not perturbed)",
    quantity="fraction of the interval",
    provenance="found",
)
def lueker_growth(
    *, covered: Annotated[float, Parameter(meaning="fraction that is covered so far", least=0.0, most=1.0)]
) -> float:
    """Growth of the covered fraction by one more value.

    p is the fraction of [-1/2, 1/2] within eps of a subset sum of the values so far. One more value from U[-1, 1] adds
    on average at least (1/2) (1 - p) p.

    For values from U[-1, 1] it follows in one line from f_{k+1}(z) = f_k(z) + (1 - f_k(z)) f_k(z - x), f_k(z) = 1 where
    z is covered by k values: the average of f_k(z - x) over x is at least p / 2, because [z - 1, z + 1] contains
    [-1/2, 1/2].

    >>> lueker_growth(covered=0.5)
    0.125
    """
    return 0.5 * (1.0 - covered) * covered


@bound(
    "derived.covered_fraction",
    "this project: the recurrence of lueker1998.growth, iterated",
    quantity="fraction of the interval",
    provenance="derived",
    direction="estimate",
)
def covered_fraction(
    *,
    n: Annotated[int, whole("values", least=0, most=10_000)],
    eps: Annotated[Error, {"below": 0.5, "monotone": 1}],
) -> float:
    """Covered fraction after n values by Lueker's recurrence.

    p_0 = min(1, 2 eps) and p_{k+1} = p_k + (1/2) (1 - p_k) p_k; returns p_n. An estimate, no bound.

    The step is concave in p, so that the average of the steps lies below the step of the average.

    >>> covered_fraction(n=1, eps=0.25)
    0.625
    """
    covered = min(1.0, 2.0 * eps)
    for _ in range(n):
        if covered == 1.0:
            break
        covered += lueker_growth.formula(covered=covered)
    return covered


@_bound(
    "dacunha2023.subset_sum.candidates",
    ESA,
    constant="ln(1 / eps)",
    caveat="its abstract says O(log 1/eps); explicit constants are not in the catalogue, being unsure",
)
def esa_candidates(*, eps: Error, constant: float) -> float:
    """Uniform values that reach every target in [-1/2, 1/2], by an elementary proof.

    n = C ln(1 / eps) values are enough, with high probability, for all targets in [-1/2, 1/2].

    >>> esa_candidates(eps=0.01, constant=1.0)
    5.0
    """
    return constant * math.log(1.0 / eps)


@bound(
    "derived.interval.measured",
    "this project: simulation for n = 10, 12, ..., 22",
    quantity=_CANDIDATES,
    provenance="derived",
    direction="estimate",
    caveat="medians of one series of simulations",
)
def measured_candidates(
    *,
    eps: Annotated[
        float,
        Parameter(meaning="error, within the measured range", least=MEASURED[-1][1], most=MEASURED[0][1], monotone=-1),
    ],
) -> float:
    """Uniform values that reach every target in [-1/2, 1/2] in half of all samples, as measured.

    n interpolated between measured medians, linearly in log2(1 / eps): n / log2(1 / eps) falls from 1.51 at n = 10 to
    1.31 at n = 22.

    >>> round(measured_candidates(eps=0.00105), 6)
    14.0
    """
    n, medians = np.array(MEASURED).T
    return float(np.interp(math.log2(1.0 / eps), np.log2(1.0 / medians), n))
