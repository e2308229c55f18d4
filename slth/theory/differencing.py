"""What polynomial algorithms reach in number partitioning, and what exact ones cost."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import whole

DIFFERENCING_EXPONENT = 1.0 / (2.0 * math.log(2.0))

Many = Annotated[int, whole("how many numbers, n", least=3, most=1e9, monotone=-1)]
Few = Annotated[int, whole("how many numbers, n", most=1000)]
Dimension = Annotated[int, whole("the dimension d")]
GAUSSIAN = Assumption(words="the vectors are independent and N(0, I)")
UNIFORM = Assumption(words="the numbers are independent and uniform in [0, 1]; the statement is a limit in n")
TURNER = "Turner, Meka, Rigollet, on balancing Gaussian vectors"


@bound(
    "boettcher2008.difference",
    "Boettcher, Mertens, 'Analysis of the Karmarkar-Karp Differencing Algorithm', 2008, arXiv 0802.4040",
    quantity="difference of the two sums",
    provenance="found",
    direction="estimate",
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


@bound(
    "yakir1996.difference",
    "Yakir, 1996, proof of a conjecture of Karmarkar and Karp",
    quantity="difference of the two sums",
    provenance="recalled",
    direction="estimate",
    assumes=(UNIFORM,),
    constant="ln n in the exponent of n",
)
def quasi_polynomial_error(*, n: Many, constant: float) -> float:
    """Order of the difference that the differencing algorithm leaves.

    n^(-C ln n) for some constant C.

    >>> f"{quasi_polynomial_error(n=1000, constant=0.5):.2g}"
    '4.3e-11'
    """
    return math.exp(-constant * math.log(n) ** 2)


@bound(
    "gamarnik.difference",
    "Gamarnik, Kizildag, on overlap gaps of number partitioning",
    quantity="difference of the two sums",
    provenance="recalled",
    direction="estimate",
    assumes=(UNIFORM,),
    constant="log2(n)^2 in the exponent of 1/2",
)
def polynomial_time_error(*, n: Many, constant: float) -> float:
    """Difference that polynomial algorithms reach.

    2^(-C log2(n)^2), where the optimum is near 2^-n; overlap gaps suggest that the hardness is real.

    >>> polynomial_time_error(n=1024, constant=0.1) == 2.0**-10
    True
    """
    return math.exp2(-constant * math.log2(n) ** 2)


@bound(
    "turner.optimum",
    TURNER,
    quantity="discrepancy in the maximum norm",
    provenance="recalled",
    direction="estimate",
    assumes=(GAUSSIAN,),
    constant="sqrt(n) 2^(-n/d)",
)
def balancing_optimum(
    *, n: Annotated[int, whole("how many vectors, n", most=1000, monotone=0)], dimension: Dimension, constant: float
) -> float:
    """Least discrepancy of Gaussian vectors.

    min over signs of ||sum +-x_i||_inf is of the order sqrt(n) 2^(-n/d).

    >>> balancing_optimum(n=16, dimension=2, constant=1.0)
    0.015625
    """
    return constant * math.sqrt(n) * math.exp2(-n / dimension)


@bound(
    "turner.algorithm",
    TURNER,
    quantity="discrepancy in the maximum norm",
    provenance="recalled",
    direction="estimate",
    assumes=(GAUSSIAN,),
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
    "meet in the middle, two lists",
    quantity="subset sums",
    provenance="recalled",
    constant="2^(n/2)",
    count=True,
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
    "Schroeppel, Shamir, four lists",
    quantity="subset sums in memory",
    provenance="recalled",
    constant="2^(n/4)",
    count=True,
)
def four_list_sums(*, n: Few, constant: float) -> float:
    """Memory of exact subset sum with four lists.

    Exact subset sum with C 2^(n/4) stored sums, in as many steps as two lists.

    >>> four_list_sums(n=40, constant=1.0)
    1024.0
    """
    return constant * math.exp2(0.25 * n)
