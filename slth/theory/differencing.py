"""What polynomial algorithms reach in number partitioning, and what exact ones cost.

Formulas raise nothing of their own: the bound that holds one checks its arguments first.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import whole

DIFFERENCING_EXPONENT = 1.0 / (2.0 * math.log(2.0))


def differencing_error(*, n: float) -> float:
    r"""Return the difference that Karmarkar and Karp's algorithm leaves, :math:`n^{-c \ln n}`, c = 1 / (2 ln 2).

    Parameters
    ----------
    n : int
        Numbers, uniform in [0, 1].

    Returns
    -------
    float
        In the unit of the numbers.

    Notes
    -----
    Source: Boettcher and Mertens 2008 (arXiv 0802.4040), abstract: c = 0.7213 for n to infinity, with strong effects of
    finite n.

    Examples
    --------
    >>> f"{differencing_error(n=1000):.2g}"
    '1.1e-15'
    """
    return math.exp(-DIFFERENCING_EXPONENT * math.log(n) ** 2)


def quasi_polynomial_error(*, n: float, constant: float) -> float:
    r"""Return :math:`n^{-C \ln n}`, the kind of difference that the differencing algorithm leaves.

    Parameters
    ----------
    n : int
        Numbers.
    constant : float
        C, in the exponent.

    Returns
    -------
    float
        In the unit of the numbers.

    Notes
    -----
    Source: Yakir 1996, n^(-Theta(log n)); recalled, unverified.

    Examples
    --------
    >>> f"{quasi_polynomial_error(n=1000, constant=0.5):.2g}"
    '4.3e-11'
    """
    return math.exp(-constant * math.log(n) ** 2)


def polynomial_time_error(*, n: float, constant: float) -> float:
    r"""Return what polynomial algorithms reach, :math:`2^{-C \log_2^2 n}`, where the optimum is near :math:`2^{-n}`.

    Parameters
    ----------
    n : int
        Numbers.
    constant : float
        C, in the exponent.

    Returns
    -------
    float
        In the unit of the numbers.

    Notes
    -----
    Source: Gamarnik and Kizildag, overlap gaps of number partitioning; recalled, unverified.

    Examples
    --------
    >>> polynomial_time_error(n=1024, constant=0.1) == 2.0**-10
    True
    """
    return math.exp2(-constant * math.log2(n) ** 2)


def balancing_optimum(*, n: float, dimension: float, constant: float) -> float:
    r"""Return the least discrepancy of n Gaussian vectors, :math:`C \sqrt n\, 2^{-n/d}`.

    Parameters
    ----------
    n : int
        Vectors.
    dimension : int
        d.
    constant : float
        C.

    Returns
    -------
    float
        Maximum norm of the best signed sum.

    Notes
    -----
    Source: Turner, Meka and Rigollet; recalled, unverified.

    Examples
    --------
    >>> balancing_optimum(n=16, dimension=2, constant=1.0)
    0.015625
    """
    return constant * math.sqrt(n) * math.exp2(-n / dimension)


def balancing_algorithm(*, n: float, dimension: float, constant: float) -> float:
    r"""Return the discrepancy that an efficient algorithm reaches, :math:`e^{-C \ln^2 n / d}`.

    Parameters
    ----------
    n : int
        Vectors.
    dimension : int
        d.
    constant : float
        C, in the exponent.

    Returns
    -------
    float
        Maximum norm of the signed sum.

    Notes
    -----
    Source: Turner, Meka and Rigollet; recalled, unverified.

    Examples
    --------
    >>> round(balancing_algorithm(n=1000, dimension=2, constant=1.0), 12)
    4.3e-11
    """
    return math.exp(-constant * math.log(n) ** 2 / dimension)


def two_list_sums(*, n: float, constant: float) -> float:
    r"""Return the steps, and the stored sums, of meeting in the middle, :math:`C\, 2^{n/2}`.

    Parameters
    ----------
    n : int
        Numbers.
    constant : float
        C.

    Returns
    -------
    float
        Subset sums.

    Notes
    -----
    Source: folklore of exact subset sum (meet in the middle); recalled, unverified.

    Examples
    --------
    >>> two_list_sums(n=40, constant=1.0)
    1048576.0
    """
    return constant * math.exp2(0.5 * n)


def four_list_sums(*, n: float, constant: float) -> float:
    r"""Return the stored sums of Schroeppel and Shamir's algorithm, :math:`C\, 2^{n/4}`.

    Parameters
    ----------
    n : int
        Numbers.
    constant : float
        C.

    Returns
    -------
    float
        Subset sums in memory; the steps stay :math:`2^{n/2}`.

    Notes
    -----
    Source: Schroeppel and Shamir; recalled, unverified.

    Examples
    --------
    >>> four_list_sums(n=40, constant=1.0)
    1024.0
    """
    return constant * math.exp2(0.25 * n)


MANY = whole("how many numbers, n", least=3, most=1e9, monotone=-1)
FEW = whole("how many numbers, n", most=1000)
DIMENSION = whole("the dimension d")
GAUSSIAN = Assumption(words="the vectors are independent and N(0, I)")
UNIFORM = Assumption(words="the numbers are independent and uniform in [0, 1]; the statement is a limit in n")
TURNER = "Turner, Meka, Rigollet, on balancing Gaussian vectors"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="boettcher2008.difference",
        title="difference that Karmarkar and Karp's algorithm leaves",
        citation="Boettcher, Mertens, 'Analysis of the Karmarkar-Karp Differencing Algorithm', 2008, arXiv 0802.4040",
        statement="n^(-c ln n), c = 1/(2 ln 2) = 0.7213, for n -> infinity, in O(n log n) steps",
        quantity="difference of the two sums",
        direction="estimate",
        provenance="found",
        formula=differencing_error,
        parameters={"n": MANY},
        assumptions=(UNIFORM,),
        caveat="a limit with strong effects of finite n",
    ),
    Bound(
        key="yakir1996.difference",
        title="order of the difference that the differencing algorithm leaves",
        citation="Yakir, 1996, proof of a conjecture of Karmarkar and Karp",
        statement="n^(-C ln n) for some constant C",
        quantity="difference of the two sums",
        direction="estimate",
        provenance="recalled",
        formula=quasi_polynomial_error,
        parameters={"n": MANY},
        assumptions=(UNIFORM,),
        constant="ln n in the exponent of n",
    ),
    Bound(
        key="gamarnik.difference",
        title="difference that polynomial algorithms reach",
        citation="Gamarnik, Kizildag, on overlap gaps of number partitioning",
        statement="2^(-C log2(n)^2), where the optimum is near 2^-n; overlap gaps suggest that the hardness is real",
        quantity="difference of the two sums",
        direction="estimate",
        provenance="recalled",
        formula=polynomial_time_error,
        parameters={"n": MANY},
        assumptions=(UNIFORM,),
        constant="log2(n)^2 in the exponent of 1/2",
    ),
    Bound(
        key="turner.optimum",
        title="least discrepancy of Gaussian vectors",
        citation=TURNER,
        statement="min over signs of ||sum +-x_i||_inf is of the order sqrt(n) 2^(-n/d)",
        quantity="discrepancy in the maximum norm",
        direction="estimate",
        provenance="recalled",
        formula=balancing_optimum,
        parameters={"n": whole("how many vectors, n", most=1000, monotone=0), "dimension": DIMENSION},
        assumptions=(GAUSSIAN,),
        constant="sqrt(n) 2^(-n/d)",
    ),
    Bound(
        key="turner.algorithm",
        title="discrepancy of Gaussian vectors that an efficient algorithm reaches",
        citation=TURNER,
        statement="A polynomial algorithm reaches e^(-C ln(n)^2/d)",
        quantity="discrepancy in the maximum norm",
        direction="estimate",
        provenance="recalled",
        formula=balancing_algorithm,
        parameters={"n": MANY, "dimension": DIMENSION},
        assumptions=(GAUSSIAN,),
        constant="ln(n)^2/d in the exponent of 1/e",
    ),
    Bound(
        key="meet_in_the_middle.sums",
        title="steps and memory of meeting in the middle",
        citation="meet in the middle, two lists",
        statement="Exact subset sum in C 2^(n/2) steps with C 2^(n/2) stored sums, up to factors polynomial in n",
        quantity="subset sums",
        direction="sufficient",
        provenance="recalled",
        formula=two_list_sums,
        parameters={"n": FEW},
        constant="2^(n/2)",
        count=True,
    ),
    Bound(
        key="schroeppel.sums",
        title="memory of exact subset sum with four lists",
        citation="Schroeppel, Shamir, four lists",
        statement="Exact subset sum with C 2^(n/4) stored sums, in as many steps as two lists",
        quantity="subset sums in memory",
        direction="sufficient",
        provenance="recalled",
        formula=four_list_sums,
        parameters={"n": FEW},
        constant="2^(n/4)",
        count=True,
    ),
)
