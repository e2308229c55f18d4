"""What optima and polynomial algorithms reach in number partitioning, and what exact ones cost."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import FREE, Parameter, whole

DIFFERENCING_EXPONENT = 1.0 / (2.0 * math.log(2.0))

Many = Annotated[int, whole("how many numbers, n", least=3, most=1e9, monotone=-1)]
Few = Annotated[int, whole("how many numbers, n", most=1000)]
Dimension = Annotated[int, whole("the dimension d")]
GAUSSIAN = Assumption(words="the vectors are independent and N(0, I)")
UNIFORM = Assumption(words="the numbers are independent and uniform in [0, 1]; the statement is a limit in n")
NORMAL = Assumption(words="the numbers are independent, from N(0, 1)")
TURNER = "Turner, Meka, Rigollet, 'Balancing Gaussian vectors in high dimension', COLT 2020, PMLR 125"
KKLO = (
    "Karmarkar, Karp, Lueker, Odlyzko, 'Probabilistic Analysis of Optimum Partitioning', J. Appl. Probab. 23, 1986; as "
    "cited by Turner et al. 2020"
)
ABSTRACT = "its abstract was read"
RESTATED = "second-hand: as restated in arXiv 2010.08576 and 2402.13170"

_bound = partial(bound, provenance="found", direction="estimate")


@_bound(
    "boettcher2008.difference",
    "Boettcher, Mertens, 'Analysis of the Karmarkar-Karp Differencing Algorithm', 2008, arXiv 0802.4040",
    quantity="difference of the two sums",
    assumes=(UNIFORM,),
    caveat="a limit with strong effects of finite n",
)
def differencing_error(*, n: Many) -> float:
    """Difference that Karmarkar and Karp's algorithm leaves.

    n^(-c ln n), c = 1/(2 ln 2) = 0.7213, for n -> infinity, in O(n log n) steps.

    >>> f"{differencing_error(n=1000):.2g}"
    '1.1e-15'
    """
    return math.exp(-DIFFERENCING_EXPONENT * math.log(n) ** 2)


@_bound(
    "yakir1996.difference",
    "Yakir, 1996, proof of a conjecture of Karmarkar and Karp",
    quantity="difference of the two sums",
    assumes=(UNIFORM,),
    constant="ln n in the exponent of n",
    caveat="second-hand: as cited by Turner et al. 2020 and by Boettcher and Mertens 2008",
)
def quasi_polynomial_error(*, n: Many, constant: float) -> float:
    """Order of the difference that the differencing algorithm leaves.

    n^(-C ln n) for some constant C.

    >>> f"{quasi_polynomial_error(n=1000, constant=0.5):.2g}"
    '4.3e-11'
    """
    return math.exp(-constant * math.log(n) ** 2)


@_bound(
    "gamarnik.difference",
    "Gamarnik, Kizildag, 'Algorithmic Obstructions in the Random Number Partitioning Problem', 2021, arXiv 2103.01369",
    quantity="difference of the two sums",
    assumes=(NORMAL,),
    constant="log2(n)^2 in the exponent of 1/2",
    caveat=ABSTRACT,
)
def polynomial_time_error(*, n: Many, constant: float) -> float:
    """Difference that polynomial algorithms reach.

    2^(-C log2(n)^2), where the optimum is near 2^-n. Stable algorithms are shown to fail only below
    2^(-omega(n / ln(n)^(1/5))), and overlaps of many solutions to have a gap below 2^(-omega(sqrt(n ln n))).

    That nothing much better is possible is said by others: vafa2025.difference and mallarapu2025.difference.

    >>> polynomial_time_error(n=1024, constant=0.1) == 2.0**-10
    True
    """
    return math.exp2(-constant * math.log2(n) ** 2)


@bound(
    "vafa2025.difference",
    "Vafa, Vaikuntanathan, 'Symmetric Perceptrons, Number Partitioning and Lattices', STOC 2025, arXiv 2501.16517",
    quantity="difference of the two sums",
    provenance="found",
    direction="necessary",
    assumes=(
        NORMAL,
        Assumption(
            words="approximate shortest vectors of lattices are hard to find in the worst case, for any algorithm "
            "of polynomial time"
        ),
    ),
    constant="log2(n)^3 in the exponent of 1/2",
    caveat=f"conditional; {ABSTRACT}",
)
def lattice_barrier(*, n: Many, constant: float) -> float:
    """Difference that no polynomial algorithm goes below, if lattice problems are hard.

    No algorithm of polynomial time reaches 2^(-C log2(n)^3).

    >>> lattice_barrier(n=1024, constant=0.01) == 2.0**-10
    True
    """
    return math.exp2(-constant * math.log2(n) ** 3)


@bound(
    "mallarapu2025.difference",
    "Mallarapu, Sellke, on low coordinate degree in number partitioning, 2025, arXiv 2505.20607",
    quantity="difference of the two sums",
    provenance="found",
    direction="necessary",
    assumes=(NORMAL, Assumption(words="the algorithm is a function of coordinate degree at most D")),
    constant="D in the exponent of 1/2, up to logarithms",
    caveat=ABSTRACT,
)
def degree_barrier(
    *, degree: Annotated[int, whole("D, the coordinate degree", most=1000, monotone=-1)], constant: float
) -> float:
    """Difference that no algorithm of a coordinate degree goes below.

    Algorithms of coordinate degree D fail beyond 2^(-C D), C polylogarithmic in n.

    >>> degree_barrier(degree=10, constant=1.0) == 2.0**-10
    True
    """
    return math.exp2(-constant * degree)


@_bound(
    "karmarkar1986.optimum",
    KKLO,
    quantity="difference of the two sums",
    assumes=(UNIFORM,),
    constant="sqrt(n) 2^-n",
    caveat="second-hand",
)
def partition_order(*, n: Annotated[Few, FREE], constant: float) -> float:
    """Order of the least difference of a partition.

    The median over samples is Theta(sqrt(n) 2^-n); for parts of n/2 numbers each it is Theta(n 2^-n).

    >>> partition_order(n=16, constant=1.0) == 2.0**-14
    True
    """
    return constant * math.sqrt(n) * math.exp2(-n)


@_bound(
    "karmarkar1986.balanced",
    KKLO,
    quantity="difference of the two sums",
    assumes=(UNIFORM,),
    constant="n 2^-n",
    caveat="second-hand",
)
def balanced_order(*, n: Annotated[Few, FREE], constant: float) -> float:
    """Order of the least difference of a partition into parts of equally many numbers.

    The median over samples is Theta(n 2^-n).

    >>> balanced_order(n=16, constant=1.0) == 2.0**-12
    True
    """
    return math.sqrt(n) * partition_order.formula(n=n, constant=constant)


@_bound(
    "turner.optimum",
    f"{TURNER}, Theorem 1",
    quantity="discrepancy in the maximum norm",
    assumes=(
        GAUSSIAN,
        Assumption(words="d grows with n, and more slowly than n; for fixed d see derived.balancing.error"),
    ),
)
def balancing_optimum(
    *, n: Annotated[int, whole("how many vectors, n", most=1000, monotone=0)], dimension: Dimension
) -> float:
    """Least discrepancy of Gaussian vectors.

    min over signs of ||sum +-x_i||_inf is below g sqrt(pi n / 2) 2^(-n/d) with high probability for every g > 1, and
    for no g < 1.

    >>> round(balancing_optimum(n=16, dimension=2) / math.sqrt(math.pi / 2.0), 12)
    0.015625
    """
    return math.sqrt(0.5 * math.pi * n) * math.exp2(-n / dimension)


@bound(
    "derived.balancing.error",
    "this project, a Poisson law of good sign choices; Costello 2009, in Turner et al. 2020, has another constant",
    quantity="discrepancy in the maximum norm",
    provenance="derived",
    direction="estimate",
    assumes=(GAUSSIAN,),
    caveat="a limit in n for fixed d, simulated for d of 1 to 4",
)
def balancing_quantile(
    *,
    n: Annotated[int, whole("how many vectors, n", most=1000, monotone=0)],
    dimension: Annotated[int, whole("the dimension d", monotone=0)],  # of high levels and small n it falls
    level: Annotated[
        float, Parameter(meaning="the probability of a smaller discrepancy", least=1e-9, below=1.0, monotone=1)
    ] = 0.5,
) -> float:
    """Quantile of the least discrepancy of Gaussian vectors.

    P(min over signs of ||sum +-x_i||_inf <= g sqrt(pi n / 2) 2^(-n/d)) -> 1 - exp(-g^d / 2) for fixed d.

    2^(n-1) choices up to a common sign each succeed with probability (2 t)^d (2 pi n)^(-d/2).

    >>> round(balancing_quantile(n=16, dimension=2) / balancing_optimum(n=16, dimension=2), 4)
    1.1774
    """
    return math.pow(-2.0 * math.log1p(-level), 1.0 / dimension) * balancing_optimum.formula(n=n, dimension=dimension)


@_bound(
    "turner.algorithm",
    f"{TURNER}, Theorem 3",
    quantity="discrepancy in the maximum norm",
    assumes=(
        Assumption(
            words="the numbers of the vectors are independent, with a bounded and Lipschitz density, as N(0, 1)"
        ),
        Assumption(
            words="d is at most sqrt(ln n), the factor of that being unspecified and taken to be 1",
            holds=lambda given: given["dimension"] ** 2 <= math.log(given["n"]),
        ),
    ),
    constant="ln(n)^2/d in the exponent of 1/e",
)
def balancing_algorithm(*, n: Many, dimension: Dimension, constant: float) -> float:
    """Discrepancy of Gaussian vectors that an efficient algorithm reaches.

    A polynomial algorithm reaches e^(-C ln(n)^2/d).

    >>> round(balancing_algorithm(n=1000, dimension=2, constant=1.0), 12)
    4.3e-11
    """
    return math.exp(-constant * math.log(n) ** 2 / dimension)


@bound(
    "meet_in_the_middle.sums",
    "Horowitz, Sahni, JACM 21(2), 277-292, 1974: meet in the middle, two lists",
    quantity="subset sums",
    provenance="found",
    constant="2^(n/2)",
    count=True,
    caveat=RESTATED,
)
def two_list_sums(*, n: Few, constant: float) -> float:
    """Steps and memory of meeting in the middle.

    Exact subset sum in C 2^(n/2) steps with C 2^(n/2) stored sums, up to factors polynomial in n.

    >>> two_list_sums(n=40, constant=1.0)
    1048576.0
    """
    return constant * math.exp2(0.5 * n)


@bound(
    "schroeppel.sums",
    "Schroeppel, Shamir, SIAM J. Comput. 10(3), 456-464, 1981: four lists",
    quantity="subset sums in memory",
    provenance="found",
    constant="2^(n/4)",
    count=True,
    caveat=RESTATED,
)
def four_list_sums(*, n: Few, constant: float) -> float:
    """Memory of exact subset sum with four lists.

    Exact subset sum with C 2^(n/4) stored sums, in as many steps as two lists.

    >>> four_list_sums(n=40, constant=1.0)
    1024.0
    """
    return constant * math.exp2(0.25 * n)
