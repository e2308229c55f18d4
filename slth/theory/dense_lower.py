"""Dense networks: Pensia and others 2020, the lower bounds by counting."""

from __future__ import annotations

import math

from slth.theory.dense import PENSIA
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import small, whole


def lower_parameters(*, d: int, eps: float) -> float:
    r"""Return the weights without which no network serves all linear maps.

    .. math:: m \ge d^2 \log_2 \frac{1}{2\epsilon} - 1

    Parameters
    ----------
    d : int
        Inputs, and outputs.
    eps : float
        Error of the output over the unit ball.

    Returns
    -------
    float
        m, before it is rounded up; at least 0.

    Notes
    -----
    Source: Pensia and others 2020, Theorem 2; found in Natale and others 2024, appendix 7.

    Examples
    --------
    >>> lower_parameters(d=3, eps=0.125)
    17.0
    """
    return max(0.0, d * d * math.log2(1.0 / (2.0 * eps)) - 1.0)


def lower_width(*, d: int, eps: float, constant: float) -> float:
    r"""Return the width without which two layers cannot serve all linear maps, up to a factor.

    .. math:: w = C\, d \ln \frac{1}{\epsilon}

    Parameters
    ----------
    d : int
        Inputs, and outputs.
    eps : float
        Error of the output over the unit ball.
    constant : float
        C.

    Returns
    -------
    float
        w, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020, Theorem 2; found in Natale and others 2024, appendix 7.

    Examples
    --------
    >>> round(lower_width(d=10, eps=0.01, constant=1.0), 2)
    46.05
    """
    return constant * d * math.log(1.0 / eps)


def lower_deep_width(*, d: int, depth: int, eps: float, constant: float) -> float:
    r"""Return the width without which a network of a depth cannot serve all linear maps, up to a factor.

    .. math:: w = C\, d \sqrt{\ln(1/\epsilon) / L}

    Parameters
    ----------
    d : int
        Inputs, and outputs.
    depth : int
        Layers L of the source.
    eps : float
        Error of the output over the unit ball.
    constant : float
        C.

    Returns
    -------
    float
        w, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020, general version of Theorem 2; recalled, unverified.

    Examples
    --------
    >>> round(lower_deep_width(d=10, depth=4, eps=0.01, constant=1.0), 2)
    10.73
    """
    return constant * d * math.sqrt(math.log(1.0 / eps) / depth)


def lower_density(*, d: int, m: int, eps: float) -> float:
    r"""Return the density without which the subnetworks of m weights cannot serve all linear maps.

    It is the smallest :math:`\gamma` with

    .. math:: \gamma\, m \log_2 \frac{e}{\gamma} \ge d^2 \log_2 \frac{1}{2\epsilon} - 1 .

    Parameters
    ----------
    d : int
        Inputs, and outputs.
    m : int
        Weights of the source.
    eps : float
        Error of the output over the unit ball.

    Returns
    -------
    float
        Density, kept / total, by Brent's method.

    Notes
    -----
    Source: Pensia and others 2020, Theorem 2; found in Natale and others 2024, appendix 7.

    Examples
    --------
    >>> round(lower_density(d=10, m=1000, eps=0.01), 4)
    0.1277
    """
    from scipy.optimize import brentq  # here, because it takes a quarter of a second

    bits = lower_parameters(d=d, eps=eps) / m
    if bits <= 0.0:
        return 0.0

    def excess(log_density: float) -> float:
        return math.exp(log_density) * (1.0 - log_density) / math.log(2.0) - bits

    return math.exp(brentq(excess, -800.0, 0.0, xtol=1e-14, rtol=1e-14)) if excess(0.0) > 0.0 else 1.0


_D = whole("inputs, and outputs")
_EPS = small("error of the output over the unit ball")
_MAPS = "F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 within eps"
_LOWER = f"{PENSIA}, Theorem 2 (Natale et al. 2024, appendix 7)"
_WIDTH = "hidden width"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="pensia2020.lower.parameters",
        title="weights without which no network serves all linear maps",
        citation=_LOWER,
        statement=f"{_MAPS}: m >= d^2 log2(1 / (2 eps)) - 1.",
        quantity="weights",
        direction="necessary",
        provenance="found",
        formula=lower_parameters,
        parameters={"d": _D, "eps": _EPS},
        count=True,
    ),
    Bound(
        key="pensia2020.lower.width",
        title="width without which two layers cannot serve all linear maps, up to a factor",
        citation=_LOWER,
        statement=f"{_MAPS}: two layers need a width of Omega(d ln(1 / eps)).",
        quantity=_WIDTH,
        direction="necessary",
        provenance="found",
        formula=lower_width,
        parameters={"d": _D, "eps": _EPS},
        constant="d ln(1 / eps)",
        count=True,
    ),
    Bound(
        key="pensia2020.lower.deep_width",
        title="width without which deeper networks cannot serve all linear maps, up to a factor",
        citation=f"{PENSIA}, Theorem 2 for any depth",
        statement="A width of Omega(d sqrt(ln(1 / eps) / depth)) is needed.",
        quantity=_WIDTH,
        direction="necessary",
        provenance="recalled",
        formula=lower_deep_width,
        parameters={"d": _D, "depth": whole("layers of the source", monotone=-1), "eps": _EPS},
        constant="d sqrt(ln(1 / eps) / depth)",
        count=True,
    ),
    Bound(
        key="pensia2020.lower.density",
        title="density without which the subnetworks of m weights cannot serve all linear maps",
        citation=_LOWER,
        statement=(
            f"{_MAPS} by a subnetwork of at most gamma m weights: gamma m log2(e / gamma) >= d^2 log2(1 / (2 eps)) - "
            "1, solved for gamma by Brent's method."
        ),
        quantity="density",
        direction="necessary",
        provenance="found",
        formula=lower_density,
        parameters={"d": _D, "m": whole("weights of the source", most=10**12, monotone=-1), "eps": _EPS},
        assumptions=(
            Assumption(
                words="m log2(e) is at least d^2 log2(1 / (2 eps)) - 1, as some density is else never enough",
                holds=lambda given: (
                    given["m"] / math.log(2.0) >= lower_parameters(d=int(given["d"]), eps=float(given["eps"]))
                ),
            ),
        ),
        implicit=True,
    ),
)
