"""Dense networks before subset sums: Malach and others 2020, and Orseau, Hutter and Rivasplata 2020."""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import small, whole

MALACH = (
    'E. Malach, G. Yehudai, S. Shalev-Shwartz and O. Shamir, "Proving the Lottery Ticket Hypothesis: Pruning is All '
    'You Need", ICML 2020, arXiv 2002.00585'
)
ORSEAU = 'L. Orseau, M. Hutter and O. Rivasplata, "Logarithmic Pruning is All You Need", NeurIPS 2020, arXiv 2006.12156'


def malach_width(*, d: int, layers: int, eps: float, delta: float, constant: float) -> float:
    r"""Return the width of a random network in which one weight in many is close to each of the target's.

    .. math:: C\, \frac{d^5 l^2}{\epsilon^2} \ln\frac{d\, l}{\delta}

    Parameters
    ----------
    d : int
        Width of the target.
    layers : int
        Layers l of the target.
    eps : float
        Error of the output over the unit ball.
    delta : float
        Probability of failure.
    constant : float
        C.

    Returns
    -------
    float
        Width, before it is rounded up.

    Notes
    -----
    Source: Malach and others 2020, Theorem 2.1; the power :math:`d^5 l^2` found in Kumar and Natale 2025, the other
    factors recalled, unverified. The base of the logarithm is taken to be e.

    Examples
    --------
    >>> round(malach_width(d=2, layers=1, eps=0.1, delta=0.1, constant=1.0))
    9586
    """
    return constant * float(d) ** 5 * layers**2 / eps**2 * math.log(d * layers / delta)


def malach_factor(*, d: int, layers: int, constant: float) -> float:
    r"""Return how many times wider than the target the random network is.

    .. math:: C\, d^4 l^2

    Parameters
    ----------
    d : int
        Width of the target.
    layers : int
        Layers l of the target.
    constant : float
        C, which holds the dependence on error and probability.

    Returns
    -------
    float
        Width of the source by width of the target.

    Notes
    -----
    Source: Malach and others 2020; found in the abstract of Pensia and others 2020.

    Examples
    --------
    >>> malach_factor(d=2, layers=3, constant=1.0)
    144.0
    """
    return constant * float(d) ** 4 * layers**2


def malach_overhead(*, m: int, eps: float, constant: float) -> float:
    r"""Return the weights of the source for each weight of the target.

    .. math:: \frac{m}{m_t} = C\, \frac{m_t^2}{\epsilon^2} \log_2 \frac{m_t}{\epsilon}

    Parameters
    ----------
    m : int
        Weights :math:`m_t = d^2 l` of a target of uniform width.
    eps : float
        Error of the output over the unit ball.
    constant : float
        C.

    Returns
    -------
    float

    Notes
    -----
    Source: Malach and others 2020; found in Natale and others 2024, section 4.

    Examples
    --------
    >>> malach_overhead(m=16, eps=0.5, constant=1.0)
    5120.0
    """
    return constant * m**2 / eps**2 * math.log2(m / eps)


def malach_density(*, m: int, eps: float, constant: float) -> float:
    r"""Return the density of the tickets, up to a factor and logarithms.

    .. math:: \gamma = C\, \frac{\epsilon^2}{m_t^2}

    Parameters
    ----------
    m : int
        Weights :math:`m_t = d^2 l` of a target of uniform width.
    eps : float
        Error of the output over the unit ball.
    constant : float
        C.

    Returns
    -------
    float
        Density, kept / total.

    Notes
    -----
    Source: Malach and others 2020; found in Natale and others 2024, section 4, with logarithms hidden.

    Examples
    --------
    >>> malach_density(m=16, eps=0.5, constant=1.0)
    0.0009765625
    """
    return constant * eps**2 / m**2


def malach_active(*, d: int, n: int, layers: int, constant: float) -> float:
    r"""Return the weights that are kept.

    .. math:: C\, (d\, n + n^2 l)

    Parameters
    ----------
    d : int
        Inputs.
    n : int
        Width of the target.
    layers : int
        Layers l of the target.
    constant : float
        C.

    Returns
    -------
    float
        Weights, before they are rounded up.

    Notes
    -----
    Source: Malach and others 2020, Theorem 2.1; recalled, unverified.

    Examples
    --------
    >>> malach_active(d=3, n=2, layers=5, constant=1.0)
    26.0
    """
    return constant * (d * n + n**2 * layers)


def neuron_features(*, d: int, constant: float) -> float:
    r"""Return how many random features, or how large weights, a single ReLU neuron asks for.

    .. math:: e^{C d}

    Parameters
    ----------
    d : int
        Inputs.
    constant : float
        C, in the exponent.

    Returns
    -------
    float
        Features, or size of weights.

    Notes
    -----
    Source: Malach and others 2020, pruning of neurons, by the theorem of Yehudai and Shamir on random features;
    recalled, unverified.

    Examples
    --------
    >>> round(neuron_features(d=10, constant=1.0))
    22026
    """
    return math.exp(constant * d)


def orseau_neurons(*, d: int, eps: float, delta: float, constant: float) -> float:
    r"""Return the neurons of the source for each weight of the target.

    .. math:: C \ln \frac{d}{\min(\epsilon, \delta)}

    Parameters
    ----------
    d : int
        Width of the target.
    eps : float
        Error.
    delta : float
        Probability of failure.
    constant : float
        C, which depends on the depth.

    Returns
    -------
    float
        Neurons, before they are rounded up.

    Notes
    -----
    Source: Orseau, Hutter and Rivasplata 2020, abstract; found: a logarithmic number in all variables but depth. Which
    variables these are is read into it here: width, error and probability. The base of the logarithm is taken to be e.

    Examples
    --------
    >>> round(orseau_neurons(d=100, eps=0.01, delta=0.1, constant=1.0), 2)
    9.21
    """
    return constant * math.log(d / min(eps, delta))


_D = whole("width of the target")
_LAYERS = whole("layers of the target")
_EPS = small("error of the output over the unit ball")
_FAILURE = small("probability of failure that is allowed")
_WEIGHTS = whole("weights m_t = d^2 l of the target", most=10**9)
_NORMS = (
    Assumption(words="||W_i||_2 <= 1, ||W_i||_max <= 1 / sqrt(fan-in) and ||x||_2 <= 1"),
    Assumption(words="all random weights are independent, from U[-1, 1]"),
)
_UNIFORM = Assumption(words="all layers of the target have the same width")

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="malach2020.width",
        title="width of a random network, one close weight for each of the target's",
        citation=f"{MALACH}, Theorem 2.1",
        statement=(
            "Source of 2l layers and width C d^5 l^2 / eps^2 ln(d l / delta): with probability at least 1 - delta a "
            "subnetwork is within eps of the target over the unit ball."
        ),
        quantity="hidden width",
        direction="sufficient",
        provenance="recalled",
        formula=malach_width,
        parameters={"d": _D, "layers": _LAYERS, "eps": _EPS, "delta": _FAILURE},
        assumptions=_NORMS,
        constant="d^5 l^2 / eps^2 ln(d l / delta)",
        count=True,
        caveat="the power d^5 l^2 is found in Kumar and Natale 2025",
    ),
    Bound(
        key="malach2020.factor",
        title="how many times wider than the target",
        citation=f"{MALACH} (abstract of Pensia et al. 2020)",
        statement="A random network O(d^4 l^2) times wider and twice as deep contains the target.",
        quantity="width of the source by width of the target",
        direction="sufficient",
        provenance="found",
        formula=malach_factor,
        parameters={"d": _D, "layers": _LAYERS},
        constant="d^4 l^2, with the dependence on error and probability",
    ),
    Bound(
        key="malach2020.overhead",
        title="weights of the source for each weight of the target",
        citation=f"{MALACH} (Natale et al. 2024, section 4)",
        statement="m / m_t = C (m_t^2 / eps^2) log2(m_t / eps), m_t = d^2 l.",
        quantity="weights for each weight",
        direction="sufficient",
        provenance="found",
        formula=malach_overhead,
        parameters={"m": _WEIGHTS, "eps": _EPS},
        assumptions=(_UNIFORM,),
        constant="(m_t^2 / eps^2) log2(m_t / eps)",
    ),
    Bound(
        key="malach2020.density",
        title="density of the tickets",
        citation=f"{MALACH} (Natale et al. 2024, section 4)",
        statement="gamma = C eps^2 / m_t^2 up to logarithms, m_t = d^2 l: the ticket has the size of the target.",
        quantity="density",
        direction="estimate",
        provenance="found",
        formula=malach_density,
        parameters={
            "m": whole("weights m_t = d^2 l of the target", most=10**9, monotone=-1),
            "eps": small("error of the output over the unit ball", monotone=1),
        },
        assumptions=(_UNIFORM,),
        constant="eps^2 / m_t^2, with logarithms",
    ),
    Bound(
        key="malach2020.active",
        title="weights that are kept",
        citation=f"{MALACH}, Theorem 2.1",
        statement="O(d n + n^2 l) weights are kept, d inputs and width n of the target.",
        quantity="weights",
        direction="sufficient",
        provenance="recalled",
        formula=malach_active,
        parameters={"d": whole("inputs"), "n": whole("width of the target"), "layers": _LAYERS},
        assumptions=_NORMS,
        constant="d n + n^2 l",
        count=True,
    ),
    Bound(
        key="malach2020.neurons",
        title="random features that one ReLU neuron asks for when only neurons are removed",
        citation=f"{MALACH}, pruning of neurons",
        statement=(
            "Removing neurons of one hidden layer is as weak as random features, up to polynomial factors; these "
            "approximate a single ReLU neuron over Gaussian inputs only with exp(Omega(d)) features or such weights."
        ),
        quantity="features, or size of weights",
        direction="necessary",
        provenance="recalled",
        formula=neuron_features,
        parameters={"d": whole("inputs", most=700)},
        constant="d, in the exponent",
    ),
    Bound(
        key="orseau2020.neurons",
        title="neurons for each weight of the target",
        citation=ORSEAU,
        statement="A number of neurons for each weight of the target that is logarithmic in all variables but depth.",
        quantity="neurons for one weight",
        direction="sufficient",
        provenance="found",
        formula=orseau_neurons,
        parameters={"d": _D, "eps": small("error that is allowed"), "delta": _FAILURE},
        constant="ln(d / min(eps, delta)), depending on the depth",
        count=True,
        caveat="its abstract names no formula: width, error and probability are read into the logarithm here",
    ),
)
